/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * report.h - a message that came back, read: what kind it is, about whom, and what was said
 *
 * gp_report_read takes it apart (GMime; RFC 3464, 3462, 6522, 6533, 5965, 3834, 8098 and what systems without a standard
 * write) and judges nothing; classify.h then gives each recipient its category. Everything is bounded, whatever the
 * message: see the limits. All text is UTF-8, unfolded, without control characters. No I/O, no clock; any thread.
 */
#ifndef GP_REPORT_REPORT_H
#define GP_REPORT_REPORT_H

#include "shared/report/category.h"

#define GP_REPORT_OCTETS_MAX (1u << 20)     /* of a message that are looked at */
#define GP_REPORT_HUMAN_MAX (256u << 10)    /* of the human part */
#define GP_REPORT_DEPTH_MAX 20              /* MIME parts in one another */
#define GP_REPORT_RECIPIENTS_MAX 100
#define GP_REPORT_TEXT_MAX 4096             /* octets of one diagnostic text */
#define GP_REPORT_TOKENS_MAX 32

enum gp_report_kind {
    GP_REPORT_DSN,        /* has a delivery-status part */
    GP_REPORT_BOUNCE,     /* a failure notice without one */
    GP_REPORT_ARF,        /* a complaint */
    GP_REPORT_AUTO_REPLY, /* vacation, challenge */
    GP_REPORT_UNSUBSCRIBE,
    GP_REPORT_OTHER       /* receipts, statistics, people */
};
const char *gp_report_kind_name(enum gp_report_kind kind); /* "dsn", "bounce", "arf", "auto-reply", "unsubscribe", "other" */

enum gp_report_action { GP_ACTION_NONE, GP_ACTION_FAILED, GP_ACTION_DELAYED, GP_ACTION_DELIVERED, GP_ACTION_RELAYED,
                        GP_ACTION_EXPANDED };
const char *gp_report_action_name(enum gp_report_action a); /* "" for NONE */

/* In which part of the conversation the remote side said it, as far as the text tells. */
enum gp_report_phase { GP_PHASE_NOT_SAID, GP_PHASE_CONNECT, GP_PHASE_HELO, GP_PHASE_MAIL, GP_PHASE_RCPT, GP_PHASE_DATA };

struct gp_report_recipient {
    struct gp_str recipient;          /* lower case; "" when only the original one is known */
    struct gp_str original_recipient; /* lower case; "" */
    enum gp_report_action action;
    struct gp_str status;             /* "5.1.1", "" */
    struct gp_str reply;              /* "550", "" */
    struct gp_str enhanced;           /* the enhanced code inside that text, "": believed before status */
    struct gp_str diagnostic;         /* what was said about this recipient: Diagnostic-Code, else as human */
    struct gp_str human;              /* what the text for people says about this recipient, "" */
    struct gp_str remote;             /* host that said it, "" */
    enum gp_report_phase phase;
    /* set by gp_classify */
    enum gp_category category;
    bool suppress;   /* reason enough to suppress at once, if a token proves it */
    bool matched;    /* a dictionary's entry fitted; else it is to be counted as unclassified */
    const char *by;  /* what decided: "google.dict:12", "status", ... for people */
};

/* Where a candidate of a token stood, in the order in which they are looked for. */
enum gp_token_place {
    GP_PLACE_RETURN_PATH,  /* Original-Mail-From, X-Postfix-Sender, Return-Path of the returned headers: address */
    GP_PLACE_UNSUBSCRIBE,  /* List-Unsubscribe of the returned headers: mailto address or last part of the URL */
    GP_PLACE_REF,          /* X-Gatepost-Ref of the returned headers: sealed */
    GP_PLACE_FEEDBACK_ID,
    GP_PLACE_ENVELOPE_ID,  /* Original-Envelope-Id */
    GP_PLACE_SUBJECT,      /* of the message itself: unsubscribe mail */
    GP_PLACE_BODY
};
struct gp_token_candidate {
    enum gp_token_place place;
    struct gp_str text; /* an address, a short or a sealed token: not checked at all */
};

struct gp_report_feedback {        /* ARF */
    struct gp_str type;            /* "abuse", "not-spam", ... lower case; "" when it is none */
    unsigned incidents;            /* 1 unless it says more; at most 1000 */
};

struct gp_report {
    enum gp_report_kind kind;
    enum gp_category category;     /* set by gp_classify; says something when there are no recipients */
    size_t recipients_n;
    struct gp_report_recipient *recipients;
    struct gp_report_feedback feedback;
    struct gp_str subject, from;   /* of the message itself; from: an address, lower case */
    struct gp_str human;           /* the text that people read, in lines, up to the returned message */
    struct gp_str returned_from;   /* address of the returned message's From, "" */
    struct gp_str returned_message_id;
    struct gp_str reporter;        /* Reporting-MTA's name, or the host of the report's sender */
    uint64_t arrival_s;            /* Arrival-Date, else Date, since 1970; 0: not said */
    bool automatic;                /* answers must never be sent: RFC 3834 and its cousins */
    bool cut;                      /* a limit was met: some of it was not looked at */
    size_t tokens_n;
    struct gp_token_candidate tokens[GP_REPORT_TOKENS_MAX];
    struct gp_report_memory *memory; /* private: owns what the views point to */
};

/* gp_report_read - NULL only when there is no memory; the caller frees with gp_report_free. raw may hold any octets. */
struct gp_report *gp_report_read(struct gp_str raw);
void gp_report_free(struct gp_report *r); /* NULL is fine */

#endif
