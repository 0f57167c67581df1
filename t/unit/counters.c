/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * counters.c - the store of items against a real memcached, and against servers that misbehave
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/counters.h"

#include "t/unit/memcached_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

static struct memcached server;

static struct gp_counters *counters_on(const char *path)
{
    const char *why = NULL;
    struct gp_counters *c = gp_counters_new(&path, 1, &why);
    assert_non_null(c);
    return c;
}

static int setup(void **state)
{
    if (!memcached_new(&server))
        return -1;
    *state = counters_on(server.path);
    return 0;
}

static int teardown(void **state)
{
    gp_counters_free(*state);
    memcached_end(&server);
    return 0;
}

static enum gp_fetch look(struct gp_counters *c, const char *group, const char *key, struct gp_item *item)
{
    struct gp_look l = {group, item, 1};
    snprintf(item->key, sizeof item->key, "%s", key);
    gp_counters_get(c, &l, 1);
    return item->state;
}

static void test_verbs(void **state)
{
    struct gp_counters *c = *state;
    struct gp_item item;
    assert_int_equal(look(c, "dol", "gp:a", &item), GP_ABSENT);
    assert_int_equal(gp_counters_swap(c, "dol", "gp:a", GP_STR("x"), 7, 0), GP_PUT_LOST);
    assert_int_equal(gp_counters_swap(c, "dol", "gp:a", GP_STR("x"), 0, 0), GP_PUT_LOST);
    assert_int_equal(gp_counters_delete(c, "dol", "gp:a"), GP_PUT_LOST);
    assert_int_equal(gp_counters_add(c, "dol", "gp:a", GP_STR("one"), 0), GP_PUT_DONE);
    assert_int_equal(gp_counters_add(c, "dol", "gp:a", GP_STR("two"), 0), GP_PUT_LOST);
    assert_int_equal(look(c, "dol", "gp:a", &item), GP_FOUND);
    assert_memory_equal(item.value, "one", 3);
    assert_int_equal(gp_counters_swap(c, "dol", "gp:a", GP_STR("three"), item.cas, 0), GP_PUT_DONE);
    assert_int_equal(gp_counters_swap(c, "dol", "gp:a", GP_STR("four"), item.cas, 0), GP_PUT_LOST);
    assert_int_equal(look(c, "dol", "gp:a", &item), GP_FOUND);
    assert_int_equal(item.n, 5);
    assert_int_equal(gp_counters_set(c, "dol", "gp:a", GP_STR(""), 0), GP_PUT_DONE);
    assert_int_equal(look(c, "dol", "gp:a", &item), GP_FOUND);
    assert_int_equal(item.n, 0);
    assert_int_equal(gp_counters_delete(c, "dol", "gp:a"), GP_PUT_DONE);
    assert_int_equal(look(c, "dol", "gp:a", &item), GP_ABSENT);
    assert_true(gp_counters_up(c));
}

static void test_octets_survive(void **state)
{
    struct gp_counters *c = *state;
    struct gp_item item;
    char value[GP_ITEM_MAX + 1];
    for (size_t i = 0; i < sizeof value; i++)
        value[i] = (char)(unsigned char)(i * 7);
    assert_int_equal(gp_counters_set(c, "dol", "gp:bin", (struct gp_str){value, GP_ITEM_MAX}, 0), GP_PUT_DONE);
    assert_int_equal(look(c, "dol", "gp:bin", &item), GP_FOUND);
    assert_int_equal(item.n, GP_ITEM_MAX);
    assert_memory_equal(item.value, value, GP_ITEM_MAX);
    assert_int_equal(gp_counters_set(c, "dol", "gp:bin", (struct gp_str){value, GP_ITEM_MAX + 1}, 0), GP_PUT_UNKNOWN);
    assert_int_equal(gp_counters_set(c, "dol", "gp:bin", GP_STR("x"), 31 * 86400), GP_PUT_UNKNOWN);
    assert_true(gp_counters_up(c));
}

