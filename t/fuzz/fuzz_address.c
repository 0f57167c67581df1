/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_address.c - mailboxes, paths, domains and trust list entries from foreign bytes
 *
 * The first octet says whether SMTPUTF8 is on. What is accepted must keep the promises of address.h and ip.h.
 */
#include "shared/address.h"
#include "shared/ip.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool promise)
{
    if (!promise)
        abort();
}

static void check_mailbox(const struct gp_mailbox *m, bool utf8)
{
    must(m->local.n >= 1 && m->local.n <= 64);
    must(m->domain.n >= 1 && m->domain.n <= GP_DOMAIN_MAX);
    must(m->domain.p == m->local.p + m->local.n + 1 && m->domain.p[-1] == '@');
    must(m->local.n + 1 + m->domain.n <= GP_ADDRESS_MAX);
    must(utf8 || !m->utf8);
    for (const char *p = m->local.p; p < m->domain.p + m->domain.n; p++)
        must((unsigned char)*p >= ' ' && *p != 127 && (utf8 || (unsigned char)*p < 127));
    must(m->domain.p[0] == '[' || gp_domain_valid(m->domain, utf8));
}

/* a path around an accepted mailbox is accepted too, and names the same mailbox */
static void check_path_of(struct gp_str s, bool utf8)
{
    char text[GP_ADDRESS_MAX + 3];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    struct gp_mailbox m;

    gp_buf_put(&b, GP_STR("<"));
    gp_buf_put(&b, s);
    gp_buf_put(&b, GP_STR(">"));
    must(!b.full && gp_path_parse(gp_buf_str(&b), utf8, &m) == NULL);
    must(m.local.n + 1 + m.domain.n == s.n);
}

static void check_ip(struct gp_str s)
{
    struct gp_ip ip, again;
    char text[GP_IP_TEXT];

    if (gp_ip_parse(s, &ip)) {
        gp_ip_text(&ip, text);
        must(gp_ip_parse(gp_str_z(text), &again) && gp_ip_cmp(&ip, &again) == 0);
    }
    if (gp_ip_parse_entry(s, &ip) == NULL) {
        gp_ip_text(&ip, text);
        must(gp_ip_parse_entry(gp_str_z(text), &again) == NULL && gp_ip_cmp(&ip, &again) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gp_mailbox m;

    if (n == 0)
        return 0;
    bool utf8 = data[0] & 1;
    struct gp_str s = {(const char *)data + 1, n - 1};
    if (gp_mailbox_parse(s, utf8, &m) == NULL) {
        check_mailbox(&m, utf8);
        check_path_of(s, utf8);
    }
    if (gp_path_parse(s, utf8, &m) == NULL && m.domain.n > 0)
        check_mailbox(&m, utf8);
    must(!gp_domain_valid(s, utf8) || (s.n > 0 && s.n <= GP_DOMAIN_MAX));
    check_ip(s);
    return 0;
}
