/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * report_text.c - tests of what shared/report reads with: charsets, fields, addresses, codes, the end of the text
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/report/address_scan.h"
#include "shared/report/fields.h"
#include "shared/report/human.h"
#include "shared/report/smtp_said.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define V(lit)                                                                                                         \
    {                                                                                                                  \
        (lit), sizeof(lit) - 1                                                                                         \
    }

static struct gp_report_memory memory;

static int forget(void **state)
{
    (void)state;
    gp_memory_free(&memory);
    return 0;
}

static void want(struct gp_str given, struct gp_str got, struct gp_str wanted)
{
    if (!gp_str_eq(got, wanted))
        fail_msg("of \"%.*s\": \"%.*s\", not \"%.*s\"", GP_STR_FMT(given), GP_STR_FMT(got), GP_STR_FMT(wanted));
}

static const struct {
    struct gp_str octets, charset, text;
} charsets[] = {
    {V("plain"), V(""), V("plain")},
    {V("gr\303\266\303\237er"), V("us-ascii"), V("gr\303\266\303\237er")},
    {V("gr\366\337er"), V("us-ascii"), V("gr\303\266\303\237er")},
    {V("gr\366\337er"), V("x-none"), V("gr\303\266\303\237er")},
    {V("gr\366\337er"), V("ISO-8859-1"), V("gr\303\266\303\237er")},
    {V("wasn\222t"), V("windows-1252"), V("wasn\342\200\231t")},
    {V("wasn\222t"), V("iso-8859-1"), V("wasn\342\200\231t")},
    {V("\244"), V("iso-8859-15"), V("\342\202\254")},
    {V("\356\370\350\341\352\340"), V("windows-1251"), V("\320\276\321\210\320\270\320\261\320\272\320\260")},
    {V("\317\333\311\302\313\301"), V("koi8-r"), V("\320\276\321\210\320\270\320\261\320\272\320\260")},
    {V("\033$B$\"\033(B"), V("ISO-2022-JP"), V("\343\201\202")},
    {V("\033$B$\"\033(B"), V(""), V("\343\201\202")},
    {V("\202\240"), V("Shift_JIS"), V("\343\201\202")},
    {V("\244\242"), V("EUC-JP"), V("\343\201\202")},
    {V("\304\343"), V("gb2312"), V("\344\275\240")},
    {V("\247A"), V("big5"), V("\344\275\240")},
    {V("+AOQ-"), V("unicode-1-1-utf-7"), V("\303\244")},
    {V("\344\366"), V("utf-8"), V("??")},
    {V("a\303\244\377b"), V("utf-8"), V("a\303\244?b")},
    {V("\365\254\213\236"), V("utf-8"), V("????")},
    {V("a\r\nb\rc\nd"), V(""), V("a\nb\nc\nd")},
    {V("a\tb\001\033[0m\177c\0d"), V(""), V("a b[0mcd")},
    {V("a\302\240b\302\205c\342\200\250d\342\200\256e"), V("utf-8"), V("a bc\nde")},
    {V("\033$B$\377\""), V("iso-2022-jp"), V("??")},
};

static void test_charsets(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(charsets); i++) {
        struct gp_str got = gp_text_decode(&memory, charsets[i].octets, charsets[i].charset);
        assert_true(gp_str_utf8(got));
        if (i + 1 < COUNT(charsets)) /* what becomes of damaged runs is the converter's matter */
            want(charsets[i].octets, got, charsets[i].text);
    }
}

static const struct {
    struct gp_str value, text;
} words[] = {
    {V("plain"), V("plain")},
    {V(" folded\n  twice "), V("folded twice")},
    {V("=?utf-8?q?J=C3=BCrgen?= said"), V("J\303\274rgen said")},
    {V("=?utf-8?B?w6Q=?= =?iso-8859-1?q?=F6?="), V("\303\244\303\266")},
    {V("=?utf-8?q?a_b?=\n =?utf-8?q?c?= d"), V("a bc d")},
    {V("a =?utf-8?x?y?= b"), V("a =?utf-8?x?y?= b")},
    {V("=?utf-8?q?never ends"), V("=?utf-8?q?never ends")},
    {V("=?utf-8?q?=00=0A=1B?="), V("")},
    {V("=?"), V("=?")},
};

