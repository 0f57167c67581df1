/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * zone.c - the DNS records that a configuration asks for
 */
#include "ctl/zone.h"

#include "shared/address.h"
#include "shared/dmarc.h"
#include "shared/spf_advice.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_MAX 4096 /* hundreds of egress addresses fit */
#define STRING_MAX 255 /* octets of one string of a TXT record */
#define MX_PREFERENCE 10

static const char *const kind_name[] = {
    [GP_ZONE_MX] = "mx",       [GP_ZONE_SPF] = "spf",         [GP_ZONE_DKIM] = "dkim",
    [GP_ZONE_DMARC] = "dmarc", [GP_ZONE_REPORTS] = "reports", [GP_ZONE_NOTE] = "note",
};
static const char *const state_name[] = {
    [GP_ZONE_UNASKED] = "unasked", [GP_ZONE_OK] = "ok",           [GP_ZONE_MISSING] = "missing",
    [GP_ZONE_DIFFERS] = "differs", [GP_ZONE_UNKNOWN] = "unknown",
};

const char *gp_zone_type(enum gp_zone_kind kind)
{
    return kind == GP_ZONE_MX ? "MX" : "TXT";
}

const char *gp_zone_kind_name(enum gp_zone_kind kind)
{
    return kind_name[kind];
}

const char *gp_zone_state_name(enum gp_zone_state state)
{
    return state_name[state];
}

/* --- the list ----------------------------------------------------------------------------------------------------- */

/* Of MX, SPF and DMARC there can be one of a name; of the others the same one again is none more. */
static bool has(const struct gp_zone *z, enum gp_zone_kind kind, const char *name, const char *value)
{
    for (size_t i = 0; i < z->n; i++) {
        const struct gp_zone_record *r = &z->record[i];
        bool alone = kind != GP_ZONE_DKIM && kind != GP_ZONE_NOTE;
        if (r->kind == kind && r->name != NULL && name != NULL && strcmp(r->name, name) == 0 &&
            (alone || strcmp(r->value, value) == 0))
            return true;
    }
    return false;
}

/* name: NULL for a note, else a domain, which what stands before it (prefix) makes an owner. */
static void add(struct gp_zone *z, const struct gp_agency *a, enum gp_zone_kind kind, const char *prefix,
                const char *name, const char *value)
{
    char owner[2 * GP_DOMAIN_MAX + 2], ascii[GP_DOMAIN_MAX + 1] = "";
    struct gp_buf b = gp_buf_on(owner, sizeof owner);
    if (name != NULL && !gp_domain_ascii(gp_str_z(name), ascii))
        return;
    gp_buf_printf(&b, "%s%s", prefix, ascii);
    if (has(z, kind, name != NULL ? owner : NULL, value))
        return;
    if (z->n == z->room) {
        size_t room = z->room == 0 ? 32 : 2 * z->room;
        struct gp_zone_record *bigger = reallocarray(z->record, room, sizeof *bigger);
        if (bigger == NULL) {
            z->failed = true;
            return;
        }
        z->record = bigger;
        z->room = room;
    }
    struct gp_zone_record r = {.agency = a, .kind = kind, .value = strdup(value)};
    if (name != NULL)
        r.name = strdup(owner);
    z->failed |= r.value == NULL || (name != NULL && r.name == NULL);
    if (z->failed) {
        free(r.value);
        free(r.name);
        return;
    }
    z->record[z->n++] = r;
}

void gp_zone_free(struct gp_zone *z)
{
    for (size_t i = 0; i < z->n; i++) {
        free(z->record[i].name);
        free(z->record[i].value);
        free(z->record[i].found);
    }
    free(z->record);
    *z = (struct gp_zone){0};
}

static void note(struct gp_zone *z, const struct gp_agency *a, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void note(struct gp_zone *z, const struct gp_agency *a, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    add(z, a, GP_ZONE_NOTE, "", NULL, text);
}

/* --- the relay ---------------------------------------------------------------------------------------------------- */

static void egress_spf(const struct gp_config *c, struct gp_buf *b)
{
    char ip[GP_IP_TEXT];
    gp_buf_putz(b, "v=spf1");
    for (size_t i = 0; i < c->egress_n; i++) {
        gp_ip_text(&c->egress[i], ip);
        gp_buf_printf(b, " ip%c:%s", gp_ip_is_v4(&c->egress[i]) ? '4' : '6', ip);
    }
    gp_buf_putz(b, " -all");
}

static void add_keys(struct gp_zone *z, const struct gp_agency *a, const struct gp_dkim_key *key, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char prefix[GP_DKIM_SELECTOR_MAX + sizeof "._domainkey."];
        struct gp_buf b = gp_buf_on(prefix, sizeof prefix);
        gp_buf_printf(&b, "%s._domainkey.", key[i].selector);
        add(z, a, GP_ZONE_DKIM, prefix, key[i].domain, key[i].record);
    }
}

static bool same_organization(const char *a, const char *b)
{
    return gp_dmarc_aligned(gp_str_z(a), gp_str_z(b), false);
}

