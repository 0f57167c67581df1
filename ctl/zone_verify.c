/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * zone_verify.c - are the records that a configuration asks for published?
 */
#include "ctl/zone_verify.h"

#include "ctl/output.h"
#include "shared/clock.h"
#include "shared/dmarc.h"
#include "shared/spf.h"
#include "shared/spf_advice.h"
#include "shared/spf_record.h"
#include "shared/taglist.h"

#include <stdlib.h>
#include <string.h>

#define FOUND_MAX 8192
#define SPF_RECORDS_MAX 16
#define PTR_NAME_MAX 80

/* --- asking ------------------------------------------------------------------------------------------------------- */

static bool given_up(const struct gp_zone_check *v)
{
    return v->wasted_ms >= GP_ZONE_PATIENCE_MS;
}

static void note_trouble(struct gp_zone_check *v, bool trouble, uint64_t began_ms)
{
    v->wasted_ms = trouble ? v->wasted_ms + (gp_clock_monotonic_ms() - began_ms) : 0;
}

static void ask(struct gp_zone_check *v, const char *name, enum gp_dns_type type, struct gp_dns_answer *out)
{
    *out = (struct gp_dns_answer){.state = GP_DNS_TROUBLE, .why = "the DNS does not answer"};
    if (given_up(v))
        return;
    uint64_t now_ms = gp_clock_monotonic_ms();
    gp_dns_query(v->d, name, type, now_ms + GP_ZONE_DEADLINE_MS, out);
    note_trouble(v, out->state == GP_DNS_TROUBLE, now_ms);
}

static struct gp_str text_of(const struct gp_dns_record *r)
{
    return (struct gp_str){r->text, r->n};
}

static void put_line(struct gp_buf *b, struct gp_str foreign)
{
    gp_buf_putz(b, b->n > 0 ? "\n" : "");
    gp_ctl_put_clean(b, foreign);
}

/* Adds what is there, as far as it concerns this kind of record. */
static void put_found(struct gp_buf *b, const struct gp_dns_answer *a, bool (*concerns)(struct gp_str text))
{
    for (size_t i = 0; i < a->n; i++) {
        if (concerns == NULL || concerns(text_of(&a->record[i])))
            put_line(b, text_of(&a->record[i]));
    }
}

/* Nothing of that kind is missing, something else differs. */
static enum gp_zone_state state_of(const struct gp_dns_answer *a, bool good, const struct gp_buf *found)
{
    if (a->state == GP_DNS_TROUBLE)
        return GP_ZONE_UNKNOWN;
    if (good)
        return GP_ZONE_OK;
    return found->n > 0 ? GP_ZONE_DIFFERS : GP_ZONE_MISSING;
}

/* --- MX, DKIM ----------------------------------------------------------------------------------------------------- */

static enum gp_zone_state verify_mx(struct gp_zone_check *v, const struct gp_zone_record *r, struct gp_buf *found)
{
    struct gp_dns_answer a;
    bool good = false;
    ask(v, r->name, GP_DNS_MX, &a);
    for (size_t i = 0; i < a.n; i++)
        good |= gp_str_eq_nocase(text_of(&a.record[i]), gp_str_z(r->value));
    put_found(found, &a, NULL);
    enum gp_zone_state state = state_of(&a, good, found);
    gp_dns_answer_free(&a);
    return state;
}

/* The value of a tag, without the blanks that may stand anywhere in it. */
static void tag_value(struct gp_str list, struct gp_str name, struct gp_buf *b)
{
    struct gp_str value;
    if (!gp_tag_find(list, name, &value))
        return;
    for (size_t i = 0; i < value.n; i++) {
        if (strchr(" \t\r\n", value.p[i]) == NULL)
            gp_buf_put(b, (struct gp_str){&value.p[i], 1});
    }
}

static bool same_key(struct gp_str ours, struct gp_str theirs)
{
    char a[GP_DKIM_RECORD_MAX], b[GP_DKIM_RECORD_MAX];
    struct gp_buf p = gp_buf_on(a, sizeof a), q = gp_buf_on(b, sizeof b);
    tag_value(ours, GP_STR("p"), &p);
    tag_value(theirs, GP_STR("p"), &q);
    return p.n > 0 && !q.full && gp_str_eq(gp_buf_str(&p), gp_buf_str(&q));
}

