/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * http_server.h - a bounded HTTP server on one socket; libmicrohttpd in one thread of its own
 *
 * Every connection has GP_HTTP_MEMORY octets for its headers and ends after idle_s without an octet.
 */
#ifndef GP_SHARED_HTTP_HTTP_SERVER_H
#define GP_SHARED_HTTP_HTTP_SERVER_H

#include "shared/str.h"

#include <microhttpd.h>

#define GP_HTTP_MEMORY 16384
#define GP_HTTP_PEERS_MAX 256 /* the most that a service may have */

/* What is served; read only while the server is started. */
struct gp_http_service {
    const char *what;   /* for the log: "cannot serve <what>" */
    unsigned peers_max; /* for one more the oldest makes room, so that who holds them keeps nobody out */
    unsigned idle_s;
    MHD_AccessHandlerCallback request;
    MHD_RequestCompletedCallback completed; /* may be NULL */
    void *arg;                              /* of both */
};

struct gp_http;

/* gp_http_start - serve on a listening socket, which is taken over; NULL (logged, socket closed) on error */
struct gp_http *gp_http_start(int listener, const struct gp_http_service *service);
void gp_http_stop(struct gp_http *h); /* NULL is fine; closes the socket */

/* gp_http_answer - queue an answer; body must live for ever
 * gp_http_answer_owned - body was allocated by malloc and is freed, also on error
 */
enum MHD_Result gp_http_answer(struct MHD_Connection *c, unsigned status, const char *type, const char *body);
enum MHD_Result gp_http_answer_owned(struct MHD_Connection *c, unsigned status, const char *type, char *body, size_t n);

#endif
