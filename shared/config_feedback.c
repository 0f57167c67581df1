/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * config_feedback.c - settings of what comes back: where it arrives, what becomes of it, mailboxes on other hosts
 */
#include "shared/config_private.h"

#include "shared/secret_file.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#define DAY_S 86400
#define DAYS_MAX 3650
#define PATH_MAX_OCTETS 1023
#define USER_MAX 255
#define MAILBOXES_MAX 64

static const char *keep(const struct gp_spot *at, char **field, struct gp_str s)
{
    free(*field);
    *field = gp_config_copy(s);
    if (*field == NULL)
        at->load->no_memory = true;
    return NULL;
}

/* whole_days - 1..DAYS_MAX of them; 0 for anything else */
static unsigned whole_days(struct gp_str s)
{
    uint64_t v;
    return gp_str_seconds(s, (uint64_t)DAYS_MAX * DAY_S, &v) && v % DAY_S == 0 ? (unsigned)(v / DAY_S) : 0;
}

const char *gp_set_keep(const struct gp_spot *at, struct gp_str s)
{
    unsigned days = whole_days(s);
    *(uint64_t *)at->field = (uint64_t)days * DAY_S * 1000;
    return days > 0 ? NULL : "not whole days, or out of range";
}

const char *gp_set_mail_log(const struct gp_spot *at, struct gp_str s)
{
    if (s.n > 0 && !gp_str_eq(s, GP_STR("journal")) && !gp_conf_path(s, PATH_MAX_OCTETS))
        return "neither an absolute path nor \"journal\"";
    return keep(at, at->field, s);
}

const char *gp_set_place(const struct gp_spot *at, struct gp_str s)
{
    struct gp_str kind, rest = s;
    gp_str_split(&rest, ':', &kind);
    if (!(gp_str_eq(kind, GP_STR("unix")) && gp_conf_path(rest, 107)) &&
        !(gp_str_eq(kind, GP_STR("inet")) && gp_conf_host_port(rest)))
        return "not a place to send to";
    return keep(at, at->field, s);
}

const char *gp_set_dictionary(const struct gp_spot *at, struct gp_str s)
{
    if (!gp_conf_path(s, PATH_MAX_OCTETS))
        return "not an absolute path";
    if (!gp_config_strings_add(&at->load->c->dictionaries, s))
        at->load->no_memory = true;
    return NULL;
}

const char *gp_set_count(const struct gp_spot *at, struct gp_str s)
{
    uint64_t v;
    if (!gp_str_u64(s, 100, &v) || v == 0)
        return "not a number, or out of range";
    *(unsigned *)at->field = (unsigned)v;
    return NULL;
}

const char *gp_set_retest(const struct gp_spot *at, struct gp_str s)
{
    struct gp_suppression_rules *rules = &at->load->c->suppression;
    unsigned days = whole_days(s);
    if (days == 0)
        return "not whole days, or out of range";
    if (rules->hard_steps == GP_SUPPRESSION_STEPS_MAX)
        return "one too many";
    rules->hard_days[rules->hard_steps++] = days;
    return NULL;
}

const char *gp_set_stream(const struct gp_spot *at, struct gp_str s)
{
    struct gp_agency *a = at->target;
    if (!gp_stream_valid(s))
        return "not a name";
    if (!gp_config_strings_add(&a->streams, s))
        at->load->no_memory = true;
    else
        gp_claim(at, GP_CLAIM_STREAM, a->streams.v[a->streams.n - 1], false);
    return NULL;
}

const char *gp_set_pop3_name(const struct gp_spot *at, struct gp_str s)
{
    char **field = at->field;
    if (!gp_conf_all_of(s, "-_", GP_POP3_NAME_MAX))
        return "not a name";
    keep(at, field, s);
    if (*field != NULL)
        gp_claim(at, GP_CLAIM_MAILBOX, *field, false);
    return NULL;
}

/* gp_conf_url knows the form of host and port; a mailbox has no path. */
const char *gp_set_pop3_url(const struct gp_spot *at, struct gp_str s)
{
    char https[512];
    struct gp_buf b = gp_buf_on(https, sizeof https);
    struct gp_str schemes[] = {GP_STR("pop3s://"), GP_STR("pop3://")}, host = {0};
    for (size_t i = 0; i < 2; i++) {
        if (gp_str_starts_nocase(s, schemes[i]))
            host = (struct gp_str){s.p + schemes[i].n, s.n - schemes[i].n};
    }
    if (host.n > 0 && host.p[host.n - 1] == '/')
        host.n--;
    gp_buf_printf(&b, "https://%.*s", GP_STR_FMT(host));
    if (host.n == 0 || b.full || gp_str_find(host, '/') < host.n || gp_conf_url(gp_buf_str(&b)) != NULL)
        return "not the URL of a mailbox";
    return keep(at, at->field, s);
}

