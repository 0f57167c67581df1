/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_window_policyd.c - at RCPT, a test window is judged by its own count, production by its own
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "policyd/rules.h"
#include "shared/usage.h"

#include <string.h>

#define NOW UINT64_C(1796889660000)

static struct gp_config config = {.on_counter_loss = GP_LOSS_LOCAL};
static struct gp_agency dol;
static struct gp_test_window window;

static int setup(void **state)
{
    static char return_path[] = "b.example.gov";
    (void)state;
    config.return_path = return_path;
    dol = (struct gp_agency){.name = "dol", .limits = gp_limits_default};
    dol.limits.package = (struct gp_package){70, GP_PACKAGE_MONTH};
    window = (struct gp_test_window){.allowance = "dol:192.0.2.99:2026-12-10T08:00Z", .acting = dol};
    window.acting.window = &window;
    window.acting.limits.package = (struct gp_package){5, GP_PACKAGE_TOTAL};
    return 0;
}

/* policyd at RCPT: whose count is judged by what. */
static void test_policyd(void **state)
{
    static const struct {
        const char *name;
        bool test;
        uint32_t used;
        const char *live; /* package, of the agency */
        enum gp_reason is;
    } rows[] = {
        {"test, room", true, 4, NULL, GP_ACCEPTED},
        {"test, used up", true, 5, NULL, GP_PACKAGE},
        {"test, used up: no package of the agency's makes room", true, 5, "1000/month", GP_PACKAGE},
        {"test, room: nor does one take it away", true, 4, "1/day", GP_ACCEPTED},
        {"test, room: nor does having none", true, 5, "0", GP_PACKAGE},
        {"production, beyond the test's count", false, 69, NULL, GP_ACCEPTED},
        {"production, used up", false, 70, NULL, GP_PACKAGE},
        {"production, live", false, 70, "1000/month", GP_ACCEPTED},
    };
    const struct gp_blocks none = {0, NULL};
    const struct gp_request request = {.stage = GP_STAGE_RCPT, .recipient = GP_STR("x@dest.test")};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gp_item items[GP_WANT_COUNT] = {0};
        struct gp_facts f = {.config = &config,
                             .request = &request,
                             .agency = rows[i].test ? &window.acting : &dol,
                             .client = "192.0.2.99",
                             .blocks = &none,
                             .now_ms = NOW};
        struct gp_usage u;
        for (size_t w = 0; w < GP_WANT_COUNT; w++) {
            items[w].state = GP_ABSENT;
            f.item[w] = &items[w];
        }
        gp_usage_init(&u, 1);
        gp_usage_charge(&u, NOW, rows[i].used);
        items[GP_WANT_USAGE].state = GP_FOUND;
        items[GP_WANT_USAGE].n = gp_usage_encode(&u, items[GP_WANT_USAGE].value);
        if (rows[i].live != NULL) {
            items[GP_WANT_LIMIT_PACKAGE].state = GP_FOUND;
            items[GP_WANT_LIMIT_PACKAGE].n = strlen(rows[i].live);
            memcpy(items[GP_WANT_LIMIT_PACKAGE].value, rows[i].live, strlen(rows[i].live));
        }
        enum gp_reason is = gp_rules_judge(gp_profile_find(GP_STR("gatepost-address")), &f).verdict.reason;
        if (is != rows[i].is)
            fail_msg("%s: %d", rows[i].name, (int)is);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_policyd)};
    return cmocka_run_group_tests(tests, setup, NULL);
}
