/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * classify_evidence.c - tests of how texts are made comparable: codes, phases, lines of one reply; and what that costs
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/report/evidence.h"
#include "t/unit/dictionary_fixture.h"

#include <time.h>

#ifdef __SANITIZE_THREAD__ /* a race is looked for there, not speed */
#define HOSTILE_MS 120000
#else
#define HOSTILE_MS 2000
#endif

static void codes_in_texts(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reply, *status; /* reply and status as fields */
        const char *want;
    } cases[] = {
        {"550 5.1.1 hm", "", "", "550 5.1.1"},
        {"550-5.1.1 hm 550 5.1.1 ha", "", "", "550 5.1.1"},
        {"smtp; 550 5.1.1 hm", "", "", "550 5.1.1"},
        {"550 #5.1.1 hm", "", "", "550 5.1.1"},
        {"sorry (#5.1.1)", "", "", "... 5.1.1"},
        {"550 hm", "", "5.2.0", "550 5.2.0"},
        {"hm", "554", "5.2.0", "554 5.2.0"},
        {"550 5.7.1 hm", "554", "5.2.0", "550 5.7.1"},
        {"550: hm", "", "", "550 ..."},
        {"5501 hm", "", "", "... ..."},
        {"350 hm", "", "", "... ..."},
        {"580 hm", "", "", "... ..."},
        {"550.5 hm", "", "", "... ..."},
        {"550 from 4.5.2.1", "", "", "550 ..."}, /* an address */
        {"550 from 192.5.2.1", "", "", "550 ..."},
        {"550 exim 4.92.3", "", "", "550 ..."}, /* a version */
        {"550 v5.1.1", "", "", "550 ..."},
        {"550 5.1.1000", "", "", "550 ..."},
        {"550 2.1.5 hm", "", "5.1.1", "550 5.1.1"}, /* success says nothing of a failure */
        {"", "", "", "... ..."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char got[40];
        struct gp_evidence e;
        enum gp_report_phase phase = GP_PHASE_NOT_SAID;
        char clean[200];
        struct gp_buf b = gp_buf_on(clean, sizeof clean);
        gp_evidence_clean(gp_str_z(cases[i].text), &b);
        gp_evidence_codes(gp_evidence_strip(gp_buf_str(&b), &phase), gp_str_z(cases[i].reply),
                          gp_str_z(cases[i].status), &e);
        b = gp_buf_on(got, sizeof got);
        if (e.reply[0] == 0)
            gp_buf_putz(&b, "... ");
        else
            gp_buf_printf(&b, "%.3s ", e.reply);
        if (e.enhanced[0] == GP_CODE_ANY)
            gp_buf_putz(&b, "...");
        else
            gp_buf_printf(&b, "%d.%d.%d", e.enhanced[0], e.enhanced[1], e.enhanced[2]);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("\"%s\": %s", cases[i].text, got);
    }
}

