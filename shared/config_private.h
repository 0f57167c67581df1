/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * config_private.h - how the parts of the configuration loader work together; only they and their tests include it
 *
 * config_file    folder and files -> bytes -> libconfig trees
 * config_keys_*  the one table of keys: name, form, default, what would be right, which setter, what manuals say
 * config_schema  look-ups in it
 * config_value   setters: the text of one value -> a field
 * config_text    the judgement behind them: is a value of this form? (pure)
 * config_agency  all files -> struct gp_config, with
 * config_read      a group along the schema
 * config_limits    a limits group
 * config_auth    the key that Dovecot must show
 * config_dkim    the keys that sign: a group read, its key loaded, which of them sign a message
 * config_feedback  what comes back: setters, mailboxes, defaults
 * config_check   what can only be judged with everything read: twice, too large, colliding
 * config         load, free, look-ups
 */
#ifndef GP_SHARED_CONFIG_PRIVATE_H
#define GP_SHARED_CONFIG_PRIVATE_H

#include "shared/config.h"

#include <libconfig.h>

#define GP_NO_AGENCY SIZE_MAX
#define GP_CONFIG_FILE_MAX (16u << 20) /* octets of one file */
#define GP_CONFIG_PATH_MAX 128         /* "dol.limits.rate" with its NUL */
#define GP_GIVEN_MAX 128               /* octets of what was given that a fault repeats */

/* One file: its bytes and, when parsed, its tree. */
struct gp_conf_file {
    const char *name; /* owned by config->index */
    char *text;
    size_t n;
    size_t *line_at; /* offsets of the lines of text */
    size_t lines;
    bool opened; /* tree must be destroyed */
    bool parsed;
    config_t tree;
};

/* What may stand once only, and where it stands. */
enum gp_claim_kind {
    GP_CLAIM_AGENCY, /* first, so that the rest of an agency defined twice can be passed over */
    GP_CLAIM_LIMITS,
    GP_CLAIM_ADDRESS,
    GP_CLAIM_LOGIN,
    GP_CLAIM_DOMAIN, /* once in an agency */
    GP_CLAIM_EGRESS,
    GP_CLAIM_COUNTERS,
    GP_CLAIM_DNS,
    GP_CLAIM_LISTEN,
    GP_CLAIM_SELECTOR, /* once in a list of keys: an agency's, or the relay's */
    GP_CLAIM_MAILBOX,
    GP_CLAIM_STREAM /* once in an agency */
};

struct gp_claim {
    enum gp_claim_kind kind;
    size_t agency; /* its number while reading; GP_NO_AGENCY: none */
    size_t order;  /* in which they were read */
    bool test;     /* an address of a test window */
    char *what, *path;
    const struct gp_conf_file *file;
    unsigned line;
    const struct gp_claim *first; /* the same thing, read before */
};

/* One load. */
struct gp_load {
    struct gp_config *c;
    struct gp_faults *faults;
    struct gp_conf_file *files; /* [0] is gatepost.conf */
    size_t files_n;
    struct gp_claim *claims;
    size_t claims_n, claims_cap;
    size_t agencies_cap;
    bool no_memory;
    const struct gp_conf_file *size_file; /* where the default message_size was set, NULL: nowhere */
    unsigned size_line;
};

enum gp_scope { GP_SCOPE_TOP, GP_SCOPE_AGENCY, GP_SCOPE_DKIM, GP_SCOPE_TEST, GP_SCOPE_MAILBOX };
enum gp_form { GP_FORM_TEXT, GP_FORM_LIST, GP_FORM_LIMITS, GP_FORM_DKIM, GP_FORM_TESTS, GP_FORM_MAILBOXES };

/* One value being set: what a setter knows. */
struct gp_spot {
    struct gp_load *load;
    const struct gp_conf_file *file;
    unsigned line;
    const char *path; /* of the key */
    size_t agency;    /* number, GP_NO_AGENCY: none */
    void *target;     /* struct gp_config, gp_agency, gp_dkim_key, gp_test_window or gp_pop3_mailbox */
    void *field;      /* in target, at the key's offset */
};

