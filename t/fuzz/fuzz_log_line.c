/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_log_line.c - a line of the mail log; what is understood of it is part of it, and what it must be
 */
#include "feedback/log_line.h"
#include "feedback/log_rotation.h"
#include "feedback/log_time.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool promise)
{
    if (!promise)
        abort();
}

static void within(struct gp_str part, struct gp_str whole)
{
    must(part.n == 0 || (part.p >= whole.p && part.n <= whole.n && part.p + part.n <= whole.p + whole.n));
}

static void check_line(struct gp_str tag, struct gp_str message)
{
    struct gp_log_line l;
    struct gp_str reply;
    if (!gp_log_line_parse(tag, message, &l))
        return;
    const struct gp_str parts[] = {l.queue_id, l.sender, l.recipient, l.original, l.host, l.status, l.text};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        within(parts[i], message);
    within(l.instance, tag);
    must(l.queue_id.n >= 6 && l.queue_id.n <= GP_LOG_QUEUE_ID_MAX && l.queue_id.p == message.p);
    must(l.kind != GP_LOG_RESULT || l.status.n >= 5);
    must(gp_str_find(l.host, '[') == l.host.n && gp_str_find(l.host, ',') == l.host.n);
    struct gp_str said = gp_log_said(l.text, &reply);
    within(said, l.text);
    within(reply, said);
    must(reply.n == 0 || reply.n == 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const struct gp_str line = {(const char *)data, n};
    struct gp_log_clock clock = {.n = 0};
    struct gp_rotation_name name;
    struct gp_log_entry e;
    uint64_t now_ms = UINT64_C(1795255200000);

    if (gp_log_entry_split(line, &e)) {
        within(e.stamp, line);
        within(e.tag, line);
        within(e.message, line);
        must(e.tag.n <= GP_LOG_TAG_MAX);
        check_line(e.tag, e.message);
        must(gp_log_time(&clock, e.stamp, now_ms) <= now_ms);
        must(gp_log_time(&clock, e.stamp, now_ms) <= now_ms);
    }
    check_line(GP_STR("postfix/smtp"), line);
    check_line(GP_STR("postfix/qmgr"), line);
    if (gp_rotation_parse(GP_STR("mail.log"), line, &name))
        within(name.stamp, line);
    return 0;
}
