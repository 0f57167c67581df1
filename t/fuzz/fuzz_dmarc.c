/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_dmarc.c - a foreign TXT record as a DMARC record; its parts as domains
 *
 * Whatever is published: what it says of mail is one of the values there are, and an organizational domain is the end
 * of its domain.
 */
#include "shared/address.h"
#include "shared/dmarc.h"
#include "shared/taglist.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool promise)
{
    if (!promise)
        abort();
}

static void read_record(struct gp_str text, bool subdomain)
{
    struct gp_dmarc_policy p;
    const struct gp_dmarc_facts f = {.from = GP_STR("dol.gov"), .return_path = GP_STR("b.dol.gov"), .spf = GP_SPF_PASS};
    bool is = gp_dmarc_record(text, subdomain, &p);
    must(p.state == (is ? GP_DMARC_POLICY : GP_DMARC_NONE) && p.percent <= 100);
    must(gp_dmarc_action_name(p.action) != NULL);
    must(gp_dmarc_judge(&f, &p).result == (p.strict_spf ? GP_DMARC_FAIL : GP_DMARC_PASS));
}

static void read_domains(struct gp_str rest)
{
    struct gp_str name, value;
    char ascii[GP_DOMAIN_MAX + 1];
    while (gp_tag_next(&rest, &name, &value)) {
        struct gp_str found = gp_dmarc_organizational(name);
        must(found.n <= name.n && found.p + found.n == name.p + name.n);
        must(gp_str_eq(gp_dmarc_organizational(found), found));
        must(!gp_dmarc_aligned(name, value, true) || gp_dmarc_aligned(value, name, false));
        if (gp_domain_ascii(value, ascii))
            must(gp_domain_valid(gp_str_z(ascii), false));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gp_str text = {(const char *)data, n};
    read_record(text, false);
    read_record(text, true);
    read_domains(text);
    return 0;
}
