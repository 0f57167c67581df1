/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_message.c - the headers of a foreign message, as gatepostctl dmarc test reads them
 */
#include "ctl/message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool promise)
{
    if (!promise)
        abort();
}

static void is_domain(const char *text)
{
    must(text[0] == '\0' || gp_domain_valid(gp_str_z(text), false));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct gp_ctl_message m;
    if (n > 0 && memchr(data, '\0', n) != NULL)
        return 0;
    gp_ctl_message_parse((const char *)data, n, &m);
    is_domain(m.from);
    is_domain(m.return_path);
    must(m.from[0] == '\0' || m.from_headers == 1);
    must(strlen(m.source) <= GP_AGENCY_NAME_MAX);
    for (size_t i = 0; i < m.signatures && i < GP_CTL_SIGNATURES_MAX; i++) {
        is_domain(m.signature[i].domain);
        must(strspn(m.signature[i].selector, "abcdefghijklmnopqrstuvwxyz0123456789.-_") ==
             strlen(m.signature[i].selector));
    }
    return 0;
}
