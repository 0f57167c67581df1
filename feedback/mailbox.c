/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mailbox.c - empties mailboxes on other hosts by POP3
 */
#include "feedback/mailbox.h"

#include "feedback/pop3.h"
#include "feedback/worker.h"
#include "shared/clock.h"
#include "shared/epoch.h"
#include "shared/log.h"

#include <stdlib.h>
#include <string.h>

#define MAILBOXES_MAX 64
#define LOOK_MS 60000 /* the longest sleep */
#define ROOM (UINT64_C(1) << 20)

/* When a mailbox is looked into again. */
struct due {
    char name[GP_POP3_NAME_MAX + 1];
    uint64_t at_ms; /* monotonic */
    unsigned failures;
};

struct gp_mailboxes {
    struct gp_worker *worker;
    struct gp_store *store;
    struct gp_archive *archive;
    struct gp_intake *intake;
    struct due due[MAILBOXES_MAX];
};

/* One session. */
struct session {
    struct gp_mailboxes *all;
    const struct gp_config *config;
    const struct gp_pop3_mailbox *mailbox;
    struct gp_pop3 *pop3;
    char source[GP_POP3_NAME_MAX + 8];
    struct gp_pop3_entry *list;
    size_t n, taken;
    size_t left;   /* there: too large, or the server does not give them */
    bool *deleted; /* list[i] was */
};

static bool stopped(void *arg)
{
    return gp_worker_ending(arg);
}

static uint64_t size_max(const struct session *s)
{
    return s->config->message_size_ceiling + ROOM;
}

/* A draft that grows while a message is retrieved. */
struct retrieving {
    struct gp_draft *draft;
    uint64_t left;
};

static bool add_piece(void *arg, struct gp_str octets)
{
    struct retrieving *r = arg;
    if (octets.n > r->left)
        return false;
    r->left -= octets.n;
    return gp_draft_add(r->draft, octets);
}

/* Retrieve and take in one message; false when the session cannot go on. */
static bool take(struct session *s, const struct gp_pop3_entry *e)
{
    struct retrieving r = {gp_draft_new(s->all->archive), 2 * size_max(s)}; /* LIST may have counted otherwise */
    char id[GP_ARCHIVE_ID + 1];
    enum gp_taken taken = GP_TAKEN_AGAIN;
    if (r.draft == NULL)
        return false;
    if (gp_pop3_retrieve(s->pop3, e->number, add_piece, &r) && gp_draft_seal(r.draft)) {
        const struct gp_incoming m = {.source = s->source,
                                      .no_envelope = true,
                                      .draft = r.draft,
                                      .mailbox = s->mailbox->name,
                                      .uidl = gp_str_z(e->uidl)};
        taken = gp_intake(s->all->intake, &m, gp_clock_wall_ms(), id);
    }
    gp_draft_free(r.draft);
    s->taken += taken != GP_TAKEN_AGAIN;
    return taken != GP_TAKEN_AGAIN;
}

/* Ids that we remember and the server no longer has. */
struct gone {
    const struct session *s;
    size_t n;
    char (*uidl)[GP_POP3_UIDL_MAX + 1];
};

static void note_gone(void *arg, struct gp_str uidl)
{
    struct gone *g = arg;
    for (size_t i = 0; i < g->s->n; i++) {
        if (gp_str_eq(uidl, gp_str_z(g->s->list[i].uidl)))
            return;
    }
    if (g->n < GP_MAILBOX_SESSION_MAX && uidl.n <= GP_POP3_UIDL_MAX) {
        struct gp_buf b = gp_buf_on(g->uidl[g->n++], GP_POP3_UIDL_MAX + 1);
        gp_buf_put(&b, uidl);
    }
}

/* Only a listing of the whole mailbox says what is gone. */
static void forget_gone(struct session *s)
{
    struct gp_store *store = s->all->store;
    struct gone g = {.s = s, .uidl = calloc(GP_MAILBOX_SESSION_MAX, sizeof *g.uidl)};
    if (g.uidl == NULL || s->n == GP_MAILBOX_SESSION_MAX ||
        !gp_store_pop3_seen(store, s->mailbox->name, note_gone, &g) || g.n == 0 || !gp_store_begin(store)) {
        free(g.uidl);
        return;
    }
    for (size_t i = 0; i < g.n; i++)
        (void)gp_store_pop3_gone(store, s->mailbox->name, gp_str_z(g.uidl[i]));
    (void)gp_store_commit(store);
    free(g.uidl);
}

/* Everything in the listing; false when the session failed. */
static bool empty(struct session *s, struct gp_worker *w)
{
    for (size_t i = 0; i < s->n && !gp_worker_ending(w); i++) {
        const struct gp_pop3_entry *e = &s->list[i];
        bool seen;
        if (!gp_store_pop3_has(s->all->store, s->mailbox->name, gp_str_z(e->uidl), &seen))
            return false;
        if (!seen && e->octets > size_max(s)) {
            s->left++;
            continue;
        }
        if (!seen && !take(s, e)) {
            if (!gp_pop3_refused(s->pop3))
                return false;
            s->left++;
            continue;
        }
        if (!gp_pop3_delete(s->pop3, e->number))
            return false;
        s->deleted[i] = true;
    }
    return true;
}

static void forget_deleted(struct session *s)
{
    struct gp_store *store = s->all->store;
    if (!gp_store_begin(store))
        return;
    for (size_t i = 0; i < s->n; i++) {
        if (s->deleted[i])
            (void)gp_store_pop3_gone(store, s->mailbox->name, gp_str_z(s->list[i].uidl));
    }
    (void)gp_store_commit(store);
}

