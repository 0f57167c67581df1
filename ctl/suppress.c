/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * suppress.c - gatepostctl suppress add, remove: an operator decides who gets no mail
 */
#include "ctl/suppress.h"

#include "ctl/change.h"
#include "ctl/output.h"
#include "ctl/since.h"
#include "ctl/verbs.h"
#include "shared/clock.h"
#include "shared/event_log.h"

#define ROWS_MAX 256 /* of one address: agencies, reasons and streams are few */

const char *gp_ctl_mailbox(struct gp_str text, char out[GP_ADDRESS_MAX + 1])
{
    struct gp_mailbox mailbox;
    struct gp_buf b = gp_buf_on(out, GP_ADDRESS_MAX + 1);
    const char *wrong = gp_mailbox_parse(text, true, &mailbox);
    gp_buf_put_lower(&b, text);
    return wrong;
}

bool gp_ctl_mailbox_told(const char *text, char out[GP_ADDRESS_MAX + 1])
{
    char clean[600];
    struct gp_buf b = gp_buf_on(clean, sizeof clean);
    const char *wrong = gp_ctl_mailbox(gp_str_z(text), out);
    gp_buf_put_escaped(&b, gp_str_z(text));
    if (wrong != NULL)
        gp_ctl_error("\"%s\" is no mail address: %s", clean, wrong);
    return wrong == NULL;
}

bool gp_ctl_scope_valid(struct gp_str scope)
{
    return gp_str_eq(scope, GP_STR(GP_SCOPE_ALL)) || gp_stream_valid(scope);
}

bool gp_ctl_suppress_filter(struct gp_ctl *ctl, const struct gp_ctl_args *args, struct gp_suppression_filter *out)
{
    *out = (struct gp_suppression_filter){.since_ms = 0};
    if (!gp_ctl_config(ctl) || !gp_ctl_store(ctl))
        return false;
    if (args->since != NULL && !gp_ctl_since(gp_str_z(args->since), gp_clock_wall_ms(), &out->since_ms)) {
        gp_ctl_error("--since must be a time such as 2026-11-21 or 2026-11-21T04:20Z, or 7d for so long ago");
        return false;
    }
    if (args->agency == NULL)
        return true;
    const struct gp_agency *agency = gp_ctl_agency(ctl, args->agency);
    if (agency != NULL)
        out->agency = gp_str_z(agency->name);
    return agency != NULL;
}

/* commit what a verb did when it went well, else roll back and tell; `what` names it. False (told) when nothing was
 * changed. */
static bool finish(struct gp_ctl *ctl, bool good, const char *what)
{
    if (!good)
        gp_store_rollback(ctl->store);
    else if (gp_store_commit(ctl->store))
        return true;
    gp_ctl_error("%s: nothing was changed: the database %s refused it: %s", what, ctl->config->database,
                 gp_store_error(ctl->store));
    return false;
}

/* An operator's event in the history of an address. */
static bool log_event(struct gp_ctl *ctl, const struct gp_suppression *row, const char *effect, const char *why,
                      uint64_t now_ms)
{
    const struct gp_logged_event e = {
        .when_ms = now_ms,
        .address = gp_str_z(row->address),
        .agency = gp_str_z(row->agency),
        .category = GP_CATEGORY_NOT_A_BOUNCE,
        .source = GP_STR("operator"),
        .effect = gp_str_z(effect),
        .stream = gp_str_eq(gp_str_z(row->scope), GP_STR(GP_SCOPE_ALL)) ? GP_STR("") : gp_str_z(row->scope),
        .diagnostic = gp_str_z(why),
    };
    return gp_event_log_add(ctl->store, &e);
}

static bool journal(struct gp_ctl *ctl, const char *what, const char *why)
{
    char who[64];
    gp_ctl_who(who);
    const struct gp_change change = gp_ctl_change(ctl, who, what, why);
    return gp_store_journal(ctl->store, &change);
}

/* "a@b.example for dol, scope bulk" */
static void put_what(struct gp_buf *b, const struct gp_suppression *row)
{
    gp_buf_printf(b, "%s for %s", row->address, row->agency[0] != '\0' ? row->agency : "every agency");
    if (!gp_str_eq(gp_str_z(row->scope), GP_STR(GP_SCOPE_ALL)))
        gp_buf_printf(b, ", scope %s", row->scope);
}

