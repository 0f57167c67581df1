/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * config.h - gatepost.conf and agencies.d: read, check everything, then one immutable value
 *
 * The file syntax is libconfig's; gatepost.conf(5). Loading reports all faults of all files in one run. A loaded
 * configuration never changes; any thread may read it. Threads: load from one thread at a time.
 */
#ifndef GP_SHARED_CONFIG_H
#define GP_SHARED_CONFIG_H

#include "shared/dkim_key.h"
#include "shared/fault.h"
#include "shared/ip.h"
#include "shared/keyring.h"
#include "shared/limit.h"
#include "shared/str.h"
#include "shared/suppression.h"

#define GP_AGENCY_NAME_MAX 32 /* octets of an agency's name: a letter, then letters, digits, '-' and '_' */
#define GP_ALLOWANCE_MAX 96   /* octets of the name of what is counted together */
#define GP_MOMENT_TEXT 18     /* "2026-12-10T08:00Z" with its NUL */

#define GP_AUTH_SECRET_MAX 128

enum gp_on_loss { GP_LOSS_LOCAL, GP_LOSS_OPEN, GP_LOSS_CLOSED };
enum gp_unsubscribe { GP_UNSUBSCRIBE_KEEP, GP_UNSUBSCRIBE_REPLACE, GP_UNSUBSCRIBE_APPEND, GP_UNSUBSCRIBE_NONE };
enum gp_spf_mode { GP_SPF_OFF, GP_SPF_TAG, GP_SPF_WARN, GP_SPF_DEFERS, GP_SPF_REJECTS };
enum gp_client_signatures { GP_CLIENT_SIGNATURES_AUTO, GP_CLIENT_SIGNATURES_KEEP, GP_CLIENT_SIGNATURES_REMOVE };
enum gp_role { GP_ROLE_PRODUCTION, GP_ROLE_STANDBY };
enum gp_log_target { GP_LOG_SYSLOG, GP_LOG_STDERR };
enum gp_log_format { GP_LOG_TEXT, GP_LOG_JSON };

struct gp_strings {
    size_t n;
    char **v; /* NUL-terminated */
};

struct gp_agency_address {
    struct gp_ip ip;
    enum gp_role role;
};

struct gp_agency {
    char name[GP_AGENCY_NAME_MAX + 1];
    char *contact;
    const char *file; /* where it stands */
    unsigned line;
    size_t addresses;
    struct gp_agency_address *address;
    struct gp_strings logins;
    struct gp_strings sender_domains; /* lower case; "dol.gov" or ".dol.gov" */
    struct gp_limits limits;          /* defaults already laid under */
    enum gp_unsubscribe unsubscribe;
    bool check_from; /* the From header's domains too */
    size_t dkim_n;
    struct gp_dkim_key *dkim;
    enum gp_spf_mode spf;
    enum gp_client_signatures client_signatures;
    bool send_unsigned; /* on_unsigned = "send" */
    size_t tests;
    struct gp_test_window *test;         /* as they stand in the file */
    const struct gp_test_window *window; /* NULL, but in a window's `acting` */
    struct gp_strings streams;           /* names of its mail streams, in the order of the file */
};

struct gp_moment {
    uint64_t ms; /* since 1970 */
    char text[GP_MOMENT_TEXT];
};

/* One address may send up to so many messages between two moments, apart from production. shared/test_window.h */
struct gp_test_window {
    char allowance[GP_ALLOWANCE_MAX + 1]; /* "dol:192.0.2.99:2026-12-10T08:00Z": a longer window stays the same one */
    char *why;
    struct gp_ip address;
    uint64_t messages;
    struct gp_moment from, until; /* from <= now < until */
    unsigned line;
    /* The agency in this window: everything as the agency has it (and owned by it), but its package is the window's
     * messages, and what it uses is counted under the window's allowance.
     */
    struct gp_agency acting;
};

#define GP_POP3_NAME_MAX 32
#define GP_POP3_PASSWORD_MAX 255

/* A mailbox on another host that is read by POP3. */
struct gp_pop3_mailbox {
    char *name;
    char *url; /* "pop3s://host[:port]/" or "pop3://host[:port]/" */
    char *user, *password_file;
    char *ca_file; /* NULL: those that the system trusts */
    uint64_t every_ms;
    char password[GP_POP3_PASSWORD_MAX + 1];
};

