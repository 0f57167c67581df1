/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dmarc_opendmarc.c - the forecast agrees with OpenDMARC's library, on every combination of the tables below
 *
 * Where the library itself is at odds with the RFC it is not asked, or not believed:
 * - strict mode takes only the same domain (RFC 7489 3.1.1), they take any below the From domain as well: see strays();
 * - they take a label of one letter for less than it is (3.2), do not know the list's wildcards
 *   ("*.kobe.jp") in every place, and read of the list its first part only: no such domains here;
 * - records: see test_records().
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/dmarc.h"

#include <opendmarc/dmarc.h>
#include <stdio.h>
#include <string.h>

#define SUFFIXES "/usr/share/publicsuffix/public_suffix_list.dat"
/* in the library, but in no header of it */
int opendmarc_get_tld(u_char *domain, u_char *tld, size_t tld_len);

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* One message of all. */
struct combination {
    const char *from, *record;
    bool organizational; /* the record stands at the organizational domain of from */
    const char *path;
    enum gp_spf_result spf;
    const char *signer;
    bool signature_verifies;
};

static OPENDMARC_LIB_T library;
static unsigned compared, passes, left_out;

static int setup(void **state)
{
    struct gp_buf path = gp_buf_on((char *)library.tld_source_file, sizeof library.tld_source_file);
    (void)state;
    library.tld_type = OPENDMARC_TLD_TYPE_MOZILLA;
    gp_buf_putz(&path, SUFFIXES);
    return opendmarc_policy_library_init(&library) == DMARC_PARSE_OKAY ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    opendmarc_policy_library_shutdown(&library);
    return 0;
}

/* Their functions take u_char * of what they only read. */
static u_char *octets(const char *text, char room[512])
{
    struct gp_buf b = gp_buf_on(room, 512);
    gp_buf_putz(&b, text);
    return (u_char *)room;
}

/* What they are told of an SPF result, as the opendmarc filter tells it: softfail is a fail, the rest is none. */
static int their_spf(enum gp_spf_result r)
{
    if (r == GP_SPF_PASS)
        return DMARC_POLICY_SPF_OUTCOME_PASS;
    if (r == GP_SPF_FAIL || r == GP_SPF_SOFTFAIL)
        return DMARC_POLICY_SPF_OUTCOME_FAIL;
    return DMARC_POLICY_SPF_OUTCOME_NONE;
}

struct outcome {
    bool pass, spf_aligned, dkim_aligned;
    enum gp_dmarc_action action; /* when it does not pass */
};

static struct outcome theirs(const struct combination *c)
{
    char from[512], path[512], signer[512], selector[512], record[512], organizational[512], room[512];
    int dkim, spf;
    struct outcome o = {.action = GP_DMARC_DO_NONE};
    struct gp_str found = gp_dmarc_organizational(gp_str_z(c->from));
    snprintf(room, sizeof room, "%.*s", GP_STR_FMT(found));
    DMARC_POLICY_T *p = opendmarc_policy_connect_init(octets("192.0.2.1", signer), DMARC_POLICY_IP_TYPE_IPV4);
    assert_non_null(p);
    assert_int_equal(opendmarc_policy_store_from_domain(p, octets(c->from, from)), DMARC_PARSE_OKAY);
    assert_int_equal(
        opendmarc_policy_store_spf(p, octets(c->path, path), their_spf(c->spf), DMARC_POLICY_SPF_ORIGIN_MAILFROM, NULL),
        DMARC_PARSE_OKAY);
    assert_int_equal(opendmarc_policy_store_dkim(
                         p, octets(c->signer, signer), octets("gp1", selector),
                         c->signature_verifies ? DMARC_POLICY_DKIM_OUTCOME_PASS : DMARC_POLICY_DKIM_OUTCOME_FAIL, NULL),
                     DMARC_PARSE_OKAY);
    assert_int_equal(opendmarc_policy_store_dmarc(p, octets(c->record, record), octets(c->from, from),
                                                  c->organizational ? octets(room, organizational) : NULL),
                     DMARC_PARSE_OKAY);
    int policy = opendmarc_get_policy_to_enforce(p);
    opendmarc_policy_fetch_alignment(p, &dkim, &spf);
    o.pass = policy == DMARC_POLICY_PASS;
    o.spf_aligned = spf == DMARC_POLICY_SPF_ALIGNMENT_PASS;
    o.dkim_aligned = dkim == DMARC_POLICY_DKIM_ALIGNMENT_PASS;
    if (policy == DMARC_POLICY_REJECT)
        o.action = GP_DMARC_DO_REJECT;
    else if (policy == DMARC_POLICY_QUARANTINE)
        o.action = GP_DMARC_DO_QUARANTINE;
    else
        assert_true(o.pass || policy == DMARC_POLICY_NONE);
    opendmarc_policy_connect_shutdown(p);
    return o;
}

