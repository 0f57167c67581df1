/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * reply.c - a ruling as Postfix reads it: "action=..." and an empty line
 */
#include "policyd/reply.h"

_Static_assert(GP_ACTION_MAX > GP_REPLY_TEXT_MAX + 32, "an action that may not hold its text");

static void refusal(struct gp_buf *b, const struct gp_verdict *v)
{
    const struct gp_reply *reply = gp_reply_of(v->reason);
    char text[GP_REPLY_TEXT_MAX];
    gp_reply_text(v, text);
    for (char *p = text; *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7F)
            *p = ' ';
    }
    gp_buf_printf(b, "%s %s %s", reply->code, reply->enhanced, text);
}

size_t gp_action_write(const struct gp_ruling *ruling, char out[GP_ACTION_MAX])
{
    struct gp_buf b = gp_buf_on(out, GP_ACTION_MAX);
    gp_buf_putz(&b, "action=");
    switch (ruling->decision) {
    case GP_NEUTRAL:
        gp_buf_putz(&b, "DUNNO");
        break;
    case GP_PERMIT:
        gp_buf_putz(&b, "OK");
        break;
    case GP_REFUSE:
        refusal(&b, &ruling->verdict);
        break;
    }
    gp_buf_putz(&b, "\n\n");
    return b.n;
}
