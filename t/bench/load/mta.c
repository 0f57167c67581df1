/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mta.c - a session, event by event
 */
#include "t/bench/load/mta.h"

#include "shared/clock.h"
#include "t/bench/load/fail.h"

#include <arpa/inet.h>
#include <string.h>

#define CHUNK 65535     /* of a body, as Postfix cuts it */
#define NR_CONN 0x1000u /* and the others of their kind */
#define NR_HELO 0x2000u
#define NR_MAIL 0x4000u
#define NR_RCPT 0x8000u
#define NR_DATA 0x10000u
#define NR_HDR 0x80u
#define NR_EOH 0x40000u
#define NR_BODY 0x80000u

/* %s: the sender's domain; %u: an id of the message, there */
static const char *const headers[][2] = {
    {"From", " Benefits Office <notices@%s>"},
    {"To", " A Recipient <%u>"},
    {"Subject", " Your statement of October is ready to be read"},
    {"Date", " Sat, 28 Nov 2026 10:00:00 +0000"},
    {"Message-ID", " <20261128100000.%u>"},
    {"Reply-To", " Benefits Office <answers@%s>"},
    {"MIME-Version", " 1.0"},
    {"Content-Type", " text/plain; charset=utf-8"},
    {"Content-Transfer-Encoding", " 8bit"},
    {"X-Mailer", " Statements 4.2"},
    {"Feedback-ID", " 20261128:statements:notices"},
    {"X-Campaign", " october-statements; part=3; of=12"},
};
#define HEADERS (sizeof headers / sizeof headers[0])

/* --- events ------------------------------------------------------------------------------------------------------- */

static void put_event(struct mta_session *s, enum mta_stage stage, char command, const void *data, size_t n)
{
    packets_put_macros(&s->packets, command, s->macros[stage], s->macros_n[stage]);
    packets_put(&s->packets, command, data, n);
}

static void sender_domain(const struct mta_session *s, char out[64])
{
    snprintf(out, 64, "a%u.example", s->agency);
}

static void put_connect(struct mta_session *s)
{
    struct in_addr address = {.s_addr = htonl(0x0a000000u + s->agency)};
    char data[64] = "unknown", text[INET_ADDRSTRLEN];
    size_t n = strlen(data) + 1;
    data[n++] = '4';
    memcpy(data + n, "\xc3\x50", 2); /* port */
    n += 2;
    inet_ntop(AF_INET, &address, text, sizeof text);
    memcpy(data + n, text, strlen(text) + 1);
    put_event(s, MTA_CONNECT, 'C', data, n + strlen(text) + 1);
}

static void put_mail(struct mta_session *s)
{
    char text[160], domain[64];
    sender_domain(s, domain);
    int n = snprintf(text, sizeof text, "<notices@%s>%cSIZE=%zu%cBODY=8BITMIME", domain, 0, s->mta->body_n + 500, 0);
    put_event(s, MTA_MAIL, 'M', text, (size_t)n + 1);
}

static void put_rcpt(struct mta_session *s)
{
    char text[160];
    int n = snprintf(text, sizeof text, "<recipient.%zu@mail.example.com>", s->mta->begun % 1000000);
    put_event(s, MTA_RCPT, 'R', text, (size_t)n + 1);
}

static void put_header(struct mta_session *s, size_t i)
{
    char text[256], domain[64], unique[128];
    const char *value = headers[i][1], *cut = strchr(value, '%');
    int n = snprintf(text, sizeof text, "%s%c", headers[i][0], 0);
    sender_domain(s, domain);
    snprintf(unique, sizeof unique, "%zu@%s", s->mta->begun, domain);
    if (cut != NULL)
        n += snprintf(text + n, sizeof text - (size_t)n, "%.*s%s%s", (int)(cut - value), value,
                      cut[1] == 's' ? domain : unique, cut + 2);
    else
        n += snprintf(text + n, sizeof text - (size_t)n, "%s", value);
    put_event(s, MTA_EOH, 'L', text, (size_t)n + 1);
}

static void put_body(struct mta_session *s)
{
    size_t left = s->mta->body_n - s->item, n = left < CHUNK ? left : CHUNK;
    put_event(s, MTA_END, 'B', s->mta->body + s->item, n);
    s->item += n;
}

/* A message begins: behind the answer to the one before it, that one's transaction is over. */
static void put_message(struct mta_session *s)
{
    if (s->said > 0) {
        packets_put(&s->packets, 'A', NULL, 0);
        s->began_ns = gp_clock_monotonic_ns();
    }
    s->said++;
    s->mta->begun++;
    put_mail(s);
}

/* --- a session ---------------------------------------------------------------------------------------------------- */

static void put_next(struct mta_session *s)
{
    switch (s->waits) {
    case OPTIONS:
        break;
    case CONNECT:
        put_connect(s);
        break;
    case HELO:
        put_event(s, MTA_HELO, 'H', "client.example", sizeof "client.example");
        break;
    case MAIL:
        put_message(s);
        break;
    case RCPT:
        put_rcpt(s);
        break;
    case DATA:
        put_event(s, MTA_DATA, 'T', NULL, 0);
        s->item = 0;
        break;
    case HEADER:
        put_header(s, s->item++);
        break;
    case EOH:
        put_event(s, MTA_EOH, 'N', NULL, 0);
        s->item = 0;
        break;
    case BODY:
        put_body(s);
        break;
    case END:
        put_event(s, MTA_END, 'E', NULL, 0);
        s->end_began_ns = gp_clock_monotonic_ns();
        break;
    }
}

