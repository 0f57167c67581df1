/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * metrics.c - the text for Prometheus: its form to the letter, histograms that add up, room for any numbers, the manual
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static char text[GP_METRICS_TEXT_MAX];

static const char *write_of(const char *program)
{
    struct gp_buf b = gp_buf_on(text, sizeof text);
    gp_metrics_begin(program, 1764396243);
    gp_metrics_write(&b);
    assert_false(b.full);
    return text;
}

static void has(const char *line)
{
    if (strstr(text, line) == NULL)
        fail_msg("no %s in\n%s", line, text);
}

static const char feedback_text[] =
    "# HELP gatepost_info Always 1.\n"
    "# TYPE gatepost_info gauge\n"
    "gatepost_info{program=\"feedback\",version=\"" GATEPOST_VERSION "\"} 1\n"
    "# HELP gatepost_start_time_seconds When the daemon started, since 1970.\n"
    "# TYPE gatepost_start_time_seconds gauge\n"
    "gatepost_start_time_seconds{program=\"feedback\"} 1764396243\n"
    "# HELP gatepost_epoch Number of the running configuration; 1 is the first.\n"
    "# TYPE gatepost_epoch gauge\n"
    "gatepost_epoch{program=\"feedback\"} 7\n"
    "# HELP gatepost_epochs_alive Configurations that sessions still use.\n"
    "# TYPE gatepost_epochs_alive gauge\n"
    "gatepost_epochs_alive{program=\"feedback\"} 0\n"
    "# HELP gatepost_reloads_total Reloads.\n"
    "# TYPE gatepost_reloads_total counter\n"
    "gatepost_reloads_total{program=\"feedback\",outcome=\"ok\"} 0\n"
    "gatepost_reloads_total{program=\"feedback\",outcome=\"failed\"} 0\n"
    "# HELP gatepost_log_lines_left_out_total Log lines beyond the flood limit.\n"
    "# TYPE gatepost_log_lines_left_out_total counter\n"
    "gatepost_log_lines_left_out_total{program=\"feedback\"} 0\n"
    "# HELP gatepost_connections Open policy (policyd) or LMTP (feedback) connections.\n"
    "# TYPE gatepost_connections gauge\n"
    "gatepost_connections{program=\"feedback\"} 0\n"
    "# HELP gatepost_feedback_messages_total Messages that came back, by what became of them.\n"
    "# TYPE gatepost_feedback_messages_total counter\n"
    "gatepost_feedback_messages_total{program=\"feedback\",outcome=\"acted\"} 3\n"
    "gatepost_feedback_messages_total{program=\"feedback\",outcome=\"counted\"} 0\n"
    "gatepost_feedback_messages_total{program=\"feedback\",outcome=\"expired\"} 0\n"
    "gatepost_feedback_messages_total{program=\"feedback\",outcome=\"ignored\"} 0\n"
    "gatepost_feedback_messages_total{program=\"feedback\",outcome=\"forwarded\"} 0\n"
    "gatepost_feedback_messages_total{program=\"feedback\",outcome=\"kept\"} 0\n"
    "gatepost_feedback_messages_total{program=\"feedback\",outcome=\"quarantined\"} 0\n"
    "gatepost_feedback_messages_total{program=\"feedback\",outcome=\"repeated\"} 0\n"
    "gatepost_feedback_messages_total{program=\"feedback\",outcome=\"again\"} 0\n"
    "# HELP gatepost_mail_log_lines_total Lines read of the mail log.\n"
    "# TYPE gatepost_mail_log_lines_total counter\n"
    "gatepost_mail_log_lines_total{program=\"feedback\"} 0\n";

static void the_whole_text_of_one(void **state)
{
    (void)state;
    gp_metrics_set(GP_METRIC_EPOCH, 7);
    gp_metrics_add(GP_METRIC_FEEDBACK_ACTED, 2);
    gp_metrics_add(GP_METRIC_FEEDBACK_ACTED, 1);
    assert_string_equal(write_of("feedback"), feedback_text);
}

static void decisions_by_reason(void **state)
{
    (void)state;
    gp_metrics_decided(GP_METRICS_END, GP_ACCEPTED);
    gp_metrics_decided(GP_METRICS_MAIL, GP_SENDER_DOMAIN);
    gp_metrics_decided(GP_METRICS_MAIL, GP_SENDER_DOMAIN);
    gp_metrics_decided(GP_METRICS_MAIL, GP_SENDER_DOMAIN_REJECT);
    gp_metrics_decided(GP_METRICS_END, GP_HEADERS); /* one reason id and one code: one series */
    gp_metrics_decided(GP_METRICS_END, GP_HEADERS_SIZE);
    write_of("milter");
    has("\ngatepost_decisions_total{program=\"milter\",stage=\"END-OF-MESSAGE\",reason=\"accepted\"} 1\n");
    has("\ngatepost_decisions_total{program=\"milter\",stage=\"MAIL\",reason=\"sender-domain\",code=\"451\"} 2\n");
    has("\ngatepost_decisions_total{program=\"milter\",stage=\"MAIL\",reason=\"sender-domain\",code=\"550\"} 1\n");
    has("\ngatepost_decisions_total{program=\"milter\",stage=\"END-OF-MESSAGE\",reason=\"headers\",code=\"554\"} 2\n");
    assert_null(strstr(text, "stage=\"CONNECT\",reason"));
    assert_null(strstr(text, "gatepost_connections"));
    write_of("policyd");
    has("\ngatepost_decisions_total{program=\"policyd\",stage=\"CONNECT\",reason=\"login-ban\",code=\"421\"} 0\n");
    assert_null(strstr(text, "stage=\"MAIL\""));
    assert_null(strstr(text, "gatepost_sessions"));
}

