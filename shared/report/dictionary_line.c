/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dictionary_line.c - one line of a dictionary: a provider, or an entry of six fields
 */
#include "shared/report/dictionary_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS 6
enum { PROVIDER, REPLY, ENHANCED, TEXT, CATEGORY, ACTION };

static const char provider_word[] = "provider ";

static const char *escaped(struct gp_str s, char out[200])
{
    struct gp_buf b = gp_buf_on(out, 200);
    gp_buf_put_escaped(&b, s);
    return out;
}

/* "file:line: field: what is wrong, what was given, what would be right" */
static void wrong(struct gp_dictionary_reading *r, const char *field, struct gp_str given, const char *why)
{
    char text[200];
    gp_fault(r->faults, r->file->path, r->line, "%s: \"%s\": %s", field, escaped(given, text), why);
}

static struct gp_str without_comment(struct gp_str line)
{
    line = gp_str_trim(line);
    return line.n > 0 && line.p[0] == '#' ? (struct gp_str){line.p, 0} : line;
}

/* Not an entry of a provider called "provider": that has fields. */
static bool defines_provider(struct gp_str line)
{
    return gp_str_starts_nocase(line, gp_str_z(provider_word)) && gp_str_find(line, '|') == line.n;
}

static bool lower(struct gp_str s, char *out, size_t cap)
{
    struct gp_buf b = gp_buf_on(out, cap);
    gp_buf_put_lower(&b, s);
    return !b.full;
}

static bool name_valid(struct gp_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '-'))
            return false;
    return s.n > 0 && s.n <= GP_DICTIONARY_NAME_MAX;
}

