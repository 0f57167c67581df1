/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * auto_reply.c - so many automatic replies to one recipient, and no more
 */
#include "milter/auto_reply.h"

#include "shared/live.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 16   /* another node was faster so often: unknown */
#define PLACES 4096 /* recipients counted in this process; a full place is taken by the next one */

struct place {
    char key[GP_KEY_MAX];
    struct gp_auto_reply_count count;
};

struct gp_auto_replies {
    struct gp_counters *counters; /* NULL: in-process */
    char prefix[32];
    pthread_mutex_t lock; /* over place */
    struct place place[PLACES];
};

bool gp_auto_reply_is(const struct gp_headers *h, bool null_sender)
{
    return h->auto_reply || (null_sender && !h->auto_generated);
}

bool gp_auto_reply_decode(struct gp_str item, struct gp_auto_reply_count *out)
{
    struct gp_str rest = item, head, since, n;
    *out = (struct gp_auto_reply_count){0, 0};
    return gp_str_split(&rest, ' ', &head) && gp_str_eq(head, GP_STR("GPA1")) && gp_str_split(&rest, ' ', &since) &&
           gp_str_split(&rest, ' ', &n) && rest.p == NULL && gp_str_u64(since, UINT64_MAX / 2, &out->since_ms) &&
           gp_str_u64(n, UINT64_MAX / 2, &out->n);
}

size_t gp_auto_reply_encode(const struct gp_auto_reply_count *c, char out[GP_AUTO_REPLY_ITEM_MAX])
{
    struct gp_buf b = gp_buf_on(out, GP_AUTO_REPLY_ITEM_MAX);
    gp_buf_printf(&b, "GPA1 %" PRIu64 " %" PRIu64, c->since_ms, c->n);
    return b.n;
}

bool gp_auto_reply_add(struct gp_auto_reply_count *io, const struct gp_window *limit, uint64_t now_ms)
{
    bool on = io->n > 0 && io->since_ms <= now_ms && now_ms - io->since_ms < limit->seconds * UINT64_C(1000);
    if (on && io->n >= limit->count)
        return false;
    *io = on ? (struct gp_auto_reply_count){io->since_ms, io->n + 1} : (struct gp_auto_reply_count){now_ms, 1};
    return true;
}

struct gp_auto_replies *gp_auto_replies_new(struct gp_counters *counters, const char *prefix)
{
    struct gp_auto_replies *a = calloc(1, sizeof *a);
    if (a == NULL)
        return NULL;
    struct gp_buf b = gp_buf_on(a->prefix, sizeof a->prefix);
    gp_buf_putz(&b, prefix);
    a->counters = counters;
    pthread_mutex_init(&a->lock, NULL);
    return a;
}

void gp_auto_replies_free(struct gp_auto_replies *a)
{
    if (a == NULL)
        return;
    pthread_mutex_destroy(&a->lock);
    free(a);
}

static struct place *do_place(struct gp_auto_replies *a, const char *key)
{
    struct place *p = &a->place[gp_str_hash(gp_str_z(key)) % PLACES];
    if (strcmp(p->key, key) != 0) {
        struct gp_buf b = gp_buf_on(p->key, sizeof p->key);
        gp_buf_putz(&b, key);
        p->count = (struct gp_auto_reply_count){0, 0};
    }
    return p;
}

static bool add_here(struct gp_auto_replies *a, const char *key, const struct gp_window *limit, uint64_t now_ms)
{
    pthread_mutex_lock(&a->lock);
    bool added = gp_auto_reply_add(&do_place(a, key)->count, limit, now_ms);
    pthread_mutex_unlock(&a->lock);
    return added;
}

static void take_back_here(struct gp_auto_replies *a, const char *key)
{
    pthread_mutex_lock(&a->lock);
    struct place *p = do_place(a, key);
    p->count.n -= p->count.n > 0;
    pthread_mutex_unlock(&a->lock);
}

static enum gp_put put(struct gp_auto_replies *a, const char *group, const struct gp_item *was,
                       const struct gp_auto_reply_count *c, uint32_t ttl_s)
{
    char item[GP_AUTO_REPLY_ITEM_MAX];
    struct gp_str value = {item, gp_auto_reply_encode(c, item)};
    if (was->state == GP_FOUND)
        return gp_counters_swap(a->counters, group, was->key, value, was->cas, ttl_s);
    return gp_counters_add(a->counters, group, was->key, value, ttl_s);
}

/* One round: items[0] is the count, items[1] the live limit. LOST: another one was faster. */
static enum gp_put add_once(struct gp_auto_replies *a, const struct gp_agency *agency, struct gp_item items[2],
                            uint64_t now_ms, bool *added)
{
    static const enum gp_limit_name name = GP_LIMIT_AUTO_REPLIES;
    struct gp_limits limits = agency->limits;
    struct gp_auto_reply_count count;
    gp_counters_get(a->counters, &(struct gp_look){agency->name, items, 2}, 1);
    if (items[0].state == GP_UNKNOWN)
        return GP_PUT_UNKNOWN;
    (void)gp_live_overlay(&limits, &name, &items[1], 1); /* one that cannot be read does not hold */
    if (items[0].state != GP_FOUND || !gp_auto_reply_decode((struct gp_str){items[0].value, items[0].n}, &count))
        count = (struct gp_auto_reply_count){0, 0};
    *added = gp_auto_reply_add(&count, &limits.auto_replies, now_ms);
    return *added ? put(a, agency->name, &items[0], &count, limits.auto_replies.seconds) : GP_PUT_DONE;
}

enum gp_reason gp_auto_replies_take(struct gp_auto_replies *a, const struct gp_agency *agency, struct gp_str recipient,
                                    enum gp_on_loss on_loss, uint64_t now_ms)
{
    struct gp_item items[2];
    bool added = false;
    enum gp_put done = a->counters == NULL ? GP_PUT_UNKNOWN : GP_PUT_LOST;
    gp_key_auto_reply(items[0].key, a->prefix, agency->name, recipient);
    gp_key_limit(items[1].key, a->prefix, agency->name, GP_LIMIT_AUTO_REPLIES);
    for (int i = 0; i < ROUNDS && done == GP_PUT_LOST; i++)
        done = add_once(a, agency, items, now_ms, &added);
    if (done == GP_PUT_DONE)
        return added ? GP_ACCEPTED : GP_AUTO_REPLY_LIMIT;
    if (a->counters != NULL && on_loss == GP_LOSS_CLOSED)
        return GP_INTERNAL;
    if (a->counters == NULL || on_loss == GP_LOSS_LOCAL)
        return add_here(a, items[0].key, &agency->limits.auto_replies, now_ms) ? GP_ACCEPTED : GP_AUTO_REPLY_LIMIT;
    return GP_ACCEPTED;
}

void gp_auto_replies_give_back(struct gp_auto_replies *a, const struct gp_agency *agency, struct gp_str recipient)
{
    struct gp_item item;
    struct gp_auto_reply_count count;
    enum gp_put done = GP_PUT_LOST;
    gp_key_auto_reply(item.key, a->prefix, agency->name, recipient);
    if (a->counters == NULL)
        take_back_here(a, item.key);
    for (int i = 0; i < ROUNDS && a->counters != NULL && done == GP_PUT_LOST; i++) {
        gp_counters_get(a->counters, &(struct gp_look){agency->name, &item, 1}, 1);
        if (item.state != GP_FOUND || !gp_auto_reply_decode((struct gp_str){item.value, item.n}, &count) ||
            count.n == 0)
            return;
        count.n--;
        done = put(a, agency->name, &item, &count, agency->limits.auto_replies.seconds);
    }
}
