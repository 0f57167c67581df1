/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * departure.c - the plan first, then the signers are shown what it will make of the headers
 */
#include "milter/departure.h"

#include "milter/covered.h"

#include <stdlib.h>
#include <string.h>

#define SIGNATURE "DKIM-Signature"

/* Is this instance of the header deleted? seen counts the instances that each edit's name had so far. */
static bool goes(const struct gp_plan *plan, unsigned seen[GP_PLAN_EDITS_MAX], struct gp_str name)
{
    bool gone = false;
    for (size_t i = 0; i < plan->n; i++) {
        const struct gp_edit *edit = &plan->edit[i];
        if (edit->kind != GP_EDIT_DELETE || !gp_str_eq_nocase(name, gp_str_z(edit->name)))
            continue;
        seen[i]++;
        gone = gone || (seen[i] >= edit->first && seen[i] <= edit->last);
    }
    return gone;
}

/* The headers as they will be: those that stay, in their order, then those that are added. */
static void show_headers(struct gp_signing *s, const struct gp_kept *kept, const struct gp_plan *plan)
{
    unsigned seen[GP_PLAN_EDITS_MAX] = {0}, number;
    struct gp_str value;
    for (size_t at = 0; gp_kept_next(kept, &at, &number, &value);) {
        struct gp_str name = gp_str_z(gp_covered_name(number));
        if (!goes(plan, seen, name))
            gp_signing_header(s, name, value);
    }
    for (size_t i = 0; i < plan->n; i++) {
        struct gp_str name = gp_str_z(plan->edit[i].name);
        if (plan->edit[i].kind == GP_EDIT_ADD && gp_covered_signed(gp_covered_number(name)))
            gp_signing_header(s, name, gp_str_z(plan->edit[i].value));
    }
    gp_signing_headers_end(s);
}

static void signing_begin(struct gp_departure *d, struct gp_signer *signer, const struct gp_kept *kept)
{
    if (kept->state == GP_KEPT_TOO_LARGE) {
        d->refusal = GP_HEADERS_SIZE; /* trying again would not help */
        d->why = "headers too large to be signed";
        return;
    }
    d->signing = kept->state == GP_KEPT_ALL ? gp_signing_begin(signer, d->key, d->keys) : NULL;
    if (d->signing == NULL)
        d->why = "no memory";
    else
        show_headers(d->signing, kept, &d->plan);
}

struct gp_departure *gp_departure_begin(struct gp_signer *signer, const struct gp_config *c, const struct gp_agency *a,
                                        const struct gp_headers *h, const struct gp_kept *kept,
                                        const struct gp_envelope *e)
{
    struct gp_departure *d = malloc(sizeof *d);
    if (d == NULL)
        return NULL;
    d->signing = NULL;
    d->send_unsigned = a != NULL ? a->send_unsigned : c->send_unsigned;
    d->refusal = GP_UNSIGNED;
    d->why = "";
    if (a == NULL) {
        gp_plan_empty(&d->plan);
    } else if (!gp_rewrite(c, a, h, e, &d->plan)) {
        free(d);
        return NULL;
    }
    gp_from_domain(h, d->from);
    d->keys = gp_config_signers(c, a, gp_str_z(d->from), d->key);
    if (d->keys > 0)
        signing_begin(d, signer, kept);
    return d;
}

void gp_departure_body(struct gp_departure *d, const unsigned char *octets, size_t n)
{
    if (d->signing != NULL)
        gp_signing_body(d->signing, octets, n);
}

enum gp_reason gp_departure_sign(struct gp_departure *d)
{
    size_t made = d->signing != NULL ? gp_signing_finish(d->signing) : 0;
    if (made < d->keys && !d->send_unsigned)
        return d->refusal;
    for (size_t i = d->keys; made > 0 && i > 0; i--) {
        if (gp_departure_signed(d, i - 1) && !gp_plan_insert(&d->plan, SIGNATURE, gp_signing_text(d->signing, i - 1)))
            return GP_INTERNAL;
    }
    return GP_ACCEPTED;
}

bool gp_departure_signed(const struct gp_departure *d, size_t i)
{
    return d->signing != NULL && gp_signing_text(d->signing, i) != NULL;
}

const char *gp_departure_why(const struct gp_departure *d)
{
    return d->signing != NULL ? gp_signing_why(d->signing) : d->why;
}

void gp_departure_free(struct gp_departure *d)
{
    if (d == NULL)
        return;
    gp_signing_free(d->signing);
    free(d);
}
