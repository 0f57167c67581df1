/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_login_http.c - whatever comes over HTTP where Dovecot is expected: a ban begins and ends with what the protocol
 * says, and what was answered does not depend on the pieces
 *
 * Input: requests, each an octet that says how its body is cut, then method, path, command, key, length and body with a
 * NUL behind each. libmicrohttpd's part is played here.
 */
#include "policyd/login_http.h"

#include "policyd/login_message.h"
#include "shared/clock.h"
#include "shared/daemon.h"
#include "shared/epoch.h"
#include "t/fuzz/checked_log.h"
#include "t/unit/scratch.h"

#include <microhttpd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool promise)
{
    if (!promise)
        abort();
}

/* --- libmicrohttpd ------------------------------------------------------------------------------------------------ */

/* One request; texts are NULL where the client sent none. */
struct MHD_Connection {
    char *command, *key, *length;
    unsigned status; /* of the answer; 0: none yet */
    const char *body;
};

struct MHD_Response {
    const char *body;
};

static MHD_AccessHandlerCallback handler;
static void *handler_arg;
static MHD_RequestCompletedCallback completed;

struct MHD_Daemon *MHD_start_daemon(unsigned flags, uint16_t port, MHD_AcceptPolicyCallback policy, void *policy_arg,
                                    MHD_AccessHandlerCallback access, void *access_arg, ...)
{
    static char daemon;
    va_list ap;
    (void)flags, (void)port, (void)policy, (void)policy_arg;
    handler = access;
    handler_arg = access_arg;
    va_start(ap, access_arg);
    must(va_arg(ap, int) == MHD_OPTION_LISTEN_SOCKET && va_arg(ap, int) == -1);
    must(va_arg(ap, int) == MHD_OPTION_NOTIFY_CONNECTION);
    (void)va_arg(ap, MHD_NotifyConnectionCallback), (void)va_arg(ap, void *); /* who came and went: nobody does here */
    must(va_arg(ap, int) == MHD_OPTION_NOTIFY_COMPLETED);
    completed = va_arg(ap, MHD_RequestCompletedCallback);
    va_end(ap);
    return (struct MHD_Daemon *)&daemon;
}

void MHD_stop_daemon(struct MHD_Daemon *d)
{
    must(d != NULL);
}

const char *MHD_lookup_connection_value(struct MHD_Connection *c, enum MHD_ValueKind kind, const char *name)
{
    if (kind == MHD_GET_ARGUMENT_KIND)
        return c->command;
    return strcmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0 ? c->length : c->key;
}

struct MHD_Response *MHD_create_response_from_buffer(size_t n, void *body, enum MHD_ResponseMemoryMode mode)
{
    struct MHD_Response *r = malloc(sizeof *r);
    must(r != NULL && mode == MHD_RESPMEM_PERSISTENT && n == strlen(body));
    r->body = body;
    return r;
}

enum MHD_Result MHD_add_response_header(struct MHD_Response *r, const char *name, const char *value)
{
    must(r != NULL && name[0] != '\0' && value[0] != '\0');
    return MHD_YES;
}

enum MHD_Result MHD_queue_response(struct MHD_Connection *c, unsigned status, struct MHD_Response *r)
{
    must(c->status == 0 && status >= 200 && status < 600);
    c->status = status;
    c->body = r->body;
    return MHD_YES;
}

void MHD_destroy_response(struct MHD_Response *r)
{
    free(r);
}

/* --- policyd ------------------------------------------------------------------------------------------------------ */

static struct scratch scratch;

static const char top[] = "relay_name = \"relay.example.gov\"\nreturn_path = \"b.example.gov\"\ncounters = []\n"
                          "token_keys = \"$D/token\"\nauth_listen = \"127.0.0.1:10027\"\nauth_key = \"$D/secret\"\n"
                          "limits = { failed_logins = \"2/1h\" }\n" SCRATCH_DKIM "\n";
static const char agency[] = "dol = { logins = [ \"joe\" ] sender_domains = [ \"dol.gov\" ] }\n";

static void clean(void)
{
    scratch_close(&scratch);
}

static void prepare(void)
{
    char path[512];
    checked_log_open();
    must(scratch_open(&scratch) && scratch_write(&scratch, "gatepost.conf", gp_str_z(top)) &&
         scratch_write(&scratch, "agencies.d/dol.conf", gp_str_z(agency)) &&
         scratch_secret(&scratch, "secret", GP_STR("0123456789abcdef0123456789abcdef\n")));
    atexit(clean);
    scratch_path(&scratch, "gatepost.conf", path);
    struct gp_config *c = gp_daemon_load(path);
    must(c != NULL);
    gp_epoch_swap(c, gp_clock_monotonic_ms());
}

