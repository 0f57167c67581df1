/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_config.c - any two files: refused with a reason that is safe to show, or loaded and consistent
 *
 * The input is gatepost.conf, a line of three hyphens, and a file of agencies.d. In both "$K" stands for the path of a
 * key ring, "$P" for that of a DKIM key.
 */
#include "shared/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* libconfig 1.5 itself loses a token's buffer after some syntax errors. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig.so";
}

static struct {
    char folder[64], top[96], agencies[96], agency[96], keys[96], pem[96];
} at;

static void write_file(const char *path, struct gp_str text)
{
    FILE *f = fopen(path, "w");
    if (f == NULL)
        abort();
    for (size_t i = 0; i < text.n; i++) {
        char name = i + 1 < text.n && text.p[i] == '$' ? text.p[i + 1] : '\0';
        if (name == 'K' || name == 'P') {
            fputs(name == 'K' ? at.keys : at.pem, f);
            i++;
        } else {
            fputc(text.p[i], f);
        }
    }
    fclose(f);
}

static void clean(void)
{
    unlink(at.top);
    unlink(at.agency);
    unlink(at.keys);
    unlink(at.pem);
    rmdir(at.agencies);
    rmdir(at.folder);
}

static void prepare(void)
{
    snprintf(at.folder, sizeof at.folder, "/tmp/gatepost-fuzz-XXXXXX");
    if (mkdtemp(at.folder) == NULL)
        abort();
    snprintf(at.top, sizeof at.top, "%s/gatepost.conf", at.folder);
    snprintf(at.agencies, sizeof at.agencies, "%s/agencies.d", at.folder);
    snprintf(at.agency, sizeof at.agency, "%s/agencies.d/a.conf", at.folder);
    snprintf(at.keys, sizeof at.keys, "%s/keys", at.folder);
    mkdir(at.agencies, 0700);
    write_file(at.keys, GP_STR("1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"));
    chmod(at.keys, 0600);
    snprintf(at.pem, sizeof at.pem, "%s/pem", at.folder);
    write_file(at.pem, GP_STR("-----BEGIN PRIVATE KEY-----\n"
                              "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
                              "-----END PRIVATE KEY-----\n"));
    chmod(at.pem, 0600);
    atexit(clean);
}

static void check_faults(const struct gp_faults *faults)
{
    for (size_t i = 0; i < faults->n; i++) {
        const char *p = faults->list[i].text;
        if (*p == '\0')
            abort();
        for (; *p != '\0'; p++) {
            if (*p < ' ' || *p > '~')
                abort();
        }
    }
}

/* A window admits its address as itself from its first moment to its last, and nobody there before or after has its
 * place. */
static void check_test(const struct gp_config *c, const struct gp_agency *a, const struct gp_test_window *w)
{
    if (gp_config_by_address(c, &w->address) != NULL || gp_config_lists(c, &w->address) != a || w->messages == 0 ||
        gp_config_admits(c, &w->address, w->from.ms) != &w->acting ||
        gp_config_admits(c, &w->address, w->until.ms - 1) != &w->acting ||
        gp_config_admits(c, &w->address, w->from.ms - 1) == &w->acting ||
        gp_config_admits(c, &w->address, w->until.ms) == &w->acting)
        abort();
}

/* Whoever signs was proven, signs by one key of each type for a domain, and not for a From that is not below it. */
static void check_signers(const struct gp_config *c, const struct gp_agency *a, const char *from)
{
    const struct gp_dkim_key *by[GP_SIGNERS_MAX];
    size_t n = gp_config_signers(c, a, gp_str_z(from), by);
    if (n > GP_SIGNERS_MAX || (n == 0 && c->dkim_n > 0))
        abort();
    for (size_t i = 0; i < n; i++) {
        bool relays = by[i] >= c->dkim && by[i] < c->dkim + c->dkim_n;
        size_t domain = strlen(by[i]->domain), whole = strlen(from);
        if (by[i]->pkey == NULL || !by[i]->signs || by[i]->record[0] == '\0')
            abort();
        if (!relays && (whole < domain || strcasecmp(from + whole - domain, by[i]->domain) != 0))
            abort();
        for (size_t k = 0; k < i; k++) {
            if (by[k]->type == by[i]->type && strcmp(by[k]->domain, by[i]->domain) == 0 &&
                strcmp(by[k]->selector, by[i]->selector) == 0)
                abort();
        }
    }
}

static void check_config(const struct gp_config *c)
{
    if (c->relay_name == NULL || c->return_path == NULL || c->counters_prefix == NULL || c->policy_listen == NULL)
        abort();
    for (size_t i = 0; i < c->agencies_n; i++) {
        const struct gp_agency *a = &c->agency[i];
        if (gp_config_by_name(c, gp_str_z(a->name)) != a || a->sender_domains.n == 0 ||
            a->limits.message_size > c->message_size_ceiling)
            abort();
        for (size_t j = 0; j < a->addresses; j++) {
            if (gp_config_by_address(c, &a->address[j].ip) != a)
                abort();
        }
        for (size_t j = 0; j < a->logins.n; j++) {
            if (gp_config_by_login(c, gp_str_z(a->logins.v[j])) != a)
                abort();
        }
        for (size_t j = 0; j < a->sender_domains.n; j++)
            check_signers(c, a, a->sender_domains.v[j]);
        check_signers(c, a, "");
        for (size_t j = 0; j < a->tests; j++)
            check_test(c, a, &a->test[j]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gp_str all = {(const char *)data, n};
    const char *cut = n > 0 ? memmem(data, n, "---\n", 4) : NULL;
    size_t first = cut != NULL ? (size_t)(cut - all.p) : n;
    struct gp_faults faults;
    if (at.folder[0] == '\0')
        prepare();
    write_file(at.top, (struct gp_str){all.p, first});
    write_file(at.agency, cut != NULL ? (struct gp_str){cut + 4, n - first - 4} : (struct gp_str){0});
    gp_faults_init(&faults);
    struct gp_config *c = gp_config_load(at.top, &faults);
    if ((c == NULL) != (faults.errors > 0))
        abort();
    check_faults(&faults);
    if (c != NULL)
        check_config(c);
    gp_config_free(c);
    gp_faults_free(&faults);
    return 0;
}
