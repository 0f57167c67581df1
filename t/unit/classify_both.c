/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * classify_both.c - a bounce of our own Postfix means the same in its log and in its report
 *
 * Both tell of it, and it counts once only when they agree. Asked of every reply that a dictionary has for an example.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "t/unit/dictionary_fixture.h"

#include <glob.h>

#define SAID "host mx.example.org[192.0.2.1] said: %s (in reply to %s command)"

/* bounce(8)'s own words and form; they must not make evidence out of a reply that is none */
static const char report[] = "From: MAILER-DAEMON@relay.example.gov (Mail Delivery System)\n"
                             "Subject: Undelivered Mail Returned to Sender\n"
                             "Auto-Submitted: auto-replied\n"
                             "MIME-Version: 1.0\n"
                             "Content-Type: multipart/report; report-type=delivery-status; boundary=\"B\"\n\n"
                             "--B\nContent-Type: text/plain; charset=utf-8\n\n"
                             "This is the mail system at host relay.example.gov.\n\n"
                             "I'm sorry to have to inform you that your message could not\n"
                             "be delivered to one or more recipients. It's attached below.\n\n"
                             "For further assistance, please send mail to postmaster.\n\n"
                             "If you do so, please include this problem report. You can\n"
                             "delete your own text from the attached returned message.\n\n"
                             "                   The mail system\n\n"
                             "<jane@example.org>: " SAID "\n\n"
                             "--B\nContent-Type: message/delivery-status\n\n"
                             "Reporting-MTA: dns; relay.example.gov\n\n"
                             "Final-Recipient: rfc822; jane@example.org\n"
                             "Action: failed\nStatus: %s\n"
                             "Remote-MTA: dns; mx.example.org\nDiagnostic-Code: smtp; %s\n\n--B--\n";

/* Postfix gives a reply without an enhanced code this one. */
static void status_of(const char *text, char out[32])
{
    unsigned a, b, c;
    snprintf(out, 32, "5.0.0");
    if (sscanf(text + 4, "%1u.%3u.%3u", &a, &b, &c) == 3)
        snprintf(out, 32, "%u.%u.%u", a, b, c);
}

static void compare(const struct gp_dictionary *d, const char *text, const char *command)
{
    char message[16384], line[8192], status[32];
    status_of(text, status);
    snprintf(message, sizeof message, report, text, command, status, text);
    snprintf(line, sizeof line, SAID, text, command);
    const struct gp_said said = {.status = gp_str_z(status),
                                 .reply = {text, 3},
                                 .text = gp_str_z(line),
                                 .provider = GP_STR("mx.example.org"),
                                 .final = true};
    struct gp_meaning logged = gp_classify_said(d, &said);
    struct gp_report *r = gp_report_read(gp_str_z(message));
    assert_non_null(r);
    gp_classify(d, r);
    assert_int_equal(r->recipients_n, 1);
    const struct gp_report_recipient *p = &r->recipients[0];
    if (p->category != logged.category || p->suppress != logged.suppress)
        fail_msg("%s: the log says %s by %s, the report %s by %s", text, gp_category_name(logged.category), logged.by,
                 gp_category_name(p->category), p->by);
    gp_report_free(r);
}

static size_t compare_examples(const struct gp_dictionary *d, const char *path)
{
    char line[4096];
    size_t n = 0;
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "#: 5", 4) != 0)
            continue;
        compare(d, line + 3, "RCPT TO");
        compare(d, line + 3, "end of DATA");
        n++;
    }
    fclose(f);
    return n;
}

static void log_and_report_agree(void **state)
{
    static const char *const unknown[] = {"550 hm",        "550 5.1.1 hm", "550 5.7.1 hm",
                                          "554 5.0.0 hm",  "550 denied",   "554 rejected",
                                          "550 5.1.1 off", "553 refused",  "550 5.1.1 refused as asked",
                                          "550 full",      "521 no"};
    struct gp_dictionary *d = dictionary_installed();
    glob_t files;
    size_t n = 0;
    (void)state;
    assert_int_equal(glob(INSTALLED "/*.dict", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++)
        n += compare_examples(d, files.gl_pathv[i]);
    globfree(&files);
    assert_true(n > 300);
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        compare(d, unknown[i], "RCPT TO");
    gp_dictionary_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(log_and_report_agree)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
