/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * config_keys_feedback.c - the settings of gatepost.conf about what comes back; config_keys.h
 */
#include "shared/config_keys.h"

#define TOP(field) offsetof(struct gp_config, field)
#define MAILBOX(field) offsetof(struct gp_pop3_mailbox, field)

const struct gp_key gp_keys_feedback[] = {
    {GP_SCOPE_TOP, GP_FORM_TEXT, "feedback_listen", NO, "unix:/var/spool/postfix/gatepost/feedback.sock",
     "must be \"unix:/path\" with a path of less than 108 octets, or \"inet:host:port\"",
     gp_set_listen, TOP(feedback_listen),
     .heading = "What comes back: bounces, complaints, unsubscribes, and what people write; "
                "gatepost-feedback(8)",
     .manual = "Where {Xr gatepost-feedback 8} listens for the LMTP of Postfix."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "archive", NO, "/var/lib/gatepost/archive",
     "must be an absolute path without a slash at its end", gp_set_path, TOP(archive),
     .note = "every message, octet for octet",
     .manual = "The folder in which every message that comes back is kept, octet for octet."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "archive_keep", NO, "90d",
     "must be whole days from 1d to 3650d", gp_set_keep, TOP(archive_keep_ms),
     .note = "then it is removed",
     .manual = "How long it is kept there."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "maildir", NO, NULL,
     "must be an absolute path without a slash at its end", gp_set_path, TOP(maildir),
     .sample = "/var/mail/gatepost/returned", .note = "of the first release: emptied once more",
     .absent = "none.",
     .manual = "A Maildir that is emptied: where the first release of Gatepost left what came back. The daemon "
               "must be able to remove files there."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "mail_log", NO, "",
     "must be the absolute path of Postfix's log file, \"journal\", or \"\" for none", gp_set_mail_log, TOP(mail_log),
     .sample = "journal", .advised = YES, .note = "or Postfix's log file; without it deliveries are unknown",
     .manual = "Where Postfix writes what became of each delivery: its log file, a folder of journal files, or "
               "{Cm journal}, the journal of this host. With {Ql \"\"} it is not read, no delivery is counted, "
               "and suppressions do not end by one. The user of {Xr gatepost-feedback 8} must be able to read "
               "it; its systemd unit has the groups adm and systemd-journal for that. systemd-journald drops "
               "lines beyond its RateLimitBurst: for much mail raise it, or name a file."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "operator", NO, NULL,
     "must be one mail address, such as \"postmaster@example.gov\"", gp_set_contact, TOP(operator_to),
     .sample = "mail-ops@example.gov", .advised = YES,
     .note = "mail of people to postmaster and abuse, and notices",
     .absent = "{Li postmaster} at {Ic relay_name}.",
     .manual = "The mail address of whoever runs this relay: what people write to {Li postmaster} and "
               "{Li abuse} at {Ic return_path}, and notices that concern no agency. An address of "
               "{Ic relay_name} or {Ic return_path} would lead back here: then such mail stays in the archive."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "notices", NO, NULL,
     "must be \"inet:host:port\", such as \"inet:127.0.0.1:10026\", or \"unix:/path\"", gp_set_place, TOP(notices),
     .sample = "inet:127.0.0.1:10026", .advised = YES,
     .note = "where Gatepost's own mail leaves; without it none does",
     .absent = "none; then they stay in the database and the archive.",
     .manual = "Where mail of Gatepost's own leaves by SMTP, with an empty envelope sender: notices, and what "
               "people write. It is a listener of Postfix for this purpose alone."},
    {GP_SCOPE_TOP, GP_FORM_LIST, "dictionaries", NO,
     "/usr/share/gatepost/dictionary,/usr/local/share/gatepost/dictionary,/etc/gatepost/dictionary.d",
     "must be absolute paths of folders, such as [ \"/etc/gatepost/dictionary.d\" ]", gp_set_dictionary, 0,
     .manual = "List of the folders of dictionaries, see {Xr gatepost-dictionary 5}. They are read again when "
               "a file changed; a folder that does not exist is passed over."},
    {GP_SCOPE_TOP, GP_FORM_MAILBOXES, "mailboxes", NO, NULL,
     "must be a list of at most 64 groups: mailboxes = ( { ... } )", NULL, 0,
     .sample = "( { name = \"fbl\"  url = \"pop3s://pop.example.net/\"  user = \"fbl\"  every = \"5m\"\n"
               "    password_file = \"/etc/gatepost/keys/fbl\"  ca_file = \"/etc/gatepost/pop-ca.pem\" } )",
     .absent = "none.",
     .manual = "List of groups, mailboxes on other hosts that are read by POP3, see {Sx Mailboxes}."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "hard_bounces", NO, "1",
     "must be a whole number from 1 to 100, such as \"1\"", gp_set_count, TOP(suppression.hard_count),
     .heading = "Suppression of addresses: gatepost-suppression(7)",
     .note = "days with a hard bounce before an address is suppressed",
     .manual = "On how many days an address must bounce for good before it is suppressed."},
    {GP_SCOPE_TOP, GP_FORM_LIST, "retest_after", NO, "7d,14d,28d,56d",
     "must be at most 8 times in whole days from 1d to 3650d, such as [ \"7d\", \"14d\" ], or [] for never",
     gp_set_retest, 0,
     .note = "then one message is let through; [] = never",
     .manual = "List of times: so long after it was suppressed for a bounce, and after each further bounce, "
               "one message to an address is let through; after the last of them it is suppressed for good. "
               "With an empty list it is for good at once."},
    {GP_SCOPE_TOP, GP_FORM_TEXT, "soft_bounces", NO, "5",
     "must be a whole number from 1 to 100, such as \"5\"", gp_set_count, TOP(suppression.soft_count),
     .note = "days with a soft bounce before it is",
     .manual = "On how many days an address must fail for a time, with no success between, before it is "
               "suppressed; these days must also lie apart, see {Xr gatepost-suppression 7}."},

    /* a mailbox that is read by POP3 */
    {GP_SCOPE_MAILBOX, GP_FORM_TEXT, "name", YES, NULL,
     "must be 1 to 32 letters, digits, - and _, such as \"fbl\"", gp_set_pop3_name, MAILBOX(name),
     .manual = "What the log calls it."},
    {GP_SCOPE_MAILBOX, GP_FORM_TEXT, "url", YES, NULL,
     "must be pop3s://host[:port]/ or pop3://host[:port]/, such as \"pop3s://pop.example.net/\"",
     gp_set_pop3_url, MAILBOX(url),
     .manual = "Where it is. With {Li pop3://} the connection must go over to TLS (STLS) unless the host is "
               "{Li localhost}, {Li 127.0.0.1} or {Li [::1]}."},
    {GP_SCOPE_MAILBOX, GP_FORM_TEXT, "user", YES, NULL,
     "must be 1 to 255 octets without control characters", gp_set_pop3_user, MAILBOX(user),
     .manual = "The name to log in with."},
    {GP_SCOPE_MAILBOX, GP_FORM_TEXT, "password_file", YES, NULL,
     "must be an absolute path without a slash at its end", gp_set_path, MAILBOX(password_file),
     .manual = "A file with the password, one line, that no stranger can read and its group cannot write."},
    {GP_SCOPE_MAILBOX, GP_FORM_TEXT, "every", NO, "5m",
     "must be a time from 1s to 1d with its unit s, m, h or d", gp_set_every, MAILBOX(every_ms),
     .manual = "How often it is looked into. After an error the time grows, up to an hour or this."},
    {GP_SCOPE_MAILBOX, GP_FORM_TEXT, "ca_file", NO, NULL,
     "must be an absolute path without a slash at its end", gp_set_path, MAILBOX(ca_file),
     .absent = "those that the system trusts.",
     .manual = "A PEM file with the authorities that may have signed the server's certificate. It is always "
               "checked."},
};
const size_t gp_keys_feedback_n = sizeof gp_keys_feedback / sizeof gp_keys_feedback[0];
