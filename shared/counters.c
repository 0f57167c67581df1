/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * counters.c - memcached as a store of small items
 *
 * Every call is one or two attempts. A connection that breaks (the server was restarted, an idle one was closed) is
 * tried once more on a fresh one; a time-out is not, for it is ambiguous and has cost the time there was.
 */
#include "shared/counters.h"

#include "shared/clock.h"
#include "shared/counters_pool.h"
#include "shared/counters_wants.h"
#include "shared/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define TTL_MAX_S (30 * 24 * 3600) /* memcached takes more for a date */

/* What an attempt came to, in the order of their metrics. */
enum outcome {
    ANSWERED,
    REFUSED, /* the server is well, but would not do it: out of memory, too large */
    BROKEN,  /* the connection failed; worth a fresh one */
    SILENT   /* no answer in time */
};
_Static_assert(GP_METRIC_STORE_ANSWERED + SILENT == GP_METRIC_STORE_SILENT, "outcomes and metrics out of step");

/* One call: its clock and whether it may try again. */
struct attempt {
    uint64_t begin_ms;
    unsigned number;
};

/* libmemcached's key check trusts its caller in places, and a blank in a key ends the process. */
static bool key_good(const char *key)
{
    size_t n = strnlen(key, GP_KEY_MAX);
    if (n == 0 || n == GP_KEY_MAX)
        return false;
    for (size_t i = 0; i < n; i++) {
        char ch = key[i];
        bool good = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '.' ||
                    ch == '_' || ch == '-' || ch == ':';
        if (!good)
            return false;
    }
    return true;
}

static enum outcome outcome_of(memcached_return_t rc)
{
    switch ((int)rc) {
    case MEMCACHED_SUCCESS:
    case MEMCACHED_STORED:
    case MEMCACHED_DELETED:
    case MEMCACHED_END:
    case MEMCACHED_NOTFOUND:
    case MEMCACHED_NOTSTORED:
    case MEMCACHED_DATA_EXISTS:
        return ANSWERED;
    case MEMCACHED_CLIENT_ERROR:
    case MEMCACHED_SERVER_ERROR:
    case MEMCACHED_SERVER_MEMORY_ALLOCATION_FAILURE:
    case MEMCACHED_E2BIG:
        return REFUSED;
    case MEMCACHED_TIMEOUT:
    case MEMCACHED_IN_PROGRESS:
        return SILENT;
    default:
        return BROKEN;
    }
}

/* Ends one attempt: gives the handle back, moves the breaker. Returns whether another attempt is due. */
static bool attempt_over(struct gp_counters *c, struct attempt *a, struct gp_handle *h, struct gp_server *s,
                         enum outcome outcome)
{
    gp_metrics_add(GP_METRIC_STORE_ANSWERED + outcome, 1);
    gp_pool_return(c, h, outcome == ANSWERED);
    if (outcome == ANSWERED || outcome == REFUSED)
        return false;
    atomic_fetch_add(&c->breaks, 1);
    if (outcome == BROKEN && a->number++ == 0 && gp_clock_monotonic_ms() - a->begin_ms <= GP_AGAIN_MS)
        return true;
    gp_server_breaker(s, true);
    return false;
}

static bool breaker_open(const struct gp_server *s)
{
    bool open = atomic_load(&s->down);
    if (open)
        gp_metrics_add(GP_METRIC_STORE_UNASKED, 1);
    return open;
}

/* A handle and the group's server, unless that server's breaker is open. */
static struct gp_handle *attempt_begin(struct gp_counters *c, const struct attempt *a, const char *group,
                                       struct gp_server **s)
{
    if (c->n == 1 && breaker_open(&c->server[0]))
        return NULL;
    struct gp_handle *h = gp_pool_borrow(c, a->number > 0);
    if (h == NULL)
        return NULL;
    *s = gp_pool_server(c, h, group);
    if (c->n > 1 && breaker_open(*s)) {
        gp_pool_return(c, h, true);
        return NULL;
    }
    return h;
}

