/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * store.c - the database: its file, its schema, transactions
 */
#include "shared/store.h"

#include "shared/store_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BUSY_MS 5000

static const char begin[] = "BEGIN IMMEDIATE";
static const char commit[] = "COMMIT";
static const char data_version[] = "PRAGMA data_version";

/* What came back: suppression.h, failures and what was counted already (suppression_store.h), the history of events
 * (event_log.h), statistics.h, unclassified.h, and what feedback's guards remember. Times named _ms are since 1970, a
 * day and a minute are counted from there.
 */
#define GP_STORE_FEEDBACK_SCHEMA                                                                                       \
    "CREATE TABLE suppression (address TEXT NOT NULL, agency TEXT NOT NULL, reason INTEGER NOT NULL,"                  \
    " scope TEXT NOT NULL, step INTEGER NOT NULL, since_ms INTEGER NOT NULL, retest_ms INTEGER NOT NULL,"              \
    " until_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, why TEXT NOT NULL, evidence TEXT NOT NULL,"              \
    " PRIMARY KEY (address, agency, reason, scope)) WITHOUT ROWID;"                                                    \
    "CREATE INDEX suppression_until ON suppression (until_ms) WHERE until_ms > 0;"                                     \
    "CREATE TABLE failure (address TEXT NOT NULL, agency TEXT NOT NULL, day INTEGER NOT NULL,"                         \
    " category TEXT NOT NULL, PRIMARY KEY (address, agency, day, category)) WITHOUT ROWID;"                            \
    "CREATE INDEX failure_day ON failure (day);"                                                                       \
    "CREATE TABLE counted (token TEXT NOT NULL, class TEXT NOT NULL, day INTEGER NOT NULL,"                            \
    " PRIMARY KEY (token, class)) WITHOUT ROWID;"                                                                      \
    "CREATE INDEX counted_day ON counted (day);"                                                                       \
    "CREATE TABLE event (id INTEGER PRIMARY KEY, when_ms INTEGER NOT NULL, address TEXT NOT NULL,"                     \
    " agency TEXT NOT NULL, category TEXT NOT NULL, source TEXT NOT NULL, effect TEXT NOT NULL,"                       \
    " provider TEXT NOT NULL, stream TEXT NOT NULL, status TEXT NOT NULL, reply TEXT NOT NULL,"                        \
    " diagnostic TEXT NOT NULL, text INTEGER NOT NULL, evidence TEXT NOT NULL);"                                       \
    "CREATE INDEX event_address ON event (address, when_ms);"                                                          \
    "CREATE INDEX event_when ON event (when_ms);"                                                                      \
    "CREATE TABLE stat (at INTEGER NOT NULL, provider TEXT NOT NULL, agency TEXT NOT NULL, what TEXT NOT NULL,"        \
    " count INTEGER NOT NULL, PRIMARY KEY (at, provider, agency, what)) WITHOUT ROWID;"                                \
    "CREATE TABLE unclassified (text TEXT PRIMARY KEY, count INTEGER NOT NULL, first_ms INTEGER NOT NULL,"             \
    " last_ms INTEGER NOT NULL, provider TEXT NOT NULL, sample TEXT NOT NULL, evidence TEXT NOT NULL) WITHOUT ROWID;"  \
    "CREATE INDEX unclassified_count ON unclassified (count, last_ms);"                                                \
    "CREATE TABLE refusal (provider TEXT NOT NULL, minute INTEGER NOT NULL, text INTEGER NOT NULL,"                    \
    " count INTEGER NOT NULL, PRIMARY KEY (provider, minute, text)) WITHOUT ROWID;"                                    \
    "CREATE TABLE distrust (provider TEXT NOT NULL, text INTEGER NOT NULL, since_ms INTEGER NOT NULL,"                 \
    " until_ms INTEGER NOT NULL, PRIMARY KEY (provider, text)) WITHOUT ROWID;"                                         \
    "CREATE TABLE delay (agency TEXT NOT NULL, provider TEXT NOT NULL, told INTEGER NOT NULL,"                         \
    " since_ms INTEGER NOT NULL, seen_ms INTEGER NOT NULL, PRIMARY KEY (agency, provider)) WITHOUT ROWID;"

