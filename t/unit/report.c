/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * report.c - tests of shared/report: every format of t/data/reports, read as index.tsv says
 *
 * index.tsv: file, kind, then for each recipient "address;action;status;reply;phase;words of the diagnostic".
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/report/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "t/data/reports/"

static const char *const phases[] = {"", "connect", "helo", "mail", "rcpt", "data"};

/* a file whole; the caller frees */
static struct gp_str slurp(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, FOLDER "%s", name);
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        fail_msg("no %s", path);
    char *p = malloc(1 << 20);
    assert_non_null(p);
    size_t n = fread(p, 1, 1 << 20, f);
    fclose(f);
    return (struct gp_str){p, n};
}

static struct gp_report *read_sample(const char *name)
{
    char file[128];
    snprintf(file, sizeof file, "%s.eml", name);
    struct gp_str raw = slurp(file);
    struct gp_report *r = gp_report_read(raw);
    free((void *)(uintptr_t)raw.p);
    assert_non_null(r);
    return r;
}

static void want(const char *sample, const char *what, struct gp_str got, struct gp_str wanted)
{
    if (!gp_str_eq(got, wanted))
        fail_msg("%s: %s is \"%.*s\", not \"%.*s\"", sample, what, GP_STR_FMT(got), GP_STR_FMT(wanted));
}

static void check_recipient(const char *sample, const struct gp_report_recipient *r, struct gp_str fields)
{
    struct gp_str part[6];
    for (size_t i = 0; i < 6; i++)
        assert_true(gp_str_split(&fields, ';', &part[i]));
    want(sample, "recipient", r->recipient, part[0]);
    want(sample, "action", gp_str_z(gp_report_action_name(r->action)), part[1]);
    want(sample, "status", r->status, part[2]);
    want(sample, "reply", r->reply, part[3]);
    want(sample, "phase", gp_str_z(phases[r->phase]), part[4]);
    if (part[5].n > 0 && memmem(r->diagnostic.p, r->diagnostic.n, part[5].p, part[5].n) == NULL)
        fail_msg("%s: no \"%.*s\" in \"%.*s\"", sample, GP_STR_FMT(part[5]), GP_STR_FMT(r->diagnostic));
}

static void test_formats(void **state)
{
    (void)state;
    struct gp_str index = slurp("index.tsv"), rest = index, line, name, kind, fields;
    unsigned samples = 0;
    while (gp_str_split(&rest, '\n', &line) && line.n > 0) {
        char sample[64];
        gp_str_split(&line, '\t', &name);
        gp_str_split(&line, '\t', &kind);
        snprintf(sample, sizeof sample, "%.*s", GP_STR_FMT(name));
        struct gp_report *r = read_sample(sample);
        want(sample, "kind", gp_str_z(gp_report_kind_name(r->kind)), kind);
        size_t n = 0;
        for (; gp_str_split(&line, '\t', &fields); n++) {
            if (n == r->recipients_n)
                fail_msg("%s: only %zu recipients", sample, n);
            check_recipient(sample, &r->recipients[n], fields);
        }
        if (n != r->recipients_n)
            fail_msg("%s: %zu recipients, not %zu", sample, r->recipients_n, n);
        gp_report_free(r);
        samples++;
    }
    assert_true(samples > 70);
    free((void *)(uintptr_t)index.p);
}

static void test_dsn_in_full(void **state)
{
    (void)state;
    struct gp_report *r = read_sample("postfix");
    const struct gp_report_recipient *one = &r->recipients[0];
    want("postfix", "original", one->original_recipient, GP_STR("anna@old.example"));
    want("postfix", "enhanced", one->enhanced, GP_STR("5.1.1"));
    want("postfix", "remote", one->remote, GP_STR("mx.club.example"));
    want("postfix", "reporter", r->reporter, GP_STR("relay.shop.example"));
    want("postfix", "returned from", r->returned_from, GP_STR("news@shop.example"));
    want("postfix", "returned id", r->returned_message_id, GP_STR("<m1@shop.example>"));
    want("postfix", "from", r->from, GP_STR("mailer-daemon@relay.shop.example"));
    assert_int_equal(r->arrival_s, 1772445660);
    assert_true(r->automatic);
    assert_false(r->cut);
    gp_report_free(r);
}