/* Goes on behind the event that was answered; writes up to the next one that has an answer. */
static void go_on(struct mta_session *s)
{
    static const uint32_t quiet[] = {
        [CONNECT] = NR_CONN, [HELO] = NR_HELO, [MAIL] = NR_MAIL, [RCPT] = NR_RCPT, [DATA] = NR_DATA,
        [HEADER] = NR_HDR,   [EOH] = NR_EOH,   [BODY] = NR_BODY, [END] = 0};
    do {
        bool again = (s->waits == HEADER && s->item < HEADERS) || (s->waits == BODY && s->item < s->mta->body_n);
        s->waits += !again;
        put_next(s);
    } while ((quiet[s->waits] & s->steps) != 0);
    packets_send(&s->packets);
}

void mta_open(struct mta_session *s)
{
    const uint32_t offer[] = {htonl(6), htonl(0x1ff), htonl(0x1fffff)};
    s->packets.poller = s->mta->poller;
    s->packets.owner = s;
    packets_open(&s->packets, s->mta->socket);
    s->said = 0;
    s->waits = OPTIONS;
    s->began_ns = gp_clock_monotonic_ns();
    packets_put(&s->packets, 'O', offer, sizeof offer);
    packets_send(&s->packets);
}

void mta_next(struct mta_session *s)
{
    s->waits = HELO;
    go_on(s);
}

void mta_close(struct mta_session *s)
{
    if (s->said > 0)
        packets_put(&s->packets, 'A', NULL, 0);
    packets_put(&s->packets, 'Q', NULL, 0);
    packets_send(&s->packets);
    packets_close(&s->packets);
}

void mta_send(struct mta_session *s)
{
    packets_send(&s->packets);
}

/* --- what comes back ---------------------------------------------------------------------------------------------- */

static const char *macro_value(const char *name)
{
    static const char *const values[][2] = {
        {"j", "relay.example.gov"},
        {"{daemon_name}", "gatepost-address"},
        {"{daemon_addr}", "192.0.2.1"},
        {"v", "Postfix 3.7.11"},
        {"_", "unknown [10.0.0.0]"},
        {"{client_addr}", "10.0.0.0"},
        {"{client_port}", "50000"},
        {"i", "4jWbms683Gz1c77h"},
        {"{auth_type}", "PLAIN"},
        {"{auth_authen}", "application"},
        {"{mail_addr}", "notices@a.example"},
        {"{mail_mailer}", "smtp"},
        {"{mail_host}", "mail.example.com"},
        {"{rcpt_addr}", "recipient@mail.example.com"},
        {"{rcpt_mailer}", "smtp"},
        {"{rcpt_host}", "mail.example.com"},
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        if (strcmp(name, values[i][0]) == 0)
            return values[i][1];
    }
    return NULL;
}

static void set_macros(struct mta_session *s, enum mta_stage stage, const char *list)
{
    char copy[256], *rest = copy, *name;
    size_t n = 0;
    snprintf(copy, sizeof copy, "%s", list);
    while ((name = strsep(&rest, " ")) != NULL) {
        const char *value = macro_value(name);
        if (value != NULL && n + strlen(name) + strlen(value) + 2 < MTA_MACROS_MAX)
            n += (size_t)snprintf(s->macros[stage] + n, MTA_MACROS_MAX - n, "%s%c%s", name, 0, value) + 1;
    }
    s->macros_n[stage] = n;
}

/* What Postfix sends of its own accord, or what the milter asked for. */
static void take_options(struct mta_session *s, const unsigned char *data, size_t n)
{
    static const char *const stock[MTA_STAGES] = {[MTA_CONNECT] = "j {daemon_name} {daemon_addr} v _",
                                                  [MTA_HELO] = "",
                                                  [MTA_MAIL] =
                                                      "{auth_type} {auth_authen} {mail_addr} {mail_host} {mail_mailer}",
                                                  [MTA_RCPT] = "{rcpt_addr} {rcpt_host} {rcpt_mailer}",
                                                  [MTA_DATA] = "i",
                                                  [MTA_END] = "i",
                                                  [MTA_EOH] = "i"};
    uint32_t word;
    if (n < 12)
        load_fail("options", "too short");
    memcpy(&word, data + 8, sizeof word);
    s->steps = ntohl(word);
    for (enum mta_stage stage = 0; stage < MTA_STAGES; stage++)
        set_macros(s, stage, stock[stage]);
    for (size_t at = 12; at + sizeof word < n; at += sizeof word + strlen((const char *)data + at + sizeof word) + 1) {
        memcpy(&word, data + at, sizeof word);
        if (ntohl(word) < MTA_STAGES)
            set_macros(s, ntohl(word), (const char *)data + at + sizeof word);
    }
}

/* Returns whether it ends the message. */
static bool take_packet(struct mta_session *s, char command, const unsigned char *data, size_t n)
{
    char text[300];
    switch (command) {
    case 'O':
        take_options(s, data, n);
        go_on(s);
        return false;
    case 'c': /* continue, accept */
    case 'a':
        if (s->waits == END)
            return true;
        go_on(s);
        return false;
    case 'e': /* another sender; a header inserted, added, changed */
    case 'h':
    case 'i':
    case 'm':
        s->mta->edits++;
        return false;
    default:
        snprintf(text, sizeof text, "%c%.*s", command, (int)n, (const char *)data);
        load_fail("refused", text);
    }
}

bool mta_receive(struct mta_session *s)
{
    unsigned char data[PACKET_MAX];
    char command;
    size_t n;
    packets_receive(&s->packets);
    while (packets_next(&s->packets, &command, data, &n)) {
        if (take_packet(s, command, data, n))
            return true;
    }
    return false;
}
