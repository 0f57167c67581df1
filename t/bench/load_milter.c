/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * load_milter.c - many SMTP sessions as Postfix 3.7 tells a milter of them (protocol 6), and how long that takes
 *
 * bench_load_milter --socket PATH --pid PID [--sessions N] [--body OCTETS] [--per-session N] [--seconds S]
 *     [--messages N] [--agencies N] [--rss-every N]
 *
 * One thread, all sessions at once, each as fast as its answers come. What needs no answer is written together with
 * what does, as Postfix does. --per-session 0: one session has no end. --agencies N: clients of N agencies in turn,
 * 10.0.0.0 + K of agency K, whose senders are at aK.example. It ends after --seconds or --messages, whichever is first,
 * and prints one JSON object: messages per second, microseconds (from the first command of a message or, with one
 * message in a session, from its connect; end: of the end of the message alone), and the CPU microseconds that process
 * PID took and the edits that the milter asked for, of each message. --rss-every N: its resident memory, to stderr,
 * after N messages each time. An answer that refuses anything ends it with status 1.
 */
#include "shared/clock.h"
#include "t/bench/load/fail.h"
#include "t/bench/load/figures.h"
#include "t/bench/load/mta.h"

#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <sys/epoll.h>

#define TIMES_MAX 1000000 /* of the messages beyond so many, the last ones count */

static struct {
    const char *socket;
    long pid;
    size_t sessions, body, per_session, messages, agencies, rss_every;
    double seconds;
} options = {.sessions = 1, .body = 4096, .per_session = 1, .agencies = 1, .seconds = 1e9};

struct load {
    struct mta mta;
    struct mta_session *sessions;
    size_t open, done;
    uint32_t *times, *end_times; /* microseconds */
    uint64_t started_ns;
    bool stopping;
};

static void read_options(int argc, char **argv)
{
    static const struct option names[] = {{"socket", 1, NULL, 's'},      {"pid", 1, NULL, 'p'},
                                          {"sessions", 1, NULL, 'n'},    {"body", 1, NULL, 'b'},
                                          {"per-session", 1, NULL, 'k'}, {"seconds", 1, NULL, 't'},
                                          {"messages", 1, NULL, 'm'},    {"agencies", 1, NULL, 'a'},
                                          {"rss-every", 1, NULL, 'r'},   {NULL, 0, NULL, 0}};
    size_t *const number[] = {['n'] = &options.sessions, ['b'] = &options.body,     ['k'] = &options.per_session,
                              ['m'] = &options.messages, ['a'] = &options.agencies, ['r'] = &options.rss_every};
    for (int c; (c = getopt_long_only(argc, argv, "", names, NULL)) != -1;) {
        if (c == 's')
            options.socket = optarg;
        else if (c == 'p')
            options.pid = strtol(optarg, NULL, 10);
        else if (c == 't')
            options.seconds = strtod(optarg, NULL);
        else if (c != '?')
            *number[c] = strtoul(optarg, NULL, 10);
    }
    if (options.socket == NULL || options.pid == 0 || options.sessions == 0 || options.agencies == 0)
        load_fail("usage", "--socket PATH --pid PID ...");
}

/* Lines of text with a blank here and there. */
static char *make_body(void)
{
    char *body = malloc(options.body + 1);
    if (body == NULL)
        load_fail("no memory", NULL);
    for (size_t i = 0; i < options.body; i++)
        body[i] = i % 76 == 74 ? '\r' : i % 76 == 75 ? '\n' : i % 7 == 6 ? ' ' : (char)('a' + i % 26);
    if (options.body >= 2)
        memcpy(body + options.body - 2, "\r\n", 2);
    return body;
}

static void load_init(struct load *l)
{
    l->mta = (struct mta){.socket = options.socket, .body = make_body(), .body_n = options.body};
    l->mta.poller = epoll_create1(0);
    l->sessions = calloc(options.sessions, sizeof *l->sessions);
    l->times = calloc(TIMES_MAX, sizeof *l->times);
    l->end_times = calloc(TIMES_MAX, sizeof *l->end_times);
    if (l->mta.poller < 0 || l->sessions == NULL || l->times == NULL || l->end_times == NULL)
        load_fail("no memory", NULL);
}

static void message_done(struct load *l, struct mta_session *s)
{
    uint64_t now = gp_clock_monotonic_ns();
    l->times[l->done % TIMES_MAX] = (uint32_t)((now - s->began_ns) / 1000);
    l->end_times[l->done++ % TIMES_MAX] = (uint32_t)((now - s->end_began_ns) / 1000);
    if (options.rss_every > 0 && l->done % options.rss_every == 0)
        figures_print_rss(options.pid, l->done);
    bool enough = (options.messages > 0 && l->mta.begun >= options.messages) ||
                  (double)(now - l->started_ns) / 1e9 >= options.seconds;
    l->stopping = l->stopping || enough;
    if (!l->stopping && s->said != options.per_session) {
        mta_next(s);
        return;
    }
    mta_close(s);
    s->agency = (s->agency + (unsigned)options.sessions) % (unsigned)options.agencies;
    if (l->stopping)
        l->open--;
    else
        mta_open(s);
}

static void run(struct load *l)
{
    struct epoll_event event[64];
    l->started_ns = gp_clock_monotonic_ns();
    for (l->open = 0; l->open < options.sessions; l->open++) {
        struct mta_session *s = &l->sessions[l->open];
        s->mta = &l->mta;
        s->agency = (unsigned)(l->open % options.agencies);
        mta_open(s);
    }
    while (l->open > 0) {
        int n = epoll_wait(l->mta.poller, event, 64, 30000);
        if (n <= 0)
            load_fail("no answer for 30 seconds", NULL);
        for (int i = 0; i < n; i++) {
            struct mta_session *s = event[i].data.ptr;
            if ((event[i].events & EPOLLOUT) != 0)
                mta_send(s);
            if ((event[i].events & ~(uint32_t)EPOLLOUT) != 0 && mta_receive(s))
                message_done(l, s);
        }
    }
}

static void report(const struct load *l, double seconds, double cpu)
{
    size_t n = l->done < TIMES_MAX ? l->done : TIMES_MAX;
    figures_sort(l->times, n);
    figures_sort(l->end_times, n);
    printf("{\"messages\": %zu, \"seconds\": %.3f, \"rate\": %.1f, \"p50_us\": %" PRIu32 ", \"p90_us\": %" PRIu32
           ", \"p99_us\": %" PRIu32 ", \"end_p50_us\": %" PRIu32 ", \"cpu_us\": %.1f, \"edits\": %.2f}\n",
           l->done, seconds, (double)l->done / seconds, l->times[n / 2], l->times[n * 9 / 10], l->times[n * 99 / 100],
           l->end_times[n / 2], cpu * 1e6 / (double)l->done, (double)l->mta.edits / (double)l->done);
}

int main(int argc, char **argv)
{
    struct load l = {0};
    read_options(argc, argv);
    load_init(&l);
    double cpu = figures_cpu_seconds(options.pid);
    run(&l);
    double seconds = (double)(gp_clock_monotonic_ns() - l.started_ns) / 1e9;
    report(&l, seconds, figures_cpu_seconds(options.pid) - cpu);
    return 0;
}
