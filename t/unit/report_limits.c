/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * report_limits.c - tests of shared/report: hostile messages, each limit, and what every text of a report promises
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/report/report.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MIB (1u << 20)
#ifdef __SANITIZE_THREAD__ /* a race is looked for there, not speed */
#define FLOOD_MS 120000
#else
#define FLOOD_MS 2000
#endif

static char message[4 * MIB];

/* begin - a failure notice; then fill it up to n octets with the unit */
static struct gp_buf begin(const char *header)
{
    struct gp_buf b = gp_buf_on(message, sizeof message);
    gp_buf_putz(&b, "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nSubject: Undelivered Mail\n");
    gp_buf_putz(&b, header);
    return b;
}

static struct gp_str fill(struct gp_buf *b, const char *unit, size_t n)
{
    struct gp_str u = gp_str_z(unit);
    while (b->n + u.n < n)
        gp_buf_put(b, u);
    return gp_buf_str(b);
}

static void check_lines(struct gp_str s, size_t max)
{
    assert_true(s.n <= max && gp_str_utf8(s));
    for (size_t i = 0; i < s.n; i++)
        assert_true(s.p[i] == '\n' || ((unsigned char)s.p[i] >= ' ' && s.p[i] != 0x7f));
}

static void check_text(struct gp_str s, size_t max)
{
    check_lines(s, max);
    assert_int_equal(gp_str_find(s, '\n'), s.n);
}

static void check_lower(struct gp_str s)
{
    for (size_t i = 0; i < s.n; i++)
        assert_false(s.p[i] >= 'A' && s.p[i] <= 'Z');
}

/* what report.h promises of every report */
static void check(const struct gp_report *r)
{
    assert_non_null(r);
    assert_true(r->recipients_n <= GP_REPORT_RECIPIENTS_MAX && r->tokens_n <= GP_REPORT_TOKENS_MAX);
    check_lines(r->human, GP_REPORT_HUMAN_MAX);
    check_text(r->subject, MIB);
    check_text(r->from, GP_REPORT_TEXT_MAX);
    check_text(r->returned_from, GP_REPORT_TEXT_MAX);
    check_text(r->returned_message_id, GP_REPORT_TEXT_MAX);
    check_text(r->reporter, GP_REPORT_TEXT_MAX);
    check_text(r->feedback.type, 64);
    for (size_t i = 0; i < r->recipients_n; i++) {
        const struct gp_report_recipient *p = &r->recipients[i];
        check_text(p->recipient, 254);
        check_text(p->original_recipient, 254);
        check_lower(p->recipient);
        check_lower(p->original_recipient);
        check_text(p->status, 9);
        check_text(p->enhanced, 9);
        check_text(p->reply, 3);
        check_text(p->remote, 255);
        check_text(p->diagnostic, GP_REPORT_TEXT_MAX);
        check_text(p->human, GP_REPORT_TEXT_MAX);
        assert_true(p->recipient.n > 0);
        for (size_t k = 0; k < i; k++)
            assert_false(gp_str_eq(p->recipient, r->recipients[k].recipient));
    }
    for (size_t i = 0; i < r->tokens_n; i++)
        check_text(r->tokens[i].text, 1000);
}