const char *gp_set_pop3_user(const struct gp_spot *at, struct gp_str s)
{
    return gp_conf_text_line(s, USER_MAX) ? keep(at, at->field, s) : "not a user's name";
}

const char *gp_set_every(const struct gp_spot *at, struct gp_str s)
{
    uint64_t v;
    if (!gp_str_seconds(s, DAY_S, &v) || v == 0)
        return "not a time, or out of range";
    *(uint64_t *)at->field = v * 1000;
    return NULL;
}

static void mailbox_free(struct gp_pop3_mailbox *m)
{
    char *texts[] = {m->name, m->url, m->user, m->password_file, m->ca_file};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
    OPENSSL_cleanse(m->password, sizeof m->password);
}

void gp_config_read_mailboxes(const struct gp_spot *at, const config_setting_t *list, const struct gp_key *key)
{
    struct gp_config *c = at->load->c;
    if (config_setting_type(list) != CONFIG_TYPE_LIST) {
        gp_conf_wrong_form(at, list, key->right);
        return;
    }
    for (int i = 0; i < config_setting_length(list); i++) {
        const config_setting_t *e = config_setting_get_elem(list, (unsigned)i);
        struct gp_spot one = *at;
        one.line = config_setting_source_line(e);
        if (config_setting_type(e) != CONFIG_TYPE_GROUP || c->mailboxes_n == MAILBOXES_MAX) {
            gp_conf_wrong_form(&one, e, key->right);
            continue;
        }
        struct gp_pop3_mailbox *grown = realloc(c->mailbox, (c->mailboxes_n + 1) * sizeof *grown);
        if (grown == NULL) {
            at->load->no_memory = true;
            return;
        }
        c->mailbox = grown;
        struct gp_pop3_mailbox *m = &c->mailbox[c->mailboxes_n++];
        *m = (struct gp_pop3_mailbox){0};
        struct gp_group g = {at->load, at->file, GP_SCOPE_MAILBOX, "mailboxes.", GP_NO_AGENCY, m};
        gp_config_read_group(&g, e, one.line);
    }
}

/* A password is one line; POP3 sends it in one. */
static void read_password(struct gp_load *l, struct gp_pop3_mailbox *m)
{
    char text[GP_POP3_PASSWORD_MAX + 2];
    if (m->password_file == NULL)
        return;
    ssize_t n = gp_secret_read(m->password_file, "password_file", NULL, text, sizeof text, l->faults);
    if (n < 0)
        return;
    struct gp_str s = {text, (size_t)n};
    while (s.n > 0 && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
        s.n--;
    if (gp_conf_text_line(s, GP_POP3_PASSWORD_MAX))
        memcpy(m->password, s.p, s.n);
    else
        gp_fault(l->faults, m->password_file, 0, "password_file: not a password, must be one line of 1 to 255 octets");
    OPENSSL_cleanse(text, sizeof text);
}

/* default_operator - postmaster of this relay */
static void default_operator(struct gp_load *l)
{
    struct gp_config *c = l->c;
    char text[GP_FAULT_TEXT_MAX];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    gp_buf_printf(&b, "postmaster@%s", c->relay_name != NULL ? c->relay_name : "");
    if (c->operator_to == NULL && (c->operator_to = gp_config_copy(gp_buf_str(&b))) == NULL)
        l->no_memory = true;
}

void gp_config_feedback(struct gp_load *l)
{
    for (size_t i = 0; i < l->c->mailboxes_n; i++)
        read_password(l, &l->c->mailbox[i]);
    default_operator(l);
}

void gp_config_feedback_free(struct gp_config *c)
{
    char *texts[] = {c->feedback_listen, c->archive, c->maildir, c->mail_log, c->operator_to, c->notices};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
    for (size_t i = 0; i < c->mailboxes_n; i++)
        mailbox_free(&c->mailbox[i]);
    free(c->mailbox);
}

bool gp_config_our_address(const struct gp_config *c, struct gp_str address)
{
    size_t at = gp_str_find(address, '@');
    struct gp_str domain = at < address.n ? (struct gp_str){address.p + at + 1, address.n - at - 1} : address;
    return gp_str_eq_nocase(domain, gp_str_z(c->return_path)) || gp_str_eq_nocase(domain, gp_str_z(c->relay_name));
}