static void test_looks_together(void **state)
{
    struct gp_counters *c = *state;
    static struct gp_item a[3], b[2];
    struct gp_look looks[] = {{"dol", a, 3}, {"192.0.2.1", b, 2}};
    static const char *const keys[] = {"gp:x", "gp:y", "gp:z", "gp:y", "gp:w"};
    gp_counters_set(c, "dol", "gp:x", GP_STR("1"), 0);
    gp_counters_set(c, "dol", "gp:y", GP_STR("22"), 0);
    gp_counters_set(c, "192.0.2.1", "gp:w", GP_STR("333"), 0);
    for (size_t i = 0; i < 5; i++)
        snprintf(i < 3 ? a[i].key : b[i - 3].key, GP_KEY_MAX, "%s", keys[i]);
    gp_counters_get(c, looks, 2);
    assert_int_equal(a[0].state, GP_FOUND);
    assert_int_equal(a[1].n, 2);
    assert_int_equal(a[2].state, GP_ABSENT);
    assert_int_equal(b[0].n, 2); /* wanted twice, found twice */
    assert_int_equal(b[0].cas, a[1].cas);
    assert_int_equal(b[1].n, 3);
}

static void test_bad_keys_are_never_sent(void **state)
{
    struct gp_counters *c = *state;
    static const char *const bad[] = {"", "a b", "a\nb", "a\tb", "\x7f", "caf\xc3\xa9", "a\rset x 0 0 1", "a/b"};
    static struct gp_item items[2];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct gp_look l = {"dol", items, 2};
        gp_counters_set(c, "dol", "gp:good", GP_STR("1"), 0);
        snprintf(items[0].key, GP_KEY_MAX, "%s", bad[i]);
        snprintf(items[1].key, GP_KEY_MAX, "gp:good");
        gp_counters_get(c, &l, 1);
        assert_int_equal(items[0].state, GP_UNKNOWN);
        assert_int_equal(items[1].state, GP_FOUND);
        assert_int_equal(look(c, bad[i], "gp:good", &items[0]), GP_UNKNOWN);
        assert_int_equal(gp_counters_add(c, "dol", bad[i], GP_STR("1"), 0), GP_PUT_UNKNOWN);
        assert_int_equal(gp_counters_delete(c, bad[i], "gp:good"), GP_PUT_UNKNOWN);
    }
    memset(items[0].key, 'k', GP_KEY_MAX); /* no NUL at all */
    gp_counters_get(c, &(struct gp_look){"dol", items, 1}, 1);
    assert_int_equal(items[0].state, GP_UNKNOWN);
    assert_true(gp_counters_up(c));
}

static void test_foreign_values(void **state)
{
    struct gp_counters *c = *state;
    struct gp_item item;
    char reply[64], big[4096];
    int head = snprintf(big, sizeof big, "set gp:big 7 0 3000\r\n");
    memset(big + head, 'v', 3000);
    memcpy(big + head + 3000, "\r\n", 2);
    assert_true(memcached_say(&server, big, (size_t)head + 3002, reply, sizeof reply));
    assert_int_equal(look(c, "dol", "gp:big", &item), GP_FOUND);
    assert_int_equal(item.n, 0);
    assert_int_not_equal(item.cas, 0);
    const char *hand = "set gp:limit:dol:rate 42 3600 8\r\n5000/10m\r\n";
    assert_true(memcached_say(&server, hand, strlen(hand), reply, sizeof reply));
    assert_string_equal(reply, "STORED\r\n");
    assert_int_equal(look(c, "dol", "gp:limit:dol:rate", &item), GP_FOUND);
    assert_memory_equal(item.value, "5000/10m", 8);
}

static void test_items_expire(void **state)
{
    struct gp_counters *c = *state;
    struct gp_item item;
    double deadline = test_seconds() + 10;
    assert_int_equal(gp_counters_add(c, "dol", "gp:short", GP_STR("1"), 1), GP_PUT_DONE);
    while (look(c, "dol", "gp:short", &item) == GP_FOUND && test_seconds() < deadline)
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    assert_int_equal(item.state, GP_ABSENT);
}

static void test_restart_is_not_noticed(void **state)
{
    struct gp_counters *c = *state;
    struct gp_item item;
    gp_counters_set(c, "dol", "gp:a", GP_STR("1"), 0);
    memcached_kill(&server);
    assert_true(memcached_begin(&server));
    assert_int_equal(look(c, "dol", "gp:a", &item), GP_ABSENT);
    memcached_kill(&server);
    assert_true(memcached_begin(&server));
    assert_int_equal(gp_counters_add(c, "dol", "gp:a", GP_STR("1"), 0), GP_PUT_DONE);
    assert_true(gp_counters_up(c));
}

