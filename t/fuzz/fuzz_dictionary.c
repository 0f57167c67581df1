/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_dictionary.c - a dictionary of foreign octets, and a reply of foreign octets classified by it
 *
 * Up to the first NUL stands the dictionary, up to the second a host, then the reply. What is loaded must keep the
 * promises of classify.h, and a cleaned text those of evidence.h.
 */
#include "shared/report/evidence.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool promise)
{
    if (!promise)
        abort();
}

static void check_clean(struct gp_str raw)
{
    static char text[GP_EVIDENCE_MAX + 1];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    enum gp_report_phase phase = GP_PHASE_NOT_SAID;
    gp_evidence_clean(raw, &b);
    struct gp_str clean = gp_buf_str(&b), rest = gp_evidence_strip(clean, &phase);
    for (size_t i = 0; i < clean.n; i++) {
        must((unsigned char)clean.p[i] >= ' ' || clean.p[i] == '\n');
        must(clean.p[i] < 'A' || clean.p[i] > 'Z');
        must(i == 0 || clean.p[i] != ' ' || clean.p[i - 1] != ' ');
    }
    must(rest.n <= clean.n && (rest.n == 0 || (rest.p >= clean.p && rest.p + rest.n <= clean.p + clean.n)));
}

static void check_meaning(const struct gp_dictionary *d, struct gp_str host, struct gp_str text)
{
    for (int final = 0; final < 2; final++) {
        struct gp_said said = {.text = text, .provider = host, .sender = host, .final = final};
        struct gp_meaning m = gp_classify_said(d, &said);
        must(m.by != NULL && m.by[0] != '\0');
        must(m.category < GP_CATEGORY_COUNT);
        must(!m.suppress || (final && m.category == GP_CATEGORY_HARD));
        must(m.greylisting == (m.action == GP_REPLY_GREYLISTING));
        must(m.action_s == 0 || m.action == GP_REPLY_SUSPEND);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gp_str all = {n > 0 ? (const char *)data : "", n}, part[2];
    struct gp_faults faults;
    for (size_t i = 0; i < 2; i++) {
        size_t end = gp_str_find(all, '\0');
        part[i] = (struct gp_str){all.p, end};
        all = end == all.n ? (struct gp_str){"", 0} : (struct gp_str){all.p + end + 1, all.n - end - 1};
    }
    check_clean(all);
    gp_faults_init(&faults);
    struct gp_dictionary_source file = {"fuzz.dict", "fuzz.dict", part[0]};
    struct gp_dictionary *d = gp_dictionary_read(&file, 1, &faults);
    must(d == NULL || faults.errors == 0);
    if (d != NULL)
        check_meaning(d, part[1], all);
    gp_dictionary_free(d);
    gp_faults_free(&faults);
    return 0;
}
