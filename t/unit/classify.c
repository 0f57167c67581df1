/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * classify.c - tests of the order in which evidence counts (feedback.md c3..c8, c12, d3), with a dictionary of its own
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/report/evidence.h"
#include "t/unit/dictionary_fixture.h"

#include <stdlib.h>
#include <time.h>

static const char entries[] = "provider big: big.example\n"
                              "big | * | * | odd words | rate-limited | throttle\n"
                              "* | * | * | {blacklisted,spamhaus} | policy-block | alert\n"
                              "* | * | * | mailbox full | mailbox-full | none\n"
                              "* | * | * | no such domain | hard-bounce | compare\n"
                              "* | * | * | user unknown | hard-bounce | suppress\n"
                              "* | * | * | user disabled | hard-bounce | none\n"
                              "* | * | * | timed out | soft-bounce | none\n"
                              "* | * | 5.1.1 | * | hard-bounce | suppress\n"
                              "* | * | *.7.* | * | policy-block | none\n";

struct row {
    const char *label;
    struct gp_report_recipient p;
    const char *human; /* of the report */
    enum gp_category category;
    bool suppress, matched;
    const char *by;
};

#define TO .recipient = {"a@example.org", 13}
#define SAYS(text) .diagnostic = {text, sizeof(text) - 1}
#define STATUS(code) .status = {code, sizeof(code) - 1}

