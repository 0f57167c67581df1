/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * policy_rules.c - who is admitted: every rule at every stage, their order, what they ask, and a store that is silent
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "policyd/rules.h"
#include "shared/sessions.h"
#include "shared/token.h"
#include "shared/usage.h"

#define NOW_MS UINT64_C(1795226083000)
#define TODAY ((uint32_t)(NOW_MS / 86400000))

static struct gp_config config;
static struct gp_agency agency;
static struct gp_block block_list[2];
static struct gp_blocks blocks;
static struct gp_item items[GP_WANT_COUNT];
static struct gp_request request;
static struct gp_facts facts;

static void put(enum gp_want want, struct gp_str value)
{
    items[want].state = GP_FOUND;
    items[want].n = value.n;
    memcpy(items[want].value, value.p, value.n);
}

static void put_sessions(uint32_t count, uint64_t now_ms)
{
    struct gp_sessions s = {0};
    gp_sessions_set(&s, 1, 1, count, now_ms);
    items[GP_WANT_SESSIONS].state = GP_FOUND;
    items[GP_WANT_SESSIONS].n = gp_sessions_encode(&s, items[GP_WANT_SESSIONS].value);
}

static void put_usage(uint32_t recipients, uint64_t now_ms)
{
    struct gp_usage u;
    gp_usage_init(&u, 7);
    gp_usage_charge(&u, now_ms, recipients);
    items[GP_WANT_USAGE].state = GP_FOUND;
    items[GP_WANT_USAGE].n = gp_usage_encode(&u, items[GP_WANT_USAGE].value);
}

/* A listed client, nothing in the store, a recipient elsewhere: admitted. */
static int fresh(void **state)
{
    static char return_path[] = "b.example.gov";
    (void)state;
    config = (struct gp_config){.return_path = return_path, .on_counter_loss = GP_LOSS_LOCAL};
    config.keyring.have[1] = true;
    config.keyring.signer = 1;
    memset(config.keyring.secret[1], 0x5A, GP_KEY_OCTETS);
    agency = (struct gp_agency){.name = "dol", .limits = gp_limits_default};
    blocks = (struct gp_blocks){0, block_list};
    memset(items, 0, sizeof items);
    request = (struct gp_request){.stage = GP_STAGE_RCPT, .recipient = GP_STR("x@dest.test")};
    facts = (struct gp_facts){.config = &config,
                              .request = &request,
                              .agency = &agency,
                              .client = "192.0.2.10",
                              .blocks = &blocks,
                              .now_ms = NOW_MS};
    for (size_t i = 0; i < GP_WANT_COUNT; i++) {
        items[i].state = GP_ABSENT;
        facts.item[i] = &items[i];
    }
    return 0;
}

static struct gp_ruling judge(const char *profile, enum gp_stage stage)
{
    request.stage = stage;
    return gp_rules_judge(gp_profile_find(gp_str_z(profile)), &facts);
}

static void expect(const char *profile, enum gp_stage stage, enum gp_reason reason, const char *rule)
{
    struct gp_ruling r = judge(profile, stage);
    assert_int_equal(r.verdict.reason, reason);
    assert_int_equal(r.decision, reason != GP_ACCEPTED ? GP_REFUSE : r.decision);
    assert_string_equal(r.rule != NULL ? r.rule : "none", rule);
}

static void expect_both(enum gp_reason reason, const char *rule)
{
    expect("gatepost-address", GP_STAGE_CONNECT, reason, rule);
    expect("gatepost-address", GP_STAGE_RCPT, reason, rule);
}

static void admitted(void **state)
{
    (void)state;
    assert_int_equal(judge("gatepost-address", GP_STAGE_CONNECT).decision, GP_NEUTRAL);
    assert_int_equal(judge("gatepost-address", GP_STAGE_RCPT).decision, GP_PERMIT);
    assert_int_equal(judge("gatepost-address", GP_STAGE_OTHER).decision, GP_NEUTRAL);
    assert_int_equal(judge("gatepost-return", GP_STAGE_CONNECT).decision, GP_NEUTRAL);
    assert_int_equal(judge("gatepost-login", GP_STAGE_OTHER).decision, GP_NEUTRAL);
    assert_int_equal(judge("gatepost-return", GP_STAGE_OTHER).decision, GP_NEUTRAL);
}

