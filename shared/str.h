/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * str.h - bounded views of foreign bytes, strict numbers, a bounded writer (pure)
 *
 * Nothing here allocates, blocks or keeps state; every function may be called from any thread.
 */
#ifndef GP_SHARED_STR_H
#define GP_SHARED_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A view: not NUL-terminated, may hold any octet, never owns. p may be NULL when n is 0. */
struct gp_str {
    const char *p;
    size_t n;
};

#define GP_STR(lit) ((struct gp_str){(lit), sizeof(lit) - 1})
#define GP_STR_FMT(s) (int)(s).n, (s).p /* for "%.*s"; only for views that were checked or escaped */

/* ASCII only, whatever the locale */
static inline bool gp_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool gp_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* gp_str_z - view of a NUL-terminated string of ours; z may be NULL (empty view) */
struct gp_str gp_str_z(const char *z);

/* gp_str_eq, gp_str_eq_nocase - the same octets? gp_str_starts_nocase - does s begin with prefix, whatever the case? */
bool gp_str_eq(struct gp_str a, struct gp_str b);
bool gp_str_eq_nocase(struct gp_str a, struct gp_str b); /* ASCII letters only */
bool gp_str_starts_nocase(struct gp_str s, struct gp_str prefix);

/* gp_str_cmp - order by octets, shorter first among equals; for sorting and searching */
int gp_str_cmp(struct gp_str a, struct gp_str b);

/* gp_str_find - index of the first octet c, or s.n when there is none */
size_t gp_str_find(struct gp_str s, char c);

/* gp_str_trim - without blanks, tabs, CR and LF at both ends */
struct gp_str gp_str_trim(struct gp_str s);

/* gp_str_cut - at most max octets of s, cut between characters of UTF-8 */
struct gp_str gp_str_cut(struct gp_str s, size_t max);

/* gp_str_split - take the part before the first sep off *rest
 * Returns false when *rest is spent (rest->p == NULL). "a,,b" gives "a", "", "b"; "" gives one "".
 */
bool gp_str_split(struct gp_str *rest, char sep, struct gp_str *head);

/* gp_str_u64 - the whole view as a decimal number 0..max: digits only, no sign, no blank
 * Returns false, and leaves *out alone, for anything else.
 */
bool gp_str_u64(struct gp_str s, uint64_t max, uint64_t *out);

/* gp_str_size - a size in octets: "204800", "200K", "14M", "1G" (K = 1024); 0..max */
bool gp_str_size(struct gp_str s, uint64_t max, uint64_t *out);

/* gp_str_seconds - a duration in seconds: "300s", "10m", "1h", "2d"; the unit is required; 0..max */
bool gp_str_seconds(struct gp_str s, uint64_t max, uint64_t *out);

/* gp_str_utf8 - is the view well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms)? */
bool gp_str_utf8(struct gp_str s);

#define GP_STR_DISTANCE_MAX 64

/* gp_str_distance - letters to insert, drop or change to make one the other (Levenshtein), ASCII case apart
 * For "did you mean"; SIZE_MAX when either is longer than GP_STR_DISTANCE_MAX.
 */
size_t gp_str_distance(struct gp_str a, struct gp_str b);

/* gp_str_hash - FNV-1a, 64 bits
 * It stands in memcached's items, in keys and in the database, so it never changes. Whoever chooses the octets can make
 * two views meet: nothing may be proven by it, and a table of foreign names must bear that they all meet.
 */
uint64_t gp_str_hash(struct gp_str s);

/* A writer into memory of the caller. It never writes past cap and always leaves a NUL-terminated
 * text; what does not fit is left out and `full` is set. n counts what was written, without the NUL.
 */
struct gp_buf {
    char *p;
    size_t cap, n;
    bool full;
};

/* gp_buf_on - start writing into array, cap >= 1 */
struct gp_buf gp_buf_on(char *array, size_t cap);

/* gp_buf_put, gp_buf_putz, gp_buf_printf - append octets, a string, a text with its fields; as much as fits */
void gp_buf_put(struct gp_buf *b, struct gp_str s);
void gp_buf_putz(struct gp_buf *b, const char *z);
void gp_buf_printf(struct gp_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* gp_buf_put_escaped - printable ASCII as it is; backslash and quote as \\ and \"; all else as \xNN
 * For foreign bytes in logs and terminals: no control character, no line break gets through.
 */
void gp_buf_put_escaped(struct gp_buf *b, struct gp_str s);

/* gp_buf_put_json - as the inside of a JSON string, in printable ASCII: what is no ASCII as \uXXXX, octets that are no
 * UTF-8 as the text \xNN. What the JSON reader gets back is s itself when s is well-formed UTF-8.
 */
void gp_buf_put_json(struct gp_buf *b, struct gp_str s);

/* gp_buf_put_lower - with ASCII letters in lower case */
void gp_buf_put_lower(struct gp_buf *b, struct gp_str s);

static inline struct gp_str gp_buf_str(const struct gp_buf *b)
{
    return (struct gp_str){b->p, b->n};
}

#endif
