/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dns_message.c - reading the answer a DNS server sent (pure)
 */
#include "shared/dns_message.h"

#include "shared/ip.h"

#include <ares.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NOERROR = 0, NXDOMAIN = 3, CLASS_IN = 1, TYPE_NS = 2, TYPE_CNAME = 5, TYPE_SOA = 6 };
enum { HEADER = 12, QUESTION_TAIL = 4, RECORD_HEAD = 10, PREFERENCE = 2 };

struct reader {
    const uint8_t *m;
    size_t n, at;
};

/* One resource record: its head, and where its data lies. */
struct rr {
    char *owner; /* ares_free_string */
    unsigned type, class;
    uint32_t ttl;
    size_t data, data_n;
};

static unsigned u16(const uint8_t *p)
{
    return (unsigned)(p[0] << 8 | p[1]);
}

static bool skip(struct reader *r, size_t octets)
{
    if (octets > r->n - r->at)
        return false;
    r->at += octets;
    return true;
}

/* A name at r->at, decompressed; NULL when there is none, or no memory. */
static char *read_name(struct reader *r)
{
    char *name = NULL;
    long length = 0;
    if (r->at >= r->n || ares_expand_name(r->m + r->at, r->m, (int)r->n, &name, &length) != ARES_SUCCESS)
        return NULL;
    if (length > 0 && skip(r, (size_t)length))
        return name;
    ares_free_string(name);
    return NULL;
}

/* The caller frees rr->owner. */
static bool read_rr(struct reader *r, struct rr *rr)
{
    *rr = (struct rr){.owner = read_name(r)};
    const uint8_t *head = r->m + r->at;
    if (rr->owner == NULL || !skip(r, RECORD_HEAD))
        return false;
    rr->type = u16(head);
    rr->class = u16(head + 2);
    rr->ttl = (uint32_t)u16(head + 4) << 16 | u16(head + 6);
    rr->data_n = u16(head + 8);
    rr->data = r->at;
    return skip(r, rr->data_n);
}

struct gp_dns_answer gp_dns_trouble(const char *why)
{
    return (struct gp_dns_answer){.state = GP_DNS_TROUBLE, .ttl_s = GP_DNS_TTL_LEAST, .why = why};
}

void gp_dns_answer_free(struct gp_dns_answer *a)
{
    for (size_t i = 0; i < a->n; i++)
        free(a->record[i].text);
    free(a->record);
    *a = (struct gp_dns_answer){.state = GP_DNS_TROUBLE, .why = "freed"};
}

const char *gp_dns_type_name(enum gp_dns_type type)
{
    switch (type) {
    case GP_DNS_A:
        return "A";
    case GP_DNS_PTR:
        return "PTR";
    case GP_DNS_MX:
        return "MX";
    case GP_DNS_TXT:
        return "TXT";
    case GP_DNS_AAAA:
        return "AAAA";
    }
    return "?";
}

/* The data of a TXT record: its strings without their lengths. *n: how long they are in all, which may be too long.
 * Returns NULL when a string runs over the end, or without memory.
 */
static char *read_text(const uint8_t *p, size_t left, size_t *n)
{
    char *text = malloc(left + 1);
    *n = 0;
    while (text != NULL && left > 0) {
        size_t length = p[0];
        if (length + 1 > left) {
            free(text);
            return NULL;
        }
        memcpy(text + *n, p + 1, length);
        *n += length;
        p += length + 1;
        left -= length + 1;
    }
    if (text != NULL)
        text[*n] = '\0';
    return text;
}

static char *read_address(const uint8_t *p, size_t n, size_t expected)
{
    struct gp_ip ip = {.b = {[10] = 0xFF, [11] = 0xFF}};
    char text[GP_IP_TEXT];
    if (n != expected)
        return NULL;
    memcpy(ip.b + sizeof ip.b - n, p, n);
    gp_ip_text(&ip, text);
    return strdup(text);
}

static char *read_target(const struct reader *whole, const struct rr *rr, size_t before)
{
    struct reader r = {whole->m, rr->data + rr->data_n, rr->data + before};
    char *copy = NULL, *name = rr->data_n > before ? read_name(&r) : NULL;
    if (name != NULL && r.at == r.n) {
        copy = strdup(name);
        if (copy != NULL && strcmp(copy, ".") == 0)
            copy[0] = '\0';
    }
    ares_free_string(name);
    return copy;
}

/* The record's content; text NULL when it is broken, or without memory. */
static struct gp_dns_record read_record(const struct reader *whole, const struct rr *rr)
{
    const uint8_t *p = whole->m + rr->data;
    struct gp_dns_record record = {0};
    switch ((enum gp_dns_type)rr->type) {
    case GP_DNS_A:
        record.text = read_address(p, rr->data_n, 4);
        break;
    case GP_DNS_AAAA:
        record.text = read_address(p, rr->data_n, 16);
        break;
    case GP_DNS_PTR:
        record.text = read_target(whole, rr, 0);
        break;
    case GP_DNS_MX:
        record.text = read_target(whole, rr, PREFERENCE);
        record.preference = rr->data_n >= PREFERENCE ? u16(p) : 0;
        break;
    case GP_DNS_TXT:
        record.text = read_text(p, rr->data_n, &record.n);
        break;
    }
    if (record.text != NULL && rr->type != GP_DNS_TXT)
        record.n = strlen(record.text);
    return record;
}