/* gp_setter - read one text into at->field; a list's setter appends
 * Returns NULL, or what is wrong: "not a host name", or with its own advice "is a network: list each address".
 */
typedef const char *gp_setter(const struct gp_spot *at, struct gp_str s);

/* All that is known of a setting. Its texts for people are plain, with mdoc macros in braces: "see {Xr postconf 5}." */
struct gp_key {
    enum gp_scope scope;
    enum gp_form form;
    const char *name;
    bool needed;          /* must stand there; a list must hold something */
    const char *standard; /* text when the key is absent, a list's with commas between; NULL: nothing */
    const char *right;    /* "must be ...": in a fault, and in gatepost.conf(5) */
    gp_setter *set;
    size_t offset;
    const char *manual;  /* what it means: sentences; not what right, the default or a reload say of it */
    const char *absent;  /* without a default: what holds then, after "Default:" */
    const char *sample;  /* value in the sample file, in the form of standard, which it is if NULL; of a group: its source */
    bool advised;        /* stands in the sample as it is, the others commented out */
    const char *note;    /* comment beside it, or NULL */
    const char *heading; /* comment above it, which begins a paragraph of the sample, or NULL */
};

/* config_file.c */
/* gp_config_files - read and parse path and agencies.d beside it into l->files; faults go to l->faults */
void gp_config_files(struct gp_load *l, const char *path);
void gp_config_files_free(struct gp_load *l);
/* gp_conf_line - line number `line` (from 1) without its end; empty when there is none */
struct gp_str gp_conf_line(const struct gp_conf_file *f, unsigned line);

/* config_schema.c */
/* gp_config_key_at - every row in turn; NULL after the last */
const struct gp_key *gp_config_key_at(size_t i);
const struct gp_key *gp_config_key(enum gp_scope scope, struct gp_str name);
/* gp_config_nearest - the known name a misspelt one may mean; NULL when none is near. limits: among limit names. */
const char *gp_config_nearest(enum gp_scope scope, bool limits, struct gp_str name);

/* config_text.c */
/* gp_conf_all_of - 1..max ASCII letters, digits and octets of extra */
bool gp_conf_all_of(struct gp_str s, const char *extra, size_t max);
/* gp_conf_text_line - 1..max octets of UTF-8 without control characters */
bool gp_conf_text_line(struct gp_str s, size_t max);
/* gp_conf_path - an absolute path of at most max octets that names no folder by a slash at its end */
bool gp_conf_path(struct gp_str s, size_t max);
/* gp_conf_word - its place in a NULL-terminated list, or -1 */
int gp_conf_word(struct gp_str s, const char *const *words);
/* gp_conf_host_port - "host:1" to "host:65535"; an IPv6 address stands in brackets */
bool gp_conf_host_port(struct gp_str s);
/* gp_conf_url - NULL for https://host[:port][/path], else what is wrong */
const char *gp_conf_url(struct gp_str s);
/* gp_conf_time - "2026-12-10T08:00Z", from the year 2000 on */
bool gp_conf_time(struct gp_str s, struct gp_moment *out);

/* config_value.c */
gp_setter gp_set_host, gp_set_return_path, gp_set_url, gp_set_egress, gp_set_server, gp_set_prefix, gp_set_on_loss,
    gp_set_path, gp_set_auth_listen, gp_set_drain, gp_set_ceiling, gp_set_sender_reply, gp_set_listen, gp_set_name, gp_set_log,
    gp_set_log_format, gp_set_unsubscribe, gp_set_yes_no, gp_set_spf, gp_set_dns_server;
gp_setter gp_set_contact, gp_set_production, gp_set_standby, gp_set_login, gp_set_domain;
gp_setter gp_set_dkim_domain, gp_set_selector, gp_set_why, gp_set_test_address, gp_set_messages, gp_set_time;

/* config_read.c */
/* A group being read: where it stands and what it fills. */
struct gp_group {
    struct gp_load *load;
    const struct gp_conf_file *file;
    enum gp_scope scope;
    const char *prefix; /* of the paths of its keys: "", "dol.", "dol.dkim." */
    size_t agency;
    void *target;
};

