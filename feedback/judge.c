/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * judge.c - what becomes of a message that came in
 */
#include "feedback/judge.h"

#include "shared/clock.h"

#define DAY_S 86400

const char *gp_outcome_name(enum gp_outcome o)
{
    static const char *const names[] = {
#define GP_X(id, name) name,
        GP_OUTCOMES(GP_X)
#undef GP_X
    };
    return names[o];
}

static bool older(uint64_t day, uint64_t days, uint64_t now_ms)
{
    return day + days < now_ms / GP_DAY_MS;
}

/* Is the message that it reports, or the report, too old to change anything? */
static bool too_old(const struct gp_mail *m)
{
    uint64_t days = m->report->kind == GP_REPORT_ARF ? GP_TOKEN_FEEDBACK_DAYS : GP_REPORT_DAYS;
    uint64_t arrival_s = m->report->arrival_s;
    return older(m->who->day, days, m->now_ms) || (arrival_s > 0 && older(arrival_s / DAY_S, days, m->now_ms));
}

static bool names(const struct gp_report_recipient *r, struct gp_str address)
{
    return gp_str_eq_nocase(r->original_recipient, address) || gp_str_eq_nocase(r->recipient, address);
}

/* Which of the report's recipients is the one that the token proves: the one it names, else (his mail was forwarded, or
 * his address is written otherwise there) the first that failed. recipients_n when there is none.
 */
static size_t proven_one(const struct gp_report *r, struct gp_str address)
{
    size_t best = r->recipients_n, rank = 0;
    for (size_t i = 0; i < r->recipients_n; i++) {
        const struct gp_report_recipient *p = &r->recipients[i];
        bool failed = p->action == GP_ACTION_FAILED || p->action == GP_ACTION_NONE;
        size_t here = (names(p, address) ? 3u : 1u) + (failed ? 1u : 0u);
        if (here > rank) {
            best = i;
            rank = here;
        }
    }
    return best;
}

static struct gp_event event_of(const struct gp_mail *m, bool proven)
{
    const struct gp_who *w = m->who;
    const struct gp_report *r = m->report;
    struct gp_event e = {.category = r->category, .source = GP_SOURCE_MAIL, .evidence = m->id, .final = true};
    e.proven = proven;
    e.suppress = r->category == GP_CATEGORY_HARD;
    e.incidents = r->feedback.incidents;
    e.not_spam = r->kind == GP_REPORT_ARF && gp_str_eq(r->feedback.type, GP_STR("not-spam"));
    if (proven) {
        e.agency = gp_str_z(w->agency);
        e.recipient = gp_str_z(w->recipient);
        e.stream = gp_str_z(w->stream);
        e.token = gp_str_z(w->token);
        e.expired = too_old(m);
    }
    return e;
}

static void add(struct gp_judged *out, const struct gp_event *e)
{
    if (out->events_n < GP_REPORT_RECIPIENTS_MAX)
        out->event[out->events_n++] = *e;
}

/* What the report says of its i-th recipient. */
static void fill(struct gp_event *e, const struct gp_report_recipient *r)
{
    e->category = r->category;
    e->suppress = r->suppress;
    e->unclassified = !r->matched;
    e->delayed = r->action == GP_ACTION_DELAYED;
    e->status = r->status;
    e->reply = r->reply;
    e->diagnostic = r->diagnostic;
}

static void judge_report(const struct gp_mail *m, struct gp_judged *out)
{
    const struct gp_report *r = m->report;
    bool proven = m->who->proof == GP_PROOF_VALID;
    size_t one = proven ? proven_one(r, gp_str_z(m->who->recipient)) : r->recipients_n;
    out->agency = m->who->agency;
    out->outcome = proven ? (too_old(m) ? GP_OUTCOME_EXPIRED : GP_OUTCOME_ACTED) : GP_OUTCOME_COUNTED;
    if (r->kind == GP_REPORT_ARF && gp_str_eq(r->feedback.type, GP_STR("auth-failure"))) {
        out->outcome = GP_OUTCOME_COUNTED; /* it is about our signatures, nobody complained */
        return;
    }
    for (size_t i = 0; i < r->recipients_n; i++) {
        struct gp_event e = event_of(m, i == one);
        fill(&e, &r->recipients[i]);
        add(out, &e);
    }
    if (one == r->recipients_n && (proven || one == 0)) {
        struct gp_event e = event_of(m, proven);
        add(out, &e);
    }
}

