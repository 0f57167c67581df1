/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * config.c - tests of a configuration that loads: every value, look-ups, many agencies, odd files
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/config.h"
#include "shared/token.h"
#include "t/unit/scratch.h"

#include <time.h>

/* two names with one 24-bit hash under the key of scratch_open; found by trying */
#define COLLIDING_1 "a4142"
#define COLLIDING_2 "a5286"

static const char least[] = "relay_name = \"Relay.gov\"\nreturn_path = \"B.Relay.gov\"\ntoken_keys = \"$D/token\"\n" SCRATCH_DKIM "\n";

static struct gp_config *load(const struct scratch *s, struct gp_faults *faults)
{
    char path[512];
    gp_faults_init(faults);
    scratch_path(s, "gatepost.conf", path);
    return gp_config_load(path, faults);
}

/* load_good - what must load without an error */
static struct gp_config *load_good(const struct scratch *s)
{
    struct gp_faults faults;
    struct gp_config *c = load(s, &faults);
    for (size_t i = 0; c == NULL && i < faults.n; i++)
        print_error("%s\n", faults.list[i].text);
    gp_faults_free(&faults);
    assert_non_null(c);
    return c;
}

static struct gp_ip ip_of(const char *text)
{
    struct gp_ip ip;
    assert_true(gp_ip_parse(gp_str_z(text), &ip));
    return ip;
}

static void assert_limit(const struct gp_limits *limits, enum gp_limit_name name, const char *expected)
{
    char text[GP_LIMIT_TEXT_MAX];
    gp_limit_text(limits, name, text);
    assert_string_equal(text, expected);
}

static void assert_strings(const struct gp_strings *s, size_t n, const char *const *wanted)
{
    assert_int_equal(s->n, n);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(s->v[i], wanted[i]);
}

static void feedback_defaults(void **state)
{
    (void)state;
    struct scratch s;
    assert_true(scratch_open(&s));
    assert_true(scratch_write(&s, "gatepost.conf", gp_str_z(least)));
    struct gp_config *c = load_good(&s);
    assert_string_equal(c->feedback_listen, "unix:/var/spool/postfix/gatepost/feedback.sock");
    assert_string_equal(c->archive, "/var/lib/gatepost/archive");
    assert_int_equal(c->archive_keep_ms, UINT64_C(90) * 86400000);
    assert_null(c->maildir);
    assert_null(c->notices);
    assert_string_equal(c->mail_log, "");
    assert_string_equal(c->operator_to, "postmaster@Relay.gov");
    assert_true(gp_config_our_address(c, gp_str_z(c->operator_to)));
    assert_true(gp_config_our_address(c, GP_STR("x@b.relay.gov")));
    assert_false(gp_config_our_address(c, GP_STR("x@c.relay.gov")));
    assert_strings(&c->dictionaries, 3, (const char *[]){"/usr/share/gatepost/dictionary",
                                                        "/usr/local/share/gatepost/dictionary", "/etc/gatepost/dictionary.d"});
    assert_memory_equal(&c->suppression, &gp_suppression_defaults, sizeof c->suppression);
    assert_int_equal(c->mailboxes_n, 0);
    gp_config_free(c);
    scratch_close(&s);
}

