/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * apply.c - a plan of edits is carried out
 */
#include "milter/apply.h"

#include "shared/log.h"

/* libmilter declares its strings as char *, but writes to none of them: the casts are safe. */
static bool apply_edit(SMFICTX *ctx, const struct gp_edit *edit)
{
    char *name = (char *)edit->name, *value = (char *)edit->value;
    switch (edit->kind) {
    case GP_EDIT_SENDER:
        return smfi_chgfrom(ctx, name, value) == MI_SUCCESS;
    case GP_EDIT_DELETE:
        for (unsigned number = edit->last; number >= edit->first; number--) {
            if (smfi_chgheader(ctx, name, (int)number, NULL) != MI_SUCCESS)
                return false;
        }
        return true;
    case GP_EDIT_ADD:
        return smfi_addheader(ctx, name, value) == MI_SUCCESS;
    case GP_EDIT_INSERT:
        return smfi_insheader(ctx, 0, name, value) == MI_SUCCESS;
    }
    return false;
}

bool gp_apply(SMFICTX *ctx, const struct gp_plan *plan)
{
    for (size_t i = 0; i < plan->n; i++) {
        if (!apply_edit(ctx, &plan->edit[i])) {
            gp_log(GP_ERROR, "edit", "edit %zu of %zu (%s) was not taken", i + 1, plan->n, plan->edit[i].name);
            return false;
        }
    }
    return true;
}
