/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * keyring.c - reading the file of token keys; a doubtful file gives no key at all, never a weak one
 */
#include "shared/keyring.h"

#include "shared/secret_file.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

/* What is known while one file is read. */
struct reading {
    const char *path;
    struct gp_keyring *ring;
    struct gp_faults *faults;
    bool good, any;
};

static void wrong(struct reading *r, unsigned line, const char *why)
{
    gp_fault(r->faults, r->path, line, "%s", why);
    r->good = false;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool hex_secret(struct gp_str s, uint8_t out[GP_KEY_OCTETS])
{
    if (s.n != 2 * (size_t)GP_KEY_OCTETS)
        return false;
    for (size_t i = 0; i < GP_KEY_OCTETS; i++) {
        int high = hex_digit(s.p[2 * i]), low = hex_digit(s.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static void take_line(struct reading *r, unsigned number, struct gp_str line)
{
    static const uint8_t zero[GP_KEY_OCTETS];
    line = gp_str_trim((struct gp_str){line.p, gp_str_find(line, '#')});
    if (line.n == 0)
        return;
    uint8_t secret[GP_KEY_OCTETS];
    struct gp_str key = {line.p + 1, line.n - 1};
    unsigned id = (unsigned)((unsigned char)line.p[0]) - '0';
    bool blank = key.n > 0 && (key.p[0] == ' ' || key.p[0] == '\t');
    if (id >= GP_KEYS_MAX || !blank || !hex_secret(gp_str_trim(key), secret)) {
        wrong(r, number, "key: not a key, a line would be: an id of 0 to 7, a blank, 64 hexadecimal digits");
    } else if (r->ring->have[id]) {
        wrong(r, number, "key: this id stands in a line before, each key needs an id of its own, 0 to 7");
    } else if (CRYPTO_memcmp(secret, zero, sizeof secret) == 0) {
        wrong(r, number, "key: all digits are zero, that is no secret; take 32 random octets");
    } else {
        if (!r->any)
            r->ring->signer = (uint8_t)id;
        r->any = true;
        r->ring->have[id] = true;
        memcpy(r->ring->secret[id], secret, sizeof secret);
    }
    OPENSSL_cleanse(secret, sizeof secret);
}

bool gp_keyring_load(const char *path, struct gp_keyring *out, struct gp_faults *faults)
{
    struct reading r = {.path = path, .ring = out, .faults = faults, .good = true};
    char text[GP_KEYRING_FILE_MAX];
    struct gp_str rest, line;
    memset(out, 0, sizeof *out);
    ssize_t n = gp_secret_read(path, "key file", "gatepostctl token new-key", text, sizeof text, faults);
    if (n < 0) {
        r.good = false;
        goto out;
    }
    rest = (struct gp_str){text, (size_t)n};
    for (unsigned number = 1; gp_str_split(&rest, '\n', &line); number++)
        take_line(&r, number, line);
    if (r.good && !r.any)
        wrong(&r, 0, "key file: no key in it, a line would be: an id of 0 to 7, a blank, 64 hexadecimal digits");
out:
    OPENSSL_cleanse(text, sizeof text);
    if (!r.good)
        OPENSSL_cleanse(out, sizeof *out);
    return r.good;
}

bool gp_keyring_line(unsigned id, char out[80])
{
    uint8_t secret[GP_KEY_OCTETS];
    struct gp_buf b = gp_buf_on(out, 80);
    if (id >= GP_KEYS_MAX || RAND_bytes(secret, sizeof secret) != 1)
        return false;
    gp_buf_printf(&b, "%u ", id);
    for (size_t i = 0; i < sizeof secret; i++)
        gp_buf_printf(&b, "%02x", secret[i]);
    OPENSSL_cleanse(secret, sizeof secret);
    return !b.full;
}
