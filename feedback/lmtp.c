/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lmtp.c - the server's side of one LMTP conversation
 */
#include "feedback/lmtp.h"

#include <string.h>

#define REPLY_ROOM 1024 /* octets of `out` that any one command may need */

static void reply(struct gp_lmtp *l, const char *text)
{
    gp_buf_putz(&l->out, text);
    gp_buf_putz(&l->out, "\r\n");
}

static void wrong(struct gp_lmtp *l, const char *text)
{
    reply(l, text);
    if (++l->errors >= GP_LMTP_ERRORS_MAX)
        gp_lmtp_close(l, "too many errors");
}

static void forget_envelope(struct gp_lmtp *l)
{
    l->have_sender = false;
    l->sender[0] = '\0';
    l->recipients = l->answered = 0;
}

void gp_lmtp_init(struct gp_lmtp *l, const char *host)
{
    *l = (struct gp_lmtp){.host = host};
    l->out = gp_buf_on(l->out_text, sizeof l->out_text);
    gp_buf_printf(&l->out, "220 %s LMTP Gatepost\r\n", host);
}

void gp_lmtp_sent(struct gp_lmtp *l)
{
    l->out = gp_buf_on(l->out_text, sizeof l->out_text);
}

void gp_lmtp_close(struct gp_lmtp *l, const char *why)
{
    gp_buf_printf(&l->out, "421 4.3.2 %s %s\r\n", l->host, why);
    l->state = GP_LMTP_OVER;
}

/* The address in "<...>" at the start of *s, which is left behind it. False when it has not that form. */
static bool take_path(struct gp_str *s, char out[GP_LMTP_PATH_MAX + 1])
{
    bool quoted = false;
    size_t i = 1;
    if (s->n == 0 || s->p[0] != '<')
        return false;
    for (; i < s->n && (quoted || s->p[i] != '>'); i++) {
        if (s->p[i] == '\\' && quoted)
            i++;
        else if (s->p[i] == '"')
            quoted = !quoted;
        else if (!quoted && (s->p[i] == ' ' || s->p[i] == '<'))
            return false;
    }
    if (i >= s->n || i - 1 > GP_LMTP_PATH_MAX)
        return false;
    struct gp_buf b = gp_buf_on(out, GP_LMTP_PATH_MAX + 1);
    gp_buf_put(&b, (struct gp_str){s->p + 1, i - 1});
    *s = (struct gp_str){s->p + i + 1, s->n - i - 1};
    return s->n == 0 || s->p[0] == ' ';
}

/* Takes "FROM:" or "TO:" and the path behind it, blanks between them or not. */
static bool take_word_path(struct gp_str *s, struct gp_str word, char out[GP_LMTP_PATH_MAX + 1])
{
    if (!gp_str_starts_nocase(*s, word))
        return false;
    *s = gp_str_trim((struct gp_str){s->p + word.n, s->n - word.n});
    return take_path(s, out);
}

/* What was announced may be asked for; what it says is of no use here. */
static bool parameters_known(struct gp_str s)
{
    static const struct gp_str known[] = {{"SIZE=", 5}, {"BODY=", 5}, {"SMTPUTF8", 8}};
    struct gp_str word;
    while (gp_str_split(&s, ' ', &word)) {
        bool good = word.n == 0;
        for (size_t i = 0; i < sizeof known / sizeof known[0] && !good; i++)
            good = gp_str_starts_nocase(word, known[i]);
        if (!good)
            return false;
    }
    return true;
}

static void do_lhlo(struct gp_lmtp *l, struct gp_str rest)
{
    if (rest.n == 0) {
        wrong(l, "501 5.5.4 LHLO needs a name");
        return;
    }
    forget_envelope(l);
    l->greeted = true;
    gp_buf_printf(&l->out,
                  "250-%s\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE\r\n",
                  l->host);
}

static void do_helo(struct gp_lmtp *l, struct gp_str rest)
{
    (void)rest;
    wrong(l, "500 5.5.1 This is LMTP: say LHLO");
}

static void do_mail(struct gp_lmtp *l, struct gp_str rest)
{
    char path[GP_LMTP_PATH_MAX + 1];
    if (!l->greeted || l->have_sender) {
        wrong(l, l->greeted ? "503 5.5.1 There is a sender already" : "503 5.5.1 Say LHLO first");
    } else if (!take_word_path(&rest, GP_STR("FROM:"), path)) {
        wrong(l, "501 5.5.4 MAIL FROM:<address>");
    } else if (!parameters_known(rest)) {
        wrong(l, "555 5.5.4 Unknown parameter");
    } else {
        memcpy(l->sender, path, sizeof path);
        l->have_sender = true;
        reply(l, "250 2.1.0 Ok");
    }
}

static void do_rcpt(struct gp_lmtp *l, struct gp_str rest)
{
    char path[GP_LMTP_PATH_MAX + 1];
    if (!l->have_sender) {
        wrong(l, "503 5.5.1 MAIL comes first");
    } else if (!take_word_path(&rest, GP_STR("TO:"), path) || path[0] == '\0') {
        wrong(l, "501 5.5.4 RCPT TO:<address>");
    } else if (gp_str_trim(rest).n > 0) {
        wrong(l, "555 5.5.4 Unknown parameter");
    } else if (l->recipients == GP_LMTP_RECIPIENTS_MAX) {
        reply(l, "452 4.5.3 Too many recipients");
    } else {
        memcpy(l->recipient[l->recipients++], path, sizeof path);
        reply(l, "250 2.1.5 Ok");
    }
}

