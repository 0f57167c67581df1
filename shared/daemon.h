/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * daemon.h - what all daemons do as processes: options, privileges, pid and status files
 *
 * All from the main thread.
 */
#ifndef GP_SHARED_DAEMON_H
#define GP_SHARED_DAEMON_H

#include "shared/config.h"
#include "shared/counters.h"

#include <signal.h>

#define GP_DAEMON_CONFIG "/etc/gatepost/gatepost.conf"

/* gp_daemon_options - read [-c FILE] [-V]; *path is GP_DAEMON_CONFIG or FILE, out of argv
 * Returns -1 to go on, else the exit status: 0 after -V, 2 after a usage message.
 */
int gp_daemon_options(int argc, char **argv, const char *program, const char **path);

/* gp_daemon_signals - block those that a server takes by a signalfd (TERM, INT, HUP, USR1; *ours), and ignore PIPE
 * Before any thread is started: every one inherits that.
 */
void gp_daemon_signals(sigset_t *ours);

/* gp_daemon_descriptors - raise the limit: a connection costs a file descriptor, and a shell's usual 1024 would not do
 */
void gp_daemon_descriptors(void);

/* gp_daemon_counters - the counters of the configuration; *out is NULL for counters = []. False (logged) on error. */
bool gp_daemon_counters(const struct gp_config *c, struct gp_counters **out);

/* gp_daemon_load - gp_config_load, every fault written to the log; NULL after an error */
struct gp_config *gp_daemon_load(const char *path);

/* gp_daemon_reload - the same, and why[] is the first error's text, or "" */
struct gp_config *gp_daemon_reload(const char *path, char why[GP_FAULT_TEXT_MAX]);

/* gp_daemon_drop - become config->user and config->group when root, keep nothing; false (logged) on error */
bool gp_daemon_drop(const struct gp_config *c);

/* gp_daemon_pidfile - take the lock on run_directory/<program>.lock and write <program>.pid; false (logged) when
 * another process holds it. Root does so with the rights of the configuration's user.
 */
bool gp_daemon_pidfile(const struct gp_config *c, const char *program);

/* gp_daemon_publish - replace run_directory/<program>.<what> ("status", "metrics") by text, whole (written aside,
 * renamed)
 */
void gp_daemon_publish(const struct gp_config *c, const char *program, const char *what, struct gp_str text);

/* gp_daemon_node - a number for this process's place: machine id, host name and socket; the same after a restart */
uint64_t gp_daemon_node(const char *listen);

/* gp_daemon_random - 64 random bits, never 0 */
uint64_t gp_daemon_random(void);

#endif
