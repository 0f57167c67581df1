/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * log_rotation_name.c - names that rotation gives, and those that it does not
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "feedback/log_rotation.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void test_names(void **state)
{
    static const struct {
        const char *name, *want; /* "live", "7", "20261121", with "z" for packed; "": another file */
    } cases[] = {
        {"mail.log", "live"},
        {"mail.log.1", "1"},
        {"mail.log.0", "0"},
        {"mail.log.12.gz", "12z"},
        {"mail.log-20261121", "d20261121"},
        {"mail.log-20261121.xz", "d20261121z"},
        {"mail.log.20261121-090000", "d20261121-090000"},
        {"mail.log.20261121-090000.zst", "d20261121-090000z"},
        {"mail.log-2026-11-21T09:00:00", "d2026-11-21T09:00:00"},
        {"mail-20261121.log", "d20261121"},
        {"mail-20261121.log.gz", "d20261121z"},
        {"mail.1.log", "1"},
        {"mail.log.gz", ""},
        {"mail.log.", ""},
        {"mail.log.1.", ""},
        {"mail.log.old", ""},
        {"mail.log.1~", ""},
        {"mail.log.1.swp", ""},
        {"mail.log1", ""},
        {"mail.err", ""},
        {"mail.err.1", ""},
        {"mail.log.99999999999999999999", "d99999999999999999999"},
        {"mail", ""},
        {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gp_rotation_name n;
        char got[128] = "";
        struct gp_buf b = gp_buf_on(got, sizeof got);
        if (gp_rotation_parse(GP_STR("mail.log"), gp_str_z(cases[i].name), &n)) {
            if (n.live)
                gp_buf_putz(&b, "live");
            else if (n.counted)
                gp_buf_printf(&b, "%u", (unsigned)n.number);
            else
                gp_buf_printf(&b, "d%.*s", GP_STR_FMT(n.stamp));
            gp_buf_putz(&b, n.packed ? "z" : "");
        }
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: \"%s\", not \"%s\"", cases[i].name, got, cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