static void feedback_values(void **state)
{
    (void)state;
    static const char more[] =
        "archive_keep = \"1d\" maildir = \"/m\" mail_log = \"journal\" operator = \"chief@hq.gov\" notices = \"unix:/n\"\n"
        "dictionaries = [] hard_bounces = \"3\" retest_after = [ \"1d\", \"365d\" ] soft_bounces = \"7\"\n"
        "mailboxes = ( { name = \"fbl\" url = \"pop3s://pop.example.net\" user = \"u\" password_file = \"$D/password\"\n"
        "                every = \"2h\" }, { name = \"two\" url = \"pop3://[::1]:1110/\" user = \"v w\"\n"
        "                password_file = \"$D/password\" ca_file = \"/ca\" } )\n";
    char text[2048], path[512];
    struct scratch s;
    assert_true(scratch_open(&s));
    snprintf(text, sizeof text, "%s%s", least, more);
    assert_true(scratch_write(&s, "gatepost.conf", gp_str_z(text)) &&
                scratch_write(&s, "password", GP_STR("  two words \r\n")) &&
                scratch_write(&s, "agencies.d/a.conf", GP_STR("dol = { production = [ \"192.0.2.1\" ] sender_domains = "
                                                              "[ \"dol.gov\" ] streams = [ \"b\", \"a\" ] }\n")));
    scratch_path(&s, "password", path);
    assert_int_equal(chmod(path, 0600), 0);
    struct gp_config *c = load_good(&s);
    assert_int_equal(c->archive_keep_ms, 86400000);
    assert_string_equal(c->maildir, "/m");
    assert_string_equal(c->mail_log, "journal");
    assert_string_equal(c->operator_to, "chief@hq.gov");
    assert_string_equal(c->notices, "unix:/n");
    assert_int_equal(c->dictionaries.n, 0);
    assert_int_equal(c->suppression.hard_count, 3);
    assert_int_equal(c->suppression.soft_count, 7);
    assert_int_equal(c->suppression.hard_steps, 2);
    assert_int_equal(c->suppression.hard_days[1], 365);
    assert_int_equal(c->suppression.window, gp_suppression_defaults.window);
    assert_strings(&c->agency[0].streams, 2, (const char *[]){"b", "a"});
    assert_int_equal(c->mailboxes_n, 2);
    assert_string_equal(c->mailbox[0].url, "pop3s://pop.example.net");
    assert_int_equal(c->mailbox[0].every_ms, 7200000);
    assert_string_equal(c->mailbox[0].password, "  two words ");
    assert_null(c->mailbox[0].ca_file);
    assert_string_equal(c->mailbox[1].user, "v w");
    assert_int_equal(c->mailbox[1].every_ms, 300000);
    assert_string_equal(c->mailbox[1].ca_file, "/ca");
    gp_config_free(c);
    scratch_close(&s);
}

static void defaults(void **state)
{
    (void)state;
    struct scratch s;
    assert_true(scratch_open(&s));
    scratch_write(&s, "gatepost.conf", gp_str_z(least));
    struct gp_config *c = load_good(&s);
    assert_string_equal(c->relay_name, "Relay.gov");
    assert_string_equal(c->return_path, "b.relay.gov");
    assert_null(c->public_url);
    assert_int_equal(c->egress_n, 0);
    assert_int_equal(c->counters.n, 1);
    assert_string_equal(c->counters.v[0], "/run/memcached/gatepost.sock");
    assert_string_equal(c->counters_prefix, "gp");
    assert_int_equal(c->on_counter_loss, GP_LOSS_LOCAL);
    assert_string_equal(c->database, "/var/lib/gatepost/gatepost.db");
    assert_int_equal(c->drain_timeout_ms, 300000);
    assert_false(c->sender_domain_reject);
    assert_int_equal(c->message_size_ceiling, 64 << 20);
    assert_string_equal(c->policy_listen, "unix:/var/spool/postfix/gatepost/policy.sock");
    assert_string_equal(c->milter_listen, "unix:/var/spool/postfix/gatepost/milter.sock");
    assert_string_equal(c->run_directory, "/run/gatepost");
    assert_string_equal(c->user, "gatepost");
    assert_string_equal(c->group, "gatepost");
    assert_int_equal(c->log, GP_LOG_SYSLOG);
    assert_int_equal(c->log_format, GP_LOG_TEXT);
    assert_int_equal(c->unsubscribe, GP_UNSUBSCRIBE_KEEP);
    assert_false(c->check_from);
    assert_true(c->keyring.have[1]);
    assert_int_equal(c->keyring.signer, 1);
    assert_int_equal(c->agencies_n, 0);
    for (unsigned i = 0; i < GP_LIMIT_COUNT; i++) {
        char text[GP_LIMIT_TEXT_MAX];
        gp_limit_text(&gp_limits_default, (enum gp_limit_name)i, text);
        assert_limit(&c->limits, (enum gp_limit_name)i, text);
    }
    struct gp_ip ip = ip_of("192.0.2.1");
    assert_null(gp_config_by_address(c, &ip));
    assert_null(gp_config_by_name(c, GP_STR("dol")));
    assert_null(gp_config_by_login(c, GP_STR("dol")));
    assert_null(gp_config_by_token(c, 1, (const uint8_t[3]){0}));
    gp_config_free(c);
    gp_config_free(NULL);
    scratch_close(&s);
}

