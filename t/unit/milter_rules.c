/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * milter_rules.c - the table of message rules: each row's refusal, its edge, its stages and its place in the order
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "milter/from.h"
#include "milter/rules.h"

#include <stdio.h>
#include <string.h>

#define TODAY 20000
#define RETURN_PATH "b.example.gov"

static char domain_bare[] = "dol.gov", domain_below[] = ".dol.gov", domain_token[] = RETURN_PATH;
static char *domains[] = {domain_bare, domain_below};
static char return_path[] = RETURN_PATH;

static struct gp_agency dol = {.name = "dol", .sender_domains = {2, domains}};
static struct gp_agency careless = {.name = "careless", .sender_domains = {1, (char *[]){domain_token}}};
static struct gp_config config = {
    .return_path = return_path,
    .keyring = {.have = {[1] = true}, .secret = {[1] = {1, 2, 3}}, .signer = 1},
};
static const struct gp_limits limits = {
    .recipients_per_message = 1, .message_size = 1000, .messages_per_session = 2, .session_time_s = 60};
static struct gp_headers headers;

static struct gp_milter_facts base(void)
{
    return (struct gp_milter_facts){.config = &config,
                                    .agency = &dol,
                                    .limits = &limits,
                                    .today = TODAY,
                                    .headers = &headers,
                                    .sender = GP_STR("a@dol.gov")};
}

struct session_case {
    const char *name;
    enum gp_milter_stage stage;
    struct gp_milter_facts change; /* the fields below are laid over base() */
    bool stranger;
    const char *path;
    enum gp_reason want;
};

