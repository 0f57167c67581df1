/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * epoch.h - the running configuration: immutable, counted, swapped whole
 *
 * A session takes a reference when it begins and keeps it. Any thread may call anything here.
 */
#ifndef GP_SHARED_EPOCH_H
#define GP_SHARED_EPOCH_H

#include "shared/config.h"

struct gp_epoch {
    const struct gp_config *config;
    uint64_t number; /* 1 is the one the daemon started with */
};

/* gp_epoch_swap - make config the running one and take it over
 * Sessions of the epoch before it must be drained by now_ms + config->drain_timeout_ms (monotonic milliseconds).
 */
void gp_epoch_swap(struct gp_config *config, uint64_t now_ms);

/* gp_epoch_ref - the running epoch; there must have been a swap. gp_epoch_unref frees it with the last reference. */
struct gp_epoch *gp_epoch_ref(void);
void gp_epoch_unref(struct gp_epoch *e); /* NULL is fine */

/* gp_epoch_drained - must a session of this epoch be sent away? now_ms: monotonic milliseconds */
bool gp_epoch_drained(const struct gp_epoch *e, uint64_t now_ms);

/* gp_epoch_drain_all - from now on every epoch counts as drained: the daemon is ending */
void gp_epoch_drain_all(void);

/* gp_epoch_number, gp_epoch_alive - number of the running epoch, and how many are held at all */
uint64_t gp_epoch_number(void);
size_t gp_epoch_alive(void);

#endif
