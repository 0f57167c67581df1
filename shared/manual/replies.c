/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * replies.c - the table of replies as items of gatepost-replies(7), by reason id
 */
#include "shared/manual/parts.h"

#include "shared/manual/prose.h"
#include "shared/verdict.h"

#include <stdlib.h>
#include <string.h>

static int by_reason(const void *a, const void *b)
{
    const struct gp_reply *x = gp_reply_of(*(const enum gp_reason *)a), *y = gp_reply_of(*(const enum gp_reason *)b);
    int order = strcmp(x->reason, y->reason);
    if (order == 0)
        order = strcmp(x->code, y->code);
    return order != 0 ? order : strcmp(x->text, y->text);
}

static void put_sentence(FILE *out, const char *what, const char *text, const char *end)
{
    char line[1024];
    struct gp_buf b = gp_buf_on(line, sizeof line);
    gp_buf_printf(&b, "{Em %s}: %s%s", what, text, end);
    fputs(".Pp\n", out);
    gp_prose(out, line);
}

static void put_reply(FILE *out, enum gp_reason reason)
{
    const struct gp_reply *r = gp_reply_of(reason);
    const struct gp_reply_meaning *m = gp_reply_meaning_of(reason);
    struct gp_str text = gp_str_z(r->text);
    size_t hole = gp_str_find(text, '%');
    fprintf(out, ".It Sy %s\n.Li %s %s %.*s%s\n", r->reason, r->code, r->enhanced, (int)hole, r->text,
            hole < text.n ? "reason" : "");
    fputs(".Pp\n", out);
    gp_prose(out, m->means);
    put_sentence(out, "Said by", m->who, ".");
    put_sentence(out, "Administrator", m->administrator, "");
    put_sentence(out, "Submitter", m->submitter, "");
}

void gp_part_replies(FILE *out, enum gp_scope scope)
{
    enum gp_reason reasons[GP_REASON_COUNT];
    size_t n = 0;
    (void)scope;
    for (unsigned i = GP_ACCEPTED + 1; i < GP_REASON_COUNT; i++)
        reasons[n++] = (enum gp_reason)i;
    qsort(reasons, n, sizeof reasons[0], by_reason);
    for (size_t i = 0; i < n; i++)
        put_reply(out, reasons[i]);
}
