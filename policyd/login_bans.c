/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * login_bans.c - failed logins and bans of this process alone
 */
#include "policyd/login_bans.h"

static size_t place_of(const struct gp_login_bans *b, const struct gp_ip *ip)
{
    size_t i = 0;
    while (i < b->n && gp_ip_cmp(&b->ip[i], ip) != 0)
        i++;
    return i;
}

struct gp_login_ban *gp_login_bans_of(struct gp_login_bans *b, const struct gp_ip *ip, uint64_t now_ms)
{
    size_t i = place_of(b, ip);
    if (i == b->n && b->n < GP_LOGIN_BANS_MAX) {
        b->n++;
    } else if (i == b->n) {
        i = 0;
        for (size_t k = 1; k < b->n; k++) {
            if (b->ban[k].heard_ms < b->ban[i].heard_ms)
                i = k;
        }
    } else {
        b->ban[i].heard_ms = now_ms;
        return &b->ban[i];
    }
    b->ip[i] = *ip;
    b->ban[i] = (struct gp_login_ban){.heard_ms = now_ms};
    return &b->ban[i];
}

bool gp_login_bans_hold(const struct gp_login_bans *b, const struct gp_ip *ip, uint64_t now_ms)
{
    size_t i = place_of(b, ip);
    return i < b->n && now_ms < b->ban[i].until_ms;
}

void gp_login_bans_drop(struct gp_login_bans *b, size_t i)
{
    b->n--;
    b->ip[i] = b->ip[b->n];
    b->ban[i] = b->ban[b->n];
}
