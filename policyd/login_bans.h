/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * login_bans.h - failed logins and bans of this process alone, while memcached is away or there is none
 *
 * The same counting as in memcached, over the addresses met last. The caller sees to it that one thread at a time is in
 * here. Times are wall clock milliseconds.
 */
#ifndef GP_POLICYD_LOGIN_BANS_H
#define GP_POLICYD_LOGIN_BANS_H

#include "policyd/login_failures.h"
#include "shared/ip.h"
#include "shared/verdict.h"

#define GP_LOGIN_BANS_MAX 1024 /* addresses; one more takes the place of the one not heard of for longest */
#define GP_LOGIN_GROUP_MAX 64

struct gp_login_ban {
    char group[GP_LOGIN_GROUP_MAX]; /* of the address's keys in memcached */
    struct gp_failures failures;
    uint64_t heard_ms; /* when the last login from it failed */
    uint64_t until_ms; /* 0: not banned */
    char reason[GP_DETAIL_MAX + 1];
};

struct gp_login_bans {
    size_t n;
    struct gp_ip ip[GP_LOGIN_BANS_MAX]; /* apart, so that looking for one is fast */
    struct gp_login_ban ban[GP_LOGIN_BANS_MAX];
};

/* gp_login_bans_of - the row of this address, made when there is none */
struct gp_login_ban *gp_login_bans_of(struct gp_login_bans *b, const struct gp_ip *ip, uint64_t now_ms);

/* gp_login_bans_hold - is this address banned now? */
bool gp_login_bans_hold(const struct gp_login_bans *b, const struct gp_ip *ip, uint64_t now_ms);

/* gp_login_bans_drop - forget row i; the last row takes its place */
void gp_login_bans_drop(struct gp_login_bans *b, size_t i);

#endif
