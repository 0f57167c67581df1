/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * log_journal.c - the mail log as systemd's journal has it
 */
#include "feedback/log_journal.h"

#include "feedback/log_line.h"
#include "shared/clock.h"
#include "shared/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-journal.h>

struct gp_journal {
    sd_journal *j;
    char tag[GP_LOG_TAG_MAX + 1];
    char cursor[GP_LOG_NAME_MAX]; /* of the place to go on behind, until there is an entry */
    bool on_entry;                /* the journal stands on the entry given last */
    bool pending;                 /* it stands on an entry that is still to be given */
    bool failed;                  /* said so */
};

/* Stand on the entry of the cursor, or where it was removed on the first that came after it: that one is new. */
static int seek(struct gp_journal *j, const char *cursor)
{
    int rc = sd_journal_seek_cursor(j->j, cursor);
    if (rc >= 0)
        rc = sd_journal_next(j->j);
    j->pending = rc > 0 && sd_journal_test_cursor(j->j, cursor) <= 0;
    return rc;
}

static int seek_end(struct gp_journal *j)
{
    int rc = sd_journal_seek_tail(j->j);
    if (rc >= 0)
        rc = sd_journal_previous(j->j);
    if (rc > 0)
        j->on_entry = true;
    return rc == 0 ? sd_journal_seek_head(j->j) : rc;
}

static int prepare(struct gp_journal *j, const char *directory, const struct gp_log_position *from, bool at_end)
{
    static const char match[] = "SYSLOG_FACILITY=2";
    int rc = directory != NULL ? sd_journal_open_directory(&j->j, directory, 0)
                               : sd_journal_open(&j->j, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
    if (rc >= 0)
        rc = sd_journal_set_data_threshold(j->j, GP_LOG_LINE_MAX);
    if (rc >= 0)
        rc = sd_journal_add_match(j->j, match, sizeof match - 1);
    if (rc < 0)
        return rc;
    if (from != NULL && from->name[0] != '\0')
        return seek(j, from->name);
    return at_end ? seek_end(j) : sd_journal_seek_head(j->j);
}

struct gp_journal *gp_journal_open(const char *directory, const struct gp_log_position *from, bool at_end)
{
    struct gp_journal *j = calloc(1, sizeof *j);
    if (j == NULL)
        return NULL;
    if (from != NULL)
        memcpy(j->cursor, from->name, sizeof j->cursor);
    int rc = prepare(j, directory, from, at_end);
    if (rc >= 0) {
        gp_log(GP_INFO, "maillog", "reading the journal%s%s", directory == NULL ? "" : " in ",
               directory == NULL ? "" : directory);
        return j;
    }
    gp_journal_close(j);
    errno = -rc;
    return NULL;
}

void gp_journal_close(struct gp_journal *j)
{
    if (j == NULL)
        return;
    sd_journal_close(j->j);
    free(j);
}

/* The field's value; "" when there is none. It lives until another one is asked for. */
static struct gp_str field(struct gp_journal *j, const char *name)
{
    const void *data;
    size_t n, skip = strlen(name) + 1;
    if (sd_journal_get_data(j->j, name, &data, &n) < 0 || n < skip)
        return GP_STR("");
    return (struct gp_str){(const char *)data + skip, n - skip};
}

static bool is_postfix(struct gp_journal *j)
{
    struct gp_str unit = field(j, "_SYSTEMD_UNIT");
    return unit.n == 0 || gp_str_starts_nocase(unit, GP_STR("postfix"));
}

static void read_entry(struct gp_journal *j, struct gp_journal_entry *out)
{
    struct gp_buf tag = gp_buf_on(j->tag, sizeof j->tag);
    uint64_t us = 0;
    bool ours = is_postfix(j);
    *out = (struct gp_journal_entry){.tag = GP_STR(""), .message = GP_STR("")};
    gp_buf_put(&tag, field(j, "SYSLOG_IDENTIFIER"));
    if (!ours || tag.full)
        return;
    out->tag = gp_buf_str(&tag);
    out->written_ms = sd_journal_get_realtime_usec(j->j, &us) < 0 ? gp_clock_wall_ms() : us / 1000;
    out->message = field(j, "MESSAGE");
}

bool gp_journal_next(struct gp_journal *j, struct gp_journal_entry *out)
{
    int rc = j->pending ? 1 : sd_journal_next(j->j);
    j->pending = false;
    if (rc == 0) {
        rc = sd_journal_wait(j->j, 0); /* notices files that were added or rotated */
        rc = rc < 0 ? rc : sd_journal_next(j->j);
    }
    if (rc < 0 && !j->failed) {
        errno = -rc;
        gp_log_errno(GP_ERROR, "maillog", "cannot read the journal");
    }
    j->failed = rc < 0;
    if (rc <= 0)
        return false;
    j->on_entry = true;
    read_entry(j, out);
    return true;
}

bool gp_journal_position(const struct gp_journal *j, struct gp_log_position *out)
{
    char *cursor = NULL;
    *out = (struct gp_log_position){.read_ms = gp_clock_wall_ms()};
    struct gp_buf b = gp_buf_on(out->name, sizeof out->name);
    if (j->on_entry && sd_journal_get_cursor(j->j, &cursor) >= 0)
        gp_buf_putz(&b, cursor);
    else
        gp_buf_putz(&b, j->cursor);
    free(cursor);
    return b.n > 0 && !b.full;
}