static const struct {
    enum gp_token_place place;
    struct gp_str text;
} postfix_tokens[] = {{GP_PLACE_RETURN_PATH, {"babcd@b.shop.example", 20}},
                      {GP_PLACE_RETURN_PATH, {"news@shop.example", 17}},
                      {GP_PLACE_UNSUBSCRIBE, {"SEALEDTOKEN", 11}},
                      {GP_PLACE_UNSUBSCRIBE, {"uabcdefgh@b.shop.example", 24}},
                      {GP_PLACE_REF, {"SEALEDREF", 9}},
                      {GP_PLACE_FEEDBACK_ID, {"a:b:c:shop1", 11}},
                      {GP_PLACE_ENVELOPE_ID, {"envid0001", 9}}};

static void test_tokens(void **state)
{
    (void)state;
    struct gp_report *r = read_sample("postfix");
    assert_int_equal(r->tokens_n, sizeof postfix_tokens / sizeof postfix_tokens[0]);
    for (size_t i = 0; i < r->tokens_n; i++) {
        assert_int_equal(r->tokens[i].place, postfix_tokens[i].place);
        want("postfix", "token", r->tokens[i].text, postfix_tokens[i].text);
    }
    gp_report_free(r);
}

static const struct {
    const char *sample;
    enum gp_token_place place;
    const char *text;
} tokens[] = {
    {"arf", GP_PLACE_RETURN_PATH, "babcd@b.shop.example"}, {"qmail", GP_PLACE_REF, "SEALEDREF"},
    {"exim", GP_PLACE_UNSUBSCRIBE, "SEALEDTOKEN"},         {"jmrp", GP_PLACE_REF, "SEALEDREF"},
    {"workmail", GP_PLACE_ENVELOPE_ID, "envid0002"},       {"forwarded", GP_PLACE_REF, "SEALEDREF"},
    {"forwarded-in-text", GP_PLACE_REF, "SEALEDREF"},      {"unsubscribe-sealed", GP_PLACE_SUBJECT, "SEALEDTOKEN"},
    {"complaint-link", GP_PLACE_BODY, "CLICKTOKEN"},       {"complaint-link", GP_PLACE_ENVELOPE_ID, "envid0003"}};

static void test_token_places(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        struct gp_report *r = read_sample(tokens[i].sample);
        bool found = false;
        for (size_t k = 0; k < r->tokens_n; k++)
            found = found ||
                    (r->tokens[k].place == tokens[i].place && gp_str_eq(r->tokens[k].text, gp_str_z(tokens[i].text)));
        if (!found)
            fail_msg("%s: no %s", tokens[i].sample, tokens[i].text);
        gp_report_free(r);
    }
}

static const struct {
    const char *sample, *type;
    unsigned incidents;
} feedback[] = {{"arf", "abuse", 3},         {"arf-opt-out", "opt-out", 1}, {"arf-redacted", "abuse", 1000},
                {"arf-in-text", "fraud", 1}, {"jmrp", "abuse", 1},          {"ses-json-complaint", "abuse", 1},
                {"postfix", "", 0}};

static void test_feedback(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof feedback / sizeof feedback[0]; i++) {
        struct gp_report *r = read_sample(feedback[i].sample);
        want(feedback[i].sample, "type", r->feedback.type, gp_str_z(feedback[i].type));
        assert_int_equal(r->feedback.incidents, feedback[i].incidents);
        gp_report_free(r);
    }
}

