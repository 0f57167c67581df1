/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ledger.h - taking: sessions and charges of every agency, in this process and in memcached
 *
 * One state per allowance (an agency's, or one of its test windows': gp_agency_allowance): a mutex, the exact count of
 * sessions open in this process, and the items it saw last. A change is get, pure function, compare-and-swap under that
 * mutex. The copy serves while memcached is away (on_counter_loss) and re-seeds an empty one. States are made on first
 * use, live as long as the ledger, and are bounded by the number of agencies and test windows ever configured. Any
 * thread may call anything; a call waits for one answer of the store that does not come (counters.h), never for two.
 * Calls that meet at one state are carried out together by the first to get its mutex, each with a verdict of its own.
 *
 * A refusal writes nothing. What the store does not hold (it was away, it lost an item, an item was ahead of the clock)
 * is noted and written by the next charge or by gp_ledger_renew. A swap that timed out is charged in the copy; the two
 * meet by the greater count, so if it did happen it is not counted twice.
 */
#ifndef GP_SHARED_LEDGER_H
#define GP_SHARED_LEDGER_H

#include "shared/config.h"
#include "shared/counters.h"
#include "shared/sessions.h"
#include "shared/usage.h"

struct gp_ledger;

/* counters may be NULL (counters = []): then the process's own copies are the truth. node: see sessions.h. */
struct gp_ledger *gp_ledger_new(struct gp_counters *counters, const char *prefix, uint64_t node, uint64_t boot);
void gp_ledger_free(struct gp_ledger *l);

/* gp_ledger_seed_package - what the database remembers of an allowance; call before the first charge */
void gp_ledger_seed_package(struct gp_ledger *l, const char *allowance, const struct gp_counts *counts);

/* gp_ledger_adopt - this node serves the allowance: the next renewal takes away the row an earlier life of the node
 * left, so that those who only look do not count its sessions; call for every agency and test window when the process
 * starts
 */
void gp_ledger_adopt(struct gp_ledger *l, const char *allowance);

/* gp_ledger_limits - the limits of a message that hold now: the file's, overridden by live ones, in one round trip
 * The usage item comes along: the charge that follows need not ask for it.
 * Live: message_size, messages_per_session, session_time, rate, package. The others are the file's here; a live
 * `sessions` is read by gp_ledger_begin.
 * out->... of a live value that does not parse is the file's; it is logged once per value.
 * A test window's count is not the agency's package: no live one changes it. message_size never exceeds ceiling. When
 * the store does not answer: the live values seen last while they last (their item's end is not known, so at most a
 * minute), else the file's.
 */
void gp_ledger_limits(struct gp_ledger *l, const struct gp_agency *agency, uint64_t ceiling, uint64_t now_ms,
                      struct gp_limits *out);

/* gp_ledger_begin - take a session; limit is read live. GP_ACCEPTED, GP_SESSION_LIMIT, or GP_INTERNAL when the store is
 * away and on_loss says closed, or other nodes were faster all the while. Only after GP_ACCEPTED gp_ledger_end must be called, once.
 * The end counts in this process at once; the store may be told by the next session or renewal, where a quarter of the
 * limit or less is taken there.
 */
enum gp_reason gp_ledger_begin(struct gp_ledger *l, const struct gp_agency *agency, enum gp_on_loss on_loss,
                               uint64_t now_ms);
void gp_ledger_end(struct gp_ledger *l, const struct gp_agency *agency, uint64_t now_ms);

/* gp_ledger_charge - judge and count in one step
 * *warning: 80, 90 or 100 when this charge crossed that share of the package, else 0.
 * GP_ACCEPTED (charged), GP_RATE, GP_PACKAGE, or GP_INTERNAL: the store is away and on_loss says closed, or other nodes
 * were faster all the while. After GP_INTERNAL at most this one charge may stand, if an answer of the store was lost.
 */
enum gp_reason gp_ledger_charge(struct gp_ledger *l, const struct gp_agency *agency, const struct gp_limits *limits,
                                enum gp_on_loss on_loss, uint32_t recipients, uint64_t now_ms, unsigned *warning);

/* gp_ledger_renew - housekeeping, each second from one thread: renews rows that are due, writes what a lost store must
 * learn again
 */
void gp_ledger_renew(struct gp_ledger *l, uint64_t now_ms);

/* gp_ledger_leave - take this node's rows out of the store; at the very end */
void gp_ledger_leave(struct gp_ledger *l, uint64_t now_ms);

/* gp_ledger_packages - hand every allowance whose durable counters changed since the last call to save */
typedef void gp_ledger_save_fn(void *arg, const char *allowance, const struct gp_counts *counts);
void gp_ledger_packages(struct gp_ledger *l, gp_ledger_save_fn *save, void *arg);

/* gp_ledger_sessions - sessions open in this process, all agencies */
uint64_t gp_ledger_sessions(struct gp_ledger *l);

#endif
