/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fault.c - tests of the list of faults
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/fault.h"

#include <stdlib.h>
#include <string.h>

static void form(void **state)
{
    (void)state;
    struct gp_faults f;
    gp_faults_init(&f);
    gp_fault(&f, "a.conf", 7, "key: wrong, given %d", 5);
    gp_warning(&f, "b.conf", 0, "key: odd");
    assert_int_equal(f.n, 2);
    assert_int_equal(f.errors, 1);
    assert_false(f.list[0].warning);
    assert_string_equal(f.list[0].text, "a.conf:7: key: wrong, given 5");
    assert_true(f.list[1].warning);
    assert_string_equal(f.list[1].text, "b.conf: key: odd");
    gp_fault(&f, "c\n\"\xc3\xbc\".conf", 3, "key: odd");
    assert_string_equal(f.list[2].text, "c\\x0a\\\"\\xc3\\xbc\\\".conf:3: key: odd");
    gp_faults_free(&f);
    assert_int_equal(f.n, 0);
    assert_int_equal(f.errors, 0);
    assert_null(f.list);
}

static void long_text_is_cut(void **state)
{
    (void)state;
    char file[2 * GP_FAULT_TEXT_MAX];
    struct gp_faults f;
    gp_faults_init(&f);
    memset(file, 'x', sizeof file - 1);
    file[sizeof file - 1] = '\0';
    gp_fault(&f, file, 1, "key: %s", file);
    gp_fault(&f, "a.conf", 1, "key: %s", file);
    assert_int_equal(strlen(f.list[0].text), GP_FAULT_TEXT_MAX - 1);
    assert_int_equal(strlen(f.list[1].text), GP_FAULT_TEXT_MAX - 1);
    gp_faults_free(&f);
}

static void more_than_are_kept(void **state)
{
    (void)state;
    struct gp_faults f;
    gp_faults_init(&f);
    for (unsigned i = 1; i <= GP_FAULTS_MAX + 5; i++)
        gp_fault(&f, "a.conf", i, "x");
    assert_int_equal(f.n, GP_FAULTS_MAX);
    assert_int_equal(f.errors, GP_FAULTS_MAX + 5);
    assert_string_equal(f.list[GP_FAULTS_MAX - 1].text, "a.conf:200: x");
    gp_faults_free(&f);
}

static void an_error_displaces_a_warning(void **state)
{
    (void)state;
    struct gp_faults f;
    gp_faults_init(&f);
    gp_fault(&f, "a.conf", 1, "first");
    for (unsigned i = 2; i <= GP_FAULTS_MAX + 5; i++)
        gp_warning(&f, "a.conf", i, "warning");
    gp_fault(&f, "a.conf", 900, "second");
    gp_fault(&f, "a.conf", 901, "third");
    assert_int_equal(f.n, GP_FAULTS_MAX);
    assert_int_equal(f.errors, 3);
    assert_string_equal(f.list[0].text, "a.conf:1: first");
    assert_string_equal(f.list[GP_FAULTS_MAX - 2].text, "a.conf:900: second");
    assert_string_equal(f.list[GP_FAULTS_MAX - 1].text, "a.conf:901: third");
    assert_string_equal(f.list[GP_FAULTS_MAX - 3].text, "a.conf:198: warning");
    gp_faults_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(form),
        cmocka_unit_test(long_text_is_cut),
        cmocka_unit_test(more_than_are_kept),
        cmocka_unit_test(an_error_displaces_a_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
