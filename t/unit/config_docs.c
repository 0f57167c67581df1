/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * config_docs.c - the sample files load, and they and gatepost.conf(5) know every key with its default
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/config_private.h"
#include "t/unit/scratch.h"

#define TEXT_MAX 65536

/* read_text - a whole file of the project */
static void read_text(const char *path, char out[TEXT_MAX])
{
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t n = fread(out, 1, TEXT_MAX - 1, f);
    fclose(f);
    assert_in_range(n, 1, TEXT_MAX - 2);
    out[n] = '\0';
}

/* replace - every `what` by `by` */
static void replace(char text[TEXT_MAX], const char *what, const char *by)
{
    char out[TEXT_MAX];
    struct gp_buf b = gp_buf_on(out, sizeof out);
    const char *p = text;
    for (const char *at; (at = strstr(p, what)) != NULL; p = at + strlen(what)) {
        gp_buf_put(&b, (struct gp_str){p, (size_t)(at - p)});
        gp_buf_putz(&b, by);
    }
    gp_buf_putz(&b, p);
    assert_false(b.full);
    memcpy(text, out, b.n + 1);
}

static void load_samples(bool all)
{
    static char top[TEXT_MAX], agency[TEXT_MAX];
    char path[512];
    struct scratch s;
    struct gp_faults faults;
    assert_true(scratch_open(&s));
    read_text("postfix-conf/gatepost.conf.sample", top);
    read_text("postfix-conf/agencies.d/example.conf.sample", agency);
    replace(top, "/etc/gatepost/keys/token", "$D/token");
    replace(top, "/etc/gatepost/keys/auth", "$D/auth");
    replace(top, "/etc/gatepost/keys/relay.example.gov.gp1.pem", "$D/relay.pem");
    replace(top, "/etc/gatepost/keys/relay.example.gov.gp1e.pem", "$D/relay.pem");
    replace(agency, "/etc/gatepost/keys/dol.example.gov.gp1.pem", "$D/relay.pem");
    replace(top, "/etc/gatepost/keys/fbl", "$D/fbl");
    if (all) { /* with every setting that is commented out */
        replace(top, "\n#                        ", "\n                         ");
        replace(agency, "\n  # ", "\n  ");
        replace(agency, "\n  #  ", "\n  ");
        for (size_t i = 0; i < gp_config_keys_n; i++) {
            char commented[64], bare[64];
            snprintf(commented, sizeof commented, "\n# %s ", gp_config_keys[i].name);
            snprintf(bare, sizeof bare, "\n%s ", gp_config_keys[i].name);
            replace(top, commented, bare);
        }
    }
    assert_true(scratch_write(&s, "gatepost.conf", gp_str_z(top)));
    assert_true(scratch_write(&s, "agencies.d/example.conf", gp_str_z(agency)));
    assert_true(scratch_write(&s, "auth", GP_STR("a-key-for-dovecot-1234\n")));
    scratch_path(&s, "auth", path);
    assert_int_equal(chmod(path, 0600), 0);
    assert_true(scratch_write(&s, "fbl", GP_STR("secret\n")));
    scratch_path(&s, "fbl", path);
    assert_int_equal(chmod(path, 0600), 0);
    scratch_path(&s, "gatepost.conf", path);
    gp_faults_init(&faults);
    struct gp_config *c = gp_config_load(path, &faults);
    for (size_t i = 0; i < faults.n; i++)
        print_error("%s\n", faults.list[i].text);
    assert_non_null(c);
    assert_int_equal(faults.n, 0);
    assert_int_equal(c->agencies_n, 1);
    assert_string_equal(c->agency[0].name, "dol");
    gp_config_free(c);
    gp_faults_free(&faults);
    scratch_close(&s);
}

static void samples_load(void **state)
{
    (void)state;
    load_samples(false);
}

static void samples_load_with_every_key(void **state)
{
    (void)state;
    load_samples(true);
}

/* sets_here - "key = value" at the start of s, with the default in the line if there is one? */
static bool sets_here(struct gp_str s, struct gp_str key, const char *standard)
{
    if (s.n <= key.n || memcmp(s.p, key.p, key.n) != 0)
        return false;
    struct gp_str rest = gp_str_trim((struct gp_str){s.p + key.n, s.n - key.n});
    return rest.n > 0 && rest.p[0] == '=' &&
           (standard == NULL || memmem(rest.p, rest.n, standard, strlen(standard)) != NULL);
}