static void every_key(void **state)
{
    (void)state;
    struct scratch s;
    assert_true(scratch_open(&s));
    scratch_write(&s, "gatepost.conf",
                  GP_STR("relay_name = \"relay.gov\" return_path = \"b.relay.gov\" token_keys = \"$D/token\" " SCRATCH_DKIM "\n"
                         "public_url = \"https://mail.relay.gov:8443/gp//\"\n"
                         "egress = [ \"198.51.100.7\", \"2001:db8::7\" ]\ncounters = []\ncounters_prefix = \"a.B-_9\"\n"
                         "on_counter_loss = \"closed\" database = \"/d/b\" drain_timeout = \"0s\"\n"
                         "sender_domain_reply = \"reject\" message_size_ceiling = \"1G\"\n"
                         "policy_listen = \"inet:[::1]:10040\" milter_listen = \"inet:localhost:8891\"\n"
                         "run_directory = \"/r\" user = \"u\" group = \"g\" log = \"stderr\" log_format = \"json\"\n"
                         "policy_metrics = \"inet:127.0.0.1:9401\" milter_metrics = \"unix:/m\"\n"
                         "unsubscribe = \"append\" check_from = \"yes\"\n"));
    struct gp_config *c = load_good(&s);
    struct gp_ip egress = ip_of("2001:db8::7");
    assert_string_equal(c->public_url, "https://mail.relay.gov:8443/gp");
    assert_int_equal(c->egress_n, 2);
    assert_int_equal(gp_ip_cmp(&c->egress[1], &egress), 0);
    assert_int_equal(c->counters.n, 0);
    assert_string_equal(c->counters_prefix, "a.B-_9");
    assert_int_equal(c->on_counter_loss, GP_LOSS_CLOSED);
    assert_string_equal(c->database, "/d/b");
    assert_int_equal(c->drain_timeout_ms, 0);
    assert_true(c->sender_domain_reject);
    assert_int_equal(c->message_size_ceiling, 1 << 30);
    assert_string_equal(c->policy_listen, "inet:[::1]:10040");
    assert_string_equal(c->milter_listen, "inet:localhost:8891");
    assert_string_equal(c->run_directory, "/r");
    assert_string_equal(c->user, "u");
    assert_string_equal(c->group, "g");
    assert_int_equal(c->log, GP_LOG_STDERR);
    assert_int_equal(c->log_format, GP_LOG_JSON);
    assert_string_equal(c->policy_metrics, "inet:127.0.0.1:9401");
    assert_string_equal(c->milter_metrics, "unix:/m");
    assert_null(c->feedback_metrics);
    assert_int_equal(c->unsubscribe, GP_UNSUBSCRIBE_APPEND);
    assert_true(c->check_from);
    gp_config_free(c);
    scratch_close(&s);
}

static const char agencies_a[] =
    "dol = {\n  contact = \"ops@dol.gov\"\n  production = [ \"192.0.2.10\", \"2001:DB8::10\" ]\n"
    "  standby = [ \"192.0.2.12/32\" ]\n  logins = [ \"dol-app\", \"dol-2\" ]\n"
    "  sender_domains = [ \"DOL.gov\", \".Dol.gov\" ]\n"
    "  tests = ( { why = \"w\" address = \"192.0.2.99\" messages = \"1\""
    " from = \"2026-01-01T00:00Z\" until = \"2026-01-02T00:00Z\" } )\n"
    "  unsubscribe = \"none\" check_from = \"no\"\n  limits = { message_size = \"14M\" rate = \"5000/10m\" }\n}\n";
static const char agencies_b[] = "\naaa = { production = [ \"192.0.2.20\" ] sender_domains = [ \"aaa.gov\" ] }\n"
                                 "limits = { sessions = \"8\" rate = [ \"1/1m\", \"2/2m\" ] }\n";

