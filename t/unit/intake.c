/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * intake.c - tests of feedback/intake and shared/intake_store: once for all, together or alone, nothing when not
 * written
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "feedback/intake.h"
#include "shared/epoch.h"
#include "shared/log.h"
#include "t/unit/scratch.h"

#include <pthread.h>
#include <sqlite3.h>

#include <gmime/gmime.h>

#define NOW UINT64_C(1795255556854)
#define THREADS 16

static struct scratch scratch;
static char database[512], archive_folder[512];
static struct gp_archive *archive;
static struct gp_dictionaries *dictionaries;
static struct gp_intake *intake;

static int raise_all(void **state)
{
    struct gp_faults faults;
    char path[512], why[256], folder[512];
    (void)state;
    g_mime_init();
    gp_log_open("unit_intake", GP_LOG_SYSLOG, GP_LOG_TEXT); /* a line for each message would hide what failed */
    gp_faults_init(&faults);
    if (!scratch_open(&scratch) ||
        !scratch_write(&scratch, "gatepost.conf",
                       GP_STR("relay_name = \"relay.example.gov\"\nreturn_path = \"b.example.gov\"\n"
                              "token_keys = \"$D/token\"\ndkim = ()\n")) ||
        !scratch_write(&scratch, "agencies.d/a.conf",
                       GP_STR("dol = { production = [ \"192.0.2.10\" ] sender_domains = [ \"dol.gov\" ] }\n")) ||
        !scratch_write(&scratch, "one.dict", GP_STR("* | * | * | user unknown | hard-bounce | suppress\n")))
        return 1;
    scratch_path(&scratch, "gatepost.conf", path);
    scratch_path(&scratch, "gatepost.db", database);
    scratch_path(&scratch, "archive", archive_folder);
    snprintf(folder, sizeof folder, "%s", scratch.folder);
    struct gp_config *c = gp_config_load(path, &faults);
    gp_faults_free(&faults);
    if (c == NULL)
        return 1;
    gp_epoch_swap(c, 0);
    archive = gp_archive_open(archive_folder, why);
    dictionaries = gp_dictionaries_new();
    char *folders[] = {folder};
    gp_dictionaries_look(dictionaries, &(struct gp_strings){1, folders});
    intake = gp_intake_new(database, archive, dictionaries);
    return archive == NULL || dictionaries == NULL || intake == NULL;
}

static int end_all(void **state)
{
    char command[600];
    (void)state;
    gp_intake_free(intake);
    gp_dictionaries_free(dictionaries);
    gp_archive_free(archive);
    gp_epoch_swap(calloc(1, sizeof(struct gp_config)), 0); /* frees the one before */
    snprintf(command, sizeof command, "rm -r '%s'", archive_folder);
    int status = system(command);
    scratch_close(&scratch);
    return status;
}

static struct gp_draft *draft_of(const char *text)
{
    struct gp_draft *d = gp_draft_new(archive);
    assert_non_null(d);
    assert_true(gp_draft_add(d, gp_str_z(text)) && gp_draft_seal(d));
    return d;
}

static enum gp_taken take(const char *text, const char *recipient, char id[GP_ARCHIVE_ID + 1])
{
    struct gp_draft *d = draft_of(text);
    const struct gp_incoming m = {
        .source = "unit", .sender = GP_STR("a@b.test"), .recipient = gp_str_z(recipient), .draft = d};
    enum gp_taken taken = gp_intake(intake, &m, NOW, id);
    gp_draft_free(d);
    return taken;
}

