/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * limit.c - tests of the text forms of limits
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/limit.h"

#include <string.h>

#define REFUSED NULL

/* What each text reads as, written back; REFUSED: not a value of this limit. */
static const struct {
    enum gp_limit_name name;
    const char *text, *canonical;
} texts[] = {
    {GP_LIMIT_RECIPIENTS_PER_MESSAGE, "1", "1"},
    {GP_LIMIT_RECIPIENTS_PER_MESSAGE, "0", REFUSED},
    {GP_LIMIT_RECIPIENTS_PER_MESSAGE, "2", REFUSED},
    {GP_LIMIT_RECIPIENTS_PER_MESSAGE, "18446744073709551617", REFUSED}, /* 2^64 + 1 */
    {GP_LIMIT_RECIPIENTS_PER_MESSAGE, "", REFUSED},

    {GP_LIMIT_MESSAGE_SIZE, "1", "1"},
    {GP_LIMIT_MESSAGE_SIZE, "1023", "1023"},
    {GP_LIMIT_MESSAGE_SIZE, "1024", "1K"},
    {GP_LIMIT_MESSAGE_SIZE, "204800", "200K"},
    {GP_LIMIT_MESSAGE_SIZE, "1536K", "1536K"},
    {GP_LIMIT_MESSAGE_SIZE, "14M", "14M"},
    {GP_LIMIT_MESSAGE_SIZE, "1024M", "1G"},
    {GP_LIMIT_MESSAGE_SIZE, "1G", "1G"},
    {GP_LIMIT_MESSAGE_SIZE, "1073741825", REFUSED},
    {GP_LIMIT_MESSAGE_SIZE, "2G", REFUSED},
    {GP_LIMIT_MESSAGE_SIZE, "17179869184G", REFUSED}, /* 2^34 G is 2^64 */
    {GP_LIMIT_MESSAGE_SIZE, "0", REFUSED},
    {GP_LIMIT_MESSAGE_SIZE, "0M", REFUSED},
    {GP_LIMIT_MESSAGE_SIZE, "-1", REFUSED},
    {GP_LIMIT_MESSAGE_SIZE, "+1", REFUSED},
    {GP_LIMIT_MESSAGE_SIZE, " 1", REFUSED},
    {GP_LIMIT_MESSAGE_SIZE, "1 ", REFUSED},
    {GP_LIMIT_MESSAGE_SIZE, "1 M", REFUSED},
    {GP_LIMIT_MESSAGE_SIZE, "1.5M", REFUSED},
    {GP_LIMIT_MESSAGE_SIZE, "1T", REFUSED},
    {GP_LIMIT_MESSAGE_SIZE, "M", REFUSED},
    {GP_LIMIT_MESSAGE_SIZE, "0x10", REFUSED},

    {GP_LIMIT_SESSIONS, "1", "1"},
    {GP_LIMIT_SESSIONS, "65535", "65535"},
    {GP_LIMIT_SESSIONS, "65536", REFUSED},
    {GP_LIMIT_SESSIONS, "4294967297", REFUSED}, /* 2^32 + 1 */
    {GP_LIMIT_SESSIONS, "0", REFUSED},
    {GP_LIMIT_SESSIONS, "-4", REFUSED},
    {GP_LIMIT_SESSIONS, "4K", REFUSED},
    {GP_LIMIT_SESSIONS, "", REFUSED},
    {GP_LIMIT_MESSAGES_PER_SESSION, "1", "1"},
    {GP_LIMIT_MESSAGES_PER_SESSION, "65535", "65535"},
    {GP_LIMIT_MESSAGES_PER_SESSION, "65536", REFUSED},
    {GP_LIMIT_MESSAGES_PER_SESSION, "0", REFUSED},
    {GP_LIMIT_MESSAGES_PER_SESSION, "100 ", REFUSED},

    {GP_LIMIT_SESSION_TIME, "1s", "1s"},
    {GP_LIMIT_SESSION_TIME, "60s", "1m"},
    {GP_LIMIT_SESSION_TIME, "90s", "90s"},
    {GP_LIMIT_SESSION_TIME, "60m", "1h"},
    {GP_LIMIT_SESSION_TIME, "7d", "7d"},
    {GP_LIMIT_SESSION_TIME, "604801s", REFUSED},
    {GP_LIMIT_SESSION_TIME, "8d", REFUSED},
    {GP_LIMIT_SESSION_TIME, "213503982334602d", REFUSED}, /* wraps in 64 bits */
    {GP_LIMIT_SESSION_TIME, "0s", REFUSED},
    {GP_LIMIT_SESSION_TIME, "3600", REFUSED},
    {GP_LIMIT_SESSION_TIME, "1w", REFUSED},
    {GP_LIMIT_SESSION_TIME, "-1h", REFUSED},
    {GP_LIMIT_SESSION_TIME, "1 h", REFUSED},

    {GP_LIMIT_RATE, "0", "0"},
    {GP_LIMIT_RATE, "150/1m", "150/1m"},
    {GP_LIMIT_RATE, "150/60s,1000/10m", "150/1m,1000/10m"},
    {GP_LIMIT_RATE, "1000000000000/48h", "1000000000000/2d"},
    {GP_LIMIT_RATE, "1/1s,2/2s,3/3s,4/4s,5/5s,6/6s,7/7s,8/8s", "1/1s,2/2s,3/3s,4/4s,5/5s,6/6s,7/7s,8/8s"},
    {GP_LIMIT_RATE,
     "1000000000000/172799s,1000000000000/172799s,1000000000000/172799s,1000000000000/172799s,"
     "1000000000000/172799s,1000000000000/172799s,1000000000000/172799s,1000000000000/172799s",
     "1000000000000/172799s,1000000000000/172799s,1000000000000/172799s,1000000000000/172799s,"
     "1000000000000/172799s,1000000000000/172799s,1000000000000/172799s,1000000000000/172799s"},
    {GP_LIMIT_RATE, "1/1s,2/2s,3/3s,4/4s,5/5s,6/6s,7/7s,8/8s,9/9s", REFUSED},
    {GP_LIMIT_RATE, "1000000000001/1m", REFUSED},
    {GP_LIMIT_RATE, "150/172801s", REFUSED},
    {GP_LIMIT_RATE, "150/3d", REFUSED},
    {GP_LIMIT_RATE, "150/0s", REFUSED},
    {GP_LIMIT_RATE, "0/1m", REFUSED},
    {GP_LIMIT_RATE, "150/60", REFUSED},
    {GP_LIMIT_RATE, "150/m", REFUSED},
    {GP_LIMIT_RATE, "150", REFUSED},
    {GP_LIMIT_RATE, "/1m", REFUSED},
    {GP_LIMIT_RATE, "150/", REFUSED},
    {GP_LIMIT_RATE, "150/1m/1m", REFUSED},
    {GP_LIMIT_RATE, "-150/1m", REFUSED},
    {GP_LIMIT_RATE, "150 /1m", REFUSED},
    {GP_LIMIT_RATE, "150/1m, 1000/10m", REFUSED},
    {GP_LIMIT_RATE, "150/1m,", REFUSED},
    {GP_LIMIT_RATE, ",150/1m", REFUSED},
    {GP_LIMIT_RATE, "150/1m,0", REFUSED},
    {GP_LIMIT_RATE, "00", REFUSED},
    {GP_LIMIT_RATE, "", REFUSED},

    {GP_LIMIT_PACKAGE, "0", "0"},
    {GP_LIMIT_PACKAGE, "1/day", "1/day"},
    {GP_LIMIT_PACKAGE, "100000/month", "100000/month"},
    {GP_LIMIT_PACKAGE, "1000000000000/month", "1000000000000/month"},
    {GP_LIMIT_PACKAGE, "1000000000001/month", REFUSED},
    {GP_LIMIT_PACKAGE, "0/day", REFUSED},
    {GP_LIMIT_PACKAGE, "100000", REFUSED},
    {GP_LIMIT_PACKAGE, "100000/", REFUSED},
    {GP_LIMIT_PACKAGE, "100000/Day", REFUSED},
    {GP_LIMIT_PACKAGE, "100000/week", REFUSED},
    {GP_LIMIT_PACKAGE, "100000/days", REFUSED},
    {GP_LIMIT_PACKAGE, "100K/day", REFUSED},
    {GP_LIMIT_PACKAGE, "/day", REFUSED},
    {GP_LIMIT_PACKAGE, "", REFUSED},

    {GP_LIMIT_FAILED_LOGINS, "3/30m", "3/30m"},
    {GP_LIMIT_FAILED_LOGINS, "1/48h", "1/2d"},
    {GP_LIMIT_FAILED_LOGINS, "0", REFUSED},
    {GP_LIMIT_FAILED_LOGINS, "0/30m", REFUSED},
    {GP_LIMIT_FAILED_LOGINS, "3/3d", REFUSED},
    {GP_LIMIT_FAILED_LOGINS, "3/30m,5/1h", REFUSED},
    {GP_LIMIT_AUTO_REPLIES, "5/1d", "5/1d"},
    {GP_LIMIT_AUTO_REPLIES, "5/24h", "5/1d"},
    {GP_LIMIT_AUTO_REPLIES, "5", REFUSED},
    {GP_LIMIT_AUTO_REPLIES, "", REFUSED},
};

