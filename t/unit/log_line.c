/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * log_line.c - lines of Postfix's log: every form, and what strangers write into them
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "feedback/log_line.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define AT "Nov 21 01:33:04 relay postfix/"
#define TO AT "smtp[14232]: 1D111A8496D: to=<b@dest.test>, "
#define SENT "relay=mx.dest.test[192.0.2.1]:25, delay=0.12, delays=0.02/0.01/0.04/0.05, dsn=2.0.0, status=sent (250 ok)"
#define SAID "host mx.dest.test[192.0.2.1] said: "

/* What was understood, as one text; "-": nothing */
static const char *understood(struct gp_str line, char out[4096])
{
    static const char *const results[] = {"sent", "deferred", "bounced"};
    struct gp_log_entry e;
    struct gp_log_line l;
    struct gp_buf b = gp_buf_on(out, 4096);
    if (!gp_log_entry_split(line, &e) || !gp_log_line_parse(e.tag, e.message, &l))
        return "-";
    gp_buf_printf(&b, "%.*s/%.*s ", GP_STR_FMT(l.instance), GP_STR_FMT(l.queue_id));
    if (l.kind == GP_LOG_ACTIVE)
        gp_buf_printf(&b, "active %.*s", GP_STR_FMT(l.sender));
    else if (l.kind == GP_LOG_EXPIRED)
        gp_buf_printf(&b, "expired %.*s", GP_STR_FMT(l.sender));
    else if (l.kind == GP_LOG_REMOVED)
        gp_buf_printf(&b, "removed");
    else
        gp_buf_printf(&b, "%s %.*s [%.*s] %.*s %.*s %llu%s (%.*s)", results[l.result], GP_STR_FMT(l.recipient),
                      GP_STR_FMT(l.original), GP_STR_FMT(l.host), GP_STR_FMT(l.status), (unsigned long long)l.delay_s,
                      l.suspended ? " copy" : "", GP_STR_FMT(l.text));
    return out;
}

struct line_case {
    const char *line, *want;
};

static void check(const struct line_case *cases, size_t n)
{
    char out[4096];
    for (size_t i = 0; i < n; i++) {
        const char *got = understood(gp_str_z(cases[i].line), out);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s\n  gave %s\n  not  %s", cases[i].line, got, cases[i].want);
    }
}

