/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * config_value.c - setters: the text of one value, judged and stored; see struct gp_key
 */
#include "shared/config_private.h"

#include "shared/address.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define PATH_MAX_OCTETS 1023
#define NAME_MAX_OCTETS 32
#define LOGIN_MAX 255
#define WHY_MAX 200
#define SRS_TAIL 34 /* letter, token and @ before the domain of a return path */
#define RETURN_PATH_MAX (GP_ADDRESS_MAX - SRS_TAIL)

_Static_assert(sizeof((struct sockaddr_un){0}.sun_path) == 108, "the advice of the schema names this bound");

static const char *store(const struct gp_spot *at, struct gp_str s)
{
    char **field = at->field;
    free(*field);
    *field = gp_config_copy(s);
    if (*field == NULL)
        at->load->no_memory = true;
    return NULL;
}

/* store_lower - s is at most GP_DOMAIN_MAX + 1 octets */
static const char *store_lower(const struct gp_spot *at, struct gp_str s)
{
    char text[GP_DOMAIN_MAX + 2];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    gp_buf_put_lower(&b, s);
    return store(at, gp_buf_str(&b));
}

static void append(const struct gp_spot *at, struct gp_strings *list, struct gp_str s)
{
    if (!gp_config_strings_add(list, s))
        at->load->no_memory = true;
}

const char *gp_set_host(const struct gp_spot *at, struct gp_str s)
{
    return gp_domain_valid(s, false) ? store(at, s) : "not a host name";
}

const char *gp_set_return_path(const struct gp_spot *at, struct gp_str s)
{
    if (!gp_domain_valid(s, false))
        return "not a domain";
    if (s.n > RETURN_PATH_MAX)
        return "too long for a return path (token, @ and domain are at most 254 octets)";
    return store_lower(at, s);
}

const char *gp_set_url(const struct gp_spot *at, struct gp_str s)
{
    while (s.n > 0 && s.p[s.n - 1] == '/')
        s.n--;
    const char *why = gp_conf_url(s);
    return why != NULL ? why : store(at, s);
}

const char *gp_set_egress(const struct gp_spot *at, struct gp_str s)
{
    struct gp_config *c = at->load->c;
    struct gp_ip ip;
    char text[GP_IP_TEXT];
    const char *why = gp_ip_parse_entry(s, &ip);
    if (why != NULL)
        return why;
    struct gp_ip *list = realloc(c->egress, (c->egress_n + 1) * sizeof *list);
    if (list == NULL) {
        at->load->no_memory = true;
        return NULL;
    }
    c->egress = list;
    c->egress[c->egress_n++] = ip;
    gp_ip_text(&ip, text);
    gp_claim(at, GP_CLAIM_EGRESS, text, false);
    return NULL;
}

/* A name would have to be looked up where nothing may block. */
static bool numeric_server(struct gp_str s)
{
    struct gp_ip ip;
    size_t n = s.n;
    if (!gp_conf_host_port(s))
        return false;
    while (s.p[n - 1] != ':')
        n--;
    struct gp_str host = {s.p, n - 1};
    if (host.n > 2 && host.p[0] == '[')
        host = (struct gp_str){host.p + 1, host.n - 2};
    return gp_str_eq(host, GP_STR("localhost")) || gp_ip_parse(host, &ip);
}

const char *gp_set_server(const struct gp_spot *at, struct gp_str s)
{
    if (s.n > 0 && s.p[0] == '/' ? !gp_conf_path(s, 107) : !numeric_server(s))
        return "neither a path of less than 108 octets nor address:port";
    append(at, &at->load->c->counters, s);
    struct gp_strings *list = &at->load->c->counters;
    if (list->n > 0)
        gp_claim(at, GP_CLAIM_COUNTERS, list->v[list->n - 1], false);
    return NULL;
}

const char *gp_set_prefix(const struct gp_spot *at, struct gp_str s)
{
    return gp_conf_all_of(s, "_.-", 16) ? store(at, s) : "not a prefix";
}

const char *gp_set_on_loss(const struct gp_spot *at, struct gp_str s)
{
    static const char *const words[] = {"local", "open", "closed", NULL};
    int i = gp_conf_word(s, words);
    if (i < 0)
        return "unknown word";
    *(enum gp_on_loss *)at->field = (enum gp_on_loss)i;
    return NULL;
}

const char *gp_set_path(const struct gp_spot *at, struct gp_str s)
{
    return gp_conf_path(s, PATH_MAX_OCTETS) ? store(at, s) : "not an absolute path";
}