/* same - every limit of both reads the same */
static bool same(const struct gp_limits *a, const struct gp_limits *b)
{
    for (unsigned i = 0; i < GP_LIMIT_COUNT; i++) {
        char x[GP_LIMIT_TEXT_MAX], y[GP_LIMIT_TEXT_MAX];
        gp_limit_text(a, (enum gp_limit_name)i, x);
        gp_limit_text(b, (enum gp_limit_name)i, y);
        if (strcmp(x, y) != 0)
            return false;
    }
    return true;
}

static void text_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct gp_limits limits = gp_limits_default;
        char out[GP_LIMIT_TEXT_MAX] = "";
        const char *why = gp_limit_set(&limits, texts[i].name, gp_str_z(texts[i].text));
        bool right = texts[i].canonical == REFUSED ? why != NULL && same(&limits, &gp_limits_default) : why == NULL;
        if (right && why == NULL) {
            gp_limit_text(&limits, texts[i].name, out);
            right = strcmp(out, texts[i].canonical) == 0;
        }
        if (right && why != NULL)
            right = strncmp(why, "must be ", 8) == 0;
        if (!right)
            fail_msg("%s \"%s\": %s, %s", gp_limit_label(texts[i].name), texts[i].text, why != NULL ? why : "taken",
                     out);
    }
}

