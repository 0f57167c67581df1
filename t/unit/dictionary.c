/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dictionary.c - tests of dictionaries: which entry decides, what a pattern fits, what is wrong with a line
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "t/unit/dictionary_fixture.h"
#include "t/unit/scratch.h"

/* does the pattern, as the only entry's, fit the text? */
static bool fits(const char *pattern, const char *text)
{
    char line[2000];
    snprintf(line, sizeof line, "* | * | * | %s | rate-limited | none\n", pattern);
    struct gp_dictionary *d = dictionary_of(line, NULL);
    assert_non_null(d);
    struct gp_meaning m = said(d, "", text);
    gp_dictionary_free(d);
    return m.matched;
}

static void patterns(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool fits;
    } rows[] = {
        {"user unknown", "550 User Unknown", true},
        {"user unknown", "550 <a@b>: Recipient rejected: user\n unknown", true},
        {"user unknown", "user  \t unknown", true},
        {"user unknown", "user-unknown", false},
        {"user unknown", "superuser unknown", false}, /* begins at a word */
        {"user unknown", "user unknowns", false},     /* and ends at one */
        {"*user unknown*", "superuser unknowns", true},
        {"user unknown", "(user unknown)", true},
        {"user*unknown", "user jane@example.org is unknown", true},
        {"user*unknown", "user jane\n\nunknown", false}, /* not from one paragraph to another */
        {"user #", "user 17", true},
        {"user #", "user x", false},
        {"user #!", "user 17!", true},
        {"{user,mailbox} {unknown,not found}", "mailbox not found", true},
        {"{user,mailbox} {unknown,not found}", "mailbox gone", false},
        {"{user,mailbox}{, <*>} unknown", "user unknown", true},
        {"{user,mailbox}{, <*>} unknown", "user <a@b> unknown", true},
        {"{user,mailbox}{, <*>} unknown", "user a@b unknown", false},
        {"{user*,mailbox} unknown", "users unknown", true},
        {"aup\\#in-#", "see AUP#In-1310", true},
        {"aup\\#in-#", "see AUP In-1310", false},
        {"five\\*\\,six", "five*,six", true},
        {"say {b\\,c,d} e", "say b,c e", true},
        {"one\\|two", "one|two", true},
        {"пользователь не найден", "550 Пользователь не найден", true},
        {"Ähnlich", "ÄHNLICH", true},
        {"ユーザーが見つかりません", "ユーザーが\n見つかりません", true}, /* no blanks between ideographs */
        {"couldn't be found", "couldn\xE2\x80\x99t be found", true},
        {"no such user", "no\xC2\xA0such user", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (fits(rows[i].pattern, rows[i].text) != rows[i].fits)
            fail_msg("\"%s\" and \"%s\": expected %d", rows[i].pattern, rows[i].text, rows[i].fits);
    }
}

static void a_star_is_a_hundred_octets(void **state)
{
    (void)state;
    char text[300];
    for (int gap = 99; gap <= 101; gap++) {
        snprintf(text, sizeof text, "user %0*d unknown", gap - 2, 0);
        assert_int_equal(fits("user*unknown", text), gap <= 100);
    }
}

