/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * unclassified.c - gatepostctl unclassified: remote replies that no dictionary knows
 */
#include "ctl/verbs.h"

#include "ctl/output.h"
#include "shared/unclassified.h"

#include <inttypes.h>

struct report {
    struct gp_ctl_table table;
    json_t *list;
};

static void put(void *arg, const struct gp_unclassified *u)
{
    struct report *r = arg;
    char count[24], first[GP_CTL_TIME_TEXT], last[GP_CTL_TIME_TEXT], provider[600], text[1000], sample[1300],
        evidence[200];
    struct gp_buf b[] = {gp_buf_on(count, sizeof count), gp_buf_on(provider, sizeof provider),
                         gp_buf_on(text, sizeof text), gp_buf_on(sample, sizeof sample),
                         gp_buf_on(evidence, sizeof evidence)};
    gp_buf_printf(&b[0], "%" PRIu64, u->count);
    gp_ctl_put_clean(&b[1], u->provider);
    gp_ctl_put_clean(&b[2], u->text);
    gp_ctl_put_clean(&b[3], u->sample);
    gp_ctl_put_clean(&b[4], u->evidence);
    gp_ctl_time_text(u->first_ms, first);
    gp_ctl_time_text(u->last_ms, last);
    gp_ctl_table_row(&r->table, (const char *[]){count, last, provider, evidence, sample});
    json_array_append_new(r->list, json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s}", "count", (json_int_t)u->count,
                                             "first", first, "last", last, "provider", provider, "text", text, "sample",
                                             sample, "evidence", evidence));
}

int gp_ctl_unclassified(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    struct report r = {.list = NULL};
    if (!gp_ctl_config(ctl) || !gp_ctl_store(ctl))
        return GP_CTL_NO;
    r.list = json_array();
    gp_ctl_table_init(&r.table, 5);
    gp_ctl_table_row(&r.table, (const char *[]){"COUNT", "LAST", "PROVIDER", "EVIDENCE", "THE LAST ONE SAID"});
    bool read = gp_unclassified_list(ctl->store, args->last, put, &r);
    if (!read)
        gp_ctl_error("cannot read the database: %s", gp_store_error(ctl->store));
    else if (args->json)
        gp_ctl_json_print(json_pack("{s:O}", "unclassified", r.list), stdout);
    else
        gp_ctl_table_print(&r.table, stdout);
    gp_ctl_table_free(&r.table);
    json_decref(r.list);
    return read ? GP_CTL_OK : GP_CTL_NO;
}
