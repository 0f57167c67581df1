/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * listen.h - the sockets that Postfix connects to
 *
 * From the main thread, before privileges are dropped.
 */
#ifndef GP_SHARED_LISTEN_H
#define GP_SHARED_LISTEN_H

#include <stdbool.h>

/* gp_listen_ready - after a UNIX socket was bound: mode 0660, the group of its folder
 * A daemon that is not root leaves the group to the folder's setgid bit. listen is the "unix:/path" form; other forms
 * are left alone. False (logged) on error.
 */
bool gp_listen_ready(const char *listen);

/* gp_listen_open - a listening, non-blocking, close-on-exec stream socket for "unix:/path" or "inet:host:port"
 * A stale UNIX socket is replaced; one that answers is an error. -1 (logged) on error.
 */
int gp_listen_open(const char *listen);

/* gp_listen_taken - does another process answer on this UNIX socket? (logged) Then it is not ours to take. */
bool gp_listen_taken(const char *listen);

#endif
