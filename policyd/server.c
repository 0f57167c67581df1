/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * server.c - the loop: accept, read, judge in batches, answer; signals and what is done each second
 */
#include "policyd/server.h"

#include "policyd/peer.h"
#include "policyd/reply.h"
#include "shared/clock.h"
#include "shared/log.h"
#include "shared/metrics.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define TICK_MS 1000
#define EVENTS_MAX 64       /* of one turn */
#define ACCEPTS_MAX 64      /* of one turn */
#define ACCEPT_PAUSE_MS 200 /* without file descriptors to spare */

struct server {
    const struct gp_server_parts *parts;
    struct gp_peers peers;
    int signals;           /* signalfd */
    bool accepting;        /* the listener is watched */
    uint64_t accept_at_ms; /* when it is again, if it is not */
    uint64_t tick_at_ms;
    uint64_t end_at_ms; /* UINT64_MAX: nobody has asked to end */
    struct gp_job job[GP_BATCH_MAX];
    struct gp_peer *asker[GP_BATCH_MAX]; /* of job[i] */
};

static bool watch_fd(struct server *s, int fd, void *tag)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = tag};
    if (epoll_ctl(s->peers.epoll, EPOLL_CTL_ADD, fd, &e) == 0)
        return true;
    gp_log_errno(GP_ERROR, "start", "cannot watch a file descriptor");
    return false;
}

static void accept_watch(struct server *s, bool on)
{
    struct epoll_event e = {.events = on ? EPOLLIN : 0, .data.ptr = &s->accepting};
    epoll_ctl(s->peers.epoll, EPOLL_CTL_MOD, s->parts->listener, &e);
    s->accepting = on;
}

static void accept_all(struct server *s, uint64_t now_ms)
{
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        int fd = accept4(s->parts->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0 && s->peers.n < GP_PEERS_MAX) {
            gp_peer_add(&s->peers, fd);
        } else if (fd >= 0) {
            close(fd);
            gp_log(GP_WARN, "connection", "closed: %d connections are the most", GP_PEERS_MAX);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            gp_log_errno(GP_WARN, "connection", "cannot accept a connection");
            s->accept_at_ms = now_ms + ACCEPT_PAUSE_MS;
            accept_watch(s, false); /* it stays readable: watching it would spin */
            return;
        }
    }
}

/* A session begins with CONNECT, under the configuration that runs then, and keeps it until it must be drained: the
 * milter then ends it, and on a listener without the milter the next recipient is judged by what runs.
 */
static const struct gp_config *session_config(struct gp_peer *p, enum gp_stage stage, uint64_t now_ms)
{
    if (stage == GP_STAGE_CONNECT || p->epoch == NULL || gp_epoch_drained(p->epoch, now_ms)) {
        gp_epoch_unref(p->epoch);
        p->epoch = gp_epoch_ref();
    }
    return p->epoch->config;
}

/* Between the beginning of a session and its first recipient with a login Dovecot must have asked about that login. */
static void note_login(struct server *s, struct gp_peer *p, const struct gp_request *r)
{
    if (!s->parts->asked)
        return;
    uint64_t requests = gp_logins_heard(s->parts->logins).requests;
    if (r->stage == GP_STAGE_CONNECT) {
        p->watched = true;
        p->asked = requests;
    } else if (r->stage == GP_STAGE_RCPT && r->login.n > 0 && p->watched) {
        p->watched = false;
        if (p->asked == requests)
            gp_logins_unasked(s->parts->logins);
    }
}

/* At most one request of every waiting peer, longest waiting first. Returns how many. */
static size_t collect(struct server *s, uint64_t now_ms)
{
    size_t n = 0;
    for (size_t waiting = s->peers.n; n < GP_BATCH_MAX && waiting > 0; waiting--) {
        struct gp_peer *p = gp_peer_next(&s->peers);
        if (p == NULL)
            break;
        struct gp_job *job = &s->job[n];
        const char *why = gp_request_parse(gp_connection_request(&p->io), &job->request);
        if (why != NULL) {
            gp_log(GP_WARN, "connection", "closed: a malformed request: %s", why);
            gp_peer_close(&s->peers, p);
            continue;
        }
        job->config = session_config(p, job->request.stage, now_ms);
        note_login(s, p, &job->request);
        s->asker[n++] = p;
    }
    return n;
}

static void log_refusal(const struct gp_job *job)
{
    const struct gp_request *r = &job->request;
    struct gp_line line;
    gp_line_begin(&line, GP_INFO, "verdict");
    gp_line_str(&line, "queue_id", r->queue_id.n > 0 ? r->queue_id : GP_STR("NOQUEUE"));
    gp_line_str(&line, "client", r->client);
    gp_line_str(&line, "agency", gp_str_z(job->facts.agency != NULL ? job->facts.agency->name : NULL));
    gp_line_str(&line, "login", r->login);
    gp_line_str(&line, "profile", gp_str_z(gp_profile_name(job->profile)));
    gp_line_reason(&line, job->ruling.verdict.reason);
    gp_line_str(&line, "stage", gp_str_z(gp_stage_label(r->stage)));
    gp_line_str(&line, "rule", gp_str_z(job->ruling.rule));
    gp_line_str(&line, "sender", r->sender);
    gp_line_str(&line, "recipient", r->recipient);
    gp_line_end(&line);
}

/* Before the answer is sent: who has it finds it counted. */
static void count(const struct gp_job *job, uint64_t whole_ns)
{
    static const enum gp_metrics_stage at[] = {[GP_STAGE_OTHER] = GP_METRICS_OTHER,
                                               [GP_STAGE_CONNECT] = GP_METRICS_CONNECT,
                                               [GP_STAGE_RCPT] = GP_METRICS_RCPT};
    _Static_assert(sizeof at / sizeof at[0] == GP_STAGE_COUNT, "a stage without metrics");
    enum gp_metrics_stage stage = at[job->request.stage];
    gp_metrics_decided(stage, job->ruling.verdict.reason);
    gp_metrics_took(stage, gp_clock_monotonic_ns() - whole_ns);
}

