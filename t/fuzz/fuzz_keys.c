/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_keys.c - any octets as a ring of token keys or a DKIM key: taken whole or not at all, and no fault shows a part
 * of them
 *
 * The first octet chooses which of the two the rest is.
 */
#include "shared/dkim_key.h"
#include "shared/keyring.h"
#include "t/unit/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define SHOWN_MOST 12 /* octets of a key that stand in a text by chance at most */

static void must(bool promise)
{
    if (!promise)
        abort();
}

static struct scratch scratch;
static char path[512];

static void clean(void)
{
    scratch_close(&scratch);
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static void check_faults(const struct gp_faults *faults)
{
    for (size_t i = 0; i < faults->n; i++) {
        const char *p = faults->list[i].text;
        size_t digits = 0;
        must(*p != '\0');
        for (; *p != '\0'; p++) {
            must(*p >= ' ' && *p < 0x7f);
            digits = is_hex(*p) ? digits + 1 : 0;
            must(digits < SHOWN_MOST);
        }
    }
}

static void ring(struct gp_faults *faults)
{
    static const struct gp_keyring nothing;
    static const uint8_t zero[GP_KEY_OCTETS];
    struct gp_keyring r;
    if (!gp_keyring_load(path, &r, faults)) {
        must(memcmp(&r, &nothing, sizeof r) == 0 && faults->errors > 0);
        return;
    }
    must(faults->errors == 0 && r.signer < GP_KEYS_MAX && r.have[r.signer]);
    for (size_t i = 0; i < GP_KEYS_MAX; i++)
        must(r.have[i] == (memcmp(r.secret[i], zero, sizeof zero) != 0));
}

static void dkim(struct gp_faults *faults)
{
    static char domain[] = "dol.gov", selector[] = "gp1";
    static char line[GP_DKIM_RECORD_MAX + 512];
    struct gp_dkim_key key = {.domain = domain, .selector = selector, .path = path};
    if (!gp_dkim_key_load(&key, faults)) {
        must(key.pkey == NULL && faults->errors > 0);
        return;
    }
    must(faults->errors == 0 && key.pkey != NULL);
    must(gp_str_starts_nocase(gp_str_z(key.record), GP_STR("v=DKIM1; k=")) && strpbrk(key.record, "\"\n\\") == NULL);
    must(strstr(key.record, gp_dkim_type_word(key.type)) != NULL);
    gp_dkim_key_zone(&key, line);
    must(strlen(line) + 1 < sizeof line && strchr(line, '\n') == NULL);
    key.path = key.domain = key.selector = NULL; /* ours */
    gp_dkim_key_free(&key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gp_faults faults;
    if (n == 0)
        return 0;
    if (scratch.folder[0] == '\0') {
        must(scratch_open(&scratch));
        atexit(clean);
        scratch_path(&scratch, "key", path);
    }
    FILE *f = fopen(path, "w");
    must(f != NULL && fwrite(data + 1, 1, n - 1, f) == n - 1 && fclose(f) == 0 && chmod(path, 0600) == 0);
    gp_faults_init(&faults);
    if ((data[0] & 1) == 0)
        ring(&faults);
    else
        dkim(&faults);
    check_faults(&faults);
    gp_faults_free(&faults);
    return 0;
}
