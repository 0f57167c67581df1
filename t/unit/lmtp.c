/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lmtp.c - tests of feedback/lmtp and feedback/dotted: whole conversations, in any pieces
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "feedback/lmtp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

struct talk {
    const char *name;
    struct gp_str said;
    const char *codes;      /* the first digits of each reply, one blank between */
    struct gp_str messages; /* all octets of all messages, '|' behind each */
    bool refuse;            /* the server takes no message */
};

#define SAID(lit)                                                                                                      \
    {                                                                                                                  \
        (lit), sizeof(lit) - 1                                                                                         \
    }
#define LHLO "LHLO x\r\n"
#define TO(n) "MAIL FROM:<a@b.test>\r\nRCPT TO:<" n "@b.example.gov>\r\n"

static const struct talk talks[] = {
    {"nothing", SAID(""), "220", SAID(""), false},
    {"one message", SAID(LHLO TO("x") "DATA\r\nhello\r\n.\r\nQUIT\r\n"), "220 250 250 250 354 250 221",
     SAID("hello\r\n|"), false},
    {"two, one after the other", SAID(LHLO TO("x") "DATA\r\na\r\n.\r\n" TO("y") "DATA\r\nb\r\n.\r\n"),
     "220 250 250 250 354 250 250 250 354 250", SAID("a\r\n|b\r\n|"), false},
    {"two recipients, two answers", SAID(LHLO TO("x") "RCPT TO:<y@b.example.gov>\r\nDATA\r\na\r\n.\r\nNOOP\r\n"),
     "220 250 250 250 250 354 250 250 250", SAID("a\r\n|"), false},
    {"an empty message", SAID(LHLO TO("x") "DATA\r\n.\r\n"), "220 250 250 250 354 250", SAID("|"), false},
    {"dots are unstuffed at a line's beginning only", SAID(LHLO TO("x") "DATA\r\n..\r\n...\r\na.\r\n.b\r\n.\r\n"),
     "220 250 250 250 354 250", SAID(".\r\n..\r\na.\r\nb\r\n|"), false},
    {"a lone LF or CR ends nothing", SAID(LHLO TO("x") "DATA\r\na\n.\nb\r.\rc\r\n.\nd\n.\r\ne\r\n.\rf\r\n.\r\n"),
     "220 250 250 250 354 250", SAID("a\n.\nb\r.\rc\r\n\nd\n.\r\ne\r\n\rf\r\n|"), false},
    {"CRs before a dot", SAID(LHLO TO("x") "DATA\r\na\r\r\n.\r\r\n.\r\n"), "220 250 250 250 354 250",
     SAID("a\r\r\n\r\r\n|"), false},
    {"NULs and 8-bit octets", SAID(LHLO TO("x") "DATA\r\n\0\xff\r\n.\r\n"), "220 250 250 250 354 250",
     SAID("\0\xff\r\n|"), false},
    {"no message while the server cannot", SAID(LHLO TO("x") "DATA\r\nNOOP\r\n" TO("y") "DATA\r\n"),
     "220 250 250 250 451 250 250 250 451", SAID(""), true},
    {"commands end at LF too", SAID("lhlo x\nMail From:<>\nrcpt to: <p>\nquit\n"), "220 250 250 250 221", SAID(""),
     false},
    {"order",
     SAID("MAIL FROM:<>\r\nRCPT TO:<x>\r\nDATA\r\n" LHLO
          "RCPT TO:<x>\r\nDATA\r\nMAIL FROM:<>\r\nDATA\r\nMAIL FROM:<>\r\n"),
     "220 503 503 503 250 503 503 250 503 503", SAID(""), false},
    {"RSET and LHLO forget the envelope", SAID(LHLO TO("x") "RSET\r\nDATA\r\n" TO("x") LHLO "DATA\r\n"),
     "220 250 250 250 250 503 250 250 250 503", SAID(""), false},
    {"SMTP is another protocol", SAID("HELO x\r\nEHLO x\r\n"), "220 500 500", SAID(""), false},
    {"paths",
     SAID(LHLO "MAIL FROM:<>x\r\nMAIL FROM:x\r\nMAIL FROM:<x\r\nMAIL FROM:< x>\r\nMAIL TO:<x>\r\n"
               "MAIL FROM:<\"a> b\\\"<\"@c>\r\nRCPT TO:<>\r\nRCPT TO:<a@b> x\r\nRCPT TO:<@a,@b:c@d>\r\n"),
     "220 250 501 501 501 501 501 250 501 555 250", SAID(""), false},
    {"parameters",
     SAID(LHLO "MAIL FROM:<> SIZE=99999999999999999999 BODY=8BITMIME\r\nRSET\r\nMAIL FROM:<> SMTPUTF8\r\n"
               "RSET\r\nMAIL FROM:<> AUTH=<>\r\n"),
     "220 250 250 250 250 250 555", SAID(""), false},
    {"what is no text", SAID("LHLO a\0b\r\nLHLO \x7f\r\n\r\n  NOOP  \r\n"), "220 500 500 500 250", SAID(""), false},
    {"20 errors end it",
     SAID("x\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nNOOP\r"
          "\n"),
     "220 500 500 500 500 500 500 500 500 500 500 500 500 500 500 500 500 500 500 500 500 421", SAID(""), false},
    {"nothing after QUIT", SAID("QUIT\r\nNOOP\r\n"), "220 221", SAID(""), false},
};

