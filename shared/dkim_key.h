/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dkim_key.h - a private DKIM key: made, read, proven, and the record that publishes it
 *
 * RFC 6376 (RSA), RFC 8463 (Ed25519). A key file is PEM (PKCS #8, or PKCS #1 for RSA), kept like a secret
 * (secret_file.h). Immutable once loaded; any thread may read it.
 */
#ifndef GP_SHARED_DKIM_KEY_H
#define GP_SHARED_DKIM_KEY_H

#include "shared/fault.h"
#include "shared/str.h"

#define GP_DKIM_PEM_MAX 8192    /* octets of a key file */
#define GP_DKIM_RECORD_MAX 1024 /* octets of the record's text with its NUL: RSA-4096 fits */
#define GP_DKIM_RSA_LEAST 2048  /* bits */
#define GP_DKIM_RSA_MOST 4096
#define GP_DKIM_SELECTOR_MAX 63
#define GP_DKIM_NAME_MAX 253 /* octets of selector._domainkey.domain (RFC 1035 2.3.4, as text without final dot) */

enum gp_dkim_type { GP_DKIM_RSA, GP_DKIM_ED25519 };

/* One configured key. It owns domain, selector and path. */
struct gp_dkim_key {
    char *domain;   /* d=, lower case */
    char *selector; /* s=, lower case */
    char *path;
    const char *file; /* where it stands in the configuration, which owns this name; line: of the entry */
    unsigned line;
    enum gp_dkim_type type;
    bool signs; /* the first of its list with this domain and type; further ones are published only (rotation) */
    struct evp_pkey_st *pkey; /* OpenSSL's EVP_PKEY, parsed once: that takes longer than a signature */
    char record[GP_DKIM_RECORD_MAX]; /* "v=DKIM1; k=rsa; p=..." */
};

/* gp_dkim_type_word - "rsa", "ed25519": k= of the record, --type of gatepostctl dkim new */
const char *gp_dkim_type_word(enum gp_dkim_type type);

/* gp_dkim_key_load - read key->path; fills type, pkey and record
 * Proves it: parses, RSA of GP_DKIM_RSA_LEAST to _MOST bits or Ed25519, and what it signs its public half verifies.
 * The file holds this one key and nothing else; one that is locked by a passphrase is a fault, nobody is asked for it.
 * Returns false with faults that begin "path: key: "; then pkey is NULL. No fault shows any part of a key.
 */
bool gp_dkim_key_load(struct gp_dkim_key *key, struct gp_faults *faults);

/* gp_dkim_key_free - what the struct owns, not the struct */
void gp_dkim_key_free(struct gp_dkim_key *key);

/* gp_dkim_key_make - a new private key as PEM (RSA: 2048 bits); false when OpenSSL fails; the caller cleanses pem */
bool gp_dkim_key_make(enum gp_dkim_type type, char pem[GP_DKIM_PEM_MAX]);

/* gp_dkim_key_zone - the record as one line of a zone file, texts of at most 255 octets each in quotes:
 * gp1._domainkey.dol.gov. IN TXT ( "v=DKIM1; k=rsa; p=..." "..." )
 */
void gp_dkim_key_zone(const struct gp_dkim_key *key, char out[GP_DKIM_RECORD_MAX + 512]);

#endif
