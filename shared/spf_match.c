/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * spf_match.c - does one mechanism match an address? libspf2 is asked, term by term
 *
 * libspf2 1.2.10 as a whole would count lookups anew in each include and void lookups not at all, take no record of
 * more than 511 octets compiled, let every loopback address pass, not tell which mechanism matched, and it mishandles
 * macros (CVE-2023-42118). None of that is met by one short term that was written here. What it says on stderr it says
 * to nobody; it aborts only when a lookup gives it NULL, for which a spare answer is kept.
 */
#include "shared/spf_match.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <spf2/spf.h>
#include <spf2/spf_log.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 10 /* of hosts that one ptr or mx may lead to: RFC 7208 4.6.4 */
#define TERM_MAX (GP_SPF_NAME_MAX + 32)

struct gp_spf_matcher {
    struct gp_ip from;
    gp_spf_ask_fn *ask;
    void *arg;
    SPF_dns_server_t layer; /* its hook leads back here */
    SPF_server_t *server;
    SPF_dns_rr_t *spare;
    size_t addresses; /* that the questions of this match found */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void say_nothing(const char *file, int line, const char *text)
{
    (void)file;
    (void)line;
    (void)text;
}

static void silence(void)
{
    SPF_warning_handler = say_nothing;
    SPF_info_handler = say_nothing;
    SPF_debug_handler = say_nothing;
}

static bool put(SPF_dns_rr_t *rr, const void *data, size_t n)
{
    if (SPF_dns_rr_buf_realloc(rr, rr->num_rr, n) != SPF_E_SUCCESS)
        return false;
    memcpy(rr->rr[rr->num_rr++], data, n);
    return true;
}

static bool put_record(struct gp_spf_matcher *m, SPF_dns_rr_t *rr, const struct gp_dns_record *record)
{
    struct in6_addr data;
    if (rr->rr_type == ns_t_mx || rr->rr_type == ns_t_ptr)
        return record->n == 0 || rr->num_rr >= NAMES_MAX || put(rr, record->text, record->n + 1);
    bool v4 = rr->rr_type == ns_t_a;
    if (inet_pton(v4 ? AF_INET : AF_INET6, record->text, &data) != 1)
        return true;
    m->addresses++;
    return put(rr, &data, v4 ? sizeof(struct in_addr) : sizeof data);
}

/* Ends the match: libspf2 gives up at TRY_AGAIN, so the spare is asked for once. */
static SPF_dns_rr_t *refuse(struct gp_spf_matcher *m)
{
    SPF_dns_rr_t *rr = m->spare;
    m->spare = NULL;
    return rr;
}

static SPF_dns_rr_t *lookup(SPF_dns_server_t *layer, const char *name, ns_type type, int should_cache)
{
    struct gp_spf_matcher *m = layer->hook;
    (void)should_cache;
    bool known = type == ns_t_a || type == ns_t_aaaa || type == ns_t_mx || type == ns_t_ptr;
    const struct gp_dns_answer *answer = known ? m->ask(m->arg, name, (enum gp_dns_type)type) : NULL;
    if (answer == NULL)
        return refuse(m);
    SPF_dns_rr_t *rr = SPF_dns_rr_new_init(layer, name, type, 0, answer->n > 0 ? NETDB_SUCCESS : HOST_NOT_FOUND);
    bool fine = rr != NULL;
    for (size_t i = 0; fine && i < answer->n; i++)
        fine = put_record(m, rr, &answer->record[i]);
    if (fine)
        return rr;
    if (rr != NULL)
        SPF_dns_rr_free(rr);
    return refuse(m);
}

/* libspf2 explains whatever does not pass: by a text of ours, for which it need not ask anybody. */
static bool set_texts(SPF_server_t *server)
{
    SPF_response_t *response = NULL;
    bool fine = SPF_server_set_explanation(server, "-", &response) == SPF_E_SUCCESS &&
                SPF_server_set_rec_dom(server, "unknown") == SPF_E_SUCCESS;
    if (response != NULL)
        SPF_response_free(response);
    return fine;
}

struct gp_spf_matcher *gp_spf_matcher_new(const struct gp_ip *from, gp_spf_ask_fn *ask, void *arg)
{
    struct gp_spf_matcher *m = calloc(1, sizeof *m);
    if (m == NULL)
        return NULL;
    pthread_once(&once, silence);
    *m = (struct gp_spf_matcher){.from = *from, .ask = ask, .arg = arg};
    m->layer = (SPF_dns_server_t){.lookup = lookup, .name = "gatepost", .hook = m};
    m->server = SPF_server_new_dns(&m->layer, 0);
    if (m->server != NULL && set_texts(m->server))
        return m;
    gp_spf_matcher_free(m);
    return NULL;
}

void gp_spf_matcher_free(struct gp_spf_matcher *m)
{
    if (m == NULL)
        return;
    if (m->server != NULL)
        SPF_server_free(m->server);
    if (m->spare != NULL)
        SPF_dns_rr_free(m->spare);
    free(m);
}

static unsigned prefix_of(const struct gp_spf_term *term, const struct gp_ip *from)
{
    return gp_ip_is_v4(from) ? term->v4 : term->v6;
}

static void put_network(const struct gp_spf_term *term, struct gp_buf *b)
{
    char text[INET6_ADDRSTRLEN];
    bool v4 = term->kind == GP_SPF_IP4;
    if (inet_ntop(v4 ? AF_INET : AF_INET6, term->net, text, sizeof text) != NULL)
        gp_buf_printf(b, "%s:%s/%u", v4 ? "ip4" : "ip6", text, v4 ? term->v4 : term->v6);
}

void gp_spf_term_text(const struct gp_spf_term *term, const struct gp_ip *from, struct gp_buf *b)
{
    static const char *const names[] = {
        [GP_SPF_A] = "a", [GP_SPF_MX] = "mx", [GP_SPF_PTR] = "ptr", [GP_SPF_EXISTS] = "exists"};
    if (term->kind == GP_SPF_IP4 || term->kind == GP_SPF_IP6) {
        put_network(term, b);
        return;
    }
    gp_buf_putz(b, names[term->kind]);
    if (term->domain.n > 0)
        gp_buf_putz(b, ":");
    gp_buf_put(b, term->domain);
    unsigned prefix = prefix_of(term, from); /* /0 it takes for an error: see gp_spf_match */
    if ((term->kind == GP_SPF_A || term->kind == GP_SPF_MX) && prefix > 0)
        gp_buf_printf(b, "%s%u", gp_ip_is_v4(from) ? "/" : "//", prefix);
}

/* A request of libspf2's for mail of domain, as it will look at it. */
static bool prepare(const struct gp_spf_matcher *m, SPF_request_t *request, const char *sender)
{
    struct in_addr v4;
    struct in6_addr v6;
    memcpy(&v4, m->from.b + 12, sizeof v4);
    memcpy(&v6, m->from.b, sizeof v6);
    SPF_errcode_t e = gp_ip_is_v4(&m->from) ? SPF_request_set_ipv4(request, v4) : SPF_request_set_ipv6(request, v6);
    if (e != SPF_E_SUCCESS || SPF_request_set_env_from(request, sender) != 0)
        return false;
    request->cur_dom = request->env_from_dp;
    return true;
}

/* Compile and interpret "v=spf1 +term". SPF_request_query_mailfrom would let loopback addresses pass unseen. */
static enum gp_spf_match interpret(struct gp_spf_matcher *m, const char *record, const char *sender)
{
    enum gp_spf_match match = GP_SPF_NOT_JUDGED;
    SPF_request_t *request = SPF_request_new(m->server);
    SPF_response_t *response = request != NULL ? SPF_response_new(request) : NULL;
    SPF_record_t *compiled = NULL;
    if (response == NULL || !prepare(m, request, sender) ||
        SPF_record_compile(m->server, response, &compiled, record) != SPF_E_SUCCESS)
        goto out;
    response->spf_record_exp = compiled;
    SPF_errcode_t e = SPF_record_interpret(compiled, request, response, 0);
    SPF_result_t result = SPF_response_result(response);
    if (e == SPF_E_SUCCESS && result == SPF_RESULT_PASS)
        match = GP_SPF_MATCH;
    else if (e == SPF_E_SUCCESS && result == SPF_RESULT_NEUTRAL)
        match = GP_SPF_NO_MATCH;
out:
    if (compiled != NULL)
        SPF_record_free(compiled);
    if (response != NULL)
        SPF_response_free(response);
    if (request != NULL)
        SPF_request_free(request);
    return match;
}

enum gp_spf_match gp_spf_match(struct gp_spf_matcher *m, const struct gp_spf_term *term, struct gp_str domain)
{
    char text[TERM_MAX], sender[TERM_MAX];
    struct gp_buf record = gp_buf_on(text, sizeof text), from = gp_buf_on(sender, sizeof sender);
    bool network = term->kind == GP_SPF_IP4 || term->kind == GP_SPF_IP6, v4 = gp_ip_is_v4(&m->from);
    bool any = prefix_of(term, &m->from) == 0;

    if (network && (term->kind == GP_SPF_IP4) != v4)
        return GP_SPF_NO_MATCH;
    if (network && any)
        return GP_SPF_MATCH;
    gp_buf_putz(&record, "v=spf1 +");
    gp_spf_term_text(term, &m->from, &record);
    gp_buf_putz(&from, "postmaster@");
    gp_buf_put(&from, domain);
    if (m->spare == NULL)
        m->spare = SPF_dns_rr_new_init(&m->layer, NULL, ns_t_any, 0, TRY_AGAIN);
    if (record.full || from.full || m->spare == NULL)
        return GP_SPF_NOT_JUDGED;
    m->addresses = 0;
    enum gp_spf_match match = interpret(m, text, sender);
    /* a and mx with /0: any address there is will do */
    return match == GP_SPF_NO_MATCH && any && m->addresses > 0 ? GP_SPF_MATCH : match;
}
