/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * spf_notice.c - what an agency is told of a domain whose DNS makes its mail fail
 */
#include "milter/spf_notice.h"

static const char *meaning(enum gp_spf_result r)
{
    if (r == GP_SPF_PERMERROR)
        return "The SPF record of this domain is broken. Receivers treat it as missing or\n"
               "refuse the mail.\n";
    return "The SPF record of this domain does not name the relay. Receivers that check\n"
           "SPF for the From domain mark such mail as spam or refuse it.\n";
}

void gp_spf_notice(const struct gp_config *c, const struct gp_agency *a, const char *domain,
                   const struct gp_forecast *f, char subject[GP_SPF_NOTICE_SUBJECT_MAX],
                   char body[GP_SPF_NOTICE_BODY_MAX])
{
    struct gp_buf s = gp_buf_on(subject, GP_SPF_NOTICE_SUBJECT_MAX), b = gp_buf_on(body, GP_SPF_NOTICE_BODY_MAX);
    const char *result = gp_spf_name(f->spf);
    gp_buf_printf(&s, "SPF %s: mail of %s through %s", result, domain, c->relay_name);
    gp_buf_printf(&b,
                  "Mail of the agency %s leaves through %s.\n%s\n"
                  "  Domain:    %s\n"
                  "  Sent from: %s\n"
                  "  Result:    %s\n"
                  "  Because:   ",
                  a->name, c->relay_name, meaning(f->spf), domain, f->egress, result);
    gp_buf_put_escaped(&b, gp_str_z(f->why));
    gp_buf_printf(&b,
                  "\n\n"
                  "What to publish: add\n\n"
                  "  include:%s\n\n"
                  "to the record that begins with v=spf1, before its last term (such as -all).\n"
                  "When all mail of the domain leaves through the relay, this record is enough:\n\n"
                  "  %s. IN TXT \"v=spf1 include:%s -all\"\n\n"
                  "There must be one such record only, and receivers follow at most 10 look-ups.\n\n"
                  "To see what is published:   dig +short TXT %s\n"
                  "The relay's operator sees:  gatepostctl spf show %s\n\n"
                  "The relay looks again when the DNS says that its answer is old. While it\n"
                  "stays so, this notice comes once a day.\n",
                  c->return_path, domain, c->return_path, domain, domain);
}
