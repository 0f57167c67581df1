/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * reply.h - a ruling as Postfix reads it: "action=..." and an empty line (pure; any thread)
 */
#ifndef GP_POLICYD_REPLY_H
#define GP_POLICYD_REPLY_H

#include "policyd/connection.h"
#include "policyd/rules.h"

/* gp_action_write - "action=DUNNO", "action=OK" or "action=<code> <enhanced> <text>", each with its empty line
 * A refusal always has a text (Postfix would put an earlier one there), and the text never holds a control
 * character: nothing can end the line early. Returns the octets written, without the NUL.
 */
size_t gp_action_write(const struct gp_ruling *ruling, char out[GP_ACTION_MAX]);

#endif
