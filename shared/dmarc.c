/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dmarc.c - what DMARC will say of a message, organizational domains by the public suffix list
 */
#include "shared/dmarc.h"

#include "shared/address.h"
#include "shared/taglist.h"

#include <libpsl.h>
#include <pthread.h>
#include <string.h>

enum tag { TAG_V, TAG_P, TAG_SP, TAG_ADKIM, TAG_ASPF, TAG_PCT, TAG_RUA, TAG_COUNT };
static const char *const tag_name[TAG_COUNT] = {"v", "p", "sp", "adkim", "aspf", "pct", "rua"};

static const char *const action_name[] = {
    [GP_DMARC_DO_NONE] = "none", [GP_DMARC_DO_QUARANTINE] = "quarantine", [GP_DMARC_DO_REJECT] = "reject"};

static const char *const result_name[] = {[GP_DMARC_PASS] = "pass",
                                          [GP_DMARC_FAIL] = "fail",
                                          [GP_DMARC_NO_POLICY] = "no-policy",
                                          [GP_DMARC_NOT_KNOWN] = "unknown"};

const char *gp_dmarc_name(enum gp_dmarc_result r)
{
    return result_name[r];
}

const char *gp_dmarc_action_name(enum gp_dmarc_action a)
{
    return action_name[a];
}

/* --- organizational domains ------------------------------------------------------------------------------------- */

static pthread_once_t list_once = PTHREAD_ONCE_INIT;
static const psl_ctx_t *list; /* never changes once it was read */

static void list_read(void)
{
    list = psl_latest(NULL); /* Debian's file, or what is built in when that is newer or the file is missing */
    if (list == NULL)
        list = psl_builtin();
}

struct gp_str gp_dmarc_organizational(struct gp_str domain)
{
    char z[GP_DOMAIN_MAX + 1];
    if (domain.n == 0 || domain.n > GP_DOMAIN_MAX || memchr(domain.p, '\0', domain.n) != NULL)
        return domain;
    struct gp_buf b = gp_buf_on(z, sizeof z);
    gp_buf_put_lower(&b, domain);
    pthread_once(&list_once, list_read);
    const char *found = list != NULL ? psl_registrable_domain(list, z) : NULL;
    size_t skip = found != NULL ? (size_t)(found - z) : 0;
    return (struct gp_str){domain.p + skip, domain.n - skip};
}

bool gp_dmarc_aligned(struct gp_str a, struct gp_str b, bool strict)
{
    if (a.n == 0 || b.n == 0)
        return false;
    return gp_str_eq_nocase(a, b) ||
           (!strict && gp_str_eq_nocase(gp_dmarc_organizational(a), gp_dmarc_organizational(b)));
}

/* --- the record -------------------------------------------------------------------------------------------------- */

/* RFC 7489 6.6.3, step 2: what does not begin so is somebody else's record. */
static bool is_record(struct gp_str text)
{
    struct gp_str name, value;
    return text.n > 0 && (text.p[0] == 'v' || text.p[0] == 'V') && gp_tag_next(&text, &name, &value) && name.n == 1 &&
           gp_str_eq(value, GP_STR("DMARC1"));
}

/* The values of the tags that matter here, by enum tag; .p is NULL when it is missing. A tag that stands twice spoils
 * the whole record (RFC 6376 3.2).
 */
static bool read_tags(struct gp_str text, struct gp_str tag[TAG_COUNT])
{
    struct gp_str name, value;
    while (gp_tag_next(&text, &name, &value)) {
        for (size_t i = 0; i < TAG_COUNT; i++) {
            if (value.p == NULL || !gp_str_eq_nocase(name, gp_str_z(tag_name[i])))
                continue;
            if (tag[i].p != NULL)
                return false;
            tag[i] = value;
        }
    }
    return true;
}

