/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * log_input.c - the mail log as an input
 */
#include "feedback/log_input.h"

#include "feedback/delivery.h"
#include "feedback/log_queue.h"
#include "feedback/log_source.h"
#include "feedback/worker.h"
#include "shared/clock.h"
#include "shared/epoch.h"
#include "shared/log.h"
#include "shared/metrics.h"

#include <stdlib.h>
#include <string.h>

#define BATCH_LINES 1000
#define BATCH_MS 200  /* of one transaction: others write too */
#define LOOK_MS 200   /* between two looks for new lines */
#define RETRY_MS 1000 /* after trouble; doubled while the store fails: */
#define RETRY_DOUBLED 6
#define SAVE_MS 5000 /* a place reached without anything to write is written this often */
#define BREATH 4     /* a transaction is followed by a pause of this part of its time: others wait for their turn */
#define PRUNE_MOST 10000

struct gp_log_input {
    struct gp_worker *worker;
    struct gp_store *store;
    struct gp_act *act;
    struct gp_dictionaries *dictionaries;
    struct gp_log_source *source; /* NULL: not open */
    char path[GP_LOG_NAME_MAX];   /* mail_log, of the source */
    bool begun;                   /* a transaction is open */
    bool unsaved;                 /* lines were read since the place was written */
    bool said_trouble;
    unsigned failures;    /* of the store, one after another */
    uint64_t saved_at_ms; /* monotonic */
    uint64_t pruned_day;
};

static void source_close(struct gp_log_input *in)
{
    gp_log_source_close(in->source);
    in->source = NULL;
    in->unsaved = false;
}

/* Nothing was done: the source goes back to the place in the database, and everything from there on comes again. */
static uint64_t give_up(struct gp_log_input *in, const char *what)
{
    if (!in->said_trouble)
        gp_log(GP_ERROR, "maillog", "%s: %s; tried again until it works", what, gp_store_error(in->store));
    in->said_trouble = true;
    if (in->begun)
        gp_store_rollback(in->store);
    in->begun = false;
    source_close(in);
    if (in->failures < RETRY_DOUBLED)
        in->failures++;
    return (uint64_t)RETRY_MS << (in->failures - 1);
}

static bool begin(struct gp_log_input *in)
{
    in->begun = in->begun || gp_store_begin(in->store);
    return in->begun;
}

/* What was never read begins at its beginning, unless another source was read before: then most of it is known. */
static bool source_open(struct gp_log_input *in, const char *mail_log)
{
    struct gp_log_position from;
    struct gp_buf b = gp_buf_on(in->path, sizeof in->path);
    bool any, same;
    gp_buf_putz(&b, mail_log);
    if (!gp_log_position_get(in->store, mail_log, &from, &any, &same)) {
        give_up(in, "cannot read how far the mail log was read");
        return false;
    }
    in->source = gp_log_source_open(mail_log, same ? &from : NULL, any && !same);
    in->unsaved = in->source != NULL; /* where reading began is a place too */
    if (in->unsaved)
        return true;
    if (!in->said_trouble)
        gp_log_errno(GP_ERROR, "maillog", "cannot open %s", mail_log);
    in->said_trouble = true;
    return false;
}

/* The place is written with what the lines brought about; without anything, now and then. */
static bool save(struct gp_log_input *in, bool changed)
{
    struct gp_log_position p;
    uint64_t now_ms = gp_clock_monotonic_ms();
    bool due =
        in->unsaved && (changed || now_ms >= in->saved_at_ms + SAVE_MS) && gp_log_source_position(in->source, &p);
    if (due && (!begin(in) || !gp_log_position_put(in->store, in->path, &p)))
        return false;
    if (in->begun) {
        in->begun = false; /* a commit that fails has rolled back */
        if (!gp_store_commit(in->store))
            return false;
    }
    if (due) {
        in->unsaved = false;
        in->saved_at_ms = now_ms;
    }
    return true;
}