static void test_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(words); i++)
        want(words[i].value, gp_text_words(&memory, words[i].value), words[i].text);
}

static const struct {
    struct gp_str html, text;
} pages[] = {
    {V("<p>a<br>b</p>c"), V("a\nb\nc")},
    {V("a<style>x { y }</style>b"), V("ab")},
    {V("<!-- <p>no</p> -->a"), V("a")},
    {V("&lt;a@b.example&gt; &amp; &#39;x&nbsp;y"), V("<a@b.example> & 'x y")},
    {V("1 < 2 <a@b.example>"), V("1 < 2 ")},
    {V("<script>never ends"), V("")},
    {V("<div"), V("")},
    {V("&"), V("&")},
};

static void test_html(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(pages); i++)
        want(pages[i].html, gp_text_html(&memory, pages[i].html), pages[i].text);
}

static void test_flat(void **state)
{
    (void)state;
    want(GP_STR("flat"), gp_text_flat(&memory, GP_STR(" a \n\n b\303\244"), 4), GP_STR("a b"));
    want(GP_STR("flat"), gp_text_flat(&memory, GP_STR(" a \n\n b"), 100), GP_STR("a b"));
}

static void test_fields(void **state)
{
    (void)state;
    struct gp_str rest = GP_STR("Action : failed\nDiagnostic-Code:smtp;\n 550\n\tno\nno field\n\nStatus: 5.1.1");
    static const struct {
        struct gp_str name, value;
        bool blank;
    } expected[] = {{V("Action"), V(" failed"), false},
                    {V("Diagnostic-Code"), V("smtp;\n 550\n\tno"), false},
                    {V(""), V("no field"), false},
                    {V(""), V(""), true},
                    {V("Status"), V(" 5.1.1"), false}};
    struct gp_field f;
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_true(gp_field_next(&rest, &f));
        want(GP_STR("name"), f.name, expected[i].name);
        want(GP_STR("value"), f.value, expected[i].value);
        assert_int_equal(f.blank, expected[i].blank);
    }
    assert_false(gp_field_next(&rest, &f));
    want(GP_STR("find"), gp_field_find(GP_STR("A: 1\nb:  2 \n\nC: 3"), GP_STR("B")), GP_STR("2"));
    want(GP_STR("find"), gp_field_find(GP_STR("A: 1\n\nC: 3"), GP_STR("C")), GP_STR(""));
}

static const struct {
    struct gp_str text, address;
} addresses[] = {
    {V("<anna@club.example>:"), V("anna@club.example")},
    {V("to anna@club.example."), V("anna@club.example")},
    {V("(anna.b+c=d@club.example)"), V("anna.b+c=d@club.example")},
    {V("'anna@club.example'"), V("anna@club.example")},
    {V("\"Anna B\"@club.example"), V("\"Anna B\"@club.example")},
    {V("mailto:anna@club.example?subject=x"), V("anna@club.example")},
    {V("root@localhost"), V("root@localhost")},
    {V("anna@[192.0.2.1]"), V("anna@[192.0.2.1]")},
    {V("anna@[club\n]"), V("")},
    {V("<a@b\303"), V("")},
    {V("<\303\244nna@club.example>"), V("\303\244nna@club.example")},
    {V("\343\201\202anna@club.example"), V("anna@club.example")},
    {V("@club.example"), V("")},
    {V("anna@"), V("")},
    {V("anna@.example"), V("")},
    {V("a@ b@club.example"), V("b@club.example")},
    {V("\"Anna\" <anna@club.example>"), V("anna@club.example")},
    {V("a@b.example <anna@club.example>"), V("anna@club.example")},
    {V("=?utf-8?b?8J+QiA=?=@club.example"), V("=?utf-8?b?8J+QiA=?=@club.example")},
};

static void test_addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(addresses); i++)
        want(addresses[i].text, gp_address_only(addresses[i].text), addresses[i].address);
}

