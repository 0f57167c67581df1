/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * milter_spf.c - the spf rule: every mode against every result, and whom it does not concern
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "milter/rules.h"

#include <string.h>

static char domain[] = "dol.gov", return_path[] = "b.example.gov";
static char *domains[] = {domain};
static const struct gp_config config = {.return_path = return_path};
static const struct gp_limits limits = {
    .recipients_per_message = 1, .message_size = 1000, .messages_per_session = 2, .session_time_s = 60};

#define A GP_ACCEPTED
#define D GP_SPF_DEFER
#define R GP_SPF_REJECT

/* Only a record that does not name this relay is a reason; DNS trouble and broken records never are. */
static const struct {
    enum gp_spf_result result;
    enum gp_reason off, tag, warn, defer, reject;
} modes[] = {
    {GP_SPF_PASS, A, A, A, A, A},    {GP_SPF_NONE, A, A, A, A, A},     {GP_SPF_NEUTRAL, A, A, A, A, A},
    {GP_SPF_UNKNOWN, A, A, A, A, A}, {GP_SPF_SOFTFAIL, A, A, A, D, R}, {GP_SPF_PERMERROR, A, A, A, A, A},
    {GP_SPF_FAIL, A, A, A, D, R},
};

static enum gp_reason judge(enum gp_milter_stage stage, enum gp_spf_mode mode, enum gp_spf_result result,
                            const char *path, const char **rule)
{
    const struct gp_agency agency = {.name = "dol", .sender_domains = {1, domains}, .spf = mode};
    struct gp_milter_facts f = {.config = &config, .agency = &agency, .limits = &limits, .spf = result};
    gp_facts_path(&f, gp_str_z(path));
    return gp_milter_judge(stage, &f, rule);
}

static void test_modes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        const enum gp_reason want[] = {modes[i].off, modes[i].tag, modes[i].warn, modes[i].defer, modes[i].reject};
        for (enum gp_spf_mode mode = GP_SPF_OFF; mode <= GP_SPF_REJECTS; mode++) {
            const char *rule;
            enum gp_reason got = judge(GP_AT_MAIL, mode, modes[i].result, "<a@dol.gov>", &rule);
            if (got != want[mode])
                fail_msg("%s, mode %d: %s", gp_spf_name(modes[i].result), (int)mode, gp_reply_of(got)->reason);
            if (got != GP_ACCEPTED)
                assert_string_equal(rule, "spf");
        }
    }
}

static void test_whom(void **state)
{
    const char *rule;
    (void)state;
    assert_int_equal(judge(GP_AT_MAIL, GP_SPF_REJECTS, GP_SPF_FAIL, "<>", &rule), GP_ACCEPTED);
    assert_int_equal(judge(GP_AT_MAIL, GP_SPF_REJECTS, GP_SPF_FAIL, "<a@dos.gov>", &rule), GP_SENDER_DOMAIN);
    assert_string_equal(rule, "sender"); /* first of all, whether it is the agency's */
    assert_int_equal(judge(GP_AT_RCPT, GP_SPF_REJECTS, GP_SPF_FAIL, "<a@dol.gov>", &rule), GP_ACCEPTED);
}

/* The reply itself stands in the table of verdicts; its codes are the contract. */
static void test_replies(void **state)
{
    (void)state;
    assert_string_equal(gp_reply_of(GP_SPF_REJECT)->code, "550");
    assert_string_equal(gp_reply_of(GP_SPF_REJECT)->enhanced, "5.7.23");
    assert_string_equal(gp_reply_of(GP_SPF_DEFER)->code, "450");
    assert_string_equal(gp_reply_of(GP_SPF_DEFER)->enhanced, "4.7.23");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_whom),
        cmocka_unit_test(test_replies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