void gp_zone_relay(struct gp_zone *z, const struct gp_config *c)
{
    char spf[VALUE_MAX], policy[512], reports[GP_DOMAIN_MAX + 32];
    struct gp_buf s = gp_buf_on(spf, sizeof spf), p = gp_buf_on(policy, sizeof policy),
                  r = gp_buf_on(reports, sizeof reports);
    add(z, NULL, GP_ZONE_MX, "", c->return_path, c->relay_name);
    if (c->egress_n > 0) {
        egress_spf(c, &s);
        add(z, NULL, GP_ZONE_SPF, "", c->return_path, spf);
        add(z, NULL, GP_ZONE_SPF, "", c->relay_name, spf); /* what receivers check of the null sender */
    } else {
        note(z, NULL, "egress names no address: what SPF is to allow is not known");
    }
    add_keys(z, NULL, c->dkim, c->dkim_n);
    if (c->dkim_n == 0)
        note(z, NULL, "dkim names no key of the relay");
    gp_buf_printf(&p, "v=DMARC1; p=none; rua=mailto:postmaster@%s", c->return_path);
    add(z, NULL, GP_ZONE_DMARC, "_dmarc.", c->relay_name, policy);
    gp_buf_printf(&r, "%s._report._dmarc.", c->relay_name);
    if (!same_organization(c->relay_name, c->return_path))
        add(z, NULL, GP_ZONE_REPORTS, reports, c->return_path, "v=DMARC1");
}

/* --- an agency ---------------------------------------------------------------------------------------------------- */

/* Reports go to the contact, when it is of the same organization (else it would have to agree: RFC 7489 7.1) and needs
 * no escapes in a URI.
 */
static bool may_report(const struct gp_agency *a, const char *domain)
{
    const char *at = a->contact != NULL ? strrchr(a->contact, '@') : NULL;
    const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+@";
    return at != NULL && strspn(a->contact, plain) == strlen(a->contact) && same_organization(at + 1, domain);
}

/* Is there another of its sender domains whose policy would hold for this one? */
static bool covered(const struct gp_agency *a, const char *domain)
{
    struct gp_str organizational = gp_dmarc_organizational(gp_str_z(domain));
    for (size_t i = 0; i < a->sender_domains.n && organizational.n < strlen(domain); i++) {
        if (gp_str_eq_nocase(gp_str_z(a->sender_domains.v[i]), organizational))
            return true;
    }
    return false;
}

static void add_domain(struct gp_zone *z, const struct gp_config *c, const struct gp_agency *a, const char *domain)
{
    char spf[VALUE_MAX], policy[512];
    struct gp_buf s = gp_buf_on(spf, sizeof spf), p = gp_buf_on(policy, sizeof policy);
    gp_spf_correct(NULL, 0, gp_str_z(c->return_path), &s);
    add(z, a, GP_ZONE_SPF, "", domain, spf);
    if (covered(a, domain))
        return;
    gp_buf_putz(&p, "v=DMARC1; p=none");
    if (may_report(a, domain))
        gp_buf_printf(&p, "; rua=mailto:%s", a->contact);
    add(z, a, GP_ZONE_DMARC, "_dmarc.", domain, policy);
}

/* Does no signature of this domain's mail bring a DMARC pass, even in relaxed mode? */
static bool unsigned_by_its_own(const struct gp_config *c, const struct gp_agency *a, const char *domain)
{
    const char *name = domain[0] == '.' ? domain + 1 : domain;
    const struct gp_dkim_key *key[GP_SIGNERS_MAX];
    size_t n = gp_config_signers(c, a, gp_str_z(name), key);
    for (size_t i = 0; i < n; i++) {
        if (same_organization(key[i]->domain, name))
            return false;
    }
    return true;
}

void gp_zone_agency(struct gp_zone *z, const struct gp_config *c, const struct gp_agency *a)
{
    add_keys(z, a, a->dkim, a->dkim_n);
    for (size_t i = 0; i < a->sender_domains.n; i++) {
        if (unsigned_by_its_own(c, a, a->sender_domains.v[i]))
            note(z, a,
                 "%s: no key signs in its name, so DKIM gives its mail no DMARC pass; gatepostctl dkim new makes one",
                 a->sender_domains.v[i]);
    }
    for (size_t i = 0; i < a->sender_domains.n; i++) {
        const char *domain = a->sender_domains.v[i];
        if (domain[0] != '.')
            add_domain(z, c, a, domain);
        else
            note(z, a, "each name below %s that stands in From addresses: an SPF record with include:%s", domain + 1,
                 c->return_path);
    }
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

/* RFC 1035 5.1 */
static void put_string(struct gp_buf *b, struct gp_str s)
{
    gp_buf_putz(b, " \"");
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\')
            gp_buf_printf(b, "\\%c", c);
        else if (c >= ' ' && c < 0x7F)
            gp_buf_put(b, (struct gp_str){&s.p[i], 1});
        else
            gp_buf_printf(b, "\\%03u", c);
    }
    gp_buf_putz(b, "\"");
}

void gp_zone_line(const struct gp_zone_record *r, char out[GP_ZONE_LINE_MAX])
{
    struct gp_buf b = gp_buf_on(out, GP_ZONE_LINE_MAX);
    struct gp_str rest = gp_str_z(r->value);
    if (r->kind == GP_ZONE_NOTE) {
        gp_buf_printf(&b, "; %s", r->value);
        return;
    }
    gp_buf_printf(&b, "%s. IN %s ", r->name, gp_zone_type(r->kind));
    if (r->kind == GP_ZONE_MX) {
        gp_buf_printf(&b, "%d %s.", MX_PREFERENCE, r->value);
        return;
    }
    gp_buf_putz(&b, "(");
    while (rest.n > 0) {
        size_t n = rest.n < STRING_MAX ? rest.n : STRING_MAX;
        put_string(&b, (struct gp_str){rest.p, n});
        rest = (struct gp_str){rest.p + n, rest.n - n};
    }
    gp_buf_putz(&b, " )");
}
