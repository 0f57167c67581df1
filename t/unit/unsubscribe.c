/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * unsubscribe.c - tests of which headers a message leaves with, above all whose List-Unsubscribe: a plan is carried out
 * on a list of headers, and the list that results is compared
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "milter/rewrite.h"
#include "t/unit/rewrite_fixture.h"

#include <stdlib.h>
#include <string.h>

#define HEADERS_MAX 16

/* what the tables write for the sealed token, which differs each time, and for our URIs */
#define SEALED "$S"
#define HTTPS "<https://mail.example.gov/u/" SEALED ">"
#define MAILTO "<mailto:" UNSUBSCRIBE "@b.example.gov?subject=" SEALED ">"
#define OURS_BOTH "List-Unsubscribe: " HTTPS ",\n\t" MAILTO
#define OURS_MAILTO "List-Unsubscribe: " MAILTO
#define OURS_POST "List-Unsubscribe-Post: List-Unsubscribe=One-Click"
#define SOURCE "X-Gatepost-Source: dol"
#define REF "X-Gatepost-Ref: " SEALED

/* a header as it would stand in the message: "Name:value" */
struct message {
    size_t n;
    char *line[HEADERS_MAX];
};

static void append_header(struct message *m, const char *name, const char *value)
{
    size_t n = strlen(name) + strlen(value) + 2;
    char *line = malloc(n);
    assert_non_null(line);
    assert_true(m->n < HEADERS_MAX);
    struct gp_buf b = gp_buf_on(line, n);
    gp_buf_printf(&b, "%s:%s", name, value);
    m->line[m->n++] = line;
}

static bool is_named(const char *line, const char *name)
{
    size_t n = strlen(name);
    return gp_str_starts_nocase(gp_str_z(line), gp_str_z(name)) && line[n] == ':';
}

/* as libmilter counts: the number-th of that name, at this moment */
static void delete_header(struct message *m, const char *name, unsigned number)
{
    for (size_t i = 0; i < m->n; i++) {
        if (!is_named(m->line[i], name) || --number > 0)
            continue;
        free(m->line[i]);
        memmove(&m->line[i], &m->line[i + 1], (m->n - i - 1) * sizeof m->line[0]);
        m->n--;
        return;
    }
    fail_msg("there is no such %s to delete", name);
}

static void carry_out(const struct gp_plan *plan, struct message *m)
{
    enum gp_edit_kind last = GP_EDIT_SENDER;
    for (size_t i = 0; i < plan->n; i++) {
        const struct gp_edit *e = &plan->edit[i];
        assert_true(e->kind >= last);
        last = e->kind;
        switch (e->kind) {
        case GP_EDIT_SENDER:
            assert_string_equal(e->name, plan->return_path);
            assert_int_equal(i, 0);
            break;
        case GP_EDIT_DELETE:
            assert_null(e->value);
            assert_in_range(e->first, 1, e->last);
            for (unsigned number = e->last; number >= e->first; number--)
                delete_header(m, e->name, number);
            break;
        case GP_EDIT_ADD:
            append_header(m, e->name, e->value);
            break;
        case GP_EDIT_INSERT:
            fail_msg("a plan without signatures inserts nothing");
        }
    }
}

/* line against expectation, in which SEALED stands for the plan's sealed token */
static bool same(const char *line, const char *expected, const char *sealed)
{
    char text[8192];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    for (; *expected != '\0'; expected++) {
        if (strncmp(expected, SEALED, 2) == 0) {
            gp_buf_putz(&b, sealed);
            expected++;
        } else {
            gp_buf_put(&b, (struct gp_str){expected, 1});
        }
    }
    return strcmp(line, text) == 0;
}

static void free_message(struct message *m)
{
    for (size_t i = 0; i < m->n; i++)
        free(m->line[i]);
    m->n = 0;
}

static void start(struct message *m, struct gp_headers *h, const char *const *headers)
{
    m->n = 0;
    gp_headers_init(h);
    for (size_t i = 0; i < HEADERS_MAX && headers[i] != NULL; i++) {
        struct gp_str line = gp_str_z(headers[i]);
        char name[64];
        struct gp_buf b = gp_buf_on(name, sizeof name);
        size_t colon = gp_str_find(line, ':');
        gp_buf_put(&b, (struct gp_str){line.p, colon});
        append_header(m, name, headers[i] + colon + 1);
        gp_headers_note(h, gp_buf_str(&b), (struct gp_str){line.p + colon + 1, line.n - colon - 1});
    }
}

