/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * suppress_list.c - gatepostctl suppress list, export, history: who gets no mail, since when and why
 *
 * Rows are written as they are read: there may be millions.
 */
#include "ctl/suppress.h"

#include "ctl/csv.h"
#include "ctl/output.h"
#include "ctl/verbs.h"
#include "shared/clock.h"
#include "shared/event_log.h"

#include <inttypes.h>

#define TABLE_MOST 2000 /* rows of a table for people */

enum form { FORM_TABLE, FORM_CSV, FORM_JSON };

/* One line of output: a row, or an address that was released. */
struct entry {
    struct gp_str address, agency, scope, why, evidence;
    const char *reason, *state; /* state: "suppressed", "released" */
    unsigned step;
    uint64_t since_ms, retest_ms, until_ms, changed_ms;
};

struct report {
    enum form form;
    struct gp_ctl_table table;
    size_t n;
    bool cut;
    uint64_t now_ms;
};

static const char *time_or_empty(uint64_t ms, char out[GP_CTL_TIME_TEXT])
{
    out[0] = '\0';
    if (ms != 0)
        gp_ctl_time_text(ms, out);
    return out;
}

static const char *clean(struct gp_str text, char *out, size_t cap)
{
    struct gp_buf b = gp_buf_on(out, cap);
    gp_ctl_put_clean(&b, text);
    return out;
}

static void put_table(struct report *r, const struct entry *e)
{
    char address[600], why[1000], since[GP_CTL_TIME_TEXT], next[64], at[GP_CTL_TIME_TEXT];
    struct gp_buf b = gp_buf_on(next, sizeof next);
    if (r->n >= TABLE_MOST) {
        r->cut = true;
        return;
    }
    if (e->until_ms != 0)
        gp_buf_printf(&b, "ends %s", time_or_empty(e->until_ms, at));
    else if (e->retest_ms != 0)
        gp_buf_printf(&b, "%s %s", e->retest_ms <= r->now_ms ? "due" : "retest", time_or_empty(e->retest_ms, at));
    gp_ctl_table_row(&r->table,
                     (const char *[]){clean(e->address, address, sizeof address),
                                      e->agency.n > 0 ? e->agency.p : "(every)", e->scope.p, e->reason,
                                      time_or_empty(e->since_ms, since), next, clean(e->why, why, sizeof why)});
}

static void put_csv(const struct entry *e)
{
    char text[3 * GP_CTL_CSV_LINE_MAX], at[4][GP_CTL_TIME_TEXT], step[16];
    struct gp_buf b = gp_buf_on(text, sizeof text), s = gp_buf_on(step, sizeof step);
    gp_buf_printf(&s, "%u", e->step);
    const struct gp_str fields[] = {e->address,
                                    e->agency,
                                    e->scope,
                                    gp_str_z(e->reason),
                                    gp_str_z(e->state),
                                    gp_buf_str(&s),
                                    gp_str_z(time_or_empty(e->since_ms, at[0])),
                                    gp_str_z(time_or_empty(e->retest_ms, at[1])),
                                    gp_str_z(time_or_empty(e->until_ms, at[2])),
                                    gp_str_z(time_or_empty(e->changed_ms, at[3])),
                                    e->why,
                                    e->evidence};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        gp_ctl_csv_put(&b, i == 0, fields[i]);
    puts(text);
}

static void put_json(const struct report *r, const struct entry *e)
{
    char address[600], agency[64], scope[64], why[1000], evidence[200], at[4][GP_CTL_TIME_TEXT];
    json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s}", "address",
                          clean(e->address, address, sizeof address), "agency", clean(e->agency, agency, sizeof agency),
                          "scope", clean(e->scope, scope, sizeof scope), "reason", e->reason, "state", e->state, "step",
                          (json_int_t)e->step, "since", time_or_empty(e->since_ms, at[0]), "retest",
                          time_or_empty(e->retest_ms, at[1]), "until", time_or_empty(e->until_ms, at[2]), "changed",
                          time_or_empty(e->changed_ms, at[3]), "why", clean(e->why, why, sizeof why), "evidence",
                          clean(e->evidence, evidence, sizeof evidence));
    fputs(r->n > 0 ? ",\n" : "\n", stdout);
    if (j == NULL || json_dumpf(j, stdout, JSON_COMPACT) != 0)
        gp_ctl_error("cannot write JSON: out of memory, or the output is closed");
    json_decref(j);
}

static void put(struct report *r, const struct entry *e)
{
    if (r->form == FORM_TABLE)
        put_table(r, e);
    else if (r->form == FORM_CSV)
        put_csv(e);
    else
        put_json(r, e);
    r->n++;
}

static bool put_row(void *arg, const struct gp_suppression *row, uint64_t changed_ms)
{
    struct report *r = arg;
    const struct entry e = {.address = gp_str_z(row->address),
                            .agency = gp_str_z(row->agency),
                            .scope = gp_str_z(row->scope),
                            .why = gp_str_z(row->why),
                            .evidence = gp_str_z(row->evidence),
                            .reason = gp_suppression_reason_name(row->reason),
                            .state = "suppressed",
                            .step = row->step,
                            .since_ms = row->since_ms,
                            .retest_ms = row->retest_ms,
                            .until_ms = row->until_ms,
                            .changed_ms = changed_ms};
    if (!gp_suppression_ended(row, r->now_ms))
        put(r, &e);
    return !r->cut;
}

