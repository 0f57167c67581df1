/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * pop3.c - the client's side of one POP3 session
 */
#include "feedback/pop3.h"

#include "feedback/dotted.h"
#include "shared/clock.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_OCTETS 1024 /* of a reply: RFC 1939 has 512 */
#define LISTED_MOST 10000000 /* lines of a listing: no mailbox has as many messages */
#define SLICE_MS 1000        /* between two looks whether to stop */
#define CONNECT_S 60L        /* to connect, secure and log in */

struct gp_pop3 {
    CURL *curl;
    curl_socket_t socket;
    gp_pop3_stop_fn *stop;
    void *arg;
    char curl_why[CURL_ERROR_SIZE];
    char why[GP_POP3_WHY_MAX];
    bool refused;
    struct gp_str in; /* received, not yet used */
    char room[16384];
};

static bool fail(struct gp_pop3 *p, const char *what, struct gp_str said)
{
    struct gp_buf b = gp_buf_on(p->why, sizeof p->why);
    gp_buf_putz(&b, what);
    if (said.n > 0)
        gp_buf_putz(&b, ": ");
    gp_buf_put_escaped(&b, said);
    return false;
}

static int progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct gp_pop3 *p = arg;
    (void)a, (void)b, (void)c, (void)d;
    return p->stop(p->arg) ? 1 : 0;
}

static bool here(const char *url)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1", "[::1]"};
    struct gp_str rest = gp_str_z(url), host;
    while (rest.n > 0 && rest.p[0] != '/')
        rest = (struct gp_str){rest.p + 1, rest.n - 1};
    rest = rest.n > 2 ? (struct gp_str){rest.p + 2, rest.n - 2} : rest;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        host = gp_str_z(hosts[i]);
        if (gp_str_starts_nocase(rest, host) && (rest.n == host.n || rest.p[host.n] == ':' || rest.p[host.n] == '/'))
            return true;
    }
    return false;
}

static bool set_options(struct gp_pop3 *p, const struct gp_pop3_mailbox *m)
{
    CURL *c = p->curl;
    return curl_easy_setopt(c, CURLOPT_URL, m->url) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "pop3,pop3s") == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_USERNAME, m->user) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_PASSWORD, m->password) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_USE_SSL, (long)(here(m->url) ? CURLUSESSL_TRY : CURLUSESSL_ALL)) == CURLE_OK &&
           (m->ca_file == NULL || curl_easy_setopt(c, CURLOPT_CAINFO, m->ca_file) == CURLE_OK) &&
           curl_easy_setopt(c, CURLOPT_CONNECT_ONLY, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_TIMEOUT, CONNECT_S) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_ERRORBUFFER, p->curl_why) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, progress) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_XFERINFODATA, p) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L) == CURLE_OK;
}

struct gp_pop3 *gp_pop3_open(const struct gp_pop3_mailbox *mailbox, gp_pop3_stop_fn *stop, void *arg,
                             char why[GP_POP3_WHY_MAX])
{
    struct gp_pop3 *p = calloc(1, sizeof *p);
    struct gp_buf b = gp_buf_on(why, GP_POP3_WHY_MAX);
    if (p == NULL || (p->curl = curl_easy_init()) == NULL) {
        gp_buf_putz(&b, "out of memory");
        free(p);
        return NULL;
    }
    p->stop = stop;
    p->arg = arg;
    CURLcode rc = set_options(p, mailbox) ? curl_easy_perform(p->curl) : CURLE_FAILED_INIT;
    if (rc == CURLE_OK)
        rc = curl_easy_getinfo(p->curl, CURLINFO_ACTIVESOCKET, &p->socket);
    if (rc == CURLE_OK && p->socket != CURL_SOCKET_BAD)
        return p;
    gp_buf_put_escaped(&b, gp_str_z(p->curl_why[0] != '\0' ? p->curl_why : curl_easy_strerror(rc)));
    gp_pop3_close(p);
    return NULL;
}