/* What came of a talk. */
struct heard {
    struct gp_lmtp l;
    struct gp_buf codes, messages;
    char codes_text[1024], messages_text[1024];
};

/* The code of each reply of `out`: of several lines the last one's. */
static void take_replies(struct heard *h)
{
    struct gp_str out = gp_buf_str(&h->l.out), line;
    while (out.n > 0 && gp_str_split(&out, '\n', &line)) {
        assert_true(line.n > 4 && line.p[line.n - 1] == '\r');
        if (line.p[3] == ' ')
            gp_buf_printf(&h->codes, "%s%.3s", h->codes.n > 0 ? " " : "", line.p);
    }
    gp_lmtp_sent(&h->l);
}

static bool take_event(struct heard *h, enum gp_lmtp_event event, const struct talk *t)
{
    switch (event) {
    case GP_LMTP_MORE:
        take_replies(h);
        break;
    case GP_LMTP_BEGIN:
        gp_lmtp_begin(&h->l, !t->refuse);
        break;
    case GP_LMTP_CHUNK:
        gp_buf_put(&h->messages, h->l.chunk);
        break;
    case GP_LMTP_MESSAGE:
        for (size_t n = h->l.recipients; n > 0; n--)
            gp_lmtp_answer(&h->l, "0123");
        gp_buf_putz(&h->messages, "|");
        break;
    case GP_LMTP_QUIT:
        take_replies(h);
        return false;
    }
    return true;
}

static void hold(struct heard *h, const struct talk *t, size_t piece)
{
    struct gp_str said = t->said;
    bool open = true;
    gp_lmtp_init(&h->l, "relay.test");
    h->codes = gp_buf_on(h->codes_text, sizeof h->codes_text);
    h->messages = gp_buf_on(h->messages_text, sizeof h->messages_text);
    take_replies(h);
    while (open && said.n > 0) {
        struct gp_str in = {said.p, said.n < piece ? said.n : piece};
        enum gp_lmtp_event event = GP_LMTP_CHUNK;
        said = (struct gp_str){said.p + in.n, said.n - in.n};
        while (open && (in.n > 0 || event != GP_LMTP_MORE)) {
            event = gp_lmtp_feed(&h->l, &in);
            open = take_event(h, event, t);
        }
    }
}

