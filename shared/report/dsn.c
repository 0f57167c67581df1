/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dsn.c - the fields of a delivery status notification, as loosely as systems write them (RFC 3464; pure)
 */
#include "shared/report/dsn.h"

#include "shared/report/address_scan.h"
#include "shared/report/smtp_said.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define HOST_MAX 255

enum kind {
    K_FINAL,
    K_ORIGINAL,
    K_ACTUAL,
    K_ACTION,
    K_STATUS,
    K_DIAGNOSTIC,
    K_REMOTE,
    K_ENVELOPE,
    K_REPORTER,
    K_SENDER,
    K_ARRIVAL,
    K_COUNT
};

static const struct {
    struct gp_str name;
    enum kind kind;
} names[] = {
    {GP_STR("Final-Recipient"), K_FINAL},
    {GP_STR("Original-Recipient"), K_ORIGINAL},
    {GP_STR("X-Actual-Recipient"), K_ACTUAL},
    {GP_STR("Action"), K_ACTION},
    {GP_STR("Status"), K_STATUS},
    {GP_STR("Diagnostic-Code"), K_DIAGNOSTIC},
    {GP_STR("Remote-MTA"), K_REMOTE},
    {GP_STR("Original-Envelope-Id"), K_ENVELOPE},
    {GP_STR("Reporting-MTA"), K_REPORTER},
    {GP_STR("X-Postfix-Sender"), K_SENDER},
    {GP_STR("Arrival-Date"), K_ARRIVAL},
    {GP_STR("Received-Date"), K_ARRIVAL},
};

static const struct {
    struct gp_str begin;
    enum gp_report_action is;
} actions[] = {
    {GP_STR("fail"), GP_ACTION_FAILED},         {GP_STR("delay"), GP_ACTION_DELAYED},
    {GP_STR("delivered"), GP_ACTION_DELIVERED}, {GP_STR("deliverable"), GP_ACTION_DELIVERED},
    {GP_STR("relay"), GP_ACTION_RELAYED},       {GP_STR("expanded"), GP_ACTION_EXPANDED},
    {GP_STR("expired"), GP_ACTION_FAILED},      {GP_STR("error"), GP_ACTION_FAILED},
    {GP_STR("bounce"), GP_ACTION_FAILED},
};

/* the fields of the recipient that is being read */
struct group {
    struct gp_str value[K_COUNT];
    bool have[K_COUNT];
};

/* typed - "smtp; 550 ..." without its type */
static struct gp_str typed(struct gp_str v)
{
    size_t at = gp_str_find(v, ';');
    return at < v.n && at <= 20 && gp_str_find(gp_text_to(v, at), ' ') == at ? gp_str_trim(gp_text_from(v, at + 1)) : v;
}

/* comment - what stands in brackets behind a status: "5.2.0 (LMTP transmission failure)" */
static struct gp_str comment(struct gp_str v)
{
    size_t open = gp_str_find(v, '(');
    if (open == v.n)
        return GP_STR("");
    v = gp_text_from(v, open + 1);
    return v.n > 0 && v.p[v.n - 1] == ')' ? gp_text_to(v, v.n - 1) : v;
}

static struct gp_str host(struct gp_report_memory *m, struct gp_str v)
{
    v = typed(v);
    size_t n = 0;
    while (n < v.n && v.p[n] != ' ' && v.p[n] != '(')
        n++;
    return n <= HOST_MAX ? gp_memory_lower(m, gp_text_to(v, n)) : GP_STR("");
}

static struct gp_str flat(struct gp_report_memory *m, struct gp_str v)
{
    return gp_text_flat(m, v, GP_REPORT_TEXT_MAX);
}

static enum gp_report_action action_of(struct gp_str v)
{
    for (size_t i = 0; i < COUNT(actions); i++) {
        if (gp_str_starts_nocase(v, actions[i].begin))
            return actions[i].is;
    }
    return GP_ACTION_NONE;
}