static void test_what_postfix_writes(void **state)
{
    static const struct line_case cases[] = {
        {AT "qmgr[13318]: 1D111A8496D: from=<a@sender.test>, size=300, nrcpt=2 (queue active)",
         "postfix/1D111A8496D active a@sender.test"},
        {AT "qmgr[13318]: 1D111A8496D: from=<>, size=300, nrcpt=1 (queue active)", "postfix/1D111A8496D active "},
        {AT "qmgr[13318]: 4jWbms683Gz1c77h: from=<a@sender.test>, size=300, nrcpt=2 (queue active)",
         "postfix/4jWbms683Gz1c77h active a@sender.test"},
        {AT "qmgr[13318]: 1D111A8496D: removed", "postfix/1D111A8496D removed"},
        {AT "postsuper[5]: 1D111A8496D: removed", "postfix/1D111A8496D removed"},
        {AT "qmgr[22060]: D9742A8489C: from=<a@sender.test>, status=expired, returned to sender",
         "postfix/D9742A8489C expired a@sender.test"},
        {AT "qmgr[22060]: D9742A8489C: from=<>, status=force-expired, returned to sender",
         "postfix/D9742A8489C expired "},
        {TO "relay=127.0.0.1[127.0.0.1]:21900, delay=0.12, delays=0.02/0.01/0.04/0.05, dsn=2.0.0, status=sent (250 "
            "2.0.0 Ok: queued as SINK0001)",
         "postfix/1D111A8496D sent b@dest.test [] 127.0.0.1 2.0.0 0 (250 2.0.0 Ok: queued as SINK0001)"},
        {TO "relay=mx.dest.test[2001:db8::1]:25, conn_use=3, delay=21, delays=20/0/0.3/0.7, dsn=5.1.1, status=bounced "
            "(host mx.dest.test[2001:db8::1] said: 550 5.1.1 <b@dest.test>: user unknown (in reply to RCPT TO "
            "command))",
         "postfix/1D111A8496D bounced b@dest.test [] mx.dest.test 5.1.1 21 (host mx.dest.test[2001:db8::1] said: 550 "
         "5.1.1 <b@dest.test>: user unknown (in reply to RCPT TO command))"},
        {AT "smtp[1]: 7B75DA8488F: to=<x@refused.test>, relay=none, delay=4, delays=4/0.01/0/0, dsn=4.4.1, "
            "status=deferred (connect to 127.0.0.1[127.0.0.1]:21999: Connection refused)",
         "postfix/7B75DA8488F deferred x@refused.test []  4.4.1 4 (connect to 127.0.0.1[127.0.0.1]:21999: Connection "
         "refused)"},
        {AT "lmtp[1]: 773A8A84895: to=<ok@lmtp.test>, relay=relay.gatepost.test[/srv/relay/run/lmtp.sock], delay=0.06, "
            "delays=0.05/0.01/0/0, dsn=2.0.0, status=sent (250 2.0.0 bounce recorded)",
         "postfix/773A8A84895 sent ok@lmtp.test [] relay.gatepost.test 2.0.0 0 (250 2.0.0 bounce recorded)"},
        {AT "pipe[1]: E346AA84070: to=<b+nouserTok@bounces.example.org>, relay=bouncepipe, delay=0.01, "
            "delays=0/0/0/0.01, dsn=5.1.1, status=bounced (no such token )",
         "postfix/E346AA84070 bounced b+nouserTok@bounces.example.org []  5.1.1 0 (no such token )"},
        {AT "smtp[1]: 7B75DA8488F: to=<new@dest.test>, orig_to=<old@dest.test>, " SENT,
         "postfix/7B75DA8488F sent new@dest.test [old@dest.test] mx.dest.test 2.0.0 0 (250 ok)"},
        {AT "error[1]: 7B75DA8488F: to=<b@dest.test>, relay=none, delay=5000.9, delays=5000/0.9/0/0, dsn=4.7.0, "
            "status=deferred (delivery temporarily suspended: host mx.dest.test[192.0.2.1] said: 421 4.7.0 Try later)",
         "postfix/7B75DA8488F deferred b@dest.test []  4.7.0 5000 copy (host mx.dest.test[192.0.2.1] said: 421 4.7.0 "
         "Try later)"},
        {TO "relay=none, delay=1, delays=1/0/0/0, dsn=5.7.1, status=SOFTBOUNCE (soft)",
         "postfix/1D111A8496D deferred b@dest.test []  5.7.1 1 (soft)"},
        {TO "relay=none, delay=1, delays=1/0/0/0, tls=yes, dsn=5.7.1, status=bounced (a later field)",
         "postfix/1D111A8496D bounced b@dest.test []  5.7.1 1 (a later field)"},
    };
    (void)state;
    check(cases, COUNT(cases));
}