static void test_talks(void **state)
{
    (void)state;
    static struct heard h;
    static const size_t pieces[] = {SIZE_MAX, 1, 2, 3, 5, 17};
    for (size_t i = 0; i < COUNT(talks); i++) {
        for (size_t k = 0; k < COUNT(pieces); k++) {
            const struct talk *t = &talks[i];
            hold(&h, t, pieces[k]);
            if (strcmp(h.codes_text, t->codes) != 0)
                fail_msg("%s, by %zu: %s instead of %s", t->name, pieces[k], h.codes_text, t->codes);
            if (!gp_str_eq(gp_buf_str(&h.messages), t->messages))
                fail_msg("%s, by %zu: other messages", t->name, pieces[k]);
        }
    }
}

static void test_long_lines(void **state)
{
    (void)state;
    static struct heard h;
    static char text[GP_LMTP_LINE_MAX + 64];
    static const struct {
        int n;
        const char *codes;
    } lengths[] = {{GP_LMTP_LINE_MAX, "220 250 250"},
                   {GP_LMTP_LINE_MAX + 1, "220 500 250"},
                   {GP_LMTP_LINE_MAX + 9, "220 500 250"}};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        int n = snprintf(text, sizeof text, "NOOP %0*d\r\nNOOP\r\n", lengths[i].n - 5, 0);
        const struct talk t = {.said = {text, (size_t)n}};
        hold(&h, &t, 100);
        assert_string_equal(h.codes_text, lengths[i].codes);
    }
}

static void test_long_paths(void **state)
{
    (void)state;
    static struct heard h;
    char text[1024];
    for (int over = 0; over < 2; over++) {
        int n = snprintf(text, sizeof text, "LHLO x\r\nMAIL FROM:<%0*d>\r\n", GP_LMTP_PATH_MAX + over, 0);
        const struct talk t = {.said = {text, (size_t)n}};
        hold(&h, &t, SIZE_MAX);
        assert_string_equal(h.codes_text, over != 0 ? "220 250 501" : "220 250 250");
        assert_int_equal(strlen(h.l.sender), over != 0 ? 0 : GP_LMTP_PATH_MAX);
    }
}

/* More replies than there is room for at once: none is lost. */
static void test_many_replies(void **state)
{
    (void)state;
    static struct gp_lmtp l;
    static char text[6 * 10000];
    unsigned replies = 0;
    for (size_t i = 0; i < sizeof text; i += 6)
        memcpy(text + i, "NOOP\r\n", 6);
    gp_lmtp_init(&l, "relay.test");
    gp_lmtp_sent(&l);
    struct gp_str in = {text, sizeof text};
    while (in.n > 0) {
        assert_int_equal(gp_lmtp_feed(&l, &in), GP_LMTP_MORE);
        assert_false(l.out.full);
        for (size_t i = 0; i < l.out.n; i++)
            replies += l.out.p[i] == '\n';
        gp_lmtp_sent(&l);
    }
    assert_int_equal(replies, 10000);
}

static void test_answers(void **state)
{
    (void)state;
    static struct heard h;
    const struct talk t = {.said = SAID(LHLO TO("x") "RCPT TO:<y>\r\nDATA\r\n")};
    struct gp_str in = SAID("a\r\n.\r\n");
    hold(&h, &t, SIZE_MAX);
    while (gp_lmtp_feed(&h.l, &in) != GP_LMTP_MESSAGE)
        continue;
    assert_string_equal(h.l.sender, "a@b.test");
    assert_string_equal(h.l.recipient[1], "y");
    gp_lmtp_answer(&h.l, "0123");
    gp_lmtp_answer(&h.l, NULL);
    assert_string_equal(h.l.out_text, "250 2.0.0 Kept as 0123\r\n451 4.3.0 Not taken, try again later\r\n");
    assert_int_equal(h.l.recipients, 0);
    assert_false(h.l.have_sender);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_talks),        cmocka_unit_test(test_long_lines), cmocka_unit_test(test_long_paths),
        cmocka_unit_test(test_many_replies), cmocka_unit_test(test_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
