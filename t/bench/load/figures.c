/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * figures.c - quantiles, and what /proc tells of a process
 */
#include "t/bench/load/figures.h"

#include "t/bench/load/fail.h"

#include <string.h>
#include <unistd.h>

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

void figures_sort(uint32_t *value, size_t n)
{
    qsort(value, n, sizeof *value, by_value);
}

double figures_cpu_seconds(long pid)
{
    char path[64], line[1024];
    unsigned long user = 0, kernel = 0;
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *f = fopen(path, "r");
    if (f == NULL || fgets(line, sizeof line, f) == NULL)
        load_fail(path, "cannot be read");
    fclose(f);
    const char *rest = strrchr(line, ')');
    if (rest == NULL || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel) != 2)
        load_fail(path, "is not understood");
    return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

void figures_print_rss(long pid, size_t messages)
{
    char path[64], line[128];
    snprintf(path, sizeof path, "/proc/%ld/status", pid);
    FILE *f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0)
            fprintf(stderr, "%zu messages: %s", messages, line + 7);
    }
    if (f != NULL)
        fclose(f);
}
