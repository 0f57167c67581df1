/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_window.h - when a test window admits its address, and what is to be said of it (pure; any thread)
 *
 * A window holds between its two moments and up to its count of messages. Its time decides whom a client acts for
 * (gp_config_admits); its count is judged as a package that never begins anew.
 */
#ifndef GP_SHARED_TEST_WINDOW_H
#define GP_SHARED_TEST_WINDOW_H

#include "shared/config.h"

enum gp_test_state { GP_TEST_WAITING, GP_TEST_OPEN, GP_TEST_USED_UP, GP_TEST_OVER };

/* gp_test_in_time - from <= now < until */
bool gp_test_in_time(const struct gp_test_window *w, uint64_t now_ms);

/* gp_test_state - used: messages counted under the window's allowance */
enum gp_test_state gp_test_state(const struct gp_test_window *w, uint64_t used, uint64_t now_ms);

/* gp_test_state_label - "waiting", "open", "used up", "over" */
const char *gp_test_state_label(enum gp_test_state state);

/* gp_test_ended - does this agency act in a test window whose time is not now? A session may outlast its window. */
bool gp_test_ended(const struct gp_agency *a, uint64_t now_ms);

#endif
