/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * pop3.h - the client's side of one POP3 session (RFC 1939): libcurl connects, secures and logs in, the rest is said
 * here
 *
 * So that one session is one session: libcurl by itself would connect again when the server hangs up, and a message
 * number then names another message. What is deleted is gone only when gp_pop3_quit says so. The server's certificate
 * is always checked; pop3:// goes over to TLS unless the host is this one. One thread per session.
 */
#ifndef GP_FEEDBACK_POP3_H
#define GP_FEEDBACK_POP3_H

#include "shared/config.h"

#define GP_POP3_PATIENCE_MS 30000 /* without an octet from the server */
#define GP_POP3_UIDL_MAX 70       /* octets of a unique id: RFC 1939 */
#define GP_POP3_WHY_MAX 320

struct gp_pop3;

/* gp_pop3_stop_fn - shall the session be given up? Asked about each second while it waits. */
typedef bool gp_pop3_stop_fn(void *arg);

/* gp_pop3_open - connect and log in; NULL with a text in why[]. mailbox must live as long. */
struct gp_pop3 *gp_pop3_open(const struct gp_pop3_mailbox *mailbox, gp_pop3_stop_fn *stop, void *arg,
                             char why[GP_POP3_WHY_MAX]);
/* gp_pop3_close - hang up; without gp_pop3_quit nothing was deleted. NULL is fine. */
void gp_pop3_close(struct gp_pop3 *p);

/* All below: false when the session failed and can only be closed, or the server refused; gp_pop3_why says what. */
const char *gp_pop3_why(const struct gp_pop3 *p);

/* One message in the mailbox. */
struct gp_pop3_entry {
    unsigned number;
    uint64_t octets; /* as LIST says */
    char uidl[GP_POP3_UIDL_MAX + 1];
};
/* gp_pop3_list - the first `most` messages; *list is malloc'ed */
bool gp_pop3_list(struct gp_pop3 *p, size_t most, struct gp_pop3_entry **list, size_t *n);

/* gp_pop3_retrieve - each() gets the message in pieces, dots unstuffed; when it says false the session is given up */
typedef bool gp_pop3_piece_fn(void *arg, struct gp_str octets);
bool gp_pop3_retrieve(struct gp_pop3 *p, unsigned number, gp_pop3_piece_fn *each, void *arg);

/* gp_pop3_refused - after a false: did the server only refuse (-ERR)? Then the session goes on. */
bool gp_pop3_refused(const struct gp_pop3 *p);

/* gp_pop3_delete - mark a message; gp_pop3_quit - delete those that are marked, and end the session
 * After gp_pop3_quit only gp_pop3_why and gp_pop3_close may be called, also when it says false: then nobody knows what
 * was deleted.
 */
bool gp_pop3_delete(struct gp_pop3 *p, unsigned number);
bool gp_pop3_quit(struct gp_pop3 *p);

#endif