static const struct session_case cases[] = {
    {"a good HELO", GP_AT_HELO, {0}, false, NULL, GP_ACCEPTED},
    {"a good MAIL", GP_AT_MAIL, {0}, false, "<a@dol.gov>", GP_ACCEPTED},
    {"a good RCPT", GP_AT_RCPT, {0}, false, "<x@example.org>", GP_ACCEPTED},
    {"a good DATA", GP_AT_DATA, {0}, false, NULL, GP_ACCEPTED},
    {"a good end", GP_AT_END, {0}, false, NULL, GP_ACCEPTED},

    {"drained: HELO", GP_AT_HELO, {.drained = true}, false, NULL, GP_RECONFIGURING},
    {"drained: MAIL", GP_AT_MAIL, {.drained = true}, false, "<a@dol.gov>", GP_RECONFIGURING},
    {"drained: RCPT", GP_AT_RCPT, {.drained = true}, false, "<x@example.org>", GP_RECONFIGURING},
    {"drained: DATA", GP_AT_DATA, {.drained = true}, false, NULL, GP_RECONFIGURING},
    {"drained: a message that came whole is kept", GP_AT_END, {.drained = true}, false, NULL, GP_ACCEPTED},
    {"drained comes first", GP_AT_MAIL, {.drained = true, .standing = GP_SESSION_LIMIT}, true, "x", GP_RECONFIGURING},

    {"too many sessions: HELO", GP_AT_HELO, {.standing = GP_SESSION_LIMIT}, false, NULL, GP_SESSION_LIMIT},
    {"too many sessions: MAIL", GP_AT_MAIL, {.standing = GP_SESSION_LIMIT}, false, "<a@dol.gov>", GP_SESSION_LIMIT},
    {"too many sessions: RCPT", GP_AT_RCPT, {.standing = GP_SESSION_LIMIT}, false, "<x@d.org>", GP_SESSION_LIMIT},
    {"too many sessions: DATA", GP_AT_DATA, {.standing = GP_SESSION_LIMIT}, false, NULL, GP_SESSION_LIMIT},
    {"store away and closed: not at HELO", GP_AT_HELO, {.standing = GP_INTERNAL}, false, NULL, GP_ACCEPTED},
    {"store away and closed: MAIL", GP_AT_MAIL, {.standing = GP_INTERNAL}, false, "<a@dol.gov>", GP_INTERNAL},

    {"stranger: not at HELO", GP_AT_HELO, {0}, true, NULL, GP_ACCEPTED},
    {"stranger: MAIL", GP_AT_MAIL, {0}, true, "<a@dol.gov>", GP_INTERNAL},
    {"stranger: end", GP_AT_END, {0}, true, NULL, GP_INTERNAL},

    {"login missing: not at HELO", GP_AT_HELO, {.profile = GP_PROFILE_LOGIN}, true, NULL, GP_ACCEPTED},
    {"login missing: not at MAIL", GP_AT_MAIL, {.profile = GP_PROFILE_LOGIN}, true, "<x@any.org>", GP_ACCEPTED},
    {"login missing: RCPT", GP_AT_RCPT, {.profile = GP_PROFILE_LOGIN}, true, "<x@d.org>", GP_LOGIN_REQUIRED},
    {"login missing: end", GP_AT_END, {.profile = GP_PROFILE_LOGIN}, true, NULL, GP_LOGIN_REQUIRED},
    {"login missing: both, RCPT", GP_AT_RCPT, {.profile = GP_PROFILE_BOTH}, false, "<x@d.org>", GP_LOGIN_REQUIRED},
    {"login missing, too many sessions: HELO",
     GP_AT_HELO,
     {.profile = GP_PROFILE_BOTH, .standing = GP_SESSION_LIMIT},
     false,
     NULL,
     GP_SESSION_LIMIT},
    {"drained before the login",
     GP_AT_MAIL,
     {.profile = GP_PROFILE_LOGIN, .drained = true},
     true,
     "<a@dol.gov>",
     GP_RECONFIGURING},
    {"unknown login: MAIL",
     GP_AT_MAIL,
     {.profile = GP_PROFILE_LOGIN, .logged_in = true},
     true,
     "<a@dol.gov>",
     GP_NOT_PERMITTED},
    {"login: MAIL",
     GP_AT_MAIL,
     {.profile = GP_PROFILE_LOGIN, .logged_in = true, .login = &dol},
     false,
     "<a@dol.gov>",
     GP_ACCEPTED},
    {"too many sessions of the login: MAIL",
     GP_AT_MAIL,
     {.profile = GP_PROFILE_LOGIN, .logged_in = true, .login = &dol, .standing = GP_SESSION_LIMIT},
     false,
     "<a@dol.gov>",
     GP_SESSION_LIMIT},
    {"both: MAIL",
     GP_AT_MAIL,
     {.profile = GP_PROFILE_BOTH, .logged_in = true, .login = &dol},
     false,
     "<a@dol.gov>",
     GP_ACCEPTED},
    {"both, another agency's login: MAIL",
     GP_AT_MAIL,
     {.profile = GP_PROFILE_BOTH, .logged_in = true, .login = &careless},
     false,
     "<a@dol.gov>",
     GP_NOT_PERMITTED},
    {"both, an unknown login: end",
     GP_AT_END,
     {.profile = GP_PROFILE_BOTH, .logged_in = true},
     false,
     NULL,
     GP_NOT_PERMITTED},

    {"one message left", GP_AT_MAIL, {.accepted = 1}, false, "<a@dol.gov>", GP_ACCEPTED},
    {"no message left", GP_AT_MAIL, {.accepted = 2}, false, "<a@dol.gov>", GP_MESSAGES_PER_SESSION},
    {"limit lowered below what was accepted",
     GP_AT_MAIL,
     {.accepted = 9},
     false,
     "<a@dol.gov>",
     GP_MESSAGES_PER_SESSION},
    {"one millisecond left", GP_AT_MAIL, {.age_ms = 59999}, false, "<a@dol.gov>", GP_ACCEPTED},
    {"no time left", GP_AT_MAIL, {.age_ms = 60000}, false, "<a@dol.gov>", GP_SESSION_TIME},
    {"time ends nothing but MAIL", GP_AT_RCPT, {.age_ms = 99999}, false, "<x@example.org>", GP_ACCEPTED},

    {"SIZE= at the limit", GP_AT_MAIL, {.sized = true, .size = {"1000", 4}}, false, "<a@dol.gov>", GP_ACCEPTED},
    {"SIZE= over it", GP_AT_MAIL, {.sized = true, .size = {"1001", 4}}, false, "<a@dol.gov>", GP_MESSAGE_SIZE},
    {"SIZE=0", GP_AT_MAIL, {.sized = true, .size = {"0", 1}}, false, "<a@dol.gov>", GP_ACCEPTED},
    {"SIZE= beyond 64 bits",
     GP_AT_MAIL,
     {.sized = true, .size = {"18446744073709551617", 20}},
     false,
     "<a@dol.gov>",
     GP_MESSAGE_SIZE},
    {"SIZE= empty", GP_AT_MAIL, {.sized = true, .size = {"", 0}}, false, "<a@dol.gov>", GP_MESSAGE_SIZE},
    {"SIZE= negative", GP_AT_MAIL, {.sized = true, .size = {"-1", 2}}, false, "<a@dol.gov>", GP_MESSAGE_SIZE},

    {"null sender", GP_AT_MAIL, {0}, false, "<>", GP_ACCEPTED},
    {"subdomain", GP_AT_MAIL, {0}, false, "<a@mail.dol.gov>", GP_ACCEPTED},
    {"case of the domain", GP_AT_MAIL, {0}, false, "<a@DOL.gov>", GP_ACCEPTED},
    {"source route", GP_AT_MAIL, {0}, false, "<@x.org:a@dol.gov>", GP_ACCEPTED},
    {"foreign sender", GP_AT_MAIL, {0}, false, "<a@dos.gov>", GP_SENDER_DOMAIN},
    {"suffix is no subdomain", GP_AT_MAIL, {0}, false, "<a@notdol.gov>", GP_SENDER_DOMAIN},
    {"sender without domain", GP_AT_MAIL, {0}, false, "<postmaster>", GP_SENDER_DOMAIN},
    {"sender that is no path", GP_AT_MAIL, {0}, false, "<a@dol.gov", GP_SENDER_DOMAIN},
    {"empty argument", GP_AT_MAIL, {0}, false, "", GP_SENDER_DOMAIN},
    {"UTF-8 undeclared", GP_AT_MAIL, {0}, false, "<\xc3\xa9@dol.gov>", GP_SENDER_DOMAIN},
    {"UTF-8 declared", GP_AT_MAIL, {.utf8 = true}, false, "<\xc3\xa9@dol.gov>", GP_ACCEPTED},
    {"something at return_path", GP_AT_MAIL, {0}, false, "<news@" RETURN_PATH ">", GP_SENDER_DOMAIN},

    {"null recipient", GP_AT_RCPT, {0}, false, "<>", GP_RECIPIENT_SYNTAX},
    {"recipient without brackets", GP_AT_RCPT, {0}, false, "x@example.org", GP_RECIPIENT_SYNTAX},
    {"two dots", GP_AT_RCPT, {0}, false, "<a..b@example.org>", GP_RECIPIENT_SYNTAX},
    {"postmaster", GP_AT_RCPT, {0}, false, "<PostMaster>", GP_ACCEPTED},
    {"source route to a recipient", GP_AT_RCPT, {0}, false, "<@a.org,@b.org:x@example.org>", GP_ACCEPTED},
    {"UTF-8 recipient undeclared", GP_AT_RCPT, {0}, false, "<\xc3\xa9@example.org>", GP_RECIPIENT_SYNTAX},
    {"UTF-8 recipient declared", GP_AT_RCPT, {.utf8 = true}, false, "<\xc3\xa9@example.org>", GP_ACCEPTED},
    {"second recipient", GP_AT_RCPT, {.recipients = 1}, false, "<x@example.org>", GP_RECIPIENT_LIMIT},
    {"second recipient, wrong syntax", GP_AT_RCPT, {.recipients = 1}, false, "<x@>", GP_RECIPIENT_SYNTAX},

    {"size at the limit", GP_AT_END, {.octets = 1000}, false, NULL, GP_ACCEPTED},
    {"size over it", GP_AT_END, {.octets = 1001}, false, NULL, GP_MESSAGE_SIZE},
};

