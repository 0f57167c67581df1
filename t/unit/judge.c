/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * judge.c - tests of feedback/judge and feedback/mail_head: what becomes of a message, who wrote it
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "feedback/judge.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define TODAY 20783
#define JANE "jane@example.com"

static char relay_name[] = "relay.example.gov", return_path[] = "b.example.gov", operator_to[] = "chief@hq.example.gov",
            notices[] = "inet:127.0.0.1:10026", contact[] = "ops@dol.gov", here[] = "postmaster@relay.example.gov";

/* What is known of a mail, and what must come of it. */
struct told {
    const char *name;
    enum gp_report_kind kind;
    enum gp_category category;
    enum gp_proof proof;
    char to;                   /* type of the token it came to; 0: none */
    unsigned days_old;         /* of the token */
    unsigned arrival_days_old; /* of the report; 0: not said */
    const char *feedback;      /* type of a complaint */
    bool null_sender, automatic, head_automatic, button, forwarded, loops, no_notices, no_contact, operator_here;
    enum gp_outcome outcome;
    size_t events;
    const char *forward_to;
};

static const struct told cases[] = {
    {.name = "a proven bounce",
     .kind = GP_REPORT_DSN,
     .proof = GP_PROOF_VALID,
     .to = 'b',
     .null_sender = true,
     .automatic = true,
     .outcome = GP_OUTCOME_ACTED,
     .events = 1},
    {.name = "not proven",
     .kind = GP_REPORT_DSN,
     .to = 'b',
     .null_sender = true,
     .outcome = GP_OUTCOME_COUNTED,
     .events = 1},
    {.name = "proven, of a day before too old",
     .kind = GP_REPORT_BOUNCE,
     .proof = GP_PROOF_VALID,
     .days_old = 30,
     .outcome = GP_OUTCOME_ACTED,
     .events = 1},
    {.name = "an old token",
     .kind = GP_REPORT_BOUNCE,
     .proof = GP_PROOF_VALID,
     .days_old = 31,
     .outcome = GP_OUTCOME_EXPIRED,
     .events = 1},
    {.name = "an old report",
     .kind = GP_REPORT_DSN,
     .proof = GP_PROOF_VALID,
     .arrival_days_old = 31,
     .outcome = GP_OUTCOME_EXPIRED,
     .events = 1},
    {.name = "two people", .kind = GP_REPORT_DSN, .proof = GP_PROOF_CONFLICT, .outcome = GP_OUTCOME_QUARANTINED},
    {.name = "a complaint",
     .kind = GP_REPORT_ARF,
     .category = GP_CATEGORY_COMPLAINT,
     .proof = GP_PROOF_VALID,
     .feedback = "abuse",
     .outcome = GP_OUTCOME_ACTED,
     .events = 1},
    {.name = "a complaint about old mail",
     .kind = GP_REPORT_ARF,
     .category = GP_CATEGORY_COMPLAINT,
     .proof = GP_PROOF_VALID,
     .days_old = 180,
     .feedback = "abuse",
     .outcome = GP_OUTCOME_ACTED,
     .events = 1},
    {.name = "one about older mail",
     .kind = GP_REPORT_ARF,
     .category = GP_CATEGORY_COMPLAINT,
     .proof = GP_PROOF_VALID,
     .days_old = 181,
     .feedback = "abuse",
     .outcome = GP_OUTCOME_EXPIRED,
     .events = 1},
    {.name = "a report of our signatures",
     .kind = GP_REPORT_ARF,
     .category = GP_CATEGORY_COMPLAINT,
     .proof = GP_PROOF_VALID,
     .feedback = "auth-failure",
     .outcome = GP_OUTCOME_COUNTED},
    {.name = "an automatic answer",
     .kind = GP_REPORT_AUTO_REPLY,
     .proof = GP_PROOF_VALID,
     .to = 'b',
     .automatic = true,
     .outcome = GP_OUTCOME_COUNTED,
     .events = 1},
    {.name = "a person's answer",
     .kind = GP_REPORT_OTHER,
     .to = 'b',
     .outcome = GP_OUTCOME_FORWARDED,
     .forward_to = contact},
    {.name = "to an agency without a contact",
     .kind = GP_REPORT_OTHER,
     .to = 'r',
     .no_contact = true,
     .outcome = GP_OUTCOME_FORWARDED,
     .forward_to = operator_to},
    {.name = "to postmaster", .kind = GP_REPORT_OTHER, .outcome = GP_OUTCOME_FORWARDED, .forward_to = operator_to},
    {.name = "to an operator whose mail comes here",
     .kind = GP_REPORT_OTHER,
     .operator_here = true,
     .outcome = GP_OUTCOME_KEPT},
    {.name = "with no way out", .kind = GP_REPORT_OTHER, .to = 'b', .no_notices = true, .outcome = GP_OUTCOME_KEPT},
    {.name = "of nobody", .kind = GP_REPORT_OTHER, .to = 'b', .null_sender = true, .outcome = GP_OUTCOME_IGNORED},
    {.name = "of a machine, the reader says",
     .kind = GP_REPORT_OTHER,
     .automatic = true,
     .outcome = GP_OUTCOME_IGNORED},
    {.name = "of a machine, its headers say",
     .kind = GP_REPORT_OTHER,
     .head_automatic = true,
     .outcome = GP_OUTCOME_IGNORED},
    {.name = "of ourselves", .kind = GP_REPORT_OTHER, .forwarded = true, .outcome = GP_OUTCOME_IGNORED},
    {.name = "of ourselves, taken for a bounce",
     .kind = GP_REPORT_BOUNCE,
     .proof = GP_PROOF_VALID,
     .forwarded = true,
     .outcome = GP_OUTCOME_IGNORED},
    {.name = "that goes round", .kind = GP_REPORT_OTHER, .loops = true, .outcome = GP_OUTCOME_IGNORED},
    {.name = "unsubscribe",
     .kind = GP_REPORT_UNSUBSCRIBE,
     .proof = GP_PROOF_VALID,
     .to = 'u',
     .automatic = true,
     .outcome = GP_OUTCOME_ACTED,
     .events = 1},
    {.name = "unsubscribe, any words, years later",
     .kind = GP_REPORT_OTHER,
     .proof = GP_PROOF_VALID,
     .to = 'u',
     .days_old = 3000,
     .arrival_days_old = 3000,
     .outcome = GP_OUTCOME_ACTED,
     .events = 1},
    {.name = "unsubscribe by nobody who is known",
     .kind = GP_REPORT_UNSUBSCRIBE,
     .to = 'u',
     .outcome = GP_OUTCOME_FORWARDED,
     .forward_to = contact},
    {.name = "unsubscribe by a machine",
     .kind = GP_REPORT_UNSUBSCRIBE,
     .proof = GP_PROOF_VALID,
     .to = 'u',
     .head_automatic = true,
     .outcome = GP_OUTCOME_IGNORED},
    {.name = "unsubscribe by a mail program's button",
     .kind = GP_REPORT_UNSUBSCRIBE,
     .proof = GP_PROOF_VALID,
     .to = 'u',
     .head_automatic = true,
     .button = true,
     .outcome = GP_OUTCOME_ACTED,
     .events = 1},
    {.name = "unsubscribe by an out-of-office",
     .kind = GP_REPORT_AUTO_REPLY,
     .proof = GP_PROOF_VALID,
     .to = 'u',
     .outcome = GP_OUTCOME_IGNORED},
    {.name = "unsubscribe by a bounce",
     .kind = GP_REPORT_DSN,
     .proof = GP_PROOF_VALID,
     .to = 'u',
     .outcome = GP_OUTCOME_IGNORED},
    {.name = "unsubscribe with a null sender",
     .kind = GP_REPORT_OTHER,
     .proof = GP_PROOF_VALID,
     .to = 'u',
     .null_sender = true,
     .outcome = GP_OUTCOME_IGNORED},
    {.name = "'unsubscribe' to a bounce token is a person's mail",
     .kind = GP_REPORT_UNSUBSCRIBE,
     .proof = GP_PROOF_VALID,
     .to = 'b',
     .automatic = true,
     .outcome = GP_OUTCOME_FORWARDED,
     .forward_to = contact},
};

