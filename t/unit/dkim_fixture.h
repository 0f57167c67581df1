/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dkim_fixture.h - keys of both types, and libopendkim as a verifier that finds their public halves in a file
 */
#ifndef GP_T_UNIT_DKIM_FIXTURE_H
#define GP_T_UNIT_DKIM_FIXTURE_H

#include "shared/dkim_key.h"
#include "t/unit/scratch.h"

#include <opendkim/dkim.h>

enum { DKIM_RSA, DKIM_ED25519, DKIM_KEYS };

struct dkim_fixture {
    struct scratch scratch;
    struct gp_dkim_key key[DKIM_KEYS]; /* both of dol.gov, selectors "rsa" and "ed" */
    DKIM_LIB *verifier;
};

static inline bool dkim_fixture_key(struct dkim_fixture *f, int i, enum gp_dkim_type type, const char *selector)
{
    char pem[GP_DKIM_PEM_MAX], path[512];
    struct gp_faults faults;
    scratch_path(&f->scratch, selector, path);
    f->key[i] = (struct gp_dkim_key){
        .domain = strdup("dol.gov"), .selector = strdup(selector), .path = strdup(path), .signs = true};
    gp_faults_init(&faults);
    bool good = gp_dkim_key_make(type, pem) && scratch_secret(&f->scratch, selector, gp_str_z(pem)) &&
                gp_dkim_key_load(&f->key[i], &faults);
    gp_faults_free(&faults);
    return good;
}

static inline bool dkim_fixture_open(struct dkim_fixture *f)
{
    char path[512], text[3 * GP_DKIM_RECORD_MAX];
    dkim_query_t method = DKIM_QUERY_FILE;
    unsigned flags = DKIM_LIBFLAGS_BADSIGHANDLES; /* a malformed signature is no reason to look at none */
    memset(f, 0, sizeof *f);
    if (!scratch_open(&f->scratch) || !dkim_fixture_key(f, DKIM_RSA, GP_DKIM_RSA, "rsa") ||
        !dkim_fixture_key(f, DKIM_ED25519, GP_DKIM_ED25519, "ed"))
        return false;
    snprintf(text, sizeof text, "rsa._domainkey.dol.gov %s\ned._domainkey.dol.gov %s\n", f->key[DKIM_RSA].record,
             f->key[DKIM_ED25519].record);
    scratch_path(&f->scratch, "records", path);
    f->verifier = dkim_init(NULL, NULL);
    return scratch_write(&f->scratch, "records", gp_str_z(text)) && f->verifier != NULL &&
           dkim_options(f->verifier, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof flags) == DKIM_STAT_OK &&
           dkim_options(f->verifier, DKIM_OP_SETOPT, DKIM_OPTS_QUERYMETHOD, &method, sizeof method) == DKIM_STAT_OK &&
           dkim_options(f->verifier, DKIM_OP_SETOPT, DKIM_OPTS_QUERYINFO, path, strlen(path) + 1) == DKIM_STAT_OK;
}

static inline void dkim_fixture_close(struct dkim_fixture *f)
{
    for (int i = 0; i < DKIM_KEYS; i++)
        gp_dkim_key_free(&f->key[i]);
    if (f->verifier != NULL)
        dkim_close(f->verifier);
    scratch_close(&f->scratch);
}

/* dkim_fixture_verify - how many signatures of a whole message (with CRLF) pass; *all, if wanted: how many it has */
static inline size_t dkim_fixture_verify(const struct dkim_fixture *f, struct gp_str message, size_t *all)
{
    DKIM_STAT status;
    DKIM_SIGINFO **signature = NULL;
    int n = 0;
    size_t passed = 0;
    DKIM *handle = dkim_verify(f->verifier, (const unsigned char *)"message", NULL, &status);
    unsigned char *copy = handle != NULL ? malloc(message.n + 1) : NULL;
    if (copy != NULL) {
        memcpy(copy, message.p, message.n);
        dkim_chunk(handle, copy, message.n);
        dkim_chunk(handle, NULL, 0);
        dkim_eom(handle, NULL);
        dkim_getsiglist(handle, &signature, &n);
    }
    for (int i = 0; i < n; i++) {
        dkim_sig_process(handle, signature[i]);
        passed += DKIM_SIG_CHECK(signature[i]) && dkim_sig_geterror(signature[i]) == DKIM_SIGERROR_OK;
    }
    if (handle != NULL)
        dkim_free(handle);
    free(copy);
    if (all != NULL)
        *all = (size_t)n;
    return passed;
}

#endif