/* What the client sent. */
struct request {
    size_t piece;
    char *method, *path, *command, *key, *length;
    struct gp_str body;
};

/* As libmicrohttpd does it: once with the headers, for each piece of the body, and once at its end; then it is over. */
static unsigned serve(const struct request *r, const char **answer)
{
    struct MHD_Connection c = {r->command, r->key, r->length, 0, NULL};
    void *state = NULL;
    size_t none = 0;
    enum MHD_Result open = handler(handler_arg, &c, r->path, r->method, "HTTP/1.1", NULL, &none, &state);
    for (size_t at = 0, n; open == MHD_YES && c.status == 0 && at < r->body.n; at += n) {
        n = r->body.n - at < r->piece ? r->body.n - at : r->piece;
        size_t left = n;
        open = handler(handler_arg, &c, r->path, r->method, "HTTP/1.1", r->body.p + at, &left, &state);
        must(left == 0 && (open == MHD_YES || r->body.n > GP_LOGIN_BODY_MAX));
    }
    if (open == MHD_YES && c.status == 0) {
        open = handler(handler_arg, &c, r->path, r->method, "HTTP/1.1", NULL, &none, &state);
        must(open == MHD_YES && c.status != 0);
    }
    completed(NULL, &c, &state, MHD_REQUEST_TERMINATED_COMPLETED_OK);
    must(state == NULL);
    *answer = c.body;
    return c.status;
}

/* Only a request that is right in everything changes something: how a failed login is counted. */
static void check(const struct request *r, struct gp_logins *l, uint64_t heard_before, unsigned status)
{
    struct gp_login_message m;
    bool allow = r->command != NULL && strcmp(r->command, "allow") == 0;
    bool right = strcmp(r->path, "/auth/") == 0 && strcmp(r->method, "POST") == 0 && r->key != NULL &&
                 strcmp(r->key, "0123456789abcdef0123456789abcdef") == 0 &&
                 (allow || (r->command != NULL && strcmp(r->command, "report") == 0)) &&
                 gp_login_message_parse(allow ? GP_LOGIN_ALLOW : GP_LOGIN_REPORT, r->body, &m) == NULL;
    must(status != 200 || right);
    must(gp_logins_heard(l).requests == heard_before + (status == 200));
}

static char *text_of(struct gp_str *rest)
{
    struct gp_str part;
    if (!gp_str_split(rest, '\0', &part) || (part.n == 1 && part.p[0] == '-'))
        return NULL;
    char *text = strndup(part.n > 0 ? part.p : "", part.n);
    must(text != NULL);
    return text;
}

static void play(struct gp_logins *l, struct gp_str *rest, bool pieces)
{
    const char *answer;
    struct request r = {.piece = SIZE_MAX};
    if (pieces && rest->n > 0)
        r.piece = 1 + (unsigned char)rest->p[0];
    *rest = (struct gp_str){rest->p + 1, rest->n - 1};
    r.method = text_of(rest);
    r.path = text_of(rest);
    r.command = text_of(rest);
    r.key = text_of(rest);
    r.length = text_of(rest);
    if (!gp_str_split(rest, '\0', &r.body))
        r.body = GP_STR("");
    if (r.method != NULL && r.path != NULL) {
        uint64_t before = gp_logins_heard(l).requests;
        check(&r, l, before, serve(&r, &answer));
    }
    free(r.method);
    free(r.path);
    free(r.command);
    free(r.key);
    free(r.length);
}

/* How many requests were good, and whether an address is banned after them. */
static uint64_t converse(struct gp_str input, bool pieces)
{
    struct gp_ip ip;
    struct gp_logins *l = gp_logins_new(NULL, "gp");
    struct gp_http *h = l != NULL ? gp_login_http_start(-1, l) : NULL;
    must(h != NULL && gp_ip_parse(GP_STR("192.0.2.66"), &ip));
    for (struct gp_str rest = input; rest.n > 0;)
        play(l, &rest, pieces);
    uint64_t outcome = gp_logins_heard(l).requests * 2 + gp_logins_banned_here(l, &ip, gp_clock_wall_ms());
    gp_http_stop(h);
    gp_logins_free(l);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gp_str input = {(const char *)data, n};
    if (scratch.folder[0] == '\0')
        prepare();
    must(converse(input, false) == converse(input, true));
    return 0;
}
