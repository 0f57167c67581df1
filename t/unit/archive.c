/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * archive.c - tests of feedback/archive and feedback/poison: drafts, what is kept, what is swept, marks of a crash
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "feedback/archive.h"
#include "feedback/poison.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DAY "2026-11-26"
#define DAY_MS (UINT64_C(20783) * 86400000)

static char folder[64], top[80];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/gatepost-unit-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(top, sizeof top, "%s/archive", folder);
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

static int remove_folder(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct gp_archive *open_archive(void)
{
    char why[256];
    struct gp_archive *a = gp_archive_open(top, why);
    if (a == NULL)
        fail_msg("%s", why);
    return a;
}

static struct gp_draft *sealed(struct gp_archive *a, struct gp_str octets, size_t piece)
{
    struct gp_draft *d = gp_draft_new(a);
    assert_non_null(d);
    while (octets.n > 0) {
        size_t n = octets.n < piece ? octets.n : piece;
        assert_true(gp_draft_add(d, (struct gp_str){octets.p, n}));
        octets = (struct gp_str){octets.p + n, octets.n - n};
    }
    assert_true(gp_draft_seal(d));
    return d;
}

static void test_the_reserve_stays_free(void **state)
{
    (void)state;
    struct gp_archive *a = open_archive();
    gp_archive_reserve(a, UINT64_C(1) << 60);
    struct gp_draft *d = gp_draft_new(a);
    assert_non_null(d);
    assert_true(gp_draft_add(d, GP_STR("gathered, not yet written")));
    assert_false(gp_draft_seal(d));
    assert_int_equal(errno, ENOSPC);
    gp_draft_free(d);
    gp_archive_free(a);
}

static bool there(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", top, name);
    return access(path, F_OK) == 0;
}

static size_t files(const char *name)
{
    char command[256], text[32] = "";
    snprintf(command, sizeof command, "find %s/%s -type f | wc -l", top, name);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    assert_non_null(fgets(text, sizeof text, f));
    pclose(f);
    return (size_t)strtoul(text, NULL, 10);
}

static void test_hash_and_octets(void **state)
{
    (void)state;
    static const struct {
        struct gp_str octets;
        const char *hash; /* sha256sum */
    } known[] = {
        {{"", 0}, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {{"abc", 3}, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    };
    struct gp_archive *a = open_archive();
    for (size_t i = 0; i < 2; i++) {
        struct gp_draft *d = sealed(a, known[i].octets, 1);
        assert_string_equal(gp_draft_hash(d), known[i].hash);
        assert_true(gp_str_eq(gp_draft_octets(d), known[i].octets));
        gp_draft_free(d);
    }
    gp_archive_free(a);
}

/* The same whatever the pieces, also around the size of what is gathered before it is written. */
static void test_pieces(void **state)
{
    (void)state;
    static char octets[300001];
    struct gp_archive *a = open_archive();
    for (size_t i = 0; i < sizeof octets; i++)
        octets[i] = (char)(i * i >> 7);
    struct gp_str whole = {octets, sizeof octets};
    struct gp_draft *first = sealed(a, whole, SIZE_MAX);
    static const size_t pieces[] = {1, 1000, 65535, 65536, 65537, 131072};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct gp_draft *d = sealed(a, whole, pieces[i]);
        assert_true(gp_str_eq(gp_draft_octets(d), whole));
        assert_string_equal(gp_draft_hash(d), gp_draft_hash(first));
        gp_draft_free(d);
    }
    gp_draft_free(first);
    assert_int_equal(files("draft"), 0);
    gp_archive_free(a);
}

static void test_ids(void **state)
{
    (void)state;
    char hash[2][GP_ARCHIVE_HASH + 1] = {{0}, {0}}, id[4][GP_ARCHIVE_ID + 1], long_one[600];
    memset(hash[0], 'a', GP_ARCHIVE_HASH);
    memset(hash[1], 'b', GP_ARCHIVE_HASH);
    memset(long_one, 'x', sizeof long_one);
    assert_true(gp_archive_id(hash[0], GP_STR("Jane@Example.com"), id[0]));
    assert_true(gp_archive_id(hash[0], GP_STR("jane@example.com"), id[1]));
    assert_true(gp_archive_id(hash[0], GP_STR("joe@example.com"), id[2]));
    assert_true(gp_archive_id(hash[1], GP_STR("jane@example.com"), id[3]));
    assert_int_equal(strlen(id[0]), GP_ARCHIVE_ID);
    assert_int_equal(strspn(id[0], "0123456789abcdef"), GP_ARCHIVE_ID);
    assert_string_equal(id[0], id[1]);
    assert_string_not_equal(id[0], id[2]);
    assert_string_not_equal(id[0], id[3]);
    assert_false(gp_archive_id(hash[0], (struct gp_str){long_one, sizeof long_one}, id[0]));
}

static void test_days(void **state)
{
    (void)state;
    char day[GP_ARCHIVE_DAY + 1], path[4096];
    static const struct {
        uint64_t ms;
        const char *day;
    } known[] = {{0, "1970-01-01"},
                 {86399999, "1970-01-01"},
                 {86400000, "1970-01-02"},
                 {DAY_MS, DAY},
                 {DAY_MS - 1, "2026-11-25"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        gp_archive_day(known[i].ms, day);
        assert_string_equal(day, known[i].day);
    }
    gp_archive_path("/a", DAY_MS, "0123", path);
    assert_string_equal(path, "/a/" DAY "/0123.eml");
}

static void test_kept(void **state)
{
    (void)state;
    struct gp_archive *a = open_archive();
    struct gp_draft *d = sealed(a, GP_STR("kept\r\n"), 3);
    char id[GP_ARCHIVE_ID + 1], other[GP_ARCHIVE_ID + 1], path[4096], text[32] = "";
    struct stat st;
    assert_true(gp_archive_id(gp_draft_hash(d), GP_STR("x"), id) &&
                gp_archive_id(gp_draft_hash(d), GP_STR("y"), other));
    assert_true(gp_archive_keep(a, d, DAY, id));
    assert_true(gp_archive_keep(a, d, DAY, id)); /* again is no error */
    assert_true(gp_archive_keep(a, d, DAY, other));
    assert_true(gp_archive_sync(a, DAY));
    assert_false(gp_archive_sync(a, "2026-01-01"));
    gp_draft_free(d);
    gp_archive_path(top, DAY_MS, id, path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    FILE *f = fopen(path, "r");
    assert_int_equal(fread(text, 1, sizeof text, f), 6);
    fclose(f);
    assert_string_equal(text, "kept\r\n");
    assert_int_equal(files("draft"), 0);
    gp_archive_free(a);
}

static bool not_this_one(void *arg, const char *id)
{
    return strcmp(id, arg) != 0;
}

static void keep_as(struct gp_archive *a, const char *day, const char *id)
{
    struct gp_draft *d = sealed(a, gp_str_z(id), 100);
    assert_true(gp_archive_keep(a, d, day, id));
    gp_draft_free(d);
}

static void test_sweep(void **state)
{
    (void)state;
    char one[] = "11111111111111111111111111111111", two[] = "22222222222222222222222222222222";
    struct gp_archive *a = open_archive();
    for (int i = 1; i < 5; i++) {
        char day[GP_ARCHIVE_DAY + 1];
        snprintf(day, sizeof day, "2020-01-0%d", i);
        keep_as(a, day, one);
        if (i != 3)
            keep_as(a, day, two);
    }
    assert_int_equal(gp_archive_sweep(a, "2020-01-02", "2020-01-03", 3600, not_this_one, one), 0); /* all are younger */
    assert_int_equal(gp_archive_sweep(a, "2020-01-02", "2020-01-03", 0, not_this_one, one), 2);
    assert_true(there("2020-01-01/11111111111111111111111111111111.eml"));
    assert_false(there("2020-01-02/11111111111111111111111111111111.eml"));
    assert_true(there("2020-01-02/22222222222222222222222222222222.eml"));
    assert_false(there("2020-01-03")); /* an empty day goes */
    assert_int_equal(gp_archive_sweep(a, "", "2020-01-09", 0, not_this_one, one), 2);
    assert_int_equal(files("."), 6 - 1); /* the rest, and what test_kept left */
    gp_archive_free(a);
}

static void test_old_drafts_go(void **state)
{
    (void)state;
    char path[256];
    struct gp_archive *a = open_archive();
    gp_archive_free(a);
    snprintf(path, sizeof path, "%s/draft/12", top);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
    a = open_archive();
    assert_int_equal(files("draft"), 0);
    gp_archive_free(a);
}

static void test_not_a_folder(void **state)
{
    (void)state;
    char why[256];
    assert_null(gp_archive_open("/proc/nowhere/archive", why));
    assert_non_null(strstr(why, "/proc/nowhere/archive"));
}

/* A child that crashes while it reads; returns the signal that ended it. */
static int crash(const char *marks, int number, bool reading)
{
    const struct rlimit none = {0, 0};
    pid_t pid = fork();
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &none);
        for (int n = 1; n < 32; n++)
            signal(n, SIG_DFL); /* a sanitizer's */
        gp_poison_watch(marks);
        gp_poison_enter("0123");
        if (!reading)
            gp_poison_leave();
        raise(number);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void test_poison(void **state)
{
    (void)state;
    char marks[128], mark[160];
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
    snprintf(marks, sizeof marks, "%s/poison", folder);
    snprintf(mark, sizeof mark, "%s/0123", marks);
    assert_false(gp_poison_marked("0123"));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        assert_int_equal(crash(marks, numbers[i], false), numbers[i]);
        assert_int_not_equal(access(mark, F_OK), 0); /* it read nothing */
        assert_int_equal(crash(marks, numbers[i], true), numbers[i]);
        assert_int_equal(access(mark, F_OK), 0);
        assert_int_equal(unlink(mark), 0);
    }
    assert_int_equal(crash(marks, SIGKILL, true), SIGKILL);
    assert_int_not_equal(access(mark, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash_and_octets),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_days),
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_sweep),
        cmocka_unit_test(test_the_reserve_stays_free),
        cmocka_unit_test(test_old_drafts_go),
        cmocka_unit_test(test_not_a_folder),
        cmocka_unit_test(test_poison),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
