/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * figures.h - what a load generator measures: how long things took, and what a process used
 */
#ifndef GP_T_BENCH_LOAD_FIGURES_H
#define GP_T_BENCH_LOAD_FIGURES_H

#include <stddef.h>
#include <stdint.h>

/* figures_sort - the smallest first: value[n * 99 / 100] is then the 99th percentile */
void figures_sort(uint32_t *value, size_t n);

/* figures_cpu_seconds - of a process, user and kernel, all its threads so far; ends the program if it cannot be told */
double figures_cpu_seconds(long pid);

/* figures_print_rss - one line to stderr: "N messages: SIZE kB", the resident memory of a process */
void figures_print_rss(long pid, size_t messages);

#endif