/* Everything a judgement needs, kept together. */
struct desk {
    struct gp_config c;
    struct gp_agency a;
    struct gp_report r;
    struct gp_report_recipient recipient[4];
    struct gp_who who;
    struct gp_mail_head head;
    struct gp_mail mail;
    struct gp_judged judged;
};

static void set_out(struct desk *d, const struct told *t)
{
    memset(d, 0, sizeof *d);
    d->c = (struct gp_config){.relay_name = relay_name,
                              .return_path = return_path,
                              .operator_to = operator_to,
                              .notices = t->no_notices ? NULL : notices};
    if (t->operator_here)
        d->c.operator_to = here;
    d->a = (struct gp_agency){.name = "dol", .contact = t->no_contact ? NULL : contact};
    d->r = (struct gp_report){.kind = t->kind,
                              .category = t->category,
                              .recipients = d->recipient,
                              .recipients_n = 1,
                              .automatic = t->automatic,
                              .feedback = {.type = gp_str_z(t->feedback), .incidents = 1}};
    if (t->arrival_days_old > 0)
        d->r.arrival_s = (uint64_t)(TODAY - t->arrival_days_old) * 86400;
    d->recipient[0] = (struct gp_report_recipient){.recipient = GP_STR(JANE), .category = t->category, .matched = true};
    d->who = (struct gp_who){.proof = t->proof, .day = TODAY - t->days_old, .to_token = t->to != 0};
    d->who.to = t->to == 'u' ? GP_TOKEN_UNSUBSCRIBE : t->to == 'r' ? GP_TOKEN_REPLY : GP_TOKEN_BOUNCE;
    d->who.to_agency = t->to != 0 ? &d->a : NULL;
    if (t->proof == GP_PROOF_VALID) {
        snprintf(d->who.recipient, sizeof d->who.recipient, "%s", JANE);
        snprintf(d->who.agency, sizeof d->who.agency, "%s", "dol");
        snprintf(d->who.token, sizeof d->who.token, "%s", "token");
    }
    d->head = (struct gp_mail_head){.automatic = t->head_automatic,
                                    .button = t->button,
                                    .forwarded = t->forwarded,
                                    .received = t->loops ? GP_MAIL_HEAD_RECEIVED_MAX + 1 : GP_MAIL_HEAD_RECEIVED_MAX};
    d->mail = (struct gp_mail){&d->c,
                               &d->r,
                               &d->who,
                               &d->head,
                               t->null_sender ? GP_STR("") : GP_STR("x@y.test"),
                               GP_STR("id"),
                               UINT64_C(86400000) * TODAY};
}

