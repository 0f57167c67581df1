/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * upkeep.c - what is due by time alone
 */
#include "feedback/upkeep.h"

#include "feedback/act.h"
#include "feedback/worker.h"
#include "shared/clock.h"
#include "shared/epoch.h"
#include "shared/log.h"

#include <stdlib.h>

#define LOOK_MS 10000    /* between two looks at the dictionaries */
#define ACT_MS 60000     /* between two rounds of the guards */
#define SWEEP_AGE_S 3600 /* a file this old without a row has lost its transaction */

struct gp_upkeep {
    struct gp_worker *worker;
    struct gp_store *store;
    struct gp_act *act;
    struct gp_archive *archive;
    struct gp_dictionaries *dictionaries;
    uint64_t act_at_ms; /* monotonic */
    uint64_t pruned_day;
    bool act_failed;
};

static bool has_row(void *arg, const char *id)
{
    struct gp_upkeep *u = arg;
    bool has;
    return !gp_store_intake_has(u->store, id, &has) || has;
}

static bool unwanted(void *arg, const char *id)
{
    (void)arg;
    (void)id;
    return false;
}

static void say_swept(size_t n, const char *what)
{
    if (n > 0)
        gp_log(GP_INFO, "archive", "removed %zu %s", n, what);
}

/* Files of a crash stand in the days since the newest row; others are waiting to be written now. */
static void sweep(struct gp_upkeep *u, uint64_t since_ms, unsigned age_s)
{
    char first[GP_ARCHIVE_DAY + 1];
    gp_archive_day(since_ms, first);
    say_swept(gp_archive_sweep(u->archive, since_ms > 0 ? first : "", "", age_s, has_row, u),
              "files that no row of the database names");
}

/* Once a day. */
static void prune(struct gp_upkeep *u, const struct gp_config *c, uint64_t now_ms)
{
    uint64_t rows_ms =
        c->archive_keep_ms > GP_INTAKE_ROWS_DAYS * GP_DAY_MS ? c->archive_keep_ms : GP_INTAKE_ROWS_DAYS * GP_DAY_MS;
    char last[GP_ARCHIVE_DAY + 1];
    if (u->pruned_day == now_ms / GP_DAY_MS)
        return;
    u->pruned_day = now_ms / GP_DAY_MS;
    sweep(u, now_ms > 2 * GP_DAY_MS ? now_ms - 2 * GP_DAY_MS : 1, SWEEP_AGE_S);
    if (now_ms > c->archive_keep_ms + GP_DAY_MS) {
        gp_archive_day(now_ms - c->archive_keep_ms - GP_DAY_MS, last);
        say_swept(gp_archive_sweep(u->archive, "", last, 0, unwanted, u), "messages older than archive_keep");
    }
    if (now_ms > rows_ms &&
        !(gp_store_intake_forget(u->store, now_ms - rows_ms) && gp_store_forward_forget(u->store, now_ms - rows_ms)))
        gp_log(GP_ERROR, "database", "%s", gp_store_error(u->store));
}

static uint64_t turn(void *arg, struct gp_worker *w)
{
    struct gp_upkeep *u = arg;
    struct gp_epoch *e = gp_epoch_ref();
    uint64_t now_ms = gp_clock_monotonic_ms();
    (void)w;
    gp_dictionaries_look(u->dictionaries, &e->config->dictionaries);
    if (now_ms >= u->act_at_ms) {
        bool good = gp_act_tick(u->act, e->config, gp_clock_wall_ms());
        if (!good && !u->act_failed)
            gp_log(GP_ERROR, "database", "guards and alarms stand still: %s", gp_store_error(u->store));
        u->act_failed = !good;
        u->act_at_ms = now_ms + ACT_MS;
    }
    prune(u, e->config, gp_clock_wall_ms());
    gp_epoch_unref(e);
    return LOOK_MS;
}

struct gp_upkeep *gp_upkeep_start(const char *database, struct gp_archive *archive,
                                  struct gp_dictionaries *dictionaries)
{
    char why[256];
    uint64_t newest_ms = 0;
    struct gp_upkeep *u = calloc(1, sizeof *u);
    if (u == NULL)
        return NULL;
    u->archive = archive;
    u->dictionaries = dictionaries;
    u->store = gp_store_open(database, why);
    u->act = u->store != NULL ? gp_act_new(u->store) : NULL;
    if (u->act == NULL || !gp_store_intake_newest(u->store, &newest_ms)) {
        gp_log(GP_ERROR, "start", "cannot open the database %s: %s", database,
               u->store == NULL ? why : gp_store_error(u->store));
        gp_upkeep_stop(u);
        return NULL;
    }
    sweep(u, newest_ms, 0); /* nothing is taken in yet */
    u->worker = gp_worker_start("upkeep", turn, u);
    if (u->worker != NULL)
        return u;
    gp_upkeep_stop(u);
    return NULL;
}

void gp_upkeep_wake(struct gp_upkeep *u)
{
    gp_worker_wake(u->worker);
}

void gp_upkeep_end(struct gp_upkeep *u)
{
    if (u != NULL)
        gp_worker_end(u->worker);
}

void gp_upkeep_stop(struct gp_upkeep *u)
{
    if (u == NULL)
        return;
    gp_worker_stop(u->worker);
    gp_act_free(u->act);
    gp_store_close(u->store);
    free(u);
}
