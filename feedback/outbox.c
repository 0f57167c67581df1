/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * outbox.c - mail of Gatepost's own leaves
 */
#include "feedback/outbox.h"

#include "feedback/smtp.h"
#include "feedback/worker.h"
#include "shared/address.h"
#include "shared/clock.h"
#include "shared/epoch.h"
#include "shared/intake_store.h"
#include "shared/log.h"
#include "shared/notice.h"
#include "shared/seldom.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BATCH 100      /* letters of one turn */
#define LOOK_MS 1000   /* between two looks */
#define RETRY_MS 60000 /* after all were tried and one could not leave */
#define SUBJECT_MAX 400
#define BODY_MAX 8192
#define ADDRESS_MAX 321

/* A letter as it stands in the database. */
struct waiting {
    int64_t notice;             /* id; 0: a forwarded message */
    char id[GP_ARCHIVE_ID + 1]; /* of the forwarded message */
    char agency[GP_AGENCY_NAME_MAX + 1];
    char to[ADDRESS_MAX]; /* "": a notice's, whom the configuration names */
    uint64_t created_ms, received_ms;
    char subject[SUBJECT_MAX];
    char body[BODY_MAX];
};

struct gp_outbox {
    struct gp_worker *worker;
    struct gp_store *store;
    size_t n;
    struct waiting letter[BATCH];
    struct waiting last; /* forwarded message that was tried; created_ms 0: the oldest is next */
    bool held;           /* one could not leave since the oldest was tried */
    struct waiting left; /* the one that left last */
    bool unmarked;       /* the database does not know it yet */
    struct gp_seldom told;
    /* of the message being sent on */
    char sender[ADDRESS_MAX], recipient[ADDRESS_MAX];
};

static void put(char *out, size_t cap, struct gp_str s)
{
    struct gp_buf b = gp_buf_on(out, cap);
    gp_buf_put(&b, s);
}

static void note_notice(void *arg, const struct gp_notice *n)
{
    struct gp_outbox *o = arg;
    struct waiting *w = &o->letter[o->n++];
    *w = (struct waiting){.notice = n->id, .created_ms = n->created_ms};
    put(w->agency, sizeof w->agency, gp_str_z(n->agency));
    put(w->subject, sizeof w->subject, gp_str_z(n->subject));
    put(w->body, sizeof w->body, gp_str_z(n->body));
}

static void note_forward(void *arg, const struct gp_forward *f)
{
    struct gp_outbox *o = arg;
    struct waiting *w = &o->letter[o->n++];
    *w = (struct waiting){.created_ms = f->created_ms, .received_ms = f->received_ms};
    put(w->id, sizeof w->id, f->id);
    put(w->agency, sizeof w->agency, f->agency);
    put(w->to, sizeof w->to, f->recipient);
}

static void note_envelope(void *arg, const struct gp_intake_row *row)
{
    struct gp_outbox *o = arg;
    put(o->sender, sizeof o->sender, row->sender);
    put(o->recipient, sizeof o->recipient, row->recipient);
}

static void write_forward(struct gp_outbox *o, struct waiting *w)
{
    struct gp_buf subject = gp_buf_on(w->subject, sizeof w->subject), body = gp_buf_on(w->body, sizeof w->body);
    size_t n;
    o->sender[0] = o->recipient[0] = '\0';
    (void)gp_store_intake_find(o->store, w->id, &n, note_envelope, o);
    gp_buf_putz(&subject, "Mail to your return path from ");
    gp_buf_put_escaped(&subject, gp_str_z(o->sender));
    gp_buf_putz(&body, "This message came to\n    ");
    gp_buf_put_escaped(&body, gp_str_z(o->recipient));
    if (w->agency[0] != '\0')
        gp_buf_printf(&body, "\nwhich is the return path of mail that %s sent.", w->agency);
    gp_buf_printf(&body,
                  "\nA person seems to have written it. It is attached as it came; your\n"
                  "answer goes to whoever sent it.\n\nArchive: %s\n",
                  w->id);
}

/* Whom a notice is for; NULL: nobody who would not send it back here. */
static const char *addressee(const struct gp_config *c, const struct waiting *w)
{
    const struct gp_agency *a = gp_config_by_name(c, gp_str_z(w->agency));
    if (w->to[0] != '\0')
        return w->to;
    const char *to = a != NULL && a->contact != NULL ? a->contact : c->operator_to;
    return gp_config_our_address(c, gp_str_z(to)) ? NULL : to;
}

/* The archived message, mapped; {NULL, 0} when it is no longer there. */
static struct gp_str map_message(const struct gp_config *c, const struct waiting *w)
{
    char path[4096];
    struct stat st;
    void *mapped = MAP_FAILED;
    gp_archive_path(c->archive, w->received_ms, w->id, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0)
        mapped = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (fd >= 0)
        close(fd);
    return mapped == MAP_FAILED ? (struct gp_str){NULL, 0} : (struct gp_str){mapped, (size_t)st.st_size};
}

static bool mark_sent(struct gp_outbox *o, const struct waiting *w)
{
    uint64_t now_ms = gp_clock_wall_ms();
    if (w->notice != 0)
        return gp_notice_sent(o->store, w->notice, now_ms);
    return gp_store_forward_sent(o->store, gp_str_z(w->id), gp_str_z(w->to), now_ms);
}

static void tell(const struct waiting *w, enum gp_level level, const char *outcome, const char *to, const char *why)
{
    struct gp_line line;
    gp_line_begin(&line, level, w->notice != 0 ? "notice" : "forward");
    gp_line_str(&line, "outcome", gp_str_z(outcome));
    gp_line_str(&line, "agency", gp_str_z(w->agency));
    gp_line_str(&line, "id", gp_str_z(w->id));
    gp_line_str(&line, "to", gp_str_z(to));
    gp_line_str(&line, "subject", gp_str_z(w->subject));
    gp_line_str(&line, "why", gp_str_z(why));
    gp_line_end(&line);
}

