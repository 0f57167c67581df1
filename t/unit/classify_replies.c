/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * classify_replies.c - what the replies of the big providers mean, by the dictionaries that are installed
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "t/unit/dictionary_fixture.h"

#define GOOGLE "gmail-smtp-in.l.google.com"
#define YAHOO "mta5.am0.yahoodns.net"
#define MICROSOFT "example-org.mail.protection.outlook.com"
#define APPLE "mx01.mail.icloud.com"

/* Letter of the category, then what is asked for. */
static const struct {
    const char *host, *text;
    char category;
    enum gp_reply_action action;
} replies[] = {
    {GOOGLE, "421-4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your IP address.", 'R',
     GP_REPLY_THROTTLE},
    {GOOGLE, "450-4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your SPF domain", 'R',
     GP_REPLY_THROTTLE},
    {GOOGLE, "550-5.7.28 Gmail has detected an unusual rate of unsolicited mail containing one of your URL domains.",
     'R', GP_REPLY_THROTTLE},
    {GOOGLE,
     "421-4.7.0 [192.0.2.1] Our system has detected that this message is suspicious due to the very low "
     "421-4.7.0 reputation of the sending IP address.",
     'P', GP_REPLY_THROTTLE},
    {GOOGLE, "421-4.7.0 Try again later, closing connection.", 'R', GP_REPLY_THROTTLE},
    {GOOGLE, "421-4.7.0 IP not in whitelist for RCPT domain, closing connection.", 'P', GP_REPLY_THROTTLE},
    {GOOGLE, "450-4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional", 'R',
     GP_REPLY_DELAY},
    {GOOGLE, "550-5.2.1 The user you are trying to contact is receiving mail at a rate that 550-5.2.1 prevents", 'R',
     GP_REPLY_DELAY},
    {GOOGLE, "450-4.2.1 Peak SMTP relay limit exceeded for customer.", 'R', GP_REPLY_THROTTLE},
    {GOOGLE, "421-4.7.26 Unauthenticated email from example.gov is not accepted", 'P', GP_REPLY_ALERT},
    {GOOGLE, "550-5.7.27 SPF did not pass", 'P', GP_REPLY_ALERT},
    {GOOGLE, "550-5.7.30 DKIM did not pass", 'P', GP_REPLY_ALERT},
    {GOOGLE, "421-4.7.32 not aligned", 'P', GP_REPLY_ALERT},
    {GOOGLE, "421-4.7.29 this message wasn't sent over a TLS connection", 'P', GP_REPLY_ALERT},
    {GOOGLE, "550-5.7.25 The IP address sending this message does not have a PTR record", 'P', GP_REPLY_ALERT},
    {GOOGLE, "421-4.7.28 messages with the same Message-ID", 'P', GP_REPLY_ALERT},
    {GOOGLE, "452-4.2.2 The recipient's inbox is out of storage space.", 'M', GP_REPLY_NONE},
    {GOOGLE, "552-5.2.2 https://support.google.com/mail/?p=OverQuotaPerm", 'M', GP_REPLY_NONE},
    {GOOGLE, "550-5.2.1 The email account that you tried to reach is inactive. ?p=DisabledUser", 'H',
     GP_REPLY_SUPPRESS},
    {GOOGLE, "550-5.1.1 The email account that you tried to reach does not exist. ?p=NoSuchUser", 'H',
     GP_REPLY_SUPPRESS},
    {GOOGLE, "552-5.7.0 This message was blocked because its content presents a potential security issue", 'C',
     GP_REPLY_NONE},
    {YAHOO, "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume", 'R',
     GP_REPLY_SUSPEND},
    {YAHOO, "421 4.7.0 [TSS05] Messages from 192.0.2.1 temporarily deferred due to user complaints", 'R',
     GP_REPLY_SUSPEND},
    {YAHOO, "421 4.7.0 [TS02] Messages from 192.0.2.1 temporarily deferred", 'R', GP_REPLY_SUSPEND},
    {YAHOO, "421 4.7.0 [IPTS04] Messages from 192.0.2.1 temporarily deferred", 'R', GP_REPLY_SUSPEND},
    {YAHOO, "553 5.7.2 [TSS09] All messages from 192.0.2.1 will be permanently deferred; Retrying will NOT succeed",
     'P', GP_REPLY_SUSPEND},
    {YAHOO, "553 5.7.2 [TSS11] All messages from 192.0.2.1 will be permanently deferred", 'P', GP_REPLY_SUSPEND},
    {YAHOO, "421 Max message per connection reached, closing transmission channel", 'R', GP_REPLY_THROTTLE},
    {YAHOO, "450 User is receiving mail too quickly", 'R', GP_REPLY_DELAY},
    {YAHOO, "553 5.7.1 [BL23] Connections not accepted from IP addresses on Spamhaus XBL", 'P', GP_REPLY_ALERT},
    {YAHOO, "554 5.7.9 Message not accepted for policy reasons", 'P', GP_REPLY_ALERT},
    {YAHOO, "554 Message not allowed - [PH01] Email not accepted for policy reasons", 'P', GP_REPLY_ALERT},
    {YAHOO, "554 delivery error: dd This user doesn't have a yahoo.com account (a@yahoo.com) [0]", 'H',
     GP_REPLY_SUPPRESS},
    {YAHOO, "554 30 Sorry, your message to a@yahoo.com cannot be delivered. This mailbox is disabled (554.30)", 'H',
     GP_REPLY_SUPPRESS},
    {YAHOO, "451 Message temporarily deferred due to unresolvable RFC.5321 from domain", 'P', GP_REPLY_ALERT},
    {MICROSOFT, "421 RP-001 The mail server IP connecting to Windows Live Hotmail server has exceeded the rate limit",
     'R', GP_REPLY_THROTTLE},
    {MICROSOFT, "421 RP-003 connection limit", 'R', GP_REPLY_THROTTLE},
    {MICROSOFT, "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation (S775)",
     'R', GP_REPLY_SUSPEND},
    {MICROSOFT, "451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77719)", 'R', GP_REPLY_SUSPEND},
    {MICROSOFT, "451 4.7.550 Access denied, please try again later", 'R', GP_REPLY_SUSPEND},
    {MICROSOFT, "451 4.7.700 PFA agent busy, please try again", 'R', GP_REPLY_THROTTLE},
    {MICROSOFT,
     "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service "
     "provider since part of their network is on our block list (S3150)",
     'P', GP_REPLY_SUSPEND},
    {MICROSOFT, "550 5.7.606 Access denied, banned sending IP [192.0.2.1]", 'P', GP_REPLY_ALERT},
    {MICROSOFT, "550 SC-002 Mail rejected by Outlook.com for policy reasons", 'P', GP_REPLY_SUSPEND},
    {MICROSOFT, "550 DY-001 Mail rejected by Outlook.com for policy reasons", 'P', GP_REPLY_SUSPEND},
    {MICROSOFT, "550 OU-002 Mail rejected by Outlook.com for policy reasons", 'P', GP_REPLY_SUSPEND},
    {MICROSOFT, "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", 'H', GP_REPLY_SUPPRESS},
    {"mx.example.net", "550 5.4.1 Recipient address rejected: Access denied", 'P', GP_REPLY_ALERT},
    {MICROSOFT, "550 5.7.508 Access denied, [2001:db8::1] has exceeded permitted limits within 24:00:00 range", 'R',
     GP_REPLY_THROTTLE},
    {MICROSOFT, "550 5.7.509 Access denied, sending domain EXAMPLE.GOV does not pass DMARC verification", 'P',
     GP_REPLY_ALERT},
    {MICROSOFT, "550 5.7.515 Access denied, sending domain example.gov doesn't meet the required authentication level",
     'P', GP_REPLY_ALERT},
    {MICROSOFT, "432 4.3.2 STOREDRV.Deliver; recipient thread limit exceeded", 'R', GP_REPLY_THROTTLE},
    {MICROSOFT, "550 5.2.121 The recipient's per hour message receive limit from specific sender exceeded", 'R',
     GP_REPLY_DELAY},
    {MICROSOFT, "550 5.2.122 The recipient's per hour message receive limit exceeded", 'R', GP_REPLY_DELAY},
    {APPLE, "421 4.7.1 Messages to a@icloud.com deferred due to excessive volume. Try again later", 'R',
     GP_REPLY_SUSPEND},
    {APPLE, "421 4.7.0 [HCM1]", 'R', GP_REPLY_SUSPEND},
    {APPLE, "451 4.7.0 [BS02]", 'R', GP_REPLY_SUSPEND},
    {APPLE, "550 5.7.1 [CS01] Message rejected due to local policy", 'P', GP_REPLY_ALERT},
    {APPLE, "554 st11p00im-smtpin013.me.com ESMTP not accepting connections", 'P', GP_REPLY_SUSPEND},
    {"mx1.comcast.net", "451 4.2.0 Throttled - try again later #RL000002", 'R', GP_REPLY_THROTTLE},
    {"mx1.comcast.net", "421 4.1.0 Throttled #RL000010", 'R', GP_REPLY_THROTTLE},
    {"mx1.comcast.net", "554 Comcast block for spam #BL000000", 'P', GP_REPLY_SUSPEND},
    {"smtp-in.orange.fr", "421 ME Trop de connexions, veuillez verifier votre configuration. OFR004_104 [104]", 'R',
     GP_REPLY_THROTTLE},
    {"smtp-in.orange.fr", "421 ME Service refuse. Veuillez essayer plus tard. OFR_999 [999]", 'P', GP_REPLY_SUSPEND},
    {"smtp-in.orange.fr", "550 ME Adresse IP source bloquee pour incident de spam. OFR006_102", 'P', GP_REPLY_SUSPEND},
    {"smtp-in.orange.fr", "550 5.7.1 Mail rejete. Mail rejected. OFR_506 [506]", 'C', GP_REPLY_THROTTLE},
    {"smtp-in.orange.fr", "550 5.1.1 Adresse d au moins un destinataire invalide. OFR_416 [416]", 'H',
     GP_REPLY_SUPPRESS},
    {"smtpz4.laposte.net", "552 5.1.1 Boite du destinataire pleine. LPN007_417", 'M', GP_REPLY_NONE},
    {"smtpz4.laposte.net", "550 5.5.0 Le compte du destinataire est bloque. LPN007_426", 'H', GP_REPLY_SUPPRESS},
    {"mx00.gmx.net", "421-gmx.net (mxgmx101) Nemesis ESMTP Service not available 421-Too many connections", 'R',
     GP_REPLY_THROTTLE},
    {"mx00.gmx.net", "554-Transaction failed 554-Reject due to policy restrictions.", 'P', GP_REPLY_ALERT},
    {"mx-ha.web.de", "554-web.de (mxweb009) Nemesis ESMTP Service not available 554-Bad DNS PTR resource record.", 'P',
     GP_REPLY_ALERT},
    {"mx1.qq.com", "550 Ip frequency limited [IP: 192.0.2.1]", 'R', GP_REPLY_THROTTLE},
    {"mx1.qq.com", "550 Connection frequency limited", 'R', GP_REPLY_THROTTLE},
    {"mx1.qq.com", "550 Mail content denied", 'C', GP_REPLY_THROTTLE},
    {"163mx01.mxmail.netease.com", "554 DT:SPM 163 mx1,please see http://mail.163.com/help/help_spam_16.htm", 'C',
     GP_REPLY_THROTTLE},
    {"163mx01.mxmail.netease.com", "550 RP:ORQ 163 mx1,please see http://mail.163.com/help/help_spam_16.htm", 'R',
     GP_REPLY_THROTTLE},
    {"163mx01.mxmail.netease.com", "554 HL:ITC 163 mx1,please see http://mail.163.com/help/help_spam_16.htm", 'P',
     GP_REPLY_ALERT},
    {"mx.cox.net", "421 cox too many connections from 192.0.2.1 AUP#CXCNCT", 'R', GP_REPLY_THROTTLE},
    {"mx.cox.net", "452 AUP#CXMXRT", 'R', GP_REPLY_THROTTLE},
    {"mx.cox.net", "554 AUP#CDRBL", 'P', GP_REPLY_SUSPEND},
    {"mx.cox.net", "554 AUP#IPBL0101", 'P', GP_REPLY_SUSPEND},
    {"mx0.charter.net", "421 4.7.0 AUP#In-1300", 'R', GP_REPLY_THROTTLE},
    {"mx0.charter.net", "550 5.1.0 <a@example.gov> sender rejected. AUP#In-1310", 'R', GP_REPLY_THROTTLE},
    {"mx0.charter.net", "450 AUP#In-1490", 'R', GP_REPLY_THROTTLE},
    {"smtp.secureserver.net", "550 5.1.1 <a@example.org> - 192.0.2.1 has sent to too many recipients this hour. IB607",
     'R', GP_REPLY_THROTTLE},
    {"mx1.emailsrvr.com", "421 Too many connections (G2)", 'R', GP_REPLY_THROTTLE},
    {"mx1.emailsrvr.com", "451 4.7.1 Received too many messages from a new or untrusted IP (G28)", 'R',
     GP_REPLY_THROTTLE},
    {"mx1.emailsrvr.com", "450 4.2.1 (G30)", 'R', GP_REPLY_THROTTLE},
    {"mfsmax.docomo.ne.jp", "552 Too many recipients", 'R', GP_REPLY_THROTTLE},
    {"mx.hostedemail.com",
     "421 4.7.1 Service unavailable; Client host [192.0.2.1] blocked using "
     "tms.urbl.hostedemail.com; Your IP has been sending too much spam",
     'P', GP_REPLY_ALERT},
    {"mx.hostedemail.com",
     "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using urbl.hostedemail.com; "
     "Your IP has been manually blacklisted",
     'P', GP_REPLY_ALERT},
    {"mx.example.net", "451 4.7.1 Greylisting in action, please come back later", 'S', GP_REPLY_GREYLISTING},
    {"mx.example.net", "450 4.2.0 <a@example.org>: Recipient address rejected: Greylisted, try again in 300 seconds",
     'S', GP_REPLY_GREYLISTING},
    {"mx.example.net", "451 4.7.1 Please try again in 5 minutes", 'S', GP_REPLY_GREYLISTING},
    {"mx.example.net", "451 4.3.0 try again later", 'S', GP_REPLY_NONE},
    {"mx.example.net", "452 4.5.3 Error: too many recipients", 'R', GP_REPLY_THROTTLE},
    {"mx.example.net", "421 4.4.5 Service unavailable, concurrency limit reached", 'R', GP_REPLY_THROTTLE},
};

