/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_report.c - a message that came back, read and classified by the dictionary of the source tree
 *
 * Every text of the report is as report.h promises; only a failure that was reported as final suppresses.
 */
#include "shared/report/classify.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool promise)
{
    if (!promise)
        abort();
}

static void check_lines(struct gp_str s)
{
    must(gp_str_utf8(s));
    for (size_t i = 0; i < s.n; i++)
        must(s.p[i] == '\n' || ((unsigned char)s.p[i] >= ' ' && s.p[i] != 0x7f));
}

static void check_text(struct gp_str s)
{
    check_lines(s);
    must(gp_str_find(s, '\n') == s.n);
}

static const struct gp_dictionary *dictionary(void)
{
    static struct gp_dictionary *d;
    static const char *const folders[] = {GATEPOST_SOURCE "/feedback/dictionary"};
    struct gp_faults faults;

    if (d == NULL) {
        gp_faults_init(&faults);
        d = gp_dictionary_load(folders, 1, &faults);
        gp_faults_free(&faults);
        must(d != NULL);
    }
    return d;
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
    must(p->category < GP_CATEGORY_COUNT);
    must(!p->suppress || p->category == GP_CATEGORY_HARD || p->category == GP_CATEGORY_COMPLAINT ||
         p->category == GP_CATEGORY_UNSUBSCRIBE);
    must(!p->suppress || p->action == GP_ACTION_FAILED || p->action == GP_ACTION_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gp_report *r = gp_report_read((struct gp_str){(const char *)data, n});

    must(r != NULL);
    gp_classify(dictionary(), r);
    must(r->recipients_n <= GP_REPORT_RECIPIENTS_MAX && r->tokens_n <= GP_REPORT_TOKENS_MAX);
    check_lines(r->human);
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
