/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * auto_reply.c - what an automatic reply is, and how many reach one recipient: alone, with memcached, without it
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "milter/auto_reply.h"
#include "milter/stream.h"
#include "t/unit/memcached_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#define NOW UINT64_C(1790000000000)

static const struct gp_agency dol = {.name = "dol", .limits = {.auto_replies = {3, 60}}};
static const struct gp_agency doe = {.name = "doe", .limits = {.auto_replies = {3, 60}}};

static void test_signs(void **state)
{
    static const struct {
        const char *name, *value;
        bool null_sender, reply;
    } cases[] = {
        {"Subject", " Automatic reply", false, false},
        {"Subject", " hello", true, true}, /* a null sender alone */
        {"Auto-Submitted", " no", false, false},
        {"Auto-Submitted", " NO (comment)", false, false},
        {"Auto-Submitted", " auto-replied", false, true},
        {"auto-submitted", " Auto-Replied; owner-email=\"a@b\"", false, true},
        {"Auto-Submitted", " (x) auto-replied", false, true},
        {"Auto-Submitted", " something-new", false, true},
        {"Auto-Submitted", " auto-generated", false, false}, /* a notification answers nobody */
        {"Auto-Submitted", " auto-generated", true, false},
        {"Auto-Submitted", " auto-notified; by=x", true, false},
        {"X-Autoreply", " yes", false, true},
        {"X-Autoreply", " no", false, false},
        {"X-Autorespond", " Re: hello", false, true},
        {"X-Autorespond", "", false, false},
        {"Precedence", " auto_reply", false, true},
        {"Precedence", " bulk", false, false},
        {"X-Auto-Response-Suppress", " All", false, false}, /* asks for none; every Exchange says so */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static struct gp_headers h;
        gp_headers_init(&h);
        gp_headers_note(&h, gp_str_z(cases[i].name), gp_str_z(cases[i].value));
        if (gp_auto_reply_is(&h, cases[i].null_sender) != cases[i].reply)
            fail_msg("%s:%s", cases[i].name, cases[i].value);
    }
}

static void test_streams(void **state)
{
    static char news[] = "news", notices[] = "transactional";
    static char *names[] = {news, notices};
    static const struct gp_agency with = {.name = "dol", .streams = {2, names}}, without = {.name = "doe"};
    static const struct {
        const char *value, *stream;
    } cases[] = {
        {" news", "news"},
        {"\t transactional \r\n", "transactional"},
        {" News", ""},
        {" other", ""},
        {"", ""},
        {" news, transactional", ""},
        {" newsnewsnewsnewsnewsnewsnewsnewsnewsnews", ""},
        {" new\ns", ""},
    };
    static struct gp_headers h;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gp_headers_init(&h);
        gp_headers_note(&h, GP_STR("X-Gatepost-Stream"), gp_str_z(cases[i].value));
        if (!gp_str_eq(gp_stream_of(&with, &h), gp_str_z(cases[i].stream)))
            fail_msg("\"%s\"", cases[i].value);
        assert_int_equal(gp_stream_of(&without, &h).n, 0);
        assert_int_equal(h.stream, 1);
    }
    gp_headers_init(&h);
    gp_headers_note(&h, GP_STR("X-Gatepost-Stream"), GP_STR(" news"));
    gp_headers_note(&h, GP_STR("x-gatepost-stream"), GP_STR(" transactional"));
    assert_true(gp_str_eq(gp_stream_of(&with, &h), GP_STR("news"))); /* the first one */
    assert_int_equal(h.stream, 2);
}

static void test_counting(void **state)
{
    static const struct {
        const char *name;
        struct gp_auto_reply_count is;
        uint64_t at_ms;
        bool added;
        struct gp_auto_reply_count want;
    } cases[] = {
        {"the first", {0, 0}, 5000, true, {5000, 1}},
        {"another", {5000, 1}, 6000, true, {5000, 2}},
        {"the last", {5000, 2}, 64999, true, {5000, 3}},
        {"one too many", {5000, 3}, 64999, false, {5000, 3}},
        {"the next window", {5000, 3}, 65000, true, {65000, 1}},
        {"a clock that jumped back", {5000, 3}, 4999, true, {4999, 1}},
        {"all given back", {5000, 0}, 6000, true, {6000, 1}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct gp_auto_reply_count c = cases[i].is;
        bool added = gp_auto_reply_add(&c, &dol.limits.auto_replies, cases[i].at_ms);
        if (added != cases[i].added || c.since_ms != cases[i].want.since_ms || c.n != cases[i].want.n)
            fail_msg("%s", cases[i].name);
    }
}

static void test_items(void **state)
{
    static const char *const bad[] = {"",
                                      "GPA1",
                                      "GPA1 1",
                                      "GPA1 1 2 3",
                                      "GPA2 1 2",
                                      "GPA1 -1 2",
                                      "GPA1 1 x",
                                      "GPA1  1 2",
                                      "gpa1 1 2",
                                      "GPA1 1 2 ",
                                      "GPA1 99999999999999999999 1"};
    struct gp_auto_reply_count c = {NOW, 12}, read;
    char item[GP_AUTO_REPLY_ITEM_MAX];
    (void)state;
    size_t n = gp_auto_reply_encode(&c, item);
    assert_string_equal(item, "GPA1 1790000000000 12");
    assert_true(gp_auto_reply_decode((struct gp_str){item, n}, &read));
    assert_memory_equal(&read, &c, sizeof c);
    c = (struct gp_auto_reply_count){UINT64_MAX / 2, UINT64_MAX / 2};
    assert_true(gp_auto_reply_decode((struct gp_str){item, gp_auto_reply_encode(&c, item)}, &read));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (gp_auto_reply_decode(gp_str_z(bad[i]), &read) || read.n != 0)
            fail_msg("\"%s\"", bad[i]);
    }
}

