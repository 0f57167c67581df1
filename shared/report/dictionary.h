/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dictionary.h - entries of the dictionaries: read, kept, found (private to shared/report; gatepost-dictionary(5))
 *
 * Finding is pure and takes O(n) of the text: three octets of each way a pattern can begin stand in a hash table, and
 * only where the text has the same three is the pattern compared. What a hostile text can cost beyond that is bounded
 * by the caller, in comparisons; what is not found until they are spent is not there.
 */
#ifndef GP_REPORT_DICTIONARY_H
#define GP_REPORT_DICTIONARY_H

#include "shared/report/classify.h"

#define GP_DICTIONARY_FILES_MAX 256
#define GP_DICTIONARY_FILE_MAX (1u << 20)
#define GP_DICTIONARY_LINE_MAX 1024
#define GP_DICTIONARY_ENTRIES_MAX 16384
#define GP_DICTIONARY_PROVIDERS_MAX 128
#define GP_DICTIONARY_SUFFIXES_MAX 1024
#define GP_DICTIONARY_NAME_MAX 32           /* octets of a provider's name */
#define GP_DICTIONARY_SAID_STEPS 250000u    /* for one reply: some 2 ms */
#define GP_DICTIONARY_REPORT_STEPS 2500000u /* for all texts of one report: some 20 ms */
#define GP_DICTIONARY_SUSPEND_MAX_S (7 * 24 * 3600)

#define GP_PATTERN_MAX 1000    /* octets */
#define GP_PATTERN_ANY_MAX 100 /* octets that a * may stand for */
#define GP_PATTERN_RUN_MAX 32
#define GP_PATTERN_KEY 3 /* octets by which it is looked up */

struct gp_pattern {
    bool open_start; /* may begin within a word */
    uint16_t n;
    char *text; /* NULL for none */
};

/* gp_pattern_read - out->text is for gp_pattern_free; returns NULL, or a static text that says what is wrong */
const char *gp_pattern_read(struct gp_str field, struct gp_pattern *out);
void gp_pattern_free(struct gp_pattern *p);

/* A way a pattern can begin: a text that fits has this run of letters there, if the alternative at `from` is taken. */
struct gp_pattern_beginning {
    size_t from, n;
    char run[GP_PATTERN_RUN_MAX];
};

/* gp_pattern_beginning - the nth of the first alternatives; false when there is none */
bool gp_pattern_beginning(const struct gp_pattern *p, size_t nth, struct gp_pattern_beginning *out);

/* gp_pattern_fits - does it stand at `at` of the text, the alternative at `from` being taken?
 * *steps: how many comparisons may still be made; when it reaches 0 the answer is no.
 */
bool gp_pattern_fits(const struct gp_pattern *p, size_t from, struct gp_str text, size_t at, unsigned *steps);

/* gp_pattern_lower - Latin (ASCII and U+00C0..U+00DE) and Cyrillic letters of UTF-8 in lower case, in place */
void gp_pattern_lower(char *p, size_t n);

#define GP_PROVIDERS_WORDS (GP_DICTIONARY_PROVIDERS_MAX / 64)
struct gp_providers {
    uint64_t bit[GP_PROVIDERS_WORDS];
};

#define GP_CODE_ANY (-1)
struct gp_dictionary_entry {
    int16_t provider;    /* GP_CODE_ANY, or the number of one */
    char reply[3];       /* digits; 'x' for any */
    int16_t enhanced[3]; /* GP_CODE_ANY for any */
    struct gp_pattern pattern;
    enum gp_category category;
    enum gp_reply_action action;
    uint32_t action_s; /* how long to suspend; 0 when not said */
    uint64_t hash;     /* of its first four fields, to find doubles */
    char by[64];       /* "google.dict:12" */
};

/* What one statement is compared with. */
struct gp_evidence {
    struct gp_str text;  /* as gp_evidence_clean leaves it; "" */
    char reply[3];       /* 0 when there is none */
    int16_t enhanced[3]; /* GP_CODE_ANY when there is none */
    struct gp_providers providers;
};

/* A file that was read. */
struct gp_dictionary_source {
    const char *name; /* "google.dict" */
    const char *path; /* for faults */
    struct gp_str text;
};

/* gp_dictionary_read - the dictionary of these files, in this order; NULL as gp_dictionary_load */
struct gp_dictionary *gp_dictionary_read(const struct gp_dictionary_source *files, size_t n, struct gp_faults *faults);

/* gp_dictionary_providers - add the providers that a host name belongs to; host may be anything */
void gp_dictionary_providers(const struct gp_dictionary *d, struct gp_str host, struct gp_providers *out);

/* gp_dictionary_find - the first entry that fits and has a text, or a provider; NULL when there is none
 * *steps: how many comparisons may still be made.
 * gp_dictionary_find_codes - the first without either: what bare codes mean
 */
const struct gp_dictionary_entry *gp_dictionary_find(const struct gp_dictionary *d, const struct gp_evidence *e,
                                                     unsigned *steps);
const struct gp_dictionary_entry *gp_dictionary_find_codes(const struct gp_dictionary *d, const struct gp_evidence *e);

#endif
