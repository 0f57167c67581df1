/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * watch.c - the background thread: follows the permanent blocks, finds the counters' servers back, journals test
 * windows and login bans
 */
#include "policyd/watch.h"

#include "policyd/test_turns.h"
#include "shared/clock.h"
#include "shared/epoch.h"
#include "shared/log.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct gp_watch {
    struct gp_store *store;       /* the thread's, once it runs */
    struct gp_counters *counters; /* may be NULL */
    char *prefix;                 /* of their keys */
    struct gp_logins *logins;
    pthread_t thread;
    int stop; /* eventfd: readable when the thread shall end */
    pthread_mutex_t lock;
    struct gp_blocks *fresh;   /* under lock: read, and not yet taken */
    struct gp_blocks *current; /* the main thread's */
};

static void blocks_free(struct gp_blocks *b)
{
    if (b == NULL)
        return;
    gp_blocks_free(b);
    free(b);
}

static struct gp_blocks *blocks_read(struct gp_store *store)
{
    struct gp_blocks *b = calloc(1, sizeof *b);
    if (b != NULL && gp_store_blocks(store, b))
        return b;
    free(b);
    gp_log(GP_ERROR, "blocks", "cannot read the permanent blocks: %s", gp_store_error(store));
    return NULL;
}

/* Put b where the main thread finds it; returns what it never took. */
static struct gp_blocks *publish(struct gp_watch *w, struct gp_blocks *b)
{
    pthread_mutex_lock(&w->lock);
    struct gp_blocks *unused = w->fresh;
    w->fresh = b;
    pthread_mutex_unlock(&w->lock);
    return unused;
}

/* Returns whether the database took it; what it did not is logged when that changes. */
static bool test_turns(struct gp_watch *w, bool well)
{
    struct gp_epoch *e = gp_epoch_ref();
    bool now_well = gp_test_turns(w->store, w->counters, w->prefix, e->config, gp_clock_wall_ms());
    gp_epoch_unref(e);
    if (now_well != well)
        gp_log(now_well ? GP_INFO : GP_ERROR, "tests", "%s",
               now_well ? "test windows are journalled again" : gp_store_error(w->store));
    return now_well;
}

static void *watch(void *arg)
{
    struct gp_watch *w = arg;
    struct pollfd stop = {.fd = w->stop, .events = POLLIN};
    bool behind = false; /* a change was seen, and could not be read yet */
    bool well = true;    /* test windows are journalled */
    while (poll(&stop, 1, GP_WATCH_EVERY_MS) <= 0) {
        behind = gp_store_changed(w->store) || behind;
        struct gp_blocks *b = behind ? blocks_read(w->store) : NULL;
        if (b != NULL) {
            blocks_free(publish(w, b));
            behind = false;
        }
        if (w->counters != NULL)
            gp_counters_probe(w->counters);
        gp_logins_settle(w->logins, w->store, gp_clock_wall_ms());
        well = test_turns(w, well);
    }
    return NULL;
}

struct gp_watch *gp_watch_start(const char *database, struct gp_counters *counters, const char *prefix,
                                struct gp_logins *logins)
{
    char why[256];
    struct gp_watch *w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    w->counters = counters;
    w->logins = logins;
    w->prefix = strdup(prefix);
    pthread_mutex_init(&w->lock, NULL);
    w->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    w->store = gp_store_open(database, why);
    if (w->store == NULL) {
        gp_log(GP_ERROR, "start", "cannot open the database %s: %s", database, why);
        goto fail;
    }
    gp_store_changed(w->store); /* what comes after this counts as a change */
    w->current = blocks_read(w->store);
    if (w->current == NULL)
        goto fail;
    if (w->stop < 0 || w->prefix == NULL || pthread_create(&w->thread, NULL, watch, w) != 0) {
        gp_log(GP_ERROR, "start", "cannot start the background thread");
        goto fail;
    }
    return w;
fail:
    gp_store_close(w->store);
    if (w->stop >= 0)
        close(w->stop);
    blocks_free(w->current);
    pthread_mutex_destroy(&w->lock);
    free(w->prefix);
    free(w);
    return NULL;
}

void gp_watch_stop(struct gp_watch *w)
{
    if (w == NULL)
        return;
    eventfd_write(w->stop, 1);
    pthread_join(w->thread, NULL);
    close(w->stop);
    gp_store_close(w->store);
    blocks_free(w->fresh);
    blocks_free(w->current);
    pthread_mutex_destroy(&w->lock);
    free(w->prefix);
    free(w);
}

const struct gp_blocks *gp_watch_blocks(struct gp_watch *w)
{
    pthread_mutex_lock(&w->lock);
    struct gp_blocks *fresh = w->fresh;
    w->fresh = NULL;
    pthread_mutex_unlock(&w->lock);
    if (fresh != NULL) {
        blocks_free(w->current);
        w->current = fresh;
    }
    return w->current;
}