/* The single number that a query gives. */
static int64_t number(const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *st = NULL;
    assert_int_equal(sqlite3_open(database, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(db);
    return n;
}

static void test_once(void **state)
{
    (void)state;
    char id[3][GP_ARCHIVE_ID + 1], path[4096];
    assert_int_equal(take("Subject: once\n\n", "x@b.example.gov", id[0]), GP_TAKEN_DONE);
    assert_int_equal(take("Subject: once\n\n", "X@B.example.gov", id[1]), GP_TAKEN_DONE);
    assert_int_equal(take("Subject: once\n\n", "y@b.example.gov", id[2]), GP_TAKEN_DONE);
    assert_string_equal(id[0], id[1]);
    assert_string_not_equal(id[0], id[2]);
    assert_int_equal(number("SELECT count(*) FROM intake"), 2);
    gp_archive_path(archive_folder, NOW, id[2], path);
    assert_int_equal(access(path, F_OK), 0);
}

static void *take_some(void *arg)
{
    char text[64], id[GP_ARCHIVE_ID + 1];
    for (int i = 0; i < 20; i++) {
        snprintf(text, sizeof text, "Subject: t%d\n\nmany\n", i % 10 + 10 * (int)(intptr_t)arg % 40);
        if (take(text, "m@b.example.gov", id) != GP_TAKEN_DONE)
            return arg;
    }
    return NULL;
}

/* Many threads, some with the same messages: each is there once. */
static void test_threads(void **state)
{
    (void)state;
    pthread_t thread[THREADS];
    int64_t before = number("SELECT count(*) FROM intake");
    for (intptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, take_some, (void *)i), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failed = NULL;
        pthread_join(thread[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(number("SELECT count(*) FROM intake") - before, 40);
}

static void *take_refused(void *arg)
{
    char text[64], id[GP_ARCHIVE_ID + 1];
    snprintf(text, sizeof text, "Subject: refused %d\n\n", (int)(intptr_t)arg);
    return take(text, "r@b.example.gov", id) == GP_TAKEN_QUARANTINED ? NULL : &database;
}

static void test_refused(void **state)
{
    (void)state;
    static const char bounce[] =
        "From: mailer-daemon@x\nSubject: Undelivered Mail Returned to Sender\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nuser unknown\n--b\n"
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@b.c\n"
        "Action: failed\nStatus: 5.1.1\n\n--b--\n";
    char id[GP_ARCHIVE_ID + 1];
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(database, &db), SQLITE_OK);
    /* what acting does fails, and would each time */
    assert_int_equal(sqlite3_exec(db, "CREATE TRIGGER no BEFORE INSERT ON stat BEGIN SELECT RAISE(ABORT, 'no'); END",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(take(bounce, "postmaster@b.example.gov", id), GP_TAKEN_QUARANTINED);
    assert_int_equal(take("Subject: x\n\nwithout events\n", "postmaster@b.example.gov", id), GP_TAKEN_DONE);
    assert_int_equal(number("SELECT count(*) FROM intake WHERE outcome = 'quarantined' AND why LIKE '%refused%'"), 1);
    assert_int_equal(number("SELECT count(*) FROM stat"), 0);
    /* also beside others, in one transaction or not */
    assert_int_equal(sqlite3_exec(db,
                                  "DROP TRIGGER no; CREATE TRIGGER no BEFORE INSERT ON intake WHEN NEW.outcome <> "
                                  "'quarantined' BEGIN SELECT RAISE(ABORT, 'no'); END",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    pthread_t thread[THREADS];
    for (intptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, take_refused, (void *)i), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failed = NULL;
        pthread_join(thread[i], &failed);
        assert_null(failed);
    }
    /* the quarantine itself fails: then it must come again */
    assert_int_equal(sqlite3_exec(db,
                                  "DROP TRIGGER no; CREATE TRIGGER no BEFORE INSERT ON intake BEGIN SELECT "
                                  "RAISE(ABORT, 'no'); END",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    int64_t before = number("SELECT count(*) FROM intake");
    assert_int_equal(take("Subject: y\n\n", "postmaster@b.example.gov", id), GP_TAKEN_AGAIN);
    assert_int_equal(number("SELECT count(*) FROM intake"), before);
    assert_int_equal(sqlite3_exec(db, "DROP TRIGGER no", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* Without an envelope the headers are asked, and the POP3 journal is written with the message. */
static void test_no_envelope(void **state)
{
    (void)state;
    char id[GP_ARCHIVE_ID + 1], why[256];
    bool has;
    struct gp_draft *d = draft_of("Return-Path: <jane@example.com>\nTo: other@b.example.gov\nSubject: x\n\n");
    const struct gp_incoming m = {
        .source = "pop3:fbl", .no_envelope = true, .draft = d, .mailbox = "fbl", .uidl = GP_STR("u1")};
    assert_int_equal(gp_intake(intake, &m, NOW, id), GP_TAKEN_DONE);
    gp_draft_free(d);
    assert_int_equal(number("SELECT count(*) FROM intake WHERE sender = 'jane@example.com' AND recipient = "
                            "'other@b.example.gov' AND source = 'pop3:fbl'"),
                     1);
    struct gp_store *s = gp_store_open(database, why);
    assert_non_null(s);
    assert_true(gp_store_pop3_has(s, "fbl", GP_STR("u1"), &has) && has);
    assert_true(gp_store_pop3_has(s, "other", GP_STR("u1"), &has) && !has);
    assert_true(gp_store_pop3_gone(s, "fbl", GP_STR("u1")));
    assert_true(gp_store_pop3_has(s, "fbl", GP_STR("u1"), &has) && !has);
    gp_store_close(s);
}

struct seen {
    size_t n;
    char first[GP_ARCHIVE_ID + 1];
};

static void note_row(void *arg, const struct gp_intake_row *row)
{
    struct seen *s = arg;
    if (s->n++ == 0)
        snprintf(s->first, sizeof s->first, "%.*s", GP_STR_FMT(row->id));
}

static void note_forward(void *arg, const struct gp_forward *f)
{
    struct seen *s = arg;
    if (s->n++ == 0)
        snprintf(s->first, sizeof s->first, "%.*s", GP_STR_FMT(f->recipient));
}

static void put_row(struct gp_store *s, const char *id, uint64_t ms)
{
    bool fresh;
    const struct gp_intake_row row = {.id = gp_str_z(id), .received_ms = ms};
    assert_true(gp_store_intake_add(s, &row, &fresh));
}

static void test_rows(void **state)
{
    (void)state;
    char why[256], path[512];
    size_t n;
    uint64_t ms;
    bool fresh;
    struct seen seen = {0};
    scratch_path(&scratch, "rows.db", path);
    struct gp_store *s = gp_store_open(path, why);
    assert_non_null(s);
    assert_true(gp_store_intake_newest(s, &ms));
    assert_int_equal(ms, 0);
    put_row(s, "aaaa01", 1000);
    put_row(s, "aaaa02", 3000);
    put_row(s, "bbbb03", 2000);
    const struct gp_intake_row again = {.id = GP_STR("aaaa01")};
    assert_true(gp_store_intake_add(s, &again, &fresh) && !fresh);
    assert_true(gp_store_intake_newest(s, &ms));
    assert_int_equal(ms, 3000);
    static const struct {
        const char *prefix;
        size_t n;
    } finds[] = {{"aaaa", 2}, {"aaaa0", 2}, {"aaaa01", 1}, {"b", 1}, {"bbbb04", 0}, {"", 2}};
    for (size_t i = 0; i < sizeof finds / sizeof finds[0]; i++) {
        assert_true(gp_store_intake_find(s, finds[i].prefix, &n, note_row, &seen));
        assert_int_equal(n, finds[i].n);
    }
    seen.n = 0;
    assert_true(gp_store_intake_list(s, 2, note_row, &seen));
    assert_int_equal(seen.n, 2);
    assert_string_equal(seen.first, "aaaa02");
    assert_true(gp_store_intake_forget(s, 2000));
    assert_true(gp_store_intake_has(s, "aaaa01", &fresh) && !fresh);
    assert_true(gp_store_intake_has(s, "bbbb03", &fresh) && fresh);
    gp_store_close(s);
}

static void test_forwards(void **state)
{
    (void)state;
    char why[256], path[512];
    struct seen seen = {0};
    scratch_path(&scratch, "rows.db", path);
    struct gp_store *s = gp_store_open(path, why);
    assert_non_null(s);
    const struct gp_forward late = {.id = GP_STR("1"), .recipient = GP_STR("late@x"), .created_ms = 20},
                            early = {.id = GP_STR("2"), .recipient = GP_STR("early@x"), .created_ms = 10};
    assert_true(gp_store_forward_add(s, &late) && gp_store_forward_add(s, &early) && gp_store_forward_add(s, &early));
    assert_true(gp_store_forward_waiting(s, NULL, 9, note_forward, &seen));
    assert_int_equal(seen.n, 2);
    assert_string_equal(seen.first, "early@x");
    seen.n = 0;
    assert_true(gp_store_forward_waiting(s, &early, 9, note_forward, &seen));
    assert_int_equal(seen.n, 1);
    assert_string_equal(seen.first, "late@x");
    assert_true(gp_store_forward_sent(s, GP_STR("2"), GP_STR("early@x"), 30));
    assert_true(gp_store_forward_add(s, &early)); /* it was sent: no second time */
    seen.n = 0;
    assert_true(gp_store_forward_waiting(s, NULL, 9, note_forward, &seen));
    assert_int_equal(seen.n, 1);
    assert_string_equal(seen.first, "late@x");
    assert_true(gp_store_forward_forget(s, 21));
    seen.n = 0;
    assert_true(gp_store_forward_waiting(s, NULL, 9, note_forward, &seen));
    assert_int_equal(seen.n, 0);
    gp_store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_once),        cmocka_unit_test(test_threads), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_envelope), cmocka_unit_test(test_rows),    cmocka_unit_test(test_forwards),
    };
    return cmocka_run_group_tests(tests, raise_all, end_all);
}