/* of processor time: the machine may be busy with other tests */
static double milliseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static const struct {
    const char *name, *header, *unit;
} floods[] = {
    {"text", "\n", "a line of no interest to anybody\n"},
    {"empty lines", "\n", "\n"},
    {"CR", "\n", "\r"},
    {"control characters", "\n", "\001\033\177\302\205\n"},
    {"one long line", "\n", "a"},
    {"at signs", "\n", "@"},
    {"lines of at signs", "\n", "@\n"},
    {"long local parts", "\n",
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@"},
    {"rulers", "\n", "--------------------------------\n"},
    {"recipients", "Content-Type: message/delivery-status\n\n",
     "Final-Recipient: rfc822; a@b.example\nAction: failed\n\n"},
    {"addresses", "\nThe following addresses failed:\n", "<a@mx.example>: 550 5.1.1 no\n"},
    {"addresses behind a colon", "\nx: ", "a@b.example "},
    {"reply codes", "\n", "550 5.1.1 "},
    {"commands", "\nFinal-Recipient: rfc822; a@b.example\nDiagnostic-Code: x", ">>> "},
    {"folded header", "X: y\n", " a\n"},
    {"many headers", "", "X: y\n"},
    {"one long header", "To: ", "a: "},
    {"encoded words", "Subject: ", "=?utf-8?q?a?= "},
    {"unfinished encoded words", "Subject: ", "=?utf-8?q?"},
    {"failed recipients", "X-Failed-Recipients: ", "a@b.example, "},
    {"parameters", "Content-Type: text/plain; ", "a=b; "},
    {"parts", "Content-Type: multipart/mixed; boundary=b\n\n", "--b\n\n\n"},
    {"status parts", "Content-Type: multipart/mixed; boundary=b\n\n",
     "--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b.example\nAction: failed\n\n"},
    {"text parts", "Content-Type: multipart/mixed; boundary=b\n\n", "--b\n\n<a@b.example>: no\n"},
    {"messages in messages", "Content-Type: message/rfc822\n\n", "Content-Type: message/rfc822\n\n"},
    {"escapes of ISO-2022-JP", "Content-Type: text/plain; charset=iso-2022-jp\n\n", "\033$B"},
    {"octets of no charset", "Content-Type: text/plain; charset=big5\n\n", "\377"},
    {"unknown charset", "Content-Type: text/plain; charset=x-none\n\n", "\344 "},
    {"base64", "Content-Transfer-Encoding: base64\n\n", "SGVsbG8=\n"},
    {"quoted-printable", "Content-Transfer-Encoding: quoted-printable\n\n", "=41="},
    {"tags", "Content-Type: text/html\n\n", "<"},
    {"styles", "Content-Type: text/html\n\n", "<style></"},
    {"entities", "Content-Type: text/html\n\n", "&"},
    {"links", "\n", "https://x/u/"},
    {"unsubscribe links", "Content-Type: message/rfc822\n\nList-Unsubscribe: ", "<https://x/u/a>, "},
    {"events", "\n{\"notificationType\":\"Bounce\",\"bouncedRecipients\":[", "{\"emailAddress\":\"a@b.example\"},"},
    {"complaint",
     "Content-Type: multipart/x; boundary=b\n\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n",
     "Original-Rcpt-To: a@b.example\n"},
};

static void test_floods(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof floods / sizeof floods[0]; i++) {
        struct gp_buf b = begin(floods[i].header);
        struct gp_str raw = fill(&b, floods[i].unit, MIB);
        double start = milliseconds();
        struct gp_report *r = gp_report_read(raw);
        double took = milliseconds() - start;
        print_message("%6.1f ms  %s\n", took, floods[i].name);
        if (took > FLOOD_MS) /* far above what it takes, even with sanitizers: only a square would */
            fail_msg("%s: %.0f ms", floods[i].name, took);
        check(r);
        gp_report_free(r);
    }
}

static void test_nuls(void **state)
{
    (void)state;
    memset(message, 0, MIB);
    struct gp_report *r = gp_report_read((struct gp_str){message, MIB});
    check(r);
    gp_report_free(r);
}

/* a NUL behind every octet, as some programs send what was UTF-16 */
static void test_nuls_between(void **state)
{
    (void)state;
    static const char text[] =
        "Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b.example\nAction: failed\n";
    for (size_t i = 0; i < sizeof text; i++) {
        message[2 * i] = text[i];
        message[2 * i + 1] = '\0';
    }
    struct gp_report *r = gp_report_read((struct gp_str){message, 2 * sizeof text});
    check(r);
    assert_int_equal(r->kind, GP_REPORT_DSN);
    assert_int_equal(r->recipients_n, 1);
    gp_report_free(r);
}

static void test_nothing(void **state)
{
    (void)state;
    struct gp_report *r = gp_report_read((struct gp_str){NULL, 0});
    check(r);
    assert_int_equal(r->kind, GP_REPORT_OTHER);
    gp_report_free(r);
    gp_report_free(NULL);
}

static struct gp_report *nested(unsigned depth, const char *close)
{
    struct gp_buf b = gp_buf_on(message, sizeof message);
    for (unsigned i = 0; i < depth; i++)
        gp_buf_printf(&b, "Content-Type: multipart/mixed; boundary=\"b%u.\"\n\n--b%u.\n", i, i);
    gp_buf_putz(&b, "Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b.example\nAction: failed\n");
    gp_buf_putz(&b, close);
    struct gp_report *r = gp_report_read(gp_buf_str(&b));
    check(r);
    return r;
}

static void test_depth(void **state)
{
    (void)state;
    struct gp_report *r = nested(GP_REPORT_DEPTH_MAX - 1, "");
    assert_int_equal(r->recipients_n, 1);
    assert_false(r->cut);
    gp_report_free(r);
    r = nested(GP_REPORT_DEPTH_MAX, "");
    assert_int_equal(r->recipients_n, 0);
    assert_true(r->cut);
    gp_report_free(r);
    r = nested(10000, "");
    assert_true(r->cut);
    gp_report_free(r);
}