/* What the returned message says about mailboxes and absence is nobody's evidence. */
static void test_returned_message_is_not_evidence(void **state)
{
    static const struct gp_str words[] = {{"ailbox full. Out of office", 26}, {"full of offers", 14}, {"quota\n", 6}};
    static const char *const samples[] = {"returned-as-text",
                                          "returned-as-second-text",
                                          "postfix",
                                          "exim",
                                          "qmail",
                                          "gmail",
                                          "yahoo",
                                          "notes",
                                          "sendmail5",
                                          "mxlogic",
                                          "courier",
                                          "mcafee",
                                          "sendmail",
                                          "dragonfly",
                                          "gmx",
                                          "imail"};
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct gp_report *r = read_sample(samples[i]);
        for (size_t w = 0; w < sizeof words / sizeof words[0]; w++) {
            if (memmem(r->human.p, r->human.n, words[w].p, words[w].n) != NULL)
                fail_msg("%s: \"%s\" is in the text for people", samples[i], words[w].p);
            for (size_t k = 0; k < r->recipients_n; k++)
                assert_null(
                    memmem(r->recipients[k].diagnostic.p, r->recipients[k].diagnostic.n, words[w].p, words[w].n));
        }
        gp_report_free(r);
    }
}

static const struct {
    const char *sample, *original;
} originals[] = {{"postfix", "anna@old.example"},
                 {"sendmail", "anna@club.example"},
                 {"messaging-server", "anna@club.example"},
                 {"messaging-server-text", "anna@club.example"},
                 {"exim-generated", "anna@club.example"},
                 {"postfix-expanded", "anna@club.example"},
                 {"qmail", ""}};

static void test_originals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof originals / sizeof originals[0]; i++) {
        struct gp_report *r = read_sample(originals[i].sample);
        want(originals[i].sample, "original", r->recipients[0].original_recipient, gp_str_z(originals[i].original));
        gp_report_free(r);
    }
}

/* What stands behind the reason says nothing about it. */
static const struct {
    const char *sample, *words;
} behind[] = {{"courier", "additional recipients"},
              {"exim-delay", "No action is required"},
              {"james", "Message details"},
              {"mail-ru", "\320\240\320\265\320\272\320\276\320\274\320\265\320\275\320\264\321\203\320\265\320\274"},
              {"ezweb", "mailbox full"},
              {"vzwpix", "Subject"}};

static void test_behind_the_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof behind / sizeof behind[0]; i++) {
        struct gp_report *r = read_sample(behind[i].sample);
        const struct gp_report_recipient *one = &r->recipients[0];
        if (memmem(one->human.p, one->human.n, behind[i].words, strlen(behind[i].words)) != NULL)
            fail_msg("%s: \"%.*s\"", behind[i].sample, GP_STR_FMT(one->human));
        gp_report_free(r);
    }
}

/* The returned message is found in whatever part it comes. */
static void test_returned_from(void **state)
{
    static const char *const samples[] = {
        "postfix",          "postfix-success", "returned-as-text", "returned-as-second-text",
        "arf-opt-out",      "qmail",           "mcafee",           "jmrp",
        "global",           "ezweb",           "forwarded",        "forwarded-base64",
        "forwarded-in-text"};
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct gp_report *r = read_sample(samples[i]);
        want(samples[i], "returned from", r->returned_from, GP_STR("news@shop.example"));
        gp_report_free(r);
    }
}

static const struct {
    const char *sample;
    bool automatic;
} answers[] = {{"person", false},          {"unsubscribe", true}, {"vacation", true}, {"postfix", true},
               {"vacation-subject", true}, {"receipt", false},    {"arf", true}};

static void test_automatic(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct gp_report *r = read_sample(answers[i].sample);
        if (r->automatic != answers[i].automatic)
            fail_msg("%s", answers[i].sample);
        gp_report_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),       cmocka_unit_test(test_dsn_in_full),
        cmocka_unit_test(test_tokens),        cmocka_unit_test(test_token_places),
        cmocka_unit_test(test_feedback),      cmocka_unit_test(test_returned_message_is_not_evidence),
        cmocka_unit_test(test_originals),     cmocka_unit_test(test_behind_the_reason),
        cmocka_unit_test(test_returned_from), cmocka_unit_test(test_automatic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