static void test_cases(void **state)
{
    (void)state;
    static struct desk d;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct told *t = &cases[i];
        set_out(&d, t);
        gp_judge(&d.mail, &d.judged);
        if (d.judged.outcome != t->outcome || d.judged.events_n != t->events)
            fail_msg("%s: %s, %zu events", t->name, gp_outcome_name(d.judged.outcome), d.judged.events_n);
        if (t->outcome == GP_OUTCOME_FORWARDED)
            assert_string_equal(d.judged.forward_to, t->forward_to);
        else
            assert_null(d.judged.forward_to);
        assert_int_equal(d.judged.why[0] != '\0', t->outcome == GP_OUTCOME_QUARANTINED);
        if (t->events == 1) {
            assert_int_equal(d.judged.event[0].proven, t->proof == GP_PROOF_VALID);
            assert_int_equal(d.judged.event[0].expired, t->outcome == GP_OUTCOME_EXPIRED);
            assert_true(gp_str_eq(d.judged.event[0].evidence, GP_STR("id")));
        }
    }
}

/* The proven one speaks for the token's person; of the others nothing is believed. */
static void test_which_recipient(void **state)
{
    (void)state;
    static struct desk d;
    static const struct {
        struct gp_report_recipient r[3];
        size_t n, one;
    } reports[] = {
        {{{.recipient = GP_STR("a@b"), .action = GP_ACTION_FAILED},
          {.recipient = GP_STR(JANE), .action = GP_ACTION_FAILED}},
         2,
         1},
        {{{.recipient = GP_STR("a@b"), .action = GP_ACTION_FAILED},
          {.original_recipient = GP_STR("JANE@example.com"), .action = GP_ACTION_DELAYED}},
         2,
         1},
        {{{.recipient = GP_STR("a@b"), .action = GP_ACTION_DELAYED},
          {.recipient = GP_STR("c@d"), .action = GP_ACTION_FAILED}},
         2,
         1},
        {{{.recipient = GP_STR(JANE), .action = GP_ACTION_DELAYED},
          {.recipient = GP_STR(JANE), .action = GP_ACTION_FAILED},
          {.recipient = GP_STR(JANE), .action = GP_ACTION_FAILED}},
         3,
         1},
        {{{.recipient = GP_STR("a@b"), .action = GP_ACTION_DELIVERED}}, 1, 0},
    };
    for (size_t i = 0; i < COUNT(reports); i++) {
        set_out(&d, &(struct told){.kind = GP_REPORT_DSN, .proof = GP_PROOF_VALID});
        memcpy(d.recipient, reports[i].r, sizeof reports[i].r);
        d.r.recipients_n = reports[i].n;
        gp_judge(&d.mail, &d.judged);
        assert_int_equal(d.judged.events_n, reports[i].n);
        for (size_t k = 0; k < reports[i].n; k++) {
            const struct gp_event *e = &d.judged.event[k];
            assert_int_equal(e->proven, k == reports[i].one);
            assert_true(gp_str_eq(e->recipient, e->proven ? GP_STR(JANE) : GP_STR("")));
            assert_true(gp_str_eq(e->token, e->proven ? GP_STR("token") : GP_STR("")));
            assert_int_equal(e->delayed, reports[i].r[k].action == GP_ACTION_DELAYED);
        }
    }
}

