/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_report.c - a message that came back; every text of the report is as report.h promises
 */
#include "shared/report/report.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool promise)
{
    if (!promise)
        abort();
}

static void check_text(struct gp_str s)
{
    must(gp_str_utf8(s));
    for (size_t i = 0; i < s.n; i++)
        must((unsigned char)s.p[i] >= ' ' && s.p[i] != 0x7f);
}

static void check_recipient(const struct gp_report_recipient *p)
{
    const struct gp_str texts[] = {p->recipient, p->original_recipient, p->status, p->enhanced,
                                   p->reply,     p->diagnostic,         p->human,  p->remote};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        check_text(texts[i]);
        must(texts[i].n <= GP_REPORT_TEXT_MAX);
    }
    must(p->recipient.n > 0 && p->recipient.n <= 254);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gp_report *r = gp_report_read((struct gp_str){(const char *)data, n});

    must(r != NULL && r->recipients_n <= GP_REPORT_RECIPIENTS_MAX && r->tokens_n <= GP_REPORT_TOKENS_MAX);
    check_text(r->human);
    check_text(r->subject);
    check_text(r->from);
    check_text(r->reporter);
    check_text(r->returned_from);
    check_text(r->returned_message_id);
    check_text(r->feedback.type);
    for (size_t i = 0; i < r->recipients_n; i++)
        check_recipient(&r->recipients[i]);
    for (size_t i = 0; i < r->tokens_n; i++)
        check_text(r->tokens[i].text);
    gp_report_free(r);
    return 0;
}
