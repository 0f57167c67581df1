/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * sign_fixture.h - a signer, and messages that go through it with both keys; include after cmocka.h
 */
#ifndef GP_T_UNIT_SIGN_FIXTURE_H
#define GP_T_UNIT_SIGN_FIXTURE_H

#include "milter/sign.h"
#include "t/unit/dkim_fixture.h"

static struct dkim_fixture dkim;
static struct gp_signer *signer;
static const struct gp_dkim_key *both[DKIM_KEYS];

static inline int sign_setup(void **state)
{
    (void)state;
    if (!dkim_fixture_open(&dkim))
        return -1;
    both[DKIM_RSA] = &dkim.key[DKIM_RSA];
    both[DKIM_ED25519] = &dkim.key[DKIM_ED25519];
    signer = gp_signer_new((struct gp_signer_options){0});
    return signer != NULL ? 0 : -1;
}

static inline int sign_teardown(void **state)
{
    (void)state;
    gp_signer_free(signer);
    dkim_fixture_close(&dkim);
    return 0;
}

/* --- a message: headers as they leave, "Name: value" and CRLF each, and the body ---------------------------------- */

#define PLAIN                                                                                                          \
    "From: Jane <a@dol.gov>\r\nTo: x@example.org\r\nSubject: hello\r\nDate: Sat, 21 Nov 2026 09:28:33 +0000\r\n"       \
    "Message-ID: <1@dol.gov>\r\nList-Unsubscribe: <https://mail.example.gov/u/1>,\r\n\t<mailto:u@b.example.gov>\r\n"   \
    "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"

/* The next header of lines, its folds included, without the CRLF at its end. */
static inline bool next_header(struct gp_str *lines, struct gp_str *name, struct gp_str *value)
{
    size_t end = 0;
    if (lines->n == 0)
        return false;
    do {
        end += gp_str_find((struct gp_str){lines->p + end, lines->n - end}, '\n') + 1;
    } while (end < lines->n && (lines->p[end] == ' ' || lines->p[end] == '\t'));
    *name = (struct gp_str){lines->p, gp_str_find(*lines, ':')};
    *value = (struct gp_str){lines->p + name->n + 1, end - name->n - 3};
    *lines = (struct gp_str){lines->p + end, lines->n - end};
    return true;
}

static inline void show_headers(struct gp_signing *s, struct gp_str lines)
{
    struct gp_str name, value;
    while (next_header(&lines, &name, &value))
        gp_signing_header(s, name, value);
    gp_signing_headers_end(s);
}

static inline void show_body(struct gp_signing *s, struct gp_str body, size_t chunk)
{
    for (size_t at = 0; at < body.n; at += chunk)
        gp_signing_body(s, (const unsigned char *)body.p + at, body.n - at < chunk ? body.n - at : chunk);
}

static inline struct gp_signing *begin(struct gp_signer *with, struct gp_str headers, struct gp_str body, size_t chunk)
{
    struct gp_signing *s = gp_signing_begin(with, both, DKIM_KEYS);
    assert_non_null(s);
    show_headers(s, headers);
    show_body(s, body, chunk);
    return s;
}

/* The message with its signatures on top, as the mail server sends it; the caller frees out->p. */
static inline void whole(const struct gp_signing *s, struct gp_str headers, struct gp_str body, struct gp_buf *out)
{
    size_t cap = headers.n + body.n + 65536;
    char *text = malloc(cap);
    assert_non_null(text);
    *out = gp_buf_on(text, cap);
    for (size_t i = 0; i < DKIM_KEYS; i++) {
        struct gp_str rest = gp_str_z(gp_signing_text(s, i)), line;
        if (rest.n == 0)
            continue;
        gp_buf_putz(out, "DKIM-Signature:");
        while (gp_str_split(&rest, '\n', &line)) {
            gp_buf_put(out, line);
            gp_buf_putz(out, "\r\n");
        }
    }
    gp_buf_put(out, headers);
    gp_buf_putz(out, "\r\n");
    gp_buf_put(out, body);
    if (body.n > 0 && (body.n < 2 || memcmp(body.p + body.n - 2, "\r\n", 2) != 0))
        gp_buf_putz(out, "\r\n"); /* SMTP has no other end */
    assert_false(out->full);
}

static inline void sign_whole(struct gp_str headers, struct gp_str body, size_t chunk, struct gp_buf *out)
{
    struct gp_signing *s = begin(signer, headers, body, chunk);
    assert_int_equal(gp_signing_finish(s), DKIM_KEYS);
    assert_string_equal(gp_signing_why(s), "");
    whole(s, headers, body, out);
    gp_signing_free(s);
}

static inline void expect_passed(const char *name, struct gp_str message, size_t passed)
{
    size_t all, real = dkim_fixture_verify(&dkim, message, &all);
    if (real != passed || all != DKIM_KEYS)
        fail_msg("%s: %zu of %zu signatures pass", name, real, all);
}

#endif
