/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * verdict.c - the reply table is the contract with agencies: codes agree, texts are exact, reasons cannot inject
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "shared/verdict.h"

static void exact_lines(void **state)
{
    (void)state;
    static const struct {
        enum gp_reason reason;
        const char *id, *line;
    } cases[] = {
        {GP_RECIPIENT_LIMIT, "recipient-limit", "452 4.5.3 Service unavailable, recipient per message limit reached"},
        {GP_SESSION_LIMIT, "session-limit", "421 4.4.5 Service unavailable, concurrency limit reached"},
        {GP_RECONFIGURING, "reconfiguring", "421 4.3.2 Reconfiguration in progress"},
        {GP_RECIPIENT_SYNTAX, "recipient-syntax", "501 5.5.2 RCPT TO syntax error"},
        {GP_SENDER_DOMAIN, "sender-domain",
         "451 4.7.1 General failure, this is a private mailfrom domain, usage is not permitted"},
        {GP_SENDER_DOMAIN_REJECT, "sender-domain",
         "550 5.7.1 General failure, this is a private mailfrom domain, usage is not permitted"},
        {GP_PACKAGE, "package", "452 4.7.1 Too many recipients received based on tier configuration"},
        {GP_MESSAGE_SIZE, "message-size", "552 5.3.4 message size limit exceeded"},
        {GP_RATE, "rate", "450 4.7.1 Rate limit reached, retry later"},
        {GP_NOT_PERMITTED, "not-permitted", "554 5.7.1 Address not permitted to relay"},
        {GP_BLOCKED, "blocked", "554 5.7.1 Blocked: ticket 7"},
        {GP_BLOCKED_TEMPORARILY, "blocked-temporarily", "421 4.7.1 Blocked temporarily: ticket 7"},
        {GP_LOGIN_BAN, "login-ban", "421 4.7.0 Too many failed logins, try again later"},
        {GP_PAUSED, "paused", "450 4.7.1 Paused: ticket 7"},
        {GP_MESSAGES_PER_SESSION, "messages-per-session", "421 4.7.0 Too many messages in this session, reconnect"},
        {GP_SESSION_TIME, "session-time", "421 4.7.0 Session too long, reconnect"},
        {GP_SPF_REJECT, "spf", "550 5.7.23 Sender domain does not authorize this relay"},
        {GP_SPF_DEFER, "spf", "450 4.7.23 Sender domain does not authorize this relay"},
        {GP_UNSIGNED, "unsigned", "451 4.7.5 Message could not be signed, retry later"},
        {GP_LOGIN_REQUIRED, "login-required", "530 5.7.0 Login required"},
        {GP_SUPPRESSED, "suppressed", "550 5.7.1 Recipient suppressed: ticket 7"},
        {GP_AUTO_REPLY_LIMIT, "auto-reply-limit", "550 5.7.1 Too many automatic replies to this recipient"},
        {GP_RETURN_FORGED, "token-forged", "550 5.1.1 No such return path"},
        {GP_HEADERS, "headers", "554 5.6.0 Too many X-Gatepost or List-Unsubscribe headers"},
        {GP_HEADERS_SIZE, "headers", "554 5.6.0 Headers too large to be signed"},
        {GP_INTERNAL, "internal", "451 4.3.0 General failure, please retry again or contact the support"},
    };
    _Static_assert(sizeof cases / sizeof cases[0] == GP_REASON_COUNT - 1, "every reply has its line here");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct gp_reply *r = gp_reply_of(cases[i].reason);
        struct gp_verdict v = gp_verdict_of(cases[i].reason, GP_STR("ticket 7"));
        char text[GP_REPLY_TEXT_MAX], line[GP_REPLY_TEXT_MAX + 16];
        gp_reply_text(&v, text);
        struct gp_buf b = gp_buf_on(line, sizeof line);
        gp_buf_printf(&b, "%s %s %s", r->code, r->enhanced, text);
        assert_string_equal(line, cases[i].line);
        assert_string_equal(r->reason, cases[i].id);
        assert_int_equal(r->code[0], r->enhanced[0]); /* or libmilter sends neither */
    }
}

static void every_reply_has_a_meaning(void **state)
{
    (void)state;
    for (unsigned i = 0; i < GP_REASON_COUNT; i++) {
        const struct gp_reply_meaning *m = gp_reply_meaning_of((enum gp_reason)i);
        if (m->who == NULL || m->means == NULL || m->administrator == NULL || m->submitter == NULL)
            fail_msg("%s %s", gp_reply_of((enum gp_reason)i)->code, gp_reply_of((enum gp_reason)i)->reason);
    }
}

static void hostile_reasons(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct gp_str in;
        const char *out;
    } cases[] = {
        {"line break", GP_STR("a\r\n250 ok"), "Paused: a  250 ok"},
        {"empty", GP_STR(""), "Paused: by the operator"},
        {"blanks", GP_STR(" \t\n"), "Paused: by the operator"},
        {"nul", GP_STR("a\0b"), "Paused: a b"},
        {"percent", GP_STR("100% %s"), "Paused: 100% %s"},
        {"utf-8", GP_STR("gr\xc3\xbc\xc3\x9f"), "Paused: gr\xc3\xbc\xc3\x9f"},
        {"broken utf-8", GP_STR("gr\xc3"), "Paused: gr?"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[GP_REPLY_TEXT_MAX];
        struct gp_verdict v = gp_verdict_of(GP_PAUSED, cases[i].in);
        gp_reply_text(&v, text);
        if (strcmp(text, cases[i].out) != 0)
            fail_msg("%s: \"%s\"", cases[i].name, text);
    }
}

static void long_reasons_are_cut_between_characters(void **state)
{
    (void)state;
    char text[1000];
    for (size_t i = 0; i + 1 < sizeof text; i += 2)
        memcpy(text + i, "\xc3\xbc", 2);
    for (size_t start = 0; start < 2; start++) {
        struct gp_verdict v = gp_verdict_of(GP_PAUSED, (struct gp_str){text + start, sizeof text - start});
        assert_true(strlen(v.detail) <= GP_DETAIL_MAX);
        assert_true(gp_str_utf8(gp_str_z(v.detail)));
    }
    /* one octet before the cut makes the cut fall inside a character */
    text[0] = 'a';
    text[1] = 'b';
    text[2] = 'c';
    memmove(text + 3, text + 4, sizeof text - 4);
    struct gp_verdict v = gp_verdict_of(GP_PAUSED, (struct gp_str){text, sizeof text - 1});
    assert_true(strlen(v.detail) == GP_DETAIL_MAX - 1);
    assert_true(gp_str_utf8(gp_str_z(v.detail)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_lines),
        cmocka_unit_test(every_reply_has_a_meaning),
        cmocka_unit_test(hostile_reasons),
        cmocka_unit_test(long_reasons_are_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