static void agencies(void **state)
{
    (void)state;
    struct scratch s;
    assert_true(scratch_open(&s));
    scratch_write(&s, "gatepost.conf", gp_str_z(least));
    char path[512];
    scratch_path(&s, "gatepost.conf", path);
    FILE *f = fopen(path, "a");
    assert_non_null(f);
    fputs("unsubscribe = \"replace\"\ncheck_from = \"yes\"\n", f);
    fclose(f);
    scratch_write(&s, "agencies.d/a.conf", gp_str_z(agencies_a));
    scratch_write(&s, "agencies.d/b.conf", gp_str_z(agencies_b));
    struct gp_config *c = load_good(&s);
    assert_int_equal(c->agencies_n, 2);
    const struct gp_agency *aaa = &c->agency[0], *dol = &c->agency[1];
    scratch_path(&s, "agencies.d/b.conf", path);
    assert_string_equal(aaa->name, "aaa");
    assert_string_equal(aaa->file, path);
    assert_int_equal(aaa->line, 2);
    assert_null(aaa->contact);
    assert_int_equal(aaa->unsubscribe, GP_UNSUBSCRIBE_REPLACE);
    assert_true(aaa->check_from);
    /* the group stands in the later file, behind the agency of the earlier one, and still lies under both */
    assert_limit(&aaa->limits, GP_LIMIT_SESSIONS, "8");
    assert_limit(&aaa->limits, GP_LIMIT_RATE, "1/1m,2/2m");
    assert_limit(&aaa->limits, GP_LIMIT_MESSAGE_SIZE, "200K");
    assert_limit(&dol->limits, GP_LIMIT_SESSIONS, "8");
    assert_limit(&dol->limits, GP_LIMIT_RATE, "5000/10m");
    assert_limit(&dol->limits, GP_LIMIT_MESSAGE_SIZE, "14M");
    assert_string_equal(dol->contact, "ops@dol.gov");
    assert_int_equal(dol->unsubscribe, GP_UNSUBSCRIBE_NONE);
    assert_false(dol->check_from);
    assert_int_equal(dol->addresses, 3);
    assert_int_equal(dol->address[1].role, GP_ROLE_PRODUCTION);
    assert_int_equal(dol->address[2].role, GP_ROLE_STANDBY);
    assert_int_equal(dol->logins.n, 2);
    assert_int_equal(dol->sender_domains.n, 2);
    assert_string_equal(dol->sender_domains.v[0], "dol.gov");
    assert_string_equal(dol->sender_domains.v[1], ".dol.gov");
    static const struct {
        const char *domain;
        bool may;
    } domains[] = {
        {"dol.gov", true}, {"MAIL.dol.gov", true}, {"evildol.gov", false},
        {"gov", false},    {"aaa.gov", false},     {"", false},
    };
    for (size_t i = 0; i < sizeof domains / sizeof domains[0]; i++)
        assert_int_equal(gp_agency_may_send(dol, gp_str_z(domains[i].domain)), domains[i].may);
    assert_false(gp_agency_may_send(aaa, GP_STR("mail.aaa.gov")));
    gp_config_free(c);
    scratch_close(&s);
}

