/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * poison.c - marks of messages that made the daemon crash
 */
#include "feedback/poison.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

/* A signal handler has no argument of ours. */
static int marks = -1;
static _Thread_local const char *volatile reading;

static const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
#define CRASHES (sizeof crashes / sizeof crashes[0])
static struct sigaction before[CRASHES];

/* Only what is safe in a handler; then the crash goes on as it would have. */
static void mark(int number)
{
    const char *id = reading;
    if (id != NULL) {
        int fd = openat(marks, id, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
        if (fd >= 0) {
            fsync(fd);
            close(fd);
        }
    }
    for (size_t i = 0; i < CRASHES; i++) {
        if (crashes[i] == number)
            sigaction(number, &before[i], NULL);
    }
    raise(number);
}

bool gp_poison_watch(const char *folder)
{
    struct sigaction action = {.sa_handler = mark, .sa_flags = SA_NODEFER};
    if (mkdir(folder, 0750) != 0 && errno != EEXIST)
        return false;
    marks = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (marks < 0)
        return false;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < CRASHES; i++)
        sigaction(crashes[i], &action, &before[i]);
    return true;
}

void gp_poison_enter(const char *id)
{
    reading = id;
}

void gp_poison_leave(void)
{
    reading = NULL;
}

bool gp_poison_marked(const char *id)
{
    return marks >= 0 && faccessat(marks, id, F_OK, 0) == 0;
}