struct gp_counters *gp_counters_new(const char *const *servers, size_t n, const char **why)
{
    struct gp_counters *c = calloc(1, sizeof *c);
    *why = "out of memory";
    if (c == NULL)
        return NULL;
    pthread_mutex_init(&c->lock, NULL);
    c->server = calloc(n, sizeof *c->server);
    if (c->server == NULL)
        goto fail;
    for (c->n = 0; c->n < n; c->n++) {
        *why = gp_server_parse(servers[c->n], &c->server[c->n]);
        if (*why != NULL) {
            c->n++;
            goto fail;
        }
    }
    return c;
fail:
    gp_counters_free(c);
    return NULL;
}

void gp_counters_free(struct gp_counters *c)
{
    if (c == NULL)
        return;
    while (c->idle != NULL) {
        struct gp_handle *h = c->idle;
        c->idle = h->next;
        memcached_free(h->memc);
        free(h);
    }
    for (size_t i = 0; i < c->n; i++) {
        free(c->server[i].name);
        free(c->server[i].host);
    }
    free(c->server);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* Found: for all items that want this key. */
static void fetch_fill(const struct gp_wants *w, const memcached_result_st *r)
{
    size_t n = memcached_result_length(r);
    struct gp_str key = {memcached_result_key_value(r), memcached_result_key_length(r)};
    for (struct gp_item *item = gp_wants_of(w, key); item != NULL; item = item->same) {
        item->state = GP_FOUND;
        item->cas = memcached_result_cas(r);
        item->n = n <= GP_ITEM_MAX ? n : 0;
        memcpy(item->value, memcached_result_value(r), item->n);
    }
}

static memcached_return_t fetch_run(const struct gp_wants *w, memcached_st *memc, const char *group)
{
    memcached_return_t rc = memcached_mget_by_key(memc, group, strlen(group), w->key, w->length, w->keys);
    if (rc != MEMCACHED_SUCCESS)
        return outcome_of(rc) == ANSWERED ? MEMCACHED_FAILURE : rc;
    memcached_result_st result;
    memcached_result_create(memc, &result);
    do {
        /* with a count of 0 libmemcached would call an error "not found": only END says that the rest is absent */
        result.count = 1;
        memcached_result_st *r = memcached_fetch_result(memc, &result, &rc);
        if (r == NULL)
            break;
        fetch_fill(w, r);
    } while (rc == MEMCACHED_SUCCESS);
    memcached_result_free(&result);
    if (rc == MEMCACHED_END && memcached_last_error(memc) != MEMCACHED_SUCCESS)
        rc = memcached_last_error(memc);
    return rc != MEMCACHED_END && outcome_of(rc) == ANSWERED ? MEMCACHED_FAILURE : rc;
}

static void fetch_settle(const struct gp_wants *w)
{
    for (size_t i = 0; i < w->keys; i++)
        for (struct gp_item *item = w->item[i]; item != NULL; item = item->same)
            if (item->state == GP_UNKNOWN)
                item->state = GP_ABSENT;
}

/* The n looks of one server; wants has room for all their items. */
static void fetch(struct gp_counters *c, struct gp_look *const *looks, size_t n, struct gp_wants *wants,
                  struct attempt *a)
{
    struct gp_server *server = NULL;
    bool again = true;
    gp_wants_clear(wants);
    for (size_t i = 0; i < n; i++) {
        bool group_good = key_good(looks[i]->group);
        for (size_t k = 0; group_good && k < looks[i]->n; k++)
            if (key_good(looks[i]->items[k].key))
                gp_wants_add(wants, &looks[i]->items[k]);
    }
    while (again && wants->keys > 0) {
        struct gp_handle *h = attempt_begin(c, a, looks[0]->group, &server);
        if (h == NULL)
            return;
        enum outcome outcome = outcome_of(fetch_run(wants, h->memc, looks[0]->group));
        if (outcome == ANSWERED)
            fetch_settle(wants);
        again = attempt_over(c, a, h, server, outcome);
    }
}

/* Puts all looks of the server of look[0] in front; returns how many they are. A look without a usable group has none.
 */
static size_t gather(struct gp_counters *c, struct gp_look **look, size_t n)
{
    size_t found = 1;
    struct gp_handle *h = c->n > 1 && key_good(look[0]->group) ? gp_pool_borrow(c, false) : NULL;
    if (h == NULL)
        return c->n == 1 ? n : 1;
    const struct gp_server *server = gp_pool_server(c, h, look[0]->group);
    for (size_t i = 1; i < n; i++) {
        if (!key_good(look[i]->group) || gp_pool_server(c, h, look[i]->group) != server)
            continue;
        struct gp_look *other = look[found];
        look[found++] = look[i];
        look[i] = other;
    }
    gp_pool_return(c, h, true);
    return found;
}

void gp_counters_get(struct gp_counters *c, struct gp_look *looks, size_t n)
{
    struct attempt a = {.begin_ms = gp_clock_monotonic_ms()};
    size_t keys = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < looks[i].n; k++) {
            looks[i].items[k].state = GP_UNKNOWN;
            looks[i].items[k].n = 0;
            looks[i].items[k].cas = 0;
        }
        keys += looks[i].n;
    }
    struct gp_wants wants;
    struct gp_look **order = calloc(n + 1, sizeof(struct gp_look *));
    if (!gp_wants_init(&wants, keys) || order == NULL)
        goto out;
    for (size_t i = 0; i < n; i++)
        order[i] = &looks[i];
    for (size_t i = 0, together; i < n; i += together) {
        together = gather(c, order + i, n - i);
        if (i > 0 && gp_clock_monotonic_ms() - a.begin_ms > GP_AGAIN_MS)
            break;
        a.number = 0;
        fetch(c, order + i, together, &wants, &a);
    }
