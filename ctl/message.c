/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * message.c - what a message in a file says of itself
 */
#include "ctl/message.h"

#include "ctl/output.h"
#include "shared/taglist.h"

#include <errno.h>
#include <fcntl.h>
#include <gmime/gmime.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEPTH_MAX 4   /* groups in groups: RFC 5322 has one level */
#define COLONS_MAX 64 /* of one From header */
#define FROM_MAX 8192 /* octets of it */

/* --- the file ----------------------------------------------------------------------------------------------------- */

/* Where the headers end: at the empty line, or n when there is none. */
static size_t headers_end(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\n' && i + 1 < n && (p[i + 1] == '\n' || (p[i + 1] == '\r' && i + 2 < n && p[i + 2] == '\n')))
            return i + 1;
    }
    return n;
}

/* Reads until the headers are whole. Returns their octets, or 0 (told). */
static size_t read_headers(int fd, const char *shown, char *room)
{
    size_t n = 0;
    while (n < GP_CTL_MESSAGE_MAX) {
        ssize_t got = read(fd, room + n, GP_CTL_MESSAGE_MAX - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            gp_ctl_error("cannot read %s: %s", shown, strerror(errno));
            return 0;
        }
        if (got == 0)
            break;
        size_t before = n > 2 ? n - 2 : 0;
        n += (size_t)got;
        size_t end = before + headers_end(room + before, n - before);
        if (end < n)
            return end;
    }
    if (n == GP_CTL_MESSAGE_MAX)
        gp_ctl_error("%s: its headers are longer than 1 MiB", shown);
    else if (n == 0)
        gp_ctl_error("%s: there is no message in it", shown);
    return n < GP_CTL_MESSAGE_MAX ? n : 0;
}

bool gp_ctl_message_read(const char *path, struct gp_ctl_message *out)
{
    char shown[1100];
    struct gp_buf b = gp_buf_on(shown, sizeof shown);
    bool input = strcmp(path, "-") == 0, good = false;
    char *room = malloc(GP_CTL_MESSAGE_MAX);
    int fd = input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    gp_ctl_put_clean(&b, input ? GP_STR("standard input") : gp_str_z(path));
    if (fd < 0 || room == NULL) {
        gp_ctl_error("cannot read %s: %s", shown, strerror(errno));
        goto out;
    }
    size_t n = read_headers(fd, shown, room);
    good = n > 0 && memchr(room, '\0', n) == NULL;
    if (n > 0 && !good)
        gp_ctl_error("%s: a NUL stands in its headers", shown);
    if (good)
        gp_ctl_message_parse(room, n, out);
out:
    if (fd >= 0 && !input)
        close(fd);
    free(room);
    return good;
}

/* --- the headers -------------------------------------------------------------------------------------------------- */

static void note_warning(gint64 offset, GMimeParserWarning code, const gchar *item, gpointer understood)
{
    (void)offset;
    (void)item;
    if (code == GMIME_WARN_INVALID_ADDRESS_LIST)
        *(bool *)understood = false;
}

/* Does every address have the same domain? domain: "" before the first. */
static bool same_domain(InternetAddressList *list, char domain[GP_DOMAIN_MAX + 1], unsigned depth)
{
    int n = internet_address_list_length(list);
    for (int i = 0; i < n && depth <= DEPTH_MAX; i++) {
        InternetAddress *a = internet_address_list_get_address(list, i);
        char ascii[GP_DOMAIN_MAX + 1];
        if (INTERNET_ADDRESS_IS_GROUP(a)) {
            InternetAddressList *members = internet_address_group_get_members(INTERNET_ADDRESS_GROUP(a));
            if (members != NULL && !same_domain(members, domain, depth + 1))
                return false;
            continue;
        }
        const char *text = internet_address_mailbox_get_idn_addr(INTERNET_ADDRESS_MAILBOX(a));
        if (!gp_domain_ascii(gp_address_domain(gp_str_z(text)), ascii))
            return false;
        if (domain[0] == '\0')
            memcpy(domain, ascii, sizeof ascii);
        if (strcmp(domain, ascii) != 0)
            return false;
    }
    return depth <= DEPTH_MAX;
}

