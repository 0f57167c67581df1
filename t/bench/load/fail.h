/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fail.h - a measurement that cannot be trusted ends at once
 */
#ifndef GP_T_BENCH_LOAD_FAIL_H
#define GP_T_BENCH_LOAD_FAIL_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* load_fail - says what, and detail if it is not NULL, and ends the program with status 1 */
_Noreturn static inline void load_fail(const char *what, const char *detail)
{
    fprintf(stderr, "%s: %s%s%s\n", program_invocation_short_name, what, detail != NULL ? ": " : "",
            detail != NULL ? detail : "");
    exit(1);
}

#endif
