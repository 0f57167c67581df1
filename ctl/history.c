/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * history.c - gatepostctl history: who changed what, when, why
 */
#include "ctl/verbs.h"

#include "ctl/output.h"

struct report {
    struct gp_ctl_table table;
    json_t *list;
};

static void put(void *arg, const struct gp_change *change)
{
    struct report *r = arg;
    char when[GP_CTL_TIME_TEXT], who[128], verb[64], what[640], why[1024];
    struct gp_buf b[] = {gp_buf_on(who, sizeof who), gp_buf_on(verb, sizeof verb), gp_buf_on(what, sizeof what),
                         gp_buf_on(why, sizeof why)};
    gp_ctl_time_text(change->when_ms, when);
    gp_ctl_put_clean(&b[0], gp_str_z(change->who));
    gp_ctl_put_clean(&b[1], gp_str_z(change->verb));
    gp_ctl_put_clean(&b[2], gp_str_z(change->what));
    gp_ctl_put_clean(&b[3], gp_str_z(change->why));
    gp_ctl_table_row(&r->table, (const char *[]){when, who, verb, what, why});
    json_array_append_new(r->list, json_pack("{s:s, s:s, s:s, s:s, s:s}", "when", when, "who", who, "verb", verb,
                                             "what", what, "why", why));
}

int gp_ctl_history(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    struct report r = {.list = json_array()};
    if (!gp_ctl_config(ctl) || !gp_ctl_store(ctl)) {
        json_decref(r.list);
        return GP_CTL_NO;
    }
    gp_ctl_table_init(&r.table, 5);
    gp_ctl_table_row(&r.table, (const char *[]){"WHEN", "WHO", "VERB", "WHAT", "WHY"});
    bool read = gp_store_history(ctl->store, args->last, put, &r);
    if (!read)
        gp_ctl_error("cannot read the journal: %s", gp_store_error(ctl->store));
    else if (args->json)
        gp_ctl_json_print(json_pack("{s:O}", "changes", r.list), stdout);
    else
        gp_ctl_table_print(&r.table, stdout);
    gp_ctl_table_free(&r.table);
    json_decref(r.list);
    return read ? GP_CTL_OK : GP_CTL_NO;
}
