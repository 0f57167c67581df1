/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * log.c - a log line is one line (one object) whatever a client sent, and a flood is counted instead of written
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/log.h"

/* Runs f with stderr in a file; returns what was written. */
static size_t captured(void (*f)(void), char *out, size_t cap)
{
    char path[] = "/tmp/gatepost-log-XXXXXX";
    int fd = mkstemp(path), saved = dup(STDERR_FILENO);
    assert_true(fd >= 0 && saved >= 0);
    dup2(fd, STDERR_FILENO);
    f();
    dup2(saved, STDERR_FILENO);
    ssize_t n = pread(fd, out, cap - 1, 0);
    assert_true(n >= 0);
    out[n] = '\0';
    close(fd);
    close(saved);
    unlink(path);
    return (size_t)n;
}

static void hostile_line(void)
{
    struct gp_line l;
    gp_line_begin(&l, GP_INFO, "verdict");
    gp_line_str(&l, "sender", GP_STR("a\r\nlevel=error \"x\\ \xff\0z"));
    gp_line_str(&l, "recipient", GP_STR("joe@example.org"));
    gp_line_str(&l, "none", GP_STR(""));
    gp_line_reason(&l, GP_RATE);
    gp_line_end(&l);
}

static void one_line_whatever_comes(void **state)
{
    (void)state;
    char out[8192];
    captured(hostile_line, out, sizeof out);
    assert_non_null(strstr(out, "sender=\"a\\x0d\\x0alevel=error \\\"x\\\\ \\xff\\x00z\""));
    assert_non_null(strstr(out, " recipient=joe@example.org "));
    assert_non_null(strstr(out, " reason=rate code=450\n"));
    assert_null(strstr(out, "none="));
    assert_ptr_equal(strchr(out, '\n'), out + strlen(out) - 1);
}

static void flood(void)
{
    for (int i = 0; i < 10000; i++)
        gp_log(GP_WARN, "test-flood", "%d", i);
}

static void floods_are_limited(void **state)
{
    (void)state;
    static char out[4 << 20];
    size_t n = captured(flood, out, sizeof out), lines = 0;
    for (size_t i = 0; i < n; i++)
        lines += out[i] == '\n';
    assert_true(lines >= GP_LOG_PER_SECOND);
    assert_true(lines <= 5 * (GP_LOG_PER_SECOND + 1)); /* a slow machine may see a few seconds go by */
}

static void many_accepted(void)
{
    for (int i = 0; i < 3 * GP_LOG_PER_SECOND; i++) {
        struct gp_line l;
        gp_line_begin(&l, GP_INFO, "verdict");
        gp_line_reason(&l, GP_ACCEPTED);
        gp_line_end(&l);
    }
}

static void accepted_messages_always_have_their_line(void **state)
{
    (void)state;
    static char out[1 << 20];
    size_t n = captured(many_accepted, out, sizeof out), lines = 0;
    for (size_t i = 0; i < n; i++)
        lines += out[i] == '\n';
    assert_int_equal(lines, 3 * GP_LOG_PER_SECOND);
}

static void close_of_full_line(void)
{
    char long_text[1000];
    struct gp_line l;
    memset(long_text, '"', sizeof long_text);
    gp_line_begin(&l, GP_INFO, "full");
    for (char i = 0; i < 26; i++)
        gp_line_str(&l, (const char[]){(char)('a' + i), '\0'}, (struct gp_str){long_text, sizeof long_text});
    gp_line_u64(&l, "number", UINT64_MAX);
    gp_line_end(&l);
}

static void a_full_line_is_closed_all_the_same(void **state)
{
    (void)state;
    char out[16384];
    size_t n = captured(close_of_full_line, out, sizeof out);
    assert_in_range(n, 6000, 6200);
    assert_string_equal(out + n - 4, "\\\"\"\n");
    assert_null(strstr(out, "number="));
}

/* Runs f with JSON lines; returns what was written, line by line. */
static size_t json_captured(void (*f)(void), json_t **line, size_t most)
{
    static char out[4 << 20];
    size_t n = 0;
    gp_log_open("unit_log", GP_LOG_STDERR, GP_LOG_JSON);
    struct gp_str rest = {out, captured(f, out, sizeof out)}, text;
    gp_log_open("unit_log", GP_LOG_STDERR, GP_LOG_TEXT);
    while (n < most && gp_str_split(&rest, '\n', &text) && text.n > 0) {
        json_error_t error;
        for (size_t i = 0; i < text.n; i++)
            assert_in_range(text.p[i], ' ', '~');
        line[n] = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
        if (line[n++] == NULL)
            fail_msg("%s: %.*s", error.text, (int)text.n, text.p);
    }
    return n;
}