/* an address is never cut in the middle of a character, wherever its bound falls */
static void test_long_addresses(void **state)
{
    (void)state;
    for (size_t extra = 0; extra < 3; extra++) {
        char text[1024];
        struct gp_buf b = gp_buf_on(text, sizeof text);
        gp_buf_putz(&b, "<");
        gp_buf_put(&b, gp_text_to(GP_STR("xx"), extra));
        for (unsigned i = 0; i < 200; i++)
            gp_buf_putz(&b, "\303\244");
        gp_buf_putz(&b, "@b.example>");
        assert_true(gp_str_utf8(gp_address_only(gp_buf_str(&b))));
    }
}

static const struct {
    struct gp_str value, address;
} recipients[] = {
    {V(" rfc822; anna@club.example"), V("anna@club.example")},
    {V("rfc/822;anna@club.example"), V("anna@club.example")},
    {V("RFC822; <anna@club.example> (x)"), V("anna@club.example")},
    {V("anna@club.example"), V("anna@club.example")},
    {V("rfc822;@relay.example:anna@server"), V("")},
    {V("rfc822; /var/mail/anna"), V("")},
    {V("rfc822; |/bin/sh"), V("")},
    {V("X-LOCAL;<anna@club.example>"), V("anna@club.example")},
    {V(""), V("")},
};

static void test_recipient_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(recipients); i++)
        want(recipients[i].value, gp_address_field(recipients[i].value), recipients[i].address);
}

static const struct {
    struct gp_str text, reply, status;
} said[] = {
    {V("550 5.1.1 no"), V("550"), V("5.1.1")},
    {V("550-5.7.26 a 550 5.7.26 b"), V("550"), V("5.7.26")},
    {V("host x[192.0.2.1] said: 421 try later"), V("421"), V("")},
    {V("5.1.0 - Unknown address error 550-'5.2.2 <a@b.example>... full'"), V("550"), V("5.1.0")},
    {V("sorry (#5.1.1 - chkusr)"), V(""), V("5.1.1")},
    {V("Remote Server returned '550 5.1.10 RESOLVER'"), V("550"), V("5.1.10")},
    {V("554 mta1 see http://x.example/codes.php#554"), V("554"), V("")},
    {V("in 450 minutes, 555 Main Street"), V("450"), V("")},
    {V("unable to deliver in 840 minutes"), V(""), V("")},
    {V("192.0.2.1 port 5502"), V(""), V("")},
    {V("1.5.1.1 and 4.2.1.9"), V(""), V("")},
    {V("ERROR_CODE :550, ERROR_CODE :5.1.1 x"), V("550"), V("5.1.1")},
    {V("SMTP; 553 x"), V("553"), V("")},
    {V("id=550 SIZE=554"), V(""), V("")},
    {V("999 666 1.2.3"), V(""), V("")},
    {V(""), V(""), V("")},
};

static void test_codes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(said); i++) {
        want(said[i].text, gp_said_reply(said[i].text), said[i].reply);
        want(said[i].text, gp_said_status(said[i].text), said[i].status);
    }
}

static const struct {
    struct gp_str lower;
    enum gp_report_phase phase;
} phases[] = {
    {V("no (in reply to mail from command)"), GP_PHASE_MAIL},
    {V("no (in reply to rcpt to command)"), GP_PHASE_RCPT},
    {V("no (in reply to end of data command)"), GP_PHASE_DATA},
    {V("host x refused to talk to me: 554 go"), GP_PHASE_CONNECT},
    {V("smtp error from remote mail server after initial connection"), GP_PHASE_CONNECT},
    {V("smtp error from remote mail server after end of data"), GP_PHASE_DATA},
    {V(">>> rcpt to:<a@b> <<< 550 no"), GP_PHASE_RCPT},
    {V(">>> mail from:<a@b> <<< 250 ok >>> rcpt to:<c@d> <<< 550 no >>> quit"), GP_PHASE_RCPT},
    {V(">>> data <<< 550 no <<< 503 need rcpt"), GP_PHASE_DATA},
    {V("no words about it"), GP_PHASE_NOT_SAID},
};

