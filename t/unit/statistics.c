/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * statistics.c - counts by time, agency and provider; joined when old; texts that no dictionary knows; an address's
 * history
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/event_log.h"
#include "shared/statistics.h"
#include "shared/unclassified.h"
#include "t/unit/store_fixture.h"

#include <inttypes.h>

#define HOUR_MS UINT64_C(3600000)
#define DAY_MS UINT64_C(86400000)
#define MIDNIGHT (20000 * DAY_MS)

static void add(const char *agency, const char *provider, const char *what, uint64_t n, uint64_t at_ms)
{
    assert_true(gp_stat_add(store, gp_str_z(agency), gp_str_z(provider), gp_str_z(what), n, at_ms));
}

static bool keep(void *arg, const struct gp_stat_row *row)
{
    gp_buf_printf(arg, "%" PRIu64 " %.*s %.*s %.*s %" PRIu64 ";",
                  row->at_ms == 0 ? 0 : (row->at_ms - MIDNIGHT) / HOUR_MS, GP_STR_FMT(row->agency),
                  GP_STR_FMT(row->provider), GP_STR_FMT(row->what), row->count);
    return true;
}

static void expect(const char *name, struct gp_stat_query q, const char *want)
{
    char got[4096];
    struct gp_buf b = gp_buf_on(got, sizeof got);
    assert_true(gp_stat_read(store, &q, keep, &b));
    if (strcmp(got, want) != 0)
        fail_msg("%s: \"%s\", not \"%s\"", name, got, want);
}

static void test_sums(void **state)
{
    const struct gp_stat_query all = {.from_ms = MIDNIGHT, .until_ms = MIDNIGHT + DAY_MS};
    struct gp_stat_query q;
    (void)state;
    add("dol", "a", "delivered", 1, MIDNIGHT);
    add("dol", "a", "delivered", 2, MIDNIGHT + 599999);
    add("dol", "b", "delivered", 4, MIDNIGHT + HOUR_MS);
    add("doe", "a", "delivered", 8, MIDNIGHT + 2 * HOUR_MS);
    add("doe", "a", "complaints", 1, MIDNIGHT + 2 * HOUR_MS);
    add("doe", "a", "delivered", 100, MIDNIGHT - 1);
    add("doe", "a", "delivered", 100, MIDNIGHT + DAY_MS);
    store_expect("slots of ten minutes", "SELECT count(*) FROM stat WHERE agency = 'dol'", "2;");
    expect("all", all, "0   complaints 1;0   delivered 15;");
    q = all;
    q.by_agency = true;
    expect("by agency", q, "0 doe  complaints 1;0 doe  delivered 8;0 dol  delivered 7;");
    q = all;
    q.by_provider = true;
    q.agency = GP_STR("dol");
    expect("of one agency, by provider", q, "0  a delivered 3;0  b delivered 4;");
    q = all;
    q.by_time = true;
    q.step_s = 3600;
    q.provider = GP_STR("a");
    expect("of one provider, by hour", q, "0   delivered 3;2   complaints 1;2   delivered 8;");
    q.step_s = 86400;
    expect("by day", q, "0   complaints 1;0   delivered 11;");
}

static void test_joining(void **state)
{
    uint64_t now_ms = MIDNIGHT + 500 * DAY_MS + 5 * HOUR_MS;
    (void)state;
    for (unsigned day = 0; day < 500; day += 10) {
        for (unsigned i = 0; i < 12; i++)
            add("dol", "a", "delivered", 1, MIDNIGHT + day * DAY_MS + i * 600000);
    }
    add("dol", "a", "delivered", 3, now_ms - HOUR_MS);
    add("dol", "a", "delivered", 4, now_ms - HOUR_MS + 600000);
    for (unsigned i = 0; i < 500; i++)
        assert_true(gp_stat_upkeep(store, now_ms));
    store_expect("nothing is lost but what is too old", "SELECT sum(count) FROM stat", "475;"); /* 39 times 12, and 7 */
    store_expect("days", "SELECT count(*) FROM stat WHERE at < (20500 - 60) * 86400 AND at % 86400 <> 0", "0;");
    store_expect("hours", "SELECT count(*), sum(at % 3600) FROM stat WHERE at >= (20500 - 60) * 86400 AND count = 6",
                 "12 0;");
    store_expect("slots", "SELECT count(*) FROM stat WHERE at >= 20500 * 86400", "2;");
}

static void test_text_keys(void **state)
{
    static const struct {
        const char *text, *key;
    } cases[] = {
        {"550 5.1.1 <a@b.example> User unknown", "# # <@> user unknown"},
        {"550-5.1.1 a@b.example User  Unknown", "# <@> user unknown"},
        {"x (id 4XyZ/1) y", "x (id #) y"},
        {"Temporarily\tdeferred.\r\n[TSS04]", "temporarily deferred. [#]"},
        {"", ""},
        {" \r\n", ""},
        {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
        {"host said: \"no\"", "host said: \"no\""},
        {"<>", ""},
    };
    char key[GP_TEXT_KEY_MAX], again[GP_TEXT_KEY_MAX], long_text[5000];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct gp_str got = gp_text_key(gp_str_z(cases[i].text), key);
        if (strcmp(got.p, cases[i].key) != 0)
            fail_msg("\"%s\": \"%s\"", cases[i].text, got.p);
    }
    memset(long_text, 'a', sizeof long_text);
    assert_int_equal(gp_text_key((struct gp_str){long_text, sizeof long_text}, key).n, GP_TEXT_KEY_MAX - 1);
    assert_int_equal(gp_text_key(GP_STR("a\0b"), again).n, 3); /* "a b": no NUL within */
    assert_true(gp_text_hash(GP_STR("<a@b> gone")) == gp_text_hash(GP_STR("c@d GONE")));
    assert_true(gp_text_hash(GP_STR("gone")) != gp_text_hash(GP_STR("full")));
    assert_true(gp_text_hash(GP_STR("")) > 0);
}