static void the_big_providers(void **state)
{
    (void)state;
    struct gp_dictionary *d = dictionary_installed();
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        struct gp_meaning m = said(d, replies[i].host, replies[i].text);
        if (gp_category_letter(m.category) != replies[i].category || m.action != replies[i].action)
            fail_msg("%s %s by %s: %s", gp_category_name(m.category), gp_reply_action_name(m.action), m.by,
                     replies[i].text);
        assert_true(m.matched);
        assert_int_equal(m.greylisting, replies[i].action == GP_REPLY_GREYLISTING);
        assert_int_equal(m.suppress, replies[i].category == 'H');
    }
    assert_int_equal(said(d, YAHOO, "421 4.7.0 [TSS04] Messages").action_s, 2 * 3600);
    assert_int_equal(said(d, YAHOO, "421 4.7.0 [TSS05] Messages").action_s, 4 * 3600);
    gp_dictionary_free(d);
}

/* As Postfix logs them: what stands in the parentheses after status=. */
static void as_postfix_logs_them(void **state)
{
    (void)state;
    struct gp_dictionary *d = dictionary_installed();
    static const struct {
        const char *text, *status;
        bool final;
        char category;
    } rows[] = {
        {"host mx[192.0.2.1] said: 550 5.1.1 <x>: Recipient address rejected: user unknown in sink table (in reply to "
         "RCPT TO command)",
         "5.1.1", true, 'H'},
        {"host mx[192.0.2.1] said: 451 4.2.0 <x>: Recipient address rejected: user unknown in sink table (in reply to "
         "RCPT TO command)",
         "4.2.0", false, 'S'},
        {"host mx[192.0.2.1] said: 550 5.1.1 <x>: user unknown (in reply to MAIL FROM command)", "5.1.1", true, 'P'},
        {"host mx[192.0.2.1] said: 550 5.1.1 <x>: user unknown (in reply to EHLO command)", "5.1.1", true, 'P'},
        {"host mx[192.0.2.1] refused to talk to me: 550 no such user", "4.0.0", false, 'P'},
        {"host mx[192.0.2.1] said: 554 5.7.1 message content rejected by sink (in reply to end of DATA command)",
         "5.7.1", true, 'C'},
        {"host mx[192.0.2.1] said: 554 5.1.1 hmm (in reply to end of DATA command)", "5.1.1", true, 'C'},
        {"host mx[192.0.2.1] said: 550 5.1.1 user unknown (in reply to end of DATA command)", "5.1.1", true, 'H'},
        {"connect to 127.0.0.1[127.0.0.1]:21999: Connection refused", "4.4.1", false, 'S'},
        {"conversation with mx[192.0.2.1] timed out while receiving the initial server greeting", "4.4.2", false, 'S'},
        {"lost connection with mx[192.0.2.1] while sending RCPT TO", "4.4.2", false, 'S'},
        {"Host or domain name not found. Name service error for name=x.example type=AAAA: Host not found", "5.4.4",
         true, 'H'},
        {"Host or domain name not found. Name service error for name=x.example type=MX: Host not found, try again",
         "4.4.3", false, 'S'},
        {"Domain x.example does not accept mail (nullMX)", "5.1.0", true, 'H'},
        {"mail for x.example loops back to myself", "5.4.6", true, 'S'},
        {"SMTPUTF8 is required, but was not offered by host 127.0.0.1[127.0.0.1]", "5.6.7", true, 'C'},
        {"message size 20480000 exceeds size limit 10240000 of server mx[192.0.2.1]", "5.3.4", true, 'C'},
        {"TLS is required, but was not offered by host mx[192.0.2.1]", "4.7.4", false, 'P'},
        {"unknown user: \"jane\"", "5.1.1", true, 'H'},
        {"temporary failure", "4.3.0", false, 'S'},
        {"Command died with signal 9: \"/srv/relay/bin/bpipe.sh\"", "4.3.0", false, 'S'},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gp_said s = {.text = gp_str_z(rows[i].text), .status = gp_str_z(rows[i].status), .final = rows[i].final};
        struct gp_meaning m = gp_classify_said(d, &s);
        if (gp_category_letter(m.category) != rows[i].category)
            fail_msg("%s by %s: %s", gp_category_name(m.category), m.by, rows[i].text);
        assert_int_equal(m.suppress, rows[i].category == 'H');
    }
    gp_dictionary_free(d);
}

static void what_no_entry_fits(void **state)
{
    (void)state;
    struct gp_dictionary *d = dictionary_installed();
    static const struct {
        const char *text;
        char category;
    } rows[] = {{"550 5.1.1 Hm", 'H'}, {"550 5.7.1 Hm", 'P'}, {"554 5.6.0 Hm", 'C'},
                {"552 5.2.2 Hm", 'M'}, {"450 Hm", 'S'},       {"554 5.3.0 Hm", 'S'},
                {"550 Hm", 'U'},       {"Hm", 'U'},           {"", 'U'}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gp_meaning m = said(d, "mx.example.net", rows[i].text);
        assert_int_equal(gp_category_letter(m.category), rows[i].category);
        assert_false(m.matched); /* to be counted as unclassified */
    }
    gp_dictionary_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_big_providers),
        cmocka_unit_test(as_postfix_logs_them),
        cmocka_unit_test(what_no_entry_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