static void copy(char *out, size_t cap, const char *text)
{
    struct gp_buf b = gp_buf_on(out, cap);
    gp_buf_putz(&b, text);
}

int gp_ctl_suppress_add(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    const char *scope = args->scope != NULL ? args->scope : GP_SCOPE_ALL;
    struct gp_suppression row = {.reason = GP_SUPPRESSED_MANUAL};
    struct gp_suppression_filter f;
    char what[512], until[GP_CTL_TIME_TEXT];
    struct gp_buf b = gp_buf_on(what, sizeof what);
    if (!gp_ctl_scope_valid(gp_str_z(scope)))
        return gp_ctl_misused(ctl, "--scope must be *, bulk or a stream's name");
    if (!gp_ctl_suppress_filter(ctl, args, &f) || !gp_ctl_mailbox_told(args->arg[0], row.address))
        return GP_CTL_NO;
    uint64_t now_ms = gp_clock_wall_ms();
    if (f.agency.n > 0)
        copy(row.agency, sizeof row.agency, f.agency.p);
    copy(row.scope, sizeof row.scope, scope);
    copy(row.why, sizeof row.why, args->reason);
    row.since_ms = now_ms;
    row.until_ms = args->for_s > 0 ? now_ms + args->for_s * UINT64_C(1000) : 0;
    put_what(&b, &row);
    gp_ctl_time_text(row.until_ms, until);
    if (row.until_ms > 0)
        gp_buf_printf(&b, ", until %s", until);
    bool good = gp_store_begin(ctl->store);
    good = good && gp_suppression_put(ctl->store, &row, now_ms) &&
           log_event(ctl, &row, GP_EFFECT_SUPPRESSED, args->reason, now_ms) && journal(ctl, what, args->reason);
    if (!finish(ctl, good, row.address))
        return GP_CTL_NO;
    printf("%s: suppressed\n", what);
    return GP_CTL_OK;
}

/* The rows that are to go. */
struct going {
    const char *scope; /* NULL: any */
    size_t n;
    struct gp_suppression row[ROWS_MAX];
};

static bool collect(void *arg, const struct gp_suppression *row, uint64_t changed_ms)
{
    struct going *g = arg;
    (void)changed_ms;
    if (g->scope == NULL || gp_str_eq(gp_str_z(row->scope), gp_str_z(g->scope)))
        g->row[g->n++] = *row;
    return g->n < ROWS_MAX;
}

static bool remove_row(struct gp_ctl *ctl, const struct gp_suppression *row, const char *why, uint64_t now_ms)
{
    char what[512];
    struct gp_buf b = gp_buf_on(what, sizeof what);
    bool had;
    put_what(&b, row);
    gp_buf_printf(&b, " (%s)", gp_suppression_reason_name(row->reason));
    return gp_suppression_drop(ctl->store, row, NULL) &&
           gp_failure_forget(ctl->store, gp_str_z(row->address), gp_str_z(row->agency), UINT32_MAX, &had) &&
           log_event(ctl, row, GP_EFFECT_RELEASED, why, now_ms) && journal(ctl, what, why);
}

int gp_ctl_suppress_remove(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    static struct going g;
    struct gp_suppression_filter f;
    char address[GP_ADDRESS_MAX + 1];
    uint64_t now_ms = gp_clock_wall_ms();
    if (!gp_ctl_suppress_filter(ctl, args, &f) || !gp_ctl_mailbox_told(args->arg[0], address))
        return GP_CTL_NO;
    g.n = 0;
    g.scope = args->scope;
    f.address = gp_str_z(address);
    bool good = gp_store_begin(ctl->store) && gp_suppression_list(ctl->store, &f, collect, &g);
    for (size_t i = 0; i < g.n && good; i++)
        good = remove_row(ctl, &g.row[i], args->reason, now_ms);
    if (!finish(ctl, good, address))
        return GP_CTL_NO;
    for (size_t i = 0; i < g.n; i++) {
        char what[512];
        struct gp_buf b = gp_buf_on(what, sizeof what);
        put_what(&b, &g.row[i]);
        printf("%s: %s removed\n", what, gp_suppression_reason_name(g.row[i].reason));
    }
    if (g.n == 0)
        gp_ctl_error("%s was not suppressed; nothing was changed", address);
    return g.n > 0 ? GP_CTL_OK : GP_CTL_NO;
}
