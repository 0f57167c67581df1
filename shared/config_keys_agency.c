/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * config_keys_agency.c - the settings of an agency, of a DKIM key and of a test window; config_keys.h
 */
#include "shared/config_keys.h"

#define AGENCY(field) offsetof(struct gp_agency, field)
#define DKIM(field) offsetof(struct gp_dkim_key, field)
#define WINDOW(field) offsetof(struct gp_test_window, field)

const struct gp_key gp_keys_agency[] = {
    {GP_SCOPE_AGENCY, GP_FORM_TEXT, "contact", NO, NULL,
     "must be one mail address, such as \"mail-ops@dol.example.gov\"", gp_set_contact, AGENCY(contact),
     .sample = "mail-ops@dol.example.gov", .advised = YES, .note = "who runs its servers",
     .absent = "none.",
     .manual = "A mail address of whoever runs the agency's servers."},
    {GP_SCOPE_AGENCY, GP_FORM_LIST, "production", NO, NULL,
     "must be single addresses, such as [ \"192.0.2.10\" ]", gp_set_production, 0,
     .sample = "192.0.2.10,192.0.2.11", .advised = YES, .note = "single addresses only, never a range",
     .absent = "none.",
     .manual = "List of the addresses that the agency submits from. Each is one IPv4 or IPv6 address: no "
               "network, no range, no host name. An address stands once, under one agency. At least one is "
               "needed, unless the agency has {Ic logins} and no {Ic standby} address."},
    {GP_SCOPE_AGENCY, GP_FORM_LIST, "standby", NO, NULL,
     "must be single addresses, such as [ \"192.0.2.12\" ]", gp_set_standby, 0,
     .sample = "192.0.2.12", .advised = YES, .note = "shares one allowance with production",
     .absent = "none.",
     .manual = "List of further addresses, for the same allowance."},
    {GP_SCOPE_AGENCY, GP_FORM_LIST, "sender_domains", YES, NULL,
     "must be one domain or more, such as [ \"dol.gov\" ], or [ \".dol.gov\" ] for its subdomains", gp_set_domain, 0,
     .sample = "dol.example.gov,.dol.example.gov", .advised = YES,
     .note = "that domain, and with a dot its subdomains",
     .manual = "List of the domains that the agency may send as, at least one: {Ql dol.gov} is that domain "
               "only, {Ql .dol.gov} its subdomains only. None may be {Ic return_path} itself; nobody sends in "
               "its name but Gatepost."},
    {GP_SCOPE_AGENCY, GP_FORM_LIMITS, "limits", NO, NULL,
     "must be a group: limits = { ... }", NULL, AGENCY(limits),
     .sample = "{ message_size = \"14M\"  rate = [ \"5000/10m\" ] }", .advised = YES,
     .note = "all else as in gatepost.conf",
     .absent = "those of {Nm}.",
     .manual = "The limits of this agency that differ, see {Sx LIMITS}."},
    {GP_SCOPE_AGENCY, GP_FORM_LIST, "logins", NO, NULL,
     "must be SASL user names of 1 to 255 octets without blanks, such as [ \"dol-app\" ]", gp_set_login, 0,
     .sample = "dol-app", .note = "SASL user names",
     .absent = "none.",
     .manual = "List of SASL user names. A name stands once, under one agency. Upper and lower case differ "
               "here; Dovecot gives every name in lower case unless its {Ic auth_username_format} says "
               "otherwise."},
    {GP_SCOPE_AGENCY, GP_FORM_TEXT, "unsubscribe", NO, NULL,
     "must be \"keep\", \"replace\", \"append\" or \"none\"", gp_set_unsubscribe, AGENCY(unsubscribe),
     .sample = "replace", .note = "these as in gatepost.conf, for this agency alone",
     .absent = "as in {Nm}.",
     .manual = "As in {Nm}, for this agency."},
    {GP_SCOPE_AGENCY, GP_FORM_TEXT, "check_from", NO, NULL,
     "must be \"yes\" or \"no\"", gp_set_yes_no, AGENCY(check_from),
     .sample = "yes",
     .absent = "as in {Nm}.",
     .manual = "As in {Nm}, for this agency."},
    {GP_SCOPE_AGENCY, GP_FORM_TEXT, "on_unsigned", NO, NULL,
     ON_UNSIGNED, gp_set_on_unsigned, AGENCY(send_unsigned),
     .sample = "defer",
     .absent = "as in {Nm}.",
     .manual = "As in {Nm}, for this agency."},
    {GP_SCOPE_AGENCY, GP_FORM_TEXT, "client_signatures", NO, NULL,
     CLIENT_SIGNATURES, gp_set_client_signatures, AGENCY(client_signatures),
     .sample = "auto",
     .absent = "as in {Nm}.",
     .manual = "As in {Nm}, for this agency."},
    {GP_SCOPE_AGENCY, GP_FORM_TEXT, "spf", NO, NULL,
     SPF, gp_set_spf, AGENCY(spf),
     .sample = "warn",
     .absent = "as in {Nm}.",
     .manual = "As in {Nm}, for this agency."},
    {GP_SCOPE_AGENCY, GP_FORM_DKIM, "dkim", NO, NULL,
     "must be a list of groups: dkim = ( { ... } )", NULL, 0,
     .sample = "( { domain = \"dol.example.gov\"  selector = \"gp1\"\n"
               "    key = \"/etc/gatepost/keys/dol.example.gov.gp1.pem\" } )",
     .note = "gatepostctl dkim new dol.example.gov",
     .absent = "none; its mail has the relay's signature only.",
     .manual = "List of groups, the agency's keys, see {Sx DKIM}."},
    {GP_SCOPE_AGENCY, GP_FORM_TESTS, "tests", NO, NULL,
     "must be a list of groups: tests = ( { ... } )", NULL, 0,
     .sample = "( { why = \"load test, ticket 4711\"  address = \"192.0.2.99\"  messages = \"500\"\n"
               "    from = \"2026-12-10T08:00Z\"  until = \"2026-12-10T18:00Z\" } )",
     .note = "one more address, for a while",
     .absent = "none.",
     .manual = "List of groups, test windows, see {Sx Tests}."},
    {GP_SCOPE_AGENCY, GP_FORM_LIST, "streams", NO, NULL,
     "must be names of 1 to 32 letters, digits, - and _, such as [ \"newsletter\", \"transactional\" ]",
     gp_set_stream, 0,
     .sample = "newsletter,transactional", .note = "kinds of mail, as X-Gatepost-Stream names them",
     .absent = "none.",
     .manual = "List of the names of its mail streams, see {Xr gatepost-milter 8}."},

    /* one of the relay's or an agency's DKIM keys */
    {GP_SCOPE_DKIM, GP_FORM_TEXT, "domain", YES, NULL,
     "must be the signing domain, such as \"dol.example.gov\"", gp_set_dkim_domain, DKIM(domain),
     .manual = "The signing domain, in ASCII."},
    {GP_SCOPE_DKIM, GP_FORM_TEXT, "selector", YES, NULL,
     "must be the name of the key in the DNS, such as \"gp1\"", gp_set_selector, DKIM(selector),
     .manual = "The name of the key in the DNS, at most 63 octets."},
    {GP_SCOPE_DKIM, GP_FORM_TEXT, "key", YES, NULL,
     "must be the absolute path of the private key", gp_set_dkim_key, DKIM(path),
     .manual = "The private key: RSA of 2048 to 4096 bits, or Ed25519, as PEM (PKCS #8, or PKCS #1 for RSA), "
               "one key in a file, at most 8192 octets. The daemons read it as their {Ic group}, so it is best "
               "owned by root and has mode 0640."},

    /* one of an agency's test windows */
    {GP_SCOPE_TEST, GP_FORM_TEXT, "why", YES, NULL,
     "must say what for, such as \"load test, ticket 4711\"", gp_set_why, WINDOW(why),
     .manual = "What the test is for and who agreed, 1 to 200 octets."},
    {GP_SCOPE_TEST, GP_FORM_TEXT, "address", YES, NULL,
     "must be one address, such as \"192.0.2.99\"", gp_set_test_address, WINDOW(address),
     .manual = "The one address that the test submits from. It must not stand under {Ic production} or "
               "{Ic standby} of any agency, nor in a test of another one. Windows of one address must not "
               "overlap."},
    {GP_SCOPE_TEST, GP_FORM_TEXT, "messages", YES, NULL,
     "must be a whole number from 1 to 1000000000, such as \"500\"", gp_set_messages, WINDOW(messages),
     .manual = "How many messages it may send."},
    {GP_SCOPE_TEST, GP_FORM_TEXT, "from", YES, NULL,
     "must be a time in UTC, such as \"2026-12-10T08:00Z\"", gp_set_time, WINDOW(from),
     .manual = "When it begins."},
    {GP_SCOPE_TEST, GP_FORM_TEXT, "until", YES, NULL,
     "must be a time in UTC, such as \"2026-12-10T18:00Z\"", gp_set_time, WINDOW(until),
     .manual = "When it ends, later than {Ic from}."},
};
const size_t gp_keys_agency_n = sizeof gp_keys_agency / sizeof gp_keys_agency[0];
