/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * intake.c - the one way in for mail: read by each thread for itself, then written by one for all that wait
 */
#include "feedback/intake.h"

#include "feedback/judge.h"
#include "feedback/notices.h"
#include "feedback/poison.h"
#include "shared/clock.h"
#include "shared/epoch.h"
#include "shared/log.h"
#include "shared/metrics.h"
#include "shared/report/classify.h"
#include "shared/seldom.h"
#include "shared/usage.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define BATCH_MAX 64 /* messages of one transaction */
#define SENDER_MAX 320

/* One message on its way to the disk. */
struct job {
    TAILQ_ENTRY(job) next;
    const struct gp_incoming *m;
    const struct gp_config *config;
    const char *id;
    struct gp_intake_row row;
    const struct gp_judged *judged;
    bool fresh;   /* it was not here before */
    bool settled; /* under the lock: taken says what became of it */
    enum gp_taken taken;
};
TAILQ_HEAD(jobs, job);

struct gp_intake {
    struct gp_store *store; /* whoever leads has them */
    struct gp_act *act;
    struct gp_archive *archive;
    struct gp_dictionaries *dictionaries;
    bool not_archived;     /* why the transaction is given up: the archive has told it */
    struct gp_seldom told; /* the database takes nothing */
    pthread_mutex_t lock;
    pthread_cond_t turn;
    bool led;            /* a thread writes for all */
    struct jobs waiting; /* under the lock, as all below */
};

struct gp_intake *gp_intake_new(const char *database, struct gp_archive *archive, struct gp_dictionaries *dictionaries)
{
    char why[256];
    struct gp_intake *in = calloc(1, sizeof *in);
    if (in == NULL)
        return NULL;
    in->archive = archive;
    in->dictionaries = dictionaries;
    TAILQ_INIT(&in->waiting);
    pthread_mutex_init(&in->lock, NULL);
    pthread_cond_init(&in->turn, NULL);
    in->store = gp_store_open(database, why);
    in->act = in->store != NULL ? gp_act_new(in->store) : NULL;
    if (in->act != NULL)
        return in;
    gp_log(GP_ERROR, "start", "cannot open the database %s: %s", database, why);
    gp_intake_free(in);
    return NULL;
}

void gp_intake_free(struct gp_intake *in)
{
    if (in == NULL)
        return;
    gp_act_free(in->act);
    gp_store_close(in->store);
    pthread_cond_destroy(&in->turn);
    pthread_mutex_destroy(&in->lock);
    free(in);
}

static bool forward(struct gp_intake *in, const struct job *j)
{
    const struct gp_forward f = {.id = j->row.id,
                                 .recipient = gp_str_z(j->judged->forward_to),
                                 .agency = gp_str_z(j->judged->agency),
                                 .received_ms = j->row.received_ms,
                                 .created_ms = j->row.received_ms};
    return gp_store_forward_add(in->store, &f);
}

/* What a message brings about, within the transaction. Its file has its name before the row says so. */
static bool write_job(struct gp_intake *in, struct job *j)
{
    const struct gp_judged *judged = j->judged;
    char day[GP_ARCHIVE_DAY + 1];
    bool has;
    gp_archive_day(j->row.received_ms, day);
    if (!gp_store_intake_has(in->store, j->id, &has))
        return false;
    j->fresh = !has;
    if (has)
        return j->m->mailbox == NULL || gp_store_pop3_add(in->store, j->m->mailbox, j->m->uidl, j->row.received_ms);
    in->not_archived = !gp_archive_keep(in->archive, j->m->draft, day, j->id);
    if (in->not_archived || !gp_store_intake_add(in->store, &j->row, &j->fresh))
        return false;
    for (size_t i = 0; i < judged->events_n; i++) {
        if (!gp_act_event(in->act, j->config, &judged->event[i], j->row.received_ms))
            return false;
    }
    if (judged->outcome == GP_OUTCOME_FORWARDED && !forward(in, j))
        return false;
    if (judged->outcome == GP_OUTCOME_QUARANTINED &&
        !gp_notice_quarantine(in->store, j->id, judged->why, j->row.received_ms))
        return false;
    return j->m->mailbox == NULL || gp_store_pop3_add(in->store, j->m->mailbox, j->m->uidl, j->row.received_ms);
}

/* The names of all new files are on the disk; messages of one batch mostly came on one day. */
static bool sync_days(struct gp_intake *in, struct job *const *job, size_t n)
{
    char day[GP_ARCHIVE_DAY + 1], done[GP_ARCHIVE_DAY + 1] = "";
    for (size_t i = 0; i < n; i++) {
        gp_archive_day(job[i]->row.received_ms, day);
        if (!job[i]->fresh || strcmp(day, done) == 0)
            continue;
        in->not_archived = !gp_archive_sync(in->archive, day);
        if (in->not_archived)
            return false;
        memcpy(done, day, sizeof done);
    }
    return true;
}

