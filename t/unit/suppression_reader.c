/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * suppression_reader.c - look-ups: which rows speak, from many threads, while others write, and without a database
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "milter/suppressed.h"
#include "shared/suppression_reader.h"
#include "shared/suppression_store.h"
#include "t/unit/store_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#define NOW UINT64_C(1790000000000)

static void put(const char *address, const char *agency, const char *scope, enum gp_suppression_reason reason,
                uint64_t retest_ms, uint64_t until_ms)
{
    struct gp_suppression row = {.reason = reason, .since_ms = NOW - 1, .retest_ms = retest_ms, .until_ms = until_ms};
    snprintf(row.address, sizeof row.address, "%s", address);
    snprintf(row.agency, sizeof row.agency, "%s", agency);
    snprintf(row.scope, sizeof row.scope, "%s", scope);
    snprintf(row.why, sizeof row.why, "%s %s", agency, scope);
    assert_true(gp_suppression_put(store, &row, NOW));
}

static enum gp_suppression_answer look(struct gp_suppression_reader *r, const char *address, const char *agency,
                                       const char *stream, enum gp_suppression_part part)
{
    struct gp_suppression row;
    char why[128] = "";
    const struct gp_suppression_question q = {gp_str_z(address), gp_str_z(agency), gp_str_z(stream), part, NOW};
    enum gp_suppression_answer answer = gp_suppression_look(r, &q, &row, why);
    if ((answer == GP_SUPPRESSION_UNKNOWN) != (why[0] != '\0'))
        fail_msg("%s: %d, \"%s\"", address, answer, why);
    return answer;
}

static void test_rows(void **state)
{
    static const struct {
        const char *name, *address, *agency, *stream;
        enum gp_suppression_part part;
        enum gp_suppression_answer want;
    } cases[] = {
        {"nobody", "a@example.org", "dol", "", GP_SUPPRESSION_WHOLE, GP_SUPPRESSION_NONE},
        {"the agency's", "own@example.org", "dol", "", GP_SUPPRESSION_WHOLE, GP_SUPPRESSION_HOLDS},
        {"in any case", "OWN@Example.ORG", "dol", "", GP_SUPPRESSION_WHOLE, GP_SUPPRESSION_HOLDS},
        {"another agency's", "own@example.org", "doe", "", GP_SUPPRESSION_WHOLE, GP_SUPPRESSION_NONE},
        {"every agency's", "all@example.org", "doe", "", GP_SUPPRESSION_WHOLE, GP_SUPPRESSION_HOLDS},
        {"no agency at all", "own@example.org", "", "", GP_SUPPRESSION_WHOLE, GP_SUPPRESSION_NONE},
        {"due", "due@example.org", "dol", "", GP_SUPPRESSION_WHOLE, GP_SUPPRESSION_RETEST},
        {"not due yet", "soon@example.org", "dol", "", GP_SUPPRESSION_WHOLE, GP_SUPPRESSION_HOLDS},
        {"due, but unsubscribed", "both@example.org", "dol", "", GP_SUPPRESSION_WHOLE, GP_SUPPRESSION_HOLDS},
        {"due, but an operator's for every agency", "trap@example.org", "dol", "", GP_SUPPRESSION_WHOLE,
         GP_SUPPRESSION_HOLDS},
        {"due, unsubscribed from others", "both@example.org", "dol", "offers", GP_SUPPRESSION_WHOLE,
         GP_SUPPRESSION_RETEST},
        {"at RCPT only what no stream changes", "both@example.org", "dol", "", GP_SUPPRESSION_ANY_STREAM,
         GP_SUPPRESSION_RETEST},
        {"at the end only the others", "both@example.org", "dol", "news", GP_SUPPRESSION_BY_STREAM,
         GP_SUPPRESSION_HOLDS},
        {"and not again what RCPT said", "due@example.org", "dol", "news", GP_SUPPRESSION_BY_STREAM,
         GP_SUPPRESSION_NONE},
        {"complained: bulk", "bulk@example.org", "dol", "news", GP_SUPPRESSION_BY_STREAM, GP_SUPPRESSION_HOLDS},
        {"complained: transactional", "bulk@example.org", "dol", "transactional", GP_SUPPRESSION_BY_STREAM,
         GP_SUPPRESSION_NONE},
        {"complained: no stream", "bulk@example.org", "dol", "", GP_SUPPRESSION_BY_STREAM, GP_SUPPRESSION_HOLDS},
        {"an operator's that is over", "over@example.org", "dol", "", GP_SUPPRESSION_WHOLE, GP_SUPPRESSION_NONE},
        {"an operator's that lasts", "lasts@example.org", "dol", "", GP_SUPPRESSION_WHOLE, GP_SUPPRESSION_HOLDS},
        {"empty", "", "dol", "", GP_SUPPRESSION_WHOLE, GP_SUPPRESSION_NONE},
    };
    struct gp_suppression_reader *r = gp_suppression_reader_new(store_path);
    char longest[400];
    (void)state;
    assert_non_null(r);
    put("own@example.org", "dol", "*", GP_SUPPRESSED_HARD, 0, 0);
    put("all@example.org", "", "*", GP_SUPPRESSED_MANUAL, 0, 0);
    put("due@example.org", "dol", "*", GP_SUPPRESSED_HARD, NOW, 0);
    put("soon@example.org", "dol", "*", GP_SUPPRESSED_HARD, NOW + 1, 0);
    put("both@example.org", "dol", "*", GP_SUPPRESSED_HARD, NOW, 0);
    put("both@example.org", "dol", "news", GP_SUPPRESSED_UNSUBSCRIBE, 0, 0);
    put("trap@example.org", "", "*", GP_SUPPRESSED_MANUAL, 0, 0);
    put("trap@example.org", "dol", "*", GP_SUPPRESSED_HARD, NOW, 0);
    put("bulk@example.org", "dol", "bulk", GP_SUPPRESSED_COMPLAINT, 0, 0);
    put("over@example.org", "dol", "*", GP_SUPPRESSED_MANUAL, 0, NOW);
    put("lasts@example.org", "dol", "*", GP_SUPPRESSED_MANUAL, 0, NOW + 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum gp_suppression_answer got = look(r, cases[i].address, cases[i].agency, cases[i].stream, cases[i].part);
        if (got != cases[i].want)
            fail_msg("%s: %d, not %d", cases[i].name, got, cases[i].want);
    }
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(look(r, longest, "dol", "", GP_SUPPRESSION_WHOLE), GP_SUPPRESSION_NONE);
    gp_suppression_reader_free(r);
}

