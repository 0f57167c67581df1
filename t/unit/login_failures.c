/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * login_failures.c - failed logins of one address: the item, the window's edges, a clock that jumps; own bans' rows
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "policyd/login_bans.h"

#include <stdlib.h>
#include <string.h>

#define NOW UINT64_C(1795227953000)
#define MINUTE UINT64_C(60000)
#define WINDOW_S 1800
#define KEEP_S (2 * WINDOW_S)

/* The third within 30 minutes: counts after each failure, at these minutes. */
static void windows(void **state)
{
    static const struct {
        const char *name;
        uint64_t at_ms[6], count[6];
        size_t n;
    } cases[] = {
        {"three at once", {0, 0, 0}, {1, 2, 3}, 3},
        {"three in half an hour", {0, 15 * MINUTE, 30 * MINUTE - 1}, {1, 2, 3}, 3},
        {"the first is exactly as old as the window", {0, 15 * MINUTE, 30 * MINUTE}, {1, 2, 2}, 3},
        {"a slow guesser", {0, 20 * MINUTE, 40 * MINUTE, 60 * MINUTE}, {1, 2, 2, 2}, 4},
        {"after a ban of the window's length nothing is left",
         {0, 29 * MINUTE, 29 * MINUTE + 1, 59 * MINUTE + 1},
         {1, 2, 3, 1},
         4},
        {"a clock a little behind another node's", {1000, 0, 500}, {1, 2, 3}, 3},
        {"a clock that jumped ahead and back", {2 * MINUTE, 0, 1, 2}, {1, 1, 2, 3}, 4},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct gp_failures f = {0}, back;
        char item[GP_FAILURES_ITEM_MAX];
        for (size_t k = 0; k < cases[i].n; k++) {
            uint64_t now = NOW + cases[i].at_ms[k];
            gp_failures_add(&f, now, KEEP_S);
            if (gp_failures_count(&f, now, WINDOW_S) != cases[i].count[k])
                fail_msg("%s: number %zu counts %u", cases[i].name, k, (unsigned)gp_failures_count(&f, now, WINDOW_S));
            assert_true(gp_failures_decode((struct gp_str){item, gp_failures_encode(&f, item)}, &back));
            assert_int_equal(back.n, f.n);
            assert_memory_equal(back.at_ms, f.at_ms, f.n * sizeof f.at_ms[0]);
        }
    }
}

static void kept(void **state)
{
    struct gp_failures f = {0};
    (void)state;
    for (uint64_t i = 0; i < 3 * GP_FAILURES_MAX; i++)
        gp_failures_add(&f, NOW + i, KEEP_S);
    assert_int_equal(f.n, GP_FAILURES_MAX);
    assert_int_equal(f.at_ms[0], NOW + 2 * GP_FAILURES_MAX); /* the newest are */
    assert_int_equal(gp_failures_count(&f, NOW + 3 * GP_FAILURES_MAX, WINDOW_S), GP_FAILURES_MAX);
    gp_failures_add(&f, NOW + KEEP_S * UINT64_C(1000) + 2 * GP_FAILURES_MAX, KEEP_S);
    assert_int_equal(f.n, GP_FAILURES_MAX); /* one was too old, one is new */
    gp_failures_add(&f, NOW + 9 * KEEP_S * UINT64_C(1000), KEEP_S);
    assert_int_equal(f.n, 1);
    f.n = 0;
    gp_failures_add(&f, 5, KEEP_S); /* a clock that was never set */
    assert_int_equal(gp_failures_count(&f, 6, WINDOW_S), 1);
}

static void items(void **state)
{
    static const struct {
        const char *text;
        bool good;
        size_t n;
    } cases[] = {
        {"GPF1", true, 0},
        {"GPF1 1795227953032", true, 1},
        {"GPF1 7 7 8", true, 3},
        {"", false, 0},
        {"GPF2 1", false, 0},
        {"GPF1 ", false, 0},
        {"GPF1  1", false, 0},
        {"GPF1 1 ", false, 0},
        {"GPF1 8 7", false, 0},
        {"GPF1 1 x", false, 0},
        {"GPF1 -1", false, 0},
        {"GPF1 18446744073709551616", false, 0},
        {"GPF1\n1", false, 0},
        {"gpf1 1", false, 0},
        {"GPF1 18446744073709551615", true, 1},
        {"blocked, ok", false, 0},
    };
    char many[8 * GP_FAILURES_MAX] = "GPF1";
    struct gp_failures f;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (gp_failures_decode(gp_str_z(cases[i].text), &f) != cases[i].good || f.n != cases[i].n)
            fail_msg("\"%s\": %zu", cases[i].text, f.n);
    }
    for (int i = 0; i < GP_FAILURES_MAX; i++)
        memcpy(many + 4 + 2 * i, " 1", 3);
    assert_true(gp_failures_decode(gp_str_z(many), &f));
    memcpy(many + 4 + 2 * GP_FAILURES_MAX, " 1", 3);
    assert_false(gp_failures_decode(gp_str_z(many), &f));
}

static struct gp_ip address(unsigned i)
{
    struct gp_ip ip = {{0x20, 0x01, 0x0d, 0xb8}};
    ip.b[14] = (uint8_t)(i >> 8);
    ip.b[15] = (uint8_t)i;
    return ip;
}

static void own_bans(void **state)
{
    struct gp_login_bans *b = calloc(1, sizeof *b);
    struct gp_ip one = address(1), other = address(2);
    (void)state;
    assert_non_null(b);
    assert_false(gp_login_bans_hold(b, &one, NOW));
    gp_login_bans_of(b, &one, NOW)->until_ms = NOW + 1000;
    assert_ptr_equal(gp_login_bans_of(b, &one, NOW), &b->ban[0]); /* one row each */
    assert_true(gp_login_bans_hold(b, &one, NOW + 999));
    assert_false(gp_login_bans_hold(b, &one, NOW + 1000));
    assert_false(gp_login_bans_hold(b, &other, NOW));
    for (unsigned i = 2; i <= GP_LOGIN_BANS_MAX + 1; i++) {
        struct gp_ip ip = address(i);
        gp_login_bans_of(b, &ip, NOW + i);
    }
    assert_int_equal(b->n, GP_LOGIN_BANS_MAX);
    assert_false(gp_login_bans_hold(b, &one, NOW)); /* not heard of for longest: it had to go */
    size_t n = b->n;
    gp_login_bans_drop(b, 0);
    assert_int_equal(b->n, n - 1);
    struct gp_ip last = address(GP_LOGIN_BANS_MAX);
    gp_login_bans_of(b, &last, NOW)->until_ms = NOW + 5;
    assert_int_equal(b->n, n - 1); /* the last row took the place of the first */
    assert_true(gp_login_bans_hold(b, &last, NOW));
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows),
        cmocka_unit_test(kept),
        cmocka_unit_test(items),
        cmocka_unit_test(own_bans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
