/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * worker.c - a thread that takes one turn after another until it is told to end
 */
#include "feedback/worker.h"

#include "shared/clock.h"
#include "shared/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct gp_worker {
    gp_turn_fn *turn;
    void *arg;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t told;
    bool ending, woken; /* under the lock */
};

/* With the lock held: until told something, or the time is over. */
static void sleep_until(struct gp_worker *w, uint64_t until_ms)
{
    const struct timespec until = {.tv_sec = (time_t)(until_ms / 1000), .tv_nsec = (long)(until_ms % 1000) * 1000000};
    while (!w->ending && !w->woken && gp_clock_monotonic_ms() < until_ms)
        pthread_cond_timedwait(&w->told, &w->lock, &until);
    w->woken = false;
}

static void *work(void *arg)
{
    struct gp_worker *w = arg;
    while (!gp_worker_ending(w)) {
        uint64_t wait_ms = w->turn(w->arg, w);
        pthread_mutex_lock(&w->lock);
        sleep_until(w, gp_clock_monotonic_ms() + wait_ms);
        pthread_mutex_unlock(&w->lock);
    }
    return NULL;
}

struct gp_worker *gp_worker_start(const char *name, gp_turn_fn *turn, void *arg)
{
    struct gp_worker *w = calloc(1, sizeof *w);
    pthread_condattr_t attributes;
    if (w == NULL)
        return NULL;
    *w = (struct gp_worker){.turn = turn, .arg = arg};
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&w->told, &attributes);
    pthread_condattr_destroy(&attributes);
    errno = pthread_create(&w->thread, NULL, work, w);
    if (errno == 0) {
        pthread_setname_np(w->thread, name);
        return w;
    }
    gp_log_errno(GP_ERROR, "start", "cannot start the thread %s", name);
    pthread_cond_destroy(&w->told);
    pthread_mutex_destroy(&w->lock);
    free(w);
    return NULL;
}

void gp_worker_wake(struct gp_worker *w)
{
    pthread_mutex_lock(&w->lock);
    w->woken = true;
    pthread_cond_broadcast(&w->told);
    pthread_mutex_unlock(&w->lock);
}

void gp_worker_end(struct gp_worker *w)
{
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->ending = true;
    pthread_cond_broadcast(&w->told);
    pthread_mutex_unlock(&w->lock);
}

void gp_worker_stop(struct gp_worker *w)
{
    if (w == NULL)
        return;
    gp_worker_end(w);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->told);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

bool gp_worker_ending(const struct gp_worker *w)
{
    struct gp_worker *changeable = (struct gp_worker *)w; /* only its lock */
    pthread_mutex_lock(&changeable->lock);
    bool ending = w->ending;
    pthread_mutex_unlock(&changeable->lock);
    return ending;
}