static void do_data(struct gp_lmtp *l, struct gp_str rest)
{
    (void)rest;
    if (l->recipients == 0)
        wrong(l, "503 5.5.1 No recipients");
    else
        l->state = GP_LMTP_BEGINNING;
}

static void do_rset(struct gp_lmtp *l, struct gp_str rest)
{
    (void)rest;
    forget_envelope(l);
    reply(l, "250 2.0.0 Ok");
}

static void do_noop(struct gp_lmtp *l, struct gp_str rest)
{
    (void)rest;
    reply(l, "250 2.0.0 Ok");
}

static void do_vrfy(struct gp_lmtp *l, struct gp_str rest)
{
    (void)rest;
    reply(l, "252 2.1.5 Send it and see");
}

static void do_quit(struct gp_lmtp *l, struct gp_str rest)
{
    (void)rest;
    reply(l, "221 2.0.0 Bye");
    l->state = GP_LMTP_OVER;
}

static const struct {
    struct gp_str name;
    void (*run)(struct gp_lmtp *l, struct gp_str rest);
} commands[] = {
    {{"LHLO", 4}, do_lhlo}, {{"HELO", 4}, do_helo}, {{"EHLO", 4}, do_helo}, {{"MAIL", 4}, do_mail},
    {{"RCPT", 4}, do_rcpt}, {{"DATA", 4}, do_data}, {{"RSET", 4}, do_rset}, {{"NOOP", 4}, do_noop},
    {{"VRFY", 4}, do_vrfy}, {{"QUIT", 4}, do_quit},
};

static bool printable(struct gp_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < ' ' || c == 0x7F)
            return false;
    }
    return true;
}

static void run_line(struct gp_lmtp *l)
{
    struct gp_str rest = gp_str_trim((struct gp_str){l->line, l->line_n}), word;
    bool too_long = l->too_long;
    l->line_n = 0;
    l->too_long = false;
    if (too_long || !printable(rest)) {
        wrong(l, too_long ? "500 5.5.2 Line too long" : "500 5.5.2 Not a command");
        return;
    }
    word = (struct gp_str){rest.p, gp_str_find(rest, ' ')};
    rest = gp_str_trim((struct gp_str){rest.p + word.n, rest.n - word.n});
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (gp_str_eq_nocase(word, commands[i].name)) {
            commands[i].run(l, rest);
            return;
        }
    }
    wrong(l, "500 5.5.1 Unknown command");
}

/* Up to the end of one command, or of the input. Returns whether there was a whole one. */
static bool take_line(struct gp_lmtp *l, struct gp_str *in)
{
    size_t end = gp_str_find(*in, '\n'), n = end, room = sizeof l->line - l->line_n;
    bool whole = end < in->n;
    if (n > room) {
        l->too_long = true;
        n = room;
    }
    if (n > 0)
        memcpy(l->line + l->line_n, in->p, n);
    l->line_n += n;
    end += whole;
    *in = (struct gp_str){in->p + end, in->n - end};
    return whole;
}

static enum gp_lmtp_event run_data(struct gp_lmtp *l, struct gp_str *in)
{
    switch (gp_dotted_feed(&l->data, in, &l->chunk)) {
    case GP_DOTTED_CHUNK:
        return GP_LMTP_CHUNK;
    case GP_DOTTED_END:
        l->state = GP_LMTP_ANSWERING;
        return GP_LMTP_MESSAGE;
    case GP_DOTTED_MORE:
        break;
    }
    return GP_LMTP_MORE;
}

enum gp_lmtp_event gp_lmtp_feed(struct gp_lmtp *l, struct gp_str *in)
{
    while (l->state == GP_LMTP_COMMANDS) {
        if (sizeof l->out_text - l->out.n < REPLY_ROOM || in->n == 0)
            return GP_LMTP_MORE;
        if (take_line(l, in))
            run_line(l);
    }
    if (l->state == GP_LMTP_BEGINNING)
        return GP_LMTP_BEGIN;
    return l->state == GP_LMTP_DATA ? run_data(l, in) : GP_LMTP_QUIT;
}

void gp_lmtp_begin(struct gp_lmtp *l, bool take)
{
    reply(l, take ? "354 End with <CR><LF>.<CR><LF>" : "451 4.3.0 Not now, try again later");
    l->state = take ? GP_LMTP_DATA : GP_LMTP_COMMANDS;
    l->data = (struct gp_dotted){0};
    if (!take)
        forget_envelope(l);
}

void gp_lmtp_answer(struct gp_lmtp *l, const char *id)
{
    if (id != NULL)
        gp_buf_printf(&l->out, "250 2.0.0 Kept as %s\r\n", id);
    else
        reply(l, "451 4.3.0 Not taken, try again later");
    if (++l->answered < l->recipients)
        return;
    forget_envelope(l);
    l->state = GP_LMTP_COMMANDS;
}