static void canonical_reads_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct gp_limits limits = gp_limits_default, again = gp_limits_default;
        char out[GP_LIMIT_TEXT_MAX];
        if (gp_limit_set(&limits, texts[i].name, gp_str_z(texts[i].text)) != NULL)
            continue;
        gp_limit_text(&limits, texts[i].name, out);
        assert_null(gp_limit_set(&again, texts[i].name, gp_str_z(out)));
        assert_true(same(&limits, &again));
    }
}

static void one_limit_leaves_the_others(void **state)
{
    (void)state;
    static const struct {
        enum gp_limit_name name;
        const char *text;
    } changes[] = {
        {GP_LIMIT_MESSAGE_SIZE, "14M"},   {GP_LIMIT_SESSIONS, "8"},        {GP_LIMIT_MESSAGES_PER_SESSION, "7"},
        {GP_LIMIT_SESSION_TIME, "2h"},    {GP_LIMIT_RATE, "5000/10m"},     {GP_LIMIT_PACKAGE, "10/day"},
        {GP_LIMIT_FAILED_LOGINS, "9/9m"}, {GP_LIMIT_AUTO_REPLIES, "6/6h"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct gp_limits limits = gp_limits_default;
        char out[GP_LIMIT_TEXT_MAX], standard[GP_LIMIT_TEXT_MAX];
        assert_null(gp_limit_set(&limits, changes[i].name, gp_str_z(changes[i].text)));
        assert_false(same(&limits, &gp_limits_default));
        gp_limit_text(&gp_limits_default, changes[i].name, standard);
        assert_null(gp_limit_set(&limits, changes[i].name, gp_str_z(standard)));
        gp_limit_text(&limits, changes[i].name, out);
        assert_string_equal(out, standard);
        assert_true(same(&limits, &gp_limits_default));
    }
}

static void a_view_is_not_a_string(void **state)
{
    (void)state;
    struct gp_limits limits = gp_limits_default;
    assert_null(gp_limit_set(&limits, GP_LIMIT_SESSIONS, (struct gp_str){"123456", 2}));
    assert_int_equal(limits.sessions, 12);
    assert_non_null(gp_limit_set(&limits, GP_LIMIT_SESSIONS, (struct gp_str){"1\0", 2}));
    assert_non_null(gp_limit_set(&limits, GP_LIMIT_RATE, (struct gp_str){NULL, 0}));
}

static void names_and_defaults(void **state)
{
    (void)state;
    static const struct {
        const char *label, *standard;
        bool live;
    } rows[GP_LIMIT_COUNT] = {
        {"recipients_per_message", "1", false},
        {"message_size", "200K", true},
        {"sessions", "4", true},
        {"messages_per_session", "100", true},
        {"session_time", "1h", true},
        {"rate", "150/1m,1000/10m", true},
        {"package", "0", true},
        {"failed_logins", "3/30m", true},
        {"auto_replies", "5/1d", true},
    };
    for (unsigned i = 0; i < GP_LIMIT_COUNT; i++) {
        char out[GP_LIMIT_TEXT_MAX];
        gp_limit_text(&gp_limits_default, (enum gp_limit_name)i, out);
        assert_string_equal(gp_limit_label((enum gp_limit_name)i), rows[i].label);
        assert_string_equal(out, rows[i].standard);
        assert_int_equal(gp_limit_live((enum gp_limit_name)i), rows[i].live);
        assert_int_equal(gp_limit_find(gp_str_z(rows[i].label)), i);
    }
    assert_int_equal(gp_limit_find(GP_STR("Rate")), GP_LIMIT_COUNT);
    assert_int_equal(gp_limit_find(GP_STR("")), GP_LIMIT_COUNT);
    assert_int_equal(gp_limit_find(GP_STR("rates")), GP_LIMIT_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_forms),
        cmocka_unit_test(canonical_reads_back),
        cmocka_unit_test(one_limit_leaves_the_others),
        cmocka_unit_test(a_view_is_not_a_string),
        cmocka_unit_test(names_and_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