static bool read_action(struct gp_str value, enum gp_dmarc_action *out)
{
    for (enum gp_dmarc_action i = GP_DMARC_DO_NONE; i <= GP_DMARC_DO_REJECT; i++) {
        if (gp_str_eq_nocase(value, gp_str_z(action_name[i]))) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* Is one of them scheme:something? */
static bool has_address(struct gp_str uris)
{
    struct gp_str uri;
    while (gp_str_split(&uris, ',', &uri)) {
        uri = gp_str_trim(uri);
        size_t colon = gp_str_find(uri, ':'), i = 0;
        while (i < colon && (gp_is_letter(uri.p[i]) || (i > 0 && gp_is_digit(uri.p[i]))))
            i++;
        if (colon > 0 && i == colon && colon + 1 < uri.n)
            return true;
    }
    return false;
}

bool gp_dmarc_record(struct gp_str text, bool subdomain, struct gp_dmarc_policy *out)
{
    struct gp_str tag[TAG_COUNT] = {{NULL, 0}};
    enum gp_dmarc_action p, sp;
    uint64_t percent = 100;
    *out = (struct gp_dmarc_policy){.state = GP_DMARC_NONE, .percent = 100, .organizational = subdomain};
    if (!is_record(text) || !read_tags(text, tag))
        return false;
    bool good = read_action(tag[TAG_P], &p);
    if (tag[TAG_SP].p == NULL)
        sp = good ? p : GP_DMARC_DO_NONE;
    else if (!read_action(tag[TAG_SP], &sp))
        good = false;
    if (!good && !has_address(tag[TAG_RUA]))
        return false;
    out->state = GP_DMARC_POLICY;
    if (!good)
        return true; /* as if it read p=none and nothing else: its owner wants reports */
    gp_str_u64(tag[TAG_PCT], 100, &percent);
    out->action = subdomain ? sp : p;
    out->strict_dkim = gp_str_eq_nocase(tag[TAG_ADKIM], GP_STR("s"));
    out->strict_spf = gp_str_eq_nocase(tag[TAG_ASPF], GP_STR("s"));
    out->percent = (unsigned)percent;
    return true;
}

/* --- where it is published --------------------------------------------------------------------------------------- */

/* One name. Returns whether the search ends here, with *out as it is to be. */
static bool ask(struct gp_dns *d, struct gp_str domain, bool subdomain, uint64_t deadline_ms,
                struct gp_dmarc_policy *out)
{
    char name[GP_DOMAIN_MAX + 1];
    struct gp_dns_answer answer;
    struct gp_str text = {NULL, 0};
    size_t records = 0;
    struct gp_buf b = gp_buf_on(name, sizeof name);
    gp_buf_putz(&b, "_dmarc.");
    gp_buf_put(&b, domain);
    if (b.full)
        return false;
    gp_dns_query(d, name, GP_DNS_TXT, deadline_ms, &answer);
    uint32_t ttl_s = answer.ttl_s < out->ttl_s ? answer.ttl_s : out->ttl_s;
    for (size_t i = 0; answer.state == GP_DNS_FOUND && i < answer.n; i++) {
        struct gp_str one = {answer.record[i].text, answer.record[i].n};
        if (is_record(one)) {
            records++;
            text = one;
        }
    }
    if (records != 1 || !gp_dmarc_record(text, subdomain, out))
        *out = (struct gp_dmarc_policy){.state = answer.state == GP_DNS_TROUBLE ? GP_DMARC_UNKNOWN : GP_DMARC_NONE,
                                        .percent = 100};
    out->ttl_s = ttl_s;
    gp_dns_answer_free(&answer);
    return records > 0 || out->state == GP_DMARC_UNKNOWN;
}

void gp_dmarc_find(struct gp_dns *d, struct gp_str domain, uint64_t deadline_ms, struct gp_dmarc_policy *out)
{
    char ascii[GP_DOMAIN_MAX + 1];
    *out = (struct gp_dmarc_policy){.state = GP_DMARC_NONE, .percent = 100, .ttl_s = GP_DNS_TTL_MOST};
    if (!gp_domain_ascii(domain, ascii))
        return;
    struct gp_str exact = gp_str_z(ascii), organizational = gp_dmarc_organizational(exact);
    if (!ask(d, exact, false, deadline_ms, out) && organizational.n < exact.n)
        ask(d, organizational, true, deadline_ms, out);
}

/* --- the judgement ----------------------------------------------------------------------------------------------- */

struct gp_dmarc_forecast gp_dmarc_judge(const struct gp_dmarc_facts *f, const struct gp_dmarc_policy *p)
{
    struct gp_dmarc_forecast out = {.result = GP_DMARC_PASS};
    bool known = p->state != GP_DMARC_UNKNOWN; /* until then only what is aligned in strict mode is sure */
    bool path_aligned = gp_dmarc_aligned(f->from, f->return_path, p->strict_spf || !known);
    for (size_t i = 0; i < f->signatures; i++)
        out.dkim_aligned |= gp_dmarc_aligned(f->from, f->signature[i], p->strict_dkim || !known);
    out.spf_aligned = path_aligned && f->spf == GP_SPF_PASS;
    if (out.spf_aligned || out.dkim_aligned)
        return out;
    if (f->from.n == 0)
        out.result = GP_DMARC_FAIL;
    else if (!known || (path_aligned && f->spf == GP_SPF_UNKNOWN))
        out.result = GP_DMARC_NOT_KNOWN;
    else
        out.result = p->state == GP_DMARC_NONE ? GP_DMARC_NO_POLICY : GP_DMARC_FAIL;
    return out;
}
