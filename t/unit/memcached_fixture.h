/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * memcached_fixture.h - a memcached of the test's own, on a UNIX socket below a directory of its own
 *
 * It dies with the test, whatever becomes of that. One thread at a time.
 */
#ifndef GP_T_UNIT_MEMCACHED_FIXTURE_H
#define GP_T_UNIT_MEMCACHED_FIXTURE_H

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct memcached {
    char dir[64], path[96];
    pid_t pid;
};

static inline double test_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline int memcached_connect_to(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static inline void memcached_child(const struct memcached *m)
{
    const struct passwd *nobody = getpwnam("nobody");
    if (geteuid() == 0 && (nobody == NULL || setgid(nobody->pw_gid) != 0 || setuid(nobody->pw_uid) != 0))
        _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execlp("memcached", "memcached", "-s", m->path, "-a", "0666", "-U", "0", "-t", "1", (char *)NULL);
    _exit(127);
}

/* memcached_begin - start it on its path and wait until it answers */
static inline bool memcached_begin(struct memcached *m)
{
    double deadline = test_seconds() + 10;
    unlink(m->path);
    m->pid = fork();
    if (m->pid == 0)
        memcached_child(m);
    while (m->pid > 0 && test_seconds() < deadline) {
        int fd = memcached_connect_to(m->path);
        if (fd >= 0) {
            close(fd);
            return true;
        }
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    return false;
}

static inline bool memcached_new(struct memcached *m)
{
    const struct passwd *nobody = getpwnam("nobody");
    snprintf(m->dir, sizeof m->dir, "/tmp/gatepost-unit-XXXXXX");
    if (mkdtemp(m->dir) == NULL || (geteuid() == 0 && chown(m->dir, nobody->pw_uid, nobody->pw_gid) != 0))
        return false;
    snprintf(m->path, sizeof m->path, "%s/socket", m->dir);
    return memcached_begin(m);
}

static inline void memcached_kill(struct memcached *m)
{
    if (m->pid > 0) {
        kill(m->pid, SIGKILL);
        waitpid(m->pid, NULL, 0);
    }
    m->pid = 0;
}

/* memcached_pause - stop it, and wait until it has stopped; memcached_resume - let it run on */
static inline void memcached_pause(const struct memcached *m)
{
    kill(m->pid, SIGSTOP);
    waitpid(m->pid, NULL, WUNTRACED);
}

static inline void memcached_resume(const struct memcached *m)
{
    kill(m->pid, SIGCONT);
}

static inline void memcached_end(struct memcached *m)
{
    memcached_kill(m);
    unlink(m->path);
    rmdir(m->dir);
}

/* memcached_say - send octets, read the answer's first line into reply */
static inline bool memcached_say(const struct memcached *m, const char *octets, size_t n, char *reply, size_t cap)
{
    int fd = memcached_connect_to(m->path);
    bool good = fd >= 0 && write(fd, octets, n) == (ssize_t)n;
    ssize_t got = good ? read(fd, reply, cap - 1) : -1;
    reply[got > 0 ? got : 0] = '\0';
    if (fd >= 0)
        close(fd);
    return got > 0;
}

#endif