/* Takes the record's text. */
static bool add(struct gp_dns_answer *out, struct gp_dns_record record)
{
    struct gp_dns_record *grown = NULL;
    if (record.n > GP_DNS_TEXT_MAX || out->n == GP_DNS_RECORDS_MAX) {
        out->cut = true;
        free(record.text);
        return true;
    }
    if (record.text != NULL)
        grown = realloc(out->record, (out->n + 1) * sizeof *grown);
    if (grown == NULL) {
        free(record.text);
        return false;
    }
    out->record = grown;
    out->record[out->n++] = record;
    return true;
}

static void lower_ttl(struct gp_dns_answer *out, uint32_t ttl)
{
    ttl = ttl > INT32_MAX ? 0 : ttl; /* RFC 2181 8 */
    ttl = ttl < GP_DNS_TTL_LEAST ? GP_DNS_TTL_LEAST : ttl;
    out->ttl_s = ttl < out->ttl_s ? ttl : out->ttl_s;
}

/* Walk the answer section: *wanted is the name in question, then what it is an alias of. */
static bool read_answers(struct reader *r, unsigned count, char **wanted, enum gp_dns_type type,
                         struct gp_dns_answer *out)
{
    bool fine = true;
    for (unsigned i = 0; i < count && fine; i++) {
        struct rr rr;
        fine = read_rr(r, &rr);
        if (fine && rr.class == CLASS_IN && strcasecmp(rr.owner, *wanted) == 0) {
            if (rr.type == type) {
                lower_ttl(out, rr.ttl);
                fine = add(out, read_record(r, &rr));
            } else if (rr.type == TYPE_CNAME) {
                struct reader data = {r->m, rr.data + rr.data_n, rr.data};
                char *target = read_name(&data);
                lower_ttl(out, rr.ttl);
                fine = target != NULL;
                if (fine) {
                    ares_free_string(*wanted);
                    *wanted = target;
                }
            }
        }
        ares_free_string(rr.owner);
    }
    return fine;
}

/* A server that neither knows nor asks for us names others that may know: name servers, and no SOA. */
static bool is_referral(struct reader *r, unsigned count, bool authoritative)
{
    bool servers = false, soa = false, fine = true;
    for (unsigned i = 0; i < count && fine; i++) {
        struct rr rr;
        fine = read_rr(r, &rr);
        servers |= fine && rr.type == TYPE_NS;
        soa |= fine && rr.type == TYPE_SOA;
        ares_free_string(rr.owner);
    }
    return servers && !soa && !authoritative;
}

static const char *refusal(unsigned code)
{
    static const char *const names[] = {[1] = "the server answered FORMERR",
                                        [2] = "the server answered SERVFAIL",
                                        [4] = "the server answered NOTIMP",
                                        [5] = "the server answered REFUSED"};
    const char *name = code < sizeof names / sizeof names[0] ? names[code] : NULL;
    return name != NULL ? name : "the server answered with an error";
}

/* Everything but what is kept in the end: NULL, or what is wrong. */
static const char *read_message(struct reader *r, enum gp_dns_type type, struct gp_dns_answer *out)
{
    const uint8_t *m = r->m;
    if (r->n < HEADER || r->n > UINT16_MAX)
        return "the answer is broken";
    unsigned code = m[3] & 0x0F, answers = u16(m + 6);
    bool authoritative = (m[2] & 0x04) != 0, truncated = (m[2] & 0x02) != 0;
    if (code != NOERROR && code != NXDOMAIN)
        return refusal(code);
    r->at = HEADER;
    char *wanted = read_name(r);
    bool fine = !truncated && u16(m + 4) == 1 && wanted != NULL && skip(r, QUESTION_TAIL) &&
                read_answers(r, answers, &wanted, type, out);
    ares_free_string(wanted);
    if (!fine)
        return "the answer is broken";
    if (code == NOERROR && answers == 0 && is_referral(r, u16(m + 8), authoritative))
        return "the server knows only of other servers to ask";
    if (code == NXDOMAIN)
        out->state = GP_DNS_NO_NAME;
    else if (out->n == 0 && !out->cut)
        out->state = GP_DNS_NO_DATA;
    if (out->state != GP_DNS_FOUND)
        lower_ttl(out, GP_DNS_TTL_NEGATIVE);
    return NULL;
}

void gp_dns_read(const uint8_t *message, size_t n, enum gp_dns_type type, struct gp_dns_answer *out)
{
    struct reader r = {message, n, 0};
    *out = (struct gp_dns_answer){.state = GP_DNS_FOUND, .ttl_s = GP_DNS_TTL_MOST};
    const char *why = read_message(&r, type, out);
    if (why != NULL) {
        gp_dns_answer_free(out);
        *out = gp_dns_trouble(why);
    }
}
