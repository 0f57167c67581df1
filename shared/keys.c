/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * keys.c - the names of everything Gatepost keeps in memcached
 */
#include "shared/keys.h"

#include "shared/address.h"

#include <inttypes.h>
#include <stdio.h>

/* Written by hand: policyd names half a dozen for every request. */
static void key(char out[GP_KEY_MAX], const char *prefix, const char *kind, const char *of)
{
    struct gp_buf b = gp_buf_on(out, GP_KEY_MAX);
    gp_buf_putz(&b, prefix);
    gp_buf_put(&b, GP_STR(":"));
    gp_buf_putz(&b, kind);
    gp_buf_put(&b, GP_STR(":"));
    gp_buf_putz(&b, of);
}

static void key_ip(char out[GP_KEY_MAX], const char *prefix, const char *kind, const struct gp_ip *ip)
{
    char text[GP_IP_TEXT];
    gp_ip_text(ip, text);
    key(out, prefix, kind, text);
}

void gp_key_usage(char out[GP_KEY_MAX], const char *prefix, const char *agency)
{
    key(out, prefix, "usage", agency);
}

void gp_key_sessions(char out[GP_KEY_MAX], const char *prefix, const char *agency)
{
    key(out, prefix, "sessions", agency);
}

void gp_key_limit(char out[GP_KEY_MAX], const char *prefix, const char *agency, enum gp_limit_name name)
{
    char of[GP_KEY_MAX];
    struct gp_buf b = gp_buf_on(of, sizeof of);
    gp_buf_putz(&b, agency);
    gp_buf_put(&b, GP_STR(":"));
    gp_buf_putz(&b, gp_limit_label(name));
    key(out, prefix, "limit", of);
}

void gp_key_block_agency(char out[GP_KEY_MAX], const char *prefix, const char *agency)
{
    key(out, prefix, "block", agency);
}

void gp_key_block_address(char out[GP_KEY_MAX], const char *prefix, const struct gp_ip *ip)
{
    key_ip(out, prefix, "block", ip);
}

void gp_key_pause(char out[GP_KEY_MAX], const char *prefix, const char *agency)
{
    key(out, prefix, "pause", agency);
}

void gp_key_ban(char out[GP_KEY_MAX], const char *prefix, const struct gp_ip *ip)
{
    key_ip(out, prefix, "ban", ip);
}

void gp_key_failures(char out[GP_KEY_MAX], const char *prefix, const struct gp_ip *ip)
{
    key_ip(out, prefix, "failures", ip);
}

/* FNV-1a of the address in lower case: an address may hold what no key can. */
static void key_recipient(char out[GP_KEY_MAX], const char *prefix, const char *kind, const char *agency,
                          struct gp_str recipient)
{
    char lower[GP_ADDRESS_MAX + 1];
    struct gp_buf b = gp_buf_on(lower, sizeof lower);
    gp_buf_put_lower(&b, recipient);
    snprintf(out, GP_KEY_MAX, "%s:%s:%s:%016" PRIx64, prefix, kind, agency, gp_str_hash(gp_buf_str(&b)));
}

void gp_key_retest(char out[GP_KEY_MAX], const char *prefix, const char *agency, struct gp_str recipient)
{
    key_recipient(out, prefix, "retest", agency, recipient);
}

void gp_key_auto_reply(char out[GP_KEY_MAX], const char *prefix, const char *agency, struct gp_str recipient)
{
    key_recipient(out, prefix, "autoreply", agency, recipient);
}
