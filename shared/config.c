/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * config.c - load and free a configuration, and look-ups in it
 */
#include "shared/config_private.h"

#include "shared/address.h"
#include "shared/test_window.h"
#include "shared/token.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

char *gp_config_copy(struct gp_str s)
{
    char *copy = malloc(s.n + 1);
    if (copy == NULL)
        return NULL;
    if (s.n > 0)
        memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    return copy;
}

bool gp_config_strings_add(struct gp_strings *list, struct gp_str s)
{
    char *copy = gp_config_copy(s);
    char **v = copy != NULL ? realloc(list->v, (list->n + 1) * sizeof *v) : NULL;
    if (v == NULL) {
        free(copy);
        return false;
    }
    list->v = v;
    list->v[list->n++] = copy;
    return true;
}

struct gp_config *gp_config_load(const char *path, struct gp_faults *faults)
{
    struct gp_load l = {.faults = faults, .c = calloc(1, sizeof *l.c)};
    size_t errors = faults->errors;
    if (l.c == NULL || (l.c->index = calloc(1, sizeof *l.c->index)) == NULL ||
        (l.c->path = gp_config_copy(gp_str_z(path))) == NULL)
        l.no_memory = true;
    if (!l.no_memory)
        gp_config_files(&l, path);
    if (!l.no_memory) {
        gp_config_read(&l);
        gp_config_check(&l);
    }
    if (l.no_memory)
        gp_fault(faults, path, 0, "out of memory");
    gp_claims_free(&l);
    gp_config_files_free(&l);
    if (faults->errors > errors) {
        gp_config_free(l.c);
        return NULL;
    }
    return l.c;
}

static void strings_free(struct gp_strings *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->v[i]);
    free(list->v);
}

static void keys_free(struct gp_dkim_key *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        gp_dkim_key_free(&list[i]);
    free(list);
}

static void index_free(struct gp_config_index *x)
{
    if (x == NULL)
        return;
    for (size_t i = 0; i < x->files_n; i++)
        free(x->files[i]);
    for (unsigned id = 0; id < GP_KEYS_MAX; id++)
        free(x->token[id]);
    free(x->files);
    free(x->address);
    free(x->login);
    free(x->test);
    free(x);
}

void gp_config_free(struct gp_config *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->agencies_n; i++) {
        struct gp_agency *a = &c->agency[i];
        free(a->contact);
        free(a->address);
        strings_free(&a->logins);
        strings_free(&a->sender_domains);
        keys_free(a->dkim, a->dkim_n);
        strings_free(&a->streams);
        for (size_t k = 0; k < a->tests; k++)
            free(a->test[k].why);
        free(a->test);
    }
    char *texts[] = {c->auth_listen,   c->auth_key,        c->path,     c->relay_name, c->return_path,
                     c->public_url,    c->counters_prefix, c->database, c->token_keys, c->policy_listen,
                     c->policy_metrics, c->milter_metrics, c->feedback_metrics,
                     c->milter_listen, c->run_directory,   c->user,     c->group};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
    strings_free(&c->counters);
    strings_free(&c->dns_servers);
    keys_free(c->dkim, c->dkim_n);
    free(c->egress);
    free(c->agency);
    index_free(c->index);
    strings_free(&c->dictionaries);
    gp_config_feedback_free(c);
    OPENSSL_cleanse(&c->keyring, sizeof c->keyring);
    OPENSSL_cleanse(c->auth_secret, sizeof c->auth_secret);
    free(c);
}

static int by_agency_name(const void *a, const void *b)
{
    return strcmp(((const struct gp_agency *)a)->name, ((const struct gp_agency *)b)->name);
}

static int by_ip(const void *a, const void *b)
{
    return gp_ip_cmp(&((const struct gp_by_address *)a)->ip, &((const struct gp_by_address *)b)->ip);
}

static int by_login(const void *a, const void *b)
{
    return gp_str_cmp(((const struct gp_by_login *)a)->login, ((const struct gp_by_login *)b)->login);
}

static int by_test(const void *a, const void *b)
{
    const struct gp_by_test *x = a, *y = b;
    uint64_t x_ms = x->window->from.ms, y_ms = y->window->from.ms;
    int order = gp_ip_cmp(&x->ip, &y->ip);
    return order != 0 ? order : (x_ms < y_ms ? -1 : x_ms > y_ms);
}

static int by_hash(const void *a, const void *b)
{
    uint32_t x = ((const struct gp_by_token *)a)->hash, y = ((const struct gp_by_token *)b)->hash;
    return x < y ? -1 : x > y;
}

static uint32_t hash_of(const uint8_t h[3])
{
    return (uint32_t)h[0] << 16 | (uint32_t)h[1] << 8 | h[2];
}

static bool index_tokens(struct gp_config *c, unsigned id)
{
    struct gp_by_token *t = calloc(c->agencies_n, sizeof *t);
    if (t == NULL)
        return false;
    for (size_t i = 0; i < c->agencies_n; i++) {
        uint8_t hash[3];
        if (!gp_token_agency(&c->keyring, id, gp_str_z(c->agency[i].name), hash)) {
            free(t);
            return false;
        }
        t[i] = (struct gp_by_token){hash_of(hash), i};
    }
    qsort(t, c->agencies_n, sizeof *t, by_hash);
    c->index->token[id] = t;
    return true;
}

