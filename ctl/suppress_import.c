/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * suppress_import.c - gatepostctl suppress import: a list of addresses, or what export wrote
 *
 * The file is read twice: every line is checked before the first one is written, so a file with a fault changes
 * nothing. It is written in transactions of some rows each, so that nobody else waits for long.
 */
#include "ctl/suppress.h"

#include "ctl/change.h"
#include "ctl/csv.h"
#include "ctl/output.h"
#include "ctl/since.h"
#include "ctl/verbs.h"
#include "shared/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define FAULTS_MOST 20 /* told one by one */
#define BATCH 1000
#define LINES_MAX UINT64_C(100000000)

enum column {
    C_ADDRESS,
    C_AGENCY,
    C_SCOPE,
    C_REASON,
    C_STATE,
    C_STEP,
    C_SINCE,
    C_RETEST,
    C_UNTIL,
    C_WHY,
    C_EVIDENCE,
    COLUMNS
};
static const char *const column_names[COLUMNS] = {"address", "agency", "scope", "reason", "state",   "step",
                                                  "since",   "retest", "until", "why",    "evidence"};

struct import {
    struct gp_ctl *ctl;
    const struct gp_ctl_args *args;
    const char *path;
    const struct gp_agency *agency; /* of --agency; NULL: every agency's, or the file says */
    uint64_t now_ms, line, rows, faults;
    bool writes, headed;
    size_t at[COLUMNS]; /* which field a column is, with a heading; GP_CTL_CSV_FIELDS_MAX: none */
};

/* Tells a fault of the running line. Always false. */
static bool fault(struct import *m, const char *what, const char *wrong)
{
    if (m->faults++ < FAULTS_MOST)
        gp_ctl_error("%s:%" PRIu64 ": %s: %s", m->path, m->line, what, wrong);
    return false;
}

/* One line without its end, at most cap octets; *cut: there was more. False at the end of the file. */
static bool read_line(FILE *f, char *buf, size_t cap, size_t *n, bool *cut)
{
    int c;
    *n = 0;
    *cut = false;
    while ((c = getc(f)) != EOF && c != '\n') {
        if (*n < cap)
            buf[(*n)++] = (char)c;
        else
            *cut = true;
    }
    if (*n > 0 && buf[*n - 1] == '\r')
        --*n;
    return c != EOF || *n > 0;
}

static struct gp_str field_of(const struct import *m, const struct gp_str *field, size_t n, enum column c)
{
    size_t at = m->headed ? m->at[c] : c == C_ADDRESS ? 0 : n;
    return at < n ? field[at] : (struct gp_str){NULL, 0};
}

/* A heading names its columns; those we do not know are left alone. */
static void read_heading(struct import *m, const struct gp_str *field, size_t n)
{
    m->headed = true;
    for (size_t c = 0; c < COLUMNS; c++) {
        m->at[c] = GP_CTL_CSV_FIELDS_MAX;
        for (size_t i = 0; i < n; i++) {
            if (gp_str_eq_nocase(field[i], gp_str_z(column_names[c])))
                m->at[c] = i;
        }
    }
}

static bool read_address(struct import *m, struct gp_str text, struct gp_suppression *row)
{
    const char *wrong = gp_ctl_mailbox(text, row->address);
    return wrong == NULL || fault(m, "address", wrong);
}

static bool read_agency(struct import *m, struct gp_str name, struct gp_suppression *row)
{
    struct gp_buf b = gp_buf_on(row->agency, sizeof row->agency);
    if (m->agency != NULL && name.n > 0 && !gp_str_eq(name, gp_str_z(m->agency->name)))
        return fault(m, "agency", "is not the one of --agency");
    if (m->agency == NULL && name.n > 0 && gp_config_by_name(m->ctl->config, name) == NULL)
        return fault(m, "agency", "is none of the configuration");
    gp_buf_put(&b, m->agency != NULL ? gp_str_z(m->agency->name) : name);
    return true;
}

