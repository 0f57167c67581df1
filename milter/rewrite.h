/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rewrite.h - how a message leaves: a plan of edits (pure: token ids and the day are given)
 *
 * The plan is data; apply.c is the only place that carries it out.
 */
#ifndef GP_MILTER_REWRITE_H
#define GP_MILTER_REWRITE_H

#include "milter/headers.h"
#include "shared/config.h"
#include "shared/token.h"

/* the sender, six names deleted, five headers added, the client's signatures deleted, ours put in */
#define GP_PLAN_EDITS_MAX (12 + GP_HEADERS_SIGNATURES_MAX + GP_SIGNERS_MAX)
#define GP_PLAN_TEXT_MAX 16384 /* every plan within the bounds of unsubscribe.h and token.h fits */
#define GP_PLAN_PUBLIC_URL_MAX                                                                                         \
    320 /* octets of public_url; a longer one is not used, it would make a line of over 998 */

enum gp_edit_kind {
    GP_EDIT_SENDER, /* name = new envelope sender without <>, value = ESMTP arguments "ENVID=... RET=HDRS" */
    GP_EDIT_DELETE, /* of name the instances first..last, counted from 1; the last goes first, so numbers stay right */
    GP_EDIT_ADD,    /* name, value (with its leading blank) at the end of the headers */
    GP_EDIT_INSERT  /* the same above all others, Postfix's Received too */
};

struct gp_edit {
    enum gp_edit_kind kind;
    const char *name;     /* into text or static */
    const char *value;    /* into text; NULL for DELETE; of INSERT the caller's */
    unsigned first, last; /* DELETE only */
};

struct gp_plan {
    size_t n;
    struct gp_edit edit[GP_PLAN_EDITS_MAX];
    char return_path[GP_TOKEN_SHORT + 1 + 256]; /* the envelope sender after the plan, "" for null; for the log */
    char sealed[GP_TOKEN_SEALED_MAX];
    struct gp_buf buf;
    char text[GP_PLAN_TEXT_MAX];
};

/* What the envelope and the relay contribute. All views live as long as the call. */
struct gp_envelope {
    struct gp_str sender;    /* without <>; empty: null sender */
    struct gp_str recipient; /* mailbox without source route and <> */
    struct gp_str queue_id;  /* message id of last resort */
    struct gp_str spf;       /* value of X-Gatepost-SPF, printable ASCII, folded by LF; empty: no such header */
    bool re_enveloped;       /* sender is a return path of ours, see gp_rewrite_is_ours: its id and day are used on */
    uint8_t id[3];
    uint32_t day;
};

/* gp_rewrite_is_ours - is the sender a valid bounce token of ours, for this agency and, when recipient is not empty,
 * this recipient?
 */
bool gp_rewrite_is_ours(const struct gp_config *c, const struct gp_agency *a, struct gp_str sender,
                        struct gp_str recipient, uint32_t today);

/* gp_rewrite - make the plan
 * Order: sender, deletions, additions, deletions of the client's signatures. Sender: signed return path, unless null or
 * re-enveloped already. Headers: the client's X-Gatepost-Source, -Ref, -SPF and -Stream go, ours come; List-Unsubscribe
 * as unsubscribe.h chooses, folded between its URIs: never two, never an https promise without public_url. The client's
 * signatures: as the agency's client_signatures says; "auto" takes out those that cover a header which the plan
 * changes. Returns false when the plan does not fit its bounds or a token cannot be made: the message must be answered
 * 4xx.
 */
bool gp_rewrite(const struct gp_config *c, const struct gp_agency *a, const struct gp_headers *h,
                const struct gp_envelope *e, struct gp_plan *plan);

/* gp_plan_empty - a plan without edits */
void gp_plan_empty(struct gp_plan *plan);

/* gp_plan_insert - one more header, above those inserted before; false when the plan is full
 * name and value must live until the plan was carried out.
 */
bool gp_plan_insert(struct gp_plan *plan, const char *name, const char *value);

#endif
