/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * classify.c - tests of the order in which evidence counts, with a dictionary of its own
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "t/unit/dictionary_fixture.h"

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
    /* what Postfix did about it */
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
    /* what was said, before what people are told */
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
    /* text and codes */
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
    /* in reply to which command */
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
    /* whose domain; the returned message is from b@sender.example */
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
    /* refused for now, or for good */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_of_evidence),
        cmocka_unit_test(the_envelope_sender_before_the_header),
        cmocka_unit_test(several_recipients),
        cmocka_unit_test(kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
