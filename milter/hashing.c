/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * hashing.c - libopendkim as a verifier that never finds a key
 *
 * It declares what it only reads as unsigned char *, hence the casts.
 */
#include "milter/hashing.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <opendkim/dkim.h>

struct gp_hasher {
    DKIM_LIB *library;
    size_t memory;
    _Atomic size_t held; /* by libopendkim, for all hashings */
};

struct gp_hashing {
    struct gp_hasher *hasher;
    DKIM *handle;    /* NULL: it took too much memory */
    size_t held;     /* of hasher->held */
    bool starved;    /* no more memory for this one */
    DKIM_STAT state; /* the first that was not DKIM_STAT_OK */
};

/* closure: the hashing; NULL for what belongs to the library as a whole
 * libopendkim does not bear to get nothing, so what is too much is given too, and then taken back as a whole: see step.
 */
static void *allocate(void *closure, size_t n)
{
    struct gp_hashing *h = closure;
    void *p = malloc(n);
    if (h == NULL || p == NULL)
        return p;
    size_t real = malloc_usable_size(p);
    h->held += real;
    if (atomic_fetch_add(&h->hasher->held, real) + real > h->hasher->memory)
        h->starved = true;
    return p;
}

static void release(void *closure, void *p)
{
    struct gp_hashing *h = closure;
    if (h != NULL && p != NULL) {
        size_t real = malloc_usable_size(p);
        real = real < h->held ? real : h->held;
        h->held -= real;
        atomic_fetch_sub(&h->hasher->held, real);
    }
    free(p);
}

static DKIM_CBSTAT no_key(DKIM *handle, DKIM_SIGINFO *signature, unsigned char *buf, size_t cap)
{
    (void)handle, (void)signature, (void)buf, (void)cap;
    return DKIM_CBSTAT_NOTFOUND;
}

struct gp_hasher *gp_hasher_new(size_t memory)
{
    /* Keys are not looked up before the body's end, and a From header that is odd is no reason to give up. */
    unsigned flags = DKIM_LIBFLAGS_DELAYSIGPROC | DKIM_LIBFLAGS_BADSIGHANDLES;
    struct gp_hasher *h = calloc(1, sizeof *h);
    if (h == NULL)
        return NULL;
    h->memory = memory;
    h->library = dkim_init(allocate, release);
    if (h->library != NULL &&
        dkim_options(h->library, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof flags) == DKIM_STAT_OK &&
        dkim_set_key_lookup(h->library, no_key) == DKIM_STAT_OK)
        return h;
    gp_hasher_free(h);
    return NULL;
}

void gp_hasher_free(struct gp_hasher *h)
{
    if (h == NULL)
        return;
    if (h->library != NULL)
        dkim_close(h->library);
    free(h);
}

/* Once anything has failed, libopendkim is not called again but to free. */
static bool goes_on(const struct gp_hashing *h)
{
    return h->handle != NULL && h->state == DKIM_STAT_OK;
}

static void step(struct gp_hashing *h, DKIM_STAT state)
{
    h->state = state;
    if (h->starved) {
        dkim_free(h->handle);
        h->handle = NULL;
    }
}

struct gp_hashing *gp_hashing_begin(struct gp_hasher *hasher, struct gp_str signature)
{
    static const unsigned char id[] = "message";
    struct gp_hashing *h = calloc(1, sizeof *h);
    if (h == NULL)
        return NULL;
    h->hasher = hasher;
    h->handle = dkim_verify(hasher->library, id, h, &h->state);
    if (h->handle == NULL) {
        gp_hashing_free(h);
        return NULL;
    }
    gp_hashing_header(h, signature);
    return h;
}

void gp_hashing_header(struct gp_hashing *h, struct gp_str line)
{
    if (goes_on(h))
        step(h, dkim_header(h->handle, (unsigned char *)line.p, line.n));
}

void gp_hashing_headers_end(struct gp_hashing *h)
{
    if (goes_on(h))
        step(h, dkim_eoh(h->handle));
}

void gp_hashing_body(struct gp_hashing *h, const unsigned char *octets, size_t n)
{
    if (goes_on(h) && n > 0)
        step(h, dkim_body(h->handle, (unsigned char *)octets, n));
}

const char *gp_hashing_finish(struct gp_hashing *h, uint8_t headers[GP_HASH_OCTETS], uint8_t body[GP_HASH_OCTETS])
{
    DKIM_SIGINFO **signature = NULL;
    int n = 0;
    void *hashes[2] = {NULL, NULL};
    size_t lengths[2] = {0, 0};
    if (goes_on(h)) {
        dkim_eom(h->handle, NULL); /* finds no key */
        step(h, DKIM_STAT_OK);
    }
    if (h->handle == NULL)
        return "no memory";
    if (h->state == DKIM_STAT_OK)
        h->state = dkim_getsiglist(h->handle, &signature, &n);
    if (h->state != DKIM_STAT_OK) {
        const char *why = dkim_geterror(h->handle);
        return why != NULL && why[0] != '\0' ? why : dkim_getresultstr(h->state);
    }
    /* With any other error there are no hashes, and asking for them ends the process. */
    if (n != 1 || dkim_sig_geterror(signature[0]) != DKIM_SIGERROR_NOKEY)
        return n == 1 ? dkim_sig_geterrorstr(dkim_sig_geterror(signature[0])) : "no signature";
    h->state = dkim_sig_gethashes(signature[0], &hashes[0], &lengths[0], &hashes[1], &lengths[1]);
    if (h->state != DKIM_STAT_OK || lengths[0] != GP_HASH_OCTETS || lengths[1] != GP_HASH_OCTETS)
        return "no hashes";
    memcpy(headers, hashes[0], GP_HASH_OCTETS);
    memcpy(body, hashes[1], GP_HASH_OCTETS);
    return NULL;
}

void gp_hashing_free(struct gp_hashing *h)
{
    if (h == NULL)
        return;
    if (h->handle != NULL)
        dkim_free(h->handle);
    atomic_fetch_sub(&h->hasher->held, h->held); /* should libopendkim have lost some */
    free(h);
}
