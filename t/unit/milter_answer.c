/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * milter_answer.c - what libmilter is told: replies, edits in their order, nothing after one that failed
 *
 * The smfi_ functions below stand before libmilter's.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "milter/answer.h"
#include "milter/apply.h"

#include <stdio.h>
#include <string.h>

static char told[1024];
static int fail_at; /* this call fails; 0: none */
static int calls;

static int tell(const char *what, const char *a, int number, const char *b)
{
    size_t n = strlen(told);
    snprintf(told + n, sizeof told - n, "%s(%s,%d,%s)", what, a, number, b != NULL ? b : "NULL");
    return ++calls == fail_at ? MI_FAILURE : MI_SUCCESS;
}

int smfi_chgfrom(SMFICTX *ctx, char *from, char *args)
{
    (void)ctx;
    return tell("chgfrom", from, 0, args);
}

int smfi_chgheader(SMFICTX *ctx, char *name, int number, char *value)
{
    (void)ctx;
    return tell("chgheader", name, number, value);
}

int smfi_addheader(SMFICTX *ctx, char *name, char *value)
{
    (void)ctx;
    return tell("addheader", name, 0, value);
}

int smfi_insheader(SMFICTX *ctx, int at, char *name, char *value)
{
    (void)ctx;
    return tell("insheader", name, at, value);
}

int smfi_setreply(SMFICTX *ctx, char *code, char *enhanced, char *text)
{
    (void)ctx, (void)enhanced;
    return tell(code, enhanced, 0, text);
}

char *smfi_getsymval(SMFICTX *ctx, char *symbol)
{
    (void)ctx, (void)symbol;
    return NULL;
}

static void begin(int failing)
{
    told[0] = '\0';
    calls = 0;
    fail_at = failing;
}

static struct gp_plan plan = {.n = 4,
                              .edit = {{GP_EDIT_SENDER, "b@x.gov", "ENVID=b RET=HDRS", 0, 0},
                                       {GP_EDIT_DELETE, "X-Gatepost-Ref", NULL, 2, 3},
                                       {GP_EDIT_ADD, "X-Gatepost-Source", " dol", 0, 0},
                                       {GP_EDIT_INSERT, "DKIM-Signature", " v=1", 0, 0}}};

static void test_plan(void **state)
{
    (void)state;
    begin(0);
    assert_true(gp_apply(NULL, &plan));
    assert_string_equal(told, "chgfrom(b@x.gov,0,ENVID=b RET=HDRS)chgheader(X-Gatepost-Ref,3,NULL)"
                              "chgheader(X-Gatepost-Ref,2,NULL)"
                              "addheader(X-Gatepost-Source,0, dol)"
                              "insheader(DKIM-Signature,0, v=1)");
}

static void test_plan_failed(void **state)
{
    (void)state;
    for (int at = 1; at <= 5; at++) {
        begin(at);
        assert_false(gp_apply(NULL, &plan));
        assert_int_equal(calls, at);
    }
}

static void test_refusals(void **state)
{
    static const struct {
        enum gp_reason reason;
        const char *told;
        sfsistat status;
    } refusals[] = {
        {GP_RECIPIENT_LIMIT, "452(4.5.3,0,Service unavailable, recipient per message limit reached)", SMFIS_TEMPFAIL},
        {GP_SESSION_LIMIT, "421(4.4.5,0,Service unavailable, concurrency limit reached)", SMFIS_TEMPFAIL},
        {GP_RECIPIENT_SYNTAX, "501(5.5.2,0,RCPT TO syntax error)", SMFIS_REJECT},
        {GP_MESSAGE_SIZE, "552(5.3.4,0,message size limit exceeded)", SMFIS_REJECT},
    };
    const struct gp_occasion o = {.stage = GP_AT_RCPT};
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        begin(0);
        assert_int_equal(gp_answer_refuse(NULL, &o, refusals[i].reason), refusals[i].status);
        assert_string_equal(told, refusals[i].told);
    }
}

static void test_reply_not_taken(void **state)
{
    const struct gp_occasion o = {.stage = GP_AT_RCPT};
    (void)state;
    begin(1);
    assert_int_equal(gp_answer_refuse(NULL, &o, GP_RATE), SMFIS_TEMPFAIL);
}

static void test_percent(void **state)
{
    char text[GP_ANSWER_TEXT_MAX];
    struct gp_verdict v = gp_verdict_of(GP_PAUSED, GP_STR("100% full%"));
    (void)state;
    gp_answer_text(&v, text);
    assert_string_equal(text, "Paused: 100%% full%%");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan),    cmocka_unit_test(test_plan_failed),     cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_percent), cmocka_unit_test(test_reply_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
