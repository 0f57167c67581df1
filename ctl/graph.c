/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * graph.c - bars in a terminal
 */
#include "ctl/graph.h"

#include <langinfo.h>
#include <locale.h>

void gp_ctl_bar(uint64_t value, uint64_t greatest, bool ascii, char out[GP_CTL_BAR_TEXT])
{
    static const char *const part[] = {"",
                                       "\xe2\x96\x8f",
                                       "\xe2\x96\x8e",
                                       "\xe2\x96\x8d",
                                       "\xe2\x96\x8c",
                                       "\xe2\x96\x8b",
                                       "\xe2\x96\x8a",
                                       "\xe2\x96\x89"};
    struct gp_buf b = gp_buf_on(out, GP_CTL_BAR_TEXT);
    double share = greatest == 0 ? 0.0 : (double)(value < greatest ? value : greatest) / (double)greatest;
    unsigned eighths = (unsigned)(share * GP_CTL_BAR_WIDTH * 8 + 0.5);
    if (value > 0 && eighths == 0)
        eighths = 1;
    if (ascii)
        eighths = (eighths + 7) / 8 * 8;
    for (unsigned i = 0; i < eighths / 8; i++)
        gp_buf_putz(&b, ascii ? "#" : "\xe2\x96\x88");
    gp_buf_putz(&b, part[eighths % 8]);
}

bool gp_ctl_utf8_terminal(void)
{
    locale_t l = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    if (l == (locale_t)0)
        return false;
    bool utf8 = gp_str_eq_nocase(gp_str_z(nl_langinfo_l(CODESET, l)), GP_STR("UTF-8"));
    freelocale(l);
    return utf8;
}