static bool read_scope(struct import *m, struct gp_str scope, struct gp_suppression *row)
{
    struct gp_buf b = gp_buf_on(row->scope, sizeof row->scope);
    if (scope.n == 0)
        scope = gp_str_z(m->args->scope != NULL ? m->args->scope : GP_SCOPE_ALL);
    gp_buf_put(&b, scope);
    return gp_ctl_scope_valid(scope) || fault(m, "scope", "must be *, bulk or a stream's name");
}

static bool read_reason(struct import *m, struct gp_str reason, struct gp_suppression *row)
{
    row->reason = GP_SUPPRESSED_MANUAL;
    return reason.n == 0 || gp_suppression_reason_parse(reason, &row->reason) ||
           fault(m, "reason", "must be hard-bounce, soft-bounce, complaint, unsubscribe or manual");
}

static bool read_step(struct import *m, struct gp_str text, struct gp_suppression *row)
{
    uint64_t step = 0;
    if (text.n > 0 && !gp_str_u64(text, 1000000, &step))
        return fault(m, "step", "must be a number");
    row->step = (unsigned)step;
    return true;
}

/* An empty one leaves *ms as it is. A duration has no meaning here. */
static bool read_time(struct import *m, const char *column, struct gp_str text, uint64_t *ms)
{
    return text.n == 0 || (gp_ctl_since(text, 0, ms) && *ms != 0) ||
           fault(m, column, "must be a time such as 2026-11-21T04:20:00Z");
}

static void read_texts(const struct import *m, struct gp_str why, struct gp_str evidence, struct gp_suppression *row)
{
    struct gp_buf w = gp_buf_on(row->why, sizeof row->why), e = gp_buf_on(row->evidence, sizeof row->evidence);
    const struct gp_verdict clean = gp_verdict_of(GP_SUPPRESSED, why.n > 0 ? why : gp_str_z(m->args->reason));
    gp_buf_putz(&w, clean.detail);
    gp_buf_put_escaped(&e, evidence);
}

/* Without a heading there is nothing but the address. */
static bool read_fields(struct import *m, const struct gp_str *field, size_t n, struct gp_suppression *row)
{
    *row = (struct gp_suppression){.since_ms = m->now_ms};
    read_texts(m, field_of(m, field, n, C_WHY), field_of(m, field, n, C_EVIDENCE), row);
    return read_address(m, field_of(m, field, n, C_ADDRESS), row) &&
           read_agency(m, field_of(m, field, n, C_AGENCY), row) && read_scope(m, field_of(m, field, n, C_SCOPE), row) &&
           read_reason(m, field_of(m, field, n, C_REASON), row) && read_step(m, field_of(m, field, n, C_STEP), row) &&
           read_time(m, "since", field_of(m, field, n, C_SINCE), &row->since_ms) &&
           read_time(m, "retest", field_of(m, field, n, C_RETEST), &row->retest_ms) &&
           read_time(m, "until", field_of(m, field, n, C_UNTIL), &row->until_ms);
}

/* Returns whether there is a row to write. */
static bool read_row(struct import *m, struct gp_str line, struct gp_suppression *row)
{
    static char buf[GP_CTL_CSV_LINE_MAX];
    struct gp_str field[GP_CTL_CSV_FIELDS_MAX];
    size_t n;
    if (gp_str_trim(line).n == 0 || line.p[0] == '#')
        return false;
    const char *wrong = gp_ctl_csv_read(line, buf, field, &n);
    if (wrong != NULL)
        return fault(m, "line", wrong);
    if (m->rows == 0 && !m->headed && gp_str_eq_nocase(field[0], GP_STR("address"))) {
        read_heading(m, field, n);
        return false;
    }
    if (!m->headed && n > 1)
        return fault(m, "line",
                     "must be one address, or the first line must name the columns: address,agency,scope,why");
    if (gp_str_eq(field_of(m, field, n, C_STATE), GP_STR("released")))
        return false;
    return read_fields(m, field, n, row);
}

