/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * session.c - what is known of one SMTP session and of the message in it
 */
#include "milter/session.h"

#include "shared/test_window.h"
#include "shared/usage.h"

#include <stdatomic.h>
#include <stdlib.h>

static _Atomic size_t alive;

/* Where the address decides, alone or with the login. */
static const struct gp_agency *admitted(const struct gp_session *s, const struct gp_ip *ip, uint64_t wall_ms)
{
    bool asked = s->profile == GP_PROFILE_ADDRESS || s->profile == GP_PROFILE_BOTH;
    return asked ? gp_config_admits(s->epoch->config, ip, wall_ms) : NULL;
}

static void take(struct gp_session *s, const struct gp_now *now)
{
    s->standing = gp_ledger_begin(now->ledger, s->agency, s->epoch->config->on_counter_loss, now->wall_ms);
    s->taken = s->standing == GP_ACCEPTED;
}

struct gp_session *gp_session_begin(struct gp_str daemon_name, const struct sockaddr *peer, const struct gp_now *now)
{
    struct gp_ip ip;
    struct gp_session *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    atomic_fetch_add(&alive, 1);
    struct gp_buf client = gp_buf_on(s->client, sizeof s->client);
    s->epoch = gp_epoch_ref();
    s->profile = gp_profile_of(daemon_name);
    s->began_ms = now->monotonic_ms;
    if (gp_ip_from_sockaddr(peer, &ip)) {
        gp_ip_text(&ip, s->client);
        s->agency = admitted(s, &ip, now->wall_ms);
    } else {
        gp_buf_putz(&client, "unknown");
    }
    if (s->agency != NULL && !gp_epoch_drained(s->epoch, now->monotonic_ms))
        take(s, now);
    gp_session_reset(s);
    return s;
}

/* The session is `next`'s from now on: its place is taken before the old one is given back. */
static void change_agency(struct gp_session *s, const struct gp_agency *next, const struct gp_now *now)
{
    const struct gp_agency *before = s->taken ? s->agency : NULL;
    s->agency = next;
    s->taken = false;
    s->standing = GP_ACCEPTED;
    if (next != NULL)
        take(s, now);
    if (before != NULL)
        gp_ledger_end(now->ledger, before, now->wall_ms);
}

void gp_session_login(struct gp_session *s, struct gp_str login, const struct gp_now *now)
{
    s->logged_in = login.n > 0;
    s->login = s->logged_in ? gp_config_by_login(s->epoch->config, login) : NULL;
    bool decides = s->profile == GP_PROFILE_LOGIN && !gp_epoch_drained(s->epoch, now->monotonic_ms);
    if (decides && s->login != s->agency)
        change_agency(s, s->login, now);
}

void gp_session_end(struct gp_session *s, const struct gp_now *now)
{
    if (s == NULL)
        return;
    if (s->taken)
        gp_ledger_end(now->ledger, s->agency, now->wall_ms);
    gp_session_reset(s); /* before the epoch: the departure uses its keys */
    gp_epoch_unref(s->epoch);
    free(s);
    atomic_fetch_sub(&alive, 1);
}

void gp_session_reset(struct gp_session *s)
{
    struct gp_message *m = &s->message;
    m->open = m->utf8 = m->re_enveloped = false;
    m->sender[0] = m->recipient[0] = '\0';
    m->recipients = 0;
    m->octets = 0;
    gp_headers_init(&m->headers);
    gp_kept_clear(&m->kept);
    gp_departure_free(m->departure);
    m->departure = NULL;
}

struct gp_milter_facts gp_session_facts(const struct gp_session *s, const struct gp_now *now)
{
    const struct gp_message *m = &s->message;
    return (struct gp_milter_facts){
        .config = s->epoch->config,
        .agency = s->agency,
        .login = s->login,
        .logged_in = s->logged_in,
        .profile = s->profile,
        .drained = gp_epoch_drained(s->epoch, now->monotonic_ms),
        .standing = s->standing,
        .ended = s->agency != NULL && gp_test_ended(s->agency, now->wall_ms),
        .limits = &m->limits,
        .age_ms = now->monotonic_ms - s->began_ms,
        .accepted = s->accepted,
        .today = gp_usage_day(now->wall_ms),
        .utf8 = m->utf8,
        .sender = gp_str_z(m->sender),
        .re_enveloped = m->re_enveloped,
        .recipients = m->recipients,
        .octets = m->octets,
        .headers = &m->headers,
    };
}

void gp_session_prepare(struct gp_session *s, const struct gp_now *now)
{
    gp_session_reset(s);
    if (s->profile == GP_PROFILE_OWN)
        s->message.limits.message_size = s->epoch->config->message_size_ceiling;
    if (s->agency == NULL)
        return;
    if (s->standing == GP_INTERNAL)
        take(s, now);
    gp_ledger_limits(now->ledger, s->agency, s->epoch->config->message_size_ceiling, now->wall_ms, &s->message.limits);
}

void gp_session_sender(struct gp_session *s, const struct gp_milter_facts *f)
{
    struct gp_message *m = &s->message;
    struct gp_buf text = gp_buf_on(m->sender, sizeof m->sender);
    gp_buf_put(&text, gp_facts_address(f));
    m->open = true;
    m->utf8 = f->utf8;
    m->re_enveloped = gp_facts_returning(f); /* a rule has seen that it is ours */
}

void gp_session_recipient(struct gp_session *s, const struct gp_milter_facts *f)
{
    struct gp_message *m = &s->message;
    struct gp_buf text = gp_buf_on(m->recipient, sizeof m->recipient);
    gp_buf_put(&text, gp_facts_address(f));
    m->recipients++;
}

/* An agency's mail leaves through us, and so does our own. */
static bool departs(const struct gp_session *s)
{
    return s->agency != NULL || s->profile == GP_PROFILE_OWN;
}

/* Is there anything that signs messages of this session? */
static bool has_keys(const struct gp_session *s)
{
    return departs(s) && s->epoch->config->dkim_n + (s->agency != NULL ? s->agency->dkim_n : 0) > 0;
}

void gp_session_header(struct gp_session *s, struct gp_str name, struct gp_str value)
{
    struct gp_message *m = &s->message;
    gp_headers_note(&m->headers, name, value);
    if (m->open && has_keys(s))
        gp_kept_note(&m->kept, name, value);
    m->octets += gp_headers_octets(name, value);
}

void gp_session_headers_end(struct gp_session *s, struct gp_signer *signer, struct gp_envelope e,
                            const struct gp_now *now)
{
    struct gp_message *m = &s->message;
    m->octets += 2; /* the empty line */
    if (!departs(s) || m->recipients == 0 || m->departure != NULL)
        return;
    e.sender = gp_str_z(m->sender);
    e.recipient = gp_str_z(m->recipient);
    e.re_enveloped = m->re_enveloped;
    e.day = gp_usage_day(now->wall_ms);
    m->departure = gp_departure_begin(signer, s->epoch->config, s->agency, &m->headers, &m->kept, &e);
    gp_kept_clear(&m->kept);
}

void gp_session_body(struct gp_session *s, const unsigned char *octets, size_t n)
{
    struct gp_message *m = &s->message;
    m->octets += n; /* the refusal waits for the end: before it, the client would not read it */
    if (m->departure != NULL && m->octets <= m->limits.message_size)
        gp_departure_body(m->departure, octets, n);
}

size_t gp_session_count(void)
{
    return atomic_load(&alive);
}
