/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * config_dkim.c - the keys that sign: read with the configuration, and which of them sign a message
 */
#include "shared/config_private.h"

#include "shared/address.h"

#include <stdlib.h>
#include <string.h>

const char *gp_set_on_unsigned(const struct gp_spot *at, struct gp_str s)
{
    static const char *const words[] = {"defer", "send", NULL};
    int i = gp_conf_word(s, words);
    if (i < 0)
        return "unknown word";
    *(bool *)at->field = i == 1;
    return NULL;
}

static const char *const client_words[] = {[GP_CLIENT_SIGNATURES_AUTO] = "auto",
                                           [GP_CLIENT_SIGNATURES_KEEP] = "keep",
                                           [GP_CLIENT_SIGNATURES_REMOVE] = "remove",
                                           NULL};

const char *gp_client_signatures_word(enum gp_client_signatures mode)
{
    return client_words[mode];
}

const char *gp_set_client_signatures(const struct gp_spot *at, struct gp_str s)
{
    int i = gp_conf_word(s, client_words);
    if (i < 0)
        return "unknown word";
    *(enum gp_client_signatures *)at->field = (enum gp_client_signatures)i;
    return NULL;
}

/* What is wrong with the file is told where the configuration names it. */
const char *gp_set_dkim_key(const struct gp_spot *at, struct gp_str s)
{
    struct gp_dkim_key *key = at->target;
    struct gp_faults faults;
    const char *why = gp_set_path(at, s);
    if (why != NULL || key->path == NULL)
        return why;
    gp_faults_init(&faults);
    (void)gp_dkim_key_load(key, &faults);
    for (size_t i = 0; i < faults.n; i++)
        gp_fault(at->load->faults, at->file->name, at->line, "%s: %s", at->path, faults.list[i].text);
    gp_faults_free(&faults);
    return NULL;
}

/* claim - the key's name in the DNS */
static void claim(const struct gp_spot *at, const struct gp_dkim_key *key)
{
    char name[GP_DKIM_SELECTOR_MAX + GP_DOMAIN_MAX + sizeof "._domainkey."];
    struct gp_buf b = gp_buf_on(name, sizeof name);
    gp_buf_printf(&b, "%s._domainkey.%s", key->selector, key->domain);
    if (b.n > GP_DKIM_NAME_MAX)
        gp_fault(at->load->faults, at->file->name, at->line,
                 "%s: no name in the DNS, given \"%s\", must be at most %d octets", at->path, name, GP_DKIM_NAME_MAX);
    gp_claim(at, GP_CLAIM_SELECTOR, name, false);
}

/* add - behind the other keys of the list, which takes over what the key owns */
static void add(const struct gp_spot *at, struct gp_dkim_key *key)
{
    bool relay = at->agency == GP_NO_AGENCY;
    struct gp_agency *a = relay ? NULL : at->target;
    struct gp_dkim_key **list = relay ? &at->load->c->dkim : &a->dkim;
    size_t *n = relay ? &at->load->c->dkim_n : &a->dkim_n;
    struct gp_dkim_key *more = realloc(*list, (*n + 1) * sizeof *more);
    if (more == NULL) {
        gp_dkim_key_free(key);
        at->load->no_memory = true;
        return;
    }
    key->signs = true;
    for (size_t i = 0; i < *n && key->domain != NULL; i++) {
        if (more[i].type == key->type && gp_str_eq(gp_str_z(more[i].domain), gp_str_z(key->domain)))
            key->signs = false;
    }
    more[*n] = *key;
    *list = more;
    ++*n;
}

void gp_config_read_dkim(const struct gp_spot *at, const config_setting_t *s, const char *prefix)
{
    struct gp_dkim_key key = {.file = at->file->name, .line = at->line};
    struct gp_group g = {at->load, at->file, GP_SCOPE_DKIM, prefix, at->agency, &key};
    gp_config_read_group(&g, s, at->line);
    if (key.domain != NULL && key.selector != NULL)
        claim(at, &key);
    add(at, &key);
}

