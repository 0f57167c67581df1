/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dictionary.c - keeping the entries, and finding the first that fits
 */
#include "shared/report/dictionary_private.h"

#include <stdlib.h>
#include <string.h>

static const char *const action_names[] = {
#define GP_X(id, name) [GP_REPLY_##id] = name,
    GP_REPLY_ACTIONS(GP_X)
#undef GP_X
};

const char *gp_reply_action_name(enum gp_reply_action a)
{
    return a < GP_REPLY_ACTIONS_N ? action_names[a] : "none";
}

void gp_dictionary_free(struct gp_dictionary *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; i < d->entries_n; i++)
        gp_pattern_free(&d->entries[i].pattern);
    free(d->entries);
    free(d->keys);
    free(d->codes);
    free(d->suffixes);
    free(d->providers);
    free(d);
}

/* Arrays have room for a power of two. */
bool gp_dictionary_grow(struct gp_dictionary_reading *r, void *array, size_t n, size_t size)
{
    void **at = array;
    if (*at != NULL && (n & (n - 1)) != 0)
        return true;
    void *more = realloc(*at, (n == 0 ? 1 : 2 * n) * size);
    if (more == NULL) {
        r->no_memory = true;
        return false;
    }
    *at = more;
    return true;
}

static uint32_t key_of(const char *p)
{
    uint32_t v = (uint32_t)(unsigned char)p[0] << 16 | (uint32_t)(unsigned char)p[1] << 8 | (unsigned char)p[2];
    return v * 2654435761u >> 19; /* 13 bits */
}

/* A beginning is kept under those three of its octets which the fewest others are kept under. */
static bool index_beginning(struct gp_dictionary_reading *r, uint16_t *used, uint32_t entry,
                            const struct gp_pattern_beginning *b)
{
    struct gp_dictionary *d = r->d;
    size_t best = 0;
    if (!gp_dictionary_grow(r, &d->keys, d->keys_n, sizeof *d->keys))
        return false;
    for (size_t at = 1; at + GP_PATTERN_KEY <= b->n; at++)
        if (used[key_of(b->run + at)] < used[key_of(b->run + best)])
            best = at;
    uint32_t number = key_of(b->run + best);
    struct gp_dictionary_key *key = &d->keys[d->keys_n++];
    *key = (struct gp_dictionary_key){
        .entry = entry, .next = d->chain[number], .from = (uint16_t)b->from, .at = (uint8_t)best};
    memcpy(key->octets, b->run + best, GP_PATTERN_KEY);
    d->chain[number] = (uint32_t)d->keys_n;
    used[number]++;
    return true;
}

static bool index_entry(struct gp_dictionary_reading *r, uint16_t *used, uint32_t entry)
{
    struct gp_pattern_beginning b;
    for (size_t nth = 0; gp_pattern_beginning(&r->d->entries[entry].pattern, nth, &b); nth++)
        if (!index_beginning(r, used, entry, &b))
            return false;
    return true;
}

static int suffix_order(const void *a, const void *b)
{
    return strcmp(((const struct gp_dictionary_suffix *)a)->domain, ((const struct gp_dictionary_suffix *)b)->domain);
}

static bool index_codes(struct gp_dictionary *d)
{
    d->codes = calloc(d->entries_n + 1, sizeof *d->codes);
    if (d->codes == NULL)
        return false;
    for (int bare = 0; bare < 2; bare++) {
        for (uint32_t i = 0; i < d->entries_n; i++)
            if (d->entries[i].pattern.text == NULL && (d->entries[i].provider == GP_CODE_ANY) == bare)
                d->codes[d->codes_n++] = i;
        if (!bare)
            d->provider_codes_n = d->codes_n;
    }
    return true;
}

static bool build_index(struct gp_dictionary_reading *r)
{
    struct gp_dictionary *d = r->d;
    uint16_t used[GP_DICTIONARY_KEYS] = {0};
    for (uint32_t i = 0; i < d->entries_n; i++)
        if (d->entries[i].pattern.text != NULL && !index_entry(r, used, i))
            return false;
    if (d->suffixes_n > 0)
        qsort(d->suffixes, d->suffixes_n, sizeof *d->suffixes, suffix_order);
    return index_codes(d);
}

