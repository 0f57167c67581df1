/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * verdict.c - the one table of replies
 */
#include "shared/verdict.h"

#include <string.h>

static const struct gp_reply replies[] = {
    [GP_ACCEPTED] = {"accepted", "", "", ""},
#define GP_X(id, reason, code, enhanced, text) [GP_##id] = {reason, code, enhanced, text},
    GP_REPLIES(GP_X)
#undef GP_X
};
_Static_assert(sizeof replies / sizeof replies[0] == GP_REASON_COUNT, "a reason without a reply");

const struct gp_reply *gp_reply_of(enum gp_reason reason)
{
    return &replies[reason < GP_REASON_COUNT ? reason : GP_INTERNAL];
}

/* Cut at max octets, but never inside a UTF-8 character. */
static size_t detail_length(const char *text, size_t n, size_t max)
{
    if (n <= max)
        return n;
    n = max;
    while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80)
        n--;
    return n;
}

struct gp_verdict gp_verdict_of(enum gp_reason reason, struct gp_str detail)
{
    struct gp_verdict v = {.reason = reason};
    char clean[2 * GP_DETAIL_MAX];
    size_t n = 0;
    if (detail.n > sizeof clean)
        detail.n = detail_length(detail.p, detail.n, sizeof clean);
    bool utf8 = gp_str_utf8(detail);
    for (size_t i = 0; i < detail.n; i++) {
        unsigned char c = (unsigned char)detail.p[i];
        if (c < 0x20 || c == 0x7F)
            c = ' ';
        if (c > 0x7F && !utf8)
            c = '?';
        clean[n++] = (char)c;
    }
    struct gp_str trimmed = gp_str_trim((struct gp_str){clean, n});
    n = detail_length(trimmed.p, trimmed.n, GP_DETAIL_MAX);
    if (n > 0)
        memcpy(v.detail, trimmed.p, n);
    v.detail[n] = '\0';
    return v;
}

void gp_reply_text(const struct gp_verdict *v, char out[GP_REPLY_TEXT_MAX])
{
    struct gp_buf b = gp_buf_on(out, GP_REPLY_TEXT_MAX);
    struct gp_str text = gp_str_z(gp_reply_of(v->reason)->text);
    size_t hole = gp_str_find(text, '%');
    gp_buf_put(&b, (struct gp_str){text.p, hole});
    if (hole == text.n)
        return;
    gp_buf_putz(&b, v->detail[0] != '\0' ? v->detail : "by the operator");
    gp_buf_put(&b, (struct gp_str){text.p + hole + 1, text.n - hole - 1});
}
