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

/* What is asked of every address: may this agency write in its name, or: have all of them one domain, and which? */
struct question {
    const struct gp_agency *agency; /* NULL: the latter */
    char *domain;                   /* of the addresses so far; "" before the first */
};

static bool same_domain(const struct question *q, struct gp_str domain)
{
    char ascii[GP_DOMAIN_MAX + 1];
    if (!gp_domain_ascii(domain, ascii))
        return false;
    if (q->domain[0] == '\0')
        memcpy(q->domain, ascii, strlen(ascii) + 1);
    return strcmp(q->domain, ascii) == 0;
}

static bool address_permitted(struct gp_str address, const struct question *q)
{
    size_t at = address.n;
    while (at > 0 && address.p[at - 1] != '@')
        at--;
    struct gp_str domain = {address.p + at, address.n - at};
    if (at <= 1 || !gp_domain_valid(domain, true))
        return false;
    return q->agency != NULL ? gp_agency_may_send(q->agency, domain) : same_domain(q, domain);
}

/* GMime knows a domain by its U-labels and by its A-labels; the configuration may have either. */
static bool mailbox_permitted(InternetAddressMailbox *mailbox, const struct question *q)
{
    return address_permitted(gp_str_z(internet_address_mailbox_get_addr(mailbox)), q) ||
           address_permitted(gp_str_z(internet_address_mailbox_get_idn_addr(mailbox)), q);
}

/* Adds to *mailboxes what it found; false at the first address that is not permitted. */
static bool list_permitted(InternetAddressList *list, const struct question *q, unsigned depth, unsigned *mailboxes)
{
    int n = internet_address_list_length(list);
    if (depth > GP_FROM_DEPTH_MAX)
        return false;
    for (int i = 0; i < n; i++) {
        InternetAddress *a = internet_address_list_get_address(list, i);
        if (INTERNET_ADDRESS_IS_GROUP(a)) {
            InternetAddressList *members = internet_address_group_get_members(INTERNET_ADDRESS_GROUP(a));
            if (members != NULL && !list_permitted(members, q, depth + 1, mailboxes))
                return false;
        } else if (!INTERNET_ADDRESS_IS_MAILBOX(a) || !mailbox_permitted(INTERNET_ADDRESS_MAILBOX(a), q)) {
            return false;
        } else {
            (*mailboxes)++;
        }
    }
    return true;
}

/* What of one address stands outside quotes and comments. */
struct shape {
    size_t start;    /* of the address in the value */
    bool at;         /* an @ before any < */
    bool angle;      /* there was a < */
    bool just_angle; /* nothing came after it yet */
    bool just_at;    /* the same of an @, wherever it stands */
};

/* "boss@elsewhere <a@ours>" is its first half to some parsers. A name that is an address must be permitted itself. For
 * DMARC it is the mailbox that counts.
 */
static bool name_permitted(struct gp_str name, const struct question *q)
{
    name = gp_str_trim(name);
    if (q->agency == NULL)
        return true;
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == ' ' || name.p[i] == '\t' || name.p[i] == '"' || name.p[i] == '(')
            return false;
    }
    return address_permitted(name, q);
}

static bool shape_note(struct shape *s, struct gp_str value, size_t i, const struct question *q)
{
    char c = value.p[i];
    if (c == ',' || c == ';' || c == ':') {
        *s = (struct shape){.start = i + 1};
        return true;
    }
    if (c == '<') {
        struct gp_str name = {value.p + s->start, i - s->start};
        if (s->angle || (s->at && !name_permitted(name, q)))
            return false;
    }
    if ((c == '>' && s->just_angle) || (c == '[' && s->just_at))
        return false;
    s->at = s->at || (c == '@' && !s->angle);
    s->angle = s->angle || c == '<';
    if (c != ' ' && c != '\t') {
        s->just_angle = c == '<';
        s->just_at = c == '@';
    }
    return true;
}

/* What must not even reach the parser: a NUL (it would hide the rest), deep nesting, odd shapes, address literals and
 * quotes or comments left open: nobody's here anyway, and GMime 3.2 loses memory over "a@[x](".
 */
static bool is_parsable(struct gp_str value, const struct question *q)
{
    struct shape shape = {.start = 0};
    size_t colons = 0, comments = 0;
    bool quoted = false;
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c == '\0' || (c == ':' && ++colons > GP_FROM_COLONS_MAX))
            return false;
        if (c == '\\' && (quoted || comments > 0)) {
            if (++i < value.n && value.p[i] == '\0')
                return false;
        } else if (c == '"' && comments == 0) {
            quoted = !quoted;
        } else if (!quoted && c == '(') {
            comments++;
        } else if (!quoted && c == ')' && comments > 0) {
            comments--;
        } else if (!quoted && comments == 0 && !shape_note(&shape, value, i, q)) {
            return false;
        }
    }
    return !quoted && comments == 0 && value.n > 0 && value.n < GP_HEADERS_FROM_MAX;
}

static bool value_permitted(struct gp_str value, const struct question *q)
{
    char text[GP_HEADERS_FROM_MAX];
    bool understood = true;
    unsigned mailboxes = 0;
    if (!is_parsable(value, q))
        return false;
    memcpy(text, value.p, value.n);
    text[value.n] = '\0';
    GMimeParserOptions *options = g_mime_parser_options_new();
    g_mime_parser_options_set_warning_callback(options, note_warning, &understood);
    InternetAddressList *list = internet_address_list_parse(options, text);
    bool permitted = understood && list != NULL && list_permitted(list, q, 0, &mailboxes) && mailboxes > 0;
    if (list != NULL)
        g_object_unref(list);
    g_mime_parser_options_free(options);
    return permitted;
}

static bool all_permitted(const struct gp_headers *h, const struct question *q)
{
    struct gp_str rest = {h->from_text, h->from_n}, value;
    if (h->from == 0 || h->from_cut)
        return false;
    while (rest.n > 0 && gp_str_split(&rest, '\n', &value)) {
        if (!value_permitted(value, q))
            return false;
    }
    return true;
}

bool gp_from_permitted(const struct gp_headers *h, const struct gp_agency *agency)
{
    const struct question q = {agency, NULL};
    return all_permitted(h, &q);
}

void gp_from_domain(const struct gp_headers *h, char out[GP_DOMAIN_MAX + 1])
{
    const struct question q = {NULL, out};
    out[0] = '\0';
    if (h->from != 1 || !all_permitted(h, &q))
        out[0] = '\0';
}