static void test_session(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct session_case *c = &cases[i];
        const char *rule = "unset";
        struct gp_milter_facts f = base();
        f.profile = c->change.profile;
        f.logged_in = c->change.logged_in;
        f.login = c->change.login;
        f.drained = c->change.drained;
        f.standing = c->change.standing;
        f.accepted = c->change.accepted;
        f.age_ms = c->change.age_ms;
        f.sized = c->change.sized;
        f.size = c->change.size;
        f.utf8 = c->change.utf8;
        f.recipients = c->change.recipients;
        f.octets = c->change.octets;
        if (c->stranger)
            f.agency = NULL;
        if (c->path != NULL)
            gp_facts_path(&f, gp_str_z(c->path));
        enum gp_reason got = gp_milter_judge(c->stage, &f, &rule);
        if (got != c->want)
            fail_msg("%s: %s instead of %s", c->name, gp_reply_of(got)->reason, gp_reply_of(c->want)->reason);
        if ((got == GP_ACCEPTED) != (rule == NULL))
            fail_msg("%s: the rule's name is wrong", c->name);
    }
}

static void test_reject_when_told(void **state)
{
    const char *rule;
    struct gp_milter_facts f = base();
    (void)state;
    config.sender_domain_reject = true;
    gp_facts_path(&f, GP_STR("<a@dos.gov>"));
    enum gp_reason got = gp_milter_judge(GP_AT_MAIL, &f, &rule);
    config.sender_domain_reject = false;
    assert_int_equal(got, GP_SENDER_DOMAIN_REJECT);
    assert_string_equal(rule, "sender");
}

