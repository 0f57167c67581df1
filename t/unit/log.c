/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * log.c - a log line is one line whatever a client sent, and a flood is counted instead of written
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_line_whatever_comes),
        cmocka_unit_test(floods_are_limited),
        cmocka_unit_test(accepted_messages_always_have_their_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
