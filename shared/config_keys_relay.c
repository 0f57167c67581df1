/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * config_keys_relay.c - the settings of gatepost.conf, but for those of what comes back; config_keys.h
 */
#include "shared/config_keys.h"

#define TOP(field) offsetof(struct gp_config, field)

const struct gp_key gp_keys_relay[] = {
    {GP_SCOPE_TOP, GP_FORM_TEXT, "relay_name", YES, NULL,
     "must be this relay's host name, such as \"relay.example.gov\"", gp_set_host, TOP(relay_name),
     .heading = "The relay",
     .sample = "relay.example.gov", .advised = YES, .note = "this relay's host name",
     .manual = "The host name of this relay."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "return_path", YES, NULL,
     "must be a short domain of this relay's own, such as \"b.example.gov\"", gp_set_return_path, TOP(return_path),
     .sample = "b.example.gov", .advised = YES, .note = "of the envelope sender; at most 16 characters pass SRS",
     .manual = "The domain of the envelope sender under which mail leaves and to which bounces return. It is a "
               "domain of the relay's own; no agency's {Ic sender_domains} may cover it. A return path has 33 "
               "characters before its @; with a domain of more than 16 it no longer passes forwarders that "
               "rewrite senders (SRS), which is a warning, and with more than 220 it is no address any more."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "public_url", NO, NULL,
     "must be https://host[:port][/path], such as \"https://mail.example.gov\"", gp_set_url, TOP(public_url),
     .sample = "https://mail.example.gov", .advised = YES,
     .note = "unsubscribe links; leave it out to promise no https unsubscribe",
     .absent = "none; then no https unsubscribe is promised.",
     .manual = "The URL under which this relay's unsubscribe links are reached, at most 200 octets, without "
               "query or fragment. A slash at its end is left out."},
    {GP_SCOPE_TOP, GP_FORM_LIST, "egress", NO, NULL,
     "must be single addresses, such as [ \"198.51.100.7\" ]", gp_set_egress, 0,
     .sample = "198.51.100.7", .advised = YES, .note = "addresses this relay delivers from",
     .absent = "none.",
     .manual = "List of the addresses that this relay delivers from, which SPF records must allow. Without "
               "any, SPF and DMARC are not asked for."},
    {GP_SCOPE_TOP, GP_FORM_LIST, "counters", NO, "/run/memcached/gatepost.sock",
     "must be absolute paths of sockets or address:port, such as [ \"/run/memcached/gatepost.sock\" ], or [] for "
     "in-process", gp_set_server, 0,
     .heading = "What is counted, and what is kept",
     .advised = YES, .note = "or \"10.0.0.1:11211\", ...; [] = in-process",
     .manual = "List of memcached servers. A path has less than 108 octets, an IPv6 address stands in "
               "brackets. Host names are refused, but for {Li localhost}: looking one up could hold up mail. "
               "An empty list means that the counters are kept in the process."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "counters_prefix", NO, "gp",
     "must be 1 to 16 letters, digits, dots, hyphens and underscores, such as \"gp\"",
     gp_set_prefix, TOP(counters_prefix),
     .manual = "First part of every key in memcached."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "on_counter_loss", NO, "local",
     "must be \"local\", \"open\" or \"closed\"", gp_set_on_loss, TOP(on_counter_loss),
     .note = "without memcached: local | open | closed",
     .manual = "What holds while memcached does not answer: {Cm local}, each process counts for itself with "
               "what it saw last; {Cm open}, no limit; {Cm closed}, mail is deferred."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "database", NO, "/var/lib/gatepost/gatepost.db",
     "must be an absolute path without a slash at its end", gp_set_path, TOP(database),
     .manual = "The database: permanent blocks, package counts, suppressions, statistics, the journal of "
               "changes."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "token_keys", NO, "/etc/gatepost/keys/token",
     "must be an absolute path without a slash at its end", gp_set_path, TOP(token_keys),
     .advised = YES, .note = "first line signs, every line verifies",
     .manual = "The key ring that signs and seals tokens, see {Xr gatepost-tokens 7}."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "drain_timeout", NO, "300s",
     "must be a time from 0s to 1d with its unit s, m, h or d", gp_set_drain, TOP(drain_timeout_ms),
     .note = "after a reload old sessions may go on that long",
     .manual = "How long sessions of the former configuration may go on after a reload."},
    {GP_SCOPE_TOP, GP_FORM_DKIM, "dkim", YES, NULL,
     "must be a list of the relay's own keys: dkim = ( { ... } ), which gatepostctl dkim new DOMAIN makes and "
     "prints, or dkim = () to send without its signature", NULL, 0,
     .heading = "Signatures; gatepostctl dkim new relay.example.gov makes a key and prints its DNS record",
     .sample = "( { domain = \"relay.example.gov\"  selector = \"gp1\"\n"
               "    key = \"/etc/gatepost/keys/relay.example.gov.gp1.pem\" },\n"
               "  { domain = \"relay.example.gov\"  selector = \"gp1e\"\n"
               "    key = \"/etc/gatepost/keys/relay.example.gov.gp1e.pem\" } )",
     .advised = YES,
     .manual = "List of groups, the relay's own keys, see {Sx DKIM}. With them every message is signed, "
               "whatever keys its agency has. All are of one domain. {Ql dkim = ()} is a relay without keys, "
               "which is a warning: a message then has its agency's signatures or none."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "on_unsigned", NO, "defer",
     ON_UNSIGNED, gp_set_on_unsigned, TOP(send_unsigned),
     .note = "a message that cannot be signed: defer (451) | send",
     .manual = "What becomes of a message that cannot be signed: {Cm defer} it (451) or {Cm send} it as it is."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "client_signatures", NO, "auto",
     CLIENT_SIGNATURES, gp_set_client_signatures, TOP(client_signatures),
     .note = "a client's own: auto (removed when broken here) | keep | remove",
     .manual = "What becomes of the DKIM signatures that a client has set: {Cm auto}, those are removed that "
               "Gatepost's own changes break; {Cm keep} all; {Cm remove} all."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "spf", NO, "warn",
     SPF, gp_set_spf, TOP(spf),
     .note = "SPF would fail: off | tag | warn | defer | reject",
     .manual = "What becomes of mail of a domain whose SPF record does not name every address of {Ic egress}: "
               "{Cm off}, it only stands in the log; {Cm tag}, a header X-Gatepost-SPF says so; {Cm warn}, the "
               "agency's {Ic contact} hears of it once a day, also of a record that is broken; {Cm defer} "
               "(450); {Cm reject} (550). A domain without an SPF record, a broken one, and a DNS that does "
               "not answer, are no reason to refuse mail."},
    {GP_SCOPE_TOP, GP_FORM_LIST, "dns_servers", NO, NULL,
     "must be address or address:port, IPv6 in brackets, such as [ \"127.0.0.1:53\" ], or [] for those of "
     "/etc/resolv.conf", gp_set_dns_server, 0,
     .sample = "127.0.0.1:53", .note = "none: those of /etc/resolv.conf",
     .absent = "none, those of {Pa /etc/resolv.conf} are asked.",
     .manual = "List of the DNS servers to ask; the port is 53 if none is given."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "sender_domain_reply", NO, "defer",
     "must be \"defer\" or \"reject\"", gp_set_sender_reply, TOP(sender_domain_reject),
     .heading = "What a message may be",
     .note = "to a foreign sender domain: defer (451) | reject (550)",
     .manual = "What a sender of a foreign domain is answered: {Cm defer} (451) or {Cm reject} (550)."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "message_size_ceiling", NO, "64M",
     "must be a size from 1K to 1G, such as \"64M\"", gp_set_ceiling, TOP(message_size_ceiling),
     .note = "of every message_size; also message_size_limit of main.cf",
     .manual = "The size that no {Ic message_size} may exceed, and {Ic message_size_limit} of {Xr postconf 5}."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "unsubscribe", NO, "keep",
     "must be \"keep\", \"replace\", \"append\" or \"none\"", gp_set_unsubscribe, TOP(unsubscribe),
     .note = "a client's own List-Unsubscribe: keep | replace | append | none",
     .manual = "What becomes of the {Li List-Unsubscribe} that a client has set: {Cm keep} it and add none, "
               "{Cm replace} it, {Cm append} to it, or {Cm none}: never add one."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "check_from", NO, "no",
     "must be \"yes\" or \"no\"", gp_set_yes_no, TOP(check_from),
     .note = "\"yes\": the From header's domains must be the agency's too",
     .manual = "{Cm yes}: the domains of the From header, too, must stand under the agency's "
               "{Ic sender_domains}; {Cm no}: only the envelope sender must."},
    {GP_SCOPE_TOP, GP_FORM_LIMITS, "limits", NO, NULL,
     "must be a group: limits = { ... }", NULL, TOP(limits),
     .advised = YES, .note = "for every agency that sets nothing else",
     .absent = "those of {Sx LIMITS}.",
     .manual = "The limits of every agency that sets nothing else, see {Sx LIMITS}. It may stand once, in this "
               "file or in one of {Pa agencies.d}."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "policy_listen", NO, "unix:/var/spool/postfix/gatepost/policy.sock",
     "must be \"unix:/path\" with a path of less than 108 octets, or \"inet:host:port\"",
     gp_set_listen, TOP(policy_listen),
     .heading = "The daemons",
     .manual = "Where {Xr gatepost-policyd 8} listens."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "milter_listen", NO, "unix:/var/spool/postfix/gatepost/milter.sock",
     "must be \"unix:/path\" with a path of less than 108 octets, or \"inet:host:port\"",
     gp_set_listen, TOP(milter_listen),
     .manual = "Where {Xr gatepost-milter 8} listens."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "auth_listen", NO, NULL,
     "must be address:port on this host's loopback, such as \"127.0.0.1:10027\"",
     gp_set_auth_listen, TOP(auth_listen),
     .sample = "127.0.0.1:10027", .note = "where Dovecot asks about logins; without it none are counted here",
     .absent = "none; then this node counts no failed logins, and bans that others set hold all the same.",
     .manual = "Where {Xr gatepost-policyd 8} answers Dovecot's authentication policy requests, so that failed "
               "logins are counted."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "auth_key", NO, NULL,
     "must be an absolute path without a slash at its end", gp_set_path, TOP(auth_key),
     .sample = "/etc/gatepost/keys/auth", .note = "what Dovecot must show as X-Gatepost-Key",
     .absent = "none; then every program on this host can have any address banned, which is a warning.",
     .manual = "A file with the key that Dovecot must show in the header {Li X-Gatepost-Key}: one line of 16 "
               "to 128 printable characters without blanks, in a file that no stranger can read and its group "
               "cannot write."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "policy_metrics", NO, NULL, METRICS, gp_set_listen, TOP(policy_metrics),
     .sample = "inet:127.0.0.1:9401", .note = "for Prometheus, over HTTP; gatepost-metrics(5)",
     .absent = "none.",
     .manual = "Where {Xr gatepost-policyd 8} serves its metrics to Prometheus over HTTP, see "
               "{Xr gatepost-metrics 5}."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "milter_metrics", NO, NULL, METRICS, gp_set_listen, TOP(milter_metrics),
     .sample = "inet:127.0.0.1:9402",
     .absent = "none.",
     .manual = "The same of {Xr gatepost-milter 8}."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "feedback_metrics", NO, NULL, METRICS, gp_set_listen, TOP(feedback_metrics),
     .sample = "inet:127.0.0.1:9403",
     .absent = "none.",
     .manual = "The same of {Xr gatepost-feedback 8}."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "run_directory", NO, "/run/gatepost",
     "must be an absolute path without a slash at its end", gp_set_path, TOP(run_directory),
     .manual = "The folder of pid, status and metrics files."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "user", NO, "gatepost",
     "must be the name of a user", gp_set_name, TOP(user),
     .manual = "The user that a daemon started as root becomes, at most 32 octets."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "group", NO, "gatepost",
     "must be the name of a group", gp_set_name, TOP(group),
     .manual = "The group that a daemon started as root becomes; it must be able to read the keys. A socket gets the "
               "group of its folder, so that Postfix may connect without being in this one."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "log", NO, "syslog",
     "must be \"syslog\" or \"stderr\"", gp_set_log, TOP(log),
     .note = "syslog | stderr",
     .manual = "Where the daemons log: {Cm syslog} (facility mail) or {Cm stderr}."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "log_format", NO, "text",
     "must be \"text\" or \"json\"", gp_set_log_format, TOP(log_format),
     .note = "text (key=value) | json; gatepost-log(5)",
     .manual = "How the daemons write a line, see {Xr gatepost-log 5}: {Cm text}, key=value, or {Cm json}, one "
               "JSON object."},
};
const size_t gp_keys_relay_n = sizeof gp_keys_relay / sizeof gp_keys_relay[0];
