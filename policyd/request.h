/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * request.h - one request of Postfix's policy delegation protocol, from octets to a struct (pure; any thread)
 *
 * A request is lines of "name=value", each ended by LF. Postfix sends some thirty attributes (Postfix's
 * SMTPD_POLICY_README); the ones that decide something here are kept, all others are ignored.
 */
#ifndef GP_POLICYD_REQUEST_H
#define GP_POLICYD_REQUEST_H

#include "shared/str.h"

/* When Postfix asks. Everything but the beginning of a session and a recipient is none of our business. */
enum gp_stage {
    GP_STAGE_OTHER,
    GP_STAGE_CONNECT, /* protocol_state CONNECT, and XCLIENT: the session begins anew under another address */
    GP_STAGE_RCPT,
    GP_STAGE_COUNT
};

/* All views point into the octets given to gp_request_parse; an attribute that was not sent is empty. */
struct gp_request {
    enum gp_stage stage;
    struct gp_str client;    /* client_address; "unknown" when the client was gone before Postfix looked */
    struct gp_str profile;   /* policy_context: the listener's profile */
    struct gp_str sender;    /* without <>, unquoted; empty: null sender */
    struct gp_str recipient; /* likewise */
    struct gp_str queue_id;  /* empty up to the first recipient */
    struct gp_str login;     /* sasl_username */
};

/* gp_request_parse - raw is the request without the empty line that ends it
 * Malformed: no attribute at all, a line without '=' or without a name, a NUL, one of our attributes twice, or a
 * request other than smtpd_access_policy. A CR is part of its value, as Postfix sends none.
 * Returns NULL and sets *out, or a static text that says what is wrong.
 */
const char *gp_request_parse(struct gp_str raw, struct gp_request *out);

/* gp_stage_label - "CONNECT", "RCPT", for the log */
const char *gp_stage_label(enum gp_stage stage);

#endif