/* With several records at one name a verifier may take any (RFC 6376 3.6.2.2). */
static enum gp_zone_state verify_dkim(struct gp_zone_check *v, const struct gp_zone_record *r, struct gp_buf *found)
{
    struct gp_dns_answer a;
    ask(v, r->name, GP_DNS_TXT, &a);
    bool good = a.n == 1 && same_key(gp_str_z(r->value), text_of(&a.record[0]));
    put_found(found, &a, NULL);
    enum gp_zone_state state = state_of(&a, good, found);
    gp_dns_answer_free(&a);
    return state;
}

/* --- SPF ---------------------------------------------------------------------------------------------------------- */

/* The worst over all egress addresses; why[] says what it rests on. */
static enum gp_spf_result check_spf(struct gp_zone_check *v, const char *domain, struct gp_buf *why)
{
    enum gp_spf_result worst = GP_SPF_PASS;
    const struct gp_str anybody = {NULL, 0};
    if (v->c->egress_n == 0)
        gp_buf_putz(why, "egress names no address, so nothing can be checked");
    for (size_t i = 0; i < v->c->egress_n && worst != GP_SPF_FAIL && worst != GP_SPF_UNKNOWN; i++) {
        struct gp_spf_answer a = {.result = GP_SPF_UNKNOWN, .why = "the DNS does not answer"};
        char ip[GP_IP_TEXT];
        gp_ip_text(&v->c->egress[i], ip);
        uint64_t now_ms = gp_clock_monotonic_ms();
        if (!given_up(v))
            gp_spf_check(v->d, &v->c->egress[i], anybody, gp_str_z(domain), now_ms + GP_SPF_DEADLINE_MS, NULL, NULL,
                         &a);
        note_trouble(v, a.result == GP_SPF_UNKNOWN, now_ms);
        if (a.result <= worst)
            continue;
        worst = a.result;
        why->n = 0;
        gp_buf_printf(why, "%s from %s: ", gp_spf_name(a.result), ip);
        gp_ctl_put_clean(why, gp_str_z(a.why));
    }
    return v->c->egress_n > 0 ? worst : GP_SPF_UNKNOWN;
}

/* What an agency has, and the relay beside it; the relay's own record is proposed as it was. */
static void correct(const struct gp_zone_record *r, const struct gp_dns_answer *a, const char *include,
                    struct gp_buf *out)
{
    struct gp_str records[SPF_RECORDS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < a->n && n < SPF_RECORDS_MAX; i++) {
        if (gp_spf_is_record(text_of(&a->record[i])))
            records[n++] = text_of(&a->record[i]);
    }
    if (r->agency == NULL)
        gp_buf_putz(out, r->value);
    else
        gp_spf_correct(records, n, gp_str_z(include), out);
}

static enum gp_zone_state verify_spf(struct gp_zone_check *v, struct gp_zone_record *r, struct gp_buf *found)
{
    char text[GP_DNS_TEXT_MAX + 512], why[512];
    struct gp_buf better = gp_buf_on(text, sizeof text), reason = gp_buf_on(why, sizeof why);
    struct gp_dns_answer a;
    enum gp_spf_result result = check_spf(v, r->name, &reason);
    if (result == GP_SPF_PASS)
        return GP_ZONE_OK;
    if (result == GP_SPF_NONE)
        return GP_ZONE_MISSING;
    ask(v, r->name, GP_DNS_TXT, &a);
    put_found(found, &a, gp_spf_is_record);
    gp_buf_putz(found, found->n > 0 ? "\n" : "");
    gp_buf_put(found, gp_buf_str(&reason));
    if (result != GP_SPF_UNKNOWN && a.state == GP_DNS_FOUND) {
        correct(r, &a, v->c->return_path, &better);
        char *value = better.full ? NULL : strdup(text);
        if (value != NULL) {
            free(r->value);
            r->value = value;
        }
    }
    gp_dns_answer_free(&a);
    return result == GP_SPF_UNKNOWN ? GP_ZONE_UNKNOWN : GP_ZONE_DIFFERS;
}

/* --- DMARC -------------------------------------------------------------------------------------------------------- */