/* A full batch is committed and the next one begun. */
static bool write_row(struct import *m, const struct gp_suppression *row)
{
    struct gp_store *s = m->ctl->store;
    if (m->rows % BATCH == 0 && m->rows > 0 && !(gp_store_commit(s) && gp_store_begin(s)))
        return false;
    return gp_suppression_put(s, row, m->now_ms);
}

/* One pass over the file. False: stop (told). */
static bool pass(struct import *m, FILE *f)
{
    static char text[GP_CTL_CSV_LINE_MAX];
    struct gp_suppression row;
    size_t n;
    bool cut;
    m->line = m->rows = 0;
    m->headed = false;
    if (fseek(f, 0, SEEK_SET) != 0)
        return fault(m, "file", "must be a file, no pipe: it is read twice");
    while (read_line(f, text, sizeof text, &n, &cut)) {
        if (++m->line > LINES_MAX)
            return fault(m, "file", "is longer than 100 million lines");
        if (cut || memchr(text, '\0', n) != NULL) {
            fault(m, "line", cut ? "is too long" : "holds a NUL");
            continue;
        }
        if (!read_row(m, (struct gp_str){text, n}, &row))
            continue;
        if (m->writes && !write_row(m, &row))
            return false;
        m->rows++;
    }
    if (ferror(f))
        fault(m, "file", strerror(errno));
    return m->faults == 0;
}

static bool write_all(struct import *m, FILE *f)
{
    char who[64], what[600];
    struct gp_buf b = gp_buf_on(what, sizeof what);
    gp_buf_put_escaped(&b, gp_str_z(m->path));
    gp_buf_printf(&b, ": %" PRIu64 " addresses", m->rows);
    if (m->agency != NULL)
        gp_buf_printf(&b, " for %s", m->agency->name);
    gp_ctl_who(who);
    const struct gp_change change = gp_ctl_change(m->ctl, who, what, m->args->reason);
    m->writes = true;
    bool good = gp_store_begin(m->ctl->store) && gp_store_journal(m->ctl->store, &change) && pass(m, f);
    if (good && gp_store_commit(m->ctl->store))
        return true;
    if (!good)
        gp_store_rollback(m->ctl->store);
    gp_ctl_error("stopped at line %" PRIu64
                 ": the database %s refused it: %s; the lines before may be imported, import "
                 "the file again",
                 m->line, m->ctl->config->database, gp_store_error(m->ctl->store));
    return false;
}

int gp_ctl_suppress_import(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    struct import m = {.ctl = ctl, .args = args, .path = args->arg[0], .now_ms = gp_clock_wall_ms()};
    struct gp_suppression_filter f;
    int status = GP_CTL_NO;
    if (args->scope != NULL && !gp_ctl_scope_valid(gp_str_z(args->scope)))
        return gp_ctl_misused(ctl, "--scope must be *, bulk or a stream's name");
    if (!gp_ctl_suppress_filter(ctl, args, &f))
        return GP_CTL_NO;
    m.agency = args->agency != NULL ? gp_ctl_agency(ctl, args->agency) : NULL;
    FILE *file = fopen(m.path, "r");
    if (file == NULL) {
        gp_ctl_error("cannot read %s: %s", m.path, strerror(errno));
        return GP_CTL_NO;
    }
    if (!pass(&m, file))
        gp_ctl_error("%s: %" PRIu64 " faults; nothing was changed", m.path, m.faults);
    else if (m.rows == 0)
        gp_ctl_error("%s holds no address; nothing was changed", m.path);
    else if (write_all(&m, file)) {
        printf("%s: %" PRIu64 " addresses imported\n", m.path, m.rows);
        status = GP_CTL_OK;
    }
    fclose(file);
    return status;
}
