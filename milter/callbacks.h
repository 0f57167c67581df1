/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * callbacks.h - what libmilter calls: one short function per event
 *
 * No callback waits: no DNS, no database, at most 200 ms for memcached. They run on any of libmilter's threads.
 */
#ifndef GP_MILTER_CALLBACKS_H
#define GP_MILTER_CALLBACKS_H

#include "milter/finish.h"

/* gp_callbacks_register - tell libmilter the events, and what they decide with
 * Before smfi_main. use is copied; what it points to must live until no callback can run any more. False when
 * libmilter refuses.
 */
bool gp_callbacks_register(const struct gp_services *use);

#endif
