/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fault.c - the list of what is wrong with a configuration
 */
#include "shared/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void gp_faults_init(struct gp_faults *f)
{
    *f = (struct gp_faults){0};
}

void gp_faults_free(struct gp_faults *f)
{
    free(f->list);
    gp_faults_init(f);
}

/* A full list drops its newest warning for an error: many warnings must not hide why a file is refused. */
static struct gp_fault *place(struct gp_faults *f, bool warning)
{
    if (f->n == GP_FAULTS_MAX) {
        size_t i = f->n;
        while (i > 0 && !f->list[i - 1].warning)
            i--;
        if (warning || i == 0)
            return NULL;
        memmove(&f->list[i - 1], &f->list[i], (f->n - i) * sizeof *f->list);
        return &f->list[f->n - 1];
    }
    if (f->list == NULL)
        f->list = calloc(GP_FAULTS_MAX, sizeof *f->list);
    return f->list == NULL ? NULL : &f->list[f->n++];
}

__attribute__((format(printf, 5, 0))) static void add(struct gp_faults *f, bool warning, const char *file,
                                                      unsigned line, const char *fmt, va_list args)
{
    f->errors += !warning;
    struct gp_fault *fault = place(f, warning);
    if (fault == NULL)
        return;
    fault->warning = warning;
    int head = line > 0 ? snprintf(fault->text, sizeof fault->text, "%s:%u: ", file, line)
                        : snprintf(fault->text, sizeof fault->text, "%s: ", file);
    if (head >= 0 && (size_t)head < sizeof fault->text)
        vsnprintf(fault->text + head, sizeof fault->text - (size_t)head, fmt, args);
}

void gp_fault(struct gp_faults *f, const char *file, unsigned line, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add(f, false, file, line, fmt, args);
    va_end(args);
}

void gp_warning(struct gp_faults *f, const char *file, unsigned line, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add(f, true, file, line, fmt, args);
    va_end(args);
}
