/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dictionary_private.h - how a dictionary is kept while and after it is read (dictionary*.c only)
 */
#ifndef GP_REPORT_DICTIONARY_PRIVATE_H
#define GP_REPORT_DICTIONARY_PRIVATE_H

#include "shared/report/dictionary.h"

#define GP_DICTIONARY_KEYS 8192

/* A way a pattern can begin. */
struct gp_dictionary_key {
    uint32_t entry;
    uint32_t next; /* in its chain: one more than the index; 0 ends it */
    uint16_t from; /* the alternative that begins like this */
    uint8_t at;    /* octets of the text before these three */
    char octets[GP_PATTERN_KEY];
};

/* A domain whose hosts belong to a provider. */
struct gp_dictionary_suffix {
    char domain[256];
    int16_t provider;
};

struct gp_dictionary {
    struct gp_dictionary_entry *entries;
    size_t entries_n;
    struct gp_dictionary_key *keys;
    size_t keys_n;
    uint32_t *codes; /* entries without a text: those of providers first, then the bare ones; each in their order */
    size_t provider_codes_n, codes_n;
    struct gp_dictionary_suffix *suffixes; /* sorted */
    size_t suffixes_n;
    char (*providers)[GP_DICTIONARY_NAME_MAX + 1];
    size_t providers_n;
    uint32_t chain[GP_DICTIONARY_KEYS]; /* of keys: one more than the index of the first; 0: none */
};

/* What is known while files are read. */
struct gp_dictionary_reading {
    struct gp_dictionary *d;
    struct gp_faults *faults;
    const struct gp_dictionary_source *file;
    unsigned line;
    bool no_memory;
};

/* gp_dictionary_line_providers - take the line if it defines a provider; gp_dictionary_line_entry - if it is an entry
 * All lines of all files are shown to the first before any is to the second. Faults are told, the line is then left out.
 */
void gp_dictionary_line_providers(struct gp_dictionary_reading *r, struct gp_str line);
void gp_dictionary_line_entry(struct gp_dictionary_reading *r, struct gp_str line);

/* gp_dictionary_grow - room for one more of `size` octets in an array of n; false (r->no_memory) when there is none */
bool gp_dictionary_grow(struct gp_dictionary_reading *r, void *array, size_t n, size_t size);

#endif
