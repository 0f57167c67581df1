/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * tests.c - gatepostctl tests: every test window, whether it is open, what is used of it
 */
#include "ctl/verbs.h"

#include "ctl/output.h"
#include "ctl/target.h"
#include "shared/clock.h"
#include "shared/test_window.h"

#include <inttypes.h>

struct report {
    struct gp_ctl *ctl;
    uint64_t now_ms;
    struct gp_ctl_table table;
    json_t *list;
    bool known; /* everything answered */
};

/* The greater of what memcached and the database say. */
static uint64_t used(struct report *r, const struct gp_test_window *w)
{
    struct gp_item item = {.state = GP_ABSENT};
    struct gp_usage usage;
    struct gp_counts saved = {0};
    const char *agency = w->acting.name;
    gp_usage_init(&usage, 0);
    if (r->ctl->counters != NULL) {
        gp_key_usage(item.key, r->ctl->config->counters_prefix, w->allowance);
        gp_counters_get(r->ctl->counters, &(struct gp_look){agency, &item, 1}, 1);
    }
    if (item.state == GP_UNKNOWN) {
        gp_ctl_error("memcached at %s does not answer: what %s has used is known as of its last second only",
                     gp_counters_server(r->ctl->counters, agency), w->allowance);
        r->known = false;
    }
    if (item.state != GP_FOUND || !gp_usage_decode((struct gp_str){item.value, item.n}, &usage))
        gp_usage_init(&usage, 0);
    if (r->ctl->store != NULL && !gp_store_package(r->ctl->store, w->allowance, &saved)) {
        gp_ctl_error("cannot read the database: %s", gp_store_error(r->ctl->store));
        r->known = false;
    }
    return usage.counts.total > saved.total ? usage.counts.total : saved.total;
}

static void put(struct report *r, const struct gp_test_window *w)
{
    char address[GP_IP_TEXT], count[64], why[1024];
    uint64_t n = used(r, w);
    const char *state = gp_test_state_label(gp_test_state(w, n, r->now_ms)), *agency = w->acting.name;
    struct gp_buf c = gp_buf_on(count, sizeof count), y = gp_buf_on(why, sizeof why);
    gp_ip_text(&w->address, address);
    gp_buf_printf(&c, "%" PRIu64 " of %" PRIu64, n, w->messages);
    gp_ctl_put_clean(&y, gp_str_z(w->why));
    gp_ctl_table_row(&r->table, (const char *[]){agency, address, state, w->from.text, w->until.text, count, why});
    json_array_append_new(r->list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s}", "agency", agency, "address",
                                             address, "state", state, "from", w->from.text, "until", w->until.text,
                                             "used", (json_int_t)n, "messages", (json_int_t)w->messages, "why", why));
}

int gp_ctl_tests(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    const struct gp_agency *one = NULL;
    struct report r = {.ctl = ctl, .now_ms = gp_clock_wall_ms(), .known = true};
    if (!gp_ctl_config(ctl))
        return GP_CTL_NO;
    if (args->n > 0 && (one = gp_ctl_agency(ctl, args->arg[0])) == NULL)
        return GP_CTL_NO;
    r.known = gp_ctl_store(ctl);
    if (ctl->config->counters.n > 0)
        r.known &= gp_ctl_counters(ctl, "tests");
    r.list = json_array();
    gp_ctl_table_init(&r.table, 7);
    gp_ctl_table_row(&r.table, (const char *[]){"AGENCY", "ADDRESS", "STATE", "FROM", "UNTIL", "USED", "WHY"});
    for (size_t i = 0; i < ctl->config->agencies_n; i++) {
        const struct gp_agency *agency = &ctl->config->agency[i];
        for (size_t k = 0; k < agency->tests && (one == NULL || agency == one); k++)
            put(&r, &agency->test[k]);
    }
    if (args->json)
        gp_ctl_json_print(json_pack("{s:O}", "tests", r.list), stdout);
    else
        gp_ctl_table_print(&r.table, stdout);
    gp_ctl_table_free(&r.table);
    json_decref(r.list);
    return r.known ? GP_CTL_OK : GP_CTL_NO;
}
