/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_token.c - foreign bytes as tokens, and as the fields of tokens of ours
 *
 * Nobody without the key makes a token: what was not made here is never valid.
 */
#include "shared/token.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool promise)
{
    if (!promise)
        abort();
}

static struct gp_keyring ring_of_one(void)
{
    struct gp_keyring ring = {.signer = 6};
    ring.have[6] = true;
    for (unsigned i = 0; i < GP_KEY_OCTETS; i++)
        ring.secret[6][i] = (uint8_t)(i * 7 + 1);
    return ring;
}

static void read_foreign(const struct gp_keyring *ring, struct gp_str text)
{
    struct gp_token_short s;
    struct gp_token_sealed t;
    char buf[GP_TOKEN_SEALED_MAX];
    enum gp_token_state state = gp_token_verify(ring, text, GP_STR("b.example.gov"), 20783, &s);
    must(state == GP_TOKEN_MALFORMED || state == GP_TOKEN_FORGED);
    state = gp_token_open(ring, text, buf, &t);
    must(state == GP_TOKEN_MALFORMED || state == GP_TOKEN_FORGED);
}

/* the fields are the parts between the NULs */
static void make_own(const struct gp_keyring *ring, struct gp_str rest)
{
    struct gp_str field[4] = {{NULL, 0}};
    struct gp_token_short s;
    struct gp_token_sealed t;
    char local[GP_TOKEN_SHORT + 1], sealed[GP_TOKEN_SEALED_MAX], buf[GP_TOKEN_SEALED_MAX];
    static const uint8_t id[3] = {7, 8, 9};
    for (size_t i = 0; i < 4 && gp_str_split(&rest, '\0', &field[i]); i++)
        ;
    uint32_t day = (uint32_t)field[0].n * 97;
    enum gp_token_type type = (enum gp_token_type)(field[1].n % 4);
    must(gp_token_sign(ring, type, day, field[0], field[1], id, field[2], local));
    must(strlen(local) == GP_TOKEN_SHORT);
    must(gp_token_verify(ring, gp_str_z(local), field[2], day, &s) == GP_TOKEN_VALID && s.type == type && s.day == day);
    bool fits = field[0].n <= GP_TOKEN_AGENCY_MAX && field[1].n <= GP_TOKEN_RECIPIENT_MAX &&
                field[2].n <= GP_TOKEN_MESSAGE_MAX && field[3].n <= GP_TOKEN_STREAM_MAX;
    must(gp_token_seal(ring, day, field[0], field[1], field[2], field[3], sealed) == fits);
    if (!fits)
        return;
    must(gp_token_open(ring, gp_str_z(sealed), buf, &t) == GP_TOKEN_VALID && t.day == day);
    must(gp_str_eq(t.agency, field[0]) && gp_str_eq(t.recipient, field[1]));
    must(gp_str_eq(t.message, field[2]) && gp_str_eq(t.stream, field[3]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gp_keyring ring = ring_of_one();
    struct gp_str text = {(const char *)data, n};
    read_foreign(&ring, text);
    if (n <= 600) /* so that the day, made of a length, stays before 2149 */
        make_own(&ring, text);
    return 0;
}