void gp_pop3_close(struct gp_pop3 *p)
{
    if (p == NULL)
        return;
    curl_easy_cleanup(p->curl);
    free(p);
}

const char *gp_pop3_why(const struct gp_pop3 *p)
{
    return p->why;
}

/* Until the socket is ready for events, at most to the deadline. */
static bool await(struct gp_pop3 *p, short events, uint64_t deadline_ms)
{
    for (;;) {
        struct pollfd watched = {.fd = p->socket, .events = events};
        if (p->stop(p->arg))
            return fail(p, "given up", GP_STR(""));
        if (gp_clock_monotonic_ms() >= deadline_ms)
            return fail(p, "the server said nothing for too long", GP_STR(""));
        if (poll(&watched, 1, SLICE_MS) > 0)
            return true;
    }
}

static bool send_all(struct gp_pop3 *p, struct gp_str s)
{
    uint64_t deadline_ms = gp_clock_monotonic_ms() + GP_POP3_PATIENCE_MS;
    while (s.n > 0) {
        size_t n = 0;
        CURLcode rc = curl_easy_send(p->curl, s.p, s.n, &n);
        s = (struct gp_str){s.p + n, s.n - n};
        if (rc == CURLE_AGAIN && !await(p, POLLOUT, deadline_ms))
            return false;
        if (rc != CURLE_OK && rc != CURLE_AGAIN)
            return fail(p, "cannot send", gp_str_z(curl_easy_strerror(rc)));
    }
    return true;
}

/* More octets in p->in, which was spent. */
static bool receive(struct gp_pop3 *p)
{
    uint64_t deadline_ms = gp_clock_monotonic_ms() + GP_POP3_PATIENCE_MS;
    for (;;) {
        size_t n = 0;
        CURLcode rc = curl_easy_recv(p->curl, p->room, sizeof p->room, &n);
        p->in = (struct gp_str){p->room, n};
        if (rc == CURLE_OK && n > 0)
            return true;
        if (rc == CURLE_OK)
            return fail(p, "the server hung up", GP_STR(""));
        if (rc != CURLE_AGAIN)
            return fail(p, "cannot receive", gp_str_z(curl_easy_strerror(rc)));
        if (!await(p, POLLIN, deadline_ms))
            return false;
    }
}

static bool read_line(struct gp_pop3 *p, char line[LINE_MAX_OCTETS], struct gp_str *out)
{
    struct gp_buf b = gp_buf_on(line, LINE_MAX_OCTETS);
    for (;;) {
        if (p->in.n == 0 && !receive(p))
            return false;
        size_t end = gp_str_find(p->in, '\n');
        bool whole = end < p->in.n;
        gp_buf_put(&b, (struct gp_str){p->in.p, end});
        end += whole;
        p->in = (struct gp_str){p->in.p + end, p->in.n - end};
        if (b.full)
            return fail(p, "a reply that is too long", GP_STR(""));
        if (whole)
            break;
    }
    *out = gp_str_trim(gp_buf_str(&b));
    return true;
}

/* A command and its one line of reply, which must begin with +OK. */
static bool say(struct gp_pop3 *p, const char *command, unsigned number)
{
    char text[64], line[LINE_MAX_OCTETS];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    struct gp_str reply;
    gp_buf_putz(&b, command);
    if (number > 0)
        gp_buf_printf(&b, " %u", number);
    gp_buf_putz(&b, "\r\n");
    p->refused = false;
    if (!send_all(p, gp_buf_str(&b)) || !read_line(p, line, &reply))
        return false;
    p->refused = gp_str_starts_nocase(reply, GP_STR("-ERR"));
    return gp_str_starts_nocase(reply, GP_STR("+OK")) || fail(p, command, reply);
}

bool gp_pop3_refused(const struct gp_pop3 *p)
{
    return p->refused;
}