static void test_no_recipient(void **state)
{
    (void)state;
    static struct desk d;
    for (int proven = 0; proven < 2; proven++) {
        set_out(&d, &(struct told){.kind = GP_REPORT_BOUNCE,
                                   .category = GP_CATEGORY_HARD,
                                   .proof = proven ? GP_PROOF_VALID : GP_PROOF_NONE});
        d.r.recipients_n = 0;
        gp_judge(&d.mail, &d.judged);
        assert_int_equal(d.judged.events_n, 1);
        assert_int_equal(d.judged.event[0].category, GP_CATEGORY_HARD);
        assert_true(d.judged.event[0].suppress);
        assert_int_equal(d.judged.event[0].proven, proven);
    }
}

static void test_what_is_passed_on(void **state)
{
    (void)state;
    static struct desk d;
    set_out(&d, &(struct told){.kind = GP_REPORT_ARF,
                               .category = GP_CATEGORY_COMPLAINT,
                               .proof = GP_PROOF_VALID,
                               .feedback = "not-spam"});
    d.r.feedback.incidents = 7;
    snprintf(d.who.stream, sizeof d.who.stream, "%s", "news");
    gp_judge(&d.mail, &d.judged);
    const struct gp_event *e = &d.judged.event[0];
    assert_true(e->not_spam);
    assert_int_equal(e->incidents, 7);
    assert_true(gp_str_eq(e->stream, GP_STR("news")) && gp_str_eq(e->agency, GP_STR("dol")));
    set_out(&d, &(struct told){.kind = GP_REPORT_DSN, .proof = GP_PROOF_VALID});
    d.recipient[0] = (struct gp_report_recipient){.recipient = GP_STR(JANE),
                                                  .status = GP_STR("5.1.1"),
                                                  .reply = GP_STR("550"),
                                                  .diagnostic = GP_STR("no"),
                                                  .suppress = true};
    gp_judge(&d.mail, &d.judged);
    assert_true(e->suppress && e->unclassified && e->final && !e->not_spam);
    assert_true(gp_str_eq(e->status, GP_STR("5.1.1")) && gp_str_eq(e->reply, GP_STR("550")) &&
                gp_str_eq(e->diagnostic, GP_STR("no")));
}

