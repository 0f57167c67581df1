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
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 65535 /* of a body, as Postfix cuts it */
#define TIMES_MAX 1000000
#define MACROS_MAX 512
#define NR_CONN 0x1000u /* and the others of their kind */
#define NR_HELO 0x2000u
#define NR_MAIL 0x4000u
#define NR_RCPT 0x8000u
#define NR_DATA 0x10000u
#define NR_HDR 0x80u
#define NR_EOH 0x40000u
#define NR_BODY 0x80000u

/* Events that macros are named for, as they are numbered when a milter asks for them. */
enum stage { AT_CONNECT, AT_HELO, AT_MAIL, AT_RCPT, AT_DATA, AT_END, AT_EOH, STAGES };

struct session {
    int fd;
    enum { OPTIONS, CONNECT, HELO, MAIL, RCPT, DATA, HEADER, EOH, BODY, END } waits; /* for the answer to this */
    size_t item; /* header or octet of the body that comes next */
    uint32_t steps;
    char macros[STAGES][MACROS_MAX]; /* names and values as they are sent */
    size_t macros_n[STAGES];
    unsigned agency, said; /* said: messages of this session */
    uint64_t began, end_began;
    char *out;
    size_t out_n, out_cap;
    unsigned char in[4096]; /* answers; longer ones are passed over */
    size_t in_n, skip;
};

static struct {
    const char *socket;
    long pid;
    size_t sessions, body, per_session, messages, agencies, rss_every;
    double seconds;
} options = {.sessions = 1, .body = 4096, .per_session = 1, .agencies = 1, .seconds = 1e9};

static struct session *sessions;
static char *body;
static uint32_t *times, *end_times;
static size_t done, begun, edits;
static uint64_t started;
static bool stopping;
static int poller;

static const char *const headers[][2] = {
    {"From", " Benefits Office <notices@%s>"},
    {"To", " A Recipient <%s>"},
    {"Subject", " Your statement of October is ready to be read"},
    {"Date", " Sat, 28 Nov 2026 10:00:00 +0000"},
    {"Message-ID", " <20261128100000.%s>"},
    {"Reply-To", " Benefits Office <answers@%s>"},
    {"MIME-Version", " 1.0"},
    {"Content-Type", " text/plain; charset=utf-8"},
    {"Content-Transfer-Encoding", " 8bit"},
    {"X-Mailer", " Statements 4.2"},
    {"Feedback-ID", " 20261128:statements:notices"},
    {"X-Campaign", " october-statements; part=3; of=12"},
};
#define HEADERS (sizeof headers / sizeof headers[0])