static bool has_recipient(const struct group *g)
{
    return g->have[K_FINAL] || g->have[K_ORIGINAL];
}

static void finish(struct gp_report_memory *m, struct gp_dsn *d, struct group *g)
{
    bool nameless = d->n == 0 && (g->have[K_ACTION] || g->have[K_STATUS] || g->have[K_DIAGNOSTIC]);
    bool any = has_recipient(g) || nameless;

    if (any && d->n == GP_REPORT_RECIPIENTS_MAX)
        d->cut = true;
    if (any && d->n < GP_REPORT_RECIPIENTS_MAX) {
        struct gp_report_recipient *r = &d->recipients[d->n++];
        struct gp_str status = flat(m, g->value[K_STATUS]),
                      diagnostic = flat(m, typed(gp_str_trim(g->value[K_DIAGNOSTIC])));
        r->recipient = gp_memory_lower(m, gp_address_field(g->value[K_FINAL]));
        r->original_recipient = gp_memory_lower(m, gp_address_field(g->value[K_ORIGINAL]));
        if (r->original_recipient.n == 0 && g->have[K_ACTUAL])
            r->original_recipient = gp_memory_lower(m, gp_address_field(g->value[K_ACTUAL]));
        r->action = action_of(gp_str_trim(g->value[K_ACTION]));
        r->status = gp_said_status(status);
        r->diagnostic = diagnostic.n > 0 ? diagnostic : r->status.n > 0 ? comment(status) : status;
        r->remote = host(m, flat(m, g->value[K_REMOTE]));
    }
    *g = (struct group){.have = {false}};
}

static void message_field(struct gp_report_memory *m, struct gp_dsn *d, enum kind kind, struct gp_str value)
{
    if (kind == K_ENVELOPE && d->envelope_id.n == 0)
        d->envelope_id = flat(m, value);
    else if (kind == K_REPORTER && d->reporter.n == 0)
        d->reporter = host(m, flat(m, value));
    else if (kind == K_SENDER && d->sender.n == 0)
        d->sender = flat(m, gp_address_field(value));
    else if (kind == K_ARRIVAL && d->arrival.n == 0)
        d->arrival = flat(m, value);
}

void gp_dsn_read(struct gp_report_memory *m, struct gp_str status, struct gp_dsn *out)
{
    struct group g = {.have = {false}};
    struct gp_field f;

    *out = (struct gp_dsn){.recipients = gp_memory_get(m, GP_REPORT_RECIPIENTS_MAX * sizeof *out->recipients)};
    if (out->recipients == NULL)
        return;
    while (!out->cut && gp_field_next(&status, &f)) {
        size_t i = 0;
        while (i < COUNT(names) && !gp_str_eq_nocase(f.name, names[i].name))
            i++;
        if (f.blank && has_recipient(&g) && (g.have[K_STATUS] || g.have[K_ACTION]))
            finish(m, out, &g);
        if (i == COUNT(names))
            continue;
        enum kind kind = names[i].kind;
        if (kind >= K_ENVELOPE) {
            message_field(m, out, kind, f.value);
            continue;
        }
        if (g.have[kind] && has_recipient(&g)) /* the next one, without an empty line between */
            finish(m, out, &g);
        g.have[kind] = true;
        g.value[kind] = f.value;
    }
    finish(m, out, &g);
}

size_t gp_dsn_in_text(struct gp_str lower)
{
    static const struct gp_str first[] = {
        GP_STR("final-recipient"), GP_STR("original-recipient"), GP_STR("reporting-mta"), GP_STR("action"), {"", 0}};
    struct gp_str rest = lower, line;
    size_t at = 0;

    if (!gp_text_has(lower, GP_STR("final-recipient")))
        return lower.n;
    for (; gp_text_line(&rest, &line); at = lower.n - rest.n) {
        struct gp_str value = gp_text_from(line, gp_str_find(line, ':'));
        if (value.n > 1 && gp_text_starts_any(line, first))
            return at;
    }
    return lower.n;
}
