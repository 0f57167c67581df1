/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * letter.c - one message of Gatepost's own, as it is sent
 */
#include "feedback/letter.h"

#include "feedback/mail_head.h"

#include <string.h>
#include <time.h>

#define LINE_OCTETS 998 /* RFC 5322 */
#define BASE64_INPUT 54 /* octets of one line of 72 characters */
#define BOUNDARY_MAX 80

bool gp_letter_sendable(struct gp_str s)
{
    size_t line = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\0' || line > LINE_OCTETS)
            return false;
        if (s.p[i] == '\r') {
            if (i + 1 == s.n || s.p[i + 1] != '\n')
                return false;
            i++;
            line = 0;
        } else if (s.p[i] == '\n') {
            return false;
        } else {
            line++;
        }
    }
    return line <= LINE_OCTETS;
}

/* Text with LF line ends, as it goes out. */
static void put_text(struct gp_buf *b, struct gp_str text)
{
    struct gp_str line;
    while (text.n > 0 && gp_str_split(&text, '\n', &line)) {
        gp_buf_put(b, line);
        gp_buf_putz(b, "\r\n");
    }
}

static void put_date(struct gp_buf *b, uint64_t ms)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t s = (time_t)(ms / 1000);
    struct tm tm = {0};
    gmtime_r(&s, &tm);
    gp_buf_printf(b, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
                  tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void put_field(struct gp_buf *b, const char *name, struct gp_str value)
{
    gp_buf_printf(b, "%s: ", name);
    gp_buf_put_escaped(b, value);
    gp_buf_putz(b, "\r\n");
}

/* It cannot stand in the attached message by chance: it holds what only we know of it, and octets of its own. */
static void make_boundary(const struct gp_letter *l, char out[BOUNDARY_MAX])
{
    struct gp_buf b = gp_buf_on(out, BOUNDARY_MAX);
    gp_buf_printf(&b, "gatepost-%016llx-%016llx", (unsigned long long)gp_str_hash(l->message_id),
                  (unsigned long long)gp_str_hash(l->attached));
}

/* Without escapes, which would make another address of a quoted local-part. It holds no control characters. */
static void put_address(struct gp_buf *b, const char *name, struct gp_str mailbox)
{
    gp_buf_printf(b, "%s: ", name);
    gp_buf_put(b, mailbox);
    gp_buf_putz(b, "\r\n");
}

static void put_headers(struct gp_buf *b, const struct gp_letter *l)
{
    gp_buf_printf(b, "From: Gatepost <postmaster@%s>\r\n", l->relay_name);
    put_address(b, "To", l->to);
    if (l->reply_to.n > 0)
        put_address(b, "Reply-To", l->reply_to);
    put_field(b, "Subject", l->subject);
    put_date(b, l->date_ms);
    gp_buf_putz(b, "Message-ID: <");
    gp_buf_put_escaped(b, l->message_id);
    gp_buf_printf(b, "@%s>\r\nAuto-Submitted: auto-generated\r\n" GP_FORWARDED_HEADER ": %s\r\nMIME-Version: 1.0\r\n",
                  l->relay_name, l->relay_name);
}

bool gp_letter_open(const struct gp_letter *l, struct gp_letter_reader *r)
{
    struct gp_buf head = gp_buf_on(r->head_text, sizeof r->head_text),
                  tail = gp_buf_on(r->tail_text, sizeof r->tail_text);
    bool attached = l->attached.p != NULL;
    char boundary[BOUNDARY_MAX];
    r->attached = l->attached;
    r->encode = attached && !gp_letter_sendable(l->attached);
    r->head = r->at = r->tail = 0;
    make_boundary(l, boundary);
    put_headers(&head, l);
    if (attached)
        gp_buf_printf(&head, "Content-Type: multipart/mixed; boundary=\"%s\"\r\n\r\n--%s\r\n", boundary, boundary);
    gp_buf_putz(&head, "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
    put_text(&head, l->body);
    if (attached) {
        gp_buf_printf(&head, "\r\n--%s\r\n", boundary);
        gp_buf_putz(&head, r->encode ? "Content-Type: application/octet-stream; name=\"message.eml\"\r\n"
                                       "Content-Transfer-Encoding: base64\r\n"
                                       "Content-Disposition: attachment; filename=\"message.eml\"\r\n\r\n"
                                     : "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n"
                                       "Content-Disposition: attachment\r\n\r\n");
        gp_buf_printf(&tail, "\r\n--%s--\r\n", boundary);
    }
    r->head_n = head.n;
    r->tail_n = tail.n;
    return !head.full && !tail.full;
}

static size_t copy(const char *text, size_t n, size_t *done, char *out, size_t cap)
{
    size_t left = n - *done, take = left < cap ? left : cap;
    if (take > 0)
        memcpy(out, text + *done, take);
    *done += take;
    return take;
}

/* One line of base64 with its end; 74 octets at most. */
static size_t encode_line(struct gp_letter_reader *r, char *out)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = (const unsigned char *)r->attached.p + r->at;
    size_t left = r->attached.n - r->at, n = left < BASE64_INPUT ? left : BASE64_INPUT, used = 0;
    for (size_t i = 0; i < n; i += 3) {
        unsigned have = n - i > 2 ? 3 : (unsigned)(n - i);
        unsigned v = (unsigned)p[i] << 16 | (have > 1 ? (unsigned)p[i + 1] << 8 : 0) | (have > 2 ? p[i + 2] : 0u);
        for (unsigned k = 0; k < 4; k++)
            out[used++] = k <= have ? digit[v >> (18 - 6 * k) & 63] : '=';
    }
    r->at += n;
    out[used++] = '\r';
    out[used++] = '\n';
    return used;
}

size_t gp_letter_read(struct gp_letter_reader *r, char *out, size_t cap)
{
    size_t n = copy(r->head_text, r->head_n, &r->head, out, cap);
    if (r->encode) {
        while (r->head == r->head_n && r->at < r->attached.n && cap - n >= 76)
            n += encode_line(r, out + n);
        if (r->at < r->attached.n)
            return n;
    } else {
        n += copy(r->attached.p, r->attached.n, &r->at, out + n, cap - n);
    }
    return n + copy(r->tail_text, r->tail_n, &r->tail, out + n, cap - n);
}