/* s: what a member of the line holds */
static void assert_member(const json_t *line, const char *key, struct gp_str s)
{
    const json_t *v = json_object_get(line, key);
    if (!json_is_string(v))
        fail_msg("no text %s", key);
    assert_int_equal(json_string_length(v), s.n);
    assert_memory_equal(json_string_value(v), s.p, s.n);
}

#define GREETING "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf \xc2\x80\x7f"

static void json_lines(void)
{
    struct gp_line l;
    hostile_line();
    gp_line_begin(&l, GP_WARN, "verdict");
    gp_line_str(&l, "sender", GP_STR(GREETING));
    gp_line_u64(&l, "size", UINT64_MAX / 2);
    gp_line_reason(&l, GP_ACCEPTED);
    gp_line_end(&l);
    gp_log(GP_ERROR, "start", "cannot %s", "\"\xff\"\n");
    close_of_full_line();
}

static void a_json_line_is_one_object(void **state)
{
    (void)state;
    json_t *line[5];
    assert_int_equal(json_captured(json_lines, line, 5), 4);
    assert_member(line[0], "level", GP_STR("info"));
    assert_member(line[0], "event", GP_STR("verdict"));
    assert_member(line[0], "sender", GP_STR("a\r\nlevel=error \"x\\ \\xff\0z"));
    assert_member(line[0], "recipient", GP_STR("joe@example.org"));
    assert_member(line[0], "reason", GP_STR("rate"));
    assert_member(line[0], "code", GP_STR("450"));
    assert_true(json_number_value(json_object_get(line[0], "time")) > 1.7e9);
    assert_int_equal(json_object_size(line[0]), 7);
    assert_member(line[1], "sender", GP_STR(GREETING));
    assert_int_equal(json_integer_value(json_object_get(line[1], "size")), UINT64_MAX / 2);
    assert_member(line[1], "reason", GP_STR("accepted"));
    assert_null(json_object_get(line[1], "code"));
    assert_member(line[2], "text", GP_STR("cannot \"\\xff\"\n"));
    assert_member(line[3], "event", GP_STR("full"));
    for (size_t i = 0; i < 4; i++)
        json_decref(line[i]);
}

/* A hundred lines of anything. */
static void random_lines(void)
{
    uint64_t draw = 88172645463325252U;
    for (int i = 0; i < 100; i++) {
        char octets[400];
        struct gp_line l;
        gp_line_begin(&l, GP_INFO, "random");
        for (int k = 0; k < 12; k++) {
            char key[] = {(char)('a' + k), '\0'};
            for (size_t at = 0; at < sizeof octets; at++) {
                draw ^= draw << 13, draw ^= draw >> 7, draw ^= draw << 17;
                octets[at] = (char)(draw >> 32);
            }
            gp_line_str(&l, key, (struct gp_str){octets, draw % sizeof octets});
        }
        gp_line_end(&l);
    }
}

static void no_octets_break_json(void **state)
{
    (void)state;
    json_t *line[100];
    assert_int_equal(json_captured(random_lines, line, 100), 100);
    for (size_t i = 0; i < 100; i++) {
        assert_member(line[i], "event", GP_STR("random"));
        json_decref(line[i]);
    }
}

static void flood_told(void)
{
    uint64_t until = gp_clock_monotonic_ms() + 60000;
    flood();
    uint64_t second = gp_clock_monotonic_ms() / 1000;
    while (gp_clock_monotonic_ms() / 1000 == second && gp_clock_monotonic_ms() < until)
        usleep(10000);
    gp_log(GP_WARN, "test-flood", "after");
}

static void a_flood_is_told_in_json(void **state)
{
    (void)state;
    static json_t *line[10001];
    size_t n = json_captured(flood_told, line, 10001), told = 0;
    for (size_t i = 0; i < n; i++) {
        if (json_object_get(line[i], "left_out") != NULL) {
            assert_member(line[i], "event", GP_STR("flood"));
            assert_member(line[i], "of", GP_STR("test-flood"));
            told++;
        }
        json_decref(line[i]);
    }
    assert_in_range(n, 2, 5 * (GP_LOG_PER_SECOND + 1));
    assert_in_range(told, 1, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_line_whatever_comes),
        cmocka_unit_test(floods_are_limited),
        cmocka_unit_test(accepted_messages_always_have_their_line),
        cmocka_unit_test(a_full_line_is_closed_all_the_same),
        cmocka_unit_test(a_json_line_is_one_object),
        cmocka_unit_test(no_octets_break_json),
        cmocka_unit_test(a_flood_is_told_in_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