static const struct row rows[] = {
    {"user unknown",
     {TO, SAYS("550 5.1.1 user unknown"), .action = GP_ACTION_FAILED},
     "",
     GP_CATEGORY_HARD,
     true,
     true,
     "t.dict:6"},
    {"an entry that asks for nothing",
     {TO, SAYS("550 user disabled"), .action = GP_ACTION_FAILED},
     "",
     GP_CATEGORY_HARD,
     false,
     true,
     "t.dict:7"},
    /* c3 */
    {"delayed never counts",
     {TO, SAYS("450 4.1.1 user unknown"), .action = GP_ACTION_DELAYED},
     "",
     GP_CATEGORY_SOFT,
     false,
     true,
     "t.dict:6"},
    {"delayed, whatever the code",
     {TO, SAYS("550 5.1.1 user unknown"), .action = GP_ACTION_DELAYED},
     "",
     GP_CATEGORY_SOFT,
     false,
     true,
     "t.dict:6"},
    {"delivered",
     {TO, SAYS("550 5.1.1 user unknown"), .action = GP_ACTION_DELIVERED},
     "",
     GP_CATEGORY_DELIVERED,
     false,
     true,
     "action"},
    {"relayed", {TO, .action = GP_ACTION_RELAYED}, "", GP_CATEGORY_DELIVERED, false, true, "action"},
    {"expanded", {TO, .action = GP_ACTION_EXPANDED}, "", GP_CATEGORY_DELIVERED, false, true, "action"},
    /* c4 */
    {"diagnostic before human",
     {TO, SAYS("550 mailbox full"), .human = {"user unknown", 12}},
     "user unknown",
     GP_CATEGORY_MAILBOX_FULL,
     false,
     true,
     "t.dict:4"},
    {"what people read about him",
     {TO, SAYS("550 hm"), .human = {"user unknown", 12}},
     "mailbox full",
     GP_CATEGORY_HARD,
     true,
     true,
     "t.dict:6"},
    {"all that people read", {TO, SAYS("550 5.7.1 hm")}, "The user\nunknown", GP_CATEGORY_HARD, true, true, "t.dict:6"},
    {"human before codes", {TO, STATUS("5.1.1")}, "mailbox full", GP_CATEGORY_MAILBOX_FULL, false, true, "t.dict:4"},
    {"codes last", {TO, STATUS("5.1.1")}, "hm", GP_CATEGORY_HARD, true, false, "t.dict:9"},
    {"nothing at all", {TO}, "", GP_CATEGORY_UNKNOWN, false, false, "nothing"},
    /* c5 */
    {"text beats status",
     {TO, SAYS("550 5.1.1 you are blacklisted"), STATUS("5.1.1")},
     "",
     GP_CATEGORY_POLICY,
     false,
     true,
     "t.dict:3"},
    {"5.1.0 and Spamhaus",
     {TO, SAYS("550 5.1.0 MailFrom domain is listed in Spamhaus"), STATUS("5.1.0")},
     "",
     GP_CATEGORY_POLICY,
     false,
     true,
     "t.dict:3"},
    {"the code in the text beats Status",
     {TO, SAYS("550 5.7.1 hm"), STATUS("5.1.1")},
     "",
     GP_CATEGORY_POLICY,
     false,
     false,
     "t.dict:10"},
    {"a provider's entry beats a general one",
     {TO, SAYS("550 odd words, user unknown"), .remote = {"mx.big.example", 14}},
     "",
     GP_CATEGORY_RATE,
     false,
     true,
     "t.dict:2"},
    {"by the recipient's domain too",
     {.recipient = {"a@big.example", 13}, SAYS("550 odd words")},
     "",
     GP_CATEGORY_RATE,
     false,
     true,
     "t.dict:2"},
    /* c6 */
    {"in reply to MAIL FROM",
     {TO, SAYS("550 5.1.1 user unknown"), .phase = GP_PHASE_MAIL},
     "",
     GP_CATEGORY_POLICY,
     false,
     true,
     "t.dict:6"},
    {"greeting",
     {TO, SAYS("550 5.1.1 user unknown"), .phase = GP_PHASE_CONNECT},
     "",
     GP_CATEGORY_POLICY,
     false,
     true,
     "t.dict:6"},
    {"HELO", {TO, STATUS("5.1.1"), .phase = GP_PHASE_HELO}, "", GP_CATEGORY_POLICY, false, false, "t.dict:9"},
    {"said by the text",
     {TO, SAYS("host mx[192.0.2.1] said: 550 user unknown (in reply to MAIL FROM command)")},
     "",
     GP_CATEGORY_POLICY,
     false,
     true,
     "t.dict:6"},
    {"RCPT",
     {TO, SAYS("550 5.1.1 user unknown"), .phase = GP_PHASE_RCPT},
     "",
     GP_CATEGORY_HARD,
     true,
     true,
     "t.dict:6"},
    {"end of DATA, a code only",
     {TO, STATUS("5.1.1"), .phase = GP_PHASE_DATA},
     "",
     GP_CATEGORY_CONTENT,
     false,
     false,
     "t.dict:9"},
    {"end of DATA, unknown user",
     {TO, SAYS("550 user unknown"), .phase = GP_PHASE_DATA},
     "",
     GP_CATEGORY_HARD,
     true,
     true,
     "t.dict:6"},
    /* c7: the returned message is from b@sender.example */
    {"the recipient's domain",
     {TO, SAYS("550 no such domain example.org")},
     "",
     GP_CATEGORY_HARD,
     true,
     true,
     "t.dict:5"},
    {"the sender's domain",
     {TO, SAYS("550 no such domain sender.example")},
     "",
     GP_CATEGORY_POLICY,
     false,
     true,
     "t.dict:5"},
    {"in an address",
     {TO, SAYS("550 <b@Sender.Example>: no such domain")},
     "",
     GP_CATEGORY_POLICY,
     false,
     true,
     "t.dict:5"},
    {"another that ends like it",
     {TO, SAYS("550 no such domain not-sender.example")},
     "",
     GP_CATEGORY_HARD,
     true,
     true,
     "t.dict:5"},
    {"another that begins like it",
     {TO, SAYS("550 no such domain sender.example.net")},
     "",
     GP_CATEGORY_HARD,
     true,
     true,
     "t.dict:5"},
    {"both are named",
     {TO, SAYS("550 <b@sender.example> to <a@example.org>: no such domain")},
     "",
     GP_CATEGORY_HARD,
     true,
     true,
     "t.dict:5"},
    {"they are the same",
     {.recipient = {"a@sender.example", 16}, SAYS("550 no such domain sender.example")},
     "",
     GP_CATEGORY_HARD,
     true,
     true,
     "t.dict:5"},
    /* c8 */
    {"4yz, given up",
     {TO, SAYS("450 4.1.1 user unknown"), .action = GP_ACTION_FAILED, STATUS("4.1.1")},
     "",
     GP_CATEGORY_SOFT,
     false,
     true,
     "t.dict:6"},
    {"4yz by the reply field",
     {TO, SAYS("user unknown"), .reply = {"450", 3}, STATUS("5.0.0")},
     "",
     GP_CATEGORY_SOFT,
     false,
     true,
     "t.dict:6"},
    {"4.x.x without a reply",
     {TO, SAYS("user unknown"), STATUS("4.4.7")},
     "",
     GP_CATEGORY_SOFT,
     false,
     true,
     "t.dict:6"},
    {"4yz mailbox full", {TO, SAYS("452 4.2.2 mailbox full")}, "", GP_CATEGORY_MAILBOX_FULL, false, true, "t.dict:4"},
    {"4yz that nobody knows", {TO, SAYS("451 hm")}, "", GP_CATEGORY_SOFT, false, false, "nothing"},
};