static void fail(const char *what, const char *detail)
{
    fprintf(stderr, "load_milter: %s%s%s\n", what, detail != NULL ? ": " : "", detail != NULL ? detail : "");
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* --- what is sent ------------------------------------------------------------------------------------------------- */

static void put(struct session *s, const void *octets, size_t n)
{
    if (s->out_cap - s->out_n < n) {
        s->out_cap = 2 * (s->out_cap + n);
        if ((s->out = realloc(s->out, s->out_cap)) == NULL)
            fail("no memory", NULL);
    }
    memcpy(s->out + s->out_n, octets, n);
    s->out_n += n;
}

static void put_packet(struct session *s, char command, const void *octets, size_t n)
{
    uint32_t length = htonl((uint32_t)n + 1);
    put(s, &length, sizeof length);
    put(s, &command, 1);
    if (n > 0)
        put(s, octets, n);
}

/* The macros of a stage stand in front of every event. */
static void put_event(struct session *s, enum stage stage, char command, const void *octets, size_t n)
{
    uint32_t length = htonl((uint32_t)s->macros_n[stage] + 2);
    put(s, &length, sizeof length);
    put(s, (char[]){'D', command}, 2);
    put(s, s->macros[stage], s->macros_n[stage]);
    put_packet(s, command, octets, n);
}

static void put_text(struct session *s, enum stage stage, char command, const char *text)
{
    put_event(s, stage, command, text, strlen(text) + 1);
}

static void sender_domain(const struct session *s, char out[64])
{
    snprintf(out, 64, "a%u.example", s->agency);
}

static void put_connect(struct session *s)
{
    struct in_addr address = {.s_addr = htonl(0x0a000000u + s->agency)};
    char data[64] = "unknown", text[INET_ADDRSTRLEN];
    size_t n = strlen(data) + 1;
    data[n++] = '4';
    memcpy(data + n, "\xc3\x50", 2); /* port */
    n += 2;
    inet_ntop(AF_INET, &address, text, sizeof text);
    memcpy(data + n, text, strlen(text) + 1);
    put_event(s, AT_CONNECT, 'C', data, n + strlen(text) + 1);
}

static void put_path(struct session *s, bool mail)
{
    char text[160], domain[64];
    sender_domain(s, domain);
    int n;
    if (mail)
        n = snprintf(text, sizeof text, "<notices@%s>%cSIZE=%zu%cBODY=8BITMIME", domain, 0, options.body + 500, 0);
    else
        n = snprintf(text, sizeof text, "<recipient.%zu@mail.example.com>", begun % 1000000);
    put_event(s, mail ? AT_MAIL : AT_RCPT, mail ? 'M' : 'R', text, (size_t)n + 1);
}

static void put_header(struct session *s, size_t i)
{
    char text[256], domain[64], unique[128];
    int n = snprintf(text, sizeof text, "%s%c", headers[i][0], 0);
    sender_domain(s, domain);
    snprintf(unique, sizeof unique, "%zu@%s", begun, domain);
    bool named = strstr(headers[i][1], "%s") != NULL;
    const char *cut = strstr(headers[i][1], "%s"), *with = i == 0 || i == 5 ? domain : unique;
    if (named)
        n += snprintf(text + n, sizeof text - (size_t)n, "%.*s%s%s", (int)(cut - headers[i][1]), headers[i][1], with,
                      cut + 2);
    else
        n += snprintf(text + n, sizeof text - (size_t)n, "%s", headers[i][1]);
    put_event(s, AT_EOH, 'L', text, (size_t)n + 1);
}

/* --- a session, event by event ------------------------------------------------------------------------------------ */

static void ask_to_poll(struct session *s, uint32_t events, int how)
{
    struct epoll_event e = {.events = events, .data.ptr = s};
    if (epoll_ctl(poller, how, s->fd, &e) != 0)
        fail("epoll_ctl", strerror(errno));
}

static void flush(struct session *s)
{
    size_t sent = 0;
    while (sent < s->out_n) {
        ssize_t n = send(s->fd, s->out + sent, s->out_n - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            fail("the milter closed a session", strerror(errno));
        if (n < 0)
            break;
        sent += (size_t)n;
    }
    memmove(s->out, s->out + sent, s->out_n - sent);
    s->out_n -= sent;
    if (sent > 0 && s->out_n > 0)
        ask_to_poll(s, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
    else if (sent > 0)
        ask_to_poll(s, EPOLLIN, EPOLL_CTL_MOD);
}

static void session_open(struct session *s)
{
    struct sockaddr_un place = {.sun_family = AF_UNIX};
    const uint32_t offer[] = {htonl(6), htonl(0x1ff), htonl(0x1fffff)};
    snprintf(place.sun_path, sizeof place.sun_path, "%s", options.socket);
    s->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (s->fd < 0 || connect(s->fd, (struct sockaddr *)&place, sizeof place) != 0)
        fail(options.socket, strerror(errno));
    s->in_n = s->skip = s->out_n = s->said = 0;
    s->waits = OPTIONS;
    s->began = now_ns();
    ask_to_poll(s, EPOLLIN, EPOLL_CTL_ADD);
    put_packet(s, 'O', offer, sizeof offer);
}

static void session_close(struct session *s)
{
    if (s->said > 0)
        put_packet(s, 'A', NULL, 0);
    put_packet(s, 'Q', NULL, 0);
    flush(s);
    close(s->fd);
    s->agency = (s->agency + (unsigned)options.sessions) % (unsigned)options.agencies;
}

/* Goes on behind the event that was answered; writes up to the next one that has an answer. */
static void go_on(struct session *s)
{
    static const struct {
        int last; /* event */
        uint32_t quiet;
    } rule[] = {[CONNECT] = {0, NR_CONN}, [HELO] = {0, NR_HELO}, [MAIL] = {0, NR_MAIL},
                [RCPT] = {0, NR_RCPT},    [DATA] = {0, NR_DATA}, [HEADER] = {0, NR_HDR},
                [EOH] = {0, NR_EOH},      [BODY] = {0, NR_BODY}, [END] = {0, 0}};
    do {
        size_t n = options.body - s->item < CHUNK ? options.body - s->item : CHUNK;
        if (s->waits == HEADER && s->item < HEADERS)
            s->waits--;
        else if (s->waits == BODY && s->item < options.body)
            s->waits--;
        switch (++s->waits) {
        case OPTIONS:
            break;
        case CONNECT:
            put_connect(s);
            break;
        case HELO:
            put_text(s, AT_HELO, 'H', "client.example");
            break;
        case MAIL:
            if (s->said > 0) {
                put_packet(s, 'A', NULL, 0);
                s->began = now_ns();
            }
            s->said++;
            begun++;
            put_path(s, true);
            break;
        case RCPT:
            put_path(s, false);
            break;
        case DATA:
            put_event(s, AT_DATA, 'T', NULL, 0);
            s->item = 0;
            break;
        case HEADER:
            put_header(s, s->item++);
            break;
        case EOH:
            put_event(s, AT_EOH, 'N', NULL, 0);
            s->item = 0;
            break;
        case BODY:
            put_event(s, AT_END, 'B', body + s->item, n);
            s->item += n;
            break;
        case END:
            put_event(s, AT_END, 'E', NULL, 0);
            s->end_began = now_ns();
            break;
        }
    } while ((rule[s->waits].quiet & s->steps) != 0);
    flush(s);
}

static void print_rss(void)
{
    char path[64], line[128];
    snprintf(path, sizeof path, "/proc/%ld/status", options.pid);
    FILE *f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0)
            fprintf(stderr, "%zu messages: %s", done, line + 7);
    }
    if (f != NULL)
        fclose(f);
}

static void message_done(struct session *s)
{
    uint64_t now = now_ns();
    times[done % TIMES_MAX] = (uint32_t)((now - s->began) / 1000);
    end_times[done++ % TIMES_MAX] = (uint32_t)((now - s->end_began) / 1000);
    if (options.rss_every > 0 && done % options.rss_every == 0)
        print_rss();
    bool enough =
        (options.messages > 0 && begun >= options.messages) || (double)(now - started) / 1e9 >= options.seconds;
    stopping = stopping || enough;
    if (stopping || s->said == options.per_session) {
        session_close(s);
        s->fd = -1;
        if (!stopping) {
            session_open(s);
            flush(s);
        }
        return;
    }
    s->waits = HELO;
    go_on(s);
}

/* --- what comes back ---------------------------------------------------------------------------------------------- */

static const char *macro_value(const char *name)
{
    static const char *const values[][2] = {
        {"j", "relay.example.gov"},
        {"{daemon_name}", "gatepost-address"},
        {"{daemon_addr}", "192.0.2.1"},
        {"v", "Postfix 3.7.11"},
        {"_", "unknown [10.0.0.0]"},
        {"{client_addr}", "10.0.0.0"},
        {"{client_port}", "50000"},
        {"i", "4jWbms683Gz1c77h"},
        {"{auth_type}", "PLAIN"},
        {"{auth_authen}", "application"},
        {"{mail_addr}", "notices@a.example"},
        {"{mail_mailer}", "smtp"},
        {"{mail_host}", "mail.example.com"},
        {"{rcpt_addr}", "recipient@mail.example.com"},
        {"{rcpt_mailer}", "smtp"},
        {"{rcpt_host}", "mail.example.com"},
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        if (strcmp(name, values[i][0]) == 0)
            return values[i][1];
    }
    return NULL;
}

static void set_macros(struct session *s, enum stage stage, const char *list)
{
    char copy[256], *rest = copy, *name;
    size_t n = 0;
    snprintf(copy, sizeof copy, "%s", list);
    while ((name = strsep(&rest, " ")) != NULL) {
        const char *value = macro_value(name);
        if (value != NULL && n + strlen(name) + strlen(value) + 2 < MACROS_MAX)
            n += (size_t)snprintf(s->macros[stage] + n, MACROS_MAX - n, "%s%c%s", name, 0, value) + 1;
    }
    s->macros_n[stage] = n;
}

/* What Postfix sends of its own accord, or what the milter asked for. */
static void take_options(struct session *s, const unsigned char *data, size_t n)
{
    static const char *const stock[STAGES] = {[AT_CONNECT] = "j {daemon_name} {daemon_addr} v _",
                                              [AT_HELO] = "",
                                              [AT_MAIL] =
                                                  "{auth_type} {auth_authen} {mail_addr} {mail_host} {mail_mailer}",
                                              [AT_RCPT] = "{rcpt_addr} {rcpt_host} {rcpt_mailer}",
                                              [AT_DATA] = "i",
                                              [AT_END] = "i",
                                              [AT_EOH] = "i"};
    uint32_t word;
    if (n < 12)
        fail("options", "too short");
    memcpy(&word, data + 8, sizeof word);
    s->steps = ntohl(word);
    for (enum stage stage = 0; stage < STAGES; stage++)
        set_macros(s, stage, stock[stage]);
    for (size_t at = 12; at + sizeof word < n; at += sizeof word + strlen((const char *)data + at + sizeof word) + 1) {
        memcpy(&word, data + at, sizeof word);
        if (ntohl(word) < STAGES)
            set_macros(s, ntohl(word), (const char *)data + at + sizeof word);
    }
}

static void take_packet(struct session *s, char command, const unsigned char *data, size_t n)
{
    if (command == 'O') {
        take_options(s, data, n);
        go_on(s);
    } else if (command == 'c' || command == 'a') {
        if (s->waits == END)
            message_done(s);
        else
            go_on(s);
    } else if (strchr("ehim", command) != NULL) {
        edits++;
    } else {
        char text[300];
        snprintf(text, sizeof text, "%c%.*s", command, (int)n, (const char *)data);
        fail("refused", text);
    }
}

static void receive(struct session *s)
{
    ssize_t got = recv(s->fd, s->in + s->in_n, sizeof s->in - 1 - s->in_n, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0)
        fail("the milter closed a session", got < 0 ? strerror(errno) : NULL);
    s->in_n += (size_t)got;
    while (s->fd >= 0 && s->in_n >= 5) {
        uint32_t length;
        memcpy(&length, s->in, sizeof length);
        size_t n = 4 + (size_t)ntohl(length);
        if (n >= sizeof s->in)
            fail("an answer is too long", NULL);
        if (s->in_n < n)
            return;
        unsigned char packet[sizeof s->in];
        memcpy(packet, s->in, n);
        packet[n] = '\0';
        s->in_n -= n;
        memmove(s->in, s->in + n, s->in_n);
        take_packet(s, (char)packet[4], packet + 5, n - 5);
    }
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static double cpu_seconds(void)
{
    char path[64], line[1024];
    unsigned long user = 0, kernel = 0;
    snprintf(path, sizeof path, "/proc/%ld/stat", options.pid);
    FILE *f = fopen(path, "r");
    if (f == NULL || fgets(line, sizeof line, f) == NULL)
        fail(path, "cannot be read");
    fclose(f);
    const char *rest = strrchr(line, ')');
    if (rest == NULL || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel) != 2)
        fail(path, "is not understood");
    return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

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
        fail("usage", "--socket PATH --pid PID ...");
}

/* Lines of text with a blank here and there. */
static void make_body(void)
{
    body = malloc(options.body + 1);
    sessions = calloc(options.sessions, sizeof *sessions);
    times = calloc(TIMES_MAX, sizeof *times);
    end_times = calloc(TIMES_MAX, sizeof *end_times);
    if (body == NULL || sessions == NULL || times == NULL || end_times == NULL)
        fail("no memory", NULL);
    for (size_t i = 0; i < options.body; i++)
        body[i] = i % 76 == 74 ? '\r' : i % 76 == 75 ? '\n' : i % 7 == 6 ? ' ' : (char)('a' + i % 26);
    if (options.body >= 2)
        memcpy(body + options.body - 2, "\r\n", 2);
}

static void run(void)
{
    struct epoll_event event[64];
    size_t open = options.sessions;
    poller = epoll_create1(0);
    started = now_ns();
    for (size_t i = 0; i < options.sessions; i++) {
        sessions[i].agency = (unsigned)(i % options.agencies);
        session_open(&sessions[i]);
        flush(&sessions[i]);
    }
    while (open > 0) {
        int n = epoll_wait(poller, event, 64, 30000);
        if (n <= 0)
            fail("no answer for 30 seconds", NULL);
        for (int i = 0; i < n; i++) {
            struct session *s = event[i].data.ptr;
            if ((event[i].events & EPOLLOUT) != 0)
                flush(s);
            if ((event[i].events & ~(uint32_t)EPOLLOUT) != 0)
                receive(s);
            open -= s->fd < 0;
        }
    }
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    make_body();
    double cpu = cpu_seconds();
    run();
    double seconds = (double)(now_ns() - started) / 1e9;
    cpu = cpu_seconds() - cpu;
    size_t n = done < TIMES_MAX ? done : TIMES_MAX;
    qsort(times, n, sizeof *times, by_value);
    qsort(end_times, n, sizeof *end_times, by_value);
    printf("{\"messages\": %zu, \"seconds\": %.3f, \"rate\": %.1f, \"p50_us\": %" PRIu32 ", \"p90_us\": %" PRIu32
           ", \"p99_us\": %" PRIu32 ", \"end_p50_us\": %" PRIu32 ", \"cpu_us\": %.1f, \"edits\": %.2f}\n",
           done, seconds, (double)done / seconds, times[n / 2], times[n * 9 / 10], times[n * 99 / 100],
           end_times[n / 2], cpu * 1e6 / (double)done, (double)edits / (double)done);
    return 0;
}
