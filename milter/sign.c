/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * sign.c - the only place that knows libopendkim
 *
 * It takes keys as PEM and parses them for each message, and its handles share nothing: each hashes the body again.
 * It declares what it only reads as unsigned char *, hence the casts.
 */
#include "milter/sign.h"

#include "milter/covered.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <opendkim/dkim.h>

#define LAST 2 /* octets: a body ends with CRLF */

struct gp_signer {
    DKIM_LIB *library;
    size_t memory;
    _Atomic size_t held; /* by libopendkim, for all signings */
};

struct one {
    const struct gp_dkim_key *key;
    DKIM *handle; /* NULL: it failed, or is done */
    char *text;   /* the signature */
};

struct gp_signing {
    struct gp_signer *signer;
    size_t held;  /* of signer->held */
    bool starved; /* an allocation failed; libopendkim does not always say so */
    size_t n;
    struct one one[GP_SIGNERS_MAX];
    char why[GP_SIGNING_WHY_MAX];
    char *line; /* room for "Name:value" */
    size_t line_cap;
    bool any_body;
    unsigned char last[LAST]; /* octets of the body */
};

/* --- what libopendkim allocates ----------------------------------------------------------------------------------- */

/* closure: the signing; NULL for what belongs to the library as a whole */
static void *allocate(void *closure, size_t n)
{
    struct gp_signing *s = closure;
    if (s == NULL)
        return malloc(n);
    size_t held = atomic_load(&s->signer->held);
    void *p = n <= s->signer->memory && held <= s->signer->memory - n ? malloc(n) : NULL;
    if (p == NULL) {
        s->starved = true;
        return NULL;
    }
    size_t real = malloc_usable_size(p);
    s->held += real;
    atomic_fetch_add(&s->signer->held, real);
    return p;
}

static void release(void *closure, void *p)
{
    struct gp_signing *s = closure;
    if (s != NULL && p != NULL) {
        size_t real = malloc_usable_size(p);
        real = real < s->held ? real : s->held;
        s->held -= real;
        atomic_fetch_sub(&s->signer->held, real);
    }
    free(p);
}

struct gp_signer *gp_signer_new(struct gp_signer_options options)
{
    struct gp_signer *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->memory = options.memory > 0 ? options.memory : GP_SIGNER_MEMORY_MAX;
    s->library = dkim_init(allocate, release);
    void *once_more = (void *)gp_covered_once_more();
    bool good = s->library != NULL && dkim_libfeature(s->library, DKIM_FEATURE_ED25519) &&
                dkim_libfeature(s->library, DKIM_FEATURE_SHA256) &&
                dkim_options(s->library, DKIM_OP_SETOPT, DKIM_OPTS_OVERSIGNHDRS, once_more, sizeof(u_char **)) ==
                    DKIM_STAT_OK &&
                (options.time_s == 0 || dkim_options(s->library, DKIM_OP_SETOPT, DKIM_OPTS_FIXEDTIME, &options.time_s,
                                                     sizeof options.time_s) == DKIM_STAT_OK);
    if (good)
        return s;
    gp_signer_free(s);
    return NULL;
}

void gp_signer_free(struct gp_signer *s)
{
    if (s == NULL)
        return;
    if (s->library != NULL)
        dkim_close(s->library);
    free(s);
}

/* --- one message -------------------------------------------------------------------------------------------------- */

static void fail(struct gp_signing *s, struct one *one, const char *why)
{
    if (s->why[0] == '\0') {
        struct gp_buf b = gp_buf_on(s->why, sizeof s->why);
        gp_buf_printf(&b, "%s/%s: ", one->key->domain, one->key->selector);
        gp_buf_put_escaped(&b, gp_str_z(why));
    }
    if (one->handle != NULL)
        dkim_free(one->handle);
    one->handle = NULL;
}

/* Ends this signature unless all is well with it. */
static void check(struct gp_signing *s, struct one *one, DKIM_STAT status)
{
    const char *why = one->handle != NULL ? dkim_geterror(one->handle) : NULL;
    if (s->starved)
        fail(s, one, "no memory");
    else if (status != DKIM_STAT_OK)
        fail(s, one, why != NULL && why[0] != '\0' ? why : dkim_getresultstr(status));
    s->starved = false;
}