static void check(const struct gp_report_recipient *p, const struct row *row)
{
    if (p->category != row->category || p->suppress != row->suppress || p->matched != row->matched ||
        strcmp(p->by, row->by) != 0)
        fail_msg("%s: %s%s%s by %s", row->label, gp_category_name(p->category), p->suppress ? ", suppress" : "",
                 p->matched ? ", matched" : "", p->by);
}

static void the_order_of_evidence(void **state)
{
    (void)state;
    struct gp_dictionary *d = dictionary_of(entries, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gp_report_recipient p = rows[i].p;
        struct gp_report r = {
            .kind = i % 2 == 0 ? GP_REPORT_DSN : GP_REPORT_BOUNCE, .recipients = &p, .recipients_n = 1};
        r.human = gp_str_z(rows[i].human);
        r.returned_from = GP_STR("b@sender.example");
        gp_classify(d, &r);
        check(&p, &rows[i]);
        assert_int_equal(r.category, p.category);
    }
    gp_dictionary_free(d);
}

static void the_envelope_sender_before_the_header(void **state)
{
    (void)state;
    struct gp_dictionary *d = dictionary_of(entries, NULL);
    struct gp_report_recipient p = {TO, SAYS("550 no such domain bounce.example")};
    struct gp_report r = {.kind = GP_REPORT_DSN, .recipients = &p, .recipients_n = 1, .tokens_n = 1};
    r.returned_from = GP_STR("b@sender.example");
    gp_classify(d, &r);
    assert_int_equal(p.category, GP_CATEGORY_HARD);
    r.tokens_n = 1;
    r.tokens[0].place = GP_PLACE_RETURN_PATH;
    r.tokens[0].text = GP_STR("bmezd@bounce.example");
    gp_classify(d, &r);
    assert_int_equal(p.category, GP_CATEGORY_POLICY);
    gp_dictionary_free(d);
}

/* What is said to people about one recipient is not about another. */
static void several_recipients(void **state)
{
    (void)state;
    struct gp_dictionary *d = dictionary_of(entries, NULL);
    struct gp_report_recipient p[3] = {{TO, SAYS("550 user unknown")},
                                       {.recipient = {"b@example.org", 13}, .human = {"mailbox full", 12}},
                                       {.recipient = {"c@example.org", 13}}};
    struct gp_report r = {.kind = GP_REPORT_BOUNCE, .recipients = p, .recipients_n = 3};
    r.human = GP_STR("user unknown");
    r.subject = GP_STR("user unknown");
    gp_classify(d, &r);
    assert_int_equal(p[0].category, GP_CATEGORY_HARD);
    assert_int_equal(p[1].category, GP_CATEGORY_MAILBOX_FULL);
    assert_int_equal(p[2].category, GP_CATEGORY_UNKNOWN);
    assert_int_equal(r.category, GP_CATEGORY_HARD);
    r.recipients_n = 0;
    gp_classify(d, &r);
    assert_int_equal(r.category, GP_CATEGORY_HARD); /* of the report as a whole */
    r.human = GP_STR("");
    r.subject = GP_STR("Returned mail: mailbox full");
    gp_classify(d, &r);
    assert_int_equal(r.category, GP_CATEGORY_MAILBOX_FULL);
    r.subject = GP_STR("");
    gp_classify(d, &r);
    assert_int_equal(r.category, GP_CATEGORY_UNKNOWN);
    gp_dictionary_free(d);
}

