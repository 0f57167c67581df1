/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_turns.c - the journal of test windows: each opening and each closing, once
 */
#include "policyd/test_turns.h"

#include "shared/keys.h"
#include "shared/log.h"
#include "shared/test_window.h"

#include <inttypes.h>
#include <stdlib.h>

#define WHAT_MAX 256 /* agency, address, two moments, a count */
#define WHY_MAX 256

struct noted {
    char allowance[GP_ALLOWANCE_MAX + 1], what[WHAT_MAX], why[WHY_MAX];
    bool open;
    bool configured;
};

/* One look. */
struct look {
    struct gp_store *store;
    struct gp_counters *counters;
    const char *prefix;
    uint64_t now_ms;
    size_t n, cap;
    struct noted *noted; /* sorted by allowance */
    bool failed;
};

static void copy(char *out, size_t cap, const char *text)
{
    struct gp_buf b = gp_buf_on(out, cap);
    gp_buf_putz(&b, text);
}

static void remember(void *arg, const struct gp_test_turn *turn)
{
    struct look *k = arg;
    if (k->n == k->cap) {
        size_t cap = k->cap == 0 ? 16 : 2 * k->cap;
        struct noted *bigger = reallocarray(k->noted, cap, sizeof *bigger);
        k->failed = k->failed || bigger == NULL;
        if (bigger == NULL)
            return;
        k->noted = bigger;
        k->cap = cap;
    }
    struct noted *noted = &k->noted[k->n++];
    copy(noted->allowance, sizeof noted->allowance, turn->allowance);
    copy(noted->what, sizeof noted->what, turn->what);
    copy(noted->why, sizeof noted->why, turn->why);
    noted->open = turn->open;
    noted->configured = false;
}

static struct noted *noted_of(const struct look *k, const char *allowance)
{
    size_t low = 0, high = k->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = gp_str_cmp(gp_str_z(allowance), gp_str_z(k->noted[mid].allowance));
        if (order == 0)
            return &k->noted[mid];
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

/* *known: memcached answered, or there is none to ask. */
static uint64_t used(struct look *k, const struct gp_test_window *w, bool *known)
{
    struct gp_item item;
    struct gp_usage usage;
    struct gp_counts saved;
    uint64_t total = 0;
    *known = k->counters == NULL;
    if (k->counters != NULL) {
        gp_key_usage(item.key, k->prefix, w->allowance);
        gp_counters_get(k->counters, &(struct gp_look){w->acting.name, &item, 1}, 1);
        if (item.state == GP_FOUND && gp_usage_decode((struct gp_str){item.value, item.n}, &usage)) {
            total = usage.counts.total;
            *known = true;
        }
    }
    if (!gp_store_package(k->store, w->allowance, &saved))
        k->failed = true;
    return saved.total > total ? saved.total : total;
}

/* what of the journal: the window, and of a closing after it how it ended */
static void turn(struct look *k, const struct gp_test_turn *turn, const char *end)
{
    char what[2 * WHAT_MAX];
    struct gp_buf b = gp_buf_on(what, sizeof what);
    struct gp_line line;
    gp_buf_putz(&b, turn->what);
    gp_buf_putz(&b, end);
    const struct gp_change change = {.who = "policyd",
                                     .verb = turn->open ? "test open" : "test close",
                                     .what = what,
                                     .why = turn->why,
                                     .when_ms = k->now_ms};
    if (!gp_store_test_turn(k->store, turn, &change)) {
        k->failed = true;
        return;
    }
    gp_line_begin(&line, GP_INFO, turn->open ? "test-open" : "test-close");
    gp_line_str(&line, "window", gp_str_z(what));
    gp_line_str(&line, "why", gp_str_z(turn->why));
    gp_line_end(&line);
}

static void look_at(struct look *k, const struct gp_test_window *w)
{
    char what[WHAT_MAX], end[128] = "", ip[GP_IP_TEXT];
    struct gp_buf b = gp_buf_on(what, sizeof what);
    struct noted *noted = noted_of(k, w->allowance);
    bool was_open = noted != NULL && noted->open, known = true;
    uint64_t count = was_open || gp_test_in_time(w, k->now_ms) ? used(k, w, &known) : 0;
    enum gp_test_state state = gp_test_state(w, count, k->now_ms);
    if (noted != NULL)
        noted->configured = true;
    gp_ip_text(&w->address, ip);
    gp_buf_printf(&b, "%s %s, %s to %s, %" PRIu64 " messages", w->acting.name, ip, w->from.text, w->until.text,
                  w->messages);
    struct gp_test_turn opened = {w->allowance, what, w->why, true}, closed = {w->allowance, what, w->why, false};
    /* used up before anybody looked: it was open meanwhile */
    bool opens =
        noted == NULL ? state == GP_TEST_OPEN || state == GP_TEST_USED_UP : !was_open && state == GP_TEST_OPEN && known;
    if (opens)
        turn(k, &opened, "");
    if ((opens || was_open) && state != GP_TEST_OPEN) {
        b = gp_buf_on(end, sizeof end);
        gp_buf_printf(&b, ": %s after %" PRIu64, gp_test_state_label(state), count);
        turn(k, &closed, end);
    }
}

bool gp_test_turns(struct gp_store *store, struct gp_counters *counters, const char *prefix, const struct gp_config *c,
                   uint64_t now_ms)
{
    struct look k = {.store = store, .counters = counters, .prefix = prefix, .now_ms = now_ms};
    if (!gp_store_tests(store, remember, &k))
        k.failed = true;
    for (size_t i = 0; i < c->agencies_n && !k.failed; i++) {
        for (size_t t = 0; t < c->agency[i].tests && !k.failed; t++)
            look_at(&k, &c->agency[i].test[t]);
    }
    for (size_t i = 0; i < k.n && !k.failed; i++) {
        const struct noted *n = &k.noted[i];
        if (n->open && !n->configured)
            turn(&k, &(struct gp_test_turn){n->allowance, n->what, n->why, false}, ": no longer configured");
    }
    free(k.noted);
    return !k.failed;
}