static bool write_all(struct gp_intake *in, struct job *const *job, size_t n)
{
    bool begun = gp_store_begin(in->store), good = begun;
    in->not_archived = false;
    for (size_t i = 0; i < n && good; i++)
        good = write_job(in, job[i]);
    if (good && sync_days(in, job, n) && gp_store_commit(in->store))
        return true;
    if (!in->not_archived && gp_seldom_due(&in->told, gp_clock_monotonic_ms()))
        gp_log(GP_ERROR, "database", "nothing is taken in: %s", gp_store_error(in->store));
    if (begun)
        gp_store_rollback(in->store);
    return false;
}

/* What would fail each time it comes is kept for people to look at. */
static bool write_quarantined(struct gp_intake *in, struct job *j)
{
    static const struct gp_judged quarantined = {
        .outcome = GP_OUTCOME_QUARANTINED, .why = "the database refused what it brought about", .agency = ""};
    if (!gp_store_refused(in->store) || j->judged->outcome == GP_OUTCOME_QUARANTINED)
        return false;
    j->judged = &quarantined;
    j->row.outcome = gp_str_z(gp_outcome_name(quarantined.outcome));
    j->row.why = gp_str_z(quarantined.why);
    j->taken = GP_TAKEN_QUARANTINED;
    return write_all(in, &j, 1);
}

/* One that cannot be written must not hold up those that came with it. */
static void write_batch(struct gp_intake *in, struct job *const *job, size_t n)
{
    bool good = write_all(in, job, n);
    for (size_t i = 0; i < n && !good; i++) {
        if ((n == 1 || !write_all(in, &job[i], 1)) && !write_quarantined(in, job[i]))
            job[i]->taken = GP_TAKEN_AGAIN;
    }
}

/* Lead once: write what waits. The lock is held before and after, not meanwhile. */
static void lead(struct gp_intake *in)
{
    struct job *batch[BATCH_MAX], *j;
    size_t n = 0;
    while (n < BATCH_MAX && (j = TAILQ_FIRST(&in->waiting)) != NULL) {
        TAILQ_REMOVE(&in->waiting, j, next);
        batch[n++] = j;
    }
    in->led = true;
    pthread_mutex_unlock(&in->lock);
    write_batch(in, batch, n);
    pthread_mutex_lock(&in->lock);
    for (size_t i = 0; i < n; i++)
        batch[i]->settled = true;
    in->led = false;
    pthread_cond_broadcast(&in->turn);
}

static void settle(struct gp_intake *in, struct job *j)
{
    pthread_mutex_lock(&in->lock);
    TAILQ_INSERT_TAIL(&in->waiting, j, next);
    while (!j->settled) {
        if (in->led)
            pthread_cond_wait(&in->turn, &in->lock);
        else
            lead(in);
    }
    pthread_mutex_unlock(&in->lock);
}

static enum gp_metric metric_of(const struct job *j)
{
    _Static_assert(GP_METRIC_FEEDBACK_ACTED + GP_OUTCOME_QUARANTINED == GP_METRIC_FEEDBACK_QUARANTINED &&
                       GP_OUTCOME_QUARANTINED + 1 == GP_OUTCOME_COUNT,
                   "outcomes and metrics out of step");
    if (j->taken == GP_TAKEN_AGAIN)
        return GP_METRIC_FEEDBACK_AGAIN;
    return j->fresh ? GP_METRIC_FEEDBACK_ACTED + j->judged->outcome : GP_METRIC_FEEDBACK_REPEATED;
}

static void tell(const struct job *j)
{
    struct gp_line line;
    gp_line_begin(&line, j->judged->outcome == GP_OUTCOME_QUARANTINED ? GP_WARN : GP_INFO, "feedback");
    gp_line_str(&line, "id", j->row.id);
    gp_line_str(&line, "source", j->row.source);
    gp_line_str(&line, "outcome",
                j->taken == GP_TAKEN_AGAIN ? GP_STR("again")
                : j->fresh                 ? j->row.outcome
                                           : GP_STR("repeated"));
    gp_line_str(&line, "kind", j->row.kind);
    gp_line_str(&line, "agency", j->row.agency);
    if (j->judged->events_n > 0)
        gp_line_str(&line, "category", gp_str_z(gp_category_name(j->judged->event[0].category)));
    gp_line_str(&line, "about", j->judged->events_n > 0 ? j->judged->event[0].recipient : GP_STR(""));
    gp_line_str(&line, "sender", j->row.sender);
    gp_line_str(&line, "recipient", j->row.recipient);
    gp_line_str(&line, "why", j->row.why);
    gp_line_end(&line);
    gp_metrics_add(metric_of(j), 1);
}

