/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * milter_session.c - sessions: whom they belong to, what they take and give back, what a message leaves behind
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "milter/session.h"
#include "shared/daemon.h"
#include "t/unit/scratch.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define DRAIN_MS 5000

static char directory[] = "/tmp/gatepost-session-XXXXXX";
static struct gp_ledger *ledger;
static struct gp_now at = {NULL, 1790000000000, 100000};

static bool write_file(const char *name, const char *text, char path[256])
{
    snprintf(path, 256, "%s/%s", directory, name);
    FILE *f = fopen(path, "w");
    if (f == NULL)
        return false;
    fputs(text, f);
    return fclose(f) == 0 && chmod(path, 0600) == 0;
}

/* Makes the running epoch from gatepost.conf with this loss policy; the relay has one DKIM key. */
static bool configure(const char *on_loss)
{
    char path[256], key[256], dkim[256], text[1024];
    if (!write_file("token", "1 5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a\n", key) ||
        !write_file("relay.pem", SCRATCH_PEM, dkim))
        return false;
    snprintf(text, sizeof text,
             "relay_name = \"relay.example.gov\"\nreturn_path = \"b.example.gov\"\ncounters = []\n"
             "on_counter_loss = \"%s\"\ndatabase = \"%s/db\"\ntoken_keys = \"%s\"\ndrain_timeout = \"5s\"\n"
             "message_size_ceiling = \"1M\"\n"
             "dkim = ( { domain = \"relay.example.gov\" selector = \"gp1\" key = \"%s\" } )\n",
             on_loss, directory, key, dkim);
    if (!write_file("gatepost.conf", text, path))
        return false;
    struct gp_config *config = gp_daemon_load(path);
    if (config == NULL)
        return false;
    gp_epoch_swap(config, at.monotonic_ms);
    return true;
}

static int setup(void **state)
{
    char path[256];
    (void)state;
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/agencies.d", directory);
    if (mkdir(path, 0700) != 0 ||
        !write_file("agencies.d/a.conf",
                    "dol = { contact = \"a@dol.gov\" production = [ \"192.0.2.10\", \"2001:db8::10\" ]\n"
                    "  sender_domains = [ \"dol.gov\" ] limits = { sessions = \"2\" message_size = \"200K\" }\n"
                    "  logins = [ \"dol-app\" ] }\n"
                    "doe = { logins = [ \"doe-app\" ] sender_domains = [ \"doe.gov\" ]\n"
                    "  limits = { sessions = \"1\" } }\n",
                    path) ||
        !configure("local"))
        return -1;
    ledger = at.ledger = gp_ledger_new(NULL, "gp", 1, 2);
    return ledger != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    static const char *const names[] = {"agencies.d/a.conf", "agencies.d", "gatepost.conf", "token", "relay.pem"};
    char path[256];
    (void)state;
    gp_ledger_free(ledger);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        remove(path);
    }
    return rmdir(directory);
}

static struct gp_session *begin(const char *profile, const char *address)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    const struct sockaddr *peer = NULL;
    if (address != NULL && inet_pton(AF_INET, address, &v4.sin_addr) == 1)
        peer = (const struct sockaddr *)&v4;
    else if (address != NULL && inet_pton(AF_INET6, address, &v6.sin6_addr) == 1)
        peer = (const struct sockaddr *)&v6;
    struct gp_session *s = gp_session_begin(gp_str_z(profile), peer, &at);
    assert_non_null(s);
    return s;
}