/* Only `reconfiguring` reaches the return path's listener. */
static void test_return_profile(void **state)
{
    static const enum gp_milter_stage stages[] = {GP_AT_HELO, GP_AT_MAIL, GP_AT_RCPT, GP_AT_DATA, GP_AT_END};
    const char *rule;
    (void)state;
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        struct gp_milter_facts f = base();
        f.profile = GP_PROFILE_RETURN;
        f.agency = NULL;
        f.standing = GP_SESSION_LIMIT;
        f.malformed = true;
        f.octets = 9999;
        assert_int_equal(gp_milter_judge(stages[i], &f, &rule), GP_ACCEPTED);
        f.drained = true;
        if (stages[i] != GP_AT_END)
            assert_int_equal(gp_milter_judge(stages[i], &f, &rule), GP_RECONFIGURING);
    }
}

static void token_path(const char *agency, const char *recipient, uint32_t day, char *out, size_t cap)
{
    static const uint8_t id[3] = {7, 8, 9};
    char token[GP_TOKEN_SHORT + 1];
    gp_token_sign(&config.keyring, GP_TOKEN_BOUNCE, day, gp_str_z(agency), gp_str_z(recipient), id, GP_STR(RETURN_PATH),
                  token);
    snprintf(out, cap, "<%s@%s>", token, RETURN_PATH);
}

