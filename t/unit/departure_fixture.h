/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * departure_fixture.h - a message at the mail server, its way through a departure, and what a verifier makes of it;
 * include after cmocka.h
 */
#ifndef GP_T_UNIT_DEPARTURE_FIXTURE_H
#define GP_T_UNIT_DEPARTURE_FIXTURE_H

#include "milter/departure.h"
#include "t/unit/dkim_fixture.h"

#define HEADERS_MAX 64
#define FROM                                                                                                           \
    {                                                                                                                  \
        "From", " Jane <a@dol.gov>"                                                                                    \
    }
#define TO                                                                                                             \
    {                                                                                                                  \
        "To", " x@example.org"                                                                                         \
    }
#define OURS_ALL 2 /* signatures of ours, where nothing is in the way */

static struct dkim_fixture dkim;
static struct gp_signer *signer;
static char return_path[] = "b.example.gov", public_url[] = "https://mail.example.gov";

static inline int departure_setup(void **state)
{
    (void)state;
    if (!dkim_fixture_open(&dkim))
        return -1;
    gp_from_start();
    signer = gp_signer_new((struct gp_signer_options){0});
    return signer != NULL ? 0 : -1;
}

static inline int departure_teardown(void **state)
{
    (void)state;
    gp_signer_free(signer);
    dkim_fixture_close(&dkim);
    return 0;
}

/* --- a message at the mail server --- */

struct header {
    const char *name, *value;
};

struct message {
    size_t n;
    struct header header[HEADERS_MAX];
};

static inline struct message message_of(const struct header *headers)
{
    struct message m = {.n = 0};
    for (; headers->name != NULL; headers++)
        m.header[m.n++] = *headers;
    return m;
}

static inline void put_in(struct message *m, size_t at, struct header header)
{
    assert_true(m->n < HEADERS_MAX);
    memmove(m->header + at + 1, m->header + at, (m->n - at) * sizeof m->header[0]);
    m->header[at] = header;
    m->n++;
}

static inline void take_out(struct message *m, const char *name, unsigned number)
{
    for (size_t i = 0; i < m->n; i++) {
        if (strcasecmp(m->header[i].name, name) != 0 || --number > 0)
            continue;
        m->n--;
        memmove(m->header + i, m->header + i + 1, (m->n - i) * sizeof m->header[0]);
        return;
    }
    fail_msg("there is no such %s", name);
}

static inline void carry_out(const struct gp_plan *plan, struct message *m)
{
    for (size_t i = 0; i < plan->n; i++) {
        const struct gp_edit *e = &plan->edit[i];
        switch (e->kind) {
        case GP_EDIT_SENDER:
            break;
        case GP_EDIT_DELETE:
            for (unsigned number = e->last; number >= e->first; number--)
                take_out(m, e->name, number);
            break;
        case GP_EDIT_ADD:
            put_in(m, m->n, (struct header){e->name, e->value});
            break;
        case GP_EDIT_INSERT:
            put_in(m, 0, (struct header){e->name, e->value});
            break;
        }
    }
}

static inline size_t count(const struct message *m, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++)
        n += strcasecmp(m->header[i].name, name) == 0;
    return n;
}

/* How many signatures of the message pass. */
static inline size_t passes(const struct message *m, const char *body)
{
    static char text[1 << 20];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    for (size_t i = 0; i < m->n; i++) {
        struct gp_str rest = gp_str_z(m->header[i].value), line;
        gp_buf_printf(&b, "%s:", m->header[i].name);
        while (gp_str_split(&rest, '\n', &line)) {
            gp_buf_put(&b, line);
            gp_buf_putz(&b, "\r\n");
        }
    }
    gp_buf_printf(&b, "\r\n%s", body);
    assert_false(b.full);
    return dkim_fixture_verify(&dkim, gp_buf_str(&b), NULL);
}

/* --- its way through --- */

static inline struct gp_config config_with(struct gp_dkim_key *keys, size_t n)
{
    struct gp_config c = {.return_path = return_path, .public_url = public_url, .dkim_n = n, .dkim = keys};
    c.keyring.have[3] = true;
    c.keyring.signer = 3;
    memset(c.keyring.secret[3], 0x5a, GP_KEY_OCTETS);
    return c;
}

static inline struct gp_departure *begin(const struct gp_config *c, const struct gp_agency *a, const struct message *m)
{
    static struct gp_headers h;
    struct gp_kept kept = {.state = GP_KEPT_ALL};
    const struct gp_envelope e = {
        .sender = GP_STR("a@dol.gov"), .recipient = GP_STR("x@example.org"), .queue_id = GP_STR("4XyZ"), .day = 20783};
    gp_headers_init(&h);
    for (size_t i = 0; i < m->n; i++) {
        gp_headers_note(&h, gp_str_z(m->header[i].name), gp_str_z(m->header[i].value));
        gp_kept_note(&kept, gp_str_z(m->header[i].name), gp_str_z(m->header[i].value));
    }
    struct gp_departure *d = gp_departure_begin(signer, c, a, &h, &kept, &e);
    gp_kept_clear(&kept);
    assert_non_null(d);
    return d;
}

static inline void show(struct gp_departure *d, const char *body)
{
    gp_departure_body(d, (const unsigned char *)body, strlen(body));
}

/* Signed by all keys of the relay; the message is then as it leaves, until gp_departure_free. */
static inline struct gp_departure *depart(const struct gp_agency *a, struct message *m)
{
    const struct gp_config c = config_with(dkim.key, DKIM_KEYS);
    struct gp_departure *d = begin(&c, a, m);
    show(d, "hello\r\n");
    assert_int_equal(gp_departure_sign(d), GP_ACCEPTED);
    assert_string_equal(gp_departure_why(d), "");
    carry_out(&d->plan, m);
    return d;
}

#endif
