/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * keys.c - the names of everything Gatepost keeps in memcached
 */
#include "shared/keys.h"

#include <stdio.h>

static void key(char out[GP_KEY_MAX], const char *prefix, const char *kind, const char *of)
{
    snprintf(out, GP_KEY_MAX, "%s:%s:%s", prefix, kind, of);
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
    snprintf(out, GP_KEY_MAX, "%s:limit:%s:%s", prefix, agency, gp_limit_label(name));
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