static void name_letter(const struct waiting *w, const char *to, struct gp_buf *id)
{
    if (w->notice != 0)
        gp_buf_printf(id, "notice.%lld.%llu", (long long)w->notice, (unsigned long long)w->created_ms);
    else
        gp_buf_printf(id, "forward.%s.%016llx", w->id, (unsigned long long)gp_str_hash(gp_str_z(to)));
}

/* Whom an answer goes to: the sender, if that is an address. */
static struct gp_str answer_to(const struct gp_outbox *o, const struct waiting *w)
{
    struct gp_mailbox mailbox;
    struct gp_str sender = gp_str_z(w->notice == 0 ? o->sender : NULL);
    return gp_mailbox_parse(sender, false, &mailbox) == NULL ? sender : GP_STR("");
}

static bool ending(void *arg)
{
    return gp_worker_ending(arg);
}

/* True when it left, or need not leave any more. */
static bool deliver(struct gp_outbox *o, const struct gp_config *c, struct gp_worker *self, struct waiting *w)
{
    char name[128], why[GP_SMTP_WHY_MAX] = "";
    struct gp_buf id = gp_buf_on(name, sizeof name);
    const char *to = addressee(c, w);
    struct gp_str message = {NULL, 0};
    if (c->notices == NULL || to == NULL) { /* a forwarded message waits for the setting to come back */
        if (w->notice != 0)
            tell(w, GP_WARN, "logged", "", "");
        return w->notice != 0;
    }
    if (w->notice == 0) {
        write_forward(o, w);
        message = map_message(c, w);
    }
    name_letter(w, to, &id);
    const struct gp_letter letter = {.relay_name = c->relay_name,
                                     .to = gp_str_z(to),
                                     .reply_to = answer_to(o, w),
                                     .message_id = gp_buf_str(&id),
                                     .subject = gp_str_z(w->subject),
                                     .body = gp_str_z(w->body),
                                     .date_ms = w->created_ms,
                                     .attached = message};
    bool left = gp_smtp_send(c->notices, &letter, ending, self, why);
    bool too_old = gp_clock_wall_ms() > w->created_ms + GP_LETTER_DAYS * GP_DAY_MS;
    tell(w, left ? GP_INFO : GP_WARN, left ? "sent" : too_old ? "given-up" : "waits", to, why);
    if (message.p != NULL)
        munmap((void *)message.p, message.n);
    return left || too_old;
}

/* Forwarded messages go on behind those of the turn before: however many cannot leave, they do not hold up the others.
 * *all: these were the youngest.
 */
static bool next_forwards(struct gp_outbox *o, bool *all)
{
    const struct waiting *last = &o->last;
    const struct gp_forward after = {
        .id = gp_str_z(last->id), .recipient = gp_str_z(last->to), .created_ms = last->created_ms};
    size_t before = o->n;
    bool good = gp_store_forward_waiting(o->store, &after, BATCH / 2, note_forward, o);
    *all = o->n - before < BATCH / 2;
    o->last = *all ? (struct waiting){.created_ms = 0} : o->letter[o->n - 1];
    return good;
}

/* While the database does not take it nothing else leaves: what left must not leave again each second. */
static bool mark(struct gp_outbox *o)
{
    o->unmarked = !mark_sent(o, &o->left);
    if (o->unmarked && gp_seldom_due(&o->told, gp_clock_monotonic_ms()))
        gp_log(GP_ERROR, "database", "mail of Gatepost's own waits: %s", gp_store_error(o->store));
    return !o->unmarked;
}

/* False when one could not leave. */
static bool send_all(struct gp_outbox *o, const struct gp_config *c, struct gp_worker *w)
{
    bool good = true;
    for (size_t i = 0; i < o->n && !o->unmarked && !gp_worker_ending(w); i++) {
        if (!deliver(o, c, w, &o->letter[i])) {
            good = false;
        } else {
            o->left = o->letter[i];
            mark(o);
        }
    }
    return good;
}

static uint64_t turn(void *arg, struct gp_worker *w)
{
    struct gp_outbox *o = arg;
    bool good, all = true;
    if (o->unmarked && !mark(o))
        return LOOK_MS;
    struct gp_epoch *e = gp_epoch_ref();
    o->n = 0;
    good = gp_notices_unsent(o->store, BATCH / 2, note_notice, o) && next_forwards(o, &all);
    good = send_all(o, e->config, w) && good;
    gp_epoch_unref(e);
    if (o->unmarked)
        return LOOK_MS;
    o->held = o->held || !good;
    if (!all)
        return good ? 0 : LOOK_MS;
    bool held = o->held;
    o->held = false;
    if (held)
        return RETRY_MS;
    return o->n > 0 ? 0 : LOOK_MS;
}

struct gp_outbox *gp_outbox_start(const char *database)
{
    char why[256];
    struct gp_outbox *o = calloc(1, sizeof *o);
    if (o == NULL)
        return NULL;
    o->store = gp_store_open(database, why);
    if (o->store == NULL)
        gp_log(GP_ERROR, "start", "cannot open the database %s: %s", database, why);
    else if ((o->worker = gp_worker_start("outbox", turn, o)) != NULL)
        return o;
    gp_outbox_stop(o);
    return NULL;
}

void gp_outbox_end(struct gp_outbox *o)
{
    if (o != NULL)
        gp_worker_end(o->worker);
}

void gp_outbox_stop(struct gp_outbox *o)
{
    if (o == NULL)
        return;
    gp_worker_stop(o->worker);
    gp_store_close(o->store);
    free(o);
}