/* Messages that came in, what was read from POP3 mailboxes, mail of our own: intake_store.h */
#define GP_STORE_INTAKE_SCHEMA                                                                                         \
    "CREATE TABLE intake (id TEXT PRIMARY KEY, hash TEXT NOT NULL, received_ms INTEGER NOT NULL,"                      \
    " size INTEGER NOT NULL, source TEXT NOT NULL, sender TEXT NOT NULL, recipient TEXT NOT NULL,"                     \
    " kind TEXT NOT NULL, outcome TEXT NOT NULL, agency TEXT NOT NULL, why TEXT NOT NULL) WITHOUT ROWID;"              \
    "CREATE INDEX intake_received ON intake (received_ms);"                                                            \
    "CREATE TABLE pop3_seen (mailbox TEXT NOT NULL, uidl TEXT NOT NULL, seen_ms INTEGER NOT NULL,"                     \
    " PRIMARY KEY (mailbox, uidl)) WITHOUT ROWID;"                                                                     \
    "CREATE TABLE forward (id TEXT NOT NULL, recipient TEXT NOT NULL, agency TEXT NOT NULL,"                           \
    " received_ms INTEGER NOT NULL, created_ms INTEGER NOT NULL, sent_ms INTEGER, PRIMARY KEY (id, recipient))"        \
    " WITHOUT ROWID;"                                                                                                  \
    "CREATE INDEX forward_waiting ON forward (created_ms, id) WHERE sent_ms IS NULL;"

/* How far the mail log was read, and what it said of messages that are in Postfix's queue: feedback/log_position.h,
 * log_queue.h
 */
#define GP_STORE_MAIL_LOG_SCHEMA                                                                                       \
    "CREATE TABLE log_position (id INTEGER PRIMARY KEY, source TEXT NOT NULL, name TEXT NOT NULL,"                     \
    " inode INTEGER NOT NULL, position INTEGER NOT NULL, mark INTEGER NOT NULL, mark_n INTEGER NOT NULL,"              \
    " read_ms INTEGER NOT NULL);"                                                                                      \
    "CREATE TABLE queued (id TEXT PRIMARY KEY, token TEXT NOT NULL, agency TEXT NOT NULL, day INTEGER NOT NULL,"       \
    " recipient TEXT NOT NULL, host TEXT NOT NULL, status TEXT NOT NULL, text TEXT NOT NULL) WITHOUT ROWID;"           \
    "CREATE INDEX queued_day ON queued (day);"

/* upgrade[n] makes schema n + 1 of schema n; 0 is an empty file. A row of package is an allowance's: an agency's or a
 * test window's.
 */
static const char *const upgrade[] = {
    "CREATE TABLE block (target TEXT PRIMARY KEY, reason TEXT NOT NULL,"
    " since_ms INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE journal (id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " when_ms INTEGER NOT NULL, who TEXT NOT NULL, verb TEXT NOT NULL,"
    " what TEXT NOT NULL, why TEXT NOT NULL);"
    "CREATE TABLE package (agency TEXT PRIMARY KEY, day INTEGER NOT NULL,"
    " day_count INTEGER NOT NULL, month INTEGER NOT NULL,"
    " month_count INTEGER NOT NULL) WITHOUT ROWID;"
    "PRAGMA user_version = 1;",
    "ALTER TABLE package ADD COLUMN total INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE test_window (allowance TEXT PRIMARY KEY, is_open INTEGER NOT NULL,"
    " what TEXT NOT NULL, why TEXT NOT NULL) WITHOUT ROWID;"
    "PRAGMA user_version = 2;",
    "CREATE TABLE notice (id INTEGER PRIMARY KEY AUTOINCREMENT, agency TEXT NOT NULL, kind TEXT NOT NULL,"
    " key TEXT NOT NULL, day INTEGER NOT NULL, created_ms INTEGER NOT NULL, subject TEXT NOT NULL,"
    " body TEXT NOT NULL, sent_ms INTEGER NOT NULL, UNIQUE (agency, kind, key, day));"
    "CREATE INDEX notice_unsent ON notice (id) WHERE sent_ms = 0;"
    "CREATE INDEX notice_day ON notice (day);"
    "PRAGMA user_version = 3;",
    GP_STORE_FEEDBACK_SCHEMA GP_STORE_INTAKE_SCHEMA GP_STORE_MAIL_LOG_SCHEMA "PRAGMA user_version = 4;",
};
#define SCHEMA ((int)(sizeof upgrade / sizeof upgrade[0]))

/* Makes the file before SQLite does: 0660, and when root makes it, the directory's owner. SQLite gives the files it
 * adds (-wal, -shm) what this one has.
 */
