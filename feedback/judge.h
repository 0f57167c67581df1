/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * judge.h - what becomes of a message that came in (pure; any thread)
 *
 * Nothing that comes in is ever answered.
 */
#ifndef GP_FEEDBACK_JUDGE_H
#define GP_FEEDBACK_JUDGE_H

#include "feedback/act.h"
#include "feedback/identify.h"
#include "feedback/mail_head.h"

#define GP_REPORT_DAYS 30 /* a bounce that is older changes nothing; for complaints it is the life of f tokens */

/*    enum suffix    name */
#define GP_OUTCOMES(X)                                                                                                 \
    X(ACTED, "acted")             /* proven, and acted on */                                                           \
    X(COUNTED, "counted")         /* nothing proven, or nothing to do */                                               \
    X(EXPIRED, "expired")         /* proven, but too old */                                                            \
    X(IGNORED, "ignored")         /* automatic mail to an address for people */                                        \
    X(FORWARDED, "forwarded")     /* a person's, sent on to the agency or operator */                                  \
    X(KEPT, "kept")               /* a person's, and nobody to send it on to */                                        \
    X(QUARANTINED, "quarantined") /* for people to look at: `why` */

enum gp_outcome {
#define GP_X(id, name) GP_OUTCOME_##id,
    GP_OUTCOMES(GP_X)
#undef GP_X
        GP_OUTCOME_COUNT
};

/* gp_outcome_name - as the log and the database have it; a constant */
const char *gp_outcome_name(enum gp_outcome o);

/* A message, read. Views live as long as what is judged. */
struct gp_mail {
    const struct gp_config *config;
    const struct gp_report *report; /* classified */
    const struct gp_who *who;
    const struct gp_mail_head *head;
    struct gp_str sender; /* of the envelope: "" is the null sender */
    struct gp_str id;     /* of the archive */
    uint64_t now_ms;
};

struct gp_judged {
    enum gp_outcome outcome;
    const char *why;        /* of a quarantine; else "" */
    const char *forward_to; /* address, when FORWARDED; of the configuration */
    const char *agency;     /* whose it is, "": nobody knows; of who or the configuration */
    size_t events_n;
    struct gp_event event[GP_REPORT_RECIPIENTS_MAX];
};

/* gp_judge - what becomes of m: *out is set on every return; its texts live as long as what m points to */
void gp_judge(const struct gp_mail *m, struct gp_judged *out);

#endif
