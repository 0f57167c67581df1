/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * config_schema.c - the one table of keys: the reader, its defaults, its advice and the test of gatepost.conf(5)
 *
 * The keys of a limits group are those of limit.h.
 */
#include "shared/config_private.h"

#define TOP(field) offsetof(struct gp_config, field)
#define AGENCY(field) offsetof(struct gp_agency, field)
#define DKIM(field) offsetof(struct gp_dkim_key, field)
#define WINDOW(field) offsetof(struct gp_test_window, field)
#define MAILBOX(field) offsetof(struct gp_pop3_mailbox, field)

#define ON_UNSIGNED "must be \"defer\" or \"send\""
#define CLIENT_SIGNATURES "must be \"auto\", \"keep\" or \"remove\""
#define SPF "must be \"off\", \"tag\", \"warn\", \"defer\" or \"reject\""

#define YES true
#define NO false

const struct gp_key gp_config_keys[] = {
    /* gatepost.conf */
    {GP_SCOPE_TOP, GP_FORM_TEXT, "relay_name", YES, NULL,
     "must be this relay's host name, such as \"relay.example.gov\"", gp_set_host, TOP(relay_name)},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "return_path", YES, NULL,
     "must be a short domain of this relay's own, such as \"b.example.gov\"", gp_set_return_path, TOP(return_path)},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "public_url", NO, NULL,
     "must be https://host[:port][/path], such as \"https://mail.example.gov\"", gp_set_url, TOP(public_url)},
    {GP_SCOPE_TOP, GP_FORM_LIST, "egress", NO, NULL, "must be single addresses, such as [ \"198.51.100.7\" ]",
     gp_set_egress, 0},
    {GP_SCOPE_TOP, GP_FORM_LIST, "counters", NO, "/run/memcached/gatepost.sock",
     "must be absolute paths of sockets or address:port, such as [ \"/run/memcached/gatepost.sock\" ], or [] for "
     "in-process",
     gp_set_server, 0},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "counters_prefix", NO, "gp",
     "must be 1 to 16 letters, digits, dots, hyphens and underscores, such as \"gp\"", gp_set_prefix,
     TOP(counters_prefix)},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "on_counter_loss", NO, "local", "must be \"local\", \"open\" or \"closed\"",
     gp_set_on_loss, TOP(on_counter_loss)},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "database", NO, "/var/lib/gatepost/gatepost.db",
     "must be an absolute path without a slash at its end", gp_set_path, TOP(database)},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "token_keys", NO, "/etc/gatepost/keys/token",
     "must be an absolute path without a slash at its end", gp_set_path, TOP(token_keys)},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "drain_timeout", NO, "300s", "must be a time from 0s to 1d with its unit s, m, h or d",
     gp_set_drain, TOP(drain_timeout_ms)},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "sender_domain_reply", NO, "defer", "must be \"defer\" or \"reject\"",
     gp_set_sender_reply, TOP(sender_domain_reject)},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "message_size_ceiling", NO, "64M", "must be a size from 1K to 1G, such as \"64M\"",
     gp_set_ceiling, TOP(message_size_ceiling)},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "policy_listen", NO, "unix:/var/spool/postfix/gatepost/policy.sock",
     "must be \"unix:/path\" with a path of less than 108 octets, or \"inet:host:port\"", gp_set_listen,
     TOP(policy_listen)},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "milter_listen", NO, "unix:/var/spool/postfix/gatepost/milter.sock",
     "must be \"unix:/path\" with a path of less than 108 octets, or \"inet:host:port\"", gp_set_listen,
     TOP(milter_listen)},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "auth_listen", NO, NULL,
     "must be address:port on this host's loopback, such as \"127.0.0.1:10027\"", gp_set_auth_listen, TOP(auth_listen)},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "auth_key", NO, NULL, "must be an absolute path without a slash at its end",
     gp_set_path, TOP(auth_key)},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "run_directory", NO, "/run/gatepost",
     "must be an absolute path without a slash at its end", gp_set_path, TOP(run_directory)},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "user", NO, "gatepost", "must be the name of a user", gp_set_name, TOP(user)},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "group", NO, "gatepost", "must be the name of a group", gp_set_name, TOP(group)},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "log", NO, "syslog", "must be \"syslog\" or \"stderr\"", gp_set_log, TOP(log)},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "unsubscribe", NO, "keep", "must be \"keep\", \"replace\", \"append\" or \"none\"",
     gp_set_unsubscribe, TOP(unsubscribe)},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "check_from", NO, "no", "must be \"yes\" or \"no\"", gp_set_yes_no, TOP(check_from)},
    {GP_SCOPE_TOP, GP_FORM_DKIM, "dkim", YES, NULL,
     "must be a list of the relay's own keys: dkim = ( { ... } ), which gatepostctl dkim new DOMAIN makes and prints, "
     "or "
     "dkim = () to send without its signature",
     NULL, 0},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "on_unsigned", NO, "defer", ON_UNSIGNED, gp_set_on_unsigned, TOP(send_unsigned)},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "client_signatures", NO, "auto", CLIENT_SIGNATURES, gp_set_client_signatures,
     TOP(client_signatures)},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "spf", NO, "warn", SPF, gp_set_spf, TOP(spf)},
    {GP_SCOPE_TOP, GP_FORM_LIST, "dns_servers", NO, NULL,
     "must be address or address:port, IPv6 in brackets, such as [ \"127.0.0.1:53\" ], or [] for those of "
     "/etc/resolv.conf",
     gp_set_dns_server, 0},
    {GP_SCOPE_TOP, GP_FORM_LIMITS, "limits", NO, NULL, "must be a group: limits = { ... }", NULL, TOP(limits)},

    /* an agency */
    {GP_SCOPE_AGENCY, GP_FORM_TEXT, "contact", NO, NULL,
     "must be one mail address, such as \"mail-ops@dol.example.gov\"", gp_set_contact, AGENCY(contact)},
    {GP_SCOPE_AGENCY, GP_FORM_LIST, "production", NO, NULL, "must be single addresses, such as [ \"192.0.2.10\" ]",
     gp_set_production, 0},
    {GP_SCOPE_AGENCY, GP_FORM_LIST, "standby", NO, NULL, "must be single addresses, such as [ \"192.0.2.12\" ]",
     gp_set_standby, 0},
    {GP_SCOPE_AGENCY, GP_FORM_LIST, "logins", NO, NULL,
     "must be SASL user names of 1 to 255 octets without blanks, such as [ \"dol-app\" ]", gp_set_login, 0},
    {GP_SCOPE_AGENCY, GP_FORM_LIST, "sender_domains", YES, NULL,
     "must be one domain or more, such as [ \"dol.gov\" ], or [ \".dol.gov\" ] for its subdomains", gp_set_domain, 0},
    {GP_SCOPE_AGENCY, GP_FORM_TEXT, "unsubscribe", NO, NULL, "must be \"keep\", \"replace\", \"append\" or \"none\"",
     gp_set_unsubscribe, AGENCY(unsubscribe)},
    {GP_SCOPE_AGENCY, GP_FORM_TEXT, "check_from", NO, NULL, "must be \"yes\" or \"no\"", gp_set_yes_no,
     AGENCY(check_from)},
    {GP_SCOPE_AGENCY, GP_FORM_LIMITS, "limits", NO, NULL, "must be a group: limits = { ... }", NULL, AGENCY(limits)},
    {GP_SCOPE_AGENCY, GP_FORM_DKIM, "dkim", NO, NULL, "must be a list of groups: dkim = ( { ... } )", NULL, 0},
    {GP_SCOPE_AGENCY, GP_FORM_TEXT, "on_unsigned", NO, NULL, ON_UNSIGNED, gp_set_on_unsigned, AGENCY(send_unsigned)},
    {GP_SCOPE_AGENCY, GP_FORM_TEXT, "client_signatures", NO, NULL, CLIENT_SIGNATURES, gp_set_client_signatures,
     AGENCY(client_signatures)},
    {GP_SCOPE_AGENCY, GP_FORM_TEXT, "spf", NO, NULL, SPF, gp_set_spf, AGENCY(spf)},
    {GP_SCOPE_AGENCY, GP_FORM_TESTS, "tests", NO, NULL, "must be a list of groups: tests = ( { ... } )", NULL, 0},

    /* one of the relay's or an agency's DKIM keys */
    {GP_SCOPE_DKIM, GP_FORM_TEXT, "domain", YES, NULL, "must be the signing domain, such as \"dol.example.gov\"",
     gp_set_dkim_domain, DKIM(domain)},
    {GP_SCOPE_DKIM, GP_FORM_TEXT, "selector", YES, NULL, "must be the name of the key in the DNS, such as \"gp1\"",
     gp_set_selector, DKIM(selector)},
    {GP_SCOPE_DKIM, GP_FORM_TEXT, "key", YES, NULL, "must be the absolute path of the private key", gp_set_dkim_key,
     DKIM(path)},

    /* one of an agency's test windows */
    {GP_SCOPE_TEST, GP_FORM_TEXT, "why", YES, NULL, "must say what for, such as \"load test, ticket 4711\"", gp_set_why,
     WINDOW(why)},
    {GP_SCOPE_TEST, GP_FORM_TEXT, "address", YES, NULL, "must be one address, such as \"192.0.2.99\"",
     gp_set_test_address, WINDOW(address)},
    {GP_SCOPE_TEST, GP_FORM_TEXT, "messages", YES, NULL, "must be a whole number from 1 to 1000000000, such as \"500\"",
     gp_set_messages, WINDOW(messages)},
    {GP_SCOPE_TEST, GP_FORM_TEXT, "from", YES, NULL, "must be a time in UTC, such as \"2026-12-10T08:00Z\"",
     gp_set_time, WINDOW(from)},
    {GP_SCOPE_TEST, GP_FORM_TEXT, "until", YES, NULL, "must be a time in UTC, such as \"2026-12-10T18:00Z\"",
     gp_set_time, WINDOW(until)},

    /* gatepost.conf: what comes back */
    {GP_SCOPE_TOP, GP_FORM_TEXT, "feedback_listen", NO, "unix:/var/spool/postfix/gatepost/feedback.sock",
     "must be \"unix:/path\" with a path of less than 108 octets, or \"inet:host:port\"", gp_set_listen,
     TOP(feedback_listen)},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "archive", NO, "/var/lib/gatepost/archive",
     "must be an absolute path without a slash at its end", gp_set_path, TOP(archive)},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "archive_keep", NO, "90d", "must be whole days from 1d to 3650d", gp_set_keep,
     TOP(archive_keep_ms)},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "maildir", NO, NULL, "must be an absolute path without a slash at its end",
     gp_set_path, TOP(maildir)},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "mail_log", NO, "",
     "must be the absolute path of Postfix's log file, \"journal\", or \"\" for none", gp_set_mail_log, TOP(mail_log)},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "operator", NO, NULL,
     "must be one mail address, such as \"postmaster@example.gov\"", gp_set_contact, TOP(operator_to)},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "notices", NO, NULL,
     "must be \"inet:host:port\", such as \"inet:127.0.0.1:10026\", or \"unix:/path\"", gp_set_place, TOP(notices)},
    {GP_SCOPE_TOP, GP_FORM_LIST, "dictionaries", NO, NULL,
     "must be absolute paths of folders, such as [ \"/etc/gatepost/dictionary.d\" ]", gp_set_dictionary, 0},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "hard_bounces", NO, "1", "must be a whole number from 1 to 100, such as \"1\"",
     gp_set_count, TOP(suppression.hard_count)},
    {GP_SCOPE_TOP, GP_FORM_LIST, "retest_after", NO, NULL,
     "must be at most 8 times in whole days from 1d to 3650d, such as [ \"7d\", \"14d\" ], or [] for never", gp_set_retest,
     0},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "soft_bounces", NO, "5", "must be a whole number from 1 to 100, such as \"5\"",
     gp_set_count, TOP(suppression.soft_count)},
    {GP_SCOPE_TOP, GP_FORM_MAILBOXES, "mailboxes", NO, NULL, "must be a list of at most 64 groups: mailboxes = ( { ... } )", NULL,
     0},
    {GP_SCOPE_AGENCY, GP_FORM_LIST, "streams", NO, NULL,
     "must be names of 1 to 32 letters, digits, - and _, such as [ \"newsletter\", \"transactional\" ]", gp_set_stream, 0},

    /* a mailbox that is read by POP3 */
    {GP_SCOPE_MAILBOX, GP_FORM_TEXT, "name", YES, NULL, "must be 1 to 32 letters, digits, - and _, such as \"fbl\"",
     gp_set_pop3_name, MAILBOX(name)},
    {GP_SCOPE_MAILBOX, GP_FORM_TEXT, "url", YES, NULL,
     "must be pop3s://host[:port]/ or pop3://host[:port]/, such as \"pop3s://pop.example.net/\"", gp_set_pop3_url,
     MAILBOX(url)},
    {GP_SCOPE_MAILBOX, GP_FORM_TEXT, "user", YES, NULL, "must be 1 to 255 octets without control characters",
     gp_set_pop3_user, MAILBOX(user)},
    {GP_SCOPE_MAILBOX, GP_FORM_TEXT, "password_file", YES, NULL, "must be an absolute path without a slash at its end",
     gp_set_path, MAILBOX(password_file)},
    {GP_SCOPE_MAILBOX, GP_FORM_TEXT, "every", NO, "5m", "must be a time from 1s to 1d with its unit s, m, h or d",
     gp_set_every, MAILBOX(every_ms)},
    {GP_SCOPE_MAILBOX, GP_FORM_TEXT, "ca_file", NO, NULL, "must be an absolute path without a slash at its end",
     gp_set_path, MAILBOX(ca_file)},
};
const size_t gp_config_keys_n = sizeof gp_config_keys / sizeof gp_config_keys[0];

const struct gp_key *gp_config_key(enum gp_scope scope, struct gp_str name)
{
    for (size_t i = 0; i < gp_config_keys_n; i++) {
        if (gp_config_keys[i].scope == scope && gp_str_eq(name, gp_str_z(gp_config_keys[i].name)))
            return &gp_config_keys[i];
    }
    return NULL;
}

static void nearer(struct gp_str name, const char *known, size_t *best, const char **found)
{
    size_t d = gp_str_distance(name, gp_str_z(known));
    if (d < *best && d < name.n) {
        *best = d;
        *found = known;
    }
}

const char *gp_config_nearest(enum gp_scope scope, bool limits, struct gp_str name)
{
    const char *found = NULL;
    size_t best = name.n < 5 ? 2 : 3; /* above what is near */
    for (unsigned i = 0; limits && i < GP_LIMIT_COUNT; i++)
        nearer(name, gp_limit_label((enum gp_limit_name)i), &best, &found);
    for (size_t i = 0; !limits && i < gp_config_keys_n; i++) {
        if (gp_config_keys[i].scope == scope)
            nearer(name, gp_config_keys[i].name, &best, &found);
    }
    return found;
}
