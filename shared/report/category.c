/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * category.c - names and letters of categories
 */
#include "shared/report/category.h"

static const struct {
    const char *name;
    char letter;
} categories[] = {
#define GP_X(id, name, letter) [GP_CATEGORY_##id] = {name, letter},
    GP_CATEGORIES(GP_X)
#undef GP_X
};

const char *gp_category_name(enum gp_category c)
{
    return c < GP_CATEGORY_COUNT ? categories[c].name : "unknown";
}

char gp_category_letter(enum gp_category c)
{
    return c < GP_CATEGORY_COUNT ? categories[c].letter : 'U';
}

bool gp_category_parse(struct gp_str name, enum gp_category *out)
{
    for (size_t i = 0; i < GP_CATEGORY_COUNT; i++) {
        if (gp_str_eq(name, gp_str_z(categories[i].name))) {
            *out = (enum gp_category)i;
            return true;
        }
    }
    return false;
}

bool gp_category_of_letter(struct gp_str letter, enum gp_category *out)
{
    for (size_t i = 0; i < GP_CATEGORY_COUNT; i++) {
        if (gp_str_eq(letter, (struct gp_str){&categories[i].letter, 1})) {
            *out = (enum gp_category)i;
            return true;
        }
    }
    return false;
}