static const char *contact_of(const struct gp_agency *a)
{
    return a != NULL && a->contact != NULL ? a->contact : NULL;
}

static void forward(const struct gp_mail *m, struct gp_judged *out)
{
    const struct gp_agency *a = m->who->to_agency;
    const char *to = contact_of(a) != NULL ? contact_of(a) : m->config->operator_to;
    out->agency = a != NULL ? a->name : "";
    if (m->config->notices == NULL || gp_config_our_address(m->config, gp_str_z(to))) {
        out->outcome = GP_OUTCOME_KEPT;
        return;
    }
    out->outcome = GP_OUTCOME_FORWARDED;
    out->forward_to = to;
}

/* Did a machine write it, or did it come by here before? Never answered, never sent on. */
static bool automatic(const struct gp_mail *m)
{
    bool asks = m->report->kind == GP_REPORT_UNSUBSCRIBE; /* not to be answered either, but a person's wish */
    bool machine = asks ? m->head->automatic && !m->head->button : m->report->automatic || m->head->automatic;
    return machine || m->head->forwarded || m->head->received > GP_MAIL_HEAD_RECEIVED_MAX || m->sender.n == 0;
}

static void judge_unsubscribe(const struct gp_mail *m, struct gp_judged *out)
{
    enum gp_report_kind kind = m->report->kind;
    if (automatic(m) || (kind != GP_REPORT_UNSUBSCRIBE && kind != GP_REPORT_OTHER)) {
        out->outcome = GP_OUTCOME_IGNORED;
    } else if (m->who->proof == GP_PROOF_VALID) {
        struct gp_event e = event_of(m, true);
        e.category = GP_CATEGORY_UNSUBSCRIBE;
        e.suppress = true;
        e.expired = false; /* these never are */
        out->agency = m->who->agency;
        out->outcome = GP_OUTCOME_ACTED;
        add(out, &e);
    } else {
        forward(m, out); /* b7: nobody is proven, so the agency's contact decides */
    }
}

void gp_judge(const struct gp_mail *m, struct gp_judged *out)
{
    out->outcome = GP_OUTCOME_IGNORED;
    out->why = out->agency = "";
    out->forward_to = NULL;
    out->events_n = 0;
    if (m->head->forwarded)
        return; /* mail of our own that came round */
    if (m->who->proof == GP_PROOF_CONFLICT) {
        out->outcome = GP_OUTCOME_QUARANTINED;
        out->why = "valid tokens of two recipients";
        return;
    }
    if (m->who->to_token && m->who->to == GP_TOKEN_UNSUBSCRIBE) {
        judge_unsubscribe(m, out);
        return;
    }
    switch (m->report->kind) {
    case GP_REPORT_DSN:
    case GP_REPORT_BOUNCE:
    case GP_REPORT_ARF:
        judge_report(m, out);
        break;
    case GP_REPORT_AUTO_REPLY: {
        struct gp_event e = event_of(m, m->who->proof == GP_PROOF_VALID);
        e.category = GP_CATEGORY_AUTO_REPLY;
        out->outcome = GP_OUTCOME_COUNTED;
        out->agency = m->who->agency;
        add(out, &e);
        break;
    }
    case GP_REPORT_UNSUBSCRIBE:
    case GP_REPORT_OTHER:
        if (!automatic(m))
            forward(m, out);
        break;
    }
}
