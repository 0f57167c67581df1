/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fault.c - the list of what is wrong with a configuration
 */
#include "shared/fault.h"

#include "shared/str.h"

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
    struct gp_buf b = gp_buf_on(fault->text, sizeof fault->text);
    gp_buf_put_escaped(&b, gp_str_z(file));
    if (line > 0)
        gp_buf_printf(&b, ":%u", line);
    gp_buf_putz(&b, ": ");
    vsnprintf(fault->text + b.n, sizeof fault->text - b.n, fmt, args);
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
