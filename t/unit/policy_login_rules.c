/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * policy_login_rules.c - a stranger, a listed address, a login, and both, on each profile: every combination, its
 * answer
 *
 * Goes through admit.c, so that it also shows who is taken for the agency; the store is none (counters = []).
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "policyd/admit.h"
#include "t/unit/scratch.h"

#define NOW_MS UINT64_C(1795226083000)

static struct scratch scratch;
static struct gp_config *config;
static struct gp_logins *logins;
static struct gp_admit *admit;
static struct gp_block block_list[1];
static struct gp_blocks blocks = {0, block_list};

static int setup(void **state)
{
    char path[512];
    struct gp_faults faults;
    (void)state;
    if (!scratch_open(&scratch) ||
        !scratch_write(&scratch, "gatepost.conf",
                       GP_STR("relay_name = \"relay.gov\"\nreturn_path = \"b.relay.gov\"\ncounters = []\n"
                              "token_keys = \"$D/token\" " SCRATCH_DKIM "\n")) ||
        !scratch_write(&scratch, "agencies.d/a.conf",
                       GP_STR("dol = { production = [ \"192.0.2.10\" ] logins = [ \"dol-app\" ] sender_domains = [ "
                              "\"dol.gov\" ]\n  tests = ( { why = \"w\" address = \"192.0.2.99\" messages = \"5\" "
                              "from = \"2026-11-20T00:00Z\" until = \"2026-11-22T00:00Z\" } ) }\n"
                              "doe = { production = [ \"192.0.2.20\" ] logins = [ \"doe-app\" ] sender_domains = [ "
                              "\"doe.gov\" ]\n  limits = { failed_logins = \"5/1h\" } }\n")))
        return -1;
    scratch_path(&scratch, "gatepost.conf", path);
    gp_faults_init(&faults);
    config = gp_config_load(path, &faults);
    for (size_t i = 0; i < faults.n; i++)
        print_error("%s\n", faults.list[i].text);
    gp_faults_free(&faults);
    logins = gp_logins_new(NULL, "gp");
    admit = gp_admit_new(NULL, "gp", logins);
    return config != NULL && logins != NULL && admit != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    gp_admit_free(admit);
    gp_logins_free(logins);
    gp_config_free(config);
    scratch_close(&scratch);
    return 0;
}

/* The name of the answer: a reason id, "OK" or "DUNNO". */
static const char *answer(const char *profile, enum gp_stage stage, const char *address, const char *login)
{
    static const char *const decisions[] = {[GP_NEUTRAL] = "DUNNO", [GP_PERMIT] = "OK"};
    struct gp_job job = {.config = config,
                         .request = {.stage = stage,
                                     .client = gp_str_z(address),
                                     .profile = gp_str_z(profile),
                                     .recipient = GP_STR("x@dest.test"),
                                     .login = gp_str_z(login)}};
    gp_admit(admit, &job, 1, &blocks, NOW_MS);
    if (job.ruling.decision == GP_REFUSE)
        return gp_reply_of(job.ruling.verdict.reason)->reason;
    return decisions[job.ruling.decision];
}

#define STRANGER "203.0.113.9"
#define LISTED "192.0.2.10"
#define OTHERS "192.0.2.20"
#define WINDOW "192.0.2.99" /* of a test window of dol that is open */

static void combinations(void **state)
{
    static const struct {
        const char *address, *login;
        const char *answers[3][2]; /* profile address, login, both; CONNECT, RCPT */
    } rows[] = {
        {STRANGER,
         "",
         {{"not-permitted", "not-permitted"}, {"DUNNO", "login-required"}, {"not-permitted", "login-required"}}},
        {STRANGER,
         "dol-app",
         {{"not-permitted", "not-permitted"}, {"DUNNO", "OK"}, {"not-permitted", "not-permitted"}}},
        {STRANGER,
         "joe",
         {{"not-permitted", "not-permitted"}, {"DUNNO", "not-permitted"}, {"not-permitted", "not-permitted"}}},
        {"unknown",
         "",
         {{"not-permitted", "not-permitted"}, {"DUNNO", "login-required"}, {"not-permitted", "login-required"}}},
        {"unknown",
         "dol-app",
         {{"not-permitted", "not-permitted"}, {"DUNNO", "OK"}, {"not-permitted", "not-permitted"}}},
        {LISTED, "", {{"DUNNO", "OK"}, {"DUNNO", "login-required"}, {"DUNNO", "login-required"}}},
        {LISTED, "dol-app", {{"DUNNO", "OK"}, {"DUNNO", "OK"}, {"DUNNO", "OK"}}},
        {LISTED, "doe-app", {{"DUNNO", "OK"}, {"DUNNO", "OK"}, {"DUNNO", "not-permitted"}}},
        {LISTED, "DOL-app", {{"DUNNO", "OK"}, {"DUNNO", "not-permitted"}, {"DUNNO", "not-permitted"}}},
        {LISTED, "joe", {{"DUNNO", "OK"}, {"DUNNO", "not-permitted"}, {"DUNNO", "not-permitted"}}},
        {WINDOW, "", {{"DUNNO", "OK"}, {"DUNNO", "login-required"}, {"DUNNO", "login-required"}}},
        {WINDOW, "dol-app", {{"DUNNO", "OK"}, {"DUNNO", "OK"}, {"DUNNO", "OK"}}},
        {WINDOW, "doe-app", {{"DUNNO", "OK"}, {"DUNNO", "OK"}, {"DUNNO", "not-permitted"}}},
    };
    static const char *const profiles[] = {"gatepost-address", "gatepost-login", "gatepost-both"};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t p = 0; p < 3; p++) {
            const char *connect = answer(profiles[p], GP_STAGE_CONNECT, rows[i].address, "");
            const char *rcpt = answer(profiles[p], GP_STAGE_RCPT, rows[i].address, rows[i].login);
            if (strcmp(connect, rows[i].answers[p][0]) != 0 || strcmp(rcpt, rows[i].answers[p][1]) != 0)
                fail_msg("%s, login \"%s\", %s: %s, %s", rows[i].address, rows[i].login, profiles[p], connect, rcpt);
        }
    }
}

