/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * verdict_meaning.c - what the replies of verdict.h mean to people; gatepost-replies(7) is made from it
 */
#include "shared/verdict.h"

#define POLICYD "{Xr gatepost-policyd 8}"
#define MILTER "{Xr gatepost-milter 8}"
#define TRIES_AGAIN "A mail server's queue tries again by itself."

static const struct gp_reply_meaning meanings[] = {
    [GP_ACCEPTED] = {MILTER " at the end of data", "Not a reply: Postfix has taken the message.", "Nothing.", "Nothing."},
    [GP_RECIPIENT_LIMIT] =
        {MILTER " at RCPT (single-recipient)",
         "The message has a recipient already: one return path names one recipient. The first one stays good.",
         "Nothing, unless an agency's mail is slow for it.",
         "Send one message for each recipient. A mail server sends the others by itself at its next attempt."},
    [GP_SESSION_LIMIT] =
        {POLICYD " at CONNECT (sessions), " MILTER " at HELO, at MAIL after a login or when HELO never came "
         "(concurrency)",
         "All {Ic sessions} of the agency were taken, over all nodes, when the session began.",
         "{Ql gatepostctl limits} shows how many are open; raise {Ic sessions} if the agency needs more.",
         "Open fewer connections at once, or use each for more messages. " TRIES_AGAIN},
    [GP_RECONFIGURING] =
        {MILTER " at HELO, MAIL, RCPT and DATA (reconfiguring)",
         "The session's configuration is an old one and {Ic drain_timeout} has passed, or the daemon is ending.",
         "Nothing.", "Connect again."},
    [GP_RECIPIENT_SYNTAX] =
        {MILTER " at RCPT (recipient-syntax)",
         "The argument of RCPT TO is no path of RFC 5321 and RFC 6531. The verb GPBADRCPT gets this answer too: "
         "{Ic smtpd_command_filter} makes it of lines that Postfix would otherwise refuse in its own words.",
         "Nothing; {Ql gatepostctl check-address} says what is wrong with an address.", "Correct the address."},
    [GP_SENDER_DOMAIN] =
        {MILTER " at MAIL (sender), RCPT (sender-token) and the end of data (from-header)",
         "The sender's domain does not stand under the agency's {Ic sender_domains}; or, with {Ic check_from} and always "
         "for the null sender, a domain of the From header does not. The null sender is allowed. At {Ic return_path} only a return path of ours is a "
         "sender, for the agency and the recipient it names.",
         "Add the domain to the agency's {Ic sender_domains} if it may send as it; else {Ic sender_domain_reply} decides "
         "whether such mail waits or bounces.",
         "Send as a domain that was agreed, or ask the relay's operator to add it."},
    [GP_SENDER_DOMAIN_REJECT] =
        {MILTER " at MAIL (sender), RCPT (sender-token) and the end of data (from-header)",
         "As with 451, where {Ic sender_domain_reply} is reject.", "As with 451.", "As with 451; the message bounces."},
    [GP_PACKAGE] =
        {POLICYD " at RCPT (usage), " MILTER " at the end of data",
         "The agency's {Ic package} of the day or month is used up, or the messages of its test window are.",
         "{Ql gatepostctl limits} shows what is used; the log says event=package at 80, 90 and 100 percent. Raise it in the "
         "file, or for a time with {Ql gatepostctl limit set}.",
         "Wait for the next day or month, UTC, or ask for more. " TRIES_AGAIN},
    [GP_MESSAGE_SIZE] =
        {MILTER " at MAIL, when SIZE= declares it (declared-size), and at the end of data (size)",
         "Headers and body, each line with CRLF, have more octets than the agency's {Ic message_size}.",
         "Raise {Ic message_size} if such messages are to pass.", "Send a smaller message; this one bounces."},
    [GP_RATE] = {POLICYD " at RCPT (usage), " MILTER " at the end of data",
                 "One of the agency's rates is used up: so many recipients were accepted within its stretch of time.",
                 "{Ql gatepostctl limits} shows which one; raise {Ic rate} in the file, or for a time with "
                 "{Ql gatepostctl limit set}.",
                 "Send more slowly. " TRIES_AGAIN},
    [GP_NOT_PERMITTED] =
        {POLICYD " at CONNECT and RCPT (listed, same-agency), " MILTER " at MAIL (permitted)",
         "No agency lists the client's address or login; or the address and the login are not of one agency where both "
         "are asked for; or the address's test window has not begun or has ended. A client whose address Postfix does not "
         "know, because it hung up too early, gets it too.",
         "Add the address or login to its agency, if it is one's, then {Ql gatepostctl reload}.",
         "Submit from an address that was agreed."},
    [GP_BLOCKED] = {POLICYD " at CONNECT and RCPT (block)",
                    "The address or the agency is blocked for good; the reply tells the reason that was given.",
                    "{Ql gatepostctl unblock} ends it; {Ql gatepostctl history} says who blocked it.",
                    "Ask the relay's operator."},
    [GP_BLOCKED_TEMPORARILY] =
        {POLICYD " at CONNECT and RCPT (live-block)",
         "The address or the agency is blocked for a time; the reply tells the reason that was given.",
         "It ends by itself, or by {Ql gatepostctl unblock}.", "Ask the relay's operator. " TRIES_AGAIN},
    [GP_LOGIN_BAN] =
        {POLICYD " at CONNECT (ban)",
         "Too many logins from this address failed, see {Ic failed_logins}. In a session that is open already every login "
         "gets 535, the right password too.",
         "{Ql gatepostctl bans} shows it, {Ql gatepostctl unblock} ends it.",
         "Correct the password, and wait for the time of {Ic failed_logins}."},
    [GP_PAUSED] = {POLICYD " at CONNECT and RCPT (pause)",
                   "An operator has paused the agency; the reply tells the reason that was given.",
                   "{Ql gatepostctl resume} ends it.", "Ask the relay's operator. " TRIES_AGAIN},
    [GP_MESSAGES_PER_SESSION] = {MILTER " at MAIL (messages-per-session)",
                                 "So many messages were accepted in this session as {Ic messages_per_session} allows.",
                                 "Nothing.", "Connect again; a mail server does so by itself."},
    [GP_SESSION_TIME] = {MILTER " at MAIL (session-time)", "The session is older than {Ic session_time}.", "Nothing.",
                         "Connect again; a mail server does so by itself."},
    [GP_LOGIN_REQUIRED] = {POLICYD " and " MILTER " at RCPT (login)",
                           "On this listener agencies log in, and the client has not.",
                           "Nothing; or lead clients that cannot log in to a listener that goes by address.",
                           "Log in (SMTP AUTH, after STARTTLS)."},
    [GP_HEADERS] = {MILTER " at the end of data (headers)",
                    "The message has more than 64 headers of those that Gatepost takes out or may take out.", "Nothing.",
                    "Send messages without X-Gatepost headers, and with one List-Unsubscribe."},
    [GP_HEADERS_SIZE] = {MILTER " at the end of data",
                         "The headers are too large to be signed: the signed ones have more than 256 KiB, or their names "
                         "more than 2 KiB together. {Ic on_unsigned} = send lets the message pass.",
                         "Nothing.", "Send fewer or shorter headers; this message bounces."},
    [GP_SPF_REJECT] =
        {MILTER " at MAIL (spf)",
         "The sender's domain has an SPF record that gives fail or softfail for an address of {Ic egress}, and the agency's "
         "{Ic spf} is reject.",
         "{Ql gatepostctl spf show} prints the record to publish; {Ic spf} = warn lets the mail pass.",
         "Have the domain's SPF record name the relay; the relay's operator knows how."},
    [GP_SPF_DEFER] = {MILTER " at MAIL (spf)", "As with 550, where the agency's {Ic spf} is defer.", "As with 550.",
                      "As with 550; the mail waits meanwhile."},
    [GP_UNSIGNED] = {MILTER " at the end of data",
                     "A key that is to sign the message could not, or the message has no From header. With {Ic on_unsigned} "
                     "= send it leaves with the signatures that could be made.",
                     "The line in the log says why (unsigned=).", "Send a From header. " TRIES_AGAIN},
    [GP_SUPPRESSED] = {MILTER " at RCPT, and at the end of data for an agency with {Ic streams}",
                       "The agency may not mail this address; the reply tells why and since when. See "
                       "{Xr gatepost-suppression 7}.",
                       "{Ql gatepostctl suppress history} shows what came back; {Ql gatepostctl suppress remove} ends it.",
                       "Take the address off the list, or ask the relay's operator if it works again."},
    [GP_AUTO_REPLY_LIMIT] = {MILTER " at the end of data",
                             "So many automatic replies as {Ic auto_replies} allows went to this recipient already: two "
                             "systems may be answering each other.",
                             "Raise {Ic auto_replies} if the replies are meant.",
                             "Answer each correspondent once in a while only (RFC 3834)."},
    [GP_RETURN_FORGED] =
        {POLICYD " at RCPT (forged)",
         "A recipient at {Ic return_path} without a genuine token, postmaster and abuse excepted; on the listener for what "
         "comes back any other recipient too. A routed form (user%domain, domain!user, a source route) that names "
         "{Ic return_path} is always refused, since Postfix rewrites it only after asking.",
         "{Ql gatepostctl token show} says what is wrong with a token. With a lost key no token is genuine.",
         "Nothing: the address was made up, or is somebody's guess."},
    [GP_INTERNAL] =
        {MILTER " at MAIL (permitted, taken), RCPT and the end of data, or wherever the mail server broke the protocol "
         "(order); " POLICYD " at CONNECT and RCPT",
         "Something here did not work: the counters are away and {Ic on_counter_loss} is closed; the message could not be "
         "rewritten; the two daemons know different configurations for a moment, or policyd was not "
         "asked; there was no memory.",
         "Look at the daemons' lines in the log, and at {Ql gatepostctl status}.", TRIES_AGAIN},
};
_Static_assert(sizeof meanings / sizeof meanings[0] == GP_REASON_COUNT, "a reply without a meaning");

const struct gp_reply_meaning *gp_reply_meaning_of(enum gp_reason reason)
{
    return &meanings[reason < GP_REASON_COUNT ? reason : GP_INTERNAL];
}