out:
    free(order);
    gp_wants_free(&wants);
}

/* One change of one item. */
struct change {
    enum { SWAP, ADD, SET, DELETE } verb;
    const char *group, *key;
    struct gp_str value;
    uint64_t cas;
    uint32_t ttl_s;
};

static memcached_return_t change_run(const struct change *ch, memcached_st *memc)
{
    size_t group_n = strlen(ch->group), key_n = strlen(ch->key);
    const char *value = ch->value.n > 0 ? ch->value.p : "";
    switch (ch->verb) {
    case SWAP:
        return memcached_cas_by_key(memc, ch->group, group_n, ch->key, key_n, value, ch->value.n, (time_t)ch->ttl_s, 0,
                                    ch->cas);
    case ADD:
        return memcached_add_by_key(memc, ch->group, group_n, ch->key, key_n, value, ch->value.n, (time_t)ch->ttl_s, 0);
    case SET:
        return memcached_set_by_key(memc, ch->group, group_n, ch->key, key_n, value, ch->value.n, (time_t)ch->ttl_s, 0);
    case DELETE:
        return memcached_delete_by_key(memc, ch->group, group_n, ch->key, key_n, 0);
    }
    return MEMCACHED_FAILURE;
}

static enum gp_put change(struct gp_counters *c, const struct change *ch)
{
    struct attempt a = {.begin_ms = gp_clock_monotonic_ms()};
    struct gp_server *server = NULL;
    enum gp_put put = GP_PUT_UNKNOWN;
    bool again = true;
    if (!key_good(ch->key) || !key_good(ch->group) || ch->value.n > GP_ITEM_MAX || ch->ttl_s > TTL_MAX_S)
        return GP_PUT_UNKNOWN;
    while (again) {
        struct gp_handle *h = attempt_begin(c, &a, ch->group, &server);
        if (h == NULL)
            return put;
        memcached_return_t rc = change_run(ch, h->memc);
        enum outcome outcome = outcome_of(rc);
        if (outcome == ANSWERED)
            put = rc == MEMCACHED_NOTFOUND || rc == MEMCACHED_NOTSTORED || rc == MEMCACHED_DATA_EXISTS ? GP_PUT_LOST
                                                                                                       : GP_PUT_DONE;
        /* a repetition may have met what the first attempt wrote: then nobody can say whose it is */
        if (put == GP_PUT_LOST && a.number > 0)
            put = GP_PUT_UNKNOWN;
        again = attempt_over(c, &a, h, server, outcome);
    }
    return put;
}

