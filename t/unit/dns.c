/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dns.c - which servers can be named, and that no question outlasts its deadline
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/clock.h"
#include "shared/dns.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static struct gp_dns *new_with(char *server)
{
    struct gp_strings servers = {1, (char *[]){server}};
    return gp_dns_new(&servers);
}

static void test_servers(void **state)
{
    static char *const right[] = {"192.0.2.53",   "192.0.2.53:1",      "192.0.2.53:65535",
                                  "2001:db8::53", "[2001:db8::53]:53", "[2001:db8::53]:5353",
                                  "[::1]"};
    static char *const wrong[] = {"",
                                  "localhost",
                                  "localhost:53",
                                  "192.0.2.53:",
                                  "192.0.2.53:0",
                                  "192.0.2.53:65536",
                                  "192.0.2",
                                  "192.0.2.53,192.0.2.54",
                                  "192.0.2.53:53 ",
                                  "[::1]53",
                                  "[::1]:",
                                  "[::1",
                                  "[]:53",
                                  "::1]:53",
                                  "192.0.2.53:+53",
                                  ":53",
                                  "[",
                                  "192.0.2.53#53"};
    (void)state;
    for (size_t i = 0; i < COUNT(right); i++) {
        struct gp_dns *d = new_with(right[i]);
        if (d == NULL)
            fail_msg("%s was refused", right[i]);
        gp_dns_free(d);
    }
    for (size_t i = 0; i < COUNT(wrong); i++) {
        if (new_with(wrong[i]) != NULL)
            fail_msg("\"%s\" was taken", wrong[i]);
    }
    struct gp_strings none = {0};
    struct gp_dns *d = gp_dns_new(&none);
    assert_non_null(d);
    gp_dns_free(d);
    gp_dns_free(NULL);
}

/* A UDP port that takes questions and never answers. */
static int silent(char server[32])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    struct gp_buf b = gp_buf_on(server, 32);
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    assert_true(s >= 0);
    assert_int_equal(bind(s, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(s, (struct sockaddr *)&at, &n), 0);
    gp_buf_printf(&b, "127.0.0.1:%u", (unsigned)ntohs(at.sin_port));
    return s;
}

static unsigned received(int s)
{
    char octets[512];
    unsigned n = 0;
    while (recv(s, octets, sizeof octets, MSG_DONTWAIT) >= 0)
        n++;
    return n;
}

static void test_a_deadline_ends_a_question(void **state)
{
    char server[32];
    struct gp_dns_answer a;
    int s = silent(server);
    struct gp_dns *d = new_with(server);
    (void)state;
    assert_non_null(d);
    uint64_t begin = gp_clock_monotonic_ms();
    gp_dns_query(d, "x.gov", GP_DNS_TXT, begin + 150, &a);
    uint64_t took = gp_clock_monotonic_ms() - begin;
    assert_int_equal(a.state, GP_DNS_TROUBLE);
    assert_string_equal(a.why, "no answer in time");
    assert_in_range(took, 150, 1500);
    assert_int_equal(received(s), 1);
    gp_dns_query(d, "x.gov", GP_DNS_TXT, begin, &a); /* the deadline is over: nobody is asked */
    assert_string_equal(a.why, "no time was left to ask");
    assert_int_equal(received(s), 0);
    gp_dns_free(d);
    close(s);
}

static void test_names_that_cannot_be_asked_for(void **state)
{
    char server[32], longest[300] = "";
    struct gp_dns_answer a;
    int s = silent(server);
    struct gp_dns *d = new_with(server);
    (void)state;
    memset(longest, 'x', sizeof longest - 1);
    const char *const names[] = {"x..gov", longest,
                                 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.gov"};
    for (size_t i = 0; i < COUNT(names); i++) {
        gp_dns_query(d, names[i], GP_DNS_A, gp_clock_monotonic_ms() + 5000, &a);
        assert_string_equal(a.why, "no name that the DNS could hold");
    }
    assert_int_equal(received(s), 0);
    gp_dns_free(d);
    close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_servers),
        cmocka_unit_test(test_a_deadline_ends_a_question),
        cmocka_unit_test(test_names_that_cannot_be_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
