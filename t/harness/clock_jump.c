/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * clock_jump.c - preloaded into a daemon under test: its wall clock is off by what a file says, and may jump at any time
 *
 * GATEPOST_CLOCK names a file that holds one int64_t, milliseconds, of this machine's byte order.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *out);
time_t time(time_t *out);

static const _Atomic int64_t *offset_ms;

__attribute__((constructor)) static void clock_open(void)
{
    const char *path = getenv("GATEPOST_CLOCK");
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    void *at = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *offset_ms, PROT_READ, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED)
        abort();
    offset_ms = at;
    close(fd);
}

int clock_gettime(clockid_t id, struct timespec *out)
{
    long rc = syscall(SYS_clock_gettime, id, out);
    if (rc != 0 || (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE) || offset_ms == NULL)
        return (int)rc;
    int64_t ns = out->tv_nsec + (*offset_ms % 1000) * 1000000;
    out->tv_sec += *offset_ms / 1000;
    if (ns >= 1000000000 || ns < 0) {
        out->tv_sec += ns < 0 ? -1 : 1;
        ns += ns < 0 ? 1000000000 : -1000000000;
    }
    out->tv_nsec = ns;
    return 0;
}

time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL)
        *out = now.tv_sec;
    return now.tv_sec;
}