static void kinds(void **state)
{
    (void)state;
    static const struct {
        enum gp_report_kind kind;
        const char *type;
        enum gp_category category;
        bool suppress;
    } cases[] = {
        {GP_REPORT_ARF, "abuse", GP_CATEGORY_COMPLAINT, true},
        {GP_REPORT_ARF, "fraud", GP_CATEGORY_COMPLAINT, true},
        {GP_REPORT_ARF, "virus", GP_CATEGORY_COMPLAINT, true},
        {GP_REPORT_ARF, "other", GP_CATEGORY_COMPLAINT, true},
        {GP_REPORT_ARF, "opt-out", GP_CATEGORY_COMPLAINT, true},
        {GP_REPORT_ARF, "", GP_CATEGORY_COMPLAINT, true},
        {GP_REPORT_ARF, "not-spam", GP_CATEGORY_COMPLAINT, false},
        {GP_REPORT_ARF, "auth-failure", GP_CATEGORY_COMPLAINT, false},
        {GP_REPORT_AUTO_REPLY, "", GP_CATEGORY_AUTO_REPLY, false},
        {GP_REPORT_UNSUBSCRIBE, "", GP_CATEGORY_UNSUBSCRIBE, true},
        {GP_REPORT_OTHER, "", GP_CATEGORY_NOT_A_BOUNCE, false},
    };
    struct gp_dictionary *d = dictionary_of(entries, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct gp_report_recipient p = {TO, SAYS("550 5.1.1 user unknown")}; /* says nothing here */
        struct gp_report r = {.kind = cases[i].kind, .recipients = &p, .recipients_n = 1};
        r.feedback.type = gp_str_z(cases[i].type);
        gp_classify(d, &r);
        assert_int_equal(p.category, cases[i].category);
        assert_int_equal(p.suppress, cases[i].suppress);
        assert_true(p.matched);
        assert_string_equal(p.by, "kind");
        assert_int_equal(r.category, cases[i].category);
    }
    gp_dictionary_free(d);
}

static void codes_in_texts(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reply, *status; /* reply and status as fields */
        const char *want;
    } cases[] = {
        {"550 5.1.1 hm", "", "", "550 5.1.1"},
        {"550-5.1.1 hm 550 5.1.1 ha", "", "", "550 5.1.1"},
        {"smtp; 550 5.1.1 hm", "", "", "550 5.1.1"},
        {"550 #5.1.1 hm", "", "", "550 5.1.1"},
        {"sorry (#5.1.1)", "", "", "... 5.1.1"},
        {"550 hm", "", "5.2.0", "550 5.2.0"},
        {"hm", "554", "5.2.0", "554 5.2.0"},
        {"550 5.7.1 hm", "554", "5.2.0", "550 5.7.1"},
        {"550: hm", "", "", "550 ..."},
        {"5501 hm", "", "", "... ..."},
        {"350 hm", "", "", "... ..."},
        {"580 hm", "", "", "... ..."},
        {"550.5 hm", "", "", "... ..."},
        {"550 from 4.5.2.1", "", "", "550 ..."}, /* an address */
        {"550 from 192.5.2.1", "", "", "550 ..."},
        {"550 exim 4.92.3", "", "", "550 ..."}, /* a version */
        {"550 v5.1.1", "", "", "550 ..."},
        {"550 5.1.1000", "", "", "550 ..."},
        {"550 2.1.5 hm", "", "5.1.1", "550 5.1.1"}, /* success says nothing of a failure */
        {"", "", "", "... ..."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char got[40];
        struct gp_evidence e;
        enum gp_report_phase phase = GP_PHASE_NOT_SAID;
        char clean[200];
        struct gp_buf b = gp_buf_on(clean, sizeof clean);
        gp_evidence_clean(gp_str_z(cases[i].text), &b);
        gp_evidence_codes(gp_evidence_strip(gp_buf_str(&b), &phase), gp_str_z(cases[i].reply),
                          gp_str_z(cases[i].status), &e);
        b = gp_buf_on(got, sizeof got);
        if (e.reply[0] == 0)
            gp_buf_putz(&b, "... ");
        else
            gp_buf_printf(&b, "%.3s ", e.reply);
        if (e.enhanced[0] == GP_CODE_ANY)
            gp_buf_putz(&b, "...");
        else
            gp_buf_printf(&b, "%d.%d.%d", e.enhanced[0], e.enhanced[1], e.enhanced[2]);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("\"%s\": %s", cases[i].text, got);
    }
}

