/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * login_http.c - Dovecot's authentication policy protocol over HTTP
 */
#include "policyd/login_http.h"

#include "policyd/login_message.h"
#include "shared/clock.h"
#include "shared/epoch.h"
#include "shared/log.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char path[] = "/auth/", key_header[] = "X-Gatepost-Key";
static const char welcome[] = "{\"status\":0,\"msg\":\"\"}", banned[] = "{\"status\":-1,\"msg\":\"too many failures\"}",
                  noted[] = "{}";

/* One request. */
struct call {
    uint64_t began_ms;
    size_t n;
    char body[GP_LOGIN_BODY_MAX];
};

static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, const char *json)
{
    return gp_http_answer(c, status, "application/json", json);
}

static enum MHD_Result refuse(struct MHD_Connection *c, unsigned status, const char *why)
{
    gp_log(GP_WARN, "auth-request", "answered %u: %s", status, why);
    return answer(c, status, "{}");
}

/* In a time that does not tell how much of it is right. */
static bool key_right(struct MHD_Connection *c)
{
    struct gp_epoch *epoch = gp_epoch_ref();
    struct gp_str ours = gp_str_z(epoch->config->auth_secret);
    struct gp_str given = gp_str_z(MHD_lookup_connection_value(c, MHD_HEADER_KIND, key_header));
    bool right = ours.n == 0 || (given.n == ours.n && CRYPTO_memcmp(given.p, ours.p, ours.n) == 0);
    gp_epoch_unref(epoch);
    return right;
}

static bool declared_overlong(struct MHD_Connection *c)
{
    const char *length = MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    uint64_t n;
    return length != NULL && !gp_str_u64(gp_str_z(length), GP_LOGIN_BODY_MAX, &n);
}

/* The headers are here, the body is not: refuse what needs no body, or make room for it in *state. */
static enum MHD_Result begin(struct MHD_Connection *c, const char *url, const char *method, void **state)
{
    if (strcmp(url, path) != 0)
        return refuse(c, MHD_HTTP_NOT_FOUND, "another path than /auth/");
    if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
        return refuse(c, MHD_HTTP_METHOD_NOT_ALLOWED, "another method than POST");
    if (!key_right(c))
        return refuse(c, MHD_HTTP_FORBIDDEN, "the X-Gatepost-Key is not the one of auth_key");
    if (declared_overlong(c))
        return refuse(c, MHD_HTTP_CONTENT_TOO_LARGE, "the body is too long");
    struct call *call = malloc(sizeof *call);
    if (call == NULL)
        return refuse(c, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
    call->began_ms = gp_clock_monotonic_ms();
    call->n = 0;
    *state = call;
    return MHD_YES;
}

/* More of the body; MHD_NO closes the connection. */
static enum MHD_Result receive(struct call *call, const char *octets, size_t n)
{
    if (n > sizeof call->body - call->n) {
        gp_log(GP_WARN, "auth-request", "connection closed: the body is too long");
        return MHD_NO;
    }
    if (gp_clock_monotonic_ms() - call->began_ms > GP_LOGIN_REQUEST_MS) {
        gp_log(GP_WARN, "auth-request", "connection closed: the body did not come in time");
        return MHD_NO;
    }
    memcpy(call->body + call->n, octets, n);
    call->n += n;
    return MHD_YES;
}

/* What the message asks for, carried out; returns the answer. */
static const char *judge(struct gp_logins *l, enum gp_login_command command, const struct gp_login_message *m)
{
    struct gp_epoch *epoch = gp_epoch_ref();
    uint64_t now_ms = gp_clock_wall_ms();
    const char *json = command == GP_LOGIN_ALLOW ? welcome : noted;
    gp_logins_hear(l, now_ms);
    if (command == GP_LOGIN_ALLOW && m->remote_known && gp_logins_banned(l, epoch->config, &m->remote, now_ms))
        json = banned;
    if (command == GP_LOGIN_REPORT && m->remote_known && !m->success && !m->policy_reject)
        gp_logins_failed(l, epoch->config, &m->remote, gp_str_z(m->login), now_ms);
    gp_epoch_unref(epoch);
    return json;
}

static enum MHD_Result finish(struct gp_logins *logins, struct MHD_Connection *c, const struct call *call)
{
    struct gp_str name = gp_str_z(MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "command"));
    bool allow = gp_str_eq(name, GP_STR("allow"));
    struct gp_login_message message;
    if (!allow && !gp_str_eq(name, GP_STR("report")))
        return refuse(c, MHD_HTTP_BAD_REQUEST, "neither command=allow nor command=report");
    enum gp_login_command command = allow ? GP_LOGIN_ALLOW : GP_LOGIN_REPORT;
    const char *why = gp_login_message_parse(command, (struct gp_str){call->body, call->n}, &message);
    if (why != NULL)
        return refuse(c, MHD_HTTP_BAD_REQUEST, why);
    uint64_t before_ms = gp_clock_monotonic_ms();
    const char *json = judge(logins, command, &message);
    uint64_t took_ms = gp_clock_monotonic_ms() - before_ms;
    if (took_ms > GP_LOGIN_SLOW_MS)
        gp_log(GP_WARN, "auth-request", "answered late, after %llu ms", (unsigned long long)took_ms);
    return answer(c, MHD_HTTP_OK, json);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_n, void **state)
{
    (void)version;
    if (*state == NULL)
        return begin(c, url, method, state);
    if (*upload_n == 0)
        return finish(cls, c, *state);
    enum MHD_Result taken = receive(*state, upload, *upload_n);
    *upload_n = 0;
    return taken;
}

static void on_completed(void *cls, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why)
{
    (void)cls, (void)c, (void)why;
    free(*state);
    *state = NULL;
}

struct gp_http *gp_login_http_start(int listener, struct gp_logins *logins)
{
    const struct gp_http_service service = {.what = "Dovecot's authentication policy requests",
                                            .peers_max = GP_LOGIN_PEERS_MAX,
                                            .idle_s = GP_LOGIN_IDLE_S,
                                            .request = on_request,
                                            .completed = on_completed,
                                            .arg = logins};
    return gp_http_start(listener, &service);
}