/* gp_config_read_group - every key of the group s, which stands at line (0: the file itself); then defaults */
void gp_config_read_group(const struct gp_group *g, const config_setting_t *s, unsigned line);

/* Foreign text as it may stand in a fault. */
struct gp_shown {
    char text[GP_GIVEN_MAX];
};
struct gp_shown gp_conf_show(struct gp_str s);
/* gp_conf_join - "dol." and "contact" to "dol.contact" */
void gp_conf_join(char out[GP_CONFIG_PATH_MAX], const char *prefix, const char *name);
/* gp_conf_element_line - the line of one element of a list */
unsigned gp_conf_element_line(const struct gp_conf_file *f, const config_setting_t *list,
                              const config_setting_t *element);
/* gp_conf_wrong_form - a fault: the setting is not the text, list or group that its key asks for */
void gp_conf_wrong_form(const struct gp_spot *at, const config_setting_t *s, const char *right);

/* config_limits.c */
/* gp_config_read_limits - the limits group s into the struct gp_limits at->field */
void gp_config_read_limits(const struct gp_spot *at, const config_setting_t *s, const char *right);

/* config_agency.c */
/* gp_config_read - from the parsed files into l->c */
void gp_config_read(struct gp_load *l);

/* config_auth.c */
/* gp_config_auth - read auth_key's file into l->c->auth_secret */
void gp_config_auth(struct gp_load *l);

/* config_dkim.c */
gp_setter gp_set_dkim_key, gp_set_on_unsigned, gp_set_client_signatures;
/* gp_config_read_dkim - the group s, which stands at at->line, as one more key of the list that target holds */
void gp_config_read_dkim(const struct gp_spot *at, const config_setting_t *s, const char *prefix);
/* gp_config_dkim - what can be judged only with all keys read */
void gp_config_dkim(struct gp_load *l);
/* config_feedback.c */
gp_setter gp_set_keep, gp_set_mail_log, gp_set_place, gp_set_dictionary, gp_set_count, gp_set_retest, gp_set_stream,
    gp_set_pop3_name, gp_set_pop3_url, gp_set_pop3_user, gp_set_every;
/* gp_config_read_mailboxes - a list of groups, each one more mailbox */
void gp_config_read_mailboxes(const struct gp_spot *at, const config_setting_t *list, const struct gp_key *key);
/* gp_config_feedback - the default operator, the mailboxes' passwords */
void gp_config_feedback(struct gp_load *l);
void gp_config_feedback_free(struct gp_config *c);

/* config_check.c */
/* gp_config_check - everything that concerns more than one key */
void gp_config_check(struct gp_load *l);
/* gp_claim - remember that this stands here; a second place is found by gp_config_check */
void gp_claim(const struct gp_spot *at, enum gp_claim_kind kind, const char *what, bool test);
void gp_claims_free(struct gp_load *l);

/* config.c */
struct gp_config_index {
    char **files; /* names */
    size_t files_n;
    size_t addresses_n, logins_n, tests_n;
    struct gp_by_address {
        struct gp_ip ip;
        size_t agency;
    } * address;
    struct gp_by_login {
        struct gp_str login;
        size_t agency;
    } * login;
    struct gp_by_test { /* sorted by address, then by when they begin */
        struct gp_ip ip;
        size_t agency;
        const struct gp_test_window *window;
    } * test;
    struct gp_by_token {
        uint32_t hash;
        size_t agency;
    } * token[GP_KEYS_MAX]; /* NULL or agencies_n of them */
};
/* gp_config_index_build - sort agencies and fill the index; false when out of memory or OpenSSL fails */
bool gp_config_index_build(struct gp_config *c);
/* gp_config_strings_add - append a copy; false when out of memory */
bool gp_config_strings_add(struct gp_strings *list, struct gp_str s);
/* gp_config_copy - a NUL-terminated copy; NULL when out of memory */
char *gp_config_copy(struct gp_str s);

#endif