static void blocked(void **state)
{
    static const struct {
        const char *target;
        const char *connect, *rcpt; /* on the login's listener, from LISTED with dol-app */
    } rows[] = {
        {LISTED, "blocked", "blocked"}, {"dol", "DUNNO", "blocked"}, {"doe", "DUNNO", "OK"}, {OTHERS, "DUNNO", "OK"}};
    (void)state;
    blocks.n = 1;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        block_list[0] = (struct gp_block){.reason = "ticket 9"};
        memcpy(block_list[0].target, rows[i].target, strlen(rows[i].target));
        assert_string_equal(answer("gatepost-login", GP_STAGE_CONNECT, LISTED, ""), rows[i].connect);
        assert_string_equal(answer("gatepost-login", GP_STAGE_RCPT, LISTED, "dol-app"), rows[i].rcpt);
    }
    blocks.n = 0;
}

static void login_fails(const char *address, const char *login, uint64_t now_ms)
{
    struct gp_ip ip;
    assert_true(gp_ip_parse(gp_str_z(address), &ip));
    gp_logins_failed(logins, config, &ip, gp_str_z(login), now_ms);
}

static bool banned(const char *address, uint64_t now_ms)
{
    struct gp_ip ip;
    assert_true(gp_ip_parse(gp_str_z(address), &ip));
    return gp_logins_banned(logins, config, &ip, now_ms);
}

/* Without memcached this process counts and bans for itself, and CONNECT sees it. */
static void own_bans(void **state)
{
    static const char *const profiles[] = {"gatepost-address", "gatepost-login", "gatepost-both"};
    uint64_t third = NOW_MS - 1000;
    (void)state;
    login_fails(LISTED, "dol-app", third - 2);
    login_fails(LISTED, "nobody", third - 1); /* unknown users count too */
    assert_false(banned(LISTED, NOW_MS));
    login_fails(LISTED, "dol-app", third);
    assert_true(banned(LISTED, NOW_MS));
    assert_false(banned(OTHERS, NOW_MS));
    for (size_t p = 0; p < 3; p++) {
        assert_string_equal(answer(profiles[p], GP_STAGE_CONNECT, LISTED, ""), "login-ban");
        assert_string_equal(answer(profiles[p], GP_STAGE_CONNECT, OTHERS, ""), "DUNNO");
        assert_string_equal(answer(profiles[p], GP_STAGE_RCPT, LISTED, "dol-app"), "OK"); /* sessions run on */
    }
    login_fails(LISTED, "dol-app", third + 1); /* a report that was on its way: it prolongs nothing */
    assert_true(banned(LISTED, third + 1800 * 1000 - 1));
    assert_false(banned(LISTED, third + 1800 * 1000));
    login_fails(LISTED, "dol-app", third + 1800 * 1000);
    assert_false(banned(LISTED, third + 1800 * 1000));
}

/* The login's agency decides how many: doe's five within an hour, everybody else's three. */
static void limits(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= 5; i++) {
        login_fails("198.51.100.1", i == 2 ? "DOE-App" : "doe-app", NOW_MS + i * 600000); /* as Dovecot folds it */
        assert_int_equal(banned("198.51.100.1", NOW_MS + i * 600000), i == 5);
    }
    assert_true(banned("198.51.100.1", NOW_MS + 5 * 600000 + 3599 * 1000));
    assert_false(banned("198.51.100.1", NOW_MS + 5 * 600000 + 3600 * 1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(combinations),
        cmocka_unit_test(blocked),
        cmocka_unit_test(own_bans),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
