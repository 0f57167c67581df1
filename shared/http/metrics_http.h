/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * metrics_http.h - metrics.h over HTTP, for Prometheus: GET /metrics and nothing else
 *
 *     200 the text of gp_metrics_write     404 another path     405 another method
 *
 * 16 connections; for one more the oldest makes room, so that nobody who holds them keeps Prometheus out. Nobody has to
 * say who he is: there are only numbers.
 */
#ifndef GP_SHARED_HTTP_METRICS_HTTP_H
#define GP_SHARED_HTTP_METRICS_HTTP_H

#include "shared/http/http_server.h"

#include <stdbool.h>

#define GP_METRICS_PEERS_MAX 16
#define GP_METRICS_IDLE_S 30

/* gp_metrics_http_open - listen on place ("unix:/path", "inet:host:port"; NULL: *listener is -1), while there are
 * privileges for it; false (logged) on error
 */
bool gp_metrics_http_open(const char *place, int *listener);

/* gp_metrics_http_start - serve there; *listener is taken over and becomes -1; *out is NULL when it was. False (logged)
 * on error. End it by gp_http_stop.
 */
bool gp_metrics_http_start(int *listener, struct gp_http **out);

#endif
