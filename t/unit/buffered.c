/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * buffered.c - a socket that was accepted is read ahead and written behind; all others are the kernel's
 *
 * accept, poll, read, writev and close are Gatepost's here. The peer, made by connect, uses send and recv.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "milter/buffered.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

static int listener = -1, peer = -1, session = -1;

static int setup(void **state)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    socklen_t n = sizeof name;
    (void)state;
    gp_buffered_on();
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    peer = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&name, sizeof(sa_family_t)) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&name, &n) != 0 || connect(peer, (struct sockaddr *)&name, n) != 0)
        return -1;
    session = accept(listener, NULL, NULL);
    return session < 0 ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    close(session);
    close(peer);
    close(listener);
    return 0;
}

static void say(const char *text)
{
    assert_int_equal(send(peer, text, strlen(text), 0), strlen(text));
}

static int readable(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, ms) == 1 && p.revents == POLLIN;
}

/* Octets that the kernel holds for a descriptor. */
static int held(int fd)
{
    int n = -1;
    assert_int_equal(ioctl(fd, FIONREAD, &n), 0);
    return n;
}

static void write_text(const char *text)
{
    const struct iovec part[] = {{(void *)text, 1}, {(void *)(text + 1), strlen(text) - 1}};
    assert_int_equal(writev(session, part, 2), strlen(text));
}

static void test_reads_ahead(void **state)
{
    char text[16] = "";
    (void)state;
    assert_false(readable(session, 0));
    say("one two three");
    assert_true(readable(session, 1000));
    assert_int_equal(read(session, text, 4), 4);
    assert_string_equal(text, "one ");
    assert_int_equal(held(session), 0);
    assert_true(readable(session, 0));
    memset(text, 0, sizeof text);
    assert_int_equal(read(session, text, sizeof text), 9);
    assert_string_equal(text, "two three");
    assert_false(readable(session, 0));
}

static void test_large_reads_and_the_end(void **state)
{
    static char out[3 * GP_BUFFERED_IN], in[sizeof out];
    size_t n = 0;
    (void)state;
    for (size_t i = 0; i < sizeof out; i++)
        out[i] = (char)(i % 251);
    assert_int_equal(send(peer, out, sizeof out, 0), sizeof out);
    shutdown(peer, SHUT_WR);
    for (ssize_t got; (got = read(session, in + n, n % 2 == 0 ? 5 : sizeof in - n)) > 0;) {
        n += (size_t)got;
        if (n == sizeof in)
            break;
    }
    assert_int_equal(n, sizeof in);
    assert_memory_equal(in, out, sizeof in);
    assert_int_equal(read(session, in, 5), 0);
}

static void test_writes_behind(void **state)
{
    char text[64] = "";
    struct pollfd room = {.fd = session, .events = POLLOUT};
    (void)state;
    assert_int_equal(poll(&room, 1, 0), 1);
    assert_int_equal(room.revents, POLLOUT);
    write_text("first");
    write_text("second");
    assert_int_equal(held(peer), 0);
    assert_false(readable(session, 0)); /* now it waits */
    assert_int_equal(recv(peer, text, sizeof text, MSG_DONTWAIT), 11);
    assert_string_equal(text, "firstsecond");
}

static void test_writes_before_it_reads_or_ends(void **state)
{
    char text[64];
    (void)state;
    say("x");
    write_text("before a read");
    assert_int_equal(read(session, text, 1), 1);
    assert_int_equal(held(peer), 13);
    write_text(" and the end");
    close(session);
    assert_int_equal(recv(peer, text, sizeof text, MSG_DONTWAIT), 25);
    assert_int_equal(recv(peer, text, sizeof text, MSG_DONTWAIT), 0);
    session = -1;
}

static void test_more_than_fits_behind(void **state)
{
    static char text[2 * GP_BUFFERED_OUT], in[sizeof text + 8];
    (void)state;
    memset(text, 'x', sizeof text - 1);
    write_text("small");
    write_text(text);
    assert_int_equal(recv(peer, in, sizeof in, MSG_DONTWAIT), 5 + sizeof text - 1);
    text[GP_BUFFERED_OUT - 2] = '\0';
    write_text("small");
    write_text(text);
    assert_int_equal(held(peer), 5);
}

static void test_one_of_many(void **state)
{
    int other[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
    struct pollfd all[] = {{.fd = other[0], .events = POLLIN}, {.fd = session, .events = POLLIN}};
    char text[4];
    say("ab");
    assert_int_equal(read(session, text, 1), 1);
    assert_int_equal(poll(all, 2, -1), 1);
    assert_int_equal(all[0].revents, 0);
    assert_int_equal(all[1].revents, POLLIN);
    assert_int_equal(read(session, text, 1), 1);
    write_text("answer");
    assert_int_equal(send(other[1], "y", 1, 0), 1);
    assert_int_equal(poll(all, 2, -1), 1);
    assert_int_equal(all[0].revents, POLLIN);
    assert_int_equal(held(peer), 6);
    close(other[0]);
    close(other[1]);
}

static void test_the_peer_is_gone(void **state)
{
    char text[4];
    (void)state;
    close(peer);
    write_text("nobody hears");
    assert_true(poll(&(struct pollfd){.fd = session, .events = POLLIN}, 1, 1000) == 1);
    assert_true(read(session, text, sizeof text) <= 0);
    peer = -1;
}

/* A number that was a session's is a plain one for whoever gets it next. */
static void test_others_are_the_kernels(void **state)
{
    int pipes[2], number = session;
    char text[8] = "";
    (void)state;
    say("left unread");
    assert_int_equal(read(session, text, 1), 1);
    close(session);
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(dup2(pipes[0], number), number);
    assert_false(readable(number, 0));
    assert_int_equal(write(pipes[1], "pipe", 4), 4);
    assert_true(readable(number, 1000));
    assert_int_equal(read(number, text, 2), 2);
    assert_int_equal(held(number), 2);
    close(pipes[0]);
    close(pipes[1]);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_reads_ahead),           T(test_large_reads_and_the_end),
        T(test_writes_behind),         T(test_writes_before_it_reads_or_ends),
        T(test_more_than_fits_behind), T(test_one_of_many),
        T(test_the_peer_is_gone),      T(test_others_are_the_kernels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
