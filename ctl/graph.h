/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * graph.h - bars in a terminal
 */
#ifndef GP_CTL_GRAPH_H
#define GP_CTL_GRAPH_H

#include "shared/str.h"

#define GP_CTL_BAR_WIDTH 40 /* columns */
#define GP_CTL_BAR_TEXT (GP_CTL_BAR_WIDTH * 3 + 1)

/* gp_ctl_bar - value as a part of greatest: eighths of a column, or whole ones of '#' when ascii; what is not 0 is
 * seen. Pure.
 */
void gp_ctl_bar(uint64_t value, uint64_t greatest, bool ascii, char out[GP_CTL_BAR_TEXT]);

/* gp_ctl_utf8_terminal - does the user's locale say UTF-8? Any thread. */
bool gp_ctl_utf8_terminal(void);

#endif
