/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * metrics.h - what a daemon counts of itself, and its text form for Prometheus (exposition format 0.0.4)
 *
 * Counting is a relaxed atomic addition or two: no lock, no allocation, any thread. There is one set for each process.
 * No label names an agency or an address, so the number of time series is fixed; gatepost-metrics(5) tells each.
 */
#ifndef GP_SHARED_METRICS_H
#define GP_SHARED_METRICS_H

#include "shared/str.h"
#include "shared/verdict.h"

enum { GP_IN_POLICYD = 1, GP_IN_MILTER = 2, GP_IN_FEEDBACK = 4, GP_IN_ALL = 7, GP_IN_BOTH = 3 };

/* One number: in which programs, type, family, its labels, what it is. Rows of one family stand together. */
#define GP_METRICS(X)                                                                                                  \
    X(INFO, GP_IN_ALL, "gauge", "gatepost_info", "version=\"" GATEPOST_VERSION "\"", "Always 1.")                      \
    X(STARTED, GP_IN_ALL, "gauge", "gatepost_start_time_seconds", "", "When the daemon started, since 1970.")          \
    X(EPOCH, GP_IN_ALL, "gauge", "gatepost_epoch", "", "Number of the running configuration; 1 is the first.")         \
    X(EPOCHS_ALIVE, GP_IN_ALL, "gauge", "gatepost_epochs_alive", "", "Configurations that sessions still use.")        \
    X(RELOADS_OK, GP_IN_ALL, "counter", "gatepost_reloads_total", "outcome=\"ok\"", "Reloads.")                        \
    X(RELOADS_FAILED, GP_IN_ALL, "counter", "gatepost_reloads_total", "outcome=\"failed\"", "Reloads.")                \
    X(LOG_LEFT_OUT, GP_IN_ALL, "counter", "gatepost_log_lines_left_out_total", "", "Log lines beyond the flood limit.") \
    X(SESSIONS, GP_IN_MILTER, "gauge", "gatepost_sessions", "", "SMTP sessions that are open and counted.")            \
    X(CONNECTIONS, GP_IN_POLICYD | GP_IN_FEEDBACK, "gauge", "gatepost_connections", "",                                \
      "Open policy (policyd) or LMTP (feedback) connections.")                                                         \
    X(STORE_UP, GP_IN_BOTH, "gauge", "gatepost_store_up", "", "1 when every memcached answers, or none is used.")      \
    X(STORE_ANSWERED, GP_IN_BOTH, "counter", "gatepost_store_requests_total", "outcome=\"answered\"", GP_STORE_HELP)   \
    X(STORE_REFUSED, GP_IN_BOTH, "counter", "gatepost_store_requests_total", "outcome=\"refused\"", GP_STORE_HELP)     \
    X(STORE_BROKEN, GP_IN_BOTH, "counter", "gatepost_store_requests_total", "outcome=\"broken\"", GP_STORE_HELP)       \
    X(STORE_SILENT, GP_IN_BOTH, "counter", "gatepost_store_requests_total", "outcome=\"timeout\"", GP_STORE_HELP)      \
    X(STORE_UNASKED, GP_IN_BOTH, "counter", "gatepost_store_requests_total", "outcome=\"unasked\"", GP_STORE_HELP)     \
    X(AUTH_REQUESTS, GP_IN_POLICYD, "counter", "gatepost_auth_requests_total", "", "Questions of Dovecot.")            \
    X(AUTH_UNASKED, GP_IN_POLICYD, "counter", "gatepost_auth_unasked_total", "",                                       \
      "Sessions with a login of which Dovecot asked nothing.")                                                         \
    X(SPF_DOMAINS, GP_IN_MILTER, "gauge", "gatepost_spf_domains", "", "Sender domains whose SPF was evaluated.")       \
    X(SPF_FAILING, GP_IN_MILTER, "gauge", "gatepost_spf_domains_failing", "", "Of these, those whose mail would fail.") \
    X(FEEDBACK_ACTED, GP_IN_FEEDBACK, "counter", "gatepost_feedback_messages_total", "outcome=\"acted\"",              \
      GP_FEEDBACK_HELP)                                                                                                \
    X(FEEDBACK_COUNTED, GP_IN_FEEDBACK, "counter", "gatepost_feedback_messages_total", "outcome=\"counted\"",          \
      GP_FEEDBACK_HELP)                                                                                                \
    X(FEEDBACK_EXPIRED, GP_IN_FEEDBACK, "counter", "gatepost_feedback_messages_total", "outcome=\"expired\"",          \
      GP_FEEDBACK_HELP)                                                                                                \
    X(FEEDBACK_IGNORED, GP_IN_FEEDBACK, "counter", "gatepost_feedback_messages_total", "outcome=\"ignored\"",          \
      GP_FEEDBACK_HELP)                                                                                                \
    X(FEEDBACK_FORWARDED, GP_IN_FEEDBACK, "counter", "gatepost_feedback_messages_total", "outcome=\"forwarded\"",      \
      GP_FEEDBACK_HELP)                                                                                                \
    X(FEEDBACK_KEPT, GP_IN_FEEDBACK, "counter", "gatepost_feedback_messages_total", "outcome=\"kept\"",                \
      GP_FEEDBACK_HELP)                                                                                                \
    X(FEEDBACK_QUARANTINED, GP_IN_FEEDBACK, "counter", "gatepost_feedback_messages_total", "outcome=\"quarantined\"",  \
      GP_FEEDBACK_HELP)                                                                                                \
    X(FEEDBACK_REPEATED, GP_IN_FEEDBACK, "counter", "gatepost_feedback_messages_total", "outcome=\"repeated\"",        \
      GP_FEEDBACK_HELP)                                                                                                \
    X(FEEDBACK_AGAIN, GP_IN_FEEDBACK, "counter", "gatepost_feedback_messages_total", "outcome=\"again\"",              \
      GP_FEEDBACK_HELP)                                                                                                \
    X(MAIL_LOG_LINES, GP_IN_FEEDBACK, "counter", "gatepost_mail_log_lines_total", "", "Lines read of the mail log.")
