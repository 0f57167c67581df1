/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * sessions.h - the open sessions of one agency, one row per node (pure; any thread)
 *
 * A node is one milter process's place (its host and socket), a boot one life of that process. A row is always written
 * whole from the process's own exact registry, so a lost write is mended by the next one. Rows live GP_SESSIONS_LIFE_MS
 * and are renewed at a third of it, so nodes' clocks must agree within 40 s. A row that expires later than a life and
 * GP_SESSIONS_SKEW_MS from now was written by a clock that jumped: nobody counts it until a node that holds sessions
 * has cut it to one life (gp_sessions_mend), so it locks nobody out for longer.
 */
#ifndef GP_SHARED_SESSIONS_H
#define GP_SHARED_SESSIONS_H

#include "shared/str.h"

#define GP_SESSIONS_LIFE_MS 60000
#define GP_SESSIONS_RENEW_MS (GP_SESSIONS_LIFE_MS / 3)
#define GP_SESSIONS_SKEW_MS 60000 /* a writer's clock may be that far ahead */
#define GP_SESSIONS_ROWS 32
#define GP_SESSIONS_ITEM_MAX 1024 /* octets of the encoded item, at most */

struct gp_sessions_row {
    uint64_t node, boot;
    uint32_t count;
    uint64_t expires_ms; /* wall clock */
};

struct gp_sessions {
    size_t rows;
    struct gp_sessions_row row[GP_SESSIONS_ROWS];
};

/* gp_sessions_encode - octets written. Layout: gatepost-keys(5). */
size_t gp_sessions_encode(const struct gp_sessions *s, char out[GP_SESSIONS_ITEM_MAX]);

/* gp_sessions_decode - false, and *out unspecified, for anything gp_sessions_encode did not write */
bool gp_sessions_decode(struct gp_str item, struct gp_sessions *out);

/* gp_sessions_open - open sessions in rows that have not expired (nor expire implausibly late) */
uint64_t gp_sessions_open(const struct gp_sessions *s, uint64_t now_ms);

/* gp_sessions_elsewhere - the same without the rows of `node`, whatever their boot */
uint64_t gp_sessions_elsewhere(const struct gp_sessions *s, uint64_t node, uint64_t now_ms);

/* gp_sessions_mend - drop expired rows, and cut what expires later than one life from now to one life
 * Returns whether a row was cut that did not count before: then the item must be written, or the row never expires.
 */
bool gp_sessions_mend(struct gp_sessions *s, uint64_t now_ms);

/* gp_sessions_set - put this node's row in place of any it has (also one of an earlier boot), expiring one life from
 * now; count 0 removes it. The other rows are mended.
 * Returns false when all rows are taken by other nodes; then *s is only mended.
 */
bool gp_sessions_set(struct gp_sessions *s, uint64_t node, uint64_t boot, uint32_t count, uint64_t now_ms);

#endif