/* check_relay - the relay's keys: some, and all of one domain */
static void check_relay(struct gp_load *l)
{
    const struct gp_config *c = l->c;
    const config_setting_t *list = config_setting_get_member(config_root_setting(&l->files[0].tree), "dkim");
    if (list != NULL && config_setting_type(list) == CONFIG_TYPE_LIST && config_setting_length(list) == 0)
        gp_warning(l->faults, l->files[0].name, config_setting_source_line(list),
                   "dkim: no key, given (), messages leave without this relay's signature; gatepostctl dkim new DOMAIN "
                   "makes one");
    for (size_t i = 1; i < c->dkim_n; i++) {
        const struct gp_dkim_key *first = &c->dkim[0], *key = &c->dkim[i];
        if (first->domain != NULL && key->domain != NULL && strcmp(first->domain, key->domain) != 0)
            gp_fault(l->faults, key->file, key->line,
                     "dkim.domain: another domain than that of the relay's first key, given \"%s\", must be \"%s\"",
                     key->domain, first->domain);
    }
}

/* below - is the domain one below the other? */
static bool below(struct gp_str domain, struct gp_str other)
{
    size_t more = domain.n > other.n ? domain.n - other.n : 0;
    return more > 0 && domain.p[more - 1] == '.' && gp_str_eq_nocase((struct gp_str){domain.p + more, other.n}, other);
}

/* aligned - is the domain one of the agency's sender domains, or above or below one? */
static bool aligned(const struct gp_agency *a, struct gp_str domain)
{
    for (size_t i = 0; i < a->sender_domains.n; i++) {
        struct gp_str sender = gp_str_z(a->sender_domains.v[i]);
        if (sender.p[0] == '.')
            sender = (struct gp_str){sender.p + 1, sender.n - 1};
        if (gp_str_eq(sender, domain) || below(sender, domain) || below(domain, sender))
            return true;
    }
    return false;
}

static void check_agency(struct gp_load *l, const struct gp_agency *a)
{
    for (size_t i = 0; i < a->dkim_n; i++) {
        const struct gp_dkim_key *key = &a->dkim[i];
        if (key->domain != NULL && a->sender_domains.n > 0 && !aligned(a, gp_str_z(key->domain)))
            gp_warning(
                l->faults, key->file, key->line,
                "%s.dkim.domain: none of the agency's mail, given \"%s\", should be one of its sender_domains, or "
                "a domain above or below one",
                a->name, key->domain);
    }
}

void gp_config_dkim(struct gp_load *l)
{
    if (l->files[0].parsed)
        check_relay(l);
    for (size_t i = 0; i < l->c->agencies_n; i++)
        check_agency(l, &l->c->agency[i]);
}

/* has - an agency may have been given the relay's key, too; once is enough */
static bool has(const struct gp_dkim_key *const *list, size_t n, const struct gp_dkim_key *key)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(list[i]->domain, key->domain) == 0 && strcmp(list[i]->selector, key->selector) == 0)
            return true;
    }
    return false;
}

/* take - the keys of the list that sign for this domain, behind the n that were found before */
static size_t take(const struct gp_dkim_key *list, size_t list_n, struct gp_str domain,
                   const struct gp_dkim_key *out[GP_SIGNERS_MAX], size_t n)
{
    for (size_t i = 0; i < list_n && n < GP_SIGNERS_MAX; i++) {
        if (list[i].signs && gp_str_eq(gp_str_z(list[i].domain), domain) && !has(out, n, &list[i]))
            out[n++] = &list[i];
    }
    return n;
}

size_t gp_config_signers(const struct gp_config *c, const struct gp_agency *a, struct gp_str from,
                         const struct gp_dkim_key *out[GP_SIGNERS_MAX])
{
    struct gp_str nearest = {0};
    size_t n = 0;
    for (size_t i = 0; a != NULL && i < a->dkim_n; i++) {
        struct gp_str domain = gp_str_z(a->dkim[i].domain);
        if (domain.n > nearest.n && (gp_str_eq_nocase(from, domain) || below(from, domain)))
            nearest = domain;
    }
    if (nearest.n > 0)
        n = take(a->dkim, a->dkim_n, nearest, out, 0);
    return c->dkim_n > 0 ? take(c->dkim, c->dkim_n, gp_str_z(c->dkim[0].domain), out, n) : n;
}
