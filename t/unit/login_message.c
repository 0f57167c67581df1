/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * login_message.c - Dovecot's requests as captured, and everything that is none
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "policyd/login_message.h"

#include <string.h>

#define ALLOW                                                                                                          \
    "{\"device_id\":\"\",\"login\":\"joe\",\"protocol\":\"smtp\",\"pwhash\":\"0e6f\",\"remote\":\"127.0.0.1\","        \
    "\"session_id\":\"\",\"tls\":false}"
#define REPORT(success, reject)                                                                                        \
    "{\"login\":\"joe\",\"remote\":\"2001:DB8::1\",\"success\":" success ",\"policy_reject\":" reject ",\"tls\":"      \
    "false}"

static void good(void **state)
{
    static const struct {
        enum gp_login_command command;
        const char *body, *login, *remote;
        bool success, reject;
    } cases[] = {
        {GP_LOGIN_ALLOW, ALLOW, "joe", "127.0.0.1", false, false},
        {GP_LOGIN_REPORT, REPORT("true", "false"), "joe", "2001:db8::1", true, false},
        {GP_LOGIN_REPORT, REPORT("false", "false"), "joe", "2001:db8::1", false, false},
        {GP_LOGIN_REPORT, REPORT("false", "true"), "joe", "2001:db8::1", false, true},
        {GP_LOGIN_ALLOW, "{}", "", "", false, false},
        {GP_LOGIN_ALLOW, "{\"remote\":null,\"login\":null}", "", "", false, false},
        {GP_LOGIN_ALLOW, "{\"remote\":\"/run/x.sock\",\"login\":\"a\"}", "a", "", false, false},
        {GP_LOGIN_ALLOW, "{\"remote\":\"::ffff:192.0.2.1\"}", "", "192.0.2.1", false, false},
        {GP_LOGIN_ALLOW, "{\"remote\":\"192.0.2.0/24\"}", "", "", false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct gp_login_message m;
        char remote[GP_IP_TEXT] = "";
        const char *why = gp_login_message_parse(cases[i].command, gp_str_z(cases[i].body), &m);
        if (why != NULL)
            fail_msg("%s: %s", cases[i].body, why);
        if (m.remote_known)
            gp_ip_text(&m.remote, remote);
        assert_string_equal(m.login, cases[i].login);
        assert_string_equal(remote, cases[i].remote);
        assert_int_equal(m.success, cases[i].success);
        assert_int_equal(m.policy_reject, cases[i].reject);
    }
}

static void bad(void **state)
{
    static const struct {
        enum gp_login_command command;
        const char *body;
    } cases[] = {
        {GP_LOGIN_ALLOW, ""},
        {GP_LOGIN_ALLOW, "null"},
        {GP_LOGIN_ALLOW, "[]"},
        {GP_LOGIN_ALLOW, "\"joe\""},
        {GP_LOGIN_ALLOW, "{\"login\":\"joe\""},
        {GP_LOGIN_ALLOW, ALLOW "x"},
        {GP_LOGIN_ALLOW, "{\"login\":7}"},
        {GP_LOGIN_ALLOW, "{\"remote\":[\"127.0.0.1\"]}"},
        {GP_LOGIN_ALLOW, "{\"login\":\"a\",\"login\":\"b\"}"},
        {GP_LOGIN_ALLOW, "{\"login\":\"a\\u0000b\"}"},
        {GP_LOGIN_ALLOW, "{\"login\":\"\xFF\"}"},
        {GP_LOGIN_REPORT, ALLOW},
        {GP_LOGIN_REPORT, REPORT("0", "false")},
        {GP_LOGIN_REPORT, REPORT("\"false\"", "false")},
        {GP_LOGIN_REPORT, REPORT("true", "null")},
    };
    char huge[GP_LOGIN_BODY_MAX + 1];
    struct gp_login_message m;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (gp_login_message_parse(cases[i].command, gp_str_z(cases[i].body), &m) == NULL)
            fail_msg("taken: %s", cases[i].body);
    }
    memset(huge, '[', sizeof huge); /* nested as deep as it can be */
    assert_non_null(gp_login_message_parse(GP_LOGIN_ALLOW, (struct gp_str){huge, GP_LOGIN_BODY_MAX}, &m));
    memset(huge, ' ', sizeof huge);
    memcpy(huge, "{}", 2);
    assert_null(gp_login_message_parse(GP_LOGIN_ALLOW, (struct gp_str){huge, GP_LOGIN_BODY_MAX}, &m));
    assert_non_null(gp_login_message_parse(GP_LOGIN_ALLOW, (struct gp_str){huge, sizeof huge}, &m));
}

static void long_names(void **state)
{
    char body[600] = "{\"login\":\"";
    struct gp_login_message m;
    (void)state;
    size_t n = strlen(body);
    memset(body + n, 'x', 400);
    memcpy(body + n + 400, "\"}", 3);
    assert_null(gp_login_message_parse(GP_LOGIN_ALLOW, gp_str_z(body), &m));
    assert_int_equal(strlen(m.login), GP_LOGIN_NAME_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(good), cmocka_unit_test(bad), cmocka_unit_test(long_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