static void test_heads(void **state)
{
    (void)state;
    static const struct {
        struct gp_str raw;
        const char *to; /* first, "" none */
        size_t to_n;
        const char *path; /* NULL: none */
        unsigned received;
        bool automatic, forwarded, button;
    } heads[] = {
        {{"", 0}, "", 0, NULL, 0, false, false, false},
        {GP_STR("From: a@b\r\n\r\nTo: x@b.example.gov\r\n"), "", 0, NULL, 0, false, false, false},
        {GP_STR("To: Jane <x@b.example.gov>, y@B.Example.GOV\r\n"), "x@b.example.gov", 2, NULL, 0, false, false, false},
        {GP_STR("To: x@b.example.gov\nDelivered-To: z@b.example.gov\n"), "z@b.example.gov", 2, NULL, 0, false, false,
         false},
        {GP_STR("To: x@b.example.gov.evil, x@ab.example.gov, @b.example.gov, b.example.gov\n"), "", 0, NULL, 0, false,
         false, false},
        {GP_STR("Cc: (x@b.example.gov)\r\n x@b.example.gov\r\n\tq@b.example.gov\r\n"), "x@b.example.gov", 2, NULL, 0,
         false, false, false},
        {GP_STR("Return-Path: <>\nReturn-Path: <x@y>\nReceived: a\nReceived: b\n c\n"), "", 0, "", 2, false, false,
         false},
        {GP_STR("return-path:  <a@b>  \n"), "", 0, "a@b", 0, false, false, false},
        {GP_STR("Auto-Submitted: no\n"), "", 0, NULL, 0, false, false, false},
        {GP_STR("Auto-Submitted: NO; why=x\n"), "", 0, NULL, 0, false, false, false},
        {GP_STR("Auto-Submitted: auto-replied\n"), "", 0, NULL, 0, true, false, false},
        {GP_STR("Precedence: Bulk\n"), "", 0, NULL, 0, true, false, false},
        {GP_STR("Precedence: first-class\n"), "", 0, NULL, 0, false, false, false},
        {GP_STR("Content-Type: multipart/report; x\n"), "", 0, NULL, 0, true, false, false},
        {GP_STR("X-AutoReply: yes\n"), "", 0, NULL, 0, true, false, false},
        {GP_STR("X-Gatepost-Forwarded: relay\nX-Apple-Unsubscribe: true\n"), "", 0, NULL, 0, false, true, true},
        {GP_STR("no header at all\nTo: x@b.example.gov\n"), "", 0, NULL, 0, false, false, false},
        {GP_STR("Subject: \r\n : odd\r\nTo: x@b.example.gov"), "x@b.example.gov", 1, NULL, 0, false, false, false},
    };
    for (size_t i = 0; i < COUNT(heads); i++) {
        struct gp_mail_head h;
        gp_mail_head_read(heads[i].raw, GP_STR("b.example.gov"), &h);
        if (h.to_n != heads[i].to_n || h.received != heads[i].received || h.automatic != heads[i].automatic ||
            h.forwarded != heads[i].forwarded || h.button != heads[i].button)
            fail_msg("head %zu: %zu addresses, %u received, automatic %d", i, h.to_n, h.received, h.automatic);
        assert_true(h.to_n == 0 || gp_str_eq(h.to[0], gp_str_z(heads[i].to)));
        assert_int_equal(h.has_return_path, heads[i].path != NULL);
        assert_true(gp_str_eq(h.return_path, gp_str_z(heads[i].path)));
    }
}

static void test_bounded_head(void **state)
{
    (void)state;
    static char raw[GP_MAIL_HEAD_MAX + 4096];
    struct gp_mail_head h;
    struct gp_buf b = gp_buf_on(raw, sizeof raw);
    for (int i = 0; i < 40; i++)
        gp_buf_printf(&b, "To: t%d@b.example.gov\n", i);
    while (b.n < GP_MAIL_HEAD_MAX)
        gp_buf_putz(&b, "X: filler filler filler filler filler\n");
    gp_buf_putz(&b, "Auto-Submitted: auto-replied\n");
    gp_mail_head_read(gp_buf_str(&b), GP_STR("b.example.gov"), &h);
    assert_int_equal(h.to_n, GP_MAIL_HEAD_TO_MAX);
    assert_false(h.automatic); /* beyond what is looked at */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),        cmocka_unit_test(test_which_recipient),
        cmocka_unit_test(test_no_recipient), cmocka_unit_test(test_what_is_passed_on),
        cmocka_unit_test(test_heads),        cmocka_unit_test(test_bounded_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
