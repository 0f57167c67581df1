/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * daemon.h - what both daemons do as processes: sockets, privileges, pid and status files
 *
 * All from the main thread.
 */
#ifndef GP_SHARED_DAEMON_H
#define GP_SHARED_DAEMON_H

#include "shared/config.h"

/* gp_daemon_load - gp_config_load, every fault written to the log; NULL after an error */
struct gp_config *gp_daemon_load(const char *path);

/* gp_daemon_reload - the same, and why[] is the first error's text, or "" */
struct gp_config *gp_daemon_reload(const char *path, char why[GP_FAULT_TEXT_MAX]);

/* gp_daemon_socket_ready - after a UNIX socket was bound: mode 0660, group config->group when root
 * listen is the "unix:/path" form; other forms are left alone. False (logged) on error.
 */
bool gp_daemon_socket_ready(const struct gp_config *c, const char *listen);

/* gp_daemon_listen - a listening, non-blocking, close-on-exec stream socket for "unix:/path" or "inet:host:port"
 * A stale UNIX socket is replaced; one that answers is an error. -1 (logged) on error.
 */
int gp_daemon_listen(const struct gp_config *c, const char *listen);

/* gp_daemon_drop - become config->user and config->group when root, keep nothing; false (logged) on error */
bool gp_daemon_drop(const struct gp_config *c);

/* gp_daemon_pidfile - write run_directory/<program>.pid; false (logged) when another process holds it */
bool gp_daemon_pidfile(const struct gp_config *c, const char *program);

/* gp_daemon_status - replace run_directory/<program>.status by json, whole (written aside, renamed) */
void gp_daemon_status(const struct gp_config *c, const char *program, const char *json);

/* gp_daemon_node - a number for this process's place: host name and socket; the same after a restart */
uint64_t gp_daemon_node(const char *listen);

/* gp_daemon_random - 64 random bits, never 0 */
uint64_t gp_daemon_random(void);

#endif