static void test_phases(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(phases); i++) {
        if (gp_said_phase(phases[i].lower) != phases[i].phase)
            fail_msg("%.*s", GP_STR_FMT(phases[i].lower));
    }
}

static const struct {
    struct gp_str text, host;
} hosts[] = {
    {V("host mx.club.example[192.0.2.1] said: 550"), V("mx.club.example")},
    {V("... while talking to mx.club.example.:"), V("mx.club.example")},
    {V("mx.club.example [192.0.2.1] did not like our RCPT TO: 550"), V("mx.club.example")},
    {V("rejected by the server for the recipient domain club.example by mx.club.example. [192.0.2.1]."),
     V("mx.club.example")},
    {V("192.0.2.1] did not like our RCPT TO"), V("192.0.2.1")},
    {V("host unknown"), V("")},
};

static void test_hosts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(hosts); i++)
        want(hosts[i].text, gp_said_host(hosts[i].text), hosts[i].host);
}

/* what may stand between the text for people and the returned message; none of the tails may be read as evidence */
static const struct gp_str separators[] = {
    V("--- Below this line is a copy of the message.\n"),
    V("--- Enclosed is a copy of the message.\n"),
    V("------ This is a copy of the message, including all the headers. ------\n"),
    V("------ This is a copy of your message, including all the headers. ------\n"),
    V("----- Original message -----\n"),
    V("-----Original Message-----\n"),
    V("   ----- Unsent message follows -----\n"),
    V("   ----- Original message follows -----\n"),
    V("   ----- Message header follows -----\n"),
    V("--- Original message follows.\n"),
    V("Original message follows.\n"),
    V("Message headers follow.\n"),
    V("Original message headers:\n"),
    V("Original Message:\n"),
    V("--- The header of the original message is following. ---\n"),
    V("Included is a copy of the message header:\n-----------------------------------------\n"),
    V("------- Returned Message --------\n"),
    V("-------original message\n"),
    V("-------original mail info\n"),
    V("    Below is a copy of the original message:\n"),
    V("|------------------------- Message header follows: ----------------------|\n"),
    V("|------------------------- Message text follows: ------------------------|\n"),
    V("Original mail as follows:\n"),
    V("A copy of the original message below this line:\n"),
    V("----------------------------------------\n"),
    V(""),
};

static void test_separators(void **state)
{
    static const struct gp_str head = V("It failed.\n\n"),
                               tail = V("Return-Path: <a@b.example>\nSubject: full\n\nfull\n");
    (void)state;
    for (size_t i = 0; i < COUNT(separators); i++) {
        char text[512];
        struct gp_human human;
        struct gp_buf b = gp_buf_on(text, sizeof text);
        gp_buf_put(&b, head);
        gp_buf_put(&b, separators[i]);
        gp_buf_put(&b, tail);
        gp_human_open(&memory, gp_buf_str(&b), &human);
        if (gp_text_has(human.text, GP_STR("full")))
            fail_msg("not at \"%.*s\"", GP_STR_FMT(separators[i]));
        want(separators[i], human.returned, tail);
        assert_int_equal(human.text.n, human.lower.n);
    }
}

static const struct gp_str no_separators[] = {
    V("The original message was received at Monday\n"),
    V("Your message\n\n  To: a@b.example\n  Subject: x\n"),
    V("----- Transcript of session follows -----\n"),
    V("------- Failure Reasons  --------\n"),
    V("-------server message\n"),
    V("Message details:\n"),
    V("----------\nSubject: x\n\nnot delivered\n"),
};

static void test_no_separators(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(no_separators); i++) {
        struct gp_human human;
        gp_human_open(&memory, no_separators[i], &human);
        want(no_separators[i], human.text, no_separators[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_charsets, forget),
        cmocka_unit_test_teardown(test_words, forget),
        cmocka_unit_test_teardown(test_html, forget),
        cmocka_unit_test_teardown(test_flat, forget),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_long_addresses),
        cmocka_unit_test(test_recipient_fields),
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_phases),
        cmocka_unit_test(test_hosts),
        cmocka_unit_test_teardown(test_separators, forget),
        cmocka_unit_test_teardown(test_no_separators, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
