/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * counters_wants.c - which items want which key: each key once, and every item found again by it
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/counters_wants.h"

#include <stdio.h>

#define ITEMS 600
#define KEYS 200

static struct gp_item items[ITEMS];

static void test_each_key_once(void **state)
{
    struct gp_wants w;
    size_t chained = 0;
    (void)state;
    assert_true(gp_wants_init(&w, ITEMS));
    for (int round = 0; round < 2; round++) {
        gp_wants_clear(&w);
        for (size_t i = 0; i < ITEMS; i++) {
            snprintf(items[i].key, sizeof items[i].key, "gp:usage:%zu", i % KEYS);
            gp_wants_add(&w, &items[i]);
        }
    }
    assert_int_equal(w.keys, KEYS);
    for (size_t k = 0; k < w.keys; k++) {
        struct gp_str key = {w.key[k], w.length[k]};
        assert_true(gp_str_eq(key, gp_str_z(w.item[k]->key)));
        assert_ptr_equal(gp_wants_of(&w, key), w.item[k]);
        for (const struct gp_item *item = w.item[k]; item != NULL; item = item->same, chained++)
            assert_true(gp_str_eq(key, gp_str_z(item->key)));
    }
    assert_int_equal(chained, ITEMS);
    assert_null(gp_wants_of(&w, GP_STR("gp:usage:200")));
    assert_null(gp_wants_of(&w, GP_STR("gp:usage:1 ")));
    gp_wants_clear(&w);
    assert_null(gp_wants_of(&w, GP_STR("gp:usage:1")));
    gp_wants_free(&w);
}

static void test_room_for_nothing(void **state)
{
    struct gp_wants w;
    (void)state;
    assert_true(gp_wants_init(&w, 0));
    assert_null(gp_wants_of(&w, GP_STR("gp:usage:dol")));
    gp_wants_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_key_once),
        cmocka_unit_test(test_room_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
