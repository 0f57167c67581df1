/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * agencies.c - gatepostctl agencies: who may submit, from where, for which domains
 */
#include "ctl/verbs.h"

#include "ctl/agency_json.h"
#include "ctl/output.h"
#include "shared/address.h"

#include <stdlib.h>

#define WORD_MAX (GP_DOMAIN_MAX + 3) /* a domain, its leading dot, and what stands between two */

/* "a, b (standby)": one text in memory of the caller's freeing; NULL without memory. */
static char *addresses_text(const struct gp_agency *a)
{
    size_t room = a->addresses * (GP_IP_TEXT + 16) + 1;
    char *text = malloc(room), ip[GP_IP_TEXT];
    if (text == NULL)
        return NULL;
    struct gp_buf b = gp_buf_on(text, room);
    for (size_t i = 0; i < a->addresses; i++) {
        gp_ip_text(&a->address[i].ip, ip);
        gp_buf_printf(&b, "%s%s%s", i > 0 ? ", " : "", ip, a->address[i].role == GP_ROLE_STANDBY ? " (standby)" : "");
    }
    return text;
}

static char *domains_text(const struct gp_strings *s)
{
    size_t room = s->n * WORD_MAX + 1;
    char *text = malloc(room);
    if (text == NULL)
        return NULL;
    struct gp_buf b = gp_buf_on(text, room);
    for (size_t i = 0; i < s->n; i++) {
        gp_buf_putz(&b, i > 0 ? ", " : "");
        gp_buf_put_escaped(&b, gp_str_z(s->v[i]));
    }
    return text;
}

static void row(struct gp_ctl_table *t, const struct gp_agency *a)
{
    char *addresses = addresses_text(a), *domains = domains_text(&a->sender_domains);
    char contact[512];
    struct gp_buf b = gp_buf_on(contact, sizeof contact);
    gp_buf_put_escaped(&b, gp_str_z(a->contact));
    gp_ctl_table_row(t, (const char *[]){a->name, contact, addresses, domains});
    free(addresses);
    free(domains);
}

int gp_ctl_agencies(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    struct gp_ctl_table t;
    if (!gp_ctl_config(ctl))
        return GP_CTL_NO;
    if (args->json) {
        gp_ctl_json_print(json_pack("{s:o}", "agencies", gp_ctl_agencies_json(ctl->config)), stdout);
        return GP_CTL_OK;
    }
    gp_ctl_table_init(&t, 4);
    gp_ctl_table_row(&t, (const char *[]){"AGENCY", "CONTACT", "ADDRESSES", "SENDER DOMAINS"});
    for (size_t i = 0; i < ctl->config->agencies_n; i++)
        row(&t, &ctl->config->agency[i]);
    gp_ctl_table_print(&t, stdout);
    gp_ctl_table_free(&t);
    return GP_CTL_OK;
}