enum gp_put gp_counters_swap(struct gp_counters *c, const char *group, const char *key, struct gp_str value,
                             uint64_t cas, uint32_t ttl_s)
{
    if (cas == 0)
        return GP_PUT_LOST; /* no item has it, and libmemcached would send half a command */
    return change(c, &(struct change){SWAP, group, key, value, cas, ttl_s});
}

enum gp_put gp_counters_add(struct gp_counters *c, const char *group, const char *key, struct gp_str value,
                            uint32_t ttl_s)
{
    return change(c, &(struct change){ADD, group, key, value, 0, ttl_s});
}

enum gp_put gp_counters_set(struct gp_counters *c, const char *group, const char *key, struct gp_str value,
                            uint32_t ttl_s)
{
    return change(c, &(struct change){SET, group, key, value, 0, ttl_s});
}

enum gp_put gp_counters_delete(struct gp_counters *c, const char *group, const char *key)
{
    return change(c, &(struct change){DELETE, group, key, {NULL, 0}, 0, 0});
}

bool gp_counters_up(const struct gp_counters *c)
{
    bool up = true;
    for (size_t i = 0; i < c->n; i++)
        up = up && !atomic_load(&c->server[i].down);
    return up;
}

/* Reads the server's mark, gives it one when there is none. Past the breaker and the pool. */
static bool server_mark_read(const struct gp_server *s, struct gp_item *item)
{
    static const char key[] = "gatepost:mark";
    size_t length = sizeof key - 1;
    struct gp_wants wants;
    memcached_st *memc = gp_memc_new(s, 1);
    uint64_t mark = 0;
    bool answered = gp_wants_init(&wants, 1) && memc != NULL;
    memcpy(item->key, key, sizeof key);
    item->state = GP_UNKNOWN;
    if (answered) {
        gp_wants_add(&wants, item);
        answered = outcome_of(fetch_run(&wants, memc, key)) == ANSWERED;
    }
    if (answered && item->state != GP_FOUND && getrandom(&mark, sizeof mark, GRND_NONBLOCK) == (ssize_t)sizeof mark) {
        item->n = (size_t)snprintf(item->value, sizeof item->value, "%016" PRIx64, mark);
        /* libmemcached may call a get ended that nobody answered; a change it does not */
        enum outcome outcome = outcome_of(memcached_add(memc, key, length, item->value, item->n, 0, 0));
        answered = outcome == ANSWERED || outcome == REFUSED;
    }
    memcached_free(memc);
    gp_wants_free(&wants);
    return answered;
}

bool gp_counters_probe(struct gp_counters *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct gp_item item = {.n = 0};
        bool answers = server_mark_read(&c->server[i], &item);
        if (answers) {
            uint64_t mark = gp_str_hash((struct gp_str){item.value, item.n});
            uint64_t before = atomic_exchange(&c->server[i].mark, mark);
            if (before != 0 && before != mark)
                atomic_fetch_add(&c->breaks, 1);
        }
        gp_server_breaker(&c->server[i], !answers);
    }
    return gp_counters_up(c);
}

uint64_t gp_counters_breaks(const struct gp_counters *c)
{
    return atomic_load(&c->breaks);
}

const char *gp_counters_server(struct gp_counters *c, const char *group)
{
    const char *name = c->server[0].name;
    struct gp_handle *h = key_good(group) ? gp_pool_borrow(c, false) : NULL;
    if (h != NULL) {
        name = gp_pool_server(c, h, group)->name;
        gp_pool_return(c, h, true);
    }
    return name;
}
