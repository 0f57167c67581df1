/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_turns.h - the journal of test windows: each opening and each closing, once
 *
 * A window is open while its time is and its messages are not used up. The database keeps what was journalled last of
 * each, so neither a restart nor a second daemon on the same database says anything twice, and what happened while no
 * daemon ran is said by the next one.
 */
#ifndef GP_POLICYD_TEST_TURNS_H
#define GP_POLICYD_TEST_TURNS_H

#include "shared/config.h"
#include "shared/counters.h"
#include "shared/store.h"

/* gp_test_turns - look at every window once, and journal those that opened or closed since the last look
 * What was used is the greater of what memcached (counters, prefix; NULL: there is none) and the database say. A window
 * that was used up opens again only when memcached answers that there is room: its count was raised. False on an error
 * of the database; what was not journalled is by the next call. May block: for a background thread, with its own store.
 */
bool gp_test_turns(struct gp_store *store, struct gp_counters *counters, const char *prefix, const struct gp_config *c,
                   uint64_t now_ms);

#endif