static void read_lines(struct gp_dictionary_reading *r, const struct gp_dictionary_source *file,
                       void (*take)(struct gp_dictionary_reading *r, struct gp_str line))
{
    struct gp_str rest = file->text, line;
    r->file = file;
    r->line = 0;
    while (gp_str_split(&rest, '\n', &line)) {
        r->line++;
        take(r, line);
    }
}

struct gp_dictionary *gp_dictionary_read(const struct gp_dictionary_source *files, size_t n, struct gp_faults *faults)
{
    struct gp_dictionary_reading r = {.faults = faults, .d = calloc(1, sizeof *r.d)};
    size_t errors = faults->errors;
    if (r.d == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++)
        read_lines(&r, &files[i], gp_dictionary_line_providers);
    for (size_t i = 0; i < n; i++)
        read_lines(&r, &files[i], gp_dictionary_line_entry);
    if (errors == faults->errors && r.d->entries_n > 0 && !r.no_memory && build_index(&r))
        return r.d;
    gp_dictionary_free(r.d);
    return NULL;
}

void gp_dictionary_providers(const struct gp_dictionary *d, struct gp_str host, struct gp_providers *out)
{
    struct gp_dictionary_suffix key;
    struct gp_buf b = gp_buf_on(key.domain, sizeof key.domain);
    if (host.n > 0 && host.p[host.n - 1] == '.')
        host.n--;
    gp_buf_put_lower(&b, host);
    if (b.full || d->suffixes_n == 0)
        return;
    struct gp_str rest = gp_buf_str(&b);
    while (rest.n > 0) {
        memmove(key.domain, rest.p, rest.n + 1);
        size_t low = 0, high = d->suffixes_n;
        while (low < high) {
            size_t mid = low + (high - low) / 2;
            if (suffix_order(&d->suffixes[mid], &key) < 0)
                low = mid + 1;
            else
                high = mid;
        }
        for (; low < d->suffixes_n && suffix_order(&d->suffixes[low], &key) == 0; low++)
            out->bit[d->suffixes[low].provider / 64] |= UINT64_C(1) << d->suffixes[low].provider % 64;
        size_t dot = gp_str_find(gp_str_z(key.domain), '.');
        rest = (struct gp_str){key.domain + dot, strlen(key.domain) - dot};
        if (rest.n > 0)
            rest = (struct gp_str){rest.p + 1, rest.n - 1};
    }
}

static bool codes_fit(const struct gp_dictionary_entry *e, const struct gp_evidence *given)
{
    if (e->provider != GP_CODE_ANY && (given->providers.bit[e->provider / 64] >> e->provider % 64 & 1) == 0)
        return false;
    for (size_t i = 0; i < 3; i++) {
        if (e->reply[i] != 'x' && e->reply[i] != given->reply[i])
            return false;
        if (e->enhanced[i] != GP_CODE_ANY && e->enhanced[i] != given->enhanced[i])
            return false;
    }
    return true;
}

static const struct gp_dictionary_entry *first_of(const struct gp_dictionary *d, const struct gp_evidence *e,
                                                  const uint32_t *codes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (codes_fit(&d->entries[codes[i]], e))
            return &d->entries[codes[i]];
    return NULL;
}

const struct gp_dictionary_entry *gp_dictionary_find_codes(const struct gp_dictionary *d, const struct gp_evidence *e)
{
    return first_of(d, e, d->codes + d->provider_codes_n, d->codes_n - d->provider_codes_n);
}

const struct gp_dictionary_entry *gp_dictionary_find(const struct gp_dictionary *d, const struct gp_evidence *e,
                                                     unsigned *steps)
{
    const struct gp_dictionary_entry *best = first_of(d, e, d->codes, d->provider_codes_n);
    for (size_t at = 0; at + GP_PATTERN_KEY <= e->text.n; at++) {
        for (uint32_t k = d->chain[key_of(e->text.p + at)]; k > 0; k = d->keys[k - 1].next) {
            const struct gp_dictionary_key *key = &d->keys[k - 1];
            const struct gp_dictionary_entry *entry = &d->entries[key->entry];
            if ((best == NULL || entry < best) && memcmp(key->octets, e->text.p + at, GP_PATTERN_KEY) == 0 &&
                key->at <= at && codes_fit(entry, e) &&
                gp_pattern_fits(&entry->pattern, key->from, e->text, at - key->at, steps))
                best = entry;
        }
    }
    return best;
}