static void phases_in_texts(void **state)
{
    (void)state;
    static const struct {
        const char *text, *rest;
        enum gp_report_phase phase;
    } cases[] = {
        {"host mx[192.0.2.1] said: 550 no (in reply to RCPT TO command)", "550 no", GP_PHASE_RCPT},
        {"host mx[192.0.2.1] said: 550 no (in reply to end of DATA command)", "550 no", GP_PHASE_DATA},
        {"host mx[192.0.2.1] said: 550 no (in reply to DATA command)", "550 no", GP_PHASE_DATA},
        {"host mx[192.0.2.1] said: 550 no (in reply to MAIL FROM command)", "550 no", GP_PHASE_MAIL},
        {"host mx[192.0.2.1] said: 550 no (in reply to EHLO command)", "550 no", GP_PHASE_HELO},
        {"host mx[192.0.2.1] refused to talk to me: 421 no", "421 no", GP_PHASE_CONNECT},
        {"host mx[192.0.2.1] said: 550 he said: no (well) (in reply to RCPT TO command)", "550 he said: no (well)",
         GP_PHASE_RCPT},
        {"host mx[192.0.2.1] said: 550 mx refused to talk to me: no", "550 mx refused to talk to me: no",
         GP_PHASE_NOT_SAID},
        {"550 host mx said: no", "550 host mx said: no", GP_PHASE_NOT_SAID},
        {"x-postfix; unknown user", "unknown user", GP_PHASE_NOT_SAID},
        {"no; really", "really", GP_PHASE_NOT_SAID},
        {"", "", GP_PHASE_NOT_SAID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char clean[200], rest[200];
        enum gp_report_phase phase = GP_PHASE_NOT_SAID;
        struct gp_buf b = gp_buf_on(clean, sizeof clean), out = gp_buf_on(rest, sizeof rest);
        gp_evidence_clean(gp_str_z(cases[i].text), &b);
        gp_buf_put(&out, gp_evidence_strip(gp_buf_str(&b), &phase));
        assert_string_equal(rest, cases[i].rest);
        assert_int_equal(phase, cases[i].phase);
    }
    enum gp_report_phase known = GP_PHASE_DATA;
    gp_evidence_strip(GP_STR("host mx said: no (in reply to mail from command)"), &known);
    assert_int_equal(known, GP_PHASE_DATA); /* what was said before stays */
}

static void lines_of_one_reply_are_joined(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"550-5.2.1 receiving mail at a rate that 550-5.2.1 prevents additional 550 5.2.1 mail",
         "550-5.2.1 receiving mail at a rate that prevents additional mail"},
        {"554-no smtp service 554-ip address is black listed 554 for help",
         "554-no smtp service ip address is black listed 554 for help"},
        {"550 5.1.1 not 550 5.1.2 the same", "550 5.1.1 not 550 5.1.2 the same"},
        {"421 4.7.0 port 4210", "421 4.7.0 port 4210"},
        {"no code", "no code"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char joined[200];
        struct gp_evidence e;
        struct gp_buf b = gp_buf_on(joined, sizeof joined);
        gp_evidence_codes(gp_str_z(cases[i][0]), GP_STR(""), GP_STR(""), &e);
        gp_evidence_join(gp_str_z(cases[i][0]), &e, &b);
        assert_string_equal(joined, cases[i][1]);
    }
}

/* A hundred recipients with the worst that is known against the installed dictionaries: bounded, however it is written.
 */
static void hostile_texts_are_bounded(void **state)
{
    (void)state;
    static const char *const words[] = {"user ",
                                        "unknown user ",
                                        "mailbox is is is ",
                                        "exceeds the the ",
                                        "domain a.b a.b ",
                                        "550-5.7.1 ",
                                        "\n",
                                        "\xE3\x80\x80",
                                        "("};
    static char text[GP_REPORT_TEXT_MAX];
    static struct gp_report_recipient p[GP_REPORT_RECIPIENTS_MAX];
    struct gp_dictionary *d = dictionary_installed();
    for (size_t w = 0; w < sizeof words / sizeof words[0]; w++) {
        struct gp_buf b = gp_buf_on(text, sizeof text);
        struct timespec begin, end;
        while (!b.full)
            gp_buf_putz(&b, words[w]);
        for (size_t i = 0; i < GP_REPORT_RECIPIENTS_MAX; i++)
            p[i] = (struct gp_report_recipient){.diagnostic = gp_buf_str(&b), .human = gp_buf_str(&b)};
        struct gp_report r = {.kind = GP_REPORT_BOUNCE, .recipients = p, .recipients_n = GP_REPORT_RECIPIENTS_MAX};
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
        gp_classify(d, &r);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
        double ms = 1e3 * (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e6;
        print_message("%-20.20s %.1f ms\n", words[w], ms);
        assert_true(ms < 2000); /* 20 to 40 ms where nothing else runs; sanitizers take ten times that */
    }
    gp_dictionary_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_of_evidence),
        cmocka_unit_test(the_envelope_sender_before_the_header),
        cmocka_unit_test(several_recipients),
        cmocka_unit_test(kinds),
        cmocka_unit_test(codes_in_texts),
        cmocka_unit_test(phases_in_texts),
        cmocka_unit_test(lines_of_one_reply_are_joined),
        cmocka_unit_test(hostile_texts_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