/* sets_key - does a line of text set the key, commented out or not? */
static bool sets_key(const char *text, const char *key, const char *standard)
{
    struct gp_str rest = gp_str_z(text), line;
    while (gp_str_split(&rest, '\n', &line)) {
        for (size_t i = 0; i < line.n; i++) {
            struct gp_str here = {line.p + i, line.n - i};
            if ((i == 0 || line.p[i - 1] == ' ') && sets_here(here, gp_str_z(key), standard))
                return true;
        }
    }
    return false;
}

static void samples_show_every_key(void **state)
{
    (void)state;
    static char top[TEXT_MAX], agency[TEXT_MAX];
    read_text("postfix-conf/gatepost.conf.sample", top);
    read_text("postfix-conf/agencies.d/example.conf.sample", agency);
    for (size_t i = 0; i < gp_config_keys_n; i++) {
        const struct gp_key *k = &gp_config_keys[i];
        bool in_top = k->scope == GP_SCOPE_TOP || k->scope == GP_SCOPE_MAILBOX;
        if (!sets_key(in_top ? top : agency, k->name, k->standard))
            fail_msg("no sample sets %s%s%s", k->name, k->standard != NULL ? " to " : "",
                     k->standard != NULL ? k->standard : "");
    }
    for (unsigned i = 0; i < GP_LIMIT_COUNT; i++)
        assert_true(sets_key(top, gp_limit_label((enum gp_limit_name)i), NULL));
}

/* manual_entry - the text under ".It Ic key" that `from` leads to, up to the next entry */
static struct gp_str manual_entry(const char *from, const char *key)
{
    char head[64];
    snprintf(head, sizeof head, "\n.It Ic %s\n", key);
    const char *p = strstr(from, head);
    if (p == NULL)
        return (struct gp_str){0};
    p += strlen(head);
    const char *end = strstr(p, "\n.It "), *list = strstr(p, "\n.El");
    if (end == NULL || (list != NULL && list < end))
        end = list;
    return end != NULL ? (struct gp_str){p, (size_t)(end - p)} : gp_str_z(p);
}

static void manual_knows_every_key(void **state)
{
    (void)state;
    static char manual[TEXT_MAX];
    static const char *const sections[] = {
        [GP_SCOPE_TOP] = "\n.Sh GATEPOST.CONF",
        [GP_SCOPE_AGENCY] = "\n.Sh AGENCIES",
        [GP_SCOPE_DKIM] = "\n.Ss DKIM",
        [GP_SCOPE_TEST] = "\n.Ss Tests",
        [GP_SCOPE_MAILBOX] = "\n.Ss Mailboxes",
    };
    read_text("shared/gatepost.conf.5", manual);
    for (size_t i = 0; i < gp_config_keys_n; i++) {
        const struct gp_key *k = &gp_config_keys[i];
        const char *from = strstr(manual, sections[k->scope]);
        struct gp_str entry = from != NULL ? manual_entry(from, k->name) : (struct gp_str){0};
        if (entry.n == 0)
            fail_msg("gatepost.conf(5) has no %s below %s", k->name, sections[k->scope] + 1);
        if (k->standard != NULL && memmem(entry.p, entry.n, k->standard, strlen(k->standard)) == NULL)
            fail_msg("gatepost.conf(5) does not tell %s's default %s", k->name, k->standard);
    }
    for (unsigned i = 0; i < GP_LIMIT_COUNT; i++) {
        char standard[GP_LIMIT_TEXT_MAX];
        const char *name = gp_limit_label((enum gp_limit_name)i), *from = strstr(manual, "\n.Sh LIMITS");
        assert_non_null(from);
        struct gp_str entry = manual_entry(from, name), part, rest;
        gp_limit_text(&gp_limits_default, (enum gp_limit_name)i, standard);
        rest = gp_str_z(standard);
        while (gp_str_split(&rest, ',', &part)) {
            if (memmem(entry.p, entry.n, part.p, part.n) == NULL)
                fail_msg("gatepost.conf(5) does not tell the default of %s, %s", name, standard);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_load),
        cmocka_unit_test(samples_load_with_every_key),
        cmocka_unit_test(samples_show_every_key),
        cmocka_unit_test(manual_knows_every_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
