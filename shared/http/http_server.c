/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * http_server.c - a bounded HTTP server on one socket
 */
#include "shared/http/http_server.h"

#include "shared/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct gp_http {
    struct MHD_Daemon *daemon;
    /* libmicrohttpd's thread alone: open connections, the oldest first; those before `asked` were told to go */
    unsigned peers_max;
    size_t n, asked;
    struct peer {
        const struct MHD_Connection *connection;
        int fd;
    } peer[2 * GP_HTTP_PEERS_MAX];
};

static void peer_came(struct gp_http *h, struct MHD_Connection *c)
{
    const union MHD_ConnectionInfo *fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (fd == NULL || h->n == sizeof h->peer / sizeof h->peer[0])
        return;
    h->peer[h->n++] = (struct peer){c, fd->connect_fd};
    if (h->n - h->asked > h->peers_max)
        shutdown(h->peer[h->asked++].fd, SHUT_RDWR); /* libmicrohttpd sees its end and closes it */
}

static void peer_went(struct gp_http *h, const struct MHD_Connection *c)
{
    size_t i = 0;
    while (i < h->n && h->peer[i].connection != c)
        i++;
    if (i == h->n)
        return;
    h->n--;
    h->asked -= i < h->asked;
    memmove(&h->peer[i], &h->peer[i + 1], (h->n - i) * sizeof h->peer[0]);
}

static void on_connection(void *cls, struct MHD_Connection *c, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    (void)socket_context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        peer_came(cls, c);
    else
        peer_went(cls, c);
}

struct gp_http *gp_http_start(int listener, const struct gp_http_service *s)
{
    struct gp_http *h = calloc(1, sizeof *h);
    if (h != NULL) {
        h->peers_max = s->peers_max;
        h->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL, 0, NULL, NULL, s->request, s->arg,
                                     MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
                                     MHD_OPTION_NOTIFY_COMPLETED, s->completed, s->arg, MHD_OPTION_CONNECTION_LIMIT,
                                     2 * s->peers_max, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)GP_HTTP_MEMORY,
                                     MHD_OPTION_CONNECTION_TIMEOUT, s->idle_s, MHD_OPTION_END);
    }
    if (h != NULL && h->daemon != NULL)
        return h;
    gp_log(GP_ERROR, "start", "cannot serve %s", s->what);
    close(listener);
    free(h);
    return NULL;
}

void gp_http_stop(struct gp_http *h)
{
    if (h == NULL)
        return;
    MHD_stop_daemon(h->daemon); /* closes the socket */
    free(h);
}

static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, const char *type, void *body, size_t n,
                              enum MHD_ResponseMemoryMode mode)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(n, body, mode);
    if (r == NULL) {
        if (mode == MHD_RESPMEM_MUST_FREE)
            free(body);
        return MHD_NO;
    }
    MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    enum MHD_Result queued = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return queued;
}

enum MHD_Result gp_http_answer(struct MHD_Connection *c, unsigned status, const char *type, const char *body)
{
    /* libmicrohttpd takes what is never freed for writable */
    union {
        const char *in;
        void *out;
    } persistent = {body};
    return answer(c, status, type, persistent.out, strlen(body), MHD_RESPMEM_PERSISTENT);
}

enum MHD_Result gp_http_answer_owned(struct MHD_Connection *c, unsigned status, const char *type, char *body, size_t n)
{
    return answer(c, status, type, body, n, MHD_RESPMEM_MUST_FREE);
}
