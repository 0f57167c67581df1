/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * destination.c - does a recipient stand at our return path, and does it prove it?
 */
#include "policyd/destination.h"

#include "shared/token.h"

static bool holds(struct gp_str s, char c)
{
    return gp_str_find(s, c) != s.n;
}

static bool names(struct gp_str s, struct gp_str domain)
{
    for (size_t i = 0; i + domain.n <= s.n; i++) {
        if (gp_str_starts_nocase((struct gp_str){s.p + i, s.n - i}, domain))
            return true;
    }
    return false;
}

static bool proves(const struct gp_config *c, struct gp_str local, struct gp_str domain, uint32_t today)
{
    struct gp_token_short token;
    if (gp_str_eq_nocase(local, GP_STR("postmaster")) || gp_str_eq_nocase(local, GP_STR("abuse")))
        return true;
    enum gp_token_state state = gp_token_verify(&c->keyring, local, domain, today, &token);
    return state == GP_TOKEN_VALID || state == GP_TOKEN_EXPIRED;
}

enum gp_destination gp_destination_of(const struct gp_config *c, struct gp_str recipient, uint32_t today)
{
    struct gp_str ours = gp_str_z(c->return_path), local, domain;
    while (recipient.n > 0 && recipient.p[recipient.n - 1] == '.')
        recipient.n--;
    size_t at = gp_str_find(recipient, '@');
    local = (struct gp_str){recipient.p, at};
    if (at == recipient.n || holds(local, '%') || holds(local, '!') ||
        holds((struct gp_str){recipient.p + at + 1, recipient.n - at - 1}, '@'))
        return names(recipient, ours) ? GP_TO_NOBODY : GP_TO_ELSEWHERE;
    domain = (struct gp_str){recipient.p + at + 1, recipient.n - at - 1};
    if (!gp_str_eq_nocase(domain, ours))
        return GP_TO_ELSEWHERE;
    return proves(c, local, domain, today) ? GP_TO_RETURN_PATH : GP_TO_NOBODY;
}
