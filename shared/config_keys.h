/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * config_keys.h - what the files config_keys_*.c share: the rows of all settings, and nothing else, stand there
 *
 * A row is all that is known of a setting: the reader, its defaults and its advice, gatepost.conf(5) and the samples
 * are made from it. To add a setting:
 * - a field in config.h, and a row where its neighbours are: scope, form, name, needed?, default, advice, setter, offset,
 *   then .manual, .absent when there is no default, .sample when the default shows nothing; struct gp_key tells of each;
 * - a setter in config_value.c if none there reads such a value;
 * - if a running daemon cannot change it, a line in reload.c;
 * - "ninja -C build manuals" writes the manual page and the samples anew.
 * A limit is added in limit.c in the same way.
 */
#ifndef GP_SHARED_CONFIG_KEYS_H
#define GP_SHARED_CONFIG_KEYS_H

#include "shared/config_private.h"

#define YES true
#define NO false

/* advice that gatepost.conf and an agency share */
#define ON_UNSIGNED "must be \"defer\" or \"send\""
#define CLIENT_SIGNATURES "must be \"auto\", \"keep\" or \"remove\""
#define METRICS "must be \"inet:host:port\", such as \"inet:127.0.0.1:9401\", or \"unix:/path\""
#define SPF "must be \"off\", \"tag\", \"warn\", \"defer\" or \"reject\""

extern const struct gp_key gp_keys_relay[], gp_keys_feedback[], gp_keys_agency[];
extern const size_t gp_keys_relay_n, gp_keys_feedback_n, gp_keys_agency_n;

#endif