static void test_without_a_database(void **state)
{
    char other[128], file[144], why[256];
    struct gp_store *first = store;
    (void)state;
    snprintf(other, sizeof other, "%s/none.db", store_dir);
    struct gp_suppression_reader *r = gp_suppression_reader_new(other);
    assert_int_equal(look(r, "a@b", "dol", "", GP_SUPPRESSION_WHOLE), GP_SUPPRESSION_NONE);
    FILE *f = fopen(other, "w");
    assert_non_null(f);
    fclose(f);
    assert_int_equal(look(r, "a@b", "dol", "", GP_SUPPRESSION_WHOLE), GP_SUPPRESSION_NONE); /* an empty one */
    f = fopen(other, "w");
    assert_non_null(f);
    fputs("this is no database, whatever its name says, and long enough to be read as a header......................",
          f);
    fclose(f);
    assert_int_equal(look(r, "a@b", "dol", "", GP_SUPPRESSION_WHOLE), GP_SUPPRESSION_UNKNOWN);
    unlink(other);
    store = gp_store_open(other, why); /* it comes to be while the reader lives */
    assert_non_null(store);
    assert_int_equal(look(r, "a@b", "dol", "", GP_SUPPRESSION_WHOLE), GP_SUPPRESSION_NONE);
    put("a@b", "dol", "*", GP_SUPPRESSED_HARD, 0, 0);
    assert_int_equal(look(r, "a@b", "dol", "", GP_SUPPRESSION_WHOLE), GP_SUPPRESSION_HOLDS);
    gp_suppression_reader_free(r);
    gp_store_close(store);
    store = first;
    for (const char *const *end = (const char *const[]){"", "-wal", "-shm", NULL}; *end != NULL; end++) {
        snprintf(file, sizeof file, "%s%s", other, *end);
        unlink(file);
    }
}

