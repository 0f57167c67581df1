/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * policy_reply.c - the action line: always a text behind a code, never a second line
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "policyd/reply.h"

static void lines(void **state)
{
    (void)state;
    static const struct {
        enum gp_decision decision;
        enum gp_reason reason;
        const char *line;
    } cases[] = {
        {GP_NEUTRAL, GP_ACCEPTED, "action=DUNNO\n\n"},
        {GP_PERMIT, GP_ACCEPTED, "action=OK\n\n"},
        {GP_REFUSE, GP_NOT_PERMITTED, "action=554 5.7.1 Address not permitted to relay\n\n"},
        {GP_REFUSE, GP_SESSION_LIMIT, "action=421 4.4.5 Service unavailable, concurrency limit reached\n\n"},
        {GP_REFUSE, GP_BLOCKED, "action=554 5.7.1 Blocked: ticket 7\n\n"},
        {GP_REFUSE, GP_BLOCKED_TEMPORARILY, "action=421 4.7.1 Blocked temporarily: ticket 7\n\n"},
        {GP_REFUSE, GP_LOGIN_BAN, "action=421 4.7.0 Too many failed logins, try again later\n\n"},
        {GP_REFUSE, GP_PAUSED, "action=450 4.7.1 Paused: ticket 7\n\n"},
        {GP_REFUSE, GP_RATE, "action=450 4.7.1 Rate limit reached, retry later\n\n"},
        {GP_REFUSE, GP_PACKAGE, "action=452 4.7.1 Too many recipients received based on tier configuration\n\n"},
        {GP_REFUSE, GP_RETURN_FORGED, "action=550 5.1.1 No such return path\n\n"},
        {GP_REFUSE, GP_INTERNAL, "action=451 4.3.0 General failure, please retry again or contact the support\n\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[GP_ACTION_MAX];
        struct gp_ruling ruling = {.decision = cases[i].decision,
                                   .verdict = gp_verdict_of(cases[i].reason, GP_STR("ticket 7"))};
        assert_int_equal(gp_action_write(&ruling, out), strlen(cases[i].line));
        assert_string_equal(out, cases[i].line);
    }
}

/* Every reason has a code, an enhanced code and a text, whatever the detail holds. */
static void never_two_lines(void **state)
{
    (void)state;
    for (int reason = GP_ACCEPTED + 1; reason < GP_REASON_COUNT; reason++) {
        char out[GP_ACTION_MAX];
        struct gp_ruling ruling = {.decision = GP_REFUSE, .verdict = {.reason = (enum gp_reason)reason}};
        memset(ruling.verdict.detail, '\n', GP_DETAIL_MAX); /* not even one that gp_verdict_of never made */
        size_t n = gp_action_write(&ruling, out);
        assert_true(n > strlen("action=421 4.4.5 x\n\n"));
        assert_int_equal(out[10], ' ');
        assert_int_equal(out[11 + strlen(gp_reply_of((enum gp_reason)reason)->enhanced)], ' ');
        assert_ptr_equal(strchr(out, '\n'), out + n - 2);
        assert_string_equal(out + n - 2, "\n\n");
    }
}

static void percent_stays(void **state)
{
    (void)state;
    char out[GP_ACTION_MAX];
    struct gp_ruling ruling = {.decision = GP_REFUSE,
                               .verdict = gp_verdict_of(GP_PAUSED, GP_STR("100%s full\taction=OK"))};
    gp_action_write(&ruling, out);
    assert_string_equal(out, "action=450 4.7.1 Paused: 100%s full action=OK\n\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(never_two_lines),
        cmocka_unit_test(percent_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