static void test_lost_items_are_noticed(void **state)
{
    struct gp_counters *c = *state;
    assert_true(gp_counters_probe(c));
    assert_true(gp_counters_probe(c));
    assert_int_equal(gp_counters_breaks(c), 0);
    memcached_kill(&server);
    assert_true(memcached_begin(&server));
    assert_true(gp_counters_probe(c));
    assert_int_equal(gp_counters_breaks(c), 1);
    assert_true(gp_counters_probe(c));
    assert_int_equal(gp_counters_breaks(c), 1);
}

static void test_outage_and_recovery(void **state)
{
    struct gp_counters *c = *state;
    struct gp_item item;
    gp_counters_set(c, "dol", "gp:a", GP_STR("1"), 0);
    memcached_kill(&server);
    assert_int_equal(look(c, "dol", "gp:a", &item), GP_UNKNOWN);
    assert_false(gp_counters_up(c));
    assert_int_equal(gp_counters_add(c, "dol", "gp:a", GP_STR("1"), 0), GP_PUT_UNKNOWN);
    assert_false(gp_counters_probe(c));
    assert_true(memcached_begin(&server));
    assert_int_equal(look(c, "dol", "gp:a", &item), GP_UNKNOWN); /* until the probe */
    assert_true(gp_counters_probe(c));
    assert_int_equal(look(c, "dol", "gp:a", &item), GP_ABSENT);
}

static void test_silence_costs_one_wait(void **state)
{
    struct gp_counters *c = *state;
    struct gp_item item;
    for (int fresh = 0; fresh < 2; fresh++) {
        if (!fresh)
            gp_counters_set(c, "dol", "gp:a", GP_STR("1"), 0);
        memcached_pause(&server);
        double begin = test_seconds();
        assert_int_equal(look(c, "dol", "gp:a", &item), GP_UNKNOWN);
        double first = test_seconds() - begin;
        for (int i = 0; i < 1000; i++)
            assert_int_equal(gp_counters_swap(c, "dol", "gp:a", GP_STR("2"), 1, 0), GP_PUT_UNKNOWN);
        double rest = test_seconds() - begin - first;
        assert_false(gp_counters_probe(c));
        memcached_resume(&server);
        assert_true(first < 0.25);
        assert_true(rest < 0.1);
        double deadline = test_seconds() + 5;
        while (!gp_counters_probe(c) && test_seconds() < deadline)
            ;
        assert_int_equal(look(c, "dol", "gp:a", &item), GP_FOUND);
    }
}

/* A server that answers every connection's first command with one text and hangs up; the first ones with nothing. */
struct impostor {
    char path[96];
    int listener;
    pthread_t thread;
    const char *text;
    int silent; /* connections that get no answer */
};

static void *impostor_run(void *arg)
{
    struct impostor *im = arg;
    char command[4096];
    for (int fd; (fd = accept(im->listener, NULL, NULL)) >= 0; close(fd))
        if (read(fd, command, sizeof command) > 0 && im->silent-- <= 0 && im->text[0] != '\0')
            (void)!write(fd, im->text, strlen(im->text));
    return NULL;
}

static void impostor_begin(struct impostor *im, const char *text, int silent)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    im->text = text;
    im->silent = silent;
    snprintf(im->path, sizeof im->path, "%s/impostor", server.dir);
    snprintf(at.sun_path, sizeof at.sun_path, "%s", im->path);
    im->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(im->listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(im->listener, 16), 0);
    assert_int_equal(pthread_create(&im->thread, NULL, impostor_run, im), 0);
}

static void impostor_end(struct impostor *im)
{
    shutdown(im->listener, SHUT_RDWR);
    pthread_join(im->thread, NULL);
    close(im->listener);
    unlink(im->path);
}