static void phases_in_texts(void **state)
{
    (void)state;
    static const struct {
        const char *text, *rest;
        enum gp_report_phase phase;
    } cases[] = {
        {"host mx[192.0.2.1] said: 550 no (in reply to RCPT TO command)", "550 no", GP_PHASE_RCPT},
        {"host mx[192.0.2.1] said: 550 no (in reply to end of DATA command)", "550 no", GP_PHASE_DATA},
        {"host mx[192.0.2.1] said: 550 no (in reply to DATA command)", "550 no", GP_PHASE_DATA},
        {"host mx[192.0.2.1] said: 550 no (in reply to MAIL FROM command)", "550 no", GP_PHASE_MAIL},
        {"host mx[192.0.2.1] said: 550 no (in reply to EHLO command)", "550 no", GP_PHASE_HELO},
        {"host mx[192.0.2.1] refused to talk to me: 421 no", "421 no", GP_PHASE_CONNECT},
        {"host mx[192.0.2.1] said: 550 he said: no (well) (in reply to RCPT TO command)", "550 he said: no (well)",
         GP_PHASE_RCPT},
        {"host mx[192.0.2.1] said: 550 mx refused to talk to me: no", "550 mx refused to talk to me: no",
         GP_PHASE_NOT_SAID},
        {"550 host mx said: no", "550 host mx said: no", GP_PHASE_NOT_SAID},
        {"x-postfix; unknown user", "unknown user", GP_PHASE_NOT_SAID},
        {"no; really", "really", GP_PHASE_NOT_SAID},
        {"", "", GP_PHASE_NOT_SAID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char clean[200], rest[200];
        enum gp_report_phase phase = GP_PHASE_NOT_SAID;
        struct gp_buf b = gp_buf_on(clean, sizeof clean), out = gp_buf_on(rest, sizeof rest);
        gp_evidence_clean(gp_str_z(cases[i].text), &b);
        gp_buf_put(&out, gp_evidence_strip(gp_buf_str(&b), &phase));
        assert_string_equal(rest, cases[i].rest);
        assert_int_equal(phase, cases[i].phase);
    }
    enum gp_report_phase known = GP_PHASE_DATA;
    gp_evidence_strip(GP_STR("host mx said: no (in reply to mail from command)"), &known);
    assert_int_equal(known, GP_PHASE_DATA); /* what was said before stays */
}

static void lines_of_one_reply_are_joined(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"550-5.2.1 receiving mail at a rate that 550-5.2.1 prevents additional 550 5.2.1 mail",
         "550-5.2.1 receiving mail at a rate that prevents additional mail"},
        {"554-no smtp service 554-ip address is black listed 554 for help",
         "554-no smtp service ip address is black listed 554 for help"},
        {"550 5.1.1 not 550 5.1.2 the same", "550 5.1.1 not 550 5.1.2 the same"},
        {"421 4.7.0 port 4210", "421 4.7.0 port 4210"},
        {"no code", "no code"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char joined[200];
        struct gp_evidence e;
        struct gp_buf b = gp_buf_on(joined, sizeof joined);
        gp_evidence_codes(gp_str_z(cases[i][0]), GP_STR(""), GP_STR(""), &e);
        gp_evidence_join(gp_str_z(cases[i][0]), &e, &b);
        assert_string_equal(joined, cases[i][1]);
    }
}

/* A hundred recipients with the worst that is known against the installed dictionaries: bounded, however it is written.
 */
static void hostile_texts_are_bounded(void **state)
{
    (void)state;
    static const char *const words[] = {"user ",
                                        "unknown user ",
                                        "mailbox is is is ",
                                        "exceeds the the ",
                                        "domain a.b a.b ",
                                        "550-5.7.1 ",
                                        "\n",
                                        "\xE3\x80\x80",
                                        "("};
    static char text[GP_REPORT_TEXT_MAX];
    static struct gp_report_recipient p[GP_REPORT_RECIPIENTS_MAX];
    struct gp_dictionary *d = dictionary_installed();
    for (size_t w = 0; w < sizeof words / sizeof words[0]; w++) {
        struct gp_buf b = gp_buf_on(text, sizeof text);
        struct timespec begin, end;
        while (!b.full)
            gp_buf_putz(&b, words[w]);
        for (size_t i = 0; i < GP_REPORT_RECIPIENTS_MAX; i++)
            p[i] = (struct gp_report_recipient){.diagnostic = gp_buf_str(&b), .human = gp_buf_str(&b)};
        struct gp_report r = {.kind = GP_REPORT_BOUNCE, .recipients = p, .recipients_n = GP_REPORT_RECIPIENTS_MAX};
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
        gp_classify(d, &r);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
        double ms = 1e3 * (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e6;
        print_message("%-20.20s %.1f ms\n", words[w], ms);
        assert_true(ms < HOSTILE_MS); /* 20 to 40 ms where nothing else runs; sanitizers take ten times that and more */
    }
    gp_dictionary_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_in_texts),
        cmocka_unit_test(phases_in_texts),
        cmocka_unit_test(lines_of_one_reply_are_joined),
        cmocka_unit_test(hostile_texts_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
