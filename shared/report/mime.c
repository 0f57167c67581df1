/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mime.c - the parts of a message that came back, found by type anywhere in its tree
 */
#include "shared/report/mime.h"

#include "shared/report/report.h"

#include <gmime/gmime.h>
#include <pthread.h>
#include <string.h>

#define PARTS_MAX 1000                          /* of one message */
#define CONTENT_TYPE_MAX 2048                   /* octets of the field that are looked at */
#define HEADER_MAX (64u << 10)                  /* of the message's own header */
#define RETURNED_MAX (64u << 10)                /* of the returned message */
#define SCANNED_MAX (6u * GP_REPORT_OCTETS_MAX) /* octets searched for boundaries, at all depths together */

struct grown {
    char *p;
    size_t n, cap;
};

struct walk {
    struct gp_report_memory *m;
    struct gp_parts *out;
    struct grown text, status, feedback;
    struct gp_str html;
    struct gp_str attached; /* the first message/rfc822, as it stands */
    unsigned parts;
    size_t scanned;
};

struct type {
    struct gp_str name, charset, boundary, report_type; /* name: "text/plain", lower case */
};

enum role {
    ROLE_SKIP,
    ROLE_TEXT,
    ROLE_HTML,
    ROLE_MULTIPART,
    ROLE_STATUS,
    ROLE_FEEDBACK,
    ROLE_MESSAGE,
    ROLE_HEADERS,
    ROLE_RECEIPT,
    ROLE_STATISTICS
};

static const struct {
    struct gp_str name;
    enum role role;
} roles[] = {
    {GP_STR("text/plain"), ROLE_TEXT},
    {GP_STR("text/html"), ROLE_HTML},
    {GP_STR("text/rfc822-headers"), ROLE_HEADERS},
    {GP_STR("text/rfc822-header"), ROLE_HEADERS},
    {GP_STR("text/rfc822"), ROLE_HEADERS},
    {GP_STR("message/delivery-status"), ROLE_STATUS},
    {GP_STR("message/global-delivery-status"), ROLE_STATUS},
    {GP_STR("message/xdelivery-status"), ROLE_STATUS},
    {GP_STR("message/x-delivery-status"), ROLE_STATUS},
    {GP_STR("message/feedback-report"), ROLE_FEEDBACK},
    {GP_STR("message/rfc822"), ROLE_MESSAGE},
    {GP_STR("message/global"), ROLE_MESSAGE},
    {GP_STR("message/news"), ROLE_MESSAGE},
    {GP_STR("message/partial"), ROLE_MESSAGE},
    {GP_STR("message/rfc822-headers"), ROLE_HEADERS},
    {GP_STR("message/global-headers"), ROLE_HEADERS},
    {GP_STR("message/disposition-notification"), ROLE_RECEIPT},
    {GP_STR("message/global-disposition-notification"), ROLE_RECEIPT},
    {GP_STR("application/tlsrpt+gzip"), ROLE_STATISTICS},
    {GP_STR("application/tlsrpt+json"), ROLE_STATISTICS},
    {GP_STR("application/zip"), ROLE_SKIP},
};

static pthread_once_t started = PTHREAD_ONCE_INIT;

static void start(void)
{
    g_mime_init();
}

/* line_ends - CRLF and CR to '\n', NUL away: the rest of the code knows one line end */
static struct gp_str line_ends(struct gp_report_memory *m, struct gp_str raw)
{
    char *to = gp_memory_get(m, raw.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < raw.n && to != NULL; i++) {
        if (raw.p[i] == '\r' && (i + 1 == raw.n || raw.p[i + 1] != '\n'))
            to[n++] = '\n';
        else if (raw.p[i] != '\r' && raw.p[i] != '\0')
            to[n++] = raw.p[i];
    }
    return to != NULL ? (struct gp_str){to, n} : GP_STR("");
}