/* Unfolded. Without the bounds a header could drive GMime's recursion as deep as it likes. */
static bool from_text(struct gp_str value, char text[FROM_MAX])
{
    size_t colons = 0;
    struct gp_buf b = gp_buf_on(text, FROM_MAX);
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        colons += c == ':';
        gp_buf_put(&b, c == '\r' || c == '\n' ? GP_STR(" ") : (struct gp_str){&value.p[i], 1});
    }
    return !b.full && colons <= COLONS_MAX;
}

static void read_from(struct gp_str value, char domain[GP_DOMAIN_MAX + 1])
{
    char text[FROM_MAX];
    bool understood = true;
    if (!from_text(value, text))
        return;
    GMimeParserOptions *options = g_mime_parser_options_new();
    g_mime_parser_options_set_warning_callback(options, note_warning, &understood);
    InternetAddressList *list = internet_address_list_parse(options, text);
    if (list == NULL || !same_domain(list, domain, 0) || !understood)
        domain[0] = '\0';
    if (list != NULL)
        g_object_unref(list);
    g_mime_parser_options_free(options);
}

static void read_domain(struct gp_str list, char out[GP_DOMAIN_MAX + 1])
{
    struct gp_str value;
    if (!gp_tag_find(list, GP_STR("d"), &value) || !gp_domain_ascii(value, out))
        out[0] = '\0';
}

/* Labels, of digits only too. */
static void read_selector(struct gp_str list, char out[GP_DOMAIN_MAX + 1])
{
    const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789.-_";
    struct gp_buf b = gp_buf_on(out, GP_DOMAIN_MAX + 1);
    struct gp_str value;
    if (gp_tag_find(list, GP_STR("s"), &value))
        gp_buf_put_lower(&b, value);
    if (b.full || strspn(out, plain) != b.n)
        out[0] = '\0';
}

static void read_return_path(struct gp_str value, char out[GP_DOMAIN_MAX + 1])
{
    value = gp_str_trim(value);
    if (value.n >= 2 && value.p[0] == '<' && value.p[value.n - 1] == '>')
        value = (struct gp_str){value.p + 1, value.n - 2};
    if (!gp_domain_ascii(gp_address_domain(value), out))
        out[0] = '\0';
}

static void note_header(struct gp_ctl_message *m, struct gp_str name, struct gp_str value)
{
    if (gp_str_eq_nocase(name, GP_STR("From"))) {
        if (m->from_headers++ == 0)
            read_from(value, m->from);
    } else if (gp_str_eq_nocase(name, GP_STR("Return-Path")) && !m->returned) {
        m->returned = true;
        read_return_path(value, m->return_path);
    } else if (gp_str_eq_nocase(name, GP_STR("X-Gatepost-Source"))) {
        struct gp_buf source = gp_buf_on(m->source, sizeof m->source);
        gp_buf_put(&source, gp_str_trim(value));
    } else if (gp_str_eq_nocase(name, GP_STR("DKIM-Signature"))) {
        if (m->signatures < GP_CTL_SIGNATURES_MAX) {
            struct gp_ctl_signature *s = &m->signature[m->signatures];
            read_domain(value, s->domain);
            read_selector(value, s->selector);
        }
        m->signatures++;
    }
}

/* One header with its folded lines off *rest; false when there is none. */
static bool next_header(struct gp_str *rest, struct gp_str *header)
{
    size_t n = 0;
    if (rest->n == 0)
        return false;
    do {
        struct gp_str line = {rest->p + n, rest->n - n};
        size_t end = gp_str_find(line, '\n');
        n += end < line.n ? end + 1 : end;
    } while (n < rest->n && (rest->p[n] == ' ' || rest->p[n] == '\t'));
    *header = (struct gp_str){rest->p, n};
    *rest = (struct gp_str){rest->p + n, rest->n - n};
    return true;
}

void gp_ctl_message_parse(const char *headers, size_t n, struct gp_ctl_message *out)
{
    struct gp_str rest = {headers, n}, header;
    *out = (struct gp_ctl_message){0};
    g_mime_init();
    while (next_header(&rest, &header)) {
        size_t colon = gp_str_find(header, ':');
        struct gp_str name = gp_str_trim((struct gp_str){header.p, colon});
        if (colon < header.n && gp_str_find(name, ' ') == name.n) /* not mbox's "From a@x Mon Jan 1 00:00" */
            note_header(out, name, (struct gp_str){header.p + colon + 1, header.n - colon - 1});
    }
    if (out->from_headers != 1)
        out->from[0] = '\0';
}