static bool is_dmarc(struct gp_str text)
{
    struct gp_str name, value;
    return gp_tag_next(&text, &name, &value) && gp_str_eq_nocase(name, GP_STR("v")) &&
           gp_str_eq(value, GP_STR("DMARC1"));
}

static enum gp_zone_state verify_reports(struct gp_zone_check *v, const struct gp_zone_record *r, struct gp_buf *found)
{
    struct gp_dns_answer a;
    bool good = false;
    ask(v, r->name, GP_DNS_TXT, &a);
    for (size_t i = 0; i < a.n; i++)
        good |= is_dmarc(text_of(&a.record[i]));
    put_found(found, &a, NULL);
    enum gp_zone_state state = state_of(&a, good, found);
    gp_dns_answer_free(&a);
    return state;
}

static enum gp_zone_state verify_dmarc(struct gp_zone_check *v, const struct gp_zone_record *r, struct gp_buf *found)
{
    struct gp_dmarc_policy p = {.state = GP_DMARC_UNKNOWN};
    struct gp_dns_answer a;
    const char *domain = r->name + strlen("_dmarc.");
    uint64_t now_ms = gp_clock_monotonic_ms();
    if (!given_up(v))
        gp_dmarc_find(v->d, gp_str_z(domain), now_ms + GP_ZONE_DEADLINE_MS, &p);
    note_trouble(v, p.state == GP_DMARC_UNKNOWN, now_ms);
    if (p.state == GP_DMARC_UNKNOWN)
        return GP_ZONE_UNKNOWN;
    if (p.state == GP_DMARC_POLICY) {
        gp_buf_printf(found, "policy %s%s", gp_dmarc_action_name(p.action),
                      p.organizational ? ", of the organizational domain" : "");
        return GP_ZONE_OK;
    }
    ask(v, r->name, GP_DNS_TXT, &a); /* one that does not count may be there */
    put_found(found, &a, is_dmarc);
    enum gp_zone_state state = state_of(&a, false, found);
    gp_dns_answer_free(&a);
    return state;
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

static enum gp_zone_state verify_one(struct gp_zone_check *v, struct gp_zone_record *r, struct gp_buf *found)
{
    switch (r->kind) {
    case GP_ZONE_MX:
        return verify_mx(v, r, found);
    case GP_ZONE_SPF:
        return verify_spf(v, r, found);
    case GP_ZONE_DKIM:
        return verify_dkim(v, r, found);
    case GP_ZONE_DMARC:
        return verify_dmarc(v, r, found);
    case GP_ZONE_REPORTS:
        return verify_reports(v, r, found);
    case GP_ZONE_NOTE:
        break;
    }
    return GP_ZONE_UNASKED;
}

size_t gp_zone_verify(struct gp_zone_check *v, struct gp_zone *z)
{
    size_t bad = 0;
    for (size_t i = 0; i < z->n; i++) {
        struct gp_zone_record *r = &z->record[i];
        char text[FOUND_MAX];
        struct gp_buf found = gp_buf_on(text, sizeof text);
        r->state = verify_one(v, r, &found);
        r->found = found.n > 0 ? strdup(text) : NULL;
        bad += r->state != GP_ZONE_OK && r->kind != GP_ZONE_NOTE;
    }
    return bad;
}

/* --- the relay's addresses and names ------------------------------------------------------------------------------ */

/* Sets *there when the name has this address (NULL: any), and lists those it has. */
static enum gp_dns_state addresses_of(struct gp_zone_check *v, const char *name, const char *wanted,
                                      struct gp_buf *list, bool *there)
{
    enum gp_dns_state worst = GP_DNS_FOUND;
    static const enum gp_dns_type types[] = {GP_DNS_A, GP_DNS_AAAA};
    for (size_t k = 0; k < 2; k++) {
        struct gp_dns_answer a;
        ask(v, name, types[k], &a);
        for (size_t i = 0; i < a.n; i++) {
            *there |= wanted == NULL || strcmp(a.record[i].text, wanted) == 0;
            gp_buf_printf(list, "%s%s", list->n > 0 ? ", " : "", a.record[i].text);
        }
        if (a.state > worst)
            worst = a.state;
        gp_dns_answer_free(&a);
    }
    return worst;
}

/* 198.51.100.7 is 7.100.51.198.in-addr.arpa (RFC 1035 3.5), IPv6 goes by nibbles (RFC 3596 2.5). */
static void reverse_name(const struct gp_ip *ip, char out[PTR_NAME_MAX])
{
    struct gp_buf b = gp_buf_on(out, PTR_NAME_MAX);
    bool v4 = gp_ip_is_v4(ip);
    for (size_t i = 16; i > (v4 ? 12 : 0); i--) {
        if (v4)
            gp_buf_printf(&b, "%u.", ip->b[i - 1]);
        else
            gp_buf_printf(&b, "%x.%x.", ip->b[i - 1] & 0xFU, ip->b[i - 1] >> 4);
    }
    gp_buf_putz(&b, v4 ? "in-addr.arpa" : "ip6.arpa");
}

static struct gp_zone_finding find_relay(struct gp_zone_check *v)
{
    struct gp_zone_finding f = {.state = GP_ZONE_OK, .what = "address of relay_name"};
    struct gp_buf b = gp_buf_on(f.text, sizeof f.text);
    bool there = false;
    enum gp_dns_state state = addresses_of(v, v->c->relay_name, NULL, &b, &there);
    if (there)
        return f;
    f.state = state == GP_DNS_TROUBLE ? GP_ZONE_UNKNOWN : GP_ZONE_MISSING;
    gp_buf_printf(&b, "%s %s", v->c->relay_name,
                  f.state == GP_ZONE_UNKNOWN ? "is not known: the DNS does not answer"
                                             : "has neither A nor AAAA record");
    return f;
}

/* Does one of the names have the address? */
static enum gp_zone_state confirm(struct gp_zone_check *v, const struct gp_dns_answer *names, const char *ip,
                                  struct gp_buf *text)
{
    enum gp_zone_state state = GP_ZONE_DIFFERS;
    for (size_t i = 0; i < names->n && i < 4 && state != GP_ZONE_OK; i++) {
        char list[512];
        struct gp_buf b = gp_buf_on(list, sizeof list);
        bool there = false;
        enum gp_dns_state asked = addresses_of(v, names->record[i].text, ip, &b, &there);
        if (there)
            state = GP_ZONE_OK;
        else if (asked == GP_DNS_TROUBLE)
            state = GP_ZONE_UNKNOWN;
        text->n = there ? 0 : text->n;
        gp_buf_putz(text, text->n > 0 ? "; " : "");
        gp_ctl_put_clean(text, text_of(&names->record[i]));
        if (!there)
            gp_buf_printf(text, ", which is %s%s", b.n > 0 ? "" : "no name of any address", list);
    }
    return state;
}

static struct gp_zone_finding find_egress(struct gp_zone_check *v, const struct gp_ip *address)
{
    struct gp_zone_finding f = {.state = GP_ZONE_MISSING};
    char name[PTR_NAME_MAX], ip[GP_IP_TEXT];
    struct gp_dns_answer a;
    struct gp_buf what = gp_buf_on(f.what, sizeof f.what), text = gp_buf_on(f.text, sizeof f.text);
    gp_ip_text(address, ip);
    gp_buf_printf(&what, "name of %s", ip);
    reverse_name(address, name);
    ask(v, name, GP_DNS_PTR, &a);
    if (a.state == GP_DNS_FOUND && a.n > 0) {
        f.state = confirm(v, &a, ip, &text);
    } else if (a.state == GP_DNS_TROUBLE) {
        f.state = GP_ZONE_UNKNOWN;
        gp_buf_putz(&text, a.why);
    } else {
        gp_buf_printf(&text, "no PTR record at %s", name);
    }
    gp_dns_answer_free(&a);
    return f;
}

size_t gp_zone_relay_findings(struct gp_zone_check *v, gp_zone_finding_fn *each, void *arg)
{
    struct gp_zone_finding f = find_relay(v);
    size_t bad = f.state != GP_ZONE_OK;
    each(arg, &f);
    for (size_t i = 0; i < v->c->egress_n; i++) {
        f = find_egress(v, &v->c->egress[i]);
        bad += f.state != GP_ZONE_OK;
        each(arg, &f);
    }
    return bad;
}
