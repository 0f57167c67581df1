/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * policy_request.c - what Postfix sends is understood, anything else is malformed or ignored, as the header promises
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "policyd/request.h"

#define POLICY "request=smtpd_access_policy\n"

static void assert_view(struct gp_str view, const char *expected)
{
    assert_true(gp_str_eq(view, gp_str_z(expected)));
}

static void attributes(void **state)
{
    (void)state;
    struct gp_request r;
    const char *raw = POLICY "protocol_state=RCPT\nclient_address=2001:db8::1\nclient_name=x=y\nsender=a=b@c\n"
                             "recipient=q u@dest.test\nqueue_id=4jWbms683Gz1c77h\nsasl_username=joe\n"
                             "policy_context=gatepost-return\nfuture_attribute=\n";
    assert_null(gp_request_parse(gp_str_z(raw), &r));
    assert_int_equal(r.stage, GP_STAGE_RCPT);
    assert_view(r.client, "2001:db8::1");
    assert_view(r.profile, "gatepost-return");
    assert_view(r.sender, "a=b@c");
    assert_view(r.recipient, "q u@dest.test");
    assert_view(r.queue_id, "4jWbms683Gz1c77h");
    assert_view(r.login, "joe");
    assert_null(gp_request_parse(GP_STR(POLICY), &r));
    assert_int_equal(r.stage, GP_STAGE_OTHER);
    assert_int_equal(r.client.n + r.profile.n + r.sender.n + r.recipient.n + r.queue_id.n + r.login.n, 0);
}

static void stages(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum gp_stage stage;
        const char *label;
    } cases[] = {
        {"CONNECT", GP_STAGE_CONNECT, "CONNECT"},
        {"XCLIENT", GP_STAGE_CONNECT, "CONNECT"},
        {"RCPT", GP_STAGE_RCPT, "RCPT"},
        {"EHLO", GP_STAGE_OTHER, "OTHER"},
        {"HELO", GP_STAGE_OTHER, "OTHER"},
        {"MAIL", GP_STAGE_OTHER, "OTHER"},
        {"DATA", GP_STAGE_OTHER, "OTHER"},
        {"END-OF-MESSAGE", GP_STAGE_OTHER, "OTHER"},
        {"VRFY", GP_STAGE_OTHER, "OTHER"},
        {"ETRN", GP_STAGE_OTHER, "OTHER"},
        {"", GP_STAGE_OTHER, "OTHER"},
        {"rcpt", GP_STAGE_OTHER, "OTHER"},
        {"RCPT ", GP_STAGE_OTHER, "OTHER"},
        {"RCPT\r", GP_STAGE_OTHER, "OTHER"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char raw[128];
        struct gp_request r;
        struct gp_buf b = gp_buf_on(raw, sizeof raw);
        gp_buf_printf(&b, POLICY "protocol_state=%s\n", cases[i].name);
        assert_null(gp_request_parse(gp_buf_str(&b), &r));
        assert_int_equal(r.stage, cases[i].stage);
        assert_string_equal(gp_stage_label(r.stage), cases[i].label);
    }
}

static void malformed(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct gp_str raw;
        const char *why;
    } cases[] = {
        {"nothing", GP_STR(""), "an empty request"},
        {"no '='", GP_STR(POLICY "protocol_state\n"), "a line without '='"},
        {"no '=' in an unknown line", GP_STR(POLICY "surprise\nsender=\n"), "a line without '='"},
        {"an empty line within", GP_STR(POLICY "\nsender=\n"), "a line without '='"},
        {"no name", GP_STR(POLICY "=x\n"), "an attribute without a name"},
        {"NUL in a value", GP_STR(POLICY "sender=a\0b\n"), "a NUL"},
        {"NUL in an unknown name", GP_STR(POLICY "x\0y=\n"), "a NUL"},
        {"ours twice", GP_STR(POLICY "sender=a\nsender=b\n"), "an attribute that stands twice"},
        {"ours twice, alike", GP_STR(POLICY "client_address=\nclient_address=\n"), "an attribute that stands twice"},
        {"request twice", GP_STR(POLICY POLICY), "an attribute that stands twice"},
        {"no request", GP_STR("protocol_state=RCPT\n"), "not request=smtpd_access_policy"},
        {"another request", GP_STR("request=junk\n"), "not request=smtpd_access_policy"},
        {"request and more", GP_STR("request=smtpd_access_policy2\n"), "not request=smtpd_access_policy"},
        {"CR LF", GP_STR("request=smtpd_access_policy\r\n"), "not request=smtpd_access_policy"},
        {"HTTP", GP_STR("GET / HTTP/1.1\n"), "a line without '='"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct gp_request r;
        const char *why = gp_request_parse(cases[i].raw, &r);
        if (why == NULL || strcmp(why, cases[i].why) != 0)
            fail_msg("%s: %s, expected %s", cases[i].name, why == NULL ? "accepted" : why, cases[i].why);
    }
}

static void harmless(void **state)
{
    (void)state;
    struct gp_request r;
    assert_null(gp_request_parse(GP_STR(POLICY "x=1\nx=2\nxx==\n"), &r)); /* unknown ones may repeat */
    assert_null(gp_request_parse(GP_STR(POLICY "sender=a\r\n"), &r));
    assert_view(r.sender, "a\r");
    assert_null(gp_request_parse(GP_STR("request=smtpd_access_policy"), &r)); /* the last LF may be the empty line's */
    assert_null(gp_request_parse(GP_STR(POLICY "Sender=a\n"), &r));
    assert_view(r.sender, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attributes),
        cmocka_unit_test(stages),
        cmocka_unit_test(malformed),
        cmocka_unit_test(harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