static void test_misbehaving_servers(void **state)
{
    static const struct {
        const char *text;
        bool up; /* it refuses, but it is there */
    } cases[] = {
        {"", false},
        {"ERROR\r\n", false},
        {"SERVER_ERROR out of memory storing object\r\n", true},
        {"SERVER_ERROR object too large for cache\r\n", true},
        {"CLIENT_ERROR bad\r\n", true},
        {"VALUE gp:b 0 5 1\r\nab", false},
        {"VALUE gp:b 0 2 1\r\nab\r\n", false},
        {"VALUE gp:b 0 99999999999999999999 1\r\n", false},
        {"EN", false},
        {"HTTP/1.1 400 Bad Request\r\n\r\n", false},
        {"STORED", false},
        {"\r\n", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct impostor im;
        struct gp_item item;
        impostor_begin(&im, cases[i].text, 0);
        struct gp_counters *c = counters_on(im.path);
        if (look(c, "dol", "gp:a", &item) != GP_UNKNOWN || gp_counters_up(c) != cases[i].up)
            fail_msg("a look: %s", cases[i].text);
        gp_counters_free(c);
        c = counters_on(im.path);
        /* libmemcached itself ends the process when a change is answered by a value */
        bool value = strncmp(cases[i].text, "VALUE", 5) == 0;
        if (!value &&
            (gp_counters_add(c, "dol", "gp:a", GP_STR("1"), 0) != GP_PUT_UNKNOWN || gp_counters_up(c) != cases[i].up))
            fail_msg("an add: %s", cases[i].text);
        gp_counters_free(c);
        impostor_end(&im);
    }
}

/* The first answer is lost, the repetition meets what the first attempt may have written: nobody can say whose it is.
 */
static void test_lost_answers(void **state)
{
    (void)state;
    for (int silent = 0; silent < 2; silent++) {
        enum gp_put expected = silent > 0 ? GP_PUT_UNKNOWN : GP_PUT_LOST;
        struct impostor im;
        impostor_begin(&im, "NOT_STORED\r\n", silent);
        struct gp_counters *c = counters_on(im.path);
        assert_int_equal(gp_counters_add(c, "dol", "gp:a", GP_STR("1"), 0), expected);
        gp_counters_free(c);
        impostor_end(&im);
        impostor_begin(&im, "EXISTS\r\n", silent);
        c = counters_on(im.path);
        assert_int_equal(gp_counters_swap(c, "dol", "gp:a", GP_STR("1"), 7, 0), expected);
        gp_counters_free(c);
        impostor_end(&im);
        impostor_begin(&im, "NOT_FOUND\r\n", silent);
        c = counters_on(im.path);
        assert_int_equal(gp_counters_delete(c, "dol", "gp:a"), expected);
        gp_counters_free(c);
        impostor_end(&im);
    }
}

/* Any number of agencies at once over several servers: one round trip for each server, everything found. */
static void test_many_groups(void **state)
{
    enum { GROUPS = 64 };
    static struct gp_item items[GROUPS];
    static struct gp_look looks[GROUPS];
    static char names[GROUPS][32];
    struct memcached other;
    const char *why = NULL;
    (void)state;
    assert_true(memcached_new(&other));
    struct gp_counters *c = gp_counters_new((const char *const[]){server.path, other.path}, 2, &why);
    for (int i = 0; i < GROUPS; i++) {
        snprintf(names[i], sizeof names[i], "agency%d", i);
        snprintf(items[i].key, GP_KEY_MAX, "gp:agency%d", i);
        looks[i] = (struct gp_look){names[i], &items[i], 1};
        if (i % 2 == 0)
            assert_int_equal(gp_counters_set(c, names[i], items[i].key, gp_str_z(names[i]), 0), GP_PUT_DONE);
    }
    gp_counters_get(c, looks, GROUPS);
    for (int i = 0; i < GROUPS; i++) {
        assert_int_equal(items[i].state, i % 2 == 0 ? GP_FOUND : GP_ABSENT);
        if (i % 2 == 0)
            assert_memory_equal(items[i].value, names[i], items[i].n);
    }
    gp_counters_free(c);
    memcached_end(&other);
}

static void test_two_servers(void **state)
{
    struct memcached other;
    struct gp_item item;
    const char *why = NULL, *mine = NULL, *theirs = NULL;
    char group[2][32] = {"", ""};
    (void)state;
    assert_true(memcached_new(&other));
    struct gp_counters *c = gp_counters_new((const char *const[]){server.path, other.path}, 2, &why);
    struct gp_counters *alone = counters_on(server.path);
    for (int i = 0; i < 200; i++) {
        char name[32];
        snprintf(name, sizeof name, "agency%d", i);
        bool here = strcmp(gp_counters_server(c, name), server.path) == 0;
        memcpy(group[here ? 0 : 1], name, sizeof name);
        assert_int_equal(gp_counters_set(c, name, name, GP_STR("1"), 0), GP_PUT_DONE);
        assert_int_equal(look(alone, name, name, &item), here ? GP_FOUND : GP_ABSENT);
    }
    mine = group[0];
    theirs = group[1];
    assert_true(mine[0] != '\0' && theirs[0] != '\0');
    memcached_kill(&other);
    static struct gp_item items[2];
    struct gp_look looks[] = {{theirs, &items[0], 1}, {mine, &items[1], 1}};
    for (int round = 0; round < 2; round++) {
        snprintf(items[0].key, GP_KEY_MAX, "%s", theirs);
        snprintf(items[1].key, GP_KEY_MAX, "%s", mine);
        gp_counters_get(c, looks, 2);
        assert_int_equal(items[0].state, GP_UNKNOWN);
        assert_int_equal(items[1].state, GP_FOUND);
    }
    assert_false(gp_counters_probe(c));
    assert_true(memcached_begin(&other));
    assert_true(gp_counters_probe(c));
    assert_int_equal(look(c, theirs, theirs, &item), GP_ABSENT);
    gp_counters_free(alone);
    gp_counters_free(c);
    memcached_end(&other);
}

#define THREADS 16
#define ROUNDS 50

static void *count_up(void *arg)
{
    struct gp_counters *c = arg;
    struct gp_item item;
    for (int done = 0; done < ROUNDS;) {
        char text[16];
        if (look(c, "dol", "gp:n", &item) != GP_FOUND) {
            gp_counters_probe(c); /* a busy machine may let an answer come too late */
            continue;
        }
        item.value[item.n] = '\0';
        unsigned long n = strtoul(item.value, NULL, 10);
        snprintf(text, sizeof text, "%lu", n + 1);
        struct gp_str next = {text, strlen(text)};
        done += gp_counters_swap(c, "dol", "gp:n", next, item.cas, 0) == GP_PUT_DONE;
    }
    return NULL;
}

static void test_threads(void **state)
{
    struct gp_counters *c = *state;
    struct gp_item item;
    pthread_t thread[THREADS];
    gp_counters_set(c, "dol", "gp:n", GP_STR("0"), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, count_up, c);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(look(c, "dol", "gp:n", &item), GP_FOUND);
    assert_memory_equal(item.value, "800", 3);
}

static void test_server_names(void **state)
{
    static const struct {
        const char *name;
        bool good;
    } cases[] = {
        {"/run/x.sock", true},
        {"127.0.0.1:11211", true},
        {"[::1]:11211", true},
        {"localhost:11211", true},
        {"cache:11211", false},
        {"127.0.0.1", false},
        {"127.0.0.1:0", false},
        {"127.0.0.1:65536", false},
        {"::1:11211", false},
        {"", false},
        {":11211", false},
        {"[]:1", false},
        {"127.0.0.1:11211 ", false},
        {"/012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
         "8",
         false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *why = NULL;
        struct gp_counters *c = gp_counters_new(&cases[i].name, 1, &why);
        if ((c != NULL) != cases[i].good || (c == NULL) != (why != NULL))
            fail_msg("%s", cases[i].name);
        gp_counters_free(c);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_verbs),
        T(test_octets_survive),
        T(test_looks_together),
        T(test_bad_keys_are_never_sent),
        T(test_foreign_values),
        T(test_items_expire),
        T(test_restart_is_not_noticed),
        T(test_lost_items_are_noticed),
        T(test_outage_and_recovery),
        T(test_silence_costs_one_wait),
        T(test_misbehaving_servers),
        T(test_lost_answers),
        T(test_many_groups),
        T(test_two_servers),
        T(test_threads),
        cmocka_unit_test(test_server_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
