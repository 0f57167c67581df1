/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * callbacks.h - what libmilter calls: one short function per event
 *
 * No callback waits: no DNS, no database, at most 200 ms for memcached. They run on any of libmilter's threads.
 */
#ifndef GP_MILTER_CALLBACKS_H
#define GP_MILTER_CALLBACKS_H

#include "milter/auto_reply.h"
#include "milter/forecast.h"
#include "milter/sign.h"
#include "milter/suppressed.h"
#include "shared/ledger.h"

/* gp_callbacks_recipients - who knows which recipients may be mailed; once, before gp_callbacks_register. They must live
 * until the process ends.
 */
void gp_callbacks_recipients(struct gp_suppressor *suppressor, struct gp_auto_replies *auto_replies);

/* gp_callbacks_register - tell libmilter the events, where sessions and messages are counted, and what signs, and
 * what is known of SPF and DMARC
 * Once, before smfi_main; all of them must live until the process ends. False when libmilter refuses.
 */
bool gp_callbacks_register(struct gp_ledger *ledger, struct gp_signer *signer, struct gp_forecasts *forecasts);

#endif