static void test_who_wrote_it_down(void **state)
{
#define REST "qmgr[13318]: 1D111A8496D: removed"
    static const struct line_case cases[] = {
        {"Nov  1 01:33:04 relay postfix/" REST, "postfix/1D111A8496D removed"},
        {"2026-11-21T01:33:04.123456+01:00 relay.example.org postfix/" REST, "postfix/1D111A8496D removed"},
        {"2026-11-21T01:33:04Z 192.0.2.7 postfix/" REST, "postfix/1D111A8496D removed"},
        {"Nov 21 01:33:04 relay postfix-out/" REST, "postfix-out/1D111A8496D removed"},
        {"Nov 21 01:33:04 relay postfix/relay/" REST, "postfix/1D111A8496D removed"},
        {"Nov 21 01:33:04 relay postfix/qmgr: 1D111A8496D: removed", "postfix/1D111A8496D removed"},
        {"Nov 21 01:33:04 relay qmgr[13318]: 1D111A8496D: removed", "-"},
        {"Nov 21 01:33:04 relay gatepost-feedback[1]: 1D111A8496D: removed", "-"},
        {"Nov 21 01:33:04 postfix/" REST, "-"},
        {"Nov 21 1:33:04 relay postfix/" REST, "-"},
        {"relay postfix/" REST, "-"},
        {"postfix/" REST, "-"},
        {" Nov 21 01:33:04 relay postfix/" REST, "-"},
        {"Nov 21 01:33:04 relay postfix/qmgr[13318] 1D111A8496D: removed", "-"},
        {"Nov 21 01:33:04 relay postfix/qmgr[13318]:1D111A8496D: removed", "-"},
        {"Nov 21 01:33:04 relay postfix/qmgr[1x]: 1D111A8496D: removed", "-"},
        {"Nov 21 01:33:04 relay postfix/qm gr[1]: 1D111A8496D: removed", "-"},
        {"", "-"},
        {"Nov 21 01:33:04 relay postfix/qmgr[13318]: ", "-"},
    };
    (void)state;
    check(cases, COUNT(cases));
}

/* No such line can be taken for another one. */
static void test_what_strangers_write(void **state)
{
    static const struct line_case cases[] = {
        /* a recipient with the rest of a line in its local-part */
        {AT "smtp[1]: 7B75DA8488F: to=<\"a>, relay=none, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (250 "
            "ok)\"@dest.test>, relay=none, delay=1, delays=1/0/0/0, dsn=5.1.1, status=bounced (no)",
         "postfix/7B75DA8488F bounced \"a>, relay=none, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (250 "
         "ok)\"@dest.test []  5.1.1 1 (no)"},
        {AT "smtp[1]: 7B75DA8488F: to=<\"a\\\">, relay=x\\\\\"@dest.test>, " SENT,
         "postfix/7B75DA8488F sent \"a\\\">, relay=x\\\\\"@dest.test [] mx.dest.test 2.0.0 0 (250 ok)"},
        {AT "smtp[1]: 7B75DA8488F: to=<\"never ends@dest.test>, " SENT, "-"},
        {AT "smtp[1]: 7B75DA8488F: to=<a@dest.test>x, " SENT, "-"},
        {AT "smtp[1]: 7B75DA8488F: to=a@dest.test, " SENT, "-"},
        /* an original recipient likewise */
        {AT "smtp[1]: 7B75DA8488F: to=<n@dest.test>, orig_to=<\"o>, relay=none, \"@dest.test>, " SENT,
         "postfix/7B75DA8488F sent n@dest.test [\"o>, relay=none, \"@dest.test] mx.dest.test 2.0.0 0 (250 ok)"},
        /* a reply that says what Postfix would say */
        {TO "relay=mx.dest.test[192.0.2.1]:25, delay=1, delays=1/0/0/0, dsn=5.1.1, status=bounced (" SAID
            "550 5.1.1 x), relay=evil[192.0.2.9]:25, dsn=2.0.0, status=sent (250 ok (in reply to RCPT TO command))",
         "postfix/1D111A8496D bounced b@dest.test [] mx.dest.test 5.1.1 1 (" SAID
         "550 5.1.1 x), relay=evil[192.0.2.9]:25, dsn=2.0.0, status=sent (250 ok (in reply to RCPT TO command))"},
        {TO "relay=mx.dest.test[192.0.2.1]:25, delay=1, delays=1/0/0/0, dsn=4.0.0, status=deferred (" SAID
            "450 Nov 21 01:33:04 relay postfix/smtp[1]: 4444444444: to=<v@dest.test>, " SENT "))",
         "postfix/1D111A8496D deferred b@dest.test [] mx.dest.test 4.0.0 1 (" SAID
         "450 Nov 21 01:33:04 relay postfix/smtp[1]: 4444444444: to=<v@dest.test>, " SENT "))"},
        {TO "relay=mx.dest.test[192.0.2.1]:25, delay=1, delays=1/0/0/0, dsn=4.0.0, status=deferred (" SAID
            "450 delivery temporarily suspended: no)",
         "postfix/1D111A8496D deferred b@dest.test [] mx.dest.test 4.0.0 1 (" SAID
         "450 delivery temporarily suspended: no)"},
        /* a HELO name, a sender, a message id, a subject that look like lines */
        {AT "smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.1]: 550 5.1.1 no; from=<a@x> to=<b@y> proto=ESMTP "
            "helo=<1D111A8496D: to=<b@dest.test>, " SENT ">",
         "-"},
        {AT "smtpd[1]: 7B75DA8488F: client=x[192.0.2.1], sasl_username=to=<b@dest.test>, " SENT, "-"},
        {AT "cleanup[1]: 7B75DA8488F: message-id=<7B75DA8488F: to=<b@dest.test>, " SENT ">", "-"},
        {AT "cleanup[1]: 7B75DA8488F: warning: header Subject: 7B75DA8488F: removed from x", "-"},
        {AT "cleanup[1]: 7B75DA8488F: from=<a@sender.test>, size=300, nrcpt=1 (queue active)", "-"},
        {AT "pickup[1]: 7B75DA8488F: uid=0 from=<a@sender.test>, size=300, nrcpt=1 (queue active)", "-"},
        {AT "qmgr[1]: 7B75DA8488F: from=<\"a>, size=1, \"@x>, size=300, nrcpt=1 (queue active)",
         "postfix/7B75DA8488F active \"a>, size=1, \"@x"},
        {AT "qmgr[1]: 7B75DA8488F: from=<\"a>, status=expired, returned to sender\"@x>, size=300, nrcpt=1 (queue "
            "active)",
         "postfix/7B75DA8488F active \"a>, status=expired, returned to sender\"@x"},
        {AT "qmgr[1]: 7B75DA8488F: from=<a@x>, status=expired, returned to sender, not", "-"},
        {AT "qmgr[1]: 7B75DA8488F: removed by me", "-"},
        {AT "smtpd[1]: warning: 7B75DA8488F: removed", "-"},
        {AT "smtpd[1]: lost connection after 7B75DA8488F: removed", "-"},
    };
    (void)state;
    check(cases, COUNT(cases));
}

