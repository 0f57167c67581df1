/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * notice.c - one notice a day, read until it was sent, forgotten in the end
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/notice.h"

#include "t/unit/scratch.h"

static struct scratch place;
static struct gp_store *store;

static int setup(void **state)
{
    char path[512], why[256];
    (void)state;
    if (!scratch_open(&place))
        return -1;
    scratch_path(&place, "gatepost.db", path);
    store = gp_store_open(path, why);
    return store != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    gp_store_close(store);
    scratch_close(&place);
    return 0;
}

static bool add(const char *agency, const char *kind, const char *key, uint32_t day)
{
    const struct gp_notice n = {.agency = agency,
                                .kind = kind,
                                .key = key,
                                .day = day,
                                .created_ms = (uint64_t)day * 86400000 + 5,
                                .subject = "a subject",
                                .body = "a line\nanother\n"};
    bool added;
    assert_true(gp_notice_add(store, &n, &added));
    return added;
}

struct seen {
    struct gp_buf text;
    int64_t first;
};

static void keep(void *arg, const struct gp_notice *n)
{
    struct seen *s = arg;
    if (s->text.n == 0)
        s->first = n->id;
    gp_buf_printf(&s->text, "%s %s %s %u;", n->agency, n->kind, n->key, n->day);
    assert_int_equal(n->created_ms, (uint64_t)n->day * 86400000 + 5);
    assert_string_equal(n->subject, "a subject");
    assert_string_equal(n->body, "a line\nanother\n");
    assert_int_equal(n->sent_ms, 0);
}

static int64_t expect(size_t most, const char *want)
{
    char text[512];
    struct seen s = {.text = gp_buf_on(text, sizeof text)};
    assert_true(gp_notices_unsent(store, most, keep, &s));
    assert_string_equal(text, want);
    return s.first;
}

static void test_one_a_day(void **state)
{
    (void)state;
    assert_true(add("dol", "spf", "dol.gov", 100));
    assert_false(add("dol", "spf", "dol.gov", 100));
    assert_true(add("dol", "spf", "dol.gov", 101));
    assert_true(add("dol", "spf", "mail.dol.gov", 101));
    assert_true(add("dol", "other", "dol.gov", 101));
    assert_true(add("dos", "spf", "dol.gov", 101));
    expect(10, "dol spf dol.gov 100;dol spf dol.gov 101;dol spf mail.dol.gov 101;dol other dol.gov 101;"
               "dos spf dol.gov 101;");
    expect(1, "dol spf dol.gov 100;");
    expect(0, "");
}

/* What was sent is not told again, nor may it be added again. */
static void test_sent(void **state)
{
    (void)state;
    assert_true(add("dol", "spf", "a.gov", 100));
    assert_true(add("dol", "spf", "b.gov", 100));
    int64_t first = expect(10, "dol spf a.gov 100;dol spf b.gov 100;");
    assert_true(gp_notice_sent(store, first, 7));
    expect(10, "dol spf b.gov 100;");
    assert_false(add("dol", "spf", "a.gov", 100));
    expect(10, "dol spf b.gov 100;");
    assert_true(gp_notice_sent(store, 999999, 7)); /* one that was forgotten meanwhile */
}

static void test_forgotten(void **state)
{
    (void)state;
    assert_true(add("dol", "spf", "a.gov", 100));
    assert_true(add("dol", "spf", "b.gov", 100 + GP_NOTICE_KEPT_DAYS));
    expect(10, "dol spf a.gov 100;dol spf b.gov 160;");
    assert_true(add("dol", "spf", "c.gov", 101 + GP_NOTICE_KEPT_DAYS));
    expect(10, "dol spf b.gov 160;dol spf c.gov 161;");
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {T(test_one_a_day), T(test_sent), T(test_forgotten)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