struct gp_config {
    char *path; /* of gatepost.conf */
    char *relay_name;
    char *return_path; /* lower case */
    char *public_url;  /* without trailing slash; NULL: no https unsubscribe is promised */
    size_t egress_n;
    struct gp_ip *egress;
    struct gp_strings counters; /* empty: in-process */
    char *counters_prefix;
    enum gp_on_loss on_counter_loss;
    char *database;
    char *token_keys;
    uint64_t drain_timeout_ms;
    bool sender_domain_reject; /* sender_domain_reply = "reject" */
    uint64_t message_size_ceiling;
    char *policy_listen; /* "unix:/path" or "inet:host:port" */
    char *milter_listen; /* "unix:/path" or "inet:host:port" */
    char *auth_listen;   /* "127.0.0.1:10027": where Dovecot asks; NULL: it does not */
    char *auth_key;      /* path of the file with auth_secret; NULL: none */
    char auth_secret[GP_AUTH_SECRET_MAX + 1]; /* what Dovecot must show; "": nothing */
    char *policy_metrics, *milter_metrics, *feedback_metrics; /* as policy_listen; NULL: not served over HTTP */
    char *run_directory; /* pid, status and metrics files */
    char *user, *group;  /* what a daemon started as root becomes; group reads the keys */
    enum gp_log_target log;
    enum gp_log_format log_format;
    struct gp_limits limits; /* for every agency that sets nothing else; so the next two */
    enum gp_unsubscribe unsubscribe;
    bool check_from;
    enum gp_spf_mode spf;
    enum gp_client_signatures client_signatures;
    bool send_unsigned;
    size_t dkim_n; /* the relay's own keys, all of one domain; 0: dkim = (), messages leave without its signature */
    struct gp_dkim_key *dkim;
    struct gp_strings dns_servers; /* "address:port"; empty: those of /etc/resolv.conf */
    struct gp_keyring keyring;
    size_t agencies_n;
    struct gp_agency *agency;      /* sorted by name */
    struct gp_config_index *index; /* private: look-ups by address and login */
    /* what comes back */
    char *feedback_listen; /* "unix:/path" or "inet:host:port": where Postfix delivers by LMTP */
    char *archive;         /* folder */
    uint64_t archive_keep_ms;
    char *maildir;        /* of the first release, emptied once more; NULL: none */
    char *mail_log;       /* "": not read, "journal", or a file's path */
    char *operator_to;    /* address of whoever runs the relay */
    char *notices;        /* "unix:/path" or "inet:host:port", where Gatepost's own mail leaves; NULL: nowhere */
    struct gp_strings dictionaries; /* folders */
    size_t mailboxes_n;
    struct gp_pop3_mailbox *mailbox;
    struct gp_suppression_rules suppression;
};

/* gp_config_load - read path and agencies.d/ *.conf beside it
 * Returns NULL when there was any error; faults holds errors and warnings in either case. The caller frees with
 * gp_config_free.
 */
struct gp_config *gp_config_load(const char *path, struct gp_faults *faults);
void gp_config_free(struct gp_config *c);

/* Look-ups; NULL when there is none. */
const struct gp_agency *gp_config_by_name(const struct gp_config *c, struct gp_str name);
const struct gp_agency *gp_config_by_address(const struct gp_config *c, const struct gp_ip *ip);
const struct gp_agency *gp_config_by_login(const struct gp_config *c, struct gp_str login);
/* gp_config_lists - the agency under which an address stands at all, also as that of a test window, open or not */
const struct gp_agency *gp_config_lists(const struct gp_config *c, const struct gp_ip *ip);
/* gp_config_admits - for whom a client at this address sends now: the agency that lists it (gp_config_by_address), or
 * that agency acting in the test window that is open for the address; NULL outside of all its windows
 */
const struct gp_agency *gp_config_admits(const struct gp_config *c, const struct gp_ip *ip, uint64_t now_ms);
/* gp_config_by_token - the agency whose hash under key_id this is */
const struct gp_agency *gp_config_by_token(const struct gp_config *c, unsigned key_id, const uint8_t hash[3]);

/* gp_spf_mode_word, gp_client_signatures_word - as they stand in the file: "warn", "auto" */
const char *gp_spf_mode_word(enum gp_spf_mode mode);
const char *gp_client_signatures_word(enum gp_client_signatures mode);
/* gp_config_our_address - does mail to this address come back here: return_path's or relay_name's? */
bool gp_config_our_address(const struct gp_config *c, struct gp_str address);

/* gp_agency_may_send - does the domain stand under the agency's sender_domains? */
bool gp_agency_may_send(const struct gp_agency *a, struct gp_str domain);

#define GP_SIGNERS_MAX 4

/* gp_config_signers - the keys that sign a message of this agency whose From header names from (any case)
 * Of the agency's keys those whose domain is from, or else its nearest parent domain; then the relay's own. Only keys
 * that sign (struct gp_dkim_key), each once. Returns how many; 0 only when there is none at all. from may be empty: the relay's. a is NULL
 * for Gatepost's own mail: the relay's.
 */
size_t gp_config_signers(const struct gp_config *c, const struct gp_agency *a, struct gp_str from,
                         const struct gp_dkim_key *out[GP_SIGNERS_MAX]);

/* gp_agency_allowance - the name under which the agency's usage and sessions are counted: its own, or its test window's
 */
const char *gp_agency_allowance(const struct gp_agency *a);

#endif