static struct outcome ours(const struct combination *c)
{
    struct gp_dmarc_policy p;
    const struct gp_dmarc_facts f = {.from = gp_str_z(c->from),
                                     .return_path = gp_str_z(c->path),
                                     .spf = c->spf,
                                     .signatures = c->signature_verifies ? 1 : 0,
                                     .signature = {gp_str_z(c->signer)}};
    assert_true(gp_dmarc_record(gp_str_z(c->record), c->organizational, &p));
    struct gp_dmarc_forecast forecast = gp_dmarc_judge(&f, &p);
    bool pass = forecast.result == GP_DMARC_PASS;
    assert_true(pass || forecast.result == GP_DMARC_FAIL);
    return (struct outcome){.pass = pass,
                            .spf_aligned = forecast.spf_aligned,
                            .dkim_aligned = forecast.dkim_aligned,
                            .action = pass ? GP_DMARC_DO_NONE : p.action};
}

static bool below(const char *domain, const char *parent)
{
    size_t n = strlen(domain), m = strlen(parent);
    return n > m && domain[n - m - 1] == '.' && strcmp(domain + n - m, parent) == 0;
}

/* Is it one of those that only they take for aligned? */
static bool strays(const struct combination *c)
{
    bool strict_spf = strstr(c->record, "aspf=s") != NULL, strict_dkim = strstr(c->record, "adkim=s") != NULL;
    return (strict_spf && below(c->path, c->from)) || (strict_dkim && below(c->signer, c->from));
}

static void compare(const struct combination *c)
{
    if (strays(c)) {
        left_out++;
        return;
    }
    struct outcome a = ours(c), b = theirs(c);
    compared++;
    passes += a.pass;
    if (a.pass != b.pass || a.spf_aligned != b.spf_aligned || a.dkim_aligned != b.dkim_aligned || a.action != b.action)
        fail_msg("From %s, \"%s\"%s, return path %s with SPF %s, d=%s %s\n"
                 "ours: pass %d, spf %d, dkim %d, action %d; theirs: pass %d, spf %d, dkim %d, action %d",
                 c->from, c->record, c->organizational ? " (organizational)" : "", c->path, gp_spf_name(c->spf),
                 c->signer, c->signature_verifies ? "verifies" : "does not", a.pass, a.spf_aligned, a.dkim_aligned,
                 (int)a.action, b.pass, b.spf_aligned, b.dkim_aligned, (int)b.action);
}

static const char *const records[] = {
    "v=DMARC1; p=none",
    "v=DMARC1; p=quarantine; adkim=s",
    "v=DMARC1; p=reject; aspf=s",
    "v=DMARC1; p=reject; adkim=s; aspf=s",
    "v=DMARC1; p=reject; sp=none",
    "v=DMARC1; p=none; sp=reject; adkim=s",
    "v=DMARC1; p=quarantine; sp=quarantine; aspf=s",
    "v=DMARC1;p=reject;adkim=r;aspf=r;pct=100;rua=mailto:a@example.gov",
};
static const enum gp_spf_result results[] = {GP_SPF_PASS, GP_SPF_FAIL, GP_SPF_SOFTFAIL, GP_SPF_NONE};

/* From, and three domains: the same, one of the same organization, a foreign one. */
static const char *const domains[][4] = {
    {"dol.gov", "dol.gov", "b.dol.gov", "relay.gov"},
    {"mail.dol.gov", "mail.dol.gov", "dol.gov", "badol.gov"},
    {"mail.example.co.uk", "mail.example.co.uk", "in.news.example.co.uk", "other.co.uk"},
};