/* Returns false when the store failed; *more: the batch is full, there may be more. */
static bool take_lines(struct gp_log_input *in, struct gp_delivery *d, bool *more)
{
    struct gp_log_record record;
    struct gp_log_line line;
    uint64_t until_ms = gp_clock_monotonic_ms() + BATCH_MS;
    size_t n = 0;
    while (n < BATCH_LINES && gp_log_source_next(in->source, d->now_ms, &record)) {
        n++;
        *more = n == BATCH_LINES;
        gp_metrics_add(GP_METRIC_MAIL_LOG_LINES, 1);
        in->unsaved = true;
        if (gp_log_line_parse(record.tag, record.message, &line) &&
            (!begin(in) || !gp_delivery_take(d, &line, record.written_ms)))
            return false;
        if (n % 64 == 0 && gp_clock_monotonic_ms() >= until_ms) {
            *more = true;
            break;
        }
    }
    return true;
}

static bool prune(struct gp_log_input *in, uint64_t now_ms)
{
    uint64_t day = now_ms / GP_DAY_MS;
    if (in->pruned_day == day || day < GP_DELIVERY_QUEUED_DAYS)
        return true;
    in->pruned_day = day;
    return begin(in) && gp_queued_prune(in->store, day - GP_DELIVERY_QUEUED_DAYS, PRUNE_MOST);
}

static uint64_t batch(struct gp_log_input *in, const struct gp_config *c, const struct gp_dictionary *dictionary)
{
    struct gp_delivery d = {
        .store = in->store, .act = in->act, .config = c, .dictionary = dictionary, .now_ms = gp_clock_wall_ms()};
    uint64_t started_ms = gp_clock_monotonic_ms();
    bool more = false;
    if (!take_lines(in, &d, &more) || !prune(in, d.now_ms) || !save(in, d.changed))
        return give_up(in, "lines of the mail log are not acted on");
    in->said_trouble = false;
    in->failures = 0;
    return !more ? LOOK_MS : d.changed ? (gp_clock_monotonic_ms() - started_ms) / BREATH : 0;
}

static uint64_t turn_with(struct gp_log_input *in, const struct gp_config *c)
{
    if (in->source != NULL && strcmp(in->path, c->mail_log) != 0) {
        if (!save(in, true))
            return give_up(in, "how far the mail log was read is not written");
        source_close(in);
    }
    if (c->mail_log[0] == '\0')
        return RETRY_MS;
    struct gp_dictionary_ref *dictionary = gp_dictionaries_ref(in->dictionaries);
    uint64_t wait_ms = RETRY_MS;
    if (dictionary != NULL && (in->source != NULL || source_open(in, c->mail_log)))
        wait_ms = batch(in, c, gp_dictionary_of(dictionary));
    gp_dictionaries_unref(in->dictionaries, dictionary);
    return wait_ms;
}

static uint64_t turn(void *arg, struct gp_worker *w)
{
    struct gp_epoch *e = gp_epoch_ref();
    uint64_t wait_ms = turn_with(arg, e->config);
    (void)w;
    gp_epoch_unref(e);
    return wait_ms;
}

struct gp_log_input *gp_log_input_start(const char *database, struct gp_dictionaries *dictionaries)
{
    char why[256] = "out of memory";
    struct gp_log_input *in = calloc(1, sizeof *in);
    if (in == NULL)
        return NULL;
    in->dictionaries = dictionaries;
    in->store = gp_store_open(database, why);
    in->act = in->store != NULL ? gp_act_new(in->store) : NULL;
    if (in->act == NULL)
        gp_log(GP_ERROR, "start", "cannot open the database %s: %s", database, why);
    else
        in->worker = gp_worker_start("maillog", turn, in);
    if (in->worker != NULL)
        return in;
    gp_log_input_stop(in);
    return NULL;
}

void gp_log_input_wake(struct gp_log_input *in)
{
    gp_worker_wake(in->worker);
}

void gp_log_input_end(struct gp_log_input *in)
{
    if (in != NULL)
        gp_worker_end(in->worker);
}

void gp_log_input_stop(struct gp_log_input *in)
{
    if (in == NULL)
        return;
    gp_worker_stop(in->worker);
    source_close(in);
    gp_act_free(in->act);
    gp_store_close(in->store);
    free(in);
}