static void answer_batch(struct server *s, uint64_t now_ms)
{
    size_t n = collect(s, now_ms);
    if (n == 0)
        return;
    gp_admit(s->parts->admit, s->job, n, gp_watch_blocks(s->parts->watch), gp_clock_wall_ms());
    now_ms = gp_clock_monotonic_ms(); /* the store may have taken its time */
    for (size_t i = 0; i < n; i++) {
        char action[GP_ACTION_MAX];
        size_t length = gp_action_write(&s->job[i].ruling, action);
        if (s->job[i].ruling.decision == GP_REFUSE)
            log_refusal(&s->job[i]);
        count(&s->job[i], s->asker[i]->whole_ns);
        gp_peer_answer(&s->peers, s->asker[i], (struct gp_str){action, length}, now_ms);
    }
    gp_admit_report(s->parts->admit, now_ms);
}

static void status_logins(struct server *s)
{
    const struct gp_logins_heard heard = gp_logins_heard(s->parts->logins);
    struct gp_reload *reload = s->parts->reload;
    gp_metrics_set(GP_METRIC_AUTH_REQUESTS, heard.requests);
    gp_metrics_set(GP_METRIC_AUTH_UNASKED, heard.unasked);
    struct gp_buf b = gp_buf_on(reload->more, sizeof reload->more);
    gp_buf_printf(&b, ",\"auth_requests\":%llu,\"auth_last\":%llu,\"auth_unasked\":%llu",
                  (unsigned long long)heard.requests, (unsigned long long)(heard.last_ms / 1000),
                  (unsigned long long)heard.unasked);
}

static void status_write(struct server *s)
{
    if (s->parts->asked)
        status_logins(s);
    gp_metrics_set(GP_METRIC_CONNECTIONS, s->peers.n);
    gp_reload_report(s->parts->reload, "connections", s->peers.n, s->parts->counters, gp_clock_wall_ms());
}

static void take_signals(struct server *s, uint64_t now_ms)
{
    struct signalfd_siginfo info;
    while (read(s->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGHUP || info.ssi_signo == SIGUSR1) {
            gp_reload_now(s->parts->reload, now_ms);
            status_write(s);
        } else if (s->end_at_ms == UINT64_MAX) {
            gp_log(GP_INFO, "end", "asked to end by signal %u", info.ssi_signo);
            s->end_at_ms = now_ms + GP_SERVER_ENDING_MS;
            accept_watch(s, false);
            s->accept_at_ms = UINT64_MAX;
        }
    }
}

static void dispatch(struct server *s, const struct epoll_event *e, uint64_t now_ms)
{
    if (e->data.ptr == &s->accepting)
        accept_all(s, now_ms);
    else if (e->data.ptr == &s->signals)
        take_signals(s, now_ms);
    else
        gp_peer_event(&s->peers, e->data.ptr, e->events, now_ms);
}

/* What does not wait for an event. */
static void periodic(struct server *s, uint64_t now_ms)
{
    if (!s->accepting && now_ms >= s->accept_at_ms)
        accept_watch(s, true);
    if (s->end_at_ms != UINT64_MAX)
        gp_peers_retire(&s->peers);
    if (now_ms < s->tick_at_ms)
        return;
    s->tick_at_ms = now_ms + TICK_MS;
    gp_peers_expire(&s->peers, now_ms);
    gp_admit_report(s->parts->admit, now_ms);
    gp_logins_report(s->parts->logins, now_ms);
    status_write(s);
}

static int patience(const struct server *s, uint64_t now_ms)
{
    uint64_t until = s->tick_at_ms;
    if (!TAILQ_EMPTY(&s->peers.ready))
        return 0;
    if (!s->accepting && s->accept_at_ms < until)
        until = s->accept_at_ms;
    if (s->end_at_ms < until)
        until = s->end_at_ms;
    return until > now_ms ? (int)(until - now_ms) : 0;
}

static void loop(struct server *s)
{
    struct epoll_event events[EVENTS_MAX];
    uint64_t now_ms = gp_clock_monotonic_ms();
    while (now_ms < s->end_at_ms && (s->end_at_ms == UINT64_MAX || s->peers.n > 0)) {
        int n = epoll_wait(s->peers.epoll, events, EVENTS_MAX, patience(s, now_ms));
        s->peers.now_ns = gp_clock_monotonic_ns();
        now_ms = s->peers.now_ns / 1000000;
        for (int i = 0; i < n; i++)
            dispatch(s, &events[i], now_ms);
        answer_batch(s, now_ms);
        now_ms = gp_clock_monotonic_ms();
        periodic(s, now_ms);
    }
}

bool gp_server_run(const struct gp_server_parts *parts)
{
    struct server s = {.parts = parts, .accepting = true, .end_at_ms = UINT64_MAX};
    bool done = false;
    s.signals = signalfd(-1, &parts->signals, SFD_NONBLOCK | SFD_CLOEXEC);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    gp_peers_init(&s.peers, epoll);
    if (epoll < 0 || s.signals < 0) {
        gp_log_errno(GP_ERROR, "start", "cannot watch for events");
        goto out;
    }
    if (!watch_fd(&s, parts->listener, &s.accepting) || !watch_fd(&s, s.signals, &s.signals))
        goto out;
    loop(&s);
    status_write(&s);
    done = true;
out:
    gp_peers_free(&s.peers);
    if (s.signals >= 0)
        close(s.signals);
    if (epoll >= 0)
        close(epoll);
    return done;
}
