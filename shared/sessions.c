/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * sessions.c - the open sessions of one agency, one row per node
 *
 * The item: "GPS1", number of rows (2 octets), the rows (28 octets each), FNV-1a of all before it (8 octets).
 */
#include "shared/sessions.h"

#include "shared/octets.h"

#include <string.h>

#define HEAD 6
#define ROW 28
#define TAIL 8

_Static_assert(HEAD + GP_SESSIONS_ROWS * ROW + TAIL <= GP_SESSIONS_ITEM_MAX,
               "the sessions item has outgrown its bound");

size_t gp_sessions_encode(const struct gp_sessions *s, char out[GP_SESSIONS_ITEM_MAX])
{
    size_t n = HEAD;
    memcpy(out, "GPS1", 4);
    gp_octets_put(out + 4, 2, s->rows);
    for (size_t i = 0; i < s->rows; i++, n += ROW) {
        gp_octets_put(out + n, 8, s->row[i].node);
        gp_octets_put(out + n + 8, 8, s->row[i].boot);
        gp_octets_put(out + n + 16, 4, s->row[i].count);
        gp_octets_put(out + n + 20, 8, s->row[i].expires_ms);
    }
    gp_octets_put(out + n, TAIL, gp_str_hash((struct gp_str){out, n}));
    return n + TAIL;
}

bool gp_sessions_decode(struct gp_str item, struct gp_sessions *out)
{
    if (item.n < HEAD + TAIL || memcmp(item.p, "GPS1", 4) != 0)
        return false;
    uint64_t rows = gp_octets_get(item.p + 4, 2);
    if (rows > GP_SESSIONS_ROWS || item.n != HEAD + rows * ROW + TAIL)
        return false;
    if (gp_octets_get(item.p + item.n - TAIL, TAIL) != gp_str_hash((struct gp_str){item.p, item.n - TAIL}))
        return false;
    out->rows = (size_t)rows;
    for (size_t i = 0; i < out->rows; i++) {
        const char *at = item.p + HEAD + i * ROW;
        out->row[i] = (struct gp_sessions_row){gp_octets_get(at, 8), gp_octets_get(at + 8, 8),
                                               (uint32_t)gp_octets_get(at + 16, 4), gp_octets_get(at + 20, 8)};
    }
    return true;
}

static bool alive(const struct gp_sessions_row *row, uint64_t now_ms)
{
    return row->expires_ms > now_ms && row->expires_ms <= now_ms + GP_SESSIONS_LIFE_MS + GP_SESSIONS_SKEW_MS;
}

uint64_t gp_sessions_open(const struct gp_sessions *s, uint64_t now_ms)
{
    uint64_t open = 0;
    for (size_t i = 0; i < s->rows; i++)
        if (alive(&s->row[i], now_ms))
            open += s->row[i].count;
    return open;
}

uint64_t gp_sessions_elsewhere(const struct gp_sessions *s, uint64_t node, uint64_t now_ms)
{
    uint64_t open = 0;
    for (size_t i = 0; i < s->rows; i++)
        if (s->row[i].node != node && alive(&s->row[i], now_ms))
            open += s->row[i].count;
    return open;
}

bool gp_sessions_mend(struct gp_sessions *s, uint64_t now_ms)
{
    bool cut = false;
    size_t kept = 0;
    for (size_t i = 0; i < s->rows; i++) {
        struct gp_sessions_row row = s->row[i];
        if (row.expires_ms <= now_ms)
            continue;
        if (row.expires_ms > now_ms + GP_SESSIONS_LIFE_MS) {
            cut = cut || !alive(&row, now_ms);
            row.expires_ms = now_ms + GP_SESSIONS_LIFE_MS;
        }
        s->row[kept++] = row;
    }
    s->rows = kept;
    return cut;
}

bool gp_sessions_set(struct gp_sessions *s, uint64_t node, uint64_t boot, uint32_t count, uint64_t now_ms)
{
    gp_sessions_mend(s, now_ms);
    size_t kept = 0, others = 0;
    for (size_t i = 0; i < s->rows; i++)
        others += s->row[i].node != node;
    if (count > 0 && others == GP_SESSIONS_ROWS)
        return false;
    for (size_t i = 0; i < s->rows; i++)
        if (s->row[i].node != node)
            s->row[kept++] = s->row[i];
    if (count > 0)
        s->row[kept++] = (struct gp_sessions_row){node, boot, count, now_ms + GP_SESSIONS_LIFE_MS};
    s->rows = kept;
    return true;
}