/* a parameter that stands where GMime's grammar does not look for it: `text/plain\n charset="x"` */
static struct gp_str loose_parameter(struct gp_report_memory *m, struct gp_str value, struct gp_str name)
{
    struct gp_str rest = gp_text_from(value, gp_text_at(gp_memory_lower(m, value), name) + name.n);

    if (rest.n > 1 && rest.p[0] == '"')
        return gp_text_to(gp_text_from(rest, 1), gp_str_find(gp_text_from(rest, 1), '"'));
    size_t n = 0;
    while (n < rest.n && strchr(" \t\n;", rest.p[n]) == NULL)
        n++;
    return gp_text_to(rest, n);
}

static struct gp_str parameter(struct gp_report_memory *m, GMimeContentType *type, struct gp_str value,
                               const char *name, struct gp_str loose)
{
    struct gp_str found = gp_str_z(g_mime_content_type_get_parameter(type, name));
    return found.n > 0 ? gp_memory_copy(m, found) : loose_parameter(m, value, loose);
}

static struct type type_of(struct gp_report_memory *m, struct gp_str header)
{
    struct type t = {.name = GP_STR("text/plain")};
    struct gp_str value = gp_text_to(gp_field_find(header, GP_STR("Content-Type")), CONTENT_TYPE_MAX);
    char *z = gp_memory_get(m, value.n + 1);

    if (value.n == 0 || z == NULL)
        return t;
    memcpy(z, value.p, value.n);
    GMimeContentType *type = g_mime_content_type_parse(NULL, z);
    struct gp_str media = gp_str_z(g_mime_content_type_get_media_type(type)),
                  sub = gp_str_z(g_mime_content_type_get_media_subtype(type));
    char name[128];
    struct gp_buf b = gp_buf_on(name, sizeof name);
    gp_buf_put_lower(&b, media);
    gp_buf_putz(&b, "/");
    gp_buf_put_lower(&b, sub);
    t.name = gp_memory_copy(m, gp_buf_str(&b));
    t.charset = parameter(m, type, value, "charset", GP_STR("charset="));
    t.boundary = parameter(m, type, value, "boundary", GP_STR("boundary="));
    t.report_type = gp_memory_lower(m, parameter(m, type, value, "report-type", GP_STR("report-type=")));
    g_object_unref(type);
    return t;
}

static enum role role_of(struct gp_str name)
{
    if (gp_str_starts_nocase(name, GP_STR("multipart/")))
        return ROLE_MULTIPART;
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        if (gp_str_eq(name, roles[i].name))
            return roles[i].role;
    }
    return gp_text_has(name, GP_STR("/")) ? ROLE_SKIP : ROLE_TEXT;
}

/* transfer - the octets of a body without their transfer encoding */
static struct gp_str transfer(struct gp_report_memory *m, struct gp_str header, struct gp_str body)
{
    struct gp_str name = gp_field_find(header, GP_STR("Content-Transfer-Encoding"));
    bool base64 = gp_str_starts_nocase(name, GP_STR("base64"));
    GMimeEncoding state;