/* False (told in why) when it must be tried again later. */
static bool run(struct session *s, struct gp_worker *w, char why[GP_POP3_WHY_MAX])
{
    struct gp_buf b = gp_buf_on(why, GP_POP3_WHY_MAX);
    bool good = false;
    s->pop3 = gp_pop3_open(s->mailbox, stopped, w, why);
    if (s->pop3 == NULL)
        return false;
    if (gp_pop3_list(s->pop3, GP_MAILBOX_SESSION_MAX, &s->list, &s->n)) {
        s->deleted = calloc(s->n + 1, sizeof *s->deleted);
        forget_gone(s);
        good = s->deleted != NULL && empty(s, w);
        /* What was taken in before a failure is deleted too, if the server still listens. */
        if (gp_pop3_quit(s->pop3) && s->deleted != NULL)
            forget_deleted(s);
        else
            good = false;
    }
    if (!good)
        gp_buf_putz(&b, gp_pop3_why(s->pop3)[0] != '\0' ? gp_pop3_why(s->pop3) : "a message could not be taken in");
    gp_pop3_close(s->pop3);
    return good;
}

static bool configured(const struct gp_config *c, const char *name)
{
    for (size_t i = 0; i < c->mailboxes_n; i++) {
        if (strcmp(c->mailbox[i].name, name) == 0)
            return true;
    }
    return false;
}

/* Where a mailbox's time is kept: its own place, or one whose mailbox is no more. NULL when there are too many. */
static struct due *due_of(struct gp_mailboxes *all, const struct gp_config *c, const char *name)
{
    struct due *free_one = NULL;
    for (size_t i = 0; i < MAILBOXES_MAX; i++) {
        if (strcmp(all->due[i].name, name) == 0)
            return &all->due[i];
        if (free_one == NULL && !configured(c, all->due[i].name))
            free_one = &all->due[i];
    }
    if (free_one != NULL) {
        struct gp_buf b = gp_buf_on(free_one->name, sizeof free_one->name);
        gp_buf_putz(&b, name);
        free_one->at_ms = free_one->failures = 0;
    }
    return free_one;
}

static uint64_t backoff(uint64_t every_ms, unsigned failures)
{
    uint64_t longest = every_ms > GP_MAILBOX_BACKOFF_MS ? every_ms : GP_MAILBOX_BACKOFF_MS;
    uint64_t wait = every_ms;
    for (unsigned i = 1; i < failures && wait < longest; i++)
        wait *= 2;
    return wait < longest ? wait : longest;
}

static void look_into(struct gp_mailboxes *all, struct gp_worker *w, const struct gp_config *c,
                      const struct gp_pop3_mailbox *mailbox, struct due *due)
{
    struct session s = {.all = all, .config = c, .mailbox = mailbox};
    struct gp_buf source = gp_buf_on(s.source, sizeof s.source);
    char why[GP_POP3_WHY_MAX] = "";
    gp_buf_printf(&source, "pop3:%s", mailbox->name);
    bool good = run(&s, w, why);
    due->failures = good ? 0 : due->failures + 1;
    due->at_ms = gp_clock_monotonic_ms() + backoff(mailbox->every_ms, due->failures);
    if (good && s.n == GP_MAILBOX_SESSION_MAX && s.taken > 0)
        due->at_ms = 0; /* there is more */
    if (!good && !gp_worker_ending(w))
        gp_log(GP_WARN, "mailbox", "%s: %s; after %zu messages, try %u", mailbox->name, why, s.taken, due->failures);
    else if (s.taken > 0)
        gp_log(GP_INFO, "mailbox", "%s: took %zu messages", mailbox->name, s.taken);
    if (s.left > 0)
        gp_log(GP_WARN, "mailbox", "%s: left %zu messages there: larger than message_size_ceiling, or not given out",
               mailbox->name, s.left);
    free(s.list);
    free(s.deleted);
}

static uint64_t turn(void *arg, struct gp_worker *w)
{
    struct gp_mailboxes *all = arg;
    struct gp_epoch *e = gp_epoch_ref();
    uint64_t next_ms = gp_clock_monotonic_ms() + LOOK_MS;
    for (size_t i = 0; i < e->config->mailboxes_n && !gp_worker_ending(w); i++) {
        const struct gp_pop3_mailbox *m = &e->config->mailbox[i];
        struct due *due = due_of(all, e->config, m->name);
        if (due == NULL)
            continue;
        if (gp_clock_monotonic_ms() >= due->at_ms)
            look_into(all, w, e->config, m, due);
        next_ms = due->at_ms < next_ms ? due->at_ms : next_ms;
    }
    gp_epoch_unref(e);
    uint64_t now_ms = gp_clock_monotonic_ms();
    return next_ms > now_ms ? next_ms - now_ms : 0;
}

struct gp_mailboxes *gp_mailboxes_start(const char *database, struct gp_archive *archive, struct gp_intake *intake)
{
    char why[256];
    struct gp_mailboxes *m = calloc(1, sizeof *m);
    if (m == NULL)
        return NULL;
    m->archive = archive;
    m->intake = intake;
    m->store = gp_store_open(database, why);
    if (m->store == NULL)
        gp_log(GP_ERROR, "start", "cannot open the database %s: %s", database, why);
    else if ((m->worker = gp_worker_start("pop3", turn, m)) != NULL)
        return m;
    gp_mailboxes_stop(m);
    return NULL;
}

void gp_mailboxes_wake(struct gp_mailboxes *m)
{
    gp_worker_wake(m->worker);
}

void gp_mailboxes_end(struct gp_mailboxes *m)
{
    if (m != NULL)
        gp_worker_end(m->worker);
}

void gp_mailboxes_stop(struct gp_mailboxes *m)
{
    if (m == NULL)
        return;
    gp_worker_stop(m->worker);
    gp_store_close(m->store);
    free(m);
}