static void no_series_stands_twice(void **state)
{
    (void)state;
    static const char *const programs[] = {"policyd", "milter", "feedback"};
    for (size_t i = 0; i < 3; i++) {
        struct gp_str rest = gp_str_z(write_of(programs[i])), line;
        while (gp_str_split(&rest, '\n', &line)) {
            char series[256];
            size_t n = 0;
            for (size_t at = 0; at < line.n; at++)
                n = line.p[at] == ' ' ? at + 1 : n;
            if (line.n == 0 || line.p[0] == '#')
                continue;
            assert_in_range(n, 2, sizeof series - 1);
            memcpy(series, line.p, n);
            series[n] = '\0';
            const char *first = strstr(text, series);
            assert_ptr_equal(first, line.p);
            assert_null(strstr(first + 1, series));
        }
    }
}

#define RCPT "{program=\"policyd\",stage=\"RCPT\""

static void histograms_add_up(void **state)
{
    (void)state;
    gp_metrics_took(GP_METRICS_RCPT, 0);
    gp_metrics_took(GP_METRICS_RCPT, 50000); /* a bound belongs to its bucket */
    gp_metrics_took(GP_METRICS_RCPT, 50001);
    gp_metrics_took(GP_METRICS_RCPT, 2500000000);
    gp_metrics_took(GP_METRICS_RCPT, 2500000001);
    write_of("policyd");
    has("# TYPE gatepost_decision_seconds histogram\n");
    has("\ngatepost_decision_seconds_bucket" RCPT ",le=\"0.00005\"} 2\n"
        "gatepost_decision_seconds_bucket" RCPT ",le=\"0.0001\"} 3\n"
        "gatepost_decision_seconds_bucket" RCPT ",le=\"0.00025\"} 3\n");
    has("\ngatepost_decision_seconds_bucket" RCPT ",le=\"1\"} 3\n"
        "gatepost_decision_seconds_bucket" RCPT ",le=\"2.5\"} 4\n"
        "gatepost_decision_seconds_bucket" RCPT ",le=\"+Inf\"} 5\n"
        "gatepost_decision_seconds_sum" RCPT "} 5.000100002\n"
        "gatepost_decision_seconds_count" RCPT "} 5\n");
}

#define EACH 20000

static void *count_many(void *arg)
{
    (void)arg;
    for (int i = 0; i < EACH; i++) {
        gp_metrics_add(GP_METRIC_STORE_ANSWERED, 1);
        gp_metrics_took(GP_METRICS_OTHER, 1000);
    }
    return NULL;
}

static void threads_lose_nothing(void **state)
{
    (void)state;
    pthread_t thread[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, count_many, NULL), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    write_of("policyd");
    has("gatepost_store_requests_total{program=\"policyd\",outcome=\"answered\"} 80000\n");
    has("gatepost_decision_seconds_sum{program=\"policyd\",stage=\"OTHER\"} 0.080000000\n");
    has("gatepost_decision_seconds_count{program=\"policyd\",stage=\"OTHER\"} 80000\n");
}

static void manual_knows_every_family(void **state)
{
    (void)state;
    static char manual[32768];
    FILE *f = fopen("shared/gatepost-metrics.5", "r");
    assert_non_null(f);
    size_t n = fread(manual, 1, sizeof manual - 1, f);
    fclose(f);
    manual[n] = '\0';
    static const char *const programs[] = {"policyd", "milter", "feedback"};
    for (size_t i = 0; i < 3; i++) {
        struct gp_str rest = gp_str_z(write_of(programs[i])), line, name;
        while (gp_str_split(&rest, '\n', &line)) {
            char item[128];
            if (line.n < 7 || memcmp(line.p, "# HELP ", 7) != 0)
                continue;
            name = (struct gp_str){line.p + 7, line.n - 7};
            name.n = gp_str_find(name, ' ');
            snprintf(item, sizeof item, "\n.It Sy %.*s", GP_STR_FMT(name));
            if (strstr(manual, item) == NULL)
                fail_msg("gatepost-metrics(5) does not know %.*s", GP_STR_FMT(name));
        }
    }
}

/* The last test: what is counted here stays. */
static void any_numbers_have_room(void **state)
{
    (void)state;
    for (enum gp_metric m = 0; m < GP_METRIC_COUNT; m++)
        gp_metrics_set(m, UINT64_MAX);
    for (enum gp_metrics_stage s = 0; s < GP_METRICS_STAGE_COUNT; s++) {
        for (enum gp_reason r = 0; r < GP_REASON_COUNT; r++) {
            for (uint64_t n = 0; n < 3; n++)
                gp_metrics_decided(s, r);
        }
        gp_metrics_took(s, UINT64_MAX / 2);
    }
    write_of("policyd");
    write_of("feedback");
    /* decisions as great as they can be: 20 digits more in each line */
    size_t lines = 0, n = strlen(write_of("milter"));
    for (size_t i = 0; i < n; i++)
        lines += text[i] == '\n';
    assert_in_range(n + 20 * lines, 1, sizeof text - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_text_of_one), cmocka_unit_test(decisions_by_reason),
        cmocka_unit_test(no_series_stands_twice), cmocka_unit_test(histograms_add_up),
        cmocka_unit_test(threads_lose_nothing),  cmocka_unit_test(manual_knows_every_family),
        cmocka_unit_test(any_numbers_have_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