const char *gp_set_drain(const struct gp_spot *at, struct gp_str s)
{
    uint64_t v;
    if (!gp_str_seconds(s, 86400, &v))
        return "not a time, or out of range";
    *(uint64_t *)at->field = v * 1000;
    return NULL;
}

const char *gp_set_ceiling(const struct gp_spot *at, struct gp_str s)
{
    uint64_t v;
    if (!gp_str_size(s, UINT64_C(1) << 30, &v) || v < 1024)
        return "not a size, or out of range";
    *(uint64_t *)at->field = v;
    return NULL;
}

const char *gp_set_sender_reply(const struct gp_spot *at, struct gp_str s)
{
    static const char *const words[] = {"defer", "reject", NULL};
    int i = gp_conf_word(s, words);
    if (i < 0)
        return "unknown word";
    *(bool *)at->field = i == 1;
    return NULL;
}

const char *gp_set_listen(const struct gp_spot *at, struct gp_str s)
{
    struct gp_str kind, rest = s;
    gp_str_split(&rest, ':', &kind);
    bool path = gp_str_eq(kind, GP_STR("unix")) && gp_conf_path(rest, 107);
    bool port = gp_str_eq(kind, GP_STR("inet")) && gp_conf_host_port(rest);
    if (!path && !port)
        return "not a place to listen at";
    store(at, s);
    const char *kept = *(char **)at->field;
    if (kept != NULL)
        gp_claim(at, GP_CLAIM_LISTEN, kept, false);
    return NULL;
}

/* Anybody who reaches it could have an address banned. */
const char *gp_set_auth_listen(const struct gp_spot *at, struct gp_str s)
{
    struct gp_str v4 = GP_STR("127."), v6 = GP_STR("[::1]:"), name = GP_STR("localhost:");
    char place[64];
    struct gp_buf b = gp_buf_on(place, sizeof place);
    bool loopback = gp_str_starts_nocase(s, v4) || gp_str_starts_nocase(s, v6) || gp_str_starts_nocase(s, name);
    if (!loopback || !numeric_server(s))
        return "not a port on loopback";
    gp_buf_printf(&b, "inet:%.*s", GP_STR_FMT(s));
    gp_claim(at, GP_CLAIM_LISTEN, place, false);
    return store(at, s);
}

const char *gp_set_name(const struct gp_spot *at, struct gp_str s)
{
    if (!gp_conf_all_of(s, "_.-", NAME_MAX_OCTETS) || s.p[0] == '-' || s.p[0] == '.' ||
        (s.p[0] >= '0' && s.p[0] <= '9'))
        return "not a name";
    return store(at, s);
}

const char *gp_set_log(const struct gp_spot *at, struct gp_str s)
{
    static const char *const words[] = {"syslog", "stderr", NULL};
    int i = gp_conf_word(s, words);
    if (i < 0)
        return "unknown word";
    *(enum gp_log_target *)at->field = (enum gp_log_target)i;
    return NULL;
}

const char *gp_set_log_format(const struct gp_spot *at, struct gp_str s)
{
    static const char *const words[] = {"text", "json", NULL};
    int i = gp_conf_word(s, words);
    if (i < 0)
        return "unknown word";
    *(enum gp_log_format *)at->field = (enum gp_log_format)i;
    return NULL;
}

const char *gp_set_unsubscribe(const struct gp_spot *at, struct gp_str s)
{
    static const char *const words[] = {"keep", "replace", "append", "none", NULL};
    int i = gp_conf_word(s, words);
    if (i < 0)
        return "unknown word";
    *(enum gp_unsubscribe *)at->field = (enum gp_unsubscribe)i;
    return NULL;
}

const char *gp_set_yes_no(const struct gp_spot *at, struct gp_str s)
{
    static const char *const words[] = {"no", "yes", NULL};
    int i = gp_conf_word(s, words);
    if (i < 0)
        return "unknown word";
    *(bool *)at->field = i == 1;
    return NULL;
}

static const char *const spf_words[] = {[GP_SPF_OFF] = "off",      [GP_SPF_TAG] = "tag",        [GP_SPF_WARN] = "warn",
                                        [GP_SPF_DEFERS] = "defer", [GP_SPF_REJECTS] = "reject", NULL};

const char *gp_spf_mode_word(enum gp_spf_mode mode)
{
    return spf_words[mode];
}

const char *gp_set_spf(const struct gp_spot *at, struct gp_str s)
{
    int i = gp_conf_word(s, spf_words);
    if (i < 0)
        return "unknown word";
    *(enum gp_spf_mode *)at->field = (enum gp_spf_mode)i;
    return NULL;
}