static bool file_ready(const char *path, char why[256])
{
    bool good = true;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0660);
    if (fd < 0 && errno == EEXIST)
        return true;
    char *dir = strdup(path);
    char *slash = dir == NULL ? NULL : strrchr(dir, '/');
    struct stat st;
    if (slash != NULL)
        slash[slash == dir] = '\0';
    if (fd < 0 || dir == NULL || fchmod(fd, 0660) != 0 || stat(slash == NULL ? "." : dir, &st) != 0 ||
        (geteuid() == 0 && fchown(fd, st.st_uid, st.st_gid) != 0)) {
        snprintf(why, 256, "cannot make %.120s: %s", path, strerror(errno));
        good = false;
    }
    free(dir);
    if (fd >= 0)
        close(fd);
    return good;
}

static bool exec(struct gp_store *s, const char *sql)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

/* Going over to WAL does not wait for others by itself; it is tried for as long as anything else would wait. */
static bool use_wal(struct gp_store *s)
{
    for (int i = 0; i < BUSY_MS / 10; i++) {
        if (exec(s, "PRAGMA journal_mode = WAL"))
            return true;
        if (sqlite3_errcode(s->db) != SQLITE_BUSY)
            break;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return false;
}

static int schema_of(struct gp_store *s)
{
    sqlite3_stmt *st = NULL;
    int version = -1;
    if (sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
        version = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    return version;
}

static bool schema_ready(struct gp_store *s, const char *path, char why[256])
{
    int version = schema_of(s);
    if (version >= 0 && version < SCHEMA) {
        bool begun = exec(s, "BEGIN IMMEDIATE");
        version = begun ? schema_of(s) : -1; /* another process may have been faster */
        while (version >= 0 && version < SCHEMA)
            version = exec(s, upgrade[version]) ? version + 1 : -1;
        if (begun && !exec(s, version < 0 ? "ROLLBACK" : "COMMIT"))
            version = -1;
    }
    if (version < 0)
        snprintf(why, 256, "%.120s: %.100s", path, gp_store_error(s));
    else if (version > SCHEMA)
        snprintf(why, 256, "%.120s: made by a newer Gatepost: schema %d, this program knows %d", path, version, SCHEMA);
    return version == SCHEMA;
}

struct gp_store *gp_store_open(const char *path, char why[256])
{
    struct gp_store *s = calloc(1, sizeof *s);
    why[0] = '\0';
    if (s == NULL) {
        snprintf(why, 256, "out of memory");
        return NULL;
    }
    if (!file_ready(path, why))
        goto fail;
    if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
        sqlite3_busy_timeout(s->db, BUSY_MS) != SQLITE_OK || !use_wal(s) || !exec(s, "PRAGMA synchronous = FULL")) {
        snprintf(why, 256, "%.120s: %.100s", path, gp_store_error(s));
        goto fail;
    }
    if (!schema_ready(s, path, why))
        goto fail;
    gp_store_changed(s);
    return s;
fail:
    gp_store_close(s);
    return NULL;
}

void gp_store_close(struct gp_store *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->kept_n; i++)
        sqlite3_finalize(s->kept[i].st);
    sqlite3_close(s->db);
    free(s);
}

const char *gp_store_error(struct gp_store *s)
{
    return s->error[0] != '\0' ? s->error : sqlite3_errmsg(s->db);
}

bool gp_store_fail(struct gp_store *s)
{
    int code = sqlite3_errcode(s->db);
    snprintf(s->error, sizeof s->error, "%s", sqlite3_errmsg(s->db));
    s->refused = code == SQLITE_CONSTRAINT || code == SQLITE_MISMATCH || code == SQLITE_TOOBIG;
    return false;
}

bool gp_store_refused(const struct gp_store *s)
{
    return s->refused;
}

bool gp_store_begin(struct gp_store *s)
{
    return gp_store_done(s, gp_store_statement(s, begin));
}

bool gp_store_commit(struct gp_store *s)
{
    if (gp_store_done(s, gp_store_statement(s, commit)))
        return true;
    gp_store_rollback(s);
    return false;
}

void gp_store_rollback(struct gp_store *s)
{
    exec(s, "ROLLBACK"); /* keeps no text: the error to tell is the one before */
}

bool gp_store_changed(struct gp_store *s)
{
    sqlite3_stmt *st = gp_store_statement(s, data_version);
    bool good = true;
    int64_t version = gp_store_next(s, st, &good) ? sqlite3_column_int64(st, 0) : s->data_version;
    gp_store_enough(st);
    bool changed = version != s->data_version;
    s->data_version = version;
    return changed;
}