static void test_who(void **state)
{
    static const struct {
        const char *profile, *address, *client;
        bool taken;
    } rows[] = {
        {"gatepost-address", "192.0.2.10", "192.0.2.10", true},
        {"", "192.0.2.10", "192.0.2.10", true},
        {"gatepost-address", "2001:db8::10", "2001:db8::10", true},
        {"gatepost-address", "::ffff:192.0.2.10", "192.0.2.10", true},
        {"gatepost-address", "192.0.2.11", "192.0.2.11", false},
        {"gatepost-address", NULL, "unknown", false},
        {"gatepost-login", "192.0.2.10", "192.0.2.10", false},
        {"gatepost-both", "192.0.2.10", "192.0.2.10", true},
        {"gatepost-both", "192.0.2.11", "192.0.2.11", false},
        {"gatepost-return", "192.0.2.10", "192.0.2.10", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gp_session *s = begin(rows[i].profile, rows[i].address);
        if (strcmp(s->client, rows[i].client) != 0 || s->taken != rows[i].taken ||
            (s->agency != NULL) != rows[i].taken || gp_ledger_sessions(ledger) != rows[i].taken)
            fail_msg("row %zu: client %s, taken %d", i, s->client, s->taken);
        assert_int_equal(s->standing, GP_ACCEPTED);
        assert_int_equal(gp_session_count(), 1);
        gp_session_end(s, &at);
        assert_int_equal(gp_ledger_sessions(ledger), 0);
        assert_int_equal(gp_session_count(), 0);
    }
}

static void test_unix_peer(void **state)
{
    const struct sockaddr_un peer = {.sun_family = AF_UNIX};
    (void)state;
    struct gp_session *s = gp_session_begin(GP_STR(""), (const struct sockaddr *)&peer, &at);
    assert_string_equal(s->client, "unknown");
    assert_null(s->agency);
    gp_session_end(s, &at);
    gp_session_end(NULL, &at);
}

static void test_limit(void **state)
{
    (void)state;
    struct gp_session *a = begin("", "192.0.2.10"), *b = begin("", "192.0.2.10"), *c = begin("", "192.0.2.10");
    assert_int_equal(c->standing, GP_SESSION_LIMIT);
    assert_false(c->taken);
    gp_session_end(c, &at); /* gives nothing back that it never had */
    assert_int_equal(gp_ledger_sessions(ledger), 2);
    c = begin("", "192.0.2.10");
    assert_int_equal(c->standing, GP_SESSION_LIMIT);
    gp_session_end(a, &at);
    gp_session_prepare(c, &at);
    assert_int_equal(c->standing, GP_SESSION_LIMIT); /* what was refused stays so */
    struct gp_session *d = begin("", "192.0.2.10");
    assert_int_equal(d->standing, GP_ACCEPTED);
    gp_session_end(b, &at);
    gp_session_end(c, &at);
    gp_session_end(d, &at);
    assert_int_equal(gp_ledger_sessions(ledger), 0);
}

static const char *name_of(const struct gp_agency *a)
{
    return a != NULL ? a->name : "nobody";
}

/* Whose the session is after MAIL, and how many places are taken then. */
static void test_logins(void **state)
{
    static const struct {
        const char *profile, *address, *login, *agency, *lists;
        unsigned taken;
    } rows[] = {
        {"gatepost-login", "192.0.2.10", "", "nobody", "nobody", 0},
        {"gatepost-login", "192.0.2.10", "dol-app", "dol", "dol", 1},
        {"gatepost-login", "192.0.2.10", "doe-app", "doe", "doe", 1},
        {"gatepost-login", "192.0.2.99", "doe-app", "doe", "doe", 1},
        {"gatepost-login", "192.0.2.99", "joe", "nobody", "nobody", 0},
        {"gatepost-login", "192.0.2.99", "Doe-App", "nobody", "nobody", 0},
        {"gatepost-login", NULL, "doe-app", "doe", "doe", 1},
        {"gatepost-both", "192.0.2.10", "", "dol", "nobody", 1},
        {"gatepost-both", "192.0.2.10", "dol-app", "dol", "dol", 1},
        {"gatepost-both", "192.0.2.10", "doe-app", "dol", "doe", 1}, /* refused, and nobody's place is taken for it */
        {"gatepost-both", "192.0.2.99", "doe-app", "nobody", "doe", 0},
        {"gatepost-address", "192.0.2.10", "doe-app", "dol", "doe", 1},
        {"gatepost-address", "192.0.2.99", "doe-app", "nobody", "doe", 0},
        {"gatepost-return", "192.0.2.10", "dol-app", "nobody", "dol", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gp_session *s = begin(rows[i].profile, rows[i].address);
        for (int again = 0; again < 2; again++) {
            gp_session_login(s, gp_str_z(rows[i].login), &at);
            gp_session_prepare(s, &at);
            if (strcmp(name_of(s->agency), rows[i].agency) != 0 || strcmp(name_of(s->login), rows[i].lists) != 0 ||
                gp_ledger_sessions(ledger) != rows[i].taken || s->logged_in != (rows[i].login[0] != '\0'))
                fail_msg("row %zu: agency %s, login of %s, %u taken", i, name_of(s->agency), name_of(s->login),
                         (unsigned)gp_ledger_sessions(ledger));
        }
        gp_session_end(s, &at);
        assert_int_equal(gp_ledger_sessions(ledger), 0);
    }
}

static void test_login_limit(void **state)
{
    (void)state;
    struct gp_session *a = begin("gatepost-login", "192.0.2.99"), *b = begin("gatepost-login", "192.0.2.98");
    gp_session_login(a, GP_STR("doe-app"), &at);
    gp_session_login(b, GP_STR("doe-app"), &at);
    assert_int_equal(a->standing, GP_ACCEPTED);
    assert_int_equal(b->standing, GP_SESSION_LIMIT);
    assert_int_equal(gp_ledger_sessions(ledger), 1);
    gp_session_login(a, GP_STR("dol-app"), &at); /* another agency's: its place first, then doe's is free */
    assert_int_equal(a->standing, GP_ACCEPTED);
    assert_string_equal(a->agency->name, "dol");
    assert_int_equal(gp_ledger_sessions(ledger), 1);
    struct gp_session *c = begin("gatepost-login", "192.0.2.97");
    gp_session_login(c, GP_STR("doe-app"), &at);
    assert_int_equal(c->standing, GP_ACCEPTED);
    gp_session_login(a, GP_STR("doe-app"), &at); /* full again: what it had goes all the same */
    assert_int_equal(a->standing, GP_SESSION_LIMIT);
    assert_false(a->taken);
    assert_int_equal(gp_ledger_sessions(ledger), 1);
    gp_session_end(a, &at);
    gp_session_end(b, &at);
    gp_session_end(c, &at);
    assert_int_equal(gp_ledger_sessions(ledger), 0);
}

static void mail(struct gp_session *s, const char *path)
{
    gp_session_prepare(s, &at);
    struct gp_milter_facts f = gp_session_facts(s, &at);
    gp_facts_path(&f, gp_str_z(path));
    gp_session_sender(s, &f);
}

static void rcpt(struct gp_session *s, const char *path)
{
    struct gp_milter_facts f = gp_session_facts(s, &at);
    gp_facts_path(&f, gp_str_z(path));
    gp_session_recipient(s, &f);
}

static void test_message(void **state)
{
    (void)state;
    struct gp_session *s = begin("", "192.0.2.10");
    assert_false(s->message.open);
    mail(s, "<@x.org:a@dol.gov>");
    assert_true(s->message.open);
    assert_string_equal(s->message.sender, "a@dol.gov");
    assert_false(s->message.re_enveloped);
    assert_int_equal(s->message.limits.message_size, 200 * 1024);
    rcpt(s, "<\"a b\"@example.org>");
    assert_string_equal(s->message.recipient, "\"a b\"@example.org");
    gp_session_header(s, GP_STR("From"), GP_STR(" a@dol.gov"));
    assert_int_equal(s->message.octets, sizeof "From: a@dol.gov\r\n" - 1);
    s->message.octets = 77;
    s->accepted = 3;
    struct gp_milter_facts f = gp_session_facts(s, &at);
    assert_true(gp_str_eq(f.sender, GP_STR("a@dol.gov")));
    assert_int_equal(f.recipients, 1);
    assert_int_equal(f.octets, 77);
    assert_int_equal(f.accepted, 3);
    gp_session_reset(s);
    f = gp_session_facts(s, &at);
    assert_false(s->message.open);
    assert_int_equal(f.sender.n + f.recipients + f.octets, 0);
    assert_string_equal(s->message.recipient, "");
    assert_int_equal(s->message.headers.from, 0);
    assert_int_equal(f.accepted, 3); /* the session's, not the message's */
    mail(s, "<b@b.example.gov>");
    assert_true(s->message.re_enveloped);
    mail(s, "<>");
    assert_string_equal(s->message.sender, "");
    assert_false(s->message.re_enveloped);
    gp_session_end(s, &at);
}

/* What is kept of a message's content, and until when. */
static void test_content(void **state)
{
    const struct gp_envelope e = {.queue_id = GP_STR("4XyZ")};
    struct gp_signer *signer = gp_signer_new((struct gp_signer_options){0});
    (void)state;
    struct gp_session *s = begin("", "192.0.2.10");
    assert_non_null(signer);
    for (unsigned round = 0; round < 4; round++) {
        mail(s, "<a@dol.gov>");
        gp_session_header(s, GP_STR("From"), GP_STR(" a@dol.gov"));
        assert_int_equal(s->message.kept.state, GP_KEPT_ALL);
        assert_true(s->message.kept.n > 0);
        gp_session_headers_end(s, signer, e, &at);
        assert_null(s->message.departure); /* nobody is to get it yet */
        rcpt(s, "<x@example.org>");
        s->message.octets = 0;
        gp_session_header(s, GP_STR("From"), GP_STR(" a@dol.gov"));
        gp_session_headers_end(s, signer, e, &at);
        struct gp_departure *d = s->message.departure;
        assert_non_null(d);
        assert_int_equal(d->keys, 1);
        assert_null(s->message.kept.text);
        assert_int_equal(s->message.octets, sizeof "From: a@dol.gov\r\n\r\n" - 1);
        gp_session_headers_end(s, signer, e, &at);
        assert_ptr_equal(s->message.departure, d);
        gp_session_body(s, (const unsigned char *)"hello\r\n", 7);
        assert_int_equal(s->message.octets, sizeof "From: a@dol.gov\r\n\r\nhello\r\n" - 1 + 2);
        if (round == 1)
            gp_session_reset(s);
        assert_true((s->message.departure == NULL) == (round == 1));
    }
    gp_session_end(s, &at); /* frees what the last message left */
    s = begin("gatepost-return", "192.0.2.10");
    gp_session_header(s, GP_STR("From"), GP_STR(" a@dol.gov"));
    gp_session_headers_end(s, signer, e, &at);
    assert_int_equal(s->message.kept.n, 0);
    assert_null(s->message.departure);
    gp_session_end(s, &at);
    gp_signer_free(signer);
}

static void test_epochs(void **state)
{
    (void)state;
    struct gp_session *old = begin("", "192.0.2.10");
    struct gp_now later = at;
    assert_true(configure("local"));
    assert_int_equal(gp_epoch_alive(), 2);
    later.monotonic_ms += DRAIN_MS - 1;
    assert_false(gp_session_facts(old, &later).drained);
    assert_int_equal(gp_session_facts(old, &later).age_ms, DRAIN_MS - 1);
    later.monotonic_ms++;
    assert_true(gp_session_facts(old, &later).drained);
    struct gp_session *fresh = begin("", "192.0.2.10");
    assert_false(gp_session_facts(fresh, &later).drained);
    gp_session_end(old, &at);
    assert_int_equal(gp_epoch_alive(), 1);
    gp_session_end(fresh, &at);
}

/* on_counter_loss = closed and a store that does not answer: told at MAIL, tried again there. */
static void test_store_away(void **state)
{
    const char *server = "/nowhere/memcached.sock", *why;
    struct gp_counters *counters = gp_counters_new(&server, 1, &why);
    struct gp_ledger *away = gp_ledger_new(counters, "gp", 1, 2);
    (void)state;
    assert_true(configure("closed"));
    at.ledger = away;
    struct gp_session *s = begin("", "192.0.2.10");
    assert_int_equal(s->standing, GP_INTERNAL);
    assert_false(s->taken);
    gp_session_prepare(s, &at);
    assert_int_equal(s->standing, GP_INTERNAL);
    at.ledger = ledger; /* as if it were back */
    gp_session_prepare(s, &at);
    assert_int_equal(s->standing, GP_ACCEPTED);
    assert_true(s->taken);
    gp_session_prepare(s, &at);
    assert_int_equal(gp_ledger_sessions(ledger), 1); /* once only */
    gp_session_end(s, &at);
    assert_int_equal(gp_ledger_sessions(ledger), 0);
    gp_ledger_free(away);
    gp_counters_free(counters);
}

/* The last one: there is no way back from the end. */
static void test_the_end(void **state)
{
    (void)state;
    gp_epoch_drain_all();
    struct gp_session *s = begin("", "192.0.2.10");
    assert_true(gp_session_facts(s, &at).drained);
    assert_false(s->taken);
    gp_session_end(s, &at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who),     cmocka_unit_test(test_unix_peer),   cmocka_unit_test(test_limit),
        cmocka_unit_test(test_logins),  cmocka_unit_test(test_login_limit), cmocka_unit_test(test_message),
        cmocka_unit_test(test_content), cmocka_unit_test(test_epochs),      cmocka_unit_test(test_store_away),
        cmocka_unit_test(test_the_end),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