static void look_ups(void **state)
{
    (void)state;
    struct scratch s;
    assert_true(scratch_open(&s));
    scratch_write(&s, "gatepost.conf", gp_str_z(least));
    scratch_write(&s, "agencies.d/a.conf", gp_str_z(agencies_a));
    scratch_write(&s, "agencies.d/b.conf", gp_str_z(agencies_b));
    struct gp_config *c = load_good(&s);
    const struct gp_agency *aaa = &c->agency[0], *dol = &c->agency[1];
    static const struct {
        const char *address;
        int agency; /* 0 aaa, 1 dol, -1 none */
    } addresses[] = {
        {"192.0.2.10", 1},  {"192.0.2.12", 1},        {"2001:db8:0::10", 1}, {"192.0.2.20", 0},
        {"192.0.2.11", -1}, {"::ffff:192.0.2.20", 0}, {"2001:db8::11", -1},  {"192.0.2.99", -1}, /* a test's */
    };
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        struct gp_ip ip = ip_of(addresses[i].address);
        assert_ptr_equal(gp_config_by_address(c, &ip),
                         addresses[i].agency < 0 ? NULL : &c->agency[addresses[i].agency]);
    }
    assert_ptr_equal(gp_config_by_name(c, GP_STR("aaa")), aaa);
    assert_ptr_equal(gp_config_by_name(c, GP_STR("dol")), dol);
    assert_null(gp_config_by_name(c, GP_STR("Dol")));
    assert_null(gp_config_by_name(c, GP_STR("do")));
    assert_null(gp_config_by_name(c, GP_STR("")));
    assert_ptr_equal(gp_config_by_login(c, GP_STR("dol-2")), dol);
    assert_ptr_equal(gp_config_by_login(c, GP_STR("dol-app")), dol);
    assert_null(gp_config_by_login(c, GP_STR("dol")));
    assert_null(gp_config_by_login(c, GP_STR("DOL-2")));
    uint8_t hash[3];
    assert_true(gp_token_agency(&c->keyring, 1, GP_STR("dol"), hash));
    assert_ptr_equal(gp_config_by_token(c, 1, hash), dol);
    assert_null(gp_config_by_token(c, 0, hash));
    assert_null(gp_config_by_token(c, GP_KEYS_MAX, hash));
    hash[2] ^= 1;
    assert_null(gp_config_by_token(c, 1, hash));
    gp_config_free(c);
    scratch_close(&s);
}