static void signatures(struct combination c, const char *const domain[4])
{
    for (size_t i = 1; i < 4; i++) {
        c.signer = domain[i];
        for (int verifies = 0; verifies <= 1; verifies++) {
            c.signature_verifies = verifies == 1;
            compare(&c);
        }
    }
}

static void paths(struct combination c, const char *const domain[4])
{
    for (size_t i = 1; i < 4; i++) {
        c.path = domain[i];
        for (size_t k = 0; k < COUNT(results); k++) {
            c.spf = results[k];
            signatures(c, domain);
        }
    }
}

static void test_agreement(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(domains); i++) {
        for (size_t k = 0; k < COUNT(records); k++) {
            struct combination c = {.from = domains[i][0], .record = records[k]};
            c.organizational = i > 0 && k % 2 == 0;
            paths(c, domains[i]);
            c.organizational = i > 0 && k % 2 == 1;
            paths(c, domains[i]);
        }
    }
    printf("%u combinations compared with libopendmarc, %u of them pass: all agree; %u left out\n", compared, passes,
           left_out);
    assert_true(compared >= 60 && passes > 60 && compared - passes > 60);
}

/* Records alone: what each of us reads. Left out is what they read otherwise: they want no v= (RFC 7489 6.3), take the
 * last of two tags of a name (RFC 6376 3.2 forbids both), refuse the whole record for one bad value in its rest (6.3
 * has its default count), and know no p=none for want of a valid one (6.6.3).
 */
static void test_records(void **state)
{
    static const char *const more[] = {
        "v=DMARC1; p=reject;",
        "v = DMARC1 ; p = Quarantine ; sp = NONE",
        "v=DMARC1; adkim=s; p=none",
        "v=DMARC1; p=none; pct=0",
        "v=DMARC1; p=reject; pct=37; fo=1",
        "v=DMARC1; p=reject; ri=86400",
        "v=DMARC1; p=reject; unknown=1",
        "v=DMARC1",
        "v=DMARC1; rf=afrf",
        "v=DMARC1; p=bounce",
        "v=DMARC2; p=none",
        "v=spf1 -all",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(records) + COUNT(more); i++) {
        const char *text = i < COUNT(records) ? records[i] : more[i - COUNT(records)];
        char record[512], room[512];
        int p, adkim, aspf, percent;
        struct gp_dmarc_policy policy;
        DMARC_POLICY_T *t = opendmarc_policy_connect_init(octets("192.0.2.1", room), DMARC_POLICY_IP_TYPE_IPV4);
        bool their = opendmarc_policy_parse_dmarc(t, octets("dol.gov", room), octets(text, record)) == DMARC_PARSE_OKAY;
        bool our = gp_dmarc_record(gp_str_z(text), false, &policy);
        if (their != our)
            fail_msg("\"%s\": ours %d, theirs %d", text, our, their);
        if (our) {
            opendmarc_policy_fetch_p(t, &p);
            opendmarc_policy_fetch_adkim(t, &adkim);
            opendmarc_policy_fetch_aspf(t, &aspf);
            opendmarc_policy_fetch_pct(t, &percent);
            assert_int_equal(p, gp_dmarc_action_name(policy.action)[0]);
            assert_int_equal(adkim == DMARC_RECORD_A_STRICT, policy.strict_dkim);
            assert_int_equal(aspf == DMARC_RECORD_A_STRICT, policy.strict_spf);
            assert_int_equal(percent, policy.percent);
        }
        opendmarc_policy_connect_shutdown(t);
    }
}

static void test_organizational(void **state)
{
    static const char *const names[] = {"dol.gov",           "a.b.dol.gov",      "example.co.uk",
                                        "x.y.example.co.uk", "www.city.kobe.jp", "mail.example.com"};
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        char name[512];
        u_char their[512];
        opendmarc_get_tld(octets(names[i], name), their, sizeof their);
        struct gp_str our = gp_dmarc_organizational(gp_str_z(names[i]));
        if (!gp_str_eq(our, gp_str_z((const char *)their)))
            fail_msg("%s: ours %.*s, theirs %s", names[i], GP_STR_FMT(our), (const char *)their);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agreement),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_organizational),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
