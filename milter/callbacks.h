/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * callbacks.h - what libmilter calls: one short function per event
 *
 * No callback waits: no DNS, no database, at most 200 ms for memcached. They run on any of libmilter's threads.
 */
#ifndef GP_MILTER_CALLBACKS_H
#define GP_MILTER_CALLBACKS_H

#include "milter/sign.h"
#include "shared/ledger.h"

/* gp_callbacks_register - tell libmilter the events, where sessions and messages are counted, and what signs
 * Once, before smfi_main; ledger and signer must live until the process ends. False when libmilter refuses.
 */
bool gp_callbacks_register(struct gp_ledger *ledger, struct gp_signer *signer);

#endif
