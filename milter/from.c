/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * from.c - every address of every From header against the agency's domains
 *
 * GMime skips what it does not understand; a mail client may well show it. So a parser's warning is a refusal.
 */
#include "milter/from.h"

#include <string.h>

#include <gmime/gmime.h>

void gp_from_start(void)
{
    g_mime_init();
}

static void note_warning(gint64 offset, GMimeParserWarning code, const gchar *item, gpointer understood)
{
    (void)offset;
    (void)item;
    if (code == GMIME_WARN_INVALID_ADDRESS_LIST)
        *(bool *)understood = false;
}

static bool address_permitted(const char *address, const struct gp_agency *agency)
{
    const char *at = address != NULL ? strrchr(address, '@') : NULL;
    return at != NULL && at != address && at[1] != '\0' && gp_agency_may_send(agency, gp_str_z(at + 1));
}

/* GMime knows a domain by its U-labels and by its A-labels; the configuration may have either. */
static bool mailbox_permitted(InternetAddressMailbox *mailbox, const struct gp_agency *agency)
{
    return address_permitted(internet_address_mailbox_get_addr(mailbox), agency) ||
           address_permitted(internet_address_mailbox_get_idn_addr(mailbox), agency);
}

/* Adds to *mailboxes what it found; false at the first address that is not permitted. */
static bool list_permitted(InternetAddressList *list, const struct gp_agency *agency, unsigned depth,
                           unsigned *mailboxes)
{
    int n = internet_address_list_length(list);
    if (depth > GP_FROM_DEPTH_MAX)
        return false;
    for (int i = 0; i < n; i++) {
        InternetAddress *a = internet_address_list_get_address(list, i);
        if (INTERNET_ADDRESS_IS_GROUP(a)) {
            InternetAddressList *members = internet_address_group_get_members(INTERNET_ADDRESS_GROUP(a));
            if (members != NULL && !list_permitted(members, agency, depth + 1, mailboxes))
                return false;
        } else if (!INTERNET_ADDRESS_IS_MAILBOX(a) || !mailbox_permitted(INTERNET_ADDRESS_MAILBOX(a), agency)) {
            return false;
        } else {
            (*mailboxes)++;
        }
    }
    return true;
}

/* What must not even reach the parser: a NUL (it would hide the rest), deep nesting, an empty address <>. */
static bool is_parsable(struct gp_str value)
{
    size_t colons = 0;
    bool opened = false;
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c == '\0' || (c == ':' && ++colons > GP_FROM_COLONS_MAX) || (c == '>' && opened))
            return false;
        opened = c == '<' || (opened && (c == ' ' || c == '\t'));
    }
    return value.n > 0 && value.n < GP_HEADERS_FROM_MAX;
}

static bool value_permitted(struct gp_str value, const struct gp_agency *agency)
{
    char text[GP_HEADERS_FROM_MAX];
    bool understood = true;
    unsigned mailboxes = 0;
    if (!is_parsable(value))
        return false;
    memcpy(text, value.p, value.n);
    text[value.n] = '\0';
    GMimeParserOptions *options = g_mime_parser_options_new();
    g_mime_parser_options_set_warning_callback(options, note_warning, &understood);
    InternetAddressList *list = internet_address_list_parse(options, text);
    bool permitted = understood && list != NULL && list_permitted(list, agency, 0, &mailboxes) && mailboxes > 0;
    if (list != NULL)
        g_object_unref(list);
    g_mime_parser_options_free(options);
    return permitted;
}

bool gp_from_permitted(const struct gp_headers *h, const struct gp_agency *agency)
{
    struct gp_str rest = {h->from_text, h->from_n}, value;
    if (h->from == 0 || h->from_cut)
        return false;
    while (rest.n > 0 && gp_str_split(&rest, '\n', &value)) {
        if (!value_permitted(value, agency))
            return false;
    }
    return true;
}
