/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * event_log.h - the durable history of what came back about an address
 *
 * Failures, complaints and unsubscribes, and what each did to the suppressions; plain deliveries are only counted.
 * False is an error of the store. One thread per handle.
 */
#ifndef GP_SHARED_EVENT_LOG_H
#define GP_SHARED_EVENT_LOG_H

#include "shared/report/category.h"
#include "shared/store.h"

#define GP_EVENT_DIAGNOSTIC_MAX 300 /* octets kept of what the remote side said */

/* What an event did. */
#define GP_EFFECT_NONE ""
#define GP_EFFECT_SUPPRESSED "suppressed" /* from then on */
#define GP_EFFECT_RETESTED "retested"     /* was suppressed and bounced again: the next interval */
#define GP_EFFECT_RELEASED "released"     /* a suppression ended */
#define GP_EFFECT_DISTRUSTED "distrusted" /* many at once say the same: the provider's fault, nothing was done */

/* One event. Views live as long as the call; foreign ones are kept as they are, so clean them when printing. */
struct gp_logged_event {
    uint64_t when_ms;
    struct gp_str address, agency;
    enum gp_category category;
    struct gp_str source; /* "mail", "log", "operator", "guard" */
    struct gp_str effect; /* GP_EFFECT_... */
    struct gp_str provider, stream, status, reply, diagnostic;
    uint64_t text; /* gp_text_hash of the diagnostic, at most INT64_MAX */
    struct gp_str evidence;
};

/* gp_event_log_add - diagnostic is cut at GP_EVENT_DIAGNOSTIC_MAX */
bool gp_event_log_add(struct gp_store *s, const struct gp_logged_event *e);

typedef bool gp_event_log_fn(void *arg, const struct gp_logged_event *e);
/* gp_event_log_of - the newest `most` of an address, newest first, until `each` returns false; agency "" is any */
bool gp_event_log_of(struct gp_store *s, struct gp_str address, struct gp_str agency, size_t most,
                     gp_event_log_fn *each, void *arg);

/* gp_event_log_released - addresses of an agency ("" is any) that were released since a time, oldest first */
bool gp_event_log_released(struct gp_store *s, struct gp_str agency, uint64_t since_ms, gp_event_log_fn *each,
                           void *arg);

/* gp_event_log_effects - events of a provider and a diagnostic text since a time that suppressed or retested, at most
 * `most`
 */
bool gp_event_log_effects(struct gp_store *s, struct gp_str provider, uint64_t text, uint64_t since_ms, size_t most,
                          gp_event_log_fn *each, void *arg);

/* gp_event_log_prune - forget at most `most` that are older than a time */
bool gp_event_log_prune(struct gp_store *s, uint64_t before_ms, size_t most);

#endif