/* What the operator chose for lost counters holds for a lost database: it waits, or it passes. */
static void test_a_broken_database(void **state)
{
    struct gp_config config = {.on_counter_loss = GP_LOSS_LOCAL};
    const struct gp_agency dol = {.name = "dol"};
    char other[128], detail[GP_DETAIL_MAX + 1];
    const struct gp_suppressed_question q = {
        .config = &config, .agency = &dol, .recipient = GP_STR("a@b"), .now_ms = NOW};
    (void)state;
    snprintf(other, sizeof other, "%s/broken.db", store_dir);
    FILE *f = fopen(other, "w");
    assert_non_null(f);
    for (int i = 0; i < 100; i++)
        fputs("this is no database", f);
    fclose(f);
    struct gp_suppressor *s = gp_suppressor_new(other, NULL, "gp");
    assert_int_equal(gp_suppressed_rcpt(s, &q, detail), GP_ACCEPTED);
    config.on_counter_loss = GP_LOSS_OPEN;
    assert_int_equal(gp_suppressed_rcpt(s, &q, detail), GP_ACCEPTED);
    config.on_counter_loss = GP_LOSS_CLOSED;
    assert_int_equal(gp_suppressed_rcpt(s, &q, detail), GP_INTERNAL);
    gp_suppressor_free(s);
    unlink(other);
}

static void test_replies(void **state)
{
    char detail[GP_DETAIL_MAX + 1];
    struct gp_suppression row = {.since_ms = NOW, .reason = GP_SUPPRESSED_HARD, .why = "550 5.1.1 gone"};
    (void)state;
    gp_suppressed_text(&row, detail);
    assert_string_equal(detail, "550 5.1.1 gone, since 2026-09-21");
    row.why[0] = '\0';
    gp_suppressed_text(&row, detail);
    assert_string_equal(detail, "hard-bounce, since 2026-09-21");
    for (size_t start = 0; start < 2; start++) {
        memset(row.why, 'a', sizeof row.why);
        for (size_t i = start; i + 2 < sizeof row.why; i += 2)
            memcpy(row.why + i, "\xc3\xbc", 2);
        row.why[sizeof row.why - 1] = '\0';
        gp_suppressed_text(&row, detail);
        assert_true(gp_str_utf8(gp_str_z(detail)));
        assert_non_null(strstr(detail, ", since 2026-09-21"));
    }
    memcpy(row.why, "a\r\nb", 5); /* not even one that was never cleaned */
    gp_suppressed_text(&row, detail);
    assert_null(strpbrk(detail, "\r\n"));
}

#define THREADS 24
#define LOOKS 2000

static struct {
    struct gp_suppression_reader *r;
    _Atomic unsigned wrong, done;
} shared;

static void *look_often(void *arg)
{
    (void)arg;
    for (int i = 0; i < LOOKS; i++) {
        struct gp_suppression row;
        char why[128];
        bool here = i % 2 == 0;
        const struct gp_suppression_question q = {here ? GP_STR("own@example.org") : GP_STR("free@example.org"),
                                                  GP_STR("dol"), GP_STR(""), GP_SUPPRESSION_WHOLE, NOW};
        enum gp_suppression_answer answer = gp_suppression_look(shared.r, &q, &row, why);
        if (answer != (here ? GP_SUPPRESSION_HOLDS : GP_SUPPRESSION_NONE))
            atomic_fetch_add(&shared.wrong, 1);
    }
    atomic_fetch_add(&shared.done, 1);
    return NULL;
}

/* One handle writes all the while, in transactions that it leaves open for long. */
static void test_many_threads_and_a_writer(void **state)
{
    pthread_t thread[THREADS];
    (void)state;
    shared.r = gp_suppression_reader_new(store_path);
    atomic_store(&shared.wrong, 0);
    atomic_store(&shared.done, 0);
    put("own@example.org", "dol", "*", GP_SUPPRESSED_HARD, 0, 0);
    assert_true(gp_store_begin(store)); /* a writer that never ends */
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, look_often, NULL), 0);
    for (unsigned i = 0; atomic_load(&shared.done) < THREADS; i++) {
        char address[32];
        snprintf(address, sizeof address, "w%u@example.org", i % 1000);
        put(address, "dol", "*", GP_SUPPRESSED_HARD, i, 0);
        if (i % 50 == 0) {
            assert_true(gp_store_commit(store));
            store_exec("PRAGMA wal_checkpoint(TRUNCATE)");
            assert_true(gp_store_begin(store));
        }
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    gp_store_rollback(store);
    assert_int_equal(atomic_load(&shared.wrong), 0);
    gp_suppression_reader_free(shared.r);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, store_setup, store_teardown)
    const struct CMUnitTest tests[] = {
        T(test_rows),
        T(test_without_a_database),
        T(test_a_broken_database),
        cmocka_unit_test(test_replies),
        T(test_many_threads_and_a_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
