/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * category.c - tests of the names and letters of categories
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/report/category.h"

#include <string.h>

static void every_name_leads_back(void **state)
{
    (void)state;
    char letters[GP_CATEGORY_COUNT + 1] = "";
    for (int i = 0; i < GP_CATEGORY_COUNT; i++) {
        enum gp_category c = GP_CATEGORY_COUNT;
        assert_true(gp_category_parse(gp_str_z(gp_category_name((enum gp_category)i)), &c));
        assert_int_equal(c, i);
        char letter = gp_category_letter((enum gp_category)i);
        assert_null(strchr(letters, letter));
        letters[i] = letter;
    }
    assert_string_equal(letters, "HSMPRCAFBDUN");
}

static void what_is_none(void **state)
{
    (void)state;
    enum gp_category c = GP_CATEGORY_RATE;
    assert_false(gp_category_parse(GP_STR(""), &c));
    assert_false(gp_category_parse(GP_STR("Hard-bounce"), &c));
    assert_false(gp_category_parse(GP_STR("hard-bounces"), &c));
    assert_int_equal(c, GP_CATEGORY_RATE);
    assert_string_equal(gp_category_name(GP_CATEGORY_COUNT), "unknown");
    assert_int_equal(gp_category_letter(GP_CATEGORY_COUNT), 'U');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_leads_back),
        cmocka_unit_test(what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