    if (body.n == 0 || (!base64 && !gp_str_starts_nocase(name, GP_STR("quoted-printable"))))
        return body;
    g_mime_encoding_init_decode(&state,
                                base64 ? GMIME_CONTENT_ENCODING_BASE64 : GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
    char *to = gp_memory_get(m, g_mime_encoding_outlen(&state, body.n) + 8);
    if (to == NULL)
        return GP_STR("");
    size_t n = g_mime_encoding_step(&state, body.p, body.n, to);
    n += g_mime_encoding_flush(&state, NULL, 0, to + n);
    return (struct gp_str){to, n};
}

/* append - as a paragraph of its own; memory doubles, so that many small parts cost no more than a large one */
static void append(struct walk *w, struct grown *to, struct gp_str more, size_t max)
{
    size_t gap = to->n > 0 ? 2 : 0;
    size_t room = to->n + gap < max ? max - to->n - gap : 0, n = gp_str_cut(more, room).n;

    w->out->cut = w->out->cut || more.n > room;
    if (n == 0)
        return;
    if (to->cap < to->n + gap + n) {
        size_t cap = 2 * (to->n + gap + n);
        char *p = gp_memory_get(w->m, cap);
        if (p == NULL)
            return;
        if (to->n > 0)
            memcpy(p, to->p, to->n);
        to->p = p;
        to->cap = cap;
    }
    memset(to->p + to->n, '\n', gap);
    memcpy(to->p + to->n + gap, more.p, n);
    to->n += gap + n;
}

static void take_text(struct walk *w, struct gp_str text)
{
    struct gp_parts *o = w->out;
    bool late = w->status.n > 0 || o->returned.n > 0 || w->text.n > 0;

    if (late && o->returned.n == 0 && gp_header_like(text))
        o->returned = gp_str_cut(text, RETURNED_MAX);
    else if (w->status.n == 0 && o->returned.n == 0)
        append(w, &w->text, text, GP_REPORT_HUMAN_MAX);
}

static void visit(struct walk *w, struct gp_str entity, unsigned depth, bool message);

/* visit_parts - every part between the boundary's lines; what stands before the first, when there is none, is text */
static void visit_parts(struct walk *w, struct gp_str body, struct gp_str boundary, unsigned depth)
{
    struct gp_str rest = body, line;
    const char *begin = NULL;
    bool closed = false;

    while (!closed && w->parts < PARTS_MAX && rest.n > 0) {
        const char *at = rest.p;
        gp_text_line(&rest, &line);
        if (line.n < boundary.n + 2 || line.p[0] != '-' || line.p[1] != '-' ||
            memcmp(line.p + 2, boundary.p, boundary.n) != 0)
            continue;
        struct gp_str tail = gp_str_trim(gp_text_from(line, boundary.n + 2));
        closed = gp_str_eq(tail, GP_STR("--"));
        if (!closed && tail.n > 0)
            continue;
        if (begin != NULL)
            visit(w, (struct gp_str){begin, (size_t)(at - begin)}, depth, false);
        begin = rest.n > 0 ? rest.p : NULL;
    }
    if (!closed && begin != NULL)
        visit(w, (struct gp_str){begin, (size_t)(body.p + body.n - begin)}, depth, false);
    else if (!closed && w->text.n == 0)
        take_text(w, gp_text_decode(w->m, body, GP_STR("")));
}

static void visit_message(struct walk *w, struct gp_str octets)
{
    if (octets.n == 0)
        return;
    if (w->attached.n == 0)
        w->attached = octets;
    if (w->out->returned.n == 0)
        w->out->returned = gp_text_decode(w->m, gp_str_cut(octets, RETURNED_MAX), GP_STR(""));
}

static void visit_leaf(struct walk *w, enum role role, struct gp_str octets, struct gp_str charset)
{
    struct gp_parts *o = w->out;

    switch (role) {
    case ROLE_TEXT:
        take_text(w, gp_text_decode(w->m, gp_str_cut(octets, GP_REPORT_HUMAN_MAX), charset));
        o->cut = o->cut || octets.n > GP_REPORT_HUMAN_MAX;
        break;
    case ROLE_HTML:
        if (w->html.n == 0)
            w->html = gp_text_decode(w->m, gp_str_cut(octets, GP_REPORT_HUMAN_MAX), charset);
        break;
    case ROLE_STATUS:
        append(w, &w->status, gp_text_decode(w->m, octets, charset), GP_REPORT_OCTETS_MAX);
        break;
    case ROLE_FEEDBACK:
        append(w, &w->feedback, gp_text_decode(w->m, octets, charset), GP_REPORT_HUMAN_MAX);
        break;
    case ROLE_HEADERS:
        if (o->returned.n == 0)
            o->returned = gp_text_decode(w->m, gp_str_cut(octets, RETURNED_MAX), charset);
        break;
    case ROLE_MESSAGE:
        visit_message(w, octets);
        break;
    case ROLE_RECEIPT:
        o->receipt = true;
        break;
    case ROLE_STATISTICS:
        o->statistics = true;
        break;
    case ROLE_MULTIPART:
    case ROLE_SKIP:
        break;
    }
}

static void visit(struct walk *w, struct gp_str entity, unsigned depth, bool message)
{
    struct gp_str header, body;
    struct gp_str first = gp_text_to(entity, gp_str_find(entity, '\n'));

    w->parts++;
    if (depth > GP_REPORT_DEPTH_MAX || w->parts >= PARTS_MAX) {
        w->out->cut = true;
        return;
    }
    gp_header_split(entity, &header, &body);
    struct type t = type_of(w->m, header);
    enum role role = role_of(t.name);
    if (!message && gp_str_trim(first).n > 0 && gp_str_find(first, ':') == first.n) {
        body = entity; /* a part without a header, and without the empty line that would say so */
        role = ROLE_TEXT;
    } else if (!message && t.boundary.n == 0 && gp_str_starts_nocase(header, GP_STR("Received:"))) {
        body = entity; /* the returned message, without the header of a part */
        role = ROLE_HEADERS;
    }
    if (message)
        w->out->report_type = t.report_type;
    w->scanned += role == ROLE_MULTIPART ? body.n : 0;
    w->out->cut = w->out->cut || w->scanned > SCANNED_MAX;
    if (role == ROLE_MULTIPART && t.boundary.n > 0 && w->scanned <= SCANNED_MAX)
        visit_parts(w, body, t.boundary, depth + 1);
    else
        visit_leaf(w, role == ROLE_MULTIPART ? ROLE_TEXT : role, transfer(w->m, header, body), t.charset);
}

static void open_one(struct walk *w, struct gp_str entity)
{
    struct gp_str header, body;
    *w->out = (struct gp_parts){.cut = w->out->cut};
    *w = (struct walk){.m = w->m, .out = w->out, .parts = w->parts, .scanned = w->scanned};
    while (entity.n > 0 && (entity.p[0] == '\n' || gp_str_starts_nocase(entity, GP_STR("From "))))
        entity = gp_text_from(entity, gp_str_find(entity, '\n') + 1); /* a mailbox file's separator */
    gp_header_split(entity, &header, &body);
    w->out->header = gp_text_decode(w->m, gp_str_cut(header, HEADER_MAX), GP_STR(""));
    visit(w, entity, 1, true);
    w->out->status = (struct gp_str){w->status.p, w->status.n};
    w->out->feedback = (struct gp_str){w->feedback.p, w->feedback.n};
    w->out->text = (struct gp_str){w->text.p, w->text.n};
    if (gp_str_trim(w->out->text).n == 0 && w->html.n > 0)
        w->out->text = gp_text_html(w->m, w->html);
}

void gp_mime_open(struct gp_report_memory *m, struct gp_str raw, struct gp_parts *out)
{
    struct gp_str all = line_ends(m, gp_text_to(raw, GP_REPORT_OCTETS_MAX)), inner;
    struct walk w = {.m = m, .out = out};
    struct gp_parts outer;

    pthread_once(&started, start);
    *out = (struct gp_parts){.cut = raw.n > GP_REPORT_OCTETS_MAX};
    open_one(&w, all);
    outer = *out;
    for (unsigned depth = 1; depth < GP_REPORT_DEPTH_MAX && w.attached.n > 0; depth++) {
        if (out->status.n > 0 || out->feedback.n > 0)
            return;
        inner = w.attached;
        open_one(&w, inner);
    }
    if (out->status.n == 0 && out->feedback.n == 0) {
        outer.cut = out->cut;
        *out = outer;
    }
}
