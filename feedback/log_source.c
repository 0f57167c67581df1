/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * log_source.c - where the mail log is read
 */
#include "feedback/log_source.h"

#include "feedback/log_journal.h"
#include "feedback/log_line.h"
#include "feedback/log_tail.h"
#include "feedback/log_time.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

/* Either a journal or a file. */
struct gp_log_source {
    struct gp_journal *journal;
    struct gp_tail *tail;
    struct gp_log_clock clock;
};

struct gp_log_source *gp_log_source_open(const char *mail_log, const struct gp_log_position *from, bool at_end)
{
    struct stat st;
    struct gp_log_source *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    if (gp_str_eq(gp_str_z(mail_log), GP_STR("journal")))
        s->journal = gp_journal_open(NULL, from, at_end);
    else if (stat(mail_log, &st) == 0 && S_ISDIR(st.st_mode))
        s->journal = gp_journal_open(mail_log, from, at_end);
    else
        s->tail = gp_tail_open(mail_log, from, at_end);
    if (s->journal != NULL || s->tail != NULL)
        return s;
    int saved = errno;
    free(s);
    errno = saved;
    return NULL;
}

void gp_log_source_close(struct gp_log_source *s)
{
    if (s == NULL)
        return;
    gp_journal_close(s->journal);
    gp_tail_close(s->tail);
    free(s);
}

static bool next_of_file(struct gp_log_source *s, uint64_t now_ms, struct gp_log_record *out)
{
    struct gp_str line;
    struct gp_log_entry entry;
    if (!gp_tail_next(s->tail, &line))
        return false;
    *out = (struct gp_log_record){.written_ms = now_ms};
    if (gp_log_entry_split(line, &entry))
        *out = (struct gp_log_record){entry.tag, entry.message, gp_log_time(&s->clock, entry.stamp, now_ms)};
    return true;
}

bool gp_log_source_next(struct gp_log_source *s, uint64_t now_ms, struct gp_log_record *out)
{
    struct gp_journal_entry entry;
    if (s->tail != NULL)
        return next_of_file(s, now_ms, out);
    if (!gp_journal_next(s->journal, &entry))
        return false;
    *out = (struct gp_log_record){entry.tag, entry.message, entry.written_ms < now_ms ? entry.written_ms : now_ms};
    return true;
}

bool gp_log_source_position(const struct gp_log_source *s, struct gp_log_position *out)
{
    return s->tail != NULL ? gp_tail_position(s->tail, out) : gp_journal_position(s->journal, out);
}
