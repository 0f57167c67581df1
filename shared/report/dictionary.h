/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dictionary.h - entries of the dictionaries: read, kept, found (private to shared/report; gatepost-dictionary(5))
 *
 * Finding is pure and takes O(n) of the text: three octets of each pattern stand in a hash table, and only where the
 * text has the same three is the pattern compared.
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
#define GP_DICTIONARY_NAME_MAX 32     /* octets of a provider's name */
#define GP_DICTIONARY_WORDINGS_MAX 64 /* that one pattern's alternatives may give */
#define GP_DICTIONARY_SUSPEND_MAX_S (7 * 24 * 3600)

/* Octets of a compiled pattern that are no letters. The text looked through has no control characters but line ends. */
#define GP_PATTERN_ANY '\1'    /* up to GP_PATTERN_ANY_MAX octets of one line, or none */
#define GP_PATTERN_DIGITS '\2' /* one digit or more */
#define GP_PATTERN_ANY_MAX 100
#define GP_PATTERN_MAX 400     /* octets */

/* A wording of an entry's pattern: one for each way through its alternatives. */
struct gp_pattern {
    uint32_t entry; /* whose it is */
    uint32_t next;  /* in the chain of its key, one more than the index; 0 ends it */
    uint16_t n;     /* octets of text */
    uint16_t key;   /* where in text its key begins */
    bool open_start, open_end; /* also within a word */
    char *text;
};

/* gp_pattern_read - take a pattern apart into wordings
 * *out is an array of *n for the caller to free, as is the text of each; key, entry and next are left 0.
 * Returns NULL, or a static text that says what is wrong (then there is nothing to free).
 */
const char *gp_pattern_read(struct gp_str field, struct gp_pattern **out, size_t *n);
void gp_patterns_free(struct gp_pattern *p, size_t n);

/* gp_pattern_fits - does the text have the wording where its key stands at `at`? */
bool gp_pattern_fits(const struct gp_pattern *p, struct gp_str text, size_t at);

/* gp_pattern_keys - how many keys p may have: octets of its text before the first that is no letter, less two */
size_t gp_pattern_keys(const struct gp_pattern *p);

#define GP_PROVIDERS_WORDS (GP_DICTIONARY_PROVIDERS_MAX / 64)
struct gp_providers {
    uint64_t bit[GP_PROVIDERS_WORDS];
};

#define GP_CODE_ANY (-1)
struct gp_dictionary_entry {
    int16_t provider;     /* GP_CODE_ANY, or the number of one */
    char reply[3];        /* digits; 'x' for any */
    int16_t enhanced[3];  /* GP_CODE_ANY for any */
    bool codes_only;      /* no pattern */
    enum gp_category category;
    enum gp_reply_action action;
    uint32_t action_s;    /* how long to suspend; 0 when not said */
    uint64_t hash;        /* of its first four fields, to find doubles */
    char by[64];          /* "google.dict:12" */
};

/* What one statement is compared with. */
struct gp_evidence {
    struct gp_str text;   /* as gp_evidence_clean leaves it; "" */
    char reply[3];        /* 0 when there is none */
    int16_t enhanced[3];  /* GP_CODE_ANY when there is none */
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
 * gp_dictionary_find_codes - the first without either: what bare codes mean
 */
const struct gp_dictionary_entry *gp_dictionary_find(const struct gp_dictionary *d, const struct gp_evidence *e);
const struct gp_dictionary_entry *gp_dictionary_find_codes(const struct gp_dictionary *d, const struct gp_evidence *e);

/* gp_dictionary_entries - all of them, in their order */
const struct gp_dictionary_entry *gp_dictionary_entries(const struct gp_dictionary *d, size_t *n);

#endif