/* A sender that is a return path of ours: this agency's, not expired, and for this recipient. */
static void test_sender_token(void **state)
{
    static const struct {
        const char *name, *agency, *recipient;
        uint32_t day;
        enum gp_reason at_mail, at_rcpt;
    } tokens[] = {
        {"ours", "dol", "x@example.org", TODAY, GP_ACCEPTED, GP_ACCEPTED},
        {"for another recipient", "dol", "y@example.org", TODAY, GP_ACCEPTED, GP_SENDER_DOMAIN},
        {"another agency's", "dos", "x@example.org", TODAY, GP_SENDER_DOMAIN, GP_SENDER_DOMAIN},
        {"expired", "dol", "x@example.org", TODAY - GP_TOKEN_BOUNCE_DAYS - 1, GP_SENDER_DOMAIN, GP_SENDER_DOMAIN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        char path[128];
        const char *rule;
        struct gp_milter_facts f = base();
        token_path(tokens[i].agency, tokens[i].recipient, tokens[i].day, path, sizeof path);
        gp_facts_path(&f, gp_str_z(path));
        assert_true(gp_facts_returning(&f));
        if (gp_milter_judge(GP_AT_MAIL, &f, &rule) != tokens[i].at_mail)
            fail_msg("%s: wrong at MAIL", tokens[i].name);
        f.sender = (struct gp_str){path + 1, strlen(path) - 2};
        f.re_enveloped = true;
        gp_facts_path(&f, GP_STR("<x@example.org>"));
        if (gp_milter_judge(GP_AT_RCPT, &f, &rule) != tokens[i].at_rcpt)
            fail_msg("%s: wrong at RCPT", tokens[i].name);
    }
}

/* Even an agency that lists return_path among its domains sends only tokens from there. */
static void test_return_path_is_nobodys(void **state)
{
    const char *rule;
    struct gp_milter_facts f = base();
    (void)state;
    f.agency = &careless;
    gp_facts_path(&f, GP_STR("<news@" RETURN_PATH ">"));
    assert_int_equal(gp_milter_judge(GP_AT_MAIL, &f, &rule), GP_SENDER_DOMAIN);
}

static enum gp_reason judge_from(const char *from, bool check_from, const char *sender)
{
    const char *rule;
    struct gp_milter_facts f = base();
    gp_headers_init(&headers);
    gp_headers_note(&headers, GP_STR("From"), gp_str_z(from));
    f.sender = gp_str_z(sender);
    dol.check_from = check_from;
    enum gp_reason got = gp_milter_judge(GP_AT_END, &f, &rule);
    dol.check_from = false;
    assert_true(got == GP_ACCEPTED || strcmp(rule, "from-header") == 0);
    return got;
}

static void test_from_header(void **state)
{
    (void)state;
    assert_int_equal(judge_from(" a@dos.gov", false, "a@dol.gov"), GP_ACCEPTED);
    assert_int_equal(judge_from(" a@dos.gov", true, "a@dol.gov"), GP_SENDER_DOMAIN);
    assert_int_equal(judge_from(" a@dol.gov", true, "a@dol.gov"), GP_ACCEPTED);
    assert_int_equal(judge_from(" a@dos.gov", false, ""), GP_SENDER_DOMAIN);
    assert_int_equal(judge_from(" a@dol.gov", false, ""), GP_ACCEPTED);
}

static void test_parameters(void **state)
{
    static const struct {
        const char *name;
        char *argv[4];
        bool utf8, sized;
        const char *size;
    } lists[] = {
        {"none", {NULL}, false, false, ""},
        {"both", {"SMTPUTF8", "SIZE=12", NULL}, true, true, "12"},
        {"any case", {"smtputf8", "size=12", NULL}, true, true, "12"},
        {"others are passed over", {"BODY=8BITMIME", "SMTPUTF8X", "SIZE", NULL}, false, false, ""},
        {"empty value", {"SIZE=", NULL}, false, true, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct gp_milter_facts f = base();
        gp_facts_parameters(&f, lists[i].argv);
        if (f.utf8 != lists[i].utf8 || f.sized != lists[i].sized || !gp_str_eq(f.size, gp_str_z(lists[i].size)))
            fail_msg("%s", lists[i].name);
    }
}

static void test_address(void **state)
{
    static const struct {
        const char *path, *address;
    } paths[] = {
        {"<a@dol.gov>", "a@dol.gov"},
        {"<@x.org:a@dol.gov>", "a@dol.gov"},
        {"<>", ""},
        {"<postmaster>", "postmaster"},
        {"<\"a b\"@[192.0.2.1]>", "\"a b\"@[192.0.2.1]"},
        {"<a@>", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct gp_milter_facts f = base();
        gp_facts_path(&f, gp_str_z(paths[i].path));
        struct gp_str got = gp_facts_address(&f);
        if (!gp_str_eq(got, gp_str_z(paths[i].address)))
            fail_msg("%s: %.*s", paths[i].path, GP_STR_FMT(got));
    }
}

static void test_profiles(void **state)
{
    (void)state;
    assert_int_equal(gp_profile_of(GP_STR("gatepost-address")), GP_PROFILE_ADDRESS);
    assert_int_equal(gp_profile_of(GP_STR("gatepost-login")), GP_PROFILE_LOGIN);
    assert_int_equal(gp_profile_of(GP_STR("gatepost-both")), GP_PROFILE_BOTH);
    assert_int_equal(gp_profile_of(GP_STR("gatepost-return")), GP_PROFILE_RETURN);
    assert_int_equal(gp_profile_of(GP_STR("smtpd")), GP_PROFILE_ADDRESS);
    assert_int_equal(gp_profile_of(GP_STR("gatepost-returns")), GP_PROFILE_ADDRESS);
    assert_int_equal(gp_profile_of((struct gp_str){NULL, 0}), GP_PROFILE_ADDRESS);
}

/* One header less than too many is good, however they are spread. */
static void headers_that_go(void **state)
{
    (void)state;
    const char *rule;
    struct gp_milter_facts f = base();
    unsigned *const counts[] = {&headers.source, &headers.ref, &headers.stream, &headers.list_unsubscribe,
                                &headers.list_unsubscribe_post};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        headers.source = headers.ref = headers.list_unsubscribe = headers.list_unsubscribe_post = 16;
        headers.stream = 0;
        assert_int_equal(gp_milter_judge(GP_AT_END, &f, &rule), GP_ACCEPTED);
        (*counts[i])++;
        assert_int_equal(gp_milter_judge(GP_AT_END, &f, &rule), GP_HEADERS);
        assert_string_equal(rule, "headers");
        *counts[i] = UINT32_MAX;
        assert_int_equal(gp_milter_judge(GP_AT_END, &f, &rule), GP_HEADERS);
    }
    gp_headers_init(&headers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_that_go),       cmocka_unit_test(test_session),
        cmocka_unit_test(test_reject_when_told), cmocka_unit_test(test_return_profile),
        cmocka_unit_test(test_sender_token),     cmocka_unit_test(test_return_path_is_nobodys),
        cmocka_unit_test(test_from_header),      cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_address),          cmocka_unit_test(test_profiles),
    };
    gp_from_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
