/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * intake_store.h - what is known of each message that came in; what came by POP3; what is sent on
 *
 * A row of intake stands for a message that was taken in: it is made in the transaction that holds all its effects, so
 * that it is there once and they are there once. One thread per handle.
 */
#ifndef GP_SHARED_INTAKE_STORE_H
#define GP_SHARED_INTAKE_STORE_H

#include "shared/store.h"

#define GP_ARCHIVE_ID 32   /* characters of an id: hexadecimal digits */
#define GP_ARCHIVE_HASH 64 /* characters of a SHA-256 in hexadecimal digits */
#define GP_ARCHIVE_DAY 10  /* "2026-12-10", UTC */

/* gp_archive_day - the day of a time since 1970: the folder in which a message of that time is kept */
void gp_archive_day(uint64_t ms, char day[GP_ARCHIVE_DAY + 1]);

/* gp_archive_path - where the archive keeps a message: <folder>/<day>/<id>.eml */
void gp_archive_path(const char *folder, uint64_t received_ms, const char *id, char out[4096]);

/* One message. Views live as long as the call. */
struct gp_intake_row {
    struct gp_str id, hash;
    uint64_t received_ms, size;
    struct gp_str source;            /* "lmtp", "maildir", "pop3:<mailbox>" */
    struct gp_str sender, recipient; /* of the envelope, as far as known */
    struct gp_str kind;              /* "dsn", "arf", ...; "" when it was not read */
    struct gp_str outcome;           /* gp_outcome_name: feedback/judge.h */
    struct gp_str agency;            /* proven, or "" */
    struct gp_str why;               /* of a quarantine; "" */
};

/* gp_store_intake_add - within a transaction; *fresh: it was not there before. False on error. */
bool gp_store_intake_add(struct gp_store *s, const struct gp_intake_row *row, bool *fresh);
/* gp_store_intake_has - is there a row of this id? False on error; *has is set then, too. */
bool gp_store_intake_has(struct gp_store *s, const char *id, bool *has);

typedef void gp_intake_row_fn(void *arg, const struct gp_intake_row *row);
/* gp_store_intake_find - the row of an id, or of the only id that begins so; *n is how many begin so, at most 2 */
bool gp_store_intake_find(struct gp_store *s, const char *id, size_t *n, gp_intake_row_fn *each, void *arg);
/* gp_store_intake_list - the newest `most`, newest first */
bool gp_store_intake_list(struct gp_store *s, size_t most, gp_intake_row_fn *each, void *arg);
/* gp_store_intake_newest - when the newest came; 0 when there is none */
bool gp_store_intake_newest(struct gp_store *s, uint64_t *ms);
/* gp_store_intake_forget - rows received before */
bool gp_store_intake_forget(struct gp_store *s, uint64_t before_ms);

/* Messages of a POP3 mailbox that were taken in, by the server's unique id (RFC 1939 UIDL). */
bool gp_store_pop3_add(struct gp_store *s, const char *mailbox, struct gp_str uidl, uint64_t now_ms);
bool gp_store_pop3_has(struct gp_store *s, const char *mailbox, struct gp_str uidl, bool *has);
/* gp_store_pop3_gone - it is no longer in the mailbox */
bool gp_store_pop3_gone(struct gp_store *s, const char *mailbox, struct gp_str uidl);
typedef void gp_pop3_seen_fn(void *arg, struct gp_str uidl);
bool gp_store_pop3_seen(struct gp_store *s, const char *mailbox, gp_pop3_seen_fn *each, void *arg);

/* Mail of people that is sent on: once to each recipient. */
struct gp_forward {
    struct gp_str id; /* of the archived message */
    struct gp_str recipient;
    struct gp_str agency; /* whose it is, "" */
    uint64_t received_ms, created_ms;
};
/* gp_store_forward_add - nothing happens when it is there already */
bool gp_store_forward_add(struct gp_store *s, const struct gp_forward *f);
typedef void gp_forward_fn(void *arg, const struct gp_forward *f);
/* gp_store_forward_waiting - the oldest `most` of those not sent, oldest first; after: only those that stand behind
 * this one in that order (its created_ms, id and recipient), NULL: all
 */
bool gp_store_forward_waiting(struct gp_store *s, const struct gp_forward *after, size_t most, gp_forward_fn *each,
                              void *arg);
bool gp_store_forward_sent(struct gp_store *s, struct gp_str id, struct gp_str recipient, uint64_t now_ms);
/* gp_store_forward_forget - those made before, sent or not */
bool gp_store_forward_forget(struct gp_store *s, uint64_t before_ms);

#endif