/* The text behind a reply, to its end. */
static bool read_text(struct gp_pop3 *p, gp_pop3_piece_fn *each, void *arg)
{
    struct gp_dotted d = {0};
    for (;;) {
        struct gp_str chunk;
        switch (gp_dotted_feed(&d, &p->in, &chunk)) {
        case GP_DOTTED_CHUNK:
            if (!each(arg, chunk))
                return fail(p, "given up", GP_STR(""));
            break;
        case GP_DOTTED_MORE:
            if (!receive(p))
                return false;
            break;
        case GP_DOTTED_END:
            return true;
        }
    }
}

/* Lines "number value" of a listing, in any pieces. */
struct listing {
    struct gp_pop3_entry *list;
    size_t n, most, lines;
    bool uidl;
    bool wrong;
    struct gp_buf line;
    char text[LINE_MAX_OCTETS];
};

static struct gp_pop3_entry *entry_of(struct listing *l, unsigned number)
{
    for (size_t i = 0; i < l->n; i++) { /* mostly the next one: servers list in one order */
        size_t at = (number - 1 + i) % l->n;
        if (l->list[at].number == number)
            return &l->list[at];
    }
    return NULL;
}

/* RFC 1939 7: visible ASCII. It is kept in the database as it came. */
static bool is_uidl(struct gp_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
            return false;
    }
    return s.n > 0 && s.n <= GP_POP3_UIDL_MAX;
}

static void note_line(struct listing *l)
{
    struct gp_str rest = gp_str_trim(gp_buf_str(&l->line)), word;
    uint64_t number, octets = 0;
    gp_str_split(&rest, ' ', &word);
    rest = gp_str_trim(rest);
    rest.n = gp_str_find(rest, ' ');
    l->wrong =
        l->wrong || l->line.full || ++l->lines > LISTED_MOST || !gp_str_u64(word, 1000000000, &number) || number == 0;
    if (l->wrong)
        return;
    if (!l->uidl && l->n < l->most) {
        l->wrong = !gp_str_u64(rest, UINT64_MAX, &octets);
        l->list[l->n++] = (struct gp_pop3_entry){.number = (unsigned)number, .octets = octets};
    } else if (l->uidl) {
        struct gp_pop3_entry *e = entry_of(l, (unsigned)number);
        if (e != NULL && is_uidl(rest)) {
            struct gp_buf id = gp_buf_on(e->uidl, sizeof e->uidl);
            gp_buf_put(&id, rest);
        }
    }
}

static bool note_piece(void *arg, struct gp_str s)
{
    struct listing *l = arg;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '\n') {
            gp_buf_put(&l->line, (struct gp_str){s.p + i, 1});
            continue;
        }
        note_line(l);
        l->line = gp_buf_on(l->text, sizeof l->text);
    }
    return !l->wrong && !l->line.full;
}

bool gp_pop3_list(struct gp_pop3 *p, size_t most, struct gp_pop3_entry **list, size_t *n)
{
    struct listing l = {.most = most, .list = calloc(most, sizeof *l.list)};
    l.line = gp_buf_on(l.text, sizeof l.text);
    bool good = l.list != NULL || fail(p, "out of memory", GP_STR(""));
    good = good && say(p, "LIST", 0) && read_text(p, note_piece, &l);
    l.uidl = true;
    l.lines = 0;
    good = good && say(p, "UIDL", 0) && read_text(p, note_piece, &l);
    for (size_t i = 0; i < l.n && good; i++)
        good = l.list[i].uidl[0] != '\0' || fail(p, "a message without a unique id", GP_STR(""));
    if (!good) {
        free(l.list);
        return false;
    }
    *list = l.list;
    *n = l.n;
    return true;
}

bool gp_pop3_retrieve(struct gp_pop3 *p, unsigned number, gp_pop3_piece_fn *each, void *arg)
{
    return say(p, "RETR", number) && read_text(p, each, arg);
}

bool gp_pop3_delete(struct gp_pop3 *p, unsigned number)
{
    return say(p, "DELE", number);
}

bool gp_pop3_quit(struct gp_pop3 *p)
{
    return say(p, "QUIT", 0);
}