static void the_first_that_fits_decides(void **state)
{
    (void)state;
    struct gp_dictionary *d = dictionary_of("provider big: big.example mail.example\n"
                                            "# later ones are more general\n"
                                            "big | * | * | user unknown | rate-limited | throttle\n"
                                            "big | 4xx | *.7.28 | * | rate-limited | suspend 2h\n"
                                            "* | 550 | 5.1.1 | user unknown | hard-bounce | suppress\n"
                                            "host.example | * | * | user unknown | soft-bounce | none\n"
                                            "* | * | * | user unknown | policy-block | none\n"
                                            "* | * | *.2.2 | * | mailbox-full | none\n",
                                            NULL);
    static const struct {
        const char *host, *text, *by;
    } rows[] = {
        {"mx1.big.example", "550 5.1.1 user unknown", "t.dict:3"},
        {"MX1.Mail.Example.", "550 5.1.1 user unknown", "t.dict:3"},
        {"notbig.example", "550 5.1.1 user unknown", "t.dict:5"},
        {"big.example", "421-4.7.28 user unknown 421 4.7.28 slow", "t.dict:3"},
        {"big.example", "421 4.7.28 whatever", "t.dict:4"},
        {"big.example", "521 4.7.28 whatever", "nothing"},
        {"", "551 5.1.1 user unknown", "t.dict:7"},
        {"", "550 5.1.2 user unknown", "t.dict:7"},
        {"a.host.example", "553 user unknown", "t.dict:6"},
        {"", "552 5.2.2 whatever", "t.dict:8"},
        {"", "452 4.2.2", "t.dict:8"},
        {"", "", "nothing"},
    };
    assert_non_null(d);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gp_meaning m = said(d, rows[i].host, rows[i].text);
        assert_string_equal(m.by, rows[i].by);
        assert_int_equal(m.matched, strcmp(m.by, "nothing") != 0 && strcmp(m.by, "t.dict:8") != 0);
    }
    struct gp_meaning m = said(d, "big.example", "421 4.7.28 whatever");
    assert_int_equal(m.action, GP_REPLY_SUSPEND);
    assert_int_equal(m.action_s, 7200);
    gp_dictionary_free(d);
}

/* line, and what the fault says of it: the beginning of "field: what is wrong" */
static const struct {
    const char *line, *fault;
} faulty[] = {
    {"one two", "line: \"one two\": an entry has six fields"},
    {"* | * | * | abc | rate-limited", "line: "},
    {"* | * | * | abc | rate-limited | none | more", "line: "},
    {"nobody | * | * | abc | rate-limited | none", "provider: \"nobody\": no line defines it"},
    {"a b | * | * | abc | rate-limited | none", "provider: \"a b\": neither * nor a name nor a domain"},
    {"provider Big", "provider: \"Big\": a line would be"},
    {"provider big: nodot", "provider: \"nodot\": not a domain"},
    {"* | 999 | * | abc | rate-limited | none", "reply: \"999\": no reply code"},
    {"* | 5x | * | abc | rate-limited | none", "reply: \"5x\""},
    {"* | * | 5.1 | abc | rate-limited | none", "enhanced: \"5.1\": no enhanced status code"},
    {"* | * | 6.1.1 | abc | rate-limited | none", "enhanced: "},
    {"* | * | 5.1.1.1 | abc | rate-limited | none", "enhanced: "},
    {"* | * | 5.1.1000 | abc | rate-limited | none", "enhanced: "},
    {"* | * | * | ab | rate-limited | none", "text: \"ab\": a text that does not begin with three characters"},
    {"* | * | * | {abc,de} | rate-limited | none", "text: \"{abc,de}\": a text that does not begin"},
    {"* | * | * | {abc,} | rate-limited | none", "text: "},
    {"* | * | * | ab#cd | rate-limited | none", "text: "},
    {"* | * | * | abc {d,{e,f}} | rate-limited | none", "text: \"abc {d,{e,f}}\": alternatives within one another"},
    {"* | * | * | abc {d | rate-limited | none", "text: \"abc {d\": alternatives that are not closed"},
    {"* | * | * | abc d} | rate-limited | none", "text: "},
    {"* | * | * | abc\\d | rate-limited | none", "text: \"abc\\\\d\": a backslash that escapes nothing"},
    {"* | * | * | abc\\", "line: "},
    {"* | * | * | abc\xFF | rate-limited | none", "text: \"abc\\xff\": text that is no UTF-8"},
    {"* | * | * | abc\tdef | rate-limited | none", "text: \"abc\\x09def\": a tab"},
    {"* | * | * | abc | soft | none", "category: \"soft\": not a category of replies"},
    {"* | * | * | abc | delivered | none", "category: "},
    {"* | * | * | abc | rate-limited | stop", "action: \"stop\": not one of"},
    {"* | * | * | abc | rate-limited | suspend 9d", "action: \"suspend 9d\": only suspend has a time"},
    {"* | * | * | abc | rate-limited | throttle 2h", "action: "},
    {"* | * | * | abc | policy-block | suppress", "action: \"suppress\": only a hard-bounce suppresses"},
    {"* | * | * | abc | hard-bounce | throttle", "action: \"throttle\": a hard-bounce asks for"},
    {"* | * | * | abc | rate-limited | greylisting", "action: \"greylisting\": greylisting is a soft-bounce"},
};
#define FAULTY (sizeof faulty / sizeof faulty[0])

