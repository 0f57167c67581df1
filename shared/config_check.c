/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * config_check.c - what can be judged only when everything is read
 */
#include "shared/config_private.h"

#include "shared/address.h"
#include "shared/token.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SRS_ROOM 50 /* octets of an address that forwarders with SRS still take */

void gp_claim(const struct gp_spot *at, enum gp_claim_kind kind, const char *what, bool test)
{
    struct gp_load *l = at->load;
    if (l->claims_n == l->claims_cap) {
        size_t cap = l->claims_cap > 0 ? 2 * l->claims_cap : 64;
        struct gp_claim *list = realloc(l->claims, cap * sizeof *list);
        if (list == NULL) {
            l->no_memory = true;
            return;
        }
        l->claims = list;
        l->claims_cap = cap;
    }
    struct gp_claim claim = {.kind = kind,
                             .agency = at->agency,
                             .order = l->claims_n,
                             .test = test,
                             .file = at->file,
                             .line = at->line,
                             .what = gp_config_copy(gp_str_z(what)),
                             .path = gp_config_copy(gp_str_z(at->path))};
    if (claim.what == NULL || claim.path == NULL) {
        free(claim.what);
        free(claim.path);
        l->no_memory = true;
        return;
    }
    l->claims[l->claims_n++] = claim;
}

void gp_claims_free(struct gp_load *l)
{
    for (size_t i = 0; i < l->claims_n; i++) {
        free(l->claims[i].what);
        free(l->claims[i].path);
    }
    free(l->claims);
}

/* same_thing - order of claims by what they claim; some are claimed inside their agency only */
static int same_thing(const struct gp_claim *a, const struct gp_claim *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if ((a->kind == GP_CLAIM_DOMAIN || a->kind == GP_CLAIM_SELECTOR || a->kind == GP_CLAIM_STREAM) &&
        a->agency != b->agency)
        return a->agency < b->agency ? -1 : 1;
    return strcmp(a->what, b->what);
}

static int by_thing(const void *x, const void *y)
{
    const struct gp_claim *a = *(const struct gp_claim *const *)x, *b = *(const struct gp_claim *const *)y;
    int c = same_thing(a, b);
    return c != 0 ? c : (a->order < b->order ? -1 : a->order > b->order);
}

/* link_claims - point every claim at the first one of the same thing */
static bool link_claims(struct gp_load *l)
{
    if (l->claims_n == 0)
        return true;
    struct gp_claim **sorted = calloc(l->claims_n, sizeof *sorted);
    if (sorted == NULL)
        return false;
    for (size_t i = 0; i < l->claims_n; i++)
        sorted[i] = &l->claims[i];
    qsort(sorted, l->claims_n, sizeof *sorted, by_thing);
    for (size_t i = 1, head = 0; i < l->claims_n; i++) {
        if (same_thing(sorted[head], sorted[i]) == 0)
            sorted[i]->first = sorted[head];
        else
            head = i;
    }
    free(sorted);
    return true;
}

static void claim_fault(struct gp_load *l, const struct gp_claim *c)
{
    static const char *const right[] = {
        [GP_CLAIM_AGENCY] = "must be defined once",
        [GP_CLAIM_LIMITS] = "must stand once in all files",
        [GP_CLAIM_ADDRESS] = "must stand under one agency, once",
        [GP_CLAIM_LOGIN] = "must stand under one agency, once",
        [GP_CLAIM_DOMAIN] = "must stand once in an agency",
        [GP_CLAIM_EGRESS] = "must stand once",
        [GP_CLAIM_COUNTERS] = "must stand once",
        [GP_CLAIM_DNS] = "must stand once",
        [GP_CLAIM_LISTEN] = "must differ: each daemon has a socket of its own",
        [GP_CLAIM_SELECTOR] = "must be another selector: one record in the DNS holds one key",
        [GP_CLAIM_MAILBOX] = "must be one mailbox's name",
        [GP_CLAIM_STREAM] = "must stand once in an agency",
    };
    const struct gp_claim *f = c->first;
    gp_fault(l->faults, c->file->name, c->line, "%s: stands twice, given \"%s\" (first at %s:%u: %s), %s", c->path,
             gp_conf_show(gp_str_z(c->what)).text, f->file->name, f->line, f->path, right[c->kind]);
}

/* check_claims - what stands twice; the content of an agency defined twice is passed over, that one fault says it all
 */
static void check_claims(struct gp_load *l)
{
    bool *twice = calloc(l->c->agencies_n + 1, sizeof *twice);
    if (twice == NULL || !link_claims(l)) {
        l->no_memory = true;
        free(twice);
        return;
    }
    for (size_t i = 0; i < l->claims_n; i++) {
        const struct gp_claim *c = &l->claims[i];
        if (c->first == NULL)
            continue;
        if (c->kind == GP_CLAIM_AGENCY)
            twice[c->agency] = true;
        else if (c->agency != GP_NO_AGENCY && twice[c->agency])
            continue;
        else if (c->test && c->first->test && c->agency == c->first->agency)
            continue; /* one machine may have several test windows */
        claim_fault(l, c);
    }
    free(twice);
}

