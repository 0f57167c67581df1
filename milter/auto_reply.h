/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * auto_reply.h - so many automatic replies to one recipient, and no more
 *
 * Two systems that answer each other go round for ever; this ends it. An automatic reply is a message that says so
 * (Auto-Submitted: auto-replied and the like, RFC 3834; X-Autoreply, X-Autorespond; Precedence: auto_reply), or one
 * with a null sender. A message that says Auto-Submitted: auto-generated or auto-notified is a notification: it answers
 * nobody, and is none.
 *
 * Counted for each agency and recipient: the first one opens a window of the limit's length, and within it no more than
 * the limit passes. In memcached, item gp:autoreply:...; without it, or while it is away and on_counter_loss is
 * "local", in this process.
 */
#ifndef GP_MILTER_AUTO_REPLY_H
#define GP_MILTER_AUTO_REPLY_H

#include "milter/headers.h"
#include "shared/config.h"
#include "shared/counters.h"
#include "shared/verdict.h"

/* gp_auto_reply_is - is it an automatic reply? Pure. */
bool gp_auto_reply_is(const struct gp_headers *h, bool null_sender);

/* What is counted of one recipient: so many since then. */
struct gp_auto_reply_count {
    uint64_t since_ms, n;
};
#define GP_AUTO_REPLY_ITEM_MAX 48

/* gp_auto_reply_decode - "GPA1 <since> <n>"; false, and zeros, for anything else. gp_auto_reply_encode returns the
 * length, without the NUL. Pure.
 */
bool gp_auto_reply_decode(struct gp_str item, struct gp_auto_reply_count *out);
size_t gp_auto_reply_encode(const struct gp_auto_reply_count *c, char out[GP_AUTO_REPLY_ITEM_MAX]);

/* gp_auto_reply_add - count one more if the limit allows; *io unchanged when not. A window that is over, or that began
 * in the future, begins anew. Pure.
 */
bool gp_auto_reply_add(struct gp_auto_reply_count *io, const struct gp_window *limit, uint64_t now_ms);

struct gp_auto_replies;

/* gp_auto_replies_new - counters may be NULL and stay the caller's; prefix is copied. NULL when out of memory. */
struct gp_auto_replies *gp_auto_replies_new(struct gp_counters *counters, const char *prefix);
void gp_auto_replies_free(struct gp_auto_replies *a); /* NULL is fine */

/* gp_auto_replies_take - count one, by the limit that holds now (a live one, in the same round trip)
 * GP_ACCEPTED, GP_AUTO_REPLY_LIMIT, or GP_INTERNAL: memcached is away and on_loss says closed. Any thread.
 */
enum gp_reason gp_auto_replies_take(struct gp_auto_replies *a, const struct gp_agency *agency, struct gp_str recipient,
                                    enum gp_on_loss on_loss, uint64_t now_ms);
/* gp_auto_replies_give_back - the message was refused after all */
void gp_auto_replies_give_back(struct gp_auto_replies *a, const struct gp_agency *agency, struct gp_str recipient);

#endif