#define GP_STORE_HELP "Round trips to memcached; unasked: its breaker was open."
#define GP_FEEDBACK_HELP "Messages that came back, by what became of them."

enum gp_metric {
#define GP_X(id, programs, type, name, labels, help) GP_METRIC_##id,
    GP_METRICS(GP_X)
#undef GP_X
        GP_METRIC_COUNT
};

/* Where something is decided: label, programs that decide there, programs that take the time there. */
#define GP_METRICS_STAGES(X)                                                                                           \
    X(CONNECT, "CONNECT", GP_IN_POLICYD, GP_IN_BOTH)                                                                   \
    X(HELO, "HELO", GP_IN_MILTER, 0)                                                                                   \
    X(MAIL, "MAIL", GP_IN_MILTER, GP_IN_MILTER)                                                                        \
    X(RCPT, "RCPT", GP_IN_BOTH, GP_IN_BOTH)                                                                            \
    X(DATA, "DATA", GP_IN_MILTER, 0)                                                                                   \
    X(END, "END-OF-MESSAGE", GP_IN_MILTER, GP_IN_MILTER)                                                               \
    X(OTHER, "OTHER", 0, GP_IN_POLICYD)

enum gp_metrics_stage {
#define GP_X(id, label, decides, timed) GP_METRICS_##id,
    GP_METRICS_STAGES(GP_X)
#undef GP_X
        GP_METRICS_STAGE_COUNT
};

/* Upper bounds of the latency histograms, nanoseconds and as `le` has them; +Inf follows. */
#define GP_METRICS_BUCKETS(X)                                                                                          \
    X(50000, "0.00005")                                                                                                \
    X(100000, "0.0001")                                                                                                \
    X(250000, "0.00025")                                                                                               \
    X(500000, "0.0005")                                                                                                \
    X(1000000, "0.001")                                                                                                \
    X(2500000, "0.0025")                                                                                               \
    X(5000000, "0.005")                                                                                                \
    X(10000000, "0.01")                                                                                                \
    X(25000000, "0.025")                                                                                               \
    X(50000000, "0.05")                                                                                                \
    X(100000000, "0.1")                                                                                                \
    X(250000000, "0.25")                                                                                               \
    X(500000000, "0.5")                                                                                                \
    X(1000000000, "1")                                                                                                 \
    X(2500000000, "2.5")

/* gp_metrics_begin - whose they are: "policyd", "milter" or "feedback"; until then nothing is written out */
void gp_metrics_begin(const char *program, uint64_t started_s);

void gp_metrics_add(enum gp_metric m, uint64_t n);
void gp_metrics_set(enum gp_metric m, uint64_t value);

/* gp_metrics_decided - one decision; GP_ACCEPTED: not refused */
void gp_metrics_decided(enum gp_metrics_stage stage, enum gp_reason reason);

/* gp_metrics_took - one decision, or question that needed none, took so long */
void gp_metrics_took(enum gp_metrics_stage stage, uint64_t nanoseconds);

#define GP_METRICS_TEXT_MAX 49152 /* enough for any program's, whatever the numbers */

/* gp_metrics_write - all of this program as text; families, and the lines of each, always in the same order */
void gp_metrics_write(struct gp_buf *b);

#endif
