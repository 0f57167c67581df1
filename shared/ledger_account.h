/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ledger_account.h - one allowance's state inside the ledger; for ledger.c, ledger_charge.c and ledger_sessions.c only
 *
 * Everything below the lock is guarded by it; do_ functions are called with it held.
 */
#ifndef GP_SHARED_LEDGER_ACCOUNT_H
#define GP_SHARED_LEDGER_ACCOUNT_H

#include "shared/ledger.h"

#include <pthread.h>
#include <stdatomic.h>

/* A writer loses a round only to another node, never to its own process. Few rounds suffice; the time bounds them. */
#define GP_LEDGER_ROUNDS 64
#define GP_LEDGER_ROUNDS_MS 200

#define GP_LEDGER_BUCKETS 1024
#define GP_LEDGER_LIVE_MS 60000 /* how long a live limit outlasts the store that held it */

struct gp_live_seen {
    uint64_t at_ms;    /* 0: there is none */
    uint64_t bad_hash; /* of the value last complained about */
    size_t n;
    char text[GP_LIMIT_TEXT_MAX];
};

/* Calls that wait for the same account. Whoever gets its lock carries out all that wait, in one round trip for each
 * step: so an agency with many sessions costs hardly more than one with few. A call lives on its caller's stack, which
 * waits for the lock until done is set. now_ms: as its caller saw it.
 */
struct gp_charge {
    struct gp_charge *next;
    const struct gp_limits *limits;
    enum gp_on_loss on_loss;
    uint32_t recipients;
    uint64_t now_ms;
    bool done;
    enum gp_reason reason;
    unsigned warning;
};

struct gp_session_change {
    struct gp_session_change *next;
    const struct gp_limits *limits; /* the file's */
    bool begins;                    /* else it ends */
    enum gp_on_loss on_loss;
    uint64_t now_ms;
    bool done;
    enum gp_reason reason; /* of one that begins */
};

/* The usage item as a message's MAIL found it, for the first charge after it, if nobody in this process wrote since. */
struct gp_usage_read {
    bool fresh;
    uint64_t cas, breaks; /* gp_counters_breaks then: another memcached may give out the same cas */
};

struct gp_account {
    struct gp_account *next;  /* in its bucket */
    struct gp_account *older; /* made before it */
    char name[GP_ALLOWANCE_MAX + 1];
    char agency[GP_AGENCY_NAME_MAX + 1]; /* whose it is: group of all its keys, and what live limits are named after */
    char usage_key[GP_KEY_MAX], sessions_key[GP_KEY_MAX];
    pthread_mutex_t waiting; /* over the two lists of calls that wait, for as long as it takes to change one */
    struct gp_charge *charges, **charges_end; /* the oldest first; where the next one goes */
    struct gp_session_change *changes, **changes_end;
    pthread_mutex_t lock;    /* over all that follows */
    uint32_t open;           /* sessions of this process, exactly */
    struct gp_sessions seen; /* the rows as last read or written */
    uint64_t row_ms;         /* when ours was written */
    bool row_due;            /* the store may not hold it as it should be */
    bool row_high;           /* it counts sessions that have ended, and nobody is in need of their places */
    struct gp_usage usage;   /* as last read or written, and what was charged without the store */
    bool usage_due;          /* the store may not hold all of it */
    struct gp_usage_read read;
    _Atomic uint64_t usage_writes; /* by this process, done or not */
    bool complained;               /* about an item that cannot be read */
    struct gp_counts saved;        /* as last handed to the database */
    struct gp_live_seen live[GP_LIMIT_COUNT];
};

struct gp_ledger {
    struct gp_counters *counters; /* NULL: in-process */
    char prefix[32];
    uint64_t node, boot;
    pthread_rwlock_t lock; /* over bucket */
    struct gp_account *bucket[GP_LEDGER_BUCKETS];
    _Atomic(struct gp_account *) newest; /* never freed before the ledger: may be walked without a lock */
    _Atomic uint64_t open;
    uint64_t breaks; /* gp_counters_breaks when the store was last brought up to date; housekeeping's own */
};

/* gp_account_of - the allowance's account, made when there is none; NULL without memory */
struct gp_account *gp_account_of(struct gp_ledger *l, const char *allowance);

/* do_fetch - items of one account in one round trip; items[0] is what a change will replace */
void do_fetch(struct gp_ledger *l, const struct gp_account *a, struct gp_item *items, size_t n);

/* do_put - write over what do_fetch found, or where it found nothing */
enum gp_put do_put(struct gp_ledger *l, const struct gp_account *a, const struct gp_item *was, struct gp_str value,
                   uint32_t ttl_s);

/* do_complain - an item that cannot be read is being replaced; said once per account */
void do_complain(struct gp_account *a, const char *key);

/* do_live_key, do_live_learn, do_live_apply - ask for a live limit, remember what was found, lay it over *io */
void do_live_key(const struct gp_ledger *l, const struct gp_account *a, enum gp_limit_name name, struct gp_item *item);
void do_live_learn(struct gp_account *a, enum gp_limit_name name, const struct gp_item *item, uint64_t now_ms);
void do_live_apply(const struct gp_account *a, enum gp_limit_name name, uint64_t now_ms, struct gp_limits *io);

/* do_usage_learn - what the store holds becomes the account's usage, together with what the store may have missed
 * item: the usage item that was read just now; breaks: gp_counters_breaks before. Returns whether it is one.
 */
bool do_usage_learn(struct gp_account *a, const struct gp_item *item, uint64_t breaks, uint64_t now_ms);

/* do_write_row, do_write_usage - bring the store up to date; what fails stays due */
void do_write_row(struct gp_ledger *l, struct gp_account *a, uint64_t now_ms);
void do_write_usage(struct gp_ledger *l, struct gp_account *a, uint64_t now_ms);

#endif