/* however deep, a message is searched for boundaries a few times only */
static void test_depth_times_size(void **state)
{
    (void)state;
    struct gp_buf b = gp_buf_on(message, sizeof message);
    for (unsigned i = 0; i < GP_REPORT_DEPTH_MAX - 1; i++)
        gp_buf_printf(&b, "Content-Type: multipart/mixed; boundary=\"b%u.\"\n\n--b%u.\n", i, i);
    gp_buf_putz(&b, "Content-Type: message/disposition-notification\n\n");
    struct gp_report *r = gp_report_read(fill(&b, "--b\n", MIB - 10));
    check(r);
    assert_true(r->cut);
    gp_report_free(r);
}

static void test_size(void **state)
{
    (void)state;
    struct gp_buf b = begin("\n<a@b.example>: 550 5.1.1 no\n\n");
    struct gp_report *r = gp_report_read(fill(&b, "x\n", 1000));
    assert_false(r->cut);
    gp_report_free(r);
    b = begin("\n<a@b.example>: 550 5.1.1 no\n\n");
    r = gp_report_read(fill(&b, "x\n", 2 * MIB));
    check(r);
    assert_true(r->cut && r->recipients_n == 1);
    gp_report_free(r);
}

/* a long text for people hides nothing that stands behind it */
static void test_long_text_before_the_status(void **state)
{
    (void)state;
    struct gp_buf b = begin("Content-Type: multipart/report; boundary=b\n\n--b\n\n");
    fill(&b, "words\n", GP_REPORT_HUMAN_MAX + 1000);
    gp_buf_putz(&b, "\n--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b.example\nAction: "
                    "failed\n\n--b--\n");
    struct gp_report *r = gp_report_read(gp_buf_str(&b));
    check(r);
    assert_true(r->cut && r->recipients_n == 1);
    gp_report_free(r);
}

static void test_recipients(void **state)
{
    (void)state;
    struct gp_buf b = begin("Content-Type: message/delivery-status\n\nReporting-MTA: dns; x.example\n\n");
    for (unsigned i = 0; i <= GP_REPORT_RECIPIENTS_MAX; i++)
        gp_buf_printf(&b, "Final-Recipient: rfc822; a%u@b.example\nAction: failed\n\n", i);
    struct gp_report *r = gp_report_read(gp_buf_str(&b));
    check(r);
    assert_int_equal(r->recipients_n, GP_REPORT_RECIPIENTS_MAX);
    assert_true(r->cut);
    gp_report_free(r);

    b = begin("\nThe following addresses failed:\n");
    for (unsigned i = 0; i <= GP_REPORT_RECIPIENTS_MAX; i++)
        gp_buf_printf(&b, "<a%u@b.example>: 550 no\n", i);
    r = gp_report_read(gp_buf_str(&b));
    check(r);
    assert_int_equal(r->recipients_n, GP_REPORT_RECIPIENTS_MAX);
    assert_true(r->cut);
    gp_report_free(r);
}

/* every sample, cut at every octet, with one octet changed: read to the end, and its texts as promised */
static void test_truncated_and_damaged(void **state)
{
    (void)state;
    DIR *d = opendir("t/data/reports");
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char path[512];
        if (strstr(e->d_name, ".eml") == NULL)
            continue;
        snprintf(path, sizeof path, "t/data/reports/%s", e->d_name);
        FILE *f = fopen(path, "rb");
        assert_non_null(f);
        size_t n = fread(message, 1, sizeof message, f);
        fclose(f);
        for (size_t end = 0; end < n; end += 41) {
            char *exact = malloc(end + 1); /* so that a sanitizer sees a read past the end */
            assert_non_null(exact);
            memcpy(exact, message, end);
            if (end > 0)
                exact[end / 2] = (char)(exact[end / 2] ^ 0x8f);
            struct gp_report *r = gp_report_read((struct gp_str){exact, end});
            check(r);
            gp_report_free(r);
            free(exact);
        }
    }
    closedir(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_floods),       cmocka_unit_test(test_nuls),
        cmocka_unit_test(test_nuls_between), cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_depth),        cmocka_unit_test(test_depth_times_size),
        cmocka_unit_test(test_size),         cmocka_unit_test(test_long_text_before_the_status),
        cmocka_unit_test(test_recipients),   cmocka_unit_test(test_truncated_and_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