/* What was found out about a message before anything is written. */
struct reading {
    struct gp_mail_head head;
    struct gp_str sender, recipient;
    struct gp_report *report;
    struct gp_who who;
    struct gp_judged judged;
};

/* The address that proves most among those the headers name. */
static struct gp_str best_recipient(const struct gp_config *c, const struct gp_mail_head *h, uint32_t today)
{
    struct gp_token_short t;
    for (size_t i = 0; i < h->to_n; i++) {
        struct gp_str local = {h->to[i].p, gp_str_find(h->to[i], '@')};
        enum gp_token_state state = gp_token_verify(&c->keyring, local, gp_str_z(c->return_path), today, &t);
        if (state == GP_TOKEN_VALID || state == GP_TOKEN_EXPIRED)
            return h->to[i];
    }
    return h->to_n > 0 ? h->to[0] : GP_STR("");
}

static void quarantine(struct reading *r, const char *why)
{
    r->judged = (struct gp_judged){.outcome = GP_OUTCOME_QUARANTINED, .why = why, .agency = ""};
}

/* Read, identified and judged. False: not now (no dictionary, no memory). */
static bool understand(struct gp_intake *in, const struct gp_config *c, const struct gp_incoming *m, const char *id,
                       uint64_t now_ms, struct reading *r)
{
    struct gp_str raw = gp_draft_octets(m->draft);
    struct gp_dictionary_ref *dictionary = gp_dictionaries_ref(in->dictionaries);
    uint32_t today = gp_usage_day(now_ms);
    if (dictionary == NULL)
        return false;
    gp_poison_enter(id);
    r->report = gp_report_read(raw);
    if (r->report != NULL) {
        gp_classify(gp_dictionary_of(dictionary), r->report);
        if (m->no_envelope)
            r->sender = r->head.has_return_path ? r->head.return_path : r->report->from;
        gp_identify(c, r->report, r->sender, r->recipient, today, &r->who);
        const struct gp_mail mail = {c, r->report, &r->who, &r->head, r->sender, gp_str_z(id), now_ms};
        gp_judge(&mail, &r->judged);
    }
    gp_poison_leave();
    gp_dictionaries_unref(in->dictionaries, dictionary);
    return r->report != NULL;
}

static struct gp_intake_row row_of(const struct gp_incoming *m, const struct reading *r, const char *id,
                                   uint64_t now_ms)
{
    struct gp_intake_row row = {.id = gp_str_z(id),
                                .hash = gp_str_z(gp_draft_hash(m->draft)),
                                .received_ms = now_ms,
                                .size = gp_draft_octets(m->draft).n,
                                .source = gp_str_z(m->source),
                                .sender = r->sender,
                                .recipient = r->recipient,
                                .outcome = gp_str_z(gp_outcome_name(r->judged.outcome)),
                                .agency = gp_str_z(r->judged.agency),
                                .why = gp_str_z(r->judged.why)};
    if (r->report != NULL)
        row.kind = gp_str_z(gp_report_kind_name(r->report->kind));
    if (row.sender.n > SENDER_MAX)
        row.sender.n = SENDER_MAX;
    return row;
}

enum gp_taken gp_intake(struct gp_intake *in, const struct gp_incoming *m, uint64_t now_ms, char id[GP_ARCHIVE_ID + 1])
{
    struct gp_epoch *epoch = gp_epoch_ref();
    const struct gp_config *c = epoch->config;
    struct reading *r = calloc(1, sizeof *r);
    enum gp_taken taken = GP_TAKEN_AGAIN;
    id[0] = '\0';
    if (r == NULL)
        goto out;
    r->sender = m->sender;
    r->recipient = m->recipient;
    gp_mail_head_read(gp_draft_octets(m->draft), gp_str_z(c->return_path), &r->head);
    if (m->no_envelope)
        r->recipient = best_recipient(c, &r->head, gp_usage_day(now_ms));
    if (!gp_archive_id(gp_draft_hash(m->draft), r->recipient, id))
        goto out;
    if (gp_poison_marked(id))
        quarantine(r, "reading it made gatepost-feedback crash");
    else if (!understand(in, c, m, id, now_ms, r))
        goto out;
    struct job job = {.m = m, .config = c, .id = id, .row = row_of(m, r, id, now_ms), .judged = &r->judged};
    job.taken = r->judged.outcome == GP_OUTCOME_QUARANTINED ? GP_TAKEN_QUARANTINED : GP_TAKEN_DONE;
    settle(in, &job);
    tell(&job);
    taken = job.taken;
out:
    if (r != NULL)
        gp_report_free(r->report);
    free(r);
    gp_epoch_unref(epoch);
    return taken;
}