static void each_fault_is_told(void **state)
{
    (void)state;
    char text[8192], expected[300];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    struct gp_faults faults;
    gp_faults_init(&faults);
    gp_buf_putz(&b, "* | * | * | a good one | rate-limited | none\n");
    for (size_t i = 0; i < FAULTY; i++)
        gp_buf_printf(&b, "%s\n", faulty[i].line);
    assert_false(b.full);
    assert_null(dictionary_of(text, &faults)); /* all in one run; those of providers are found first */
    for (size_t i = 0; i < FAULTY; i++) {
        bool found = false;
        snprintf(expected, sizeof expected, "/d/t.dict:%zu: %s", i + 2, faulty[i].fault);
        for (size_t k = 0; k < faults.n; k++)
            found = found || strncmp(faults.list[k].text, expected, strlen(expected)) == 0;
        if (!found)
            fail_msg("no fault begins with \"%s\"", expected);
    }
    assert_int_equal(faults.errors, FAULTY);
    gp_faults_free(&faults);
}

static void one_line_many_faults(void **state)
{
    (void)state;
    struct gp_faults faults;
    gp_faults_init(&faults);
    assert_null(dictionary_of("nobody | 1 | 2 | ab | soft | none\n", &faults));
    assert_int_equal(faults.errors, 5);
    gp_faults_free(&faults);
}

static void a_double_is_a_warning(void **state)
{
    (void)state;
    struct gp_faults faults;
    gp_faults_init(&faults);
    struct gp_dictionary *d = dictionary_of("* | * | * | too much | rate-limited | none\n"
                                            "* | * | * | Too Much | soft-bounce | none\n"
                                            "* | 4xx | * | too much | soft-bounce | none\n",
                                            &faults);
    assert_non_null(d);
    assert_int_equal(faults.errors, 0);
    assert_int_equal(faults.n, 1);
    assert_string_equal(faults.list[0].text, "/d/t.dict:2: text: the same as in t.dict:1, which decides");
    gp_dictionary_free(d);
    gp_faults_free(&faults);
}

static void bounds(void **state)
{
    (void)state;
    static char text[300000];
    struct gp_faults faults;
    gp_faults_init(&faults);
    struct gp_buf b = gp_buf_on(text, sizeof text);
    gp_buf_printf(&b, "* | * | * | abc%01200d | rate-limited | none\n", 0);
    assert_null(dictionary_of(text, &faults));
    assert_int_equal(faults.errors, 1);
    gp_faults_free(&faults);

    b = gp_buf_on(text, sizeof text);
    for (int i = 0; i < 129; i++)
        gp_buf_printf(&b, "provider p%d: p%d.example\n", i, i);
    gp_buf_putz(&b, "* | * | * | abc | rate-limited | none\n");
    assert_null(dictionary_of(text, &faults));
    assert_int_equal(faults.errors, 1);
    gp_faults_free(&faults);

    b = gp_buf_on(text, sizeof text); /* 25 of * and { */
    gp_buf_putz(&b, "* | * | * | abc");
    for (int i = 0; i < 25; i++)
        gp_buf_putz(&b, "*a");
    gp_buf_putz(&b, " | rate-limited | none\n");
    assert_null(dictionary_of(text, &faults));
    assert_int_equal(faults.errors, 1);
    gp_faults_free(&faults);

    assert_null(dictionary_of("# nothing\n\n", &faults)); /* no entry: no dictionary, and no fault */
    assert_int_equal(faults.n, 0);
}

