/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * keys.h - the names of everything Gatepost keeps in memcached; gatepost-keys(5) (pure; any thread)
 *
 * Every key of an agency goes to one server: the group key is the agency's name. The block, the ban and the failed
 * logins of an address that an agency lists go with that agency, those of any other address with the address itself.
 */
#ifndef GP_SHARED_KEYS_H
#define GP_SHARED_KEYS_H

#include "shared/ip.h"
#include "shared/limit.h"

#define GP_KEY_MAX 128 /* octets with the NUL; prefix 16, agency 32 or allowance 96, the rest is ours */

/* Of usage and sessions the agency is an allowance: for a test window gp:usage:dol:192.0.2.99:2026-12-10T08:00Z.
 * Each writes a NUL-terminated key of [A-Za-z0-9:._-] only; prefix and agency come from a checked configuration. */
void gp_key_usage(char out[GP_KEY_MAX], const char *prefix, const char *agency);       /* gp:usage:dol */
void gp_key_sessions(char out[GP_KEY_MAX], const char *prefix, const char *agency);    /* gp:sessions:dol */
void gp_key_limit(char out[GP_KEY_MAX], const char *prefix, const char *agency, enum gp_limit_name name);
void gp_key_block_agency(char out[GP_KEY_MAX], const char *prefix, const char *agency); /* gp:block:dol */
void gp_key_block_address(char out[GP_KEY_MAX], const char *prefix, const struct gp_ip *ip);
void gp_key_pause(char out[GP_KEY_MAX], const char *prefix, const char *agency); /* gp:pause:dol */
void gp_key_ban(char out[GP_KEY_MAX], const char *prefix, const struct gp_ip *ip); /* gp:ban:192.0.2.10 */
void gp_key_failures(char out[GP_KEY_MAX], const char *prefix, const struct gp_ip *ip);
/* Of one recipient of an agency's, by a hash of the address in lower case: gp:retest:dol:0123456789abcdef */
void gp_key_retest(char out[GP_KEY_MAX], const char *prefix, const char *agency, struct gp_str recipient);
void gp_key_auto_reply(char out[GP_KEY_MAX], const char *prefix, const char *agency, struct gp_str recipient);

#endif
