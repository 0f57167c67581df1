/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * epoch.c - the running configuration: immutable, counted, swapped whole
 */
#include "shared/epoch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* The public part comes first, so that a reference is a pointer to it. */
struct epoch {
    struct gp_epoch face;
    struct gp_config *config;
    size_t references;         /* under lock */
    _Atomic uint64_t drain_at; /* monotonic ms; UINT64_MAX while it is the running one */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct epoch *running; /* holds one reference */
static uint64_t last_number;
static size_t alive;
static _Atomic bool all_drained;

/* lock held; returns the configuration to free outside of it, or NULL */
static struct epoch *release(struct epoch *e)
{
    if (--e->references > 0)
        return NULL;
    alive--;
    return e;
}

static void destroy(struct epoch *e)
{
    if (e == NULL)
        return;
    gp_config_free(e->config);
    free(e);
}

void gp_epoch_swap(struct gp_config *config, uint64_t now_ms)
{
    struct epoch *next = calloc(1, sizeof *next);
    if (next == NULL)
        abort(); /* 64 octets: the machine is beyond saving */
    next->config = config;
    next->face.config = config;
    next->references = 1;
    atomic_init(&next->drain_at, UINT64_MAX);
    struct epoch *dead = NULL;
    pthread_mutex_lock(&lock);
    next->face.number = ++last_number;
    alive++;
    if (running != NULL) {
        atomic_store(&running->drain_at, now_ms + config->drain_timeout_ms);
        dead = release(running);
    }
    running = next;
    pthread_mutex_unlock(&lock);
    destroy(dead);
}

struct gp_epoch *gp_epoch_ref(void)
{
    pthread_mutex_lock(&lock);
    struct epoch *e = running;
    e->references++;
    pthread_mutex_unlock(&lock);
    return &e->face;
}

void gp_epoch_unref(struct gp_epoch *face)
{
    if (face == NULL)
        return;
    pthread_mutex_lock(&lock);
    struct epoch *dead = release((struct epoch *)face);
    pthread_mutex_unlock(&lock);
    destroy(dead);
}

bool gp_epoch_drained(const struct gp_epoch *face, uint64_t now_ms)
{
    const struct epoch *e = (const struct epoch *)face;
    return atomic_load(&all_drained) || now_ms >= atomic_load(&e->drain_at);
}

void gp_epoch_drain_all(void)
{
    atomic_store(&all_drained, true);
}

uint64_t gp_epoch_number(void)
{
    pthread_mutex_lock(&lock);
    uint64_t number = running != NULL ? running->face.number : 0;
    pthread_mutex_unlock(&lock);
    return number;
}

size_t gp_epoch_alive(void)
{
    pthread_mutex_lock(&lock);
    size_t n = alive;
    pthread_mutex_unlock(&lock);
    return n;
}