static void test_cut_lines(void **state)
{
#define WHOLE                                                                                                          \
    TO "relay=mx.dest.test[192.0.2.1]:25, delay=1, delays=1/0/0/0, dsn=4.2.0, status=deferred (" SAID                  \
       "450 4.2.0 x (in reply to RCPT TO command))"
    static const char whole[] = WHOLE;
    char out[4096];
    size_t status = (size_t)(strstr(whole, "status=deferred") + 15 - whole);
    (void)state;
    for (size_t n = 0; n < sizeof whole; n++) {
        const char *got = understood((struct gp_str){whole, n}, out);
        bool known = strncmp(got, "postfix/1D111A8496D deferred b@dest.test [] mx.dest.test 4.2.0 1", 64) == 0;
        bool may = n == status || n >= status + 2;
        if (known != may)
            fail_msg("cut after %zu octets: %s", n, got);
    }
    assert_string_equal(understood((struct gp_str){whole, status + 12}, out),
                        "postfix/1D111A8496D deferred b@dest.test [] mx.dest.test 4.2.0 1 (host mx.de)");
}

static void test_odd_octets(void **state)
{
    static const char nul[] = TO "relay=none, delay=1, delays=1/0/0/0, dsn=4.2.0, status=deferred (a\0b\xff\x1b)";
    static const struct line_case cases[] = {
        {TO "relay=none, delay=1, delays=1/0/0/0, dsn=4.2.0, status=deferred (\xc3\xa4\xff)",
         "postfix/1D111A8496D deferred b@dest.test []  4.2.0 1 (\xc3\xa4\xff)"},
        {TO "relay=none, delay=99999999999999999999, delays=1, dsn=4.2.0, status=deferred (x)",
         "postfix/1D111A8496D deferred b@dest.test []  4.2.0 0 (x)"},
        {TO "relay=none, delay=1, delays=1, dsn=4.2, status=deferred (x)", "-"},
        {TO "relay=none, delay=1, delays=1, dsn=4.2.0000, status=deferred (x)", "-"},
        {TO "relay=none, delay=1, delays=1, status=deferred (x)", "-"},
        {TO "delay=1, delays=1, dsn=4.2.0, status=deferred (x)", "-"},
        {TO "relay=none, delay=1, delays=1, dsn=4.2.0, status=undeliverable (x)", "-"},
        {TO "relay=none, delay=1, delays=1, dsn=4.2.0, status=sentinel (x)", "-"},
        {TO "relay=none, delay=1, delays=1, dsn=4.2.0, status=deferred(x)", "-"},
        {AT "smtp[1]: ABCDE: removed", "-"},
        {AT "smtp[1]: 123456789012345678901234567890123: removed", "-"},
    };
    char out[4096];
    (void)state;
    check(cases, COUNT(cases));
    assert_memory_equal(understood((struct gp_str){nul, sizeof nul - 1}, out), "postfix/1D111A8496D deferred", 28);
}

