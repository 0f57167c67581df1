/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * keyring.h - the secret keys that tokens are made of
 *
 * File: one key a line, "<id 0-7> <64 hexadecimal digits>", '#' starts a comment. The first line signs, every line
 * verifies. Immutable once loaded; any thread may read it.
 */
#ifndef GP_SHARED_KEYRING_H
#define GP_SHARED_KEYRING_H

#include "shared/fault.h"
#include "shared/str.h"

#define GP_KEYS_MAX 8
#define GP_KEY_OCTETS 32
#define GP_KEYRING_FILE_MAX 8192 /* octets of the file, comments included */

struct gp_keyring {
    bool have[GP_KEYS_MAX];
    uint8_t secret[GP_KEYS_MAX][GP_KEY_OCTETS];
    uint8_t signer; /* id of the key that signs */
};

/* gp_keyring_load - read and check the file
 * Faults (with file and line): not readable, not a plain file, too long, open to others or writable by the group, no
 * key, bad line, same id twice, all-zero key. No fault shows any part of a key.
 * Returns false when it added an error; then *out has no key.
 */
bool gp_keyring_load(const char *path, struct gp_keyring *out, struct gp_faults *faults);

/* gp_keyring_line - a new random key as a line for the file, without line end
 * Returns false, and an empty line, when the id is not 0..7 or the system has no randomness.
 */
bool gp_keyring_line(unsigned id, char out[80]);

#endif
