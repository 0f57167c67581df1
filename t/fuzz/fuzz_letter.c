/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_letter.c - a stranger's message that is sent on, under a stranger's subject: what leaves is lines that SMTP can
 * carry, the same in any pieces, and holds the message octet for octet
 *
 * Input: an octet that says how it is read, then subject, reader and message with a NUL behind the first two.
 */
#include "feedback/letter.h"

#include "shared/address.h"
#include "shared/verdict.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool promise)
{
    if (!promise)
        abort();
}

/* All of it, read in pieces of cap octets; free() it. */
static struct gp_str whole(const struct gp_letter *l, size_t cap)
{
    static struct gp_letter_reader reader;
    size_t room = 2 * l->attached.n + 2 * GP_LETTER_HEAD_MAX, n = 0, got;
    char *text = malloc(room + cap);
    must(text != NULL && gp_letter_open(l, &reader));
    while ((got = gp_letter_read(&reader, text + n, cap)) > 0) {
        must(got <= cap);
        n += got;
        must(n <= room);
    }
    return (struct gp_str){text, n};
}

static int digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    return at == NULL ? -1 : (int)(at - digits);
}

/* Is it base64 of these octets? */
static void check_base64(struct gp_str text, struct gp_str octets)
{
    unsigned bits = 0, value = 0;
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        int d = digit(text.p[i]);
        must(d >= 0 || text.p[i] == '\r' || text.p[i] == '\n' || text.p[i] == '=');
        if (d < 0)
            continue;
        value = (value << 6 | (unsigned)d) & 0xffffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            must(n < octets.n && (unsigned char)octets.p[n] == (value >> bits & 0xff));
            n++;
        }
    }
    must(n == octets.n);
}

static void check_attached(struct gp_str letter, struct gp_str octets)
{
    static const char opens[] = "\r\nContent-Disposition: attachment", blank[] = "\r\n\r\n", closes[] = "\r\n--";
    const char *end = letter.p + letter.n, *at = memmem(letter.p, letter.n, opens, sizeof opens - 1);
    must(at != NULL && (at = memmem(at, (size_t)(end - at), blank, sizeof blank - 1)) != NULL);
    at += sizeof blank - 1;
    for (end -= sizeof closes - 1; end > at && memcmp(end, closes, sizeof closes - 1) != 0;)
        end--;
    must(end >= at);
    struct gp_str part = {at, (size_t)(end - at)};
    if (gp_letter_sendable(octets))
        must(gp_str_eq(part, octets));
    else
        check_base64(part, octets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gp_str field[2] = {{NULL, 0}}, rest = {(const char *)data + 1, n > 0 ? n - 1 : 0};
    struct gp_mailbox mailbox;
    if (n == 0)
        return 0;
    for (size_t i = 0; i < 2 && rest.p != NULL; i++)
        gp_str_split(&rest, '\0', &field[i]);
    const struct gp_verdict subject = gp_verdict_of(GP_BLOCKED, field[0]); /* as it is kept */
    struct gp_letter l = {.relay_name = "relay.example.gov",
                          .to = GP_STR("chief@hq.example.gov"),
                          .message_id = GP_STR("forward.1"),
                          .subject = gp_str_z(subject.detail),
                          .body = GP_STR("A message came.\n\nIt is attached.\n"),
                          .date_ms = (uint64_t)data[0] << 33};
    if (gp_mailbox_parse(field[1], false, &mailbox) == NULL)
        l.reply_to = field[1];
    if (rest.p != NULL)
        l.attached = rest;
    struct gp_str once = whole(&l, 65536), again = whole(&l, 76u + data[0]);
    must(gp_str_eq(once, again));
    must(gp_letter_sendable(once) && once.n > 2 && once.p[once.n - 1] == '\n');
    if (l.attached.p != NULL)
        check_attached(once, l.attached);
    free((void *)once.p);
    free((void *)again.p);
    return 0;
}
