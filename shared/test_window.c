/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_window.c - when a test window admits its address, and what is to be said of it
 */
#include "shared/test_window.h"

bool gp_test_in_time(const struct gp_test_window *w, uint64_t now_ms)
{
    return w->from.ms <= now_ms && now_ms < w->until.ms;
}

enum gp_test_state gp_test_state(const struct gp_test_window *w, uint64_t used, uint64_t now_ms)
{
    if (now_ms < w->from.ms)
        return GP_TEST_WAITING;
    if (!gp_test_in_time(w, now_ms))
        return GP_TEST_OVER;
    return used < w->messages ? GP_TEST_OPEN : GP_TEST_USED_UP;
}

const char *gp_test_state_label(enum gp_test_state state)
{
    static const char *const label[] = {
        [GP_TEST_WAITING] = "waiting",
        [GP_TEST_OPEN] = "open",
        [GP_TEST_USED_UP] = "used up",
        [GP_TEST_OVER] = "over",
    };
    return label[state];
}

bool gp_test_ended(const struct gp_agency *a, uint64_t now_ms)
{
    return a->window != NULL && !gp_test_in_time(a->window, now_ms);
}