#define LU "List-Unsubscribe: "
#define POST OURS_POST
#define NONE GP_UNSUBSCRIBE_NONE
#define KEEP GP_UNSUBSCRIBE_KEEP
#define REPLACE GP_UNSUBSCRIBE_REPLACE
#define APPEND GP_UNSUBSCRIBE_APPEND

static const struct {
    const char *name;
    enum gp_unsubscribe mode;
    bool https;
    const char *client[HEADERS_MAX];
    const char *result[HEADERS_MAX]; /* without SOURCE and REF, which stand before what we add */
    size_t kept;                     /* how many of result are the client's */
} rows[] = {
    {"none", NONE, true, {"To: a"}, {"To: a"}, 1},
    {"none, client's stays", NONE, true, {LU "<https://c/1>", POST}, {LU "<https://c/1>", POST}, 2},
    {"none, duplicates go", NONE, true, {LU "<a:1>", LU "<a:2>", POST, POST}, {LU "<a:1>", POST}, 2},

    {"keep, nothing there", KEEP, true, {"To: a"}, {"To: a", OURS_BOTH, OURS_POST}, 1},
    {"keep, nothing there, no public_url", KEEP, false, {"To: a"}, {"To: a", OURS_MAILTO}, 1},
    {"keep, client's https and Post", KEEP, true, {LU "<https://c/1>", POST}, {LU "<https://c/1>", POST}, 2},
    {"keep, no Post of ours to the client's https", KEEP, true, {LU "<https://c/1>"}, {LU "<https://c/1>"}, 1},
    {"keep, case and folds as they are", KEEP, true, {"list-UNSUBSCRIBE:\n <a:1>"}, {"list-UNSUBSCRIBE:\n <a:1>"}, 1},
    {"keep, the first of three stays", KEEP, true, {LU "1", "To: a", LU "2", LU "3"}, {LU "1", "To: a"}, 2},
    {"keep, the first Post stays", KEEP, true, {POST, LU "1", "List-Unsubscribe-Post: 2"}, {POST, LU "1"}, 2},
    {"keep, Post without List-Unsubscribe goes", KEEP, true, {POST, "To: a"}, {"To: a", OURS_BOTH, OURS_POST}, 1},
    {"keep, the same without public_url", KEEP, false, {POST, "To: a", POST}, {"To: a", OURS_MAILTO}, 1},

    {"replace, nothing there", REPLACE, true, {"To: a"}, {"To: a", OURS_BOTH, OURS_POST}, 1},
    {"replace, client's go", REPLACE, true, {LU "<https://c/1>", LU "x", POST, POST}, {OURS_BOTH, OURS_POST}, 0},
    {"replace, no public_url, no Post", REPLACE, false, {LU "<https://c/1>", POST}, {OURS_MAILTO}, 0},

    {"append, nothing there", APPEND, true, {"To: a"}, {"To: a", OURS_BOTH, OURS_POST}, 1},
    {"append, nothing there, no public_url", APPEND, false, {POST}, {OURS_MAILTO}, 0},
    {"append to mailto",
     APPEND,
     true,
     {LU "<mailto:a@c>"},
     {LU "<mailto:a@c>,\n\t" HTTPS ",\n\t" MAILTO, OURS_POST},
     0},
    {"append to mailto, no public_url", APPEND, false, {LU "<mailto:a@c>"}, {LU "<mailto:a@c>,\n\t" MAILTO}, 0},
    {"append to mailto, client's Post goes",
     APPEND,
     false,
     {LU "<mailto:a@c>", POST},
     {LU "<mailto:a@c>,\n\t" MAILTO},
     0},
    {"append to mailto, our Post in place of the client's",
     APPEND,
     true,
     {LU "<mailto:a@c>", "List-Unsubscribe-Post: x"},
     {LU "<mailto:a@c>,\n\t" HTTPS ",\n\t" MAILTO, OURS_POST},
     0},
    {"append to https", APPEND, true, {LU "<HTTPS://c/1>"}, {LU "<HTTPS://c/1>,\n\t" MAILTO}, 0},
    {"append to https with Post",
     APPEND,
     true,
     {LU "<https://c/1>", POST, POST},
     {POST, LU "<https://c/1>,\n\t" MAILTO},
     1},
    {"append, one https only", APPEND, true, {LU "<https://c/1>, <https://c/2>"}, {LU "<https://c/1>,\n\t" MAILTO}, 0},
    {"append, two headers become one",
     APPEND,
     true,
     {LU "<mailto:a@c>", LU "<https://c/1> (web)"},
     {LU "<mailto:a@c>,\n\t<https://c/1>,\n\t" MAILTO},
     0},
    {"append, an open < does not reach into the next",
     APPEND,
     true,
     {LU "<mailto:a@c>, <https://c", LU "<mailto:b@c>"},
     {LU "<mailto:a@c>,\n\t<mailto:b@c>,\n\t" HTTPS ",\n\t" MAILTO, OURS_POST},
     0},
    {"append, folded",
     APPEND,
     true,
     {LU "<https://c/1?\n\tx>,\n <mailto:a@c>"},
     {LU "<https://c/1?x>,\n\t<mailto:a@c>,\n\t" MAILTO},
     0},
    {"append, no URI: as keep", APPEND, true, {LU "https://c/1", POST}, {LU "https://c/1", POST}, 2},
    {"append, empty URI: as keep", APPEND, true, {LU "<>"}, {LU "<>"}, 1},
    {"append, empty header: as keep", APPEND, true, {"List-Unsubscribe:", LU "x"}, {"List-Unsubscribe:"}, 1},
    {"append, 8-bit and bad ones are left out",
     APPEND,
     true,
     {LU "<https://c/\303\274>, <a\x01:b>, <no-scheme>, <:x>, <1a:x>, <a:>, <a:<b>, <a:\"b>, <a+1.-:\x7f>, <z+1.-:x>"},
     {LU "<z+1.-:x>,\n\t" HTTPS ",\n\t" MAILTO, OURS_POST},
     0},
    {"append, eight at most",
     APPEND,
     true,
     {LU "<a:1>,<a:2>,<a:3>,<a:4>,<a:5>,<a:6>,<a:7>,<a:8>,<https://c/9>", POST},
     {LU "<a:1>,\n\t<a:2>,\n\t<a:3>,\n\t<a:4>,\n\t<a:5>,\n\t<a:6>,\n\t<a:7>,\n\t<a:8>,\n\t" HTTPS ",\n\t" MAILTO,
      OURS_POST},
     0},

    {"automatic", KEEP, true, {"Auto-Submitted: auto-generated"}, {"Auto-Submitted: auto-generated"}, 1},
    {"automatic, replace",
     REPLACE,
     true,
     {"Auto-Submitted: auto-replied", LU "1", LU "2"},
     {"Auto-Submitted: auto-replied", LU "1"},
     2},
    {"not automatic", KEEP, false, {"Auto-Submitted: no"}, {"Auto-Submitted: no", OURS_MAILTO}, 1},
    {"report",
     APPEND,
     true,
     {"Content-Type: multipart/report", LU "<a:b>"},
     {"Content-Type: multipart/report", LU "<a:b>"},
     2},
    {"list software", KEEP, true, {"List-Post: <mailto:l@c>", POST, POST}, {"List-Post: <mailto:l@c>", POST}, 2},

    {"forged source and ref go",
     NONE,
     true,
     {"X-Gatepost-Source: doj", "To: a", "x-gatepost-ref: x", "X-GATEPOST-SOURCE: dol", "X-Gatepost-Ref: y"},
     {"To: a"},
     1},
    {"others of that name stay", NONE, true, {"X-Gatepost: x"}, {"X-Gatepost: x"}, 1},
};

static void check_row(size_t row)
{
    static struct gp_headers h;
    static struct gp_plan plan;
    struct message m;
    struct gp_config c = config_with(rows[row].https);
    struct gp_agency a = {.name = "dol", .unsubscribe = rows[row].mode};
    struct gp_envelope e = envelope();
    size_t expected = 0;
    start(&m, &h, rows[row].client);
    assert_true(gp_rewrite(&c, &a, &h, &e, &plan));
    carry_out(&plan, &m);
    for (size_t i = 0; i < HEADERS_MAX && rows[row].result[i] != NULL; i++, expected++) {
        size_t at = i < rows[row].kept ? i : i + 2;
        if (at >= m.n || !same(m.line[at], rows[row].result[i], plan.sealed))
            fail_msg("%s: expected %s, got %s", rows[row].name, rows[row].result[i], at < m.n ? m.line[at] : "none");
    }
    if (m.n != expected + 2)
        fail_msg("%s: %zu headers", rows[row].name, m.n);
    assert_true(same(m.line[rows[row].kept], SOURCE, plan.sealed));
    assert_true(same(m.line[rows[row].kept + 1], REF, plan.sealed));
    free_message(&m);
}

static void test_headers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        check_row(i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_headers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
