/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * config_broken.c - every broken configuration of t/unit/config/ gives exactly the faults written beside it
 *
 * A case: "== name", then "-- FILE" and its text for each file, then "-- faults" and one line each as gp_config_load
 * says them, "warning: " before a warning, no line for a configuration without fault. In the texts a line "$TOP" stands
 * for the four keys that every gatepost.conf here needs, in three lines, "$D" for the folder of the case. A file *.pem
 * is kept like a secret, but for open.pem.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/config.h"
#include "t/unit/scratch.h"

#define TEXT_MAX 65536

/* libconfig 1.5 itself loses a token's buffer after some syntax errors. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig.so";
}

static const char top_keys[] =
    "relay_name = \"relay.gov\"\nreturn_path = \"b.relay.gov\"\ntoken_keys = \"$D/token\" " SCRATCH_DKIM "\n";

struct text {
    char p[TEXT_MAX];
    size_t n;
};

static void add(struct text *t, struct gp_str s)
{
    assert_true(t->n + s.n < sizeof t->p);
    if (s.n > 0)
        memcpy(t->p + t->n, s.p, s.n);
    t->n += s.n;
    t->p[t->n] = '\0';
}

/* said - the faults of a load, one a line, without the folder's name */
static void said(const struct scratch *s, const struct gp_faults *faults, struct text *out)
{
    size_t folder = strlen(s->folder);
    for (size_t i = 0; i < faults->n; i++) {
        const char *p = faults->list[i].text;
        if (faults->list[i].warning)
            add(out, GP_STR("warning: "));
        for (const char *at; (at = strstr(p, s->folder)) != NULL; p = at + folder + 1)
            add(out, (struct gp_str){p, (size_t)(at - p)});
        add(out, gp_str_z(p));
        add(out, GP_STR("\n"));
    }
}

/* judge - load what was written and compare */
static int judge(const struct scratch *s, struct gp_str name, const struct text *expected)
{
    static struct text got;
    char path[512];
    struct gp_faults faults;
    got.n = 0;
    got.p[0] = '\0';
    gp_faults_init(&faults);
    scratch_path(s, "gatepost.conf", path);
    struct gp_config *c = gp_config_load(path, &faults);
    said(s, &faults, &got);
    bool right = strcmp(got.p, expected->p) == 0 && (c == NULL) == (faults.errors > 0);
    if (!right)
        print_error("== %.*s\nexpected:\n%sgot:\n%s", GP_STR_FMT(name), expected->p, got.p);
    gp_config_free(c);
    gp_faults_free(&faults);
    return right ? 0 : 1;
}

/* take_line - a line with its end off *rest */
static struct gp_str take_line(struct gp_str *rest)
{
    size_t n = gp_str_find(*rest, '\n');
    n += n < rest->n;
    struct gp_str line = {rest->p, n};
    *rest = (struct gp_str){rest->p + n, rest->n - n};
    return line;
}

/* section - the lines up to the next "-- " or "== " */
static void section(struct gp_str *rest, struct text *out)
{
    out->n = 0;
    out->p[0] = '\0';
    while (rest->n > 0 && !gp_str_starts_nocase(*rest, GP_STR("-- ")) && !gp_str_starts_nocase(*rest, GP_STR("== "))) {
        struct gp_str line = take_line(rest);
        if (gp_str_eq(line, GP_STR("$TOP\n")))
            line = gp_str_z(top_keys);
        add(out, line);
    }
}

/* run_case - *rest begins behind the line "== name" */
static int run_case(struct gp_str name, struct gp_str *rest)
{
    static struct text text;
    struct scratch s;
    int wrong = 0;
    bool judged = false;
    assert_true(scratch_open(&s));
    while (gp_str_starts_nocase(*rest, GP_STR("-- "))) {
        struct gp_str head = gp_str_trim(take_line(rest));
        char file[64];
        snprintf(file, sizeof file, "%.*s", (int)(head.n - 3), head.p + 3);
        section(rest, &text);
        judged = strcmp(file, "faults") == 0;
        if (judged)
            wrong = judge(&s, name, &text);
        else if (strstr(file, ".pem") != NULL && strcmp(file, "open.pem") != 0)
            assert_true(scratch_secret(&s, file, (struct gp_str){text.p, text.n}));
        else
            assert_true(scratch_write(&s, file, (struct gp_str){text.p, text.n}));
    }
    scratch_close(&s);
    assert_true(judged);
    return wrong;
}

static void run_file(const char *path, int least)
{
    static struct text all;
    int cases = 0, wrong = 0;
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    all.n = fread(all.p, 1, sizeof all.p - 1, f);
    fclose(f);
    struct gp_str rest = {all.p, all.n};
    static struct text preface;
    section(&rest, &preface);
    while (rest.n > 0) {
        struct gp_str name = gp_str_trim(take_line(&rest));
        wrong += run_case(name, &rest);
        cases++;
    }
    assert_int_equal(wrong, 0);
    assert_in_range(cases, least, 1000);
}

static void broken_top(void **state)
{
    (void)state;
    run_file("t/unit/config/top.cases", 30);
}

static void broken_feedback(void **state)
{
    (void)state;
    run_file("t/unit/config/feedback.cases", 10);
}

static void broken_agencies(void **state)
{
    (void)state;
    run_file("t/unit/config/agencies.cases", 35);
}

static void broken_limits(void **state)
{
    (void)state;
    run_file("t/unit/config/limits.cases", 15);
}

static void broken_files(void **state)
{
    (void)state;
    run_file("t/unit/config/files.cases", 15);
}

static void broken_dkim(void **state)
{
    (void)state;
    run_file("t/unit/config/dkim.cases", 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_top),    cmocka_unit_test(broken_feedback), cmocka_unit_test(broken_agencies),
        cmocka_unit_test(broken_dkim),   cmocka_unit_test(broken_limits),   cmocka_unit_test(broken_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
