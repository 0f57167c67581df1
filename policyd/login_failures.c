/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * login_failures.c - when logins from one address failed
 */
#include "policyd/login_failures.h"

#include <inttypes.h>
#include <string.h>

bool gp_failures_decode(struct gp_str item, struct gp_failures *out)
{
    struct gp_str word;
    out->n = 0;
    if (!gp_str_split(&item, ' ', &word) || !gp_str_eq(word, GP_STR("GPF1")))
        return false;
    while (gp_str_split(&item, ' ', &word)) {
        uint64_t at;
        if (out->n == GP_FAILURES_MAX || !gp_str_u64(word, UINT64_MAX, &at) ||
            (out->n > 0 && at < out->at_ms[out->n - 1])) {
            out->n = 0;
            return false;
        }
        out->at_ms[out->n++] = at;
    }
    return true;
}

size_t gp_failures_encode(const struct gp_failures *f, char out[GP_FAILURES_ITEM_MAX])
{
    struct gp_buf b = gp_buf_on(out, GP_FAILURES_ITEM_MAX);
    gp_buf_putz(&b, "GPF1");
    for (size_t i = 0; i < f->n; i++)
        gp_buf_printf(&b, " %" PRIu64, f->at_ms[i]);
    return b.n;
}

static bool recent(uint64_t at_ms, uint64_t now_ms, uint32_t window_s)
{
    uint64_t window_ms = (uint64_t)window_s * 1000;
    return at_ms <= now_ms + GP_FAILURES_AHEAD_MS && (now_ms < window_ms || at_ms > now_ms - window_ms);
}

void gp_failures_add(struct gp_failures *f, uint64_t now_ms, uint32_t keep_s)
{
    size_t n = 0, at;
    for (size_t i = 0; i < f->n; i++) {
        if (recent(f->at_ms[i], now_ms, keep_s))
            f->at_ms[n++] = f->at_ms[i];
    }
    if (n == GP_FAILURES_MAX)
        memmove(f->at_ms, f->at_ms + 1, --n * sizeof f->at_ms[0]);
    for (at = n; at > 0 && f->at_ms[at - 1] > now_ms; at--) /* another node's clock is a little ahead */
        f->at_ms[at] = f->at_ms[at - 1];
    f->at_ms[at] = now_ms;
    f->n = n + 1;
}

uint64_t gp_failures_count(const struct gp_failures *f, uint64_t now_ms, uint32_t window_s)
{
    uint64_t n = 0;
    for (size_t i = 0; i < f->n; i++)
        n += recent(f->at_ms[i], now_ms, window_s);
    return n;
}
