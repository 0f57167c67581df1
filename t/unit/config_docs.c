/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * config_docs.c - the sample files load, also with every default in them; every setting has what manuals are made from
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
        const struct gp_key *key;
        for (size_t i = 0; (key = gp_config_key_at(i)) != NULL; i++) {
            char commented[64], bare[64];
            snprintf(commented, sizeof commented, "\n# %s ", key->name);
            snprintf(bare, sizeof bare, "\n%s ", key->name);
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

/* What gatepost.conf(5) and the samples are made from: nothing may be missing in a row. */
static void every_setting_is_told(void **state)
{
    (void)state;
    const struct gp_key *k;
    for (size_t i = 0; (k = gp_config_key_at(i)) != NULL; i++) {
        bool in_sample = k->scope == GP_SCOPE_TOP || k->scope == GP_SCOPE_AGENCY;
        if (k->manual == NULL || k->right == NULL || strncmp(k->right, "must ", 5) != 0)
            fail_msg("%s: nothing tells what it means, or what it must be", k->name);
        if ((k->needed || k->standard != NULL) == (k->absent != NULL))
            fail_msg("%s: has a default or must be given, or else .absent tells what holds without", k->name);
        if (in_sample && k->standard == NULL && k->sample == NULL && k->form != GP_FORM_LIMITS)
            fail_msg("%s: no value for the sample", k->name);
        if (!in_sample && (k->sample != NULL || k->note != NULL))
            fail_msg("%s: stands in the sample as part of its list only", k->name);
    }
    for (unsigned i = 0; i < GP_LIMIT_COUNT; i++)
        assert_non_null(gp_limit_manual((enum gp_limit_name)i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_load),
        cmocka_unit_test(samples_load_with_every_key),
        cmocka_unit_test(every_setting_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
