/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * sessions.c - rows of open sessions: whose count, until when
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/sessions.h"

#include <string.h>

#define NOW UINT64_C(1795226083217)
#define LIFE GP_SESSIONS_LIFE_MS

static void test_rows(void **state)
{
    struct gp_sessions s = {.rows = 0};
    (void)state;
    assert_true(gp_sessions_set(&s, 1, 10, 3, NOW));
    assert_true(gp_sessions_set(&s, 2, 20, 4, NOW));
    assert_int_equal(gp_sessions_open(&s, NOW), 7);
    assert_int_equal(gp_sessions_elsewhere(&s, 1, NOW), 4);
    assert_int_equal(gp_sessions_elsewhere(&s, 3, NOW), 7);
    assert_true(gp_sessions_set(&s, 1, 11, 1, NOW)); /* a new boot replaces the row of the old one */
    assert_int_equal(gp_sessions_open(&s, NOW), 5);
    assert_int_equal(s.rows, 2);
    assert_true(gp_sessions_set(&s, 2, 20, 0, NOW));
    assert_int_equal(s.rows, 1);
    assert_true(gp_sessions_set(&s, 9, 9, 0, NOW)); /* nothing to take away */
    assert_int_equal(gp_sessions_open(&s, NOW), 1);
    s.row[1] = s.row[0]; /* twice the same node: foreign, but must not stay */
    s.rows = 2;
    assert_true(gp_sessions_set(&s, 1, 11, 5, NOW));
    assert_int_equal(gp_sessions_open(&s, NOW), 5);
}

static void test_life(void **state)
{
    struct gp_sessions s = {.rows = 0};
    (void)state;
    assert_true(gp_sessions_set(&s, 1, 10, 3, NOW));
    assert_int_equal(gp_sessions_open(&s, NOW + LIFE - 1), 3);
    assert_int_equal(gp_sessions_open(&s, NOW + LIFE), 0);
    assert_int_equal(gp_sessions_elsewhere(&s, 2, NOW + LIFE), 0);
    assert_true(gp_sessions_set(&s, 1, 10, 3, NOW + 20000));
    assert_int_equal(gp_sessions_open(&s, NOW + LIFE), 3); /* renewed */
    assert_true(gp_sessions_set(&s, 2, 20, 1, NOW + 20000 + LIFE));
    assert_int_equal(s.rows, 1); /* the expired one is gone */
    /* a node whose clock is half a minute behind reads it as one that lives longer */
    assert_int_equal(gp_sessions_open(&s, NOW + 20000 + LIFE - 30000), 1);
}

static void test_clock_that_jumped(void **state)
{
    struct gp_sessions s = {.rows = 0};
    (void)state;
    assert_true(gp_sessions_set(&s, 1, 10, 3, NOW + 86400000));
    assert_int_equal(gp_sessions_open(&s, NOW), 0); /* a look leaves it to who takes */
    assert_true(gp_sessions_mend(&s, NOW));
    assert_int_equal(gp_sessions_open(&s, NOW), 3);
    assert_false(gp_sessions_mend(&s, NOW + 1000)); /* once: it does not get a new life with every look */
    assert_int_equal(gp_sessions_open(&s, NOW + LIFE), 0);
    s.rows = 0;
    assert_true(gp_sessions_set(&s, 1, 10, 3, NOW + 86400000));
    assert_true(gp_sessions_set(&s, 2, 20, 1, NOW));
    assert_int_equal(gp_sessions_open(&s, NOW), 4);
    assert_int_equal(gp_sessions_open(&s, NOW + LIFE), 0);
}

static void test_full(void **state)
{
    struct gp_sessions s = {.rows = 0};
    char item[GP_SESSIONS_ITEM_MAX];
    (void)state;
    for (uint64_t i = 0; i < GP_SESSIONS_ROWS; i++)
        assert_true(gp_sessions_set(&s, i, 1, 2, NOW + i));
    assert_false(gp_sessions_set(&s, 99, 1, 1, NOW));
    assert_int_equal(gp_sessions_open(&s, NOW), 2 * GP_SESSIONS_ROWS);
    assert_true(gp_sessions_set(&s, 99, 1, 0, NOW));
    assert_true(gp_sessions_set(&s, 5, 2, 9, NOW)); /* one that has a row keeps it */
    assert_int_equal(gp_sessions_encode(&s, item), 6 + 28 * GP_SESSIONS_ROWS + 8);
    assert_true(gp_sessions_set(&s, 99, 1, 1, NOW + LIFE)); /* the first has expired */
}

static void test_item(void **state)
{
    struct gp_sessions s = {.rows = 0}, back;
    char item[GP_SESSIONS_ITEM_MAX], broken[GP_SESSIONS_ITEM_MAX];
    (void)state;
    assert_true(gp_sessions_decode((struct gp_str){item, gp_sessions_encode(&s, item)}, &back));
    assert_int_equal(back.rows, 0);
    for (uint64_t i = 1; i <= 3; i++)
        assert_true(gp_sessions_set(&s, i << 40, i << 50, (uint32_t)i, NOW + i));
    size_t n = gp_sessions_encode(&s, item);
    assert_int_equal(n, 6 + 3 * 28 + 8);
    assert_memory_equal(item, "GPS1\0\3", 6);
    assert_true(gp_sessions_decode((struct gp_str){item, n}, &back));
    assert_int_equal(back.rows, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(back.row[i].node, s.row[i].node);
        assert_int_equal(back.row[i].boot, s.row[i].boot);
        assert_int_equal(back.row[i].count, s.row[i].count);
        assert_int_equal(back.row[i].expires_ms, s.row[i].expires_ms);
    }
    assert_false(gp_sessions_decode((struct gp_str){NULL, 0}, &back));
    for (size_t k = 0; k < n; k++) {
        assert_false(gp_sessions_decode((struct gp_str){item, k}, &back));
        memcpy(broken, item, n);
        broken[k] ^= 4;
        if (gp_sessions_decode((struct gp_str){broken, n}, &back))
            fail_msg("octet %zu may be anything", k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows), cmocka_unit_test(test_life), cmocka_unit_test(test_clock_that_jumped),
        cmocka_unit_test(test_full), cmocka_unit_test(test_item),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
