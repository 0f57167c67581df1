/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * report.c - a message that came back, read: its parts in order, then what kind it is
 */
#include "shared/report/report.h"

#include "shared/report/address_scan.h"
#include "shared/report/reading.h"

#include <gmime/gmime.h>
#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {"dsn", "bounce", "arf", "auto-reply", "unsubscribe", "other"};
static const char *const actions[] = {"", "failed", "delayed", "delivered", "relayed", "expanded"};

const char *gp_report_kind_name(enum gp_report_kind kind)
{
    return kinds[kind];
}

const char *gp_report_action_name(enum gp_report_action a)
{
    return actions[a];
}

struct gp_report_recipient *gp_reading_find(const struct gp_reading *r, struct gp_str address)
{
    for (size_t i = 0; i < r->report->recipients_n; i++) {
        if (gp_str_eq(r->report->recipients[i].recipient, address))
            return &r->report->recipients[i];
    }
    return NULL;
}

struct gp_report_recipient *gp_reading_add(struct gp_reading *r, struct gp_str address)
{
    struct gp_report *out = r->report;

    if (gp_reading_find(r, address) != NULL)
        return NULL;
    if (out->recipients_n == GP_REPORT_RECIPIENTS_MAX) {
        out->cut = true;
        return NULL;
    }
    struct gp_report_recipient *new = &out->recipients[out->recipients_n++];
    new->recipient = address;
    return new;
}

static struct gp_str address_of(struct gp_reading *r, struct gp_str header, struct gp_str name)
{
    return gp_memory_lower(r->m, gp_address_only(gp_text_to(gp_field_find(header, name), 2000)));
}

static uint64_t seconds(struct gp_str date)
{
    char z[128];
    struct gp_buf b = gp_buf_on(z, sizeof z);
    uint64_t s = 0;

    gp_buf_put(&b, date);
    GDateTime *when = date.n > 0 ? g_mime_utils_header_decode_date(z) : NULL;
    if (when != NULL) {
        gint64 unix_s = g_date_time_to_unix(when);
        s = unix_s > 0 ? (uint64_t)unix_s : 0;
        g_date_time_unref(when);
    }
    return s;
}

/* arrival - when the returned message came to the reporter; else when the report was written */
static uint64_t arrival(const struct gp_reading *r)
{
    struct gp_str text[] = {gp_field_find(r->parts.feedback, GP_STR("Arrival-Date")),
                            gp_field_find(r->parts.feedback, GP_STR("Received-Date")), r->arrival,
                            gp_field_find(r->parts.header, GP_STR("Date"))};
    uint64_t s = 0;

    for (size_t i = 0; i < sizeof text / sizeof text[0] && s == 0; i++)
        s = seconds(text[i]);
    return s;
}

static enum gp_report_kind kind_of(struct gp_reading *r)
{
    bool receipt = r->parts.receipt || gp_str_eq(r->parts.report_type, GP_STR("disposition-notification"));
    bool statistics =
        r->parts.statistics || gp_str_eq(r->parts.report_type, GP_STR("tlsrpt")) ||
        (gp_str_starts_nocase(r->subject, GP_STR("report domain:")) && gp_text_has(r->subject, GP_STR("submitter:")));

    if (statistics)
        return GP_REPORT_OTHER;
    if (gp_read_ses(r))
        return r->report->kind;
    if (gp_read_feedback(r))
        return GP_REPORT_ARF;
    if (gp_read_dsn(r))
        return GP_REPORT_DSN;
    if (receipt)
        return GP_REPORT_OTHER;
    if (gp_read_unsubscribe(r))
        return GP_REPORT_UNSUBSCRIBE;
    if (gp_read_notice(r))
        return GP_REPORT_BOUNCE;
    return gp_is_auto_reply(r) ? GP_REPORT_AUTO_REPLY : GP_REPORT_OTHER;
}

static void read_returned(struct gp_reading *r)
{
    r->report->returned_from = address_of(r, r->parts.returned, GP_STR("From"));
    r->report->returned_message_id =
        gp_text_flat(r->m, gp_field_find(r->parts.returned, GP_STR("Message-ID")), GP_REPORT_TEXT_MAX);
}

static void read_all(struct gp_reading *r, struct gp_str raw)
{
    struct gp_report *out = r->report;

    gp_mime_open(r->m, raw, &r->parts);
    gp_human_open(r->m, r->parts.text, &r->human);
    if (r->parts.returned.n == 0)
        r->parts.returned = r->human.returned;
    out->cut = r->parts.cut;
    out->subject = gp_field_words(r->m, r->parts.header, GP_STR("Subject"));
    r->subject = gp_memory_lower(r->m, out->subject);
    out->from = address_of(r, r->parts.header, GP_STR("From"));
    read_returned(r);
    out->kind = kind_of(r);
    read_returned(r);                                            /* a report that was enclosed brought its own */
    out->human = gp_str_cut(r->human.text, GP_REPORT_HUMAN_MAX); /* in lines: no pattern reaches over paragraphs */
    out->automatic = gp_is_automatic(r);
    out->arrival_s = arrival(r);
    gp_read_tokens(r);
    if (out->reporter.n == 0)
        out->reporter = gp_text_from(out->from, gp_str_find(out->from, '@') + 1);
}

struct gp_report *gp_report_read(struct gp_str raw)
{
    struct gp_report *out = calloc(1, sizeof *out);
    struct gp_report_memory *memory = calloc(1, sizeof *memory);
    struct gp_reading *r = calloc(1, sizeof *r);
    bool failed = true;

    if (out == NULL || memory == NULL || r == NULL)
        goto out;
    out->memory = memory;
    *r = (struct gp_reading){.m = memory, .report = out};
    out->recipients = gp_memory_get(memory, GP_REPORT_RECIPIENTS_MAX * sizeof *out->recipients);
    if (out->recipients != NULL)
        read_all(r, raw);
    failed = memory->failed;
out:
    free(r);
    if (failed) {
        if (memory != NULL)
            gp_memory_free(memory);
        free(memory);
        free(out);
        out = NULL;
    }
    return out;
}

void gp_report_free(struct gp_report *r)
{
    if (r == NULL)
        return;
    gp_memory_free(r->memory);
    free(r->memory);
    free(r);
}
