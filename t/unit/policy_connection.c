/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * policy_connection.c - octets in any pieces become the same requests; every bound and deadline holds to the octet
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "policyd/connection.h"

static struct gp_connection c;

static size_t feed(const char *octets, size_t n, uint64_t now_ms)
{
    size_t room;
    char *at = gp_connection_room(&c, &room);
    n = n < room ? n : room;
    if (n > 0)
        memcpy(at, octets, n);
    gp_connection_received(&c, n, now_ms);
    return n;
}

static int start(void **state)
{
    (void)state;
    memset(&c, 'x', sizeof c);
    gp_connection_init(&c);
    return 0;
}

/* Take what is there, in its order, one reply each. */
static void drain(struct gp_buf *taken)
{
    while (gp_connection_ready(&c)) {
        gp_buf_putz(taken, "[");
        gp_buf_put(taken, gp_connection_request(&c));
        gp_buf_putz(taken, "]");
        gp_connection_reply(&c, GP_STR("action=OK\n\n"), 1);
        assert_false(gp_connection_ready(&c)); /* not before the reply is sent */
        gp_connection_sent(&c, 4, 1);
        assert_true(gp_str_eq(gp_connection_unsent(&c), GP_STR("on=OK\n\n")));
        gp_connection_sent(&c, 7, 1);
        assert_int_equal(gp_connection_unsent(&c).n, 0);
    }
}

static void every_fragmentation(void **state)
{
    static const char stream[] = "a=1\nb=2\n\n\nc=\n\nd=4\n\nrest";
    static const char expected[] = "[a=1\nb=2\n][][c=\n][d=4\n]";
    size_t n = sizeof stream - 1;
    for (size_t piece = 1; piece <= n; piece++) {
        char text[128];
        struct gp_buf taken = gp_buf_on(text, sizeof text);
        start(state);
        for (size_t i = 0; i < n; i += piece) {
            feed(stream + i, piece < n - i ? piece : n - i, 1);
            drain(&taken);
        }
        assert_string_equal(text, expected);
        assert_int_equal(c.n, 4);
        assert_false(gp_connection_overlong(&c));
    }
}

static void longest_request(void **state)
{
    static char big[GP_REQUEST_MAX + 10];
    memset(big, 'x', sizeof big);
    big[GP_REQUEST_MAX - 2] = big[GP_REQUEST_MAX - 1] = '\n';
    assert_int_equal(feed(big, sizeof big, 1), GP_REQUEST_MAX);
    assert_true(gp_connection_ready(&c));
    assert_false(gp_connection_overlong(&c));
    assert_int_equal(gp_connection_request(&c).n, GP_REQUEST_MAX - 1);
    start(state);
    big[GP_REQUEST_MAX - 1] = 'x';
    feed(big, GP_REQUEST_MAX - 1, 1);
    assert_false(gp_connection_overlong(&c));
    feed(big, 1, 1);
    assert_true(gp_connection_overlong(&c));
    assert_false(gp_connection_ready(&c));
    assert_int_equal(feed(big, 1, 1), 0);
}

static void request_deadline(void **state)
{
    (void)state;
    assert_true(gp_connection_deadline(&c) == GP_CONNECTION_NEVER);
    feed("a", 1, 1000);
    feed("=", 1, 9000);
    assert_int_equal(gp_connection_deadline(&c), 1000 + GP_REQUEST_DEADLINE_MS); /* of the first octet */
    feed("\n\n", 2, 9500);
    assert_true(gp_connection_deadline(&c) == GP_CONNECTION_NEVER); /* now it is up to us */
    feed("b=\n", 3, 9600);
    gp_connection_reply(&c, GP_STR("r\n\n"), 9700);
    assert_int_equal(gp_connection_deadline(&c), 9700 + GP_REPLY_DEADLINE_MS);
    gp_connection_sent(&c, 1, 9800);
    assert_int_equal(gp_connection_deadline(&c), 9700 + GP_REPLY_DEADLINE_MS);
    gp_connection_sent(&c, 2, 15000);
    assert_int_equal(gp_connection_deadline(&c), 15000 + GP_REQUEST_DEADLINE_MS); /* nothing was read meanwhile */
    feed("\n", 1, 15001);
    gp_connection_reply(&c, GP_STR("r"), 15002);
    gp_connection_sent(&c, 1, 15003);
    assert_true(gp_connection_deadline(&c) == GP_CONNECTION_NEVER);
}

static void longest_reply(void **state)
{
    (void)state;
    char action[GP_ACTION_MAX + 1];
    memset(action, 'r', sizeof action);
    feed("a=\n\n", 4, 1);
    gp_connection_reply(&c, (struct gp_str){action, GP_ACTION_MAX}, 1);
    assert_int_equal(gp_connection_unsent(&c).n, GP_ACTION_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_fragmentation, start),
        cmocka_unit_test_setup(longest_request, start),
        cmocka_unit_test_setup(request_deadline, start),
        cmocka_unit_test_setup(longest_reply, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
