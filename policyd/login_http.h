/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * login_http.h - Dovecot's authentication policy protocol over HTTP
 *
 * Dovecot posts to /auth/?command=allow before and after it looks at a password, and to /auth/?command=report when it
 * is done. Every other answer than 200 lets the login through: Dovecot fails open. Each of them has a line in the log.
 *
 *     200 answered       400 malformed body, unknown command    403 wrong X-Gatepost-Key
 *     404 another path   405 not POST                           413 body above GP_LOGIN_BODY_MAX
 *
 * Bounds: GP_LOGIN_PEERS_MAX connections (for one more the oldest makes room: any local user can connect, and must not
 * keep Dovecot out), 16 KiB of headers each, GP_LOGIN_IDLE_S without an octet and GP_LOGIN_REQUEST_MS for one body.
 * libmicrohttpd runs in one thread of its own; it asks the store, so a request takes at most as long as login.h says.
 * The running configuration is looked up for each request.
 */
#ifndef GP_POLICYD_LOGIN_HTTP_H
#define GP_POLICYD_LOGIN_HTTP_H

#include "policyd/login.h"
#include "shared/http/http_server.h"

#define GP_LOGIN_PEERS_MAX 256
#define GP_LOGIN_IDLE_S 30
#define GP_LOGIN_REQUEST_MS 10000
#define GP_LOGIN_SLOW_MS 1000 /* Dovecot waits two seconds; a slower answer has a line in the log */

/* gp_login_http_start - serve on a listening socket, which is taken over; NULL (logged, socket closed) on error
 * There must be a running epoch, and logins, as long as it runs. End it by gp_http_stop.
 */
struct gp_http *gp_login_http_start(int listener, struct gp_logins *logins);

#endif
