/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_limit.c - a limit's text: what is refused changes nothing, what is taken writes and reads back to itself
 *
 * The first octet chooses the limit, the rest is its text.
 */
#include "shared/limit.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void texts_of(const struct gp_limits *limits, char out[GP_LIMIT_COUNT][GP_LIMIT_TEXT_MAX])
{
    for (unsigned i = 0; i < GP_LIMIT_COUNT; i++) {
        gp_limit_text(limits, (enum gp_limit_name)i, out[i]);
        if (strlen(out[i]) == 0 || strlen(out[i]) >= GP_LIMIT_TEXT_MAX - 1)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        return 0;
    char before[GP_LIMIT_COUNT][GP_LIMIT_TEXT_MAX], after[GP_LIMIT_COUNT][GP_LIMIT_TEXT_MAX];
    char again[GP_LIMIT_COUNT][GP_LIMIT_TEXT_MAX];
    enum gp_limit_name name = (enum gp_limit_name)(data[0] % GP_LIMIT_COUNT);
    struct gp_limits limits = gp_limits_default;
    texts_of(&limits, before);
    const char *why = gp_limit_set(&limits, name, (struct gp_str){(const char *)data + 1, n - 1});
    texts_of(&limits, after);
    for (unsigned i = 0; i < GP_LIMIT_COUNT; i++) {
        if ((why != NULL || i != name) && strcmp(before[i], after[i]) != 0)
            abort();
    }
    if (gp_limit_set(&limits, name, gp_str_z(after[name])) != NULL)
        abort();
    texts_of(&limits, again);
    if (strcmp(after[name], again[name]) != 0)
        abort();
    return 0;
}
