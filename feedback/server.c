/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * server.c - gatepost-feedback as a whole
 */
#include "feedback/server.h"

#include "feedback/lmtp_server.h"
#include "feedback/log_input.h"
#include "feedback/mailbox.h"
#include "feedback/maildir.h"
#include "feedback/outbox.h"
#include "feedback/poison.h"
#include "feedback/upkeep.h"
#include "shared/clock.h"
#include "shared/epoch.h"
#include "shared/log.h"
#include "shared/metrics.h"

#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define TICK_MS 1000

/* Everything that runs, in the order in which it is raised; it ends the other way round. */
struct server {
    struct gp_reload *reload;
    struct gp_archive *archive;
    struct gp_dictionaries *dictionaries;
    struct gp_intake *intake;
    struct gp_upkeep *upkeep;
    struct gp_maildir *maildir;
    struct gp_mailboxes *mailboxes;
    struct gp_outbox *outbox;
    struct gp_log_input *log_input;
    struct gp_lmtp_server *lmtp;
};

static bool raise_archive(struct server *s, const struct gp_config *c)
{
    char why[256], marks[4096];
    struct gp_buf b = gp_buf_on(marks, sizeof marks);
    s->archive = gp_archive_open(c->archive, why);
    if (s->archive == NULL) {
        gp_log(GP_ERROR, "start", "%s", why);
        return false;
    }
    gp_buf_printf(&b, "%s/poison", c->archive);
    if (gp_poison_watch(marks))
        return true;
    gp_log_errno(GP_ERROR, "start", "cannot use %s", marks);
    return false;
}

static bool raise_all(struct server *s, const struct gp_config *c, int listener)
{
    bool good = raise_archive(s, c) && (s->dictionaries = gp_dictionaries_new()) != NULL &&
                (s->intake = gp_intake_new(c->database, s->archive, s->dictionaries)) != NULL;
    if (good)
        gp_dictionaries_look(s->dictionaries, &c->dictionaries); /* without any, all mail waits */
    good = good && (s->upkeep = gp_upkeep_start(c->database, s->archive, s->dictionaries)) != NULL &&
           (s->maildir = gp_maildir_start(s->archive, s->intake)) != NULL &&
           (s->mailboxes = gp_mailboxes_start(c->database, s->archive, s->intake)) != NULL &&
           (s->outbox = gp_outbox_start(c->database)) != NULL &&
           (s->log_input = gp_log_input_start(c->database, s->dictionaries)) != NULL;
    if (!good) {
        close(listener);
        return false;
    }
    s->lmtp = gp_lmtp_server_start(listener, s->archive, s->intake);
    return s->lmtp != NULL;
}

static void end_all(struct server *s)
{
    gp_lmtp_server_end(s->lmtp);
    gp_log_input_end(s->log_input);
    gp_outbox_end(s->outbox);
    gp_mailboxes_end(s->mailboxes);
    gp_maildir_end(s->maildir);
    gp_upkeep_end(s->upkeep);
    gp_lmtp_server_stop(s->lmtp);
    gp_log_input_stop(s->log_input);
    gp_outbox_stop(s->outbox);
    gp_mailboxes_stop(s->mailboxes);
    gp_maildir_stop(s->maildir);
    gp_upkeep_stop(s->upkeep);
    gp_intake_free(s->intake);
    gp_dictionaries_free(s->dictionaries);
    gp_archive_free(s->archive);
}

static void status_write(struct server *s)
{
    gp_metrics_set(GP_METRIC_CONNECTIONS, gp_lmtp_server_connections(s->lmtp));
    gp_reload_report(s->reload, "connections", gp_lmtp_server_connections(s->lmtp), NULL, gp_clock_wall_ms());
}

/* Returns whether one of them asks the daemon to end. */
static bool take_signals(struct server *s, int fd)
{
    struct signalfd_siginfo info;
    while (read(fd, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo != SIGHUP && info.ssi_signo != SIGUSR1) {
            gp_log(GP_INFO, "end", "asked to end by signal %u", info.ssi_signo);
            return true;
        }
        gp_reload_now(s->reload, gp_clock_monotonic_ms());
        gp_upkeep_wake(s->upkeep);
        gp_mailboxes_wake(s->mailboxes);
        gp_log_input_wake(s->log_input);
        status_write(s);
    }
    return false;
}

bool gp_feedback_serve(struct gp_reload *reload, const sigset_t *signals, int listener)
{
    struct server s = {.reload = reload};
    struct gp_epoch *e = gp_epoch_ref();
    int fd = signalfd(-1, signals, SFD_NONBLOCK | SFD_CLOEXEC);
    bool raised = raise_all(&s, e->config, listener);
    reload->store = "none";
    if (raised && fd >= 0)
        gp_log(GP_INFO, "start", "gatepost-feedback %s on %s", GATEPOST_VERSION, e->config->feedback_listen);
    gp_epoch_unref(e);
    for (bool ending = !raised || fd < 0; !ending;) {
        struct pollfd watched = {.fd = fd, .events = POLLIN};
        status_write(&s);
        poll(&watched, 1, TICK_MS);
        ending = take_signals(&s, fd);
    }
    if (raised)
        status_write(&s);
    end_all(&s);
    if (fd >= 0)
        close(fd);
    return raised && fd >= 0;
}
