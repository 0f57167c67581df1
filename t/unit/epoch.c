/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * epoch.c - a session keeps its configuration until it lets go; a swap drains the one before after the timeout
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>

#include "shared/epoch.h"

static struct gp_config *config(uint64_t drain_ms)
{
    struct gp_config *c = calloc(1, sizeof *c);
    assert_non_null(c);
    c->drain_timeout_ms = drain_ms;
    return c;
}

static void old_sessions_keep_their_epoch(void **state)
{
    (void)state;
    gp_epoch_swap(config(5000), 0);
    struct gp_epoch *old = gp_epoch_ref();
    uint64_t number = old->number;
    gp_epoch_swap(config(1000), 100000);
    struct gp_epoch *new = gp_epoch_ref();
    assert_int_equal(old->number, number);
    assert_int_equal(old->config->drain_timeout_ms, 5000);
    assert_int_equal(new->number, number + 1);
    assert_int_equal(gp_epoch_number(), number + 1);
    assert_int_equal(gp_epoch_alive(), 2);
    /* the new configuration says how long the old one may last */
    assert_false(gp_epoch_drained(old, 100999));
    assert_true(gp_epoch_drained(old, 101000));
    assert_false(gp_epoch_drained(new, UINT64_MAX - 1));
    gp_epoch_unref(old);
    assert_int_equal(gp_epoch_alive(), 1);
    gp_epoch_unref(new);
    assert_int_equal(gp_epoch_alive(), 1);
    gp_epoch_unref(NULL);
}

static void *borrow(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20000; i++) {
        struct gp_epoch *e = gp_epoch_ref();
        if (e->config->drain_timeout_ms != 7)
            abort();
        gp_epoch_unref(e);
    }
    return NULL;
}

static void swaps_under_load_free_every_old_epoch(void **state)
{
    (void)state;
    pthread_t t[4];
    gp_epoch_swap(config(7), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, borrow, NULL), 0);
    for (int i = 0; i < 1000; i++)
        gp_epoch_swap(config(7), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    assert_int_equal(gp_epoch_alive(), 1);
}

static void the_end_drains_all(void **state)
{
    (void)state;
    gp_epoch_swap(config(7), 0);
    struct gp_epoch *e = gp_epoch_ref();
    assert_false(gp_epoch_drained(e, 1));
    gp_epoch_drain_all();
    assert_true(gp_epoch_drained(e, 1));
    gp_epoch_unref(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(old_sessions_keep_their_epoch),
        cmocka_unit_test(swaps_under_load_free_every_old_epoch),
        cmocka_unit_test(the_end_drains_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