static enum gp_reason take(struct gp_auto_replies *a, const struct gp_agency *agency, const char *to,
                           enum gp_on_loss on_loss, uint64_t at_ms)
{
    return gp_auto_replies_take(a, agency, gp_str_z(to), on_loss, at_ms);
}

/* The same, wherever it is counted. */
static void expect_limit(struct gp_auto_replies *a)
{
    for (int i = 0; i < 3; i++)
        assert_int_equal(take(a, &dol, i == 0 ? "X@Example.org" : "x@example.org", GP_LOSS_LOCAL, NOW), GP_ACCEPTED);
    assert_int_equal(take(a, &dol, "x@example.org", GP_LOSS_LOCAL, NOW + 59999), GP_AUTO_REPLY_LIMIT);
    assert_int_equal(take(a, &dol, "y@example.org", GP_LOSS_LOCAL, NOW), GP_ACCEPTED);
    assert_int_equal(take(a, &doe, "x@example.org", GP_LOSS_LOCAL, NOW), GP_ACCEPTED);
    gp_auto_replies_give_back(a, &dol, GP_STR("x@example.org"));
    assert_int_equal(take(a, &dol, "x@example.org", GP_LOSS_LOCAL, NOW), GP_ACCEPTED);
    assert_int_equal(take(a, &dol, "x@example.org", GP_LOSS_LOCAL, NOW), GP_AUTO_REPLY_LIMIT);
    assert_int_equal(take(a, &dol, "x@example.org", GP_LOSS_LOCAL, NOW + 60000), GP_ACCEPTED);
}

static void test_in_this_process(void **state)
{
    struct gp_auto_replies *a = gp_auto_replies_new(NULL, "gp");
    (void)state;
    expect_limit(a);
    gp_auto_replies_free(a);
}

static struct {
    struct gp_auto_replies *a;
    _Atomic unsigned accepted;
} crowd;

static void *reply_once(void *arg)
{
    (void)arg;
    if (take(crowd.a, &dol, "crowd@example.org", GP_LOSS_CLOSED, NOW) == GP_ACCEPTED)
        atomic_fetch_add(&crowd.accepted, 1);
    return NULL;
}

static void test_with_memcached(void **state)
{
    struct memcached m;
    const char *why = NULL;
    char key[GP_KEY_MAX];
    pthread_t thread[12];
    (void)state;
    assert_true(memcached_new(&m));
    struct gp_counters *counters = gp_counters_new((const char *[]){m.path}, 1, &why);
    assert_non_null(counters);
    struct gp_auto_replies *a = crowd.a = gp_auto_replies_new(counters, "gp");
    expect_limit(a);

    gp_key_limit(key, "gp", "dol", GP_LIMIT_AUTO_REPLIES); /* a live limit holds at once */
    assert_int_equal(gp_counters_set(counters, "dol", key, GP_STR("1/1m"), 0), GP_PUT_DONE);
    assert_int_equal(take(a, &dol, "live@example.org", GP_LOSS_LOCAL, NOW), GP_ACCEPTED);
    assert_int_equal(take(a, &dol, "live@example.org", GP_LOSS_LOCAL, NOW), GP_AUTO_REPLY_LIMIT);
    assert_int_equal(gp_counters_set(counters, "dol", key, GP_STR("nonsense"), 0), GP_PUT_DONE);
    assert_int_equal(take(a, &dol, "live@example.org", GP_LOSS_LOCAL, NOW), GP_ACCEPTED);
    gp_counters_delete(counters, "dol", key);

    for (size_t i = 0; i < 12; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, reply_once, NULL), 0);
    for (size_t i = 0; i < 12; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(atomic_load(&crowd.accepted), 3); /* any number of clients get exactly the limit */

    memcached_kill(&m);
    assert_int_equal(take(a, &dol, "x@example.org", GP_LOSS_CLOSED, NOW), GP_INTERNAL);
    for (int i = 0; i < 5; i++)
        assert_int_equal(take(a, &dol, "x@example.org", GP_LOSS_OPEN, NOW), GP_ACCEPTED);
    for (int i = 0; i < 4; i++)
        assert_int_equal(take(a, &dol, "x@example.org", GP_LOSS_LOCAL, NOW), i < 3 ? GP_ACCEPTED : GP_AUTO_REPLY_LIMIT);
    gp_auto_replies_free(a);
    gp_counters_free(counters);
    memcached_end(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signs), cmocka_unit_test(test_streams),         cmocka_unit_test(test_counting),
        cmocka_unit_test(test_items), cmocka_unit_test(test_in_this_process), cmocka_unit_test(test_with_memcached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
