/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * checked_log.h - the system's log, for one target: nothing is written, and every line is one line of printable ASCII
 */
#ifndef GP_T_FUZZ_CHECKED_LOG_H
#define GP_T_FUZZ_CHECKED_LOG_H

#include "shared/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

static void check_logged(const char *format, va_list ap) __attribute__((format(printf, 1, 0)));

static void check_logged(const char *format, va_list ap)
{
    char text[8192];
    int n = vsnprintf(text, sizeof text, format, ap);
    if (n <= 0 || (size_t)n >= sizeof text)
        abort();
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < ' ' || *p == 0x7f)
            abort();
    }
}

void syslog(int priority, const char *format, ...)
{
    va_list ap;
    (void)priority;
    va_start(ap, format);
    check_logged(format, ap);
    va_end(ap);
}

/* its name where _FORTIFY_SOURCE is on */
void __syslog_chk(int priority, int flag, const char *format, ...) __attribute__((format(printf, 3, 4)));

void __syslog_chk(int priority, int flag, const char *format, ...)
{
    va_list ap;
    (void)priority, (void)flag;
    va_start(ap, format);
    check_logged(format, ap);
    va_end(ap);
}

static inline void checked_log_open(void)
{
    gp_log_open("fuzz", GP_LOG_SYSLOG, GP_LOG_TEXT);
}

#endif
