/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * keys.c - the names in memcached are a contract with operators' scripts
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/config.h"
#include "shared/keys.h"

#include <string.h>

static struct gp_ip ip_of(const char *text)
{
    struct gp_ip ip;
    assert_true(gp_ip_parse(gp_str_z(text), &ip));
    return ip;
}

static void test_names(void **state)
{
    char key[GP_KEY_MAX];
    struct gp_ip four = ip_of("192.0.2.10"), mapped = ip_of("::ffff:192.0.2.10"), six = ip_of("2001:DB8:0:0::1");
    (void)state;
    gp_key_usage(key, "gp", "dol");
    assert_string_equal(key, "gp:usage:dol");
    gp_key_sessions(key, "gp", "dol");
    assert_string_equal(key, "gp:sessions:dol");
    gp_key_block_agency(key, "gp", "dol");
    assert_string_equal(key, "gp:block:dol");
    gp_key_pause(key, "other", "dol");
    assert_string_equal(key, "other:pause:dol");
    gp_key_block_address(key, "gp", &four);
    assert_string_equal(key, "gp:block:192.0.2.10");
    gp_key_block_address(key, "gp", &mapped);
    assert_string_equal(key, "gp:block:192.0.2.10"); /* one address, one key */
    gp_key_ban(key, "gp", &six);
    assert_string_equal(key, "gp:ban:2001:db8::1");
    gp_key_failures(key, "gp", &mapped);
    assert_string_equal(key, "gp:failures:192.0.2.10");
    static const char *const limits[GP_LIMIT_COUNT] = {"gp:limit:dol:recipients_per_message",
                                                       "gp:limit:dol:message_size",
                                                       "gp:limit:dol:sessions",
                                                       "gp:limit:dol:messages_per_session",
                                                       "gp:limit:dol:session_time",
                                                       "gp:limit:dol:rate",
                                                       "gp:limit:dol:package",
                                                       "gp:limit:dol:failed_logins",
                                                       "gp:limit:dol:auto_replies"};
    for (int i = 0; i < GP_LIMIT_COUNT; i++) {
        gp_key_limit(key, "gp", "dol", (enum gp_limit_name)i);
        assert_string_equal(key, limits[i]);
    }
}

static void test_the_longest_fits(void **state)
{
    char key[GP_KEY_MAX], prefix[17], agency[GP_AGENCY_NAME_MAX + 1];
    (void)state;
    memset(prefix, 'p', 16);
    prefix[16] = '\0';
    memset(agency, 'a', GP_AGENCY_NAME_MAX);
    agency[GP_AGENCY_NAME_MAX] = '\0';
    gp_key_limit(key, prefix, agency, GP_LIMIT_RECIPIENTS_PER_MESSAGE);
    assert_int_equal(strlen(key), 16 + 7 + GP_AGENCY_NAME_MAX + 1 + strlen("recipients_per_message"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_the_longest_fits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
