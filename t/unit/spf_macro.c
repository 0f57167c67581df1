/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * spf_macro.c - macro-strings of SPF records: the names they stand for
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/spf_macro.h"

#include "shared/spf_record.h"

#include <string.h>

static const char *expand(const char *text, const char *ip, const char *local, char out[GP_SPF_NAME_MAX + 1])
{
    struct gp_ip from;
    struct gp_buf b = gp_buf_on(out, GP_SPF_NAME_MAX + 1);
    assert_true(gp_ip_parse(gp_str_z(ip), &from));
    struct gp_spf_values values = {gp_str_z(local), GP_STR("email.example.com"), GP_STR("sub.example.com"), &from};
    const char *why = gp_spf_expand(gp_str_z(text), &values, &b);
    assert_false(b.full);
    return why;
}

/* The first rows are the examples of RFC 7208 7.4. */
static void test_names(void **state)
{
    static const struct {
        const char *text, *ip, *name;
    } table[] = {
        {"%{o}", "192.0.2.3", "email.example.com"},
        {"%{d}", "192.0.2.3", "sub.example.com"},
        {"%{o4}", "192.0.2.3", "email.example.com"},
        {"%{o3}", "192.0.2.3", "email.example.com"},
        {"%{o2}", "192.0.2.3", "example.com"},
        {"%{or}.x", "192.0.2.3", "com.example.email.x"},
        {"%{o2r}.x", "192.0.2.3", "example.email.x"},
        {"%{l}.x.y", "192.0.2.3", "strong-bad.x.y"},
        {"%{l-}.x.y", "192.0.2.3", "strong.bad.x.y"},
        {"%{lr}.x.y", "192.0.2.3", "strong-bad.x.y"},
        {"%{lr-}.x.y", "192.0.2.3", "bad.strong.x.y"},
        {"%{l1r-}.x.y", "192.0.2.3", "strong.x.y"},
        {"%{ir}.%{v}._spf.%{d2}", "192.0.2.3", "3.2.0.192.in-addr._spf.example.com"},
        {"%{lr-}.lp._spf.%{d2}", "192.0.2.3", "bad.strong.lp._spf.example.com"},
        {"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "192.0.2.3", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
        {"%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "192.0.2.3", "3.2.0.192.in-addr.strong.lp._spf.example.com"},
        {"%{d2}.trusted-domains.example.net", "192.0.2.3", "example.com.trusted-domains.example.net"},
        {"%{ir}.%{v}._spf.%{d2}", "2001:db8::cb01",
         "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com"},
        {"%{i}.x.y", "192.0.2.3", "192.0.2.3.x.y"},
        {"%{D}", "192.0.2.3", "sub.example.com"},
        {"%{d99999999999999999999}", "192.0.2.3", "sub.example.com"},
        {"%{s}.y", "192.0.2.3", "strong-bad@email.example.com.y"},
        {"plain.x", "192.0.2.3", "plain.x"},
    };
    char name[GP_SPF_NAME_MAX + 1];
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const char *why = expand(table[i].text, table[i].ip, "strong-bad", name);
        if (why != NULL)
            fail_msg("%s: %s", table[i].text, why);
        assert_string_equal(name, table[i].name);
    }
}

static void test_what_has_no_name(void **state)
{
    static const struct {
        const char *text, *local;
    } table[] = {
        {"%{p}.x.y", "a"},
        {"%{h}", "a"},
        {"a%_b.x.y", "a"},
        {"a%%b.x.y", "a"},
        {"a%-b.x.y", "a"},
        {"%{l}.x.y", ""},
        {"%{l}.x.y", "a..b"},
        {"%{l}.x.y", "a b"},
        {"%{l}.x.y", "a\\b"},
        {"%{S}.x.y", "a"},
        {"%{i}", "a"},
        {"%{d1}", "a"},
        {"%{l}.x.y", "\xff"},
        {"%{l", "a"},
        {"%{l}.x.y", "a1234567890123456789012345678901234567890123456789012345678901234567890"},
    };
    char name[GP_SPF_NAME_MAX + 1];
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (expand(table[i].text, "192.0.2.3", table[i].local, name) == NULL)
            fail_msg("%s with %s became %s", table[i].text, table[i].local, name);
        assert_string_equal(name, "");
    }
}

static void test_long_names_lose_their_front(void **state)
{
    char text[2000], name[GP_SPF_NAME_MAX + 1];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    (void)state;
    for (int i = 0; i < 40; i++)
        gp_buf_putz(&b, "%{d}.");
    gp_buf_putz(&b, "end.x");
    assert_null(expand(text, "192.0.2.3", "a", name));
    assert_int_equal(strlen(name), 249);
    assert_int_equal(strncmp(name, "com.sub.example.com.", 20), 0);
    assert_string_equal(name + 249 - 21, "sub.example.com.end.x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_what_has_no_name),
        cmocka_unit_test(test_long_names_lose_their_front),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