static void list_text(void *arg, const struct gp_unclassified *u)
{
    gp_buf_printf(arg, "%.*s %" PRIu64 " %" PRIu64 "-%" PRIu64 " %.*s %.*s;", GP_STR_FMT(u->text), u->count,
                  u->first_ms, u->last_ms, GP_STR_FMT(u->provider), GP_STR_FMT(u->sample));
}

static void test_unclassified(void **state)
{
    char got[400];
    struct gp_buf b = gp_buf_on(got, sizeof got);
    (void)state;
    assert_true(gp_unclassified_add(store, GP_STR("451 odd x@y"), GP_STR("p"), GP_STR("e"), 1));
    assert_true(gp_unclassified_add(store, GP_STR("452 odd z@y"), GP_STR("q"), GP_STR("e"), 2));
    assert_true(gp_unclassified_add(store, GP_STR("strange"), GP_STR("p"), GP_STR("e"), 3));
    assert_true(gp_unclassified_add(store, GP_STR(""), GP_STR("p"), GP_STR("e"), 4));
    assert_true(gp_unclassified_list(store, 10, list_text, &b));
    assert_string_equal(got, "# odd <@> 2 1-2 q 452 odd z@y;strange 1 3-3 p strange;");
    b = gp_buf_on(got, sizeof got);
    assert_true(gp_unclassified_list(store, 1, list_text, &b));
    assert_string_equal(got, "# odd <@> 2 1-2 q 452 odd z@y;");
    char sample[GP_UNCLASSIFIED_SAMPLE_MAX + 1];
    memset(sample, '!', sizeof sample);
    memcpy(sample + sizeof sample - 2, "\303\244", 2);
    assert_true(gp_unclassified_add(store, (struct gp_str){sample, sizeof sample}, GP_STR("p"), GP_STR("e"), 5));
    store_expect("cut between characters", "SELECT length(CAST(sample AS BLOB)) FROM unclassified WHERE last_ms = 5",
                 "299;");
    assert_true(gp_store_begin(store));
    for (unsigned i = 0; i < GP_UNCLASSIFIED_MAX + 100; i++) {
        char text[] = "text aaaaa";
        for (unsigned k = 0, v = i; k < 5; k++, v /= 26)
            text[5 + k] = (char)('a' + v % 26);
        assert_true(gp_unclassified_add(store, gp_str_z(text), GP_STR("p"), GP_STR("e"), 10 + i));
    }
    assert_true(gp_store_commit(store));
    store_expect("bounded; what is frequent stays", "SELECT count(*), max(count) FROM unclassified", "5000 2;");
}

static bool list_event(void *arg, const struct gp_logged_event *e)
{
    gp_buf_printf(arg, "%" PRIu64 " %.*s %c %.*s;", e->when_ms, GP_STR_FMT(e->agency), gp_category_letter(e->category),
                  GP_STR_FMT(e->effect));
    return true;
}

static void test_history(void **state)
{
    char got[400];
    struct gp_buf b = gp_buf_on(got, sizeof got);
    struct gp_logged_event e = {.address = GP_STR("x@y"), .agency = GP_STR("dol"), .category = GP_CATEGORY_HARD};
    (void)state;
    for (uint64_t i = 1; i <= 4; i++) {
        e.when_ms = i;
        e.effect = i == 3 ? GP_STR(GP_EFFECT_RELEASED) : GP_STR("");
        e.agency = i == 4 ? GP_STR("doe") : GP_STR("dol");
        assert_true(gp_event_log_add(store, &e));
    }
    e.address = GP_STR("z@y");
    assert_true(gp_event_log_add(store, &e));
    assert_true(gp_event_log_of(store, GP_STR("x@y"), GP_STR(""), 3, list_event, &b));
    assert_string_equal(got, "4 doe H ;3 dol H released;2 dol H ;");
    b = gp_buf_on(got, sizeof got);
    assert_true(gp_event_log_of(store, GP_STR("x@y"), GP_STR("doe"), 3, list_event, &b));
    assert_string_equal(got, "4 doe H ;");
    b = gp_buf_on(got, sizeof got);
    assert_true(gp_event_log_released(store, GP_STR("dol"), 3, list_event, &b));
    assert_string_equal(got, "3 dol H released;");
    b = gp_buf_on(got, sizeof got);
    assert_true(gp_event_log_released(store, GP_STR(""), 4, list_event, &b));
    assert_string_equal(got, "");
    assert_true(gp_event_log_prune(store, 3, 1));
    store_expect("so many at once", "SELECT count(*) FROM event", "4;");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, store_setup, store_teardown)
    const struct CMUnitTest tests[] = {
        T(test_sums), T(test_joining), cmocka_unit_test(test_text_keys), T(test_unclassified), T(test_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