static bool domain_valid(struct gp_str s)
{
    bool dot = false;
    for (size_t i = 0; i < s.n; i++) {
        bool mark = s.p[i] == '-' || s.p[i] == '.' || s.p[i] == '_';
        dot = dot || s.p[i] == '.';
        if (!(mark || (s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9')))
            return false;
    }
    return dot && s.n > 2 && s.n < 256 && s.p[0] != '.' && s.p[s.n - 1] != '.';
}

static int16_t provider_named(const struct gp_dictionary *d, struct gp_str name)
{
    for (size_t i = 0; i < d->providers_n; i++)
        if (gp_str_eq(gp_str_z(d->providers[i]), name))
            return (int16_t)i;
    return GP_CODE_ANY;
}

static int16_t provider_new(struct gp_dictionary_reading *r, struct gp_str name)
{
    struct gp_dictionary *d = r->d;
    if (d->providers_n == GP_DICTIONARY_PROVIDERS_MAX) {
        wrong(r, "provider", name, "one too many, 128 would be right");
        return GP_CODE_ANY;
    }
    if (!gp_dictionary_grow(r, &d->providers, d->providers_n, sizeof *d->providers))
        return GP_CODE_ANY;
    lower(name, d->providers[d->providers_n], sizeof *d->providers);
    return (int16_t)d->providers_n++;
}

static void add_suffix(struct gp_dictionary_reading *r, int16_t provider, struct gp_str domain)
{
    struct gp_dictionary *d = r->d;
    if (d->suffixes_n == GP_DICTIONARY_SUFFIXES_MAX) {
        wrong(r, "provider", domain, "one domain too many, 1024 in all would be right");
        return;
    }
    if (!gp_dictionary_grow(r, &d->suffixes, d->suffixes_n, sizeof *d->suffixes))
        return;
    lower(domain, d->suffixes[d->suffixes_n].domain, sizeof d->suffixes->domain);
    d->suffixes[d->suffixes_n++].provider = provider;
}

static void define_provider(struct gp_dictionary_reading *r, struct gp_str line)
{
    size_t colon = gp_str_find(line, ':');
    struct gp_str name = gp_str_trim((struct gp_str){line.p, colon}), rest, domain;
    char text[GP_DICTIONARY_LINE_MAX + 1];
    if (colon == line.n || !name_valid(name)) {
        wrong(r, "provider", line, "a line would be: provider NAME: DOMAIN DOMAIN ..., the name in a-z 0-9 -");
        return;
    }
    if (provider_named(r->d, name) != GP_CODE_ANY) {
        wrong(r, "provider", name, "this name was defined before, each needs one of its own");
        return;
    }
    int16_t provider = provider_new(r, name);
    if (provider == GP_CODE_ANY)
        return;
    lower((struct gp_str){line.p + colon + 1, line.n - colon - 1}, text, sizeof text);
    rest = gp_str_trim(gp_str_z(text));
    while (gp_str_split(&rest, ' ', &domain)) {
        if (domain_valid(domain))
            add_suffix(r, provider, domain);
        else if (domain.n > 0 || rest.p == NULL)
            wrong(r, "provider", domain, "not a domain, one would be example.org");
    }
}

void gp_dictionary_line_providers(struct gp_dictionary_reading *r, struct gp_str line)
{
    line = without_comment(line);
    if (line.n <= GP_DICTIONARY_LINE_MAX && defines_provider(line))
        define_provider(r,
                        gp_str_trim((struct gp_str){line.p + strlen(provider_word), line.n - strlen(provider_word)}));
}

/* Fields between '|'; an escaped one belongs to its field. Returns how many, at most FIELDS + 1. */
static size_t split(struct gp_str line, struct gp_str field[FIELDS + 1])
{
    size_t n = 0, from = 0;
    for (size_t i = 0; i <= line.n && n <= FIELDS; i++) {
        if (i < line.n && line.p[i] == '\\')
            i++;
        else if (i == line.n || line.p[i] == '|') {
            field[n++] = gp_str_trim((struct gp_str){line.p + from, i - from});
            from = i + 1;
        }
    }
    return n;
}

static bool read_provider(struct gp_dictionary_reading *r, struct gp_str s, int16_t *out)
{
    char name[256];
    *out = GP_CODE_ANY;
    if (gp_str_eq(s, GP_STR("*")))
        return true;
    if (!lower(s, name, sizeof name) || !(name_valid(gp_str_z(name)) || domain_valid(gp_str_z(name)))) {
        wrong(r, "provider", s, "neither * nor a name nor a domain");
        return false;
    }
    *out = provider_named(r->d, gp_str_z(name));
    if (*out == GP_CODE_ANY && domain_valid(gp_str_z(name)) && s.n <= GP_DICTIONARY_NAME_MAX) {
        *out = provider_new(r, gp_str_z(name));
        if (*out != GP_CODE_ANY)
            add_suffix(r, *out, gp_str_z(name));
    } else if (*out == GP_CODE_ANY) {
        wrong(r, "provider", s, "no line defines it, one would be: provider NAME: DOMAIN ...");
    }
    return *out != GP_CODE_ANY;
}

static bool read_reply(struct gp_dictionary_reading *r, struct gp_str s, char out[3])
{
    if (gp_str_eq(s, GP_STR("*")))
        s = GP_STR("xxx");
    bool good = s.n == 3 && memchr("245x", s.p[0], 4) != NULL;
    for (size_t i = 0; good && i < 3; i++) {
        good = (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == 'x';
        out[i] = s.p[i];
    }
    if (!good)
        wrong(r, "reply", s, "no reply code, one would be 550, 4xx or *");
    return good;
}

static bool read_enhanced(struct gp_dictionary_reading *r, struct gp_str s, int16_t out[3])
{
    struct gp_str rest = gp_str_eq(s, GP_STR("*")) ? GP_STR("*.*.*") : s, part;
    bool good = true;
    size_t n = 0;
    while (good && gp_str_split(&rest, '.', &part)) {
        uint64_t v = 0;
        bool any = gp_str_eq(part, GP_STR("*"));
        good = n < 3 && (any || gp_str_u64(part, 999, &v));
        if (good)
            out[n++] = any ? GP_CODE_ANY : (int16_t)v;
    }
    if (good && n == 3 && (out[0] == GP_CODE_ANY || out[0] == 2 || out[0] == 4 || out[0] == 5))
        return true;
    wrong(r, "enhanced", s, "no enhanced status code, one would be 5.1.1, 4.7.* or *");
    return false;
}

static bool read_category(struct gp_dictionary_reading *r, struct gp_str s, enum gp_category *out)
{
    if (gp_category_parse(s, out) && (*out <= GP_CATEGORY_CONTENT || *out == GP_CATEGORY_UNKNOWN))
        return true;
    wrong(r, "category", s,
          "not a category of replies, those are hard-bounce, soft-bounce, mailbox-full, policy-block, rate-limited, "
          "content-rejected, unknown");
    return false;
}

/* What may be asked for: only who does not exist is suppressed, and he is never a reason to go slower. */
static const char *action_for(enum gp_category category, enum gp_reply_action action)
{
    bool suppresses = action == GP_REPLY_SUPPRESS || action == GP_REPLY_COMPARE;
    if (suppresses && category != GP_CATEGORY_HARD)
        return "only a hard-bounce suppresses";
    if (!suppresses && action != GP_REPLY_NONE && category == GP_CATEGORY_HARD)
        return "a hard-bounce asks for suppress, compare or none";
    if (action == GP_REPLY_GREYLISTING && category != GP_CATEGORY_SOFT)
        return "greylisting is a soft-bounce";
    return NULL;
}

static bool read_action(struct gp_dictionary_reading *r, struct gp_str s, struct gp_dictionary_entry *e)
{
    size_t blank = gp_str_find(s, ' ');
    struct gp_str word = {s.p, blank}, time = gp_str_trim((struct gp_str){s.p + blank, s.n - blank});
    uint64_t seconds = 0;
    int a = 0;
    while (a < GP_REPLY_ACTIONS_N && !gp_str_eq(word, gp_str_z(gp_reply_action_name((enum gp_reply_action)a))))
        a++;
    if (a == GP_REPLY_ACTIONS_N) {
        wrong(r, "action", s, "not one of none, suppress, compare, throttle, suspend, delay, alert, greylisting");
        return false;
    }
    if (time.n > 0 && (a != GP_REPLY_SUSPEND || !gp_str_seconds(time, GP_DICTIONARY_SUSPEND_MAX_S, &seconds))) {
        wrong(r, "action", s, "only suspend has a time, such as suspend 2h, up to 7d");
        return false;
    }
    const char *why = action_for(e->category, (enum gp_reply_action)a);
    if (why != NULL)
        wrong(r, "action", s, why);
    e->action = (enum gp_reply_action)a;
    e->action_s = (uint32_t)seconds;
    return why == NULL;
}

static bool read_text(struct gp_dictionary_reading *r, struct gp_str s, struct gp_pattern *out)
{
    if (gp_str_eq(s, GP_STR("*")))
        return true;
    const char *why = gp_pattern_read(s, out);
    if (why != NULL)
        wrong(r, "text", s, why);
    return why == NULL;
}

static uint64_t fields_hash(const struct gp_str field[FIELDS + 1])
{
    char text[GP_DICTIONARY_LINE_MAX + 8];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    for (size_t i = 0; i <= TEXT; i++) {
        gp_buf_put_lower(&b, field[i]);
        gp_buf_putz(&b, "|");
    }
    return gp_str_hash(gp_buf_str(&b));
}

static void warn_of_double(struct gp_dictionary_reading *r, const struct gp_dictionary_entry *e)
{
    for (size_t i = 0; i < r->d->entries_n; i++)
        if (r->d->entries[i].hash == e->hash)
            gp_warning(r->faults, r->file->path, r->line, "text: the same as in %s, which decides",
                       r->d->entries[i].by);
}

static void take_entry(struct gp_dictionary_reading *r, const struct gp_str field[FIELDS + 1])
{
    struct gp_dictionary *d = r->d;
    struct gp_dictionary_entry e = {.hash = fields_hash(field)};
    snprintf(e.by, sizeof e.by, "%.40s:%u", r->file->name, r->line);
    /* each field is looked at, so that all faults are told */
    bool provider = read_provider(r, field[PROVIDER], &e.provider);
    bool reply = read_reply(r, field[REPLY], e.reply);
    bool enhanced = read_enhanced(r, field[ENHANCED], e.enhanced);
    bool category = read_category(r, field[CATEGORY], &e.category);
    bool action = category && read_action(r, field[ACTION], &e);
    if (d->entries_n == GP_DICTIONARY_ENTRIES_MAX) {
        wrong(r, "entry", field[TEXT], "one too many, 16384 in all would be right");
        return;
    }
    bool text = read_text(r, field[TEXT], &e.pattern);
    if (provider && reply && enhanced && category && action && text &&
        gp_dictionary_grow(r, &d->entries, d->entries_n, sizeof *d->entries)) {
        warn_of_double(r, &e);
        d->entries[d->entries_n++] = e;
    } else {
        gp_pattern_free(&e.pattern);
    }
}

void gp_dictionary_line_entry(struct gp_dictionary_reading *r, struct gp_str line)
{
    struct gp_str field[FIELDS + 1];
    line = without_comment(line);
    if (line.n == 0)
        return;
    if (line.n > GP_DICTIONARY_LINE_MAX)
        wrong(r, "line", (struct gp_str){line.p, 20}, "too long, 1024 octets would be right");
    else if (defines_provider(line))
        return;
    else if (split(line, field) != FIELDS)
        wrong(r, "line", line, "an entry has six fields: provider | reply | enhanced | text | category | action");
    else
        take_entry(r, field);
}
