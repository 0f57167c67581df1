/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fault.h - what is wrong with a configuration, all of it in one run
 *
 * One thread at a time per list.
 */
#ifndef GP_SHARED_FAULT_H
#define GP_SHARED_FAULT_H

#include <stdbool.h>
#include <stddef.h>

#define GP_FAULTS_MAX 200 /* further ones are counted, not kept */
#define GP_FAULT_TEXT_MAX 512

struct gp_fault {
    bool warning; /* worth saying, no reason to refuse */
    char text[GP_FAULT_TEXT_MAX]; /* "file:line: key: what is wrong, what was given, what would be right" */
};

struct gp_faults {
    size_t n;      /* kept */
    size_t errors; /* all errors, also those not kept */
    struct gp_fault *list;
};

void gp_faults_init(struct gp_faults *f);
void gp_faults_free(struct gp_faults *f);

/* gp_fault - add an error; line 0 leaves the line out. Foreign text in the arguments behind fmt must be escaped by the
 * caller; file may be any name.
 */
void gp_fault(struct gp_faults *f, const char *file, unsigned line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void gp_warning(struct gp_faults *f, const char *file, unsigned line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