static bool put_released(void *arg, const struct gp_logged_event *logged)
{
    const struct entry e = {.address = logged->address,
                            .agency = logged->agency,
                            .scope = logged->stream.n > 0 ? logged->stream : GP_STR(GP_SCOPE_ALL),
                            .why = logged->diagnostic,
                            .evidence = logged->evidence,
                            .reason = logged->category == GP_CATEGORY_NOT_A_BOUNCE ? "manual"
                                                                                   : gp_category_name(logged->category),
                            .state = "released",
                            .changed_ms = logged->when_ms};
    put(arg, &e);
    return true;
}

static void begin(struct report *r)
{
    if (r->form == FORM_CSV)
        puts("address,agency,scope,reason,state,step,since,retest,until,changed,why,evidence");
    if (r->form == FORM_JSON)
        fputs("{\"suppressions\": [", stdout);
    if (r->form == FORM_TABLE) {
        gp_ctl_table_init(&r->table, 7);
        gp_ctl_table_row(&r->table, (const char *[]){"ADDRESS", "AGENCY", "SCOPE", "REASON", "SINCE", "NEXT", "WHY"});
    }
}

static void end(struct report *r)
{
    if (r->form == FORM_JSON)
        puts(r->n > 0 ? "\n]}" : "]}");
    if (r->form == FORM_TABLE) {
        gp_ctl_table_print(&r->table, stdout);
        gp_ctl_table_free(&r->table);
    }
    if (r->cut)
        gp_ctl_error("these are the first %d; --csv and --json list all of them", TABLE_MOST);
}

static int list(struct gp_ctl *ctl, const struct gp_ctl_args *args, enum form form, bool released)
{
    struct report r = {.form = form, .now_ms = gp_clock_wall_ms()};
    struct gp_suppression_filter f;
    if (!gp_ctl_suppress_filter(ctl, args, &f))
        return GP_CTL_NO;
    begin(&r);
    bool read = gp_suppression_list(ctl->store, &f, put_row, &r);
    if (read && released && f.since_ms > 0)
        read = gp_event_log_released(ctl->store, f.agency, f.since_ms, put_released, &r);
    end(&r);
    if (!read)
        gp_ctl_error("cannot read the database: %s", gp_store_error(ctl->store));
    return read ? GP_CTL_OK : GP_CTL_NO;
}

int gp_ctl_suppress_list(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    return list(ctl, args, args->json ? FORM_JSON : args->csv ? FORM_CSV : FORM_TABLE, false);
}

int gp_ctl_suppress_export(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    return list(ctl, args, args->json ? FORM_JSON : FORM_CSV, true);
}

struct history {
    struct gp_ctl_table table;
    json_t *list;
};

static bool put_event(void *arg, const struct gp_logged_event *e)
{
    struct history *h = arg;
    char when[GP_CTL_TIME_TEXT], agency[64], source[32], effect[32], said[1200], evidence[200], provider[600];
    const char *category = e->category == GP_CATEGORY_NOT_A_BOUNCE ? "" : gp_category_name(e->category);
    gp_ctl_time_text(e->when_ms, when);
    clean(e->agency, agency, sizeof agency);
    clean(e->source, source, sizeof source);
    clean(e->effect, effect, sizeof effect);
    clean(e->diagnostic, said, sizeof said);
    clean(e->evidence, evidence, sizeof evidence);
    clean(e->provider, provider, sizeof provider);
    gp_ctl_table_row(&h->table, (const char *[]){when, agency, source, category, effect, evidence, said});
    json_array_append_new(h->list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "when", when, "agency", agency,
                                             "source", source, "category", category, "effect", effect, "provider",
                                             provider, "evidence", evidence, "said", said));
    return true;
}

int gp_ctl_suppress_history(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    struct history h = {.list = NULL};
    struct gp_suppression_filter f;
    char address[GP_ADDRESS_MAX + 1];
    if (!gp_ctl_suppress_filter(ctl, args, &f) || !gp_ctl_mailbox_told(args->arg[0], address))
        return GP_CTL_NO;
    h.list = json_array();
    gp_ctl_table_init(&h.table, 7);
    gp_ctl_table_row(&h.table, (const char *[]){"WHEN", "AGENCY", "SOURCE", "CATEGORY", "EFFECT", "EVIDENCE", "SAID"});
    bool read = gp_event_log_of(ctl->store, gp_str_z(address), f.agency, args->last, put_event, &h);
    if (!read)
        gp_ctl_error("cannot read the database: %s", gp_store_error(ctl->store));
    else if (args->json)
        gp_ctl_json_print(json_pack("{s:s, s:O}", "address", address, "events", h.list), stdout);
    else
        gp_ctl_table_print(&h.table, stdout);
    gp_ctl_table_free(&h.table);
    json_decref(h.list);
    return read ? GP_CTL_OK : GP_CTL_NO;
}