/* The agency as it acts in its test window w. */
static void test_ready(struct gp_test_window *w, const struct gp_agency *a)
{
    char ip[GP_IP_TEXT];
    struct gp_buf b = gp_buf_on(w->allowance, sizeof w->allowance);
    gp_ip_text(&w->address, ip);
    gp_buf_printf(&b, "%s:%s:%s", a->name, ip, w->from.text);
    w->acting = *a;
    w->acting.window = w;
    w->acting.limits.package = (struct gp_package){w->messages, GP_PACKAGE_TOTAL};
}

/* index_agency - its addresses, logins and test windows, behind those of the agencies before it */
static void index_agency(struct gp_config_index *x, const struct gp_agency *a, size_t number)
{
    for (size_t i = 0; i < a->addresses; i++)
        x->address[x->addresses_n++] = (struct gp_by_address){a->address[i].ip, number};
    for (size_t i = 0; i < a->logins.n; i++)
        x->login[x->logins_n++] = (struct gp_by_login){gp_str_z(a->logins.v[i]), number};
    for (size_t i = 0; i < a->tests; i++) {
        test_ready(&a->test[i], a);
        x->test[x->tests_n++] = (struct gp_by_test){a->test[i].address, number, &a->test[i]};
    }
}

bool gp_config_index_build(struct gp_config *c)
{
    struct gp_config_index *x = c->index;
    size_t addresses = 0, logins = 0, tests = 0;
    if (c->agencies_n == 0)
        return true;
    qsort(c->agency, c->agencies_n, sizeof *c->agency, by_agency_name);
    for (size_t i = 0; i < c->agencies_n; i++) {
        addresses += c->agency[i].addresses;
        logins += c->agency[i].logins.n;
        tests += c->agency[i].tests;
    }
    x->address = calloc(addresses + 1, sizeof *x->address);
    x->login = calloc(logins + 1, sizeof *x->login);
    x->test = calloc(tests + 1, sizeof *x->test);
    if (x->address == NULL || x->login == NULL || x->test == NULL)
        return false;
    for (size_t i = 0; i < c->agencies_n; i++)
        index_agency(x, &c->agency[i], i);
    qsort(x->address, addresses, sizeof *x->address, by_ip);
    qsort(x->login, logins, sizeof *x->login, by_login);
    qsort(x->test, tests, sizeof *x->test, by_test);
    for (unsigned id = 0; id < GP_KEYS_MAX; id++) {
        if (c->keyring.have[id] && !index_tokens(c, id))
            return false;
    }
    return true;
}

const struct gp_agency *gp_config_by_name(const struct gp_config *c, struct gp_str name)
{
    size_t low = 0, high = c->agencies_n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = gp_str_cmp(name, gp_str_z(c->agency[mid].name));
        if (order == 0)
            return &c->agency[mid];
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

const struct gp_agency *gp_config_by_address(const struct gp_config *c, const struct gp_ip *ip)
{
    const struct gp_config_index *x = c->index;
    struct gp_by_address wanted = {*ip, 0};
    const struct gp_by_address *found =
        x->addresses_n > 0 ? bsearch(&wanted, x->address, x->addresses_n, sizeof wanted, by_ip) : NULL;
    return found != NULL ? &c->agency[found->agency] : NULL;
}

/* first_test - the place of the first window of an address, or where it would stand */
static size_t first_test(const struct gp_config_index *x, const struct gp_ip *ip)
{
    size_t low = 0, high = x->tests_n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (gp_ip_cmp(&x->test[mid].ip, ip) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

const struct gp_agency *gp_config_lists(const struct gp_config *c, const struct gp_ip *ip)
{
    const struct gp_config_index *x = c->index;
    const struct gp_agency *a = gp_config_by_address(c, ip);
    size_t i = first_test(x, ip);
    if (a == NULL && i < x->tests_n && gp_ip_cmp(&x->test[i].ip, ip) == 0)
        a = &c->agency[x->test[i].agency];
    return a;
}

const struct gp_agency *gp_config_admits(const struct gp_config *c, const struct gp_ip *ip, uint64_t now_ms)
{
    const struct gp_config_index *x = c->index;
    const struct gp_agency *a = gp_config_by_address(c, ip);
    for (size_t i = first_test(x, ip); a == NULL && i < x->tests_n && gp_ip_cmp(&x->test[i].ip, ip) == 0; i++) {
        if (gp_test_in_time(x->test[i].window, now_ms))
            a = &x->test[i].window->acting;
    }
    return a;
}

const char *gp_agency_allowance(const struct gp_agency *a)
{
    return a->window != NULL ? a->window->allowance : a->name;
}

const struct gp_agency *gp_config_by_login(const struct gp_config *c, struct gp_str login)
{
    const struct gp_config_index *x = c->index;
    struct gp_by_login wanted = {login, 0};
    const struct gp_by_login *found =
        x->logins_n > 0 ? bsearch(&wanted, x->login, x->logins_n, sizeof wanted, by_login) : NULL;
    return found != NULL ? &c->agency[found->agency] : NULL;
}

const struct gp_agency *gp_config_by_token(const struct gp_config *c, unsigned key_id, const uint8_t hash[3])
{
    const struct gp_by_token *list = key_id < GP_KEYS_MAX ? c->index->token[key_id] : NULL;
    struct gp_by_token wanted = {hash_of(hash), 0};
    const struct gp_by_token *found =
        list != NULL ? bsearch(&wanted, list, c->agencies_n, sizeof wanted, by_hash) : NULL;
    return found != NULL ? &c->agency[found->agency] : NULL;
}

bool gp_agency_may_send(const struct gp_agency *a, struct gp_str domain)
{
    for (size_t i = 0; i < a->sender_domains.n; i++) {
        if (gp_domain_in(domain, gp_str_z(a->sender_domains.v[i])))
            return true;
    }
    return false;
}
