/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dictionary_fixture.h - a dictionary from a text, and the one that is installed
 */
#ifndef GP_T_UNIT_DICTIONARY_FIXTURE_H
#define GP_T_UNIT_DICTIONARY_FIXTURE_H

#include "shared/report/dictionary.h"

#include <stdio.h>
#include <string.h>

#define INSTALLED "feedback/dictionary"

/* dictionary_of - NULL when there are errors; faults may be NULL: then there must be none */
static inline struct gp_dictionary *dictionary_of(const char *text, struct gp_faults *faults)
{
    struct gp_faults none;
    struct gp_dictionary_source file = {"t.dict", "/d/t.dict", gp_str_z(text)};
    gp_faults_init(&none);
    struct gp_dictionary *d = gp_dictionary_read(&file, 1, faults != NULL ? faults : &none);
    assert_int_equal(none.n, 0);
    gp_faults_free(&none);
    return d;
}

/* dictionary_installed - that of the source tree; it must be without a fault */
static inline struct gp_dictionary *dictionary_installed(void)
{
    struct gp_faults faults;
    const char *const folders[] = {INSTALLED};
    gp_faults_init(&faults);
    struct gp_dictionary *d = gp_dictionary_load(folders, 1, &faults);
    for (size_t i = 0; i < faults.n; i++)
        print_error("%s\n", faults.list[i].text);
    assert_int_equal(faults.n, 0);
    assert_non_null(d);
    gp_faults_free(&faults);
    return d;
}

/* said - what a final reply of a host means */
static inline struct gp_meaning said(const struct gp_dictionary *d, const char *host, const char *text)
{
    struct gp_said s = {.text = gp_str_z(text), .provider = gp_str_z(host), .final = true};
    return gp_classify_said(d, &s);
}

#endif