static void profiles(void **state)
{
    static const struct {
        const char *asked, *is;
    } cases[] = {
        {"gatepost-address", "gatepost-address"},
        {"gatepost-login", "gatepost-login"},
        {"gatepost-both", "gatepost-both"},
        {"gatepost-return", "gatepost-return"},
        {"", "gatepost-address"},
        {"ctx-client", "gatepost-address"},
        {"gatepost-retur", "gatepost-address"},
        {"GATEPOST-RETURN", "gatepost-address"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(gp_profile_name(gp_profile_find(gp_str_z(cases[i].asked))), cases[i].is);
}

static void strangers(void **state)
{
    (void)state;
    facts.agency = NULL;
    expect_both(GP_NOT_PERMITTED, "listed");
    facts.client[0] = '\0'; /* "unknown" */
    expect_both(GP_NOT_PERMITTED, "listed");
    blocks.n = 1; /* who is not listed hears that, and not that he is blocked */
    block_list[0] = (struct gp_block){.target = "192.0.2.10", .reason = "spam"};
    expect_both(GP_NOT_PERMITTED, "listed");
}

static void permanent_blocks(void **state)
{
    (void)state;
    static const char *const targets[] = {"192.0.2.10", "dol"};
    for (size_t i = 0; i < 2; i++) {
        struct gp_block *b = &block_list[0];
        blocks.n = 1;
        *b = (struct gp_block){.reason = "ticket 9"};
        memcpy(b->target, targets[i], strlen(targets[i]));
        expect_both(GP_BLOCKED, "block");
        assert_string_equal(judge("gatepost-address", GP_STAGE_RCPT).verdict.detail, "ticket 9");
    }
    block_list[0] = (struct gp_block){.target = "192.0.2.1", .reason = "another"};
    expect_both(GP_ACCEPTED, "none");
}

static void live_blocks(void **state)
{
    static const enum gp_want wants[] = {GP_WANT_BLOCK_AGENCY, GP_WANT_BLOCK_ADDRESS};
    for (size_t i = 0; i < 2; i++) {
        fresh(state);
        put(wants[i], GP_STR("load\r\ntest"));
        expect_both(GP_BLOCKED_TEMPORARILY, "live-block");
        assert_string_equal(judge("gatepost-address", GP_STAGE_CONNECT).verdict.detail, "load  test");
    }
}

static void bans_and_pauses(void **state)
{
    put(GP_WANT_BAN_ADDRESS, GP_STR("3 failed"));
    expect("gatepost-address", GP_STAGE_CONNECT, GP_LOGIN_BAN, "ban");
    expect("gatepost-address", GP_STAGE_RCPT, GP_ACCEPTED, "none");
    fresh(state);
    put(GP_WANT_PAUSE_AGENCY, GP_STR("looking"));
    expect_both(GP_PAUSED, "pause");
    assert_string_equal(judge("gatepost-address", GP_STAGE_RCPT).verdict.detail, "looking");
}

static void sessions(void **state)
{
    (void)state;
    static const struct {
        uint32_t open;
        const char *live;
        enum gp_reason reason;
    } cases[] = {
        {0, "", GP_ACCEPTED},  {3, "", GP_ACCEPTED},       {4, "", GP_SESSION_LIMIT},  {5, "", GP_SESSION_LIMIT},
        {4, "5", GP_ACCEPTED}, {5, "5", GP_SESSION_LIMIT}, {2, "2", GP_SESSION_LIMIT}, {3, "many", GP_ACCEPTED},
        {1, "0", GP_ACCEPTED}, {4, "0", GP_SESSION_LIMIT}, {499, "500", GP_ACCEPTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fresh(state);
        put_sessions(cases[i].open, NOW_MS);
        if (cases[i].live[0] != '\0')
            put(GP_WANT_LIMIT_SESSIONS, gp_str_z(cases[i].live));
        expect("gatepost-address", GP_STAGE_CONNECT, cases[i].reason, cases[i].reason ? "sessions" : "none");
        expect("gatepost-address", GP_STAGE_RCPT, GP_ACCEPTED, "none"); /* never at RCPT */
    }
    fresh(state);
    put_sessions(9, NOW_MS - GP_SESSIONS_LIFE_MS); /* rows of a killed daemon */
    expect("gatepost-address", GP_STAGE_CONNECT, GP_ACCEPTED, "none");
    put(GP_WANT_SESSIONS, GP_STR("garbage"));
    expect("gatepost-address", GP_STAGE_CONNECT, GP_ACCEPTED, "none");
}

static void usage(void **state)
{
    static const struct {
        uint32_t used;
        const char *rate, *package; /* live */
        enum gp_reason reason;
    } cases[] = {
        {149, "", "", GP_ACCEPTED},        {150, "", "", GP_RATE},         {150, "151/1m", "", GP_ACCEPTED},
        {151, "151/1m", "", GP_RATE},      {150, "0", "", GP_ACCEPTED},    {10, "11/1m,10/1h", "", GP_RATE},
        {150, "rubbish", "", GP_RATE},     {10, "", "10/day", GP_PACKAGE}, {9, "", "10/day", GP_ACCEPTED},
        {150, "", "10/month", GP_PACKAGE}, {150, "", "ten", GP_RATE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fresh(state);
        put_usage(cases[i].used, NOW_MS);
        if (cases[i].rate[0] != '\0')
            put(GP_WANT_LIMIT_RATE, gp_str_z(cases[i].rate));
        if (cases[i].package[0] != '\0')
            put(GP_WANT_LIMIT_PACKAGE, gp_str_z(cases[i].package));
        expect("gatepost-address", GP_STAGE_RCPT, cases[i].reason, cases[i].reason ? "usage" : "none");
        expect("gatepost-address", GP_STAGE_CONNECT, GP_ACCEPTED, "none"); /* mail may be 4xx, a session not */
    }
    fresh(state);
    put_usage(150, NOW_MS - 120000);
    expect("gatepost-address", GP_STAGE_RCPT, GP_ACCEPTED, "none");
    put(GP_WANT_USAGE, GP_STR("garbage"));
    expect("gatepost-address", GP_STAGE_RCPT, GP_ACCEPTED, "none");
}

/* Each rule off in turn: the next one in the order must speak. */
static void order(void **state)
{
    static const char *const at_connect[] = {"listed", "block", "live-block", "ban", "pause", "sessions", "none"};
    static const char *const at_rcpt[] = {"listed", "block", "live-block", "pause", "forged", "usage", "none"};
    for (size_t stage = 0; stage < 2; stage++) {
        const char *const *rules = stage == 0 ? at_connect : at_rcpt;
        fresh(state);
        facts.agency = NULL;
        blocks.n = 1;
        block_list[0] = (struct gp_block){.target = "dol"};
        put(GP_WANT_BLOCK_ADDRESS, GP_STR("b"));
        put(GP_WANT_BAN_ADDRESS, GP_STR("b"));
        put(GP_WANT_PAUSE_AGENCY, GP_STR("p"));
        put_sessions(9, NOW_MS);
        put_usage(1000, NOW_MS);
        request.recipient = GP_STR("nobody@b.example.gov");
        for (size_t i = 0; i < 7; i++) {
            struct gp_ruling r = judge("gatepost-address", stage == 0 ? GP_STAGE_CONNECT : GP_STAGE_RCPT);
            assert_string_equal(r.rule != NULL ? r.rule : "none", rules[i]);
            facts.agency = &agency;
            blocks.n = i >= 1 ? 0 : 1;
            if (strcmp(rules[i], "live-block") == 0)
                items[GP_WANT_BLOCK_ADDRESS].state = GP_ABSENT;
            if (strcmp(rules[i], "ban") == 0)
                items[GP_WANT_BAN_ADDRESS].state = GP_ABSENT;
            if (strcmp(rules[i], "pause") == 0)
                items[GP_WANT_PAUSE_AGENCY].state = GP_ABSENT;
            if (strcmp(rules[i], "forged") == 0)
                request.recipient = GP_STR("x@dest.test");
            if (strcmp(rules[i], "sessions") == 0)
                items[GP_WANT_SESSIONS].state = GP_ABSENT;
            if (strcmp(rules[i], "usage") == 0)
                items[GP_WANT_USAGE].state = GP_ABSENT;
        }
    }
}

static void wants(void **state)
{
    (void)state;
    const struct gp_profile *p = gp_profile_find(GP_STR("gatepost-address"));
    unsigned both = GP_WANT(GP_WANT_BLOCK_AGENCY) | GP_WANT(GP_WANT_BLOCK_ADDRESS) | GP_WANT(GP_WANT_PAUSE_AGENCY);
    assert_int_equal(gp_rules_want(p, GP_STAGE_CONNECT),
                     both | GP_WANT(GP_WANT_SESSIONS) | GP_WANT(GP_WANT_BAN_ADDRESS) | GP_WANT(GP_WANT_LIMIT_SESSIONS));
    assert_int_equal(gp_rules_want(p, GP_STAGE_RCPT),
                     both | GP_WANT(GP_WANT_USAGE) | GP_WANT(GP_WANT_LIMIT_RATE) | GP_WANT(GP_WANT_LIMIT_PACKAGE));
    assert_int_equal(gp_rules_want(p, GP_STAGE_OTHER), 0);
    p = gp_profile_find(GP_STR("gatepost-return"));
    assert_int_equal(gp_rules_want(p, GP_STAGE_CONNECT) | gp_rules_want(p, GP_STAGE_RCPT), 0);
}

static void store_silent(void **state)
{
    (void)state;
    static const enum gp_on_loss losses[] = {GP_LOSS_LOCAL, GP_LOSS_OPEN, GP_LOSS_CLOSED};
    for (size_t i = 0; i < 3; i++) {
        for (size_t w = 0; w < GP_WANT_COUNT; w++)
            items[w].state = GP_UNKNOWN;
        bool closed = losses[i] == GP_LOSS_CLOSED;
        blocks.n = 0;
        config.on_counter_loss = losses[i];
        expect_both(closed ? GP_INTERNAL : GP_ACCEPTED, closed ? "live-block" : "none");
        assert_true(judge("gatepost-address", GP_STAGE_CONNECT).lost);
        struct gp_ruling r = judge("gatepost-address", GP_STAGE_RCPT);
        assert_true(r.lost);
        assert_int_equal(r.decision, closed ? GP_REFUSE : GP_PERMIT);
        blocks.n = 1; /* what is known without the store holds first */
        block_list[0] = (struct gp_block){.target = "dol"};
        expect_both(GP_BLOCKED, "block");
        assert_false(judge("gatepost-address", GP_STAGE_RCPT).lost);
        facts.agency = NULL;
        expect_both(GP_NOT_PERMITTED, "listed");
        facts.agency = &agency;
    }
}

/* One server of several is away: the rules whose items did come still speak, unless it is closed. */
static void store_half_silent(void **state)
{
    (void)state;
    put(GP_WANT_PAUSE_AGENCY, GP_STR("p"));
    items[GP_WANT_BLOCK_AGENCY].state = GP_UNKNOWN;
    expect_both(GP_PAUSED, "pause");
    assert_true(judge("gatepost-address", GP_STAGE_RCPT).lost);
    config.on_counter_loss = GP_LOSS_CLOSED;
    expect_both(GP_INTERNAL, "live-block");
}

static void store_never_asked(void **state)
{
    (void)state;
    config.on_counter_loss = GP_LOSS_CLOSED;
    for (size_t w = 0; w < GP_WANT_COUNT; w++)
        facts.item[w] = NULL; /* counters = [] */
    expect_both(GP_ACCEPTED, "none");
    assert_false(judge("gatepost-address", GP_STAGE_RCPT).lost);
    request.recipient = GP_STR("nobody@b.example.gov");
    expect("gatepost-address", GP_STAGE_RCPT, GP_RETURN_FORGED, "forged");
}

enum where { ELSEWHERE, RETURN, NOBODY };

static void expect_recipient(const char *recipient, enum where where)
{
    request.recipient = gp_str_z(recipient);
    struct gp_ruling back = judge("gatepost-return", GP_STAGE_RCPT);
    struct gp_ruling out = judge("gatepost-address", GP_STAGE_RCPT);
    bool forged = where == NOBODY;
    enum gp_decision decision = where == RETURN ? GP_PERMIT : GP_REFUSE;
    if (back.decision != decision || back.verdict.reason != (where == RETURN ? GP_ACCEPTED : GP_RETURN_FORGED))
        fail_msg("return listener, %s: decision %d", recipient, (int)back.decision);
    if (out.decision != (forged ? GP_REFUSE : GP_PERMIT) || out.verdict.reason != (forged ? GP_RETURN_FORGED : GP_ACCEPTED))
        fail_msg("address listener, %s: decision %d", recipient, (int)out.decision);
}

static void return_paths(void **state)
{
    (void)state;
    static const struct {
        const char *recipient;
        enum where where;
    } cases[] = {
        {"x@dest.test", ELSEWHERE},
        {"x@sub.b.example.gov", ELSEWHERE},
        {"x@xb.example.gov", ELSEWHERE},
        {"b.example.gov@dest.test", ELSEWHERE},
        {"postmaster", ELSEWHERE},
        {"", ELSEWHERE},
        {"x%y@dest.test", ELSEWHERE},
        {"@", ELSEWHERE},
        {"postmaster@b.example.gov", RETURN},
        {"PostMaster@B.Example.GOV", RETURN},
        {"abuse@b.example.gov", RETURN},
        {"ABUSE@b.example.gov.", RETURN},
        {"@b.example.gov", NOBODY},
        {"x@b.example.gov", NOBODY},
        {"x@B.EXAMPLE.GOV", NOBODY},
        {"x@b.example.gov.", NOBODY},
        {"x@b.example.gov...", NOBODY},
        {"postmasterx@b.example.gov", NOBODY},
        {"postmaster+x@b.example.gov", NOBODY},
        {"x%b.example.gov", NOBODY},
        {"x%B.Example.gov@relay.example.gov", NOBODY},
        {"b.example.gov!x", NOBODY},
        {"b.example.gov!x@relay.example.gov", NOBODY},
        {"postmaster%b.example.gov", NOBODY},
        {"@b.example.gov:x@dest.test", NOBODY},
        {"@dest.test:x@b.example.gov", NOBODY},
        {"x@b.example.gov@dest.test", NOBODY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_recipient(cases[i].recipient, cases[i].where);
}

static void tokens(void **state)
{
    (void)state;
    static const struct {
        enum gp_token_type type;
        uint32_t age;
        const char *domain;
        enum where where;
    } cases[] = {
        {GP_TOKEN_BOUNCE, 0, "b.example.gov", RETURN},      {GP_TOKEN_BOUNCE, 31, "b.example.gov", RETURN},
        {GP_TOKEN_UNSUBSCRIBE, 0, "b.example.gov", RETURN}, {GP_TOKEN_FEEDBACK, 0, "b.example.gov", RETURN},
        {GP_TOKEN_FEEDBACK, 200, "b.example.gov", RETURN},  {GP_TOKEN_REPLY, 999, "b.example.gov", RETURN},
        {GP_TOKEN_BOUNCE, 0, "elsewhere.example", NOBODY}, /* signed for another domain */
    };
    static const uint8_t id[3] = {1, 2, 3};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char token[GP_TOKEN_SHORT + 1], recipient[128];
        gp_token_sign(&config.keyring, cases[i].type, TODAY - cases[i].age, GP_STR("dol"), GP_STR("x@dest.test"), id,
                      gp_str_z(cases[i].domain), token);
        struct gp_buf b = gp_buf_on(recipient, sizeof recipient);
        gp_buf_printf(&b, "%s@B.example.gov", token);
        expect_recipient(recipient, cases[i].where);
        recipient[GP_TOKEN_SHORT - 1] = recipient[GP_TOKEN_SHORT - 1] == 'a' ? 'b' : 'a';
        expect_recipient(recipient, NOBODY);
    }
}

/* A return path takes part in the limits like any other recipient of an agency; the return listener has none. */
static void return_paths_count(void **state)
{
    (void)state;
    put_usage(150, NOW_MS);
    request.recipient = GP_STR("abuse@b.example.gov");
    expect("gatepost-address", GP_STAGE_RCPT, GP_RATE, "usage");
    facts.agency = NULL;
    expect("gatepost-return", GP_STAGE_RCPT, GP_ACCEPTED, "return");
    request.recipient = GP_STR("x@b.example.gov");
    expect("gatepost-return", GP_STAGE_RCPT, GP_RETURN_FORGED, "forged");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(admitted, fresh),
        cmocka_unit_test_setup(profiles, fresh),
        cmocka_unit_test_setup(strangers, fresh),
        cmocka_unit_test_setup(permanent_blocks, fresh),
        cmocka_unit_test_setup(live_blocks, fresh),
        cmocka_unit_test_setup(bans_and_pauses, fresh),
        cmocka_unit_test_setup(sessions, fresh),
        cmocka_unit_test_setup(usage, fresh),
        cmocka_unit_test_setup(order, fresh),
        cmocka_unit_test_setup(wants, fresh),
        cmocka_unit_test_setup(store_silent, fresh),
        cmocka_unit_test_setup(store_half_silent, fresh),
        cmocka_unit_test_setup(store_never_asked, fresh),
        cmocka_unit_test_setup(return_paths, fresh),
        cmocka_unit_test_setup(tokens, fresh),
        cmocka_unit_test_setup(return_paths_count, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