/* Kept with its port. */
const char *gp_set_dns_server(const struct gp_spot *at, struct gp_str s)
{
    char text[GP_IP_TEXT + sizeof "[]:65535"];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    struct gp_strings *list = &at->load->c->dns_servers;
    gp_buf_put(&b, s);
    if (!numeric_server(s))
        gp_buf_putz(&b, ":53");
    if (b.full || !numeric_server(gp_buf_str(&b)) || gp_str_starts_nocase(s, GP_STR("localhost")))
        return "neither an address nor address:port";
    append(at, list, gp_buf_str(&b));
    gp_claim(at, GP_CLAIM_DNS, text, false);
    return NULL;
}

const char *gp_set_contact(const struct gp_spot *at, struct gp_str s)
{
    struct gp_mailbox mailbox;
    const char *why = gp_mailbox_parse(s, true, &mailbox);
    return why != NULL ? why : store(at, s);
}

static const char *add_address(const struct gp_spot *at, struct gp_str s, enum gp_role role)
{
    struct gp_agency *a = at->target;
    struct gp_ip ip;
    char text[GP_IP_TEXT];
    const char *why = gp_ip_parse_entry(s, &ip);
    if (why != NULL)
        return why;
    struct gp_agency_address *list = realloc(a->address, (a->addresses + 1) * sizeof *list);
    if (list == NULL) {
        at->load->no_memory = true;
        return NULL;
    }
    a->address = list;
    a->address[a->addresses++] = (struct gp_agency_address){ip, role};
    gp_ip_text(&ip, text);
    gp_claim(at, GP_CLAIM_ADDRESS, text, false);
    return NULL;
}

const char *gp_set_production(const struct gp_spot *at, struct gp_str s)
{
    return add_address(at, s, GP_ROLE_PRODUCTION);
}

const char *gp_set_standby(const struct gp_spot *at, struct gp_str s)
{
    return add_address(at, s, GP_ROLE_STANDBY);
}

const char *gp_set_login(const struct gp_spot *at, struct gp_str s)
{
    struct gp_agency *a = at->target;
    if (!gp_conf_text_line(s, LOGIN_MAX) || gp_str_find(s, ' ') < s.n)
        return "not a user name";
    append(at, &a->logins, s);
    if (a->logins.n > 0)
        gp_claim(at, GP_CLAIM_LOGIN, a->logins.v[a->logins.n - 1], false);
    return NULL;
}

const char *gp_set_domain(const struct gp_spot *at, struct gp_str s)
{
    struct gp_agency *a = at->target;
    char text[GP_DOMAIN_MAX + 2];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    struct gp_str bare = s;
    if (s.n > 0 && s.p[0] == '.')
        bare = (struct gp_str){s.p + 1, s.n - 1};
    if (!gp_domain_valid(bare, true))
        return "not a domain";
    gp_buf_put_lower(&b, s);
    append(at, &a->sender_domains, gp_buf_str(&b));
    gp_claim(at, GP_CLAIM_DOMAIN, text, false);
    return NULL;
}

const char *gp_set_dkim_domain(const struct gp_spot *at, struct gp_str s)
{
    return gp_domain_valid(s, false) ? store_lower(at, s) : "not a domain";
}

const char *gp_set_selector(const struct gp_spot *at, struct gp_str s)
{
    return s.n <= GP_DKIM_SELECTOR_MAX && gp_domain_valid(s, false) ? store_lower(at, s) : "not a name in the DNS";
}

const char *gp_set_why(const struct gp_spot *at, struct gp_str s)
{
    return gp_conf_text_line(s, WHY_MAX) ? store(at, s) : "not one line of 1 to 200 octets";
}

const char *gp_set_test_address(const struct gp_spot *at, struct gp_str s)
{
    struct gp_ip *ip = at->field;
    char text[GP_IP_TEXT];
    const char *why = gp_ip_parse_entry(s, ip);
    if (why != NULL)
        return why;
    gp_ip_text(ip, text);
    gp_claim(at, GP_CLAIM_ADDRESS, text, true);
    return NULL;
}

const char *gp_set_messages(const struct gp_spot *at, struct gp_str s)
{
    uint64_t *v = at->field;
    return gp_str_u64(s, 1000000000, v) && *v > 0 ? NULL : "not a number, or out of range";
}

const char *gp_set_time(const struct gp_spot *at, struct gp_str s)
{
    return gp_conf_time(s, at->field) ? NULL : "not a time";
}
