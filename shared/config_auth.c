/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * config_auth.c - the key that Dovecot must show
 */
#include "shared/config_private.h"

#include "shared/secret_file.h"

#include <string.h>

#include <openssl/crypto.h>

#define SECRET_MIN 16

/* It stands in a header: printable, no blank. */
static bool secret_good(struct gp_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    }
    return s.n >= SECRET_MIN && s.n <= GP_AUTH_SECRET_MAX;
}

void gp_config_auth(struct gp_load *l)
{
    struct gp_config *c = l->c;
    char text[GP_AUTH_SECRET_MAX + 2];
    if (c->auth_listen != NULL && c->auth_key == NULL)
        gp_warning(
            l->faults, l->files[0].name, 0,
            "auth_key: missing, given nothing, should be the path of a file with a key: without one every program "
            "on this host can have any address banned");
    if (c->auth_key == NULL)
        return;
    ssize_t n = gp_secret_read(c->auth_key, "auth_key", NULL, text, sizeof text, l->faults);
    if (n < 0)
        goto out;
    struct gp_str secret = gp_str_trim((struct gp_str){text, (size_t)n});
    if (secret_good(secret))
        memcpy(c->auth_secret, secret.p, secret.n);
    else
        gp_fault(l->faults, c->auth_key, 0,
                 "auth_key: not a key, must be one line of 16 to 128 printable characters without blanks");
out:
    OPENSSL_cleanse(text, sizeof text);
}