static void test_said(void **state)
{
    static const struct {
        const char *text, *said, *reply;
    } cases[] = {
        {SAID "550 5.1.1 no user (in reply to RCPT TO command)", "550 5.1.1 no user", "550"},
        {SAID "554 5.7.1 spam (in reply to end of DATA command)", "554 5.7.1 spam", "554"},
        {SAID "550-5.7.1 a 550 5.7.1 b (in reply to RCPT TO command)", "550-5.7.1 a 550 5.7.1 b", "550"},
        {"host mx.dest.test[192.0.2.1] refused to talk to me: 421 4.7.0 later", "421 4.7.0 later", "421"},
        {SAID "550 x (in reply to MAIL FROM command) y (in reply to RCPT TO command)",
         "550 x (in reply to MAIL FROM command) y", "550"},
        {SAID "550 x (in reply to RCPT TO command) and more", "550 x (in reply to RCPT TO command) and more", "550"},
        {SAID "550 host mx.evil[192.0.2.9] said: 250 ok", "550 host mx.evil[192.0.2.9] said: 250 ok", "550"},
        {"host name with blanks said: 550 x", "host name with blanks said: 550 x", ""},
        {"connect to mx.dest.test[192.0.2.1]:25: Connection refused",
         "connect to mx.dest.test[192.0.2.1]:25: Connection refused", ""},
        {"lost connection with mx.dest.test[192.0.2.1] while sending RCPT TO",
         "lost connection with mx.dest.test[192.0.2.1] while sending RCPT TO", ""},
        {"550 written by a local program", "550 written by a local program", ""},
        {SAID "5500 x", "5500 x", ""},
        {SAID "550", "550", "550"},
        {SAID, "", ""},
        {" (in reply to RCPT TO command)", " (in reply to RCPT TO command)", ""},
        {SAID " (in reply to RCPT TO command)", "", ""},
        {"", "", ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gp_str reply, said = gp_log_said(gp_str_z(cases[i].text), &reply);
        if (!gp_str_eq(said, gp_str_z(cases[i].said)) || !gp_str_eq(reply, gp_str_z(cases[i].reply)))
            fail_msg("%s\n  gave \"%.*s\" \"%.*s\"", cases[i].text, GP_STR_FMT(said), GP_STR_FMT(reply));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_postfix_writes),  cmocka_unit_test(test_who_wrote_it_down),
        cmocka_unit_test(test_what_strangers_write), cmocka_unit_test(test_cut_lines),
        cmocka_unit_test(test_odd_octets),           cmocka_unit_test(test_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
