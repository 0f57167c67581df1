/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * metrics_http.c - metrics.h over HTTP
 */
#include "shared/http/metrics_http.h"

#include "shared/listen.h"
#include "shared/metrics.h"

#include <stdlib.h>
#include <string.h>

static const char words[] = "text/plain; charset=utf-8", format[] = "text/plain; version=0.0.4; charset=utf-8";

static enum MHD_Result answer_metrics(struct MHD_Connection *c)
{
    char *text = malloc(GP_METRICS_TEXT_MAX);
    if (text == NULL)
        return MHD_NO;
    struct gp_buf b = gp_buf_on(text, GP_METRICS_TEXT_MAX);
    gp_metrics_write(&b);
    return gp_http_answer_owned(c, MHD_HTTP_OK, format, text, b.n);
}

/* With the headers; a body, which nobody needs, is not waited for. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_n, void **state)
{
    (void)cls, (void)version, (void)upload, (void)upload_n, (void)state;
    if (strcmp(url, "/metrics") != 0)
        return gp_http_answer(c, MHD_HTTP_NOT_FOUND, words, "the metrics are at /metrics\n");
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0)
        return gp_http_answer(c, MHD_HTTP_METHOD_NOT_ALLOWED, words, "only GET\n");
    return answer_metrics(c);
}

bool gp_metrics_http_open(const char *place, int *listener)
{
    *listener = place != NULL ? gp_listen_open(place) : -1;
    return place == NULL || *listener >= 0;
}

bool gp_metrics_http_start(int *listener, struct gp_http **out)
{
    static const struct gp_http_service service = {
        .what = "metrics", .peers_max = GP_METRICS_PEERS_MAX, .idle_s = GP_METRICS_IDLE_S, .request = on_request};
    int fd = *listener;
    *listener = -1;
    *out = fd >= 0 ? gp_http_start(fd, &service) : NULL;
    return fd < 0 || *out != NULL;
}
