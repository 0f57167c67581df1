/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * unclassified.c - remote replies that no dictionary entry fits, alike ones counted together
 */
#include "shared/unclassified.h"

#include "shared/store_sqlite.h"

#include <string.h>

static const char count_text[] = "UPDATE unclassified SET count = count + 1, last_ms = ?2, provider = ?3, sample = ?4, "
                                 "evidence = ?5 WHERE text = ?1";
static const char add_text[] = "INSERT INTO unclassified (text, count, first_ms, last_ms, provider, sample, evidence)"
                               " VALUES (?1, 1, ?2, ?2, ?3, ?4, ?5)";
static const char make_room[] = "DELETE FROM unclassified WHERE (SELECT count(*) FROM unclassified) >= ?1"
                                " AND text = (SELECT text FROM unclassified ORDER BY count, last_ms LIMIT 1)";
static const char list_texts[] = "SELECT text, count, first_ms, last_ms, provider, sample, evidence FROM unclassified"
                                 " ORDER BY count DESC, last_ms DESC LIMIT ?1";

static bool is_blank(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7f;
}

/* Part of a word: letters, digits and what binds them in numbers, names and ids. */
static bool in_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80 ||
           (c != '\0' && strchr("@._-+=/%~", c) != NULL);
}

static void put_word(struct gp_buf *b, struct gp_str word)
{
    bool digit = false;
    if (gp_str_find(word, '@') < word.n) {
        gp_buf_putz(b, "<@>");
        return;
    }
    for (size_t i = 0; i < word.n; i++)
        digit = digit || (word.p[i] >= '0' && word.p[i] <= '9');
    if (digit)
        gp_buf_putz(b, "#");
    else
        gp_buf_put_lower(b, word);
}

/* '<' and '>' go with the address: it is one with or without them. */
struct gp_str gp_text_key(struct gp_str text, char out[GP_TEXT_KEY_MAX])
{
    struct gp_buf b = gp_buf_on(out, GP_TEXT_KEY_MAX);
    bool blank = false;
    for (size_t i = 0; i < text.n && !b.full;) {
        size_t from = i;
        while (i < text.n && in_word(text.p[i]))
            i++;
        if (i > from) {
            if (blank && b.n > 0)
                gp_buf_putz(&b, " ");
            blank = false;
            put_word(&b, (struct gp_str){text.p + from, i - from});
        } else {
            char c = text.p[i++];
            blank = blank || is_blank(c);
            if (!is_blank(c) && c != '<' && c != '>') {
                if (blank && b.n > 0)
                    gp_buf_putz(&b, " ");
                blank = false;
                gp_buf_put(&b, (struct gp_str){&c, 1});
            }
        }
    }
    return gp_buf_str(&b);
}

uint64_t gp_text_hash(struct gp_str text)
{
    char key[GP_TEXT_KEY_MAX];
    uint64_t hash = gp_str_hash(gp_text_key(text, key)) & INT64_MAX;
    return hash != 0 ? hash : 1;
}

static bool put_text(struct gp_store *s, const char *sql, const struct gp_unclassified *u)
{
    sqlite3_stmt *st = gp_store_statement(s, sql);
    gp_bind_str(st, 1, u->text);
    gp_bind_u64(st, 2, u->last_ms);
    gp_bind_str(st, 3, u->provider);
    gp_bind_str(st, 4, u->sample);
    gp_bind_str(st, 5, u->evidence);
    return gp_store_done(s, st);
}

bool gp_unclassified_add(struct gp_store *s, struct gp_str text, struct gp_str provider, struct gp_str evidence,
                         uint64_t now_ms)
{
    char key[GP_TEXT_KEY_MAX];
    struct gp_unclassified u = {.text = gp_text_key(text, key),
                                .last_ms = now_ms,
                                .provider = provider,
                                .sample = gp_str_cut(text, GP_UNCLASSIFIED_SAMPLE_MAX),
                                .evidence = evidence};
    if (u.text.n == 0)
        return true;
    if (!put_text(s, count_text, &u))
        return false;
    if (sqlite3_changes(s->db) > 0)
        return true;
    sqlite3_stmt *st = gp_store_statement(s, make_room);
    gp_bind_u64(st, 1, GP_UNCLASSIFIED_MAX);
    return gp_store_done(s, st) && put_text(s, add_text, &u);
}

bool gp_unclassified_list(struct gp_store *s, size_t most, gp_unclassified_fn *each, void *arg)
{
    sqlite3_stmt *st = gp_store_statement(s, list_texts);
    bool good = true;
    gp_bind_u64(st, 1, most);
    while (gp_store_next(s, st, &good)) {
        const struct gp_unclassified u = {.text = gp_column_str(st, 0),
                                          .count = gp_column_u64(st, 1),
                                          .first_ms = gp_column_u64(st, 2),
                                          .last_ms = gp_column_u64(st, 3),
                                          .provider = gp_column_str(st, 4),
                                          .sample = gp_column_str(st, 5),
                                          .evidence = gp_column_str(st, 6)};
        each(arg, &u);
    }
    return good;
}
