/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * address_scan.h - addresses as they stand in the middle of text (pure; any thread)
 */
#ifndef GP_REPORT_ADDRESS_SCAN_H
#define GP_REPORT_ADDRESS_SCAN_H

#include "shared/str.h"

/* gp_address_scan - the first address of text at or after from: its place and length, without brackets
 * The domain may be one word ("root@localhost"). False when there is none.
 */
bool gp_address_scan(struct gp_str text, size_t from, size_t *at, size_t *len);

/* gp_address_only - the address in text: in brackets if there are any, else the first; "" when there is none */
struct gp_str gp_address_only(struct gp_str text);

/* gp_address_field - of Final-Recipient and its like: "rfc822; <a@b>", "rfc/822;a@b", "a@b (x)"; "" when it is none */
struct gp_str gp_address_field(struct gp_str value);

#endif
