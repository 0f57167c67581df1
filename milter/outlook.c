/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * outlook.c - what receivers will say of one message by SPF and DMARC
 */
#include "milter/outlook.h"

#include "shared/address.h"

#include <string.h>

_Static_assert(sizeof((struct gp_dmarc_facts *)NULL)->signature / sizeof(struct gp_str) >= GP_SIGNERS_MAX,
               "not all signatures of a message can be judged");

static void look(struct gp_forecasts *t, const struct gp_config *c, const struct gp_agency *a, struct gp_str domain,
                 uint64_t now_ms, struct gp_forecast *out)
{
    if (!gp_forecasts_look(t, domain, now_ms, out) && c->egress_n > 0 && a != NULL && gp_agency_may_send(a, domain))
        gp_forecasts_want(t, domain);
}

enum gp_spf_result gp_outlook_spf(struct gp_forecasts *t, const struct gp_config *c, const struct gp_agency *a,
                                  struct gp_str domain, uint64_t now_ms)
{
    struct gp_forecast f;
    look(t, c, a, domain, now_ms, &f);
    return f.spf;
}

void gp_outlook(struct gp_forecasts *t, const struct gp_outlook_facts *f, uint64_t now_ms, struct gp_outlook *out)
{
    struct gp_forecast path;
    struct gp_buf domain = gp_buf_on(out->domain, sizeof out->domain);
    gp_buf_put(&domain, f->from.n > 0 ? f->from : gp_address_domain(f->sender));
    look(t, f->config, f->agency, gp_buf_str(&domain), now_ms, &out->forecast);
    struct gp_dmarc_facts d = {
        .from = f->from,
        .return_path = gp_str_z(f->sender.n > 0 ? f->config->return_path : f->config->relay_name),
    };
    gp_forecasts_look(t, d.return_path, now_ms, &path);
    d.spf = path.spf;
    for (size_t i = 0; i < f->keys && i < GP_SIGNERS_MAX; i++)
        d.signature[d.signatures++] = gp_str_z(f->key[i]->domain);
    out->dmarc = gp_dmarc_judge(&d, &out->forecast.dmarc);
}

void gp_outlook_dmarc(const struct gp_outlook *o, char out[GP_OUTLOOK_DMARC_MAX])
{
    const struct gp_dmarc_forecast *f = &o->dmarc;
    struct gp_buf b = gp_buf_on(out, GP_OUTLOOK_DMARC_MAX);
    gp_buf_putz(&b, gp_dmarc_name(f->result));
    if (f->result == GP_DMARC_PASS)
        gp_buf_printf(&b, "/%s%s%s", f->dkim_aligned ? "dkim" : "", f->dkim_aligned && f->spf_aligned ? "+" : "",
                      f->spf_aligned ? "spf" : "");
}

/* Foreign text for the inside of a quoted header value. */
static void put_plain(struct gp_buf *b, const char *text)
{
    for (; *text != '\0'; text++) {
        bool plain = *text >= ' ' && *text < 0x7F && *text != '"' && *text != '\\';
        gp_buf_put(b, plain ? (struct gp_str){text, 1} : GP_STR("?"));
    }
}

void gp_outlook_header(const struct gp_outlook *o, char out[GP_OUTLOOK_HEADER_MAX])
{
    struct gp_buf b = gp_buf_on(out, GP_OUTLOOK_HEADER_MAX);
    gp_buf_printf(&b, "%s; domain=", gp_spf_name(o->forecast.spf));
    put_plain(&b, o->domain);
    if (o->forecast.egress[0] != '\0')
        gp_buf_printf(&b, "; egress=%s", o->forecast.egress);
    if (o->forecast.why[0] != '\0') {
        gp_buf_putz(&b, ";\n\twhy=\"");
        put_plain(&b, o->forecast.why);
        gp_buf_putz(&b, "\"");
    }
}