/* top_line - where a key of gatepost.conf stands; 0: nowhere */
static unsigned top_line(const struct gp_load *l, const char *key)
{
    const config_setting_t *s = config_setting_get_member(config_root_setting(&l->files[0].tree), key);
    return s != NULL ? config_setting_source_line(s) : 0;
}

static void check_return_path(struct gp_load *l)
{
    struct gp_str domain = gp_str_z(l->c->return_path);
    if (domain.n == 0)
        return;
    if (GP_TOKEN_SHORT + 1 + domain.n > SRS_ROOM)
        gp_warning(l->faults, l->files[0].name, top_line(l, "return_path"),
                   "return_path: long, given \"%s\", must be at most %zu octets to pass forwarders that rewrite the "
                   "sender (SRS)",
                   l->c->return_path, SRS_ROOM - GP_TOKEN_SHORT - (size_t)1);
    for (size_t i = 0; i < l->claims_n; i++) {
        const struct gp_claim *c = &l->claims[i];
        if (c->kind == GP_CLAIM_DOMAIN && gp_str_eq(domain, gp_str_z(c->what)))
            gp_fault(l->faults, c->file->name, c->line,
                     "%s: is the return_path, given \"%s\", must be a domain of the agency's own", c->path,
                     gp_conf_show(gp_str_z(c->what)).text);
    }
}

static void check_size(struct gp_load *l)
{
    const struct gp_config *c = l->c;
    char text[GP_LIMIT_TEXT_MAX];
    if (c->message_size_ceiling == 0 || c->limits.message_size <= c->message_size_ceiling)
        return;
    gp_limit_text(&c->limits, GP_LIMIT_MESSAGE_SIZE, text);
    if (l->size_file != NULL)
        gp_fault(l->faults, l->size_file->name, l->size_line,
                 "limits.message_size: above message_size_ceiling, given \"%s\", must be at most %" PRIu64 " octets",
                 text, c->message_size_ceiling);
    else
        gp_fault(l->faults, l->files[0].name, top_line(l, "message_size_ceiling"),
                 "message_size_ceiling: below the default of limits.message_size, given %" PRIu64
                 " octets, must be at least %s",
                 c->message_size_ceiling, text);
}

/* check_tokens - two agencies must not have one hash: a returning token would name either */
static void check_tokens(struct gp_load *l)
{
    const struct gp_config *c = l->c;
    for (unsigned id = 0; id < GP_KEYS_MAX; id++) {
        const struct gp_by_token *t = c->index->token[id];
        for (size_t i = 1; t != NULL && i < c->agencies_n; i++) {
            const struct gp_agency *a = &c->agency[t[i - 1].agency], *b = &c->agency[t[i].agency];
            if (t[i - 1].hash == t[i].hash && strcmp(a->name, b->name) != 0)
                gp_fault(l->faults, b->file, b->line,
                         "%s: same token hash under key %u as %s at %s:%u, given \"%s\", must be another name "
                         "(or another key)",
                         b->name, id, a->name, a->file, a->line, b->name);
        }
    }
}

/* check_tests - two windows of one address at one time: which of them would a message count for? */
static void check_tests(struct gp_load *l)
{
    const struct gp_config_index *x = l->c->index;
    for (size_t i = 1; i < x->tests_n; i++) {
        const struct gp_test_window *first = x->test[i - 1].window, *w = x->test[i].window;
        const struct gp_agency *a = &l->c->agency[x->test[i].agency];
        if (x->test[i - 1].agency == x->test[i].agency && gp_ip_cmp(&x->test[i - 1].ip, &x->test[i].ip) == 0 &&
            w->from.ms > 0 && w->from.ms < first->until.ms)
            gp_fault(
                l->faults, a->file, w->line,
                "%s.tests.from: inside another test of this address, given \"%s\", must not be before %s, when the "
                "one at line %u ends",
                a->name, w->from.text, first->until.text, first->line);
    }
}

void gp_config_check(struct gp_load *l)
{
    bool whole = true;
    for (size_t i = 0; i < l->files_n; i++)
        whole = whole && l->files[i].parsed;
    check_claims(l);
    if (l->files[0].parsed) {
        check_return_path(l);
        check_size(l);
        if (l->c->token_keys != NULL)
            (void)gp_keyring_load(l->c->token_keys, &l->c->keyring, l->faults);
        gp_config_auth(l);
        gp_config_feedback(l);
    }
    gp_config_dkim(l);
    if (!gp_config_index_build(l->c))
        gp_fault(l->faults, l->files[0].name, 0, "look-ups cannot be built: out of memory, or OpenSSL failed");
    else {
        check_tokens(l);
        check_tests(l);
    }
    if (whole && l->c->agencies_n == 0)
        gp_warning(l->faults, l->files[0].name, 0,
                   "agencies.d: no agency, given none in files *.conf, must be one for anybody to relay");
}
