/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_headers.c - the headers of a client's message: noted, judged, and a plan made of them
 *
 * The first octet chooses the List-Unsubscribe mode, whether there is a public_url, and what becomes of the client's
 * signatures; the rest are header lines. What a plan adds must be clean, whatever the client wrote.
 */
#include "milter/from.h"
#include "milter/headers.h"
#include "milter/rewrite.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool promise)
{
    if (!promise)
        abort();
}

/* the next header, its folded lines included */
static bool next_header(struct gp_str *rest, struct gp_str *name, struct gp_str *value)
{
    size_t end = 0;
    if (rest->n == 0)
        return false;
    do {
        end += gp_str_find((struct gp_str){rest->p + end, rest->n - end}, '\n') + 1;
    } while (end < rest->n && (rest->p[end] == ' ' || rest->p[end] == '\t'));
    size_t next = end < rest->n ? end : rest->n;
    struct gp_str line = {rest->p, end - 1};
    size_t colon = gp_str_find(line, ':');
    *name = (struct gp_str){line.p, colon};
    *value = colon < line.n ? (struct gp_str){line.p + colon + 1, line.n - colon - 1} : (struct gp_str){NULL, 0};
    *rest = (struct gp_str){rest->p + next, rest->n - next};
    return true;
}

/* printable ASCII, folds that RFC 5322 allows, no line over 998 */
static void check_added(const struct gp_edit *e)
{
    struct gp_str rest = gp_str_z(e->value), line;
    size_t before = strlen(e->name) + 1;
    must(rest.n > 1 && rest.p[0] == ' ');
    for (bool first = true; gp_str_split(&rest, '\n', &line); first = false, before = 0) {
        must(before + line.n <= 998 && line.n > 1 && (first || line.p[0] == '\t'));
        for (size_t i = first ? 0 : 1; i < line.n; i++)
            must(line.p[i] >= ' ' && line.p[i] < 0x7f);
    }
}

/* of one List-Unsubscribe that is added */
static void check_uris(struct gp_str list)
{
    unsigned secure = 0;
    for (; list.n >= 7; list = (struct gp_str){list.p + 1, list.n - 1})
        secure += gp_str_starts_nocase(list, GP_STR("<https:"));
    must(secure <= 1);
}

static void check_plan(const struct gp_plan *plan, const struct gp_headers *h, bool https)
{
    unsigned left = h->list_unsubscribe, left_post = h->list_unsubscribe_post, source = h->source, ref = h->ref;
    unsigned spf = h->spf;
    unsigned signature = GP_HEADERS_SIGNATURES_MAX + 1;
    for (size_t i = 0; i < plan->n; i++) {
        const struct gp_edit *e = &plan->edit[i];
        if (e->kind == GP_EDIT_DELETE && strcmp(e->name, "DKIM-Signature") == 0) {
            must(e->first == e->last && e->first < signature && e->first >= 1 && e->first <= h->signatures);
            signature = e->first; /* from the last one up */
            continue;
        }
        unsigned *count = strcmp(e->name, "List-Unsubscribe") == 0        ? &left
                          : strcmp(e->name, "List-Unsubscribe-Post") == 0 ? &left_post
                          : strcmp(e->name, "X-Gatepost-Source") == 0     ? &source
                          : strcmp(e->name, "X-Gatepost-SPF") == 0        ? &spf
                                                                          : &ref;
        if (e->kind == GP_EDIT_DELETE) {
            must(e->first >= 1 && e->first <= e->last && e->last == *count);
            *count = e->first - 1;
        }
        if (e->kind == GP_EDIT_ADD) {
            check_added(e);
            check_uris(gp_str_z(e->value));
            (*count)++;
            must(count != &left_post || https);
        }
    }
    must(left <= 1 && left_post <= 1 && source == 1 && ref == 1 && spf == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct gp_headers h;
    static struct gp_plan plan;
    static bool started;
    static char return_path[] = "b.example.gov", url[] = "https://mail.example.gov", domain[] = "dol.example";
    static char *domains[] = {domain};
    if (!started)
        gp_from_start();
    started = true;
    if (n == 0)
        return 0;
    struct gp_agency a = {.name = "dol",
                          .unsubscribe = data[0] & 3u,
                          .client_signatures = (data[0] >> 3) % 3u,
                          .sender_domains = {1, domains}};
    struct gp_config c = {.return_path = return_path, .public_url = (data[0] & 4u) != 0 ? url : NULL};
    struct gp_envelope e = {.sender = GP_STR("a@dol.example"), .recipient = GP_STR("b@example.com")};
    struct gp_str rest = {(const char *)data + 1, n - 1}, name, value;
    c.keyring.have[0] = true;
    c.keyring.secret[0][0] = 1;
    gp_headers_init(&h);
    while (next_header(&rest, &name, &value)) {
        must(gp_headers_octets(name, value) >= name.n + value.n + 3);
        gp_headers_note(&h, name, value);
    }
    char from[GP_DOMAIN_MAX + 1];
    gp_from_permitted(&h, &a);
    gp_from_domain(&h, from);
    must(from[0] == '\0' || (h.from == 1 && gp_domain_valid(gp_str_z(from), false)));
    must(gp_rewrite(&c, &a, &h, &e, &plan));
    check_plan(&plan, &h, c.public_url != NULL);
    return 0;
}
