/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ctl_verb.c - a command line names its verb and is read as the verb's row allows, or is wrong usage that says why
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "ctl/verb.h"

#define WORDS_MAX 10
#define WHY (GP_CTL_REASON | GP_CTL_REASON_NEEDED)

static const struct gp_ctl_verb verbs[] = {
    {"limits", "", "", GP_CTL_JSON, 0, 1, NULL},        {"limit set", "", "", WHY | GP_CTL_FOR, 3, 3, NULL},
    {"limit clear", "", "", GP_CTL_REASON, 2, 2, NULL}, {"history", "", "", GP_CTL_LAST, 0, 0, NULL},
    {"check-address", "", "", GP_CTL_RAW, 1, 1, NULL},
    {"dkim new", "", "", GP_CTL_SELECTOR | GP_CTL_TYPE | GP_CTL_OUT, 1, 1, NULL},
    {"spf test", "", "", GP_CTL_IP | GP_CTL_SENDER | GP_CTL_SERVER | GP_CTL_VERIFY, 0, 1, NULL},
};

/* The words of a NULL-terminated list, as main() would get them. */
static int count(char *const words[WORDS_MAX])
{
    int n = 0;
    while (n < WORDS_MAX && words[n] != NULL)
        n++;
    return n;
}

static void verbs_are_found(void **state)
{
    (void)state;
    static const struct {
        char *words[WORDS_MAX];
        const char *verb;
        int taken;
    } cases[] = {
        {{"limits"}, "limits", 1},
        {{"limits", "set"}, "limits", 1},
        {{"limit", "set", "dol"}, "limit set", 2},
        {{"limit", "clear"}, "limit clear", 2},
        {{"limit"}, NULL, 0},
        {{"limit", "dol"}, NULL, 0},
        {{"Limits"}, NULL, 0},
        {{"limit set"}, NULL, 0},
        {{""}, NULL, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *words[WORDS_MAX];
        int taken;
        memcpy(words, cases[i].words, sizeof words);
        const struct gp_ctl_verb *v = gp_ctl_verb_find(verbs, 5, count(words), words, &taken);
        if (cases[i].verb == NULL) {
            assert_null(v);
            continue;
        }
        assert_non_null(v);
        assert_string_equal(v->name, cases[i].verb);
        assert_int_equal(taken, cases[i].taken);
    }
}

static void command_lines(void **state)
{
    (void)state;
    static const struct {
        size_t verb;
        char *words[WORDS_MAX];
        const char *wrong; /* part of what is told; NULL: it is right */
        int n;
        const char *reason;
        uint32_t for_s;
    } cases[] = {
        {0, {"limits"}, NULL, 0, "", 0},
        {0, {"limits", "dol", "--json"}, NULL, 1, "", 0},
        {0, {"limits", "--json", "dol"}, NULL, 1, "", 0},
        {0, {"limits", "dol", "doe"}, "too many", 0, "", 0},
        {0, {"limits", "--for", "1h"}, "no such option", 0, "", 0},
        {0, {"limits", "--nonsense"}, "no such option", 0, "", 0},
        {1, {"set", "dol", "rate", "9/1m", "--reason", "why"}, NULL, 3, "why", 0},
        {1, {"set", "--for=2h", "dol", "rate", "9/1m", "--reason=w"}, NULL, 3, "w", 7200},
        {1, {"set", "dol", "rate", "9/1m"}, "--reason TEXT is missing", 0, "", 0},
        {1, {"set", "dol", "rate", "9/1m", "--reason"}, "lacks its value", 0, "", 0},
        {1, {"set", "dol", "rate", "9/1m", "--reason", ""}, "says nothing", 0, "", 0},
        {1, {"set", "dol", "rate", "9/1m", "--reason", " \t\n"}, "says nothing", 0, "", 0},
        {1, {"set", "dol", "rate", "9/1m", "--reason", "a\nb\033[1m"}, NULL, 3, "a b [1m", 0},
        {1, {"set", "dol", "rate", "--reason", "w"}, "argument is missing", 0, "", 0},
        {1, {"set", "a", "b", "c", "--for", "1s", "--reason", "w"}, NULL, 3, "w", 1},
        {1, {"set", "a", "b", "c", "--for", "30d", "--reason", "w"}, NULL, 3, "w", 2592000},
        {1, {"set", "a", "b", "c", "--for", "2592001s", "--reason", "w"}, "1s to 30d", 0, "", 0},
        {1, {"set", "a", "b", "c", "--for", "0s", "--reason", "w"}, "1s to 30d", 0, "", 0},
        {1, {"set", "a", "b", "c", "--for", "12", "--reason", "w"}, "1s to 30d", 0, "", 0},
        {1, {"set", "a", "b", "c", "--for", "-1h", "--reason", "w"}, "1s to 30d", 0, "", 0},
        {2, {"clear", "dol", "rate"}, NULL, 2, "", 0},
        {2, {"clear", "dol", "rate", "--json"}, "no such option", 0, "", 0},
        {3, {"history", "--last", "0"}, "1 to 100000", 0, "", 0},
        {3, {"history", "--last", "5x"}, "1 to 100000", 0, "", 0},
        {5, {"new", "dol.gov", "--sender", "a@b"}, "no such option", 0, "", 0},
        {5, {"new", "dol.gov", "--verify"}, "no such option", 0, "", 0},
        {5, {"new", "dol.gov", "--selector"}, "lacks its value", 0, "", 0},
        {6, {"test", "--out", "f"}, "no such option", 0, "", 0},
        {4, {"check-address", "--help"}, NULL, 1, "", 0},
        {4, {"check-address", "-x"}, NULL, 1, "", 0},
        {4, {"check-address", ""}, NULL, 1, "", 0},
        {4, {"check-address", "--"}, NULL, 1, "", 0},
        {4, {"check-address"}, "argument is missing", 0, "", 0},
        {4, {"check-address", "a", "b"}, "too many", 0, "", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *words[WORDS_MAX];
        struct gp_ctl_args args;
        memcpy(words, cases[i].words, sizeof words);
        const char *wrong = gp_ctl_args_read(&verbs[cases[i].verb], count(words), words, &args);
        if (cases[i].wrong != NULL) {
            assert_non_null(wrong);
            assert_non_null(strstr(wrong, cases[i].wrong));
            continue;
        }
        assert_null(wrong);
        assert_int_equal(args.n, cases[i].n);
        assert_string_equal(args.reason, cases[i].reason);
        assert_int_equal(args.for_s, cases[i].for_s);
    }
}

static void raw_arguments_stay_as_they_are(void **state)
{
    (void)state;
    char *words[] = {"check-address", "--json", NULL};
    struct gp_ctl_args args;
    assert_null(gp_ctl_args_read(&verbs[4], 2, words, &args));
    assert_string_equal(args.arg[0], "--json");
    assert_false(args.json);
}

static void texts_stay_as_they_are(void **state)
{
    (void)state;
    char *new[] = {"new", "--selector", "gp1", "dol.gov", "--type=rsa", "--out", "/tmp/k", NULL};
    char *test[] = {"test", "--ip", "192.0.2.1", "--sender", "a@b", "--server", "[::1]:53", "--verify", NULL};
    struct gp_ctl_args args;
    assert_null(gp_ctl_args_read(&verbs[5], 7, new, &args));
    assert_string_equal(args.arg[0], "dol.gov");
    assert_string_equal(args.selector, "gp1");
    assert_string_equal(args.type, "rsa");
    assert_string_equal(args.file, "/tmp/k");
    assert_null(args.ip);
    assert_false(args.verify);
    assert_null(gp_ctl_args_read(&verbs[6], 8, test, &args));
    assert_string_equal(args.ip, "192.0.2.1");
    assert_string_equal(args.sender, "a@b");
    assert_string_equal(args.server, "[::1]:53");
    assert_true(args.verify);
    assert_null(args.selector);
}

static void help_comes_before_missing_arguments(void **state)
{
    (void)state;
    char *words[] = {"set", "-h", NULL};
    struct gp_ctl_args args;
    assert_null(gp_ctl_args_read(&verbs[1], 2, words, &args));
    assert_true(args.help);
}

static void long_reasons_are_cut(void **state)
{
    (void)state;
    char text[1000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    char *words[] = {"clear", "dol", "rate", "--reason", text, NULL};
    struct gp_ctl_args args;
    assert_null(gp_ctl_args_read(&verbs[2], 5, words, &args));
    assert_int_equal(strlen(args.reason), GP_CTL_REASON_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verbs_are_found),
        cmocka_unit_test(command_lines),
        cmocka_unit_test(raw_arguments_stay_as_they_are),
        cmocka_unit_test(texts_stay_as_they_are),
        cmocka_unit_test(help_comes_before_missing_arguments),
        cmocka_unit_test(long_reasons_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