static struct gp_dictionary *load(const struct scratch *s, struct gp_faults *faults)
{
    char one[512], two[512], none[512];
    scratch_path(s, "agencies.d", one);
    scratch_path(s, ".", two);
    scratch_path(s, "none", none);
    const char *const folders[] = {one, none, two};
    return gp_dictionary_load(folders, 3, faults);
}

static void files_in_the_order_of_their_names(void **state)
{
    (void)state;
    struct scratch s;
    struct gp_faults faults;
    gp_faults_init(&faults);
    assert_true(scratch_open(&s));
    assert_true(scratch_write(&s, "agencies.d/20-b.dict", GP_STR("* | * | * | abc | rate-limited | none\n")));
    assert_true(scratch_write(&s, "agencies.d/30-c.dict", GP_STR("* | * | * | xyz | rate-limited | none\n")));
    assert_true(scratch_write(&s, "agencies.d/.40.dict", GP_STR("faulty\n")));
    assert_true(scratch_write(&s, "agencies.d/40-e.dict.old", GP_STR("faulty\n")));
    assert_true(scratch_write(&s, "10-a.dict", GP_STR("* | * | * | abc def | soft-bounce | none\n")));
    struct gp_dictionary *d = load(&s, &faults);
    assert_non_null(d);
    assert_int_equal(faults.n, 0);
    assert_string_equal(said(d, "", "abc def").by, "10-a.dict:1"); /* though its folder is the last */
    assert_string_equal(said(d, "", "abc").by, "20-b.dict:1");
    assert_string_equal(said(d, "", "xyz").by, "30-c.dict:1");
    gp_dictionary_free(d);

    assert_true(scratch_write(&s, "30-c.dict", GP_STR("# no more\n"))); /* takes the place of the other folder's */
    d = load(&s, &faults);
    assert_string_equal(said(d, "", "xyz").by, "nothing");
    gp_dictionary_free(d);
    assert_null(gp_dictionary_load(NULL, 0, &faults)); /* nothing to classify by is told as well */
    assert_int_equal(faults.errors, 1);
    gp_faults_free(&faults);

    assert_true(scratch_write(&s, "30-c.dict", GP_STR("faulty\nfaulty too\n")));
    assert_null(load(&s, &faults));
    assert_int_equal(faults.errors, 2);
    assert_non_null(strstr(faults.list[1].text, "/30-c.dict:2: line: \"faulty too\""));
    gp_faults_free(&faults);
    scratch_close(&s);
}

static void files_that_cannot_be_read(void **state)
{
    (void)state;
    struct scratch s;
    char path[512];
    struct gp_faults faults;
    gp_faults_init(&faults);
    assert_true(scratch_open(&s));
    assert_true(scratch_write(&s, "10-a.dict", GP_STR("* | * | * | abc def | soft-bounce | none\n")));
    scratch_path(&s, "20-b.dict", path);
    assert_int_equal(mkdir(path, 0755), 0);
    assert_null(load(&s, &faults));
    assert_int_equal(faults.errors, 1);
    assert_non_null(strstr(faults.list[0].text, "20-b.dict: dictionary: cannot be read: not a file"));
    gp_faults_free(&faults);
    rmdir(path);

    static char large[(1 << 20) + 1];
    memset(large, '\n', sizeof large);
    assert_true(scratch_write(&s, "20-b.dict", (struct gp_str){large, sizeof large}));
    assert_null(load(&s, &faults));
    assert_int_equal(faults.errors, 1);
    gp_faults_free(&faults);
    scratch_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns),
        cmocka_unit_test(a_star_is_a_hundred_octets),
        cmocka_unit_test(the_first_that_fits_decides),
        cmocka_unit_test(each_fault_is_told),
        cmocka_unit_test(one_line_many_faults),
        cmocka_unit_test(a_double_is_a_warning),
        cmocka_unit_test(bounds),
        cmocka_unit_test(files_in_the_order_of_their_names),
        cmocka_unit_test(files_that_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