struct gp_signing *gp_signing_begin(struct gp_signer *signer, const struct gp_dkim_key *const *keys, size_t n)
{
    static const unsigned char id[] = "message";
    struct gp_signing *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->signer = signer;
    s->n = n;
    for (size_t i = 0; i < n; i++) {
        DKIM_STAT status = DKIM_STAT_NORESOURCE;
        struct one *one = &s->one[i];
        one->key = keys[i];
        dkim_alg_t algorithm = keys[i]->type == GP_DKIM_RSA ? DKIM_SIGN_RSASHA256 : DKIM_SIGN_ED25519SHA256;
        one->handle = dkim_sign(signer->library, id, s, (dkim_sigkey_t)keys[i]->pem,
                                (const unsigned char *)keys[i]->selector, (const unsigned char *)keys[i]->domain,
                                DKIM_CANON_RELAXED, DKIM_CANON_RELAXED, algorithm, -1, &status);
        check(s, one, status);
    }
    return s;
}

/* "Name:value" in s->line; false: no memory */
static bool put_line(struct gp_signing *s, struct gp_str name, struct gp_str value)
{
    size_t n = name.n + 1 + value.n;
    if (n > s->line_cap) {
        char *more = realloc(s->line, n);
        if (more == NULL)
            return false;
        s->line = more;
        s->line_cap = n;
    }
    memcpy(s->line, name.p, name.n);
    s->line[name.n] = ':';
    if (value.n > 0)
        memcpy(s->line + name.n + 1, value.p, value.n);
    return true;
}

void gp_signing_header(struct gp_signing *s, struct gp_str name, struct gp_str value)
{
    bool room = put_line(s, name, value);
    for (size_t i = 0; i < s->n; i++) {
        struct one *one = &s->one[i];
        if (one->handle != NULL && !room)
            fail(s, one, "no memory");
        else if (one->handle != NULL)
            check(s, one, dkim_header(one->handle, (unsigned char *)s->line, name.n + 1 + value.n));
    }
}

void gp_signing_headers_end(struct gp_signing *s)
{
    for (size_t i = 0; i < s->n; i++) {
        if (s->one[i].handle != NULL)
            check(s, &s->one[i], dkim_eoh(s->one[i].handle));
    }
}

void gp_signing_body(struct gp_signing *s, const unsigned char *octets, size_t n)
{
    if (n == 0)
        return;
    for (size_t i = 0; i < s->n; i++) {
        if (s->one[i].handle != NULL)
            check(s, &s->one[i], dkim_body(s->one[i].handle, (unsigned char *)octets, n));
    }
    s->any_body = true;
    s->last[0] = n >= LAST ? octets[n - LAST] : s->last[1];
    s->last[1] = octets[n - 1];
}

/* The signature as a header's value: without the CR of its folds. */
static char *text_of(DKIM *handle)
{
    const size_t name = sizeof "DKIM-Signature: " - 1;
    unsigned char *header = NULL;
    size_t n = 0, used = 0;
    if (dkim_getsighdr_d(handle, name, &header, &n) != DKIM_STAT_OK)
        return NULL;
    char *text = malloc(n + 2);
    if (text == NULL)
        return NULL;
    text[used++] = ' ';
    for (size_t i = 0; i < n && header[i] != '\0'; i++) {
        if (header[i] != '\r')
            text[used++] = (char)header[i];
    }
    text[used] = '\0';
    return text;
}

static void finish(struct gp_signing *s, struct one *one)
{
    check(s, one, dkim_eom(one->handle, NULL));
    if (one->handle == NULL)
        return;
    one->text = text_of(one->handle);
    if (one->text == NULL || s->starved) {
        free(one->text);
        one->text = NULL;
        s->starved = true;
        check(s, one, DKIM_STAT_OK);
        return;
    }
    dkim_free(one->handle);
    one->handle = NULL;
}

size_t gp_signing_finish(struct gp_signing *s)
{
    static const unsigned char crlf[] = {'\r', '\n'};
    size_t made = 0;
    if (s->any_body && memcmp(s->last, crlf, LAST) != 0)
        gp_signing_body(s, crlf, LAST);
    for (size_t i = 0; i < s->n; i++) {
        if (s->one[i].handle != NULL)
            finish(s, &s->one[i]);
        made += s->one[i].text != NULL;
    }
    return made;
}

const char *gp_signing_text(const struct gp_signing *s, size_t i)
{
    return s->one[i].text;
}

const char *gp_signing_why(const struct gp_signing *s)
{
    return s->why;
}

void gp_signing_free(struct gp_signing *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n; i++) {
        if (s->one[i].handle != NULL)
            dkim_free(s->one[i].handle);
        free(s->one[i].text);
    }
    atomic_fetch_sub(&s->signer->held, s->held);
    free(s->line);
    free(s);
}
