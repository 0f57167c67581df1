/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_dns.c - the answer of a DNS server from foreign bytes
 *
 * The first octet chooses the type that was asked for.
 */
#include "shared/dns_message.h"
#include "shared/ip.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool promise)
{
    if (!promise)
        abort();
}

static void check_record(const struct gp_dns_record *r, enum gp_dns_type type)
{
    struct gp_ip ip;
    must(r->text != NULL && r->n <= GP_DNS_TEXT_MAX && r->text[r->n] == '\0');
    must(type == GP_DNS_TXT || strlen(r->text) == r->n);
    if (type == GP_DNS_A || type == GP_DNS_AAAA)
        must(gp_ip_parse(gp_str_z(r->text), &ip));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const enum gp_dns_type types[] = {GP_DNS_A, GP_DNS_PTR, GP_DNS_MX, GP_DNS_TXT, GP_DNS_AAAA};
    struct gp_dns_answer a;
    if (n == 0)
        return 0;
    enum gp_dns_type type = types[data[0] % 5];
    gp_dns_read(data + 1, n - 1, type, &a);
    must(a.n <= GP_DNS_RECORDS_MAX && a.ttl_s >= GP_DNS_TTL_LEAST && a.ttl_s <= GP_DNS_TTL_MOST);
    must((a.state == GP_DNS_TROUBLE) == (a.why != NULL) && (a.state != GP_DNS_TROUBLE || a.n == 0));
    for (size_t i = 0; i < a.n; i++)
        check_record(&a.record[i], type);
    gp_dns_answer_free(&a);
    return 0;
}