/* free_name - the next name "a<number>" whose hash under the only key is not taken yet */
static void free_name(const struct gp_keyring *ring, uint8_t *taken, unsigned *number, char name[16])
{
    uint8_t hash[3];
    size_t bit;
    do {
        snprintf(name, 16, "a%u", ++*number);
        assert_true(gp_token_agency(ring, 1, gp_str_z(name), hash));
        bit = (size_t)hash[0] << 16 | (size_t)hash[1] << 8 | hash[2];
    } while ((taken[bit / 8] & 1u << bit % 8) != 0);
    taken[bit / 8] |= (uint8_t)(1u << bit % 8);
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void ten_thousand_agencies(void **state)
{
    (void)state;
    enum { AGENCIES = 10000 };
    struct scratch s;
    struct gp_keyring ring;
    struct gp_faults faults;
    char path[512], name[16];
    unsigned number = 0;
    assert_true(scratch_open(&s));
    scratch_path(&s, "token", path);
    gp_faults_init(&faults);
    assert_true(gp_keyring_load(path, &ring, &faults));
    uint8_t *taken = calloc(1, (1 << 24) / 8);
    assert_non_null(taken);
    scratch_write(&s, "gatepost.conf", gp_str_z(least));
    scratch_path(&s, "agencies.d/all.conf", path);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (unsigned i = 0; i < AGENCIES; i++) {
        free_name(&ring, taken, &number, name);
        fprintf(f,
                "%s = { production = [ \"10.%u.%u.1\" ] standby = [ \"10.%u.%u.2\" ] sender_domains = [ \"%s.gov\" ]\n"
                "  limits = { rate = [ \"5000/10m\" ] } }\n",
                name, i >> 8, i & 255, i >> 8, i & 255, name);
    }
    fclose(f);
    double before = cpu_seconds();
    struct gp_config *c = load_good(&s);
    double seconds = cpu_seconds() - before;
    print_message("%d agencies in %.2f s\n", AGENCIES, seconds);
    assert_true(seconds < 20); /* about 0.5 s plain, some more under sanitizers */
    assert_int_equal(c->agencies_n, AGENCIES);
    struct gp_ip ip = ip_of("10.39.15.2");
    const struct gp_agency *last = gp_config_by_address(c, &ip);
    assert_non_null(last);
    assert_string_equal(last->name, name);
    assert_ptr_equal(gp_config_by_name(c, gp_str_z(name)), last);
    gp_config_free(c);
    gp_faults_free(&faults);
    free(taken);
    scratch_close(&s);
}

static void colliding_tokens(void **state)
{
    (void)state;
    struct scratch s;
    struct gp_faults faults;
    char expected[1024];
    assert_true(scratch_open(&s));
    scratch_write(&s, "gatepost.conf", gp_str_z(least));
    scratch_write(&s, "agencies.d/a.conf",
                  GP_STR(COLLIDING_1
                         " = { production = [ \"192.0.2.1\" ] sender_domains = [ \"a.gov\" ] }\n" COLLIDING_2
                         " = { production = [ \"192.0.2.2\" ] sender_domains = [ \"b.gov\" ] }\n"));
    assert_null(load(&s, &faults));
    assert_int_equal(faults.errors, 1);
    snprintf(expected, sizeof expected,
             "%s/agencies.d/a.conf:2: " COLLIDING_2 ": same token hash under key 1 as " COLLIDING_1
             " at %s/agencies.d/a.conf:1, given \"" COLLIDING_2 "\", must be another name (or another key)",
             s.folder, s.folder);
    assert_string_equal(faults.list[0].text, expected);
    gp_faults_free(&faults);
    scratch_close(&s);
}

/* one_fault - the load is refused with one fault, for the file, that ends like this */
static void one_fault(const struct scratch *s, const char *file, const char *end)
{
    struct gp_faults faults;
    char path[512];
    assert_null(load(s, &faults));
    scratch_path(s, file, path);
    assert_int_equal(faults.errors, 1);
    const char *text = faults.list[0].text;
    assert_memory_equal(text, path, strlen(path));
    assert_true(strlen(text) > strlen(end));
    assert_string_equal(text + strlen(text) - strlen(end), end);
    gp_faults_free(&faults);
}

static void odd_files(void **state)
{
    (void)state;
    struct scratch s;
    char path[512];
    assert_true(scratch_open(&s));
    one_fault(&s, "gatepost.conf", ": cannot be opened (No such file or directory), must be a readable file");
    scratch_write(&s, "gatepost.conf", gp_str_z(least));
    scratch_path(&s, "agencies.d/x.conf", path);
    assert_int_equal(mkdir(path, 0755), 0);
    one_fault(&s, "agencies.d/x.conf", ": is no regular file, must be one");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0644), 0);
    one_fault(&s, "agencies.d/x.conf", ": is no regular file, must be one");
    unlink(path);
    assert_int_equal(symlink("nowhere", path), 0);
    one_fault(&s, "agencies.d/x.conf", ": cannot be opened (No such file or directory), must be a readable file");
    unlink(path);
    scratch_write(&s, "agencies.d/x.conf", GP_STR("# a\n# \0\n"));
    one_fault(&s, "agencies.d/x.conf",
              ":2: NUL: a zero octet ends a value early, given in this line, must be text without it");
    assert_int_equal(truncate(path, (16 << 20) + 1), 0);
    one_fault(&s, "agencies.d/x.conf", ": is too long, must be at most 16 MiB");
    unlink(path);
    scratch_write(&s, "agencies.d/a\nb.conf", GP_STR("\n"));
    one_fault(&s, "agencies.d", ": file name with odd characters, given \"a\\x0ab.conf\", must be short and printable");
    scratch_close(&s);
}

static void no_folder_of_agencies(void **state)
{
    (void)state;
    struct scratch s;
    struct gp_faults faults;
    char path[512];
    assert_true(scratch_open(&s));
    scratch_path(&s, "agencies.d", path);
    assert_int_equal(rmdir(path), 0);
    scratch_write(&s, "gatepost.conf", gp_str_z(least));
    struct gp_config *c = load(&s, &faults);
    assert_non_null(c);
    assert_int_equal(faults.n, 1);
    assert_true(faults.list[0].warning);
    gp_faults_free(&faults);
    gp_config_free(c);
    scratch_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(feedback_defaults),
        cmocka_unit_test(feedback_values),
        cmocka_unit_test(defaults),
        cmocka_unit_test(every_key),
        cmocka_unit_test(agencies),
        cmocka_unit_test(look_ups),
        cmocka_unit_test(ten_thousand_agencies),
        cmocka_unit_test(colliding_tokens),
        cmocka_unit_test(odd_files),
        cmocka_unit_test(no_folder_of_agencies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
