/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rewrite.c - tests of milter/rewrite: sender, tokens, bounds; for the headers see unsubscribe.c
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "milter/rewrite.h"
#include "milter/unsubscribe.h"
#include "t/unit/rewrite_fixture.h"

#include <string.h>

#define V(lit)                                                                                                         \
    {                                                                                                                  \
        (lit), sizeof(lit) - 1                                                                                         \
    }
#define JANE V("jane.doe@example.com")

static void make_plan(const struct gp_envelope *e, const char *message_id, struct gp_plan *plan)
{
    static struct gp_headers h;
    struct gp_config c = config_with(true);
    struct gp_agency a = {.name = "dol"};
    gp_headers_init(&h);
    gp_headers_note(&h, GP_STR("Message-ID"), gp_str_z(message_id));
    assert_true(gp_rewrite(&c, &a, &h, e, plan));
}

static void test_sender(void **state)
{
    (void)state;
    static struct gp_plan plan;
    struct gp_envelope e = envelope();
    make_plan(&e, "", &plan);
    assert_int_equal(plan.edit[0].kind, GP_EDIT_SENDER);
    assert_string_equal(plan.edit[0].name, BOUNCE "@b.example.gov");
    assert_string_equal(plan.edit[0].value, "ENVID=" BOUNCE " RET=HDRS");
    assert_string_equal(plan.return_path, BOUNCE "@b.example.gov");
    assert_int_equal(plan.edit[1].kind, GP_EDIT_ADD);
}

static void test_null_sender_stays(void **state)
{
    (void)state;
    static struct gp_plan plan;
    struct gp_envelope e = envelope();
    e.sender = GP_STR("");
    make_plan(&e, "", &plan);
    assert_string_equal(plan.return_path, "");
    assert_int_equal(plan.n, 4);
    for (size_t i = 0; i < plan.n; i++)
        assert_int_equal(plan.edit[i].kind, GP_EDIT_ADD);
    assert_non_null(strstr(plan.edit[2].value, UNSUBSCRIBE));
}

static void test_re_enveloped_stays(void **state)
{
    (void)state;
    static struct gp_plan plan;
    struct gp_envelope e = envelope();
    e.sender = GP_STR(BOUNCE "@b.example.gov");
    e.re_enveloped = true;
    e.day = DAY + 5;
    e.id[0] = 77;
    make_plan(&e, "", &plan);
    assert_string_equal(plan.return_path, BOUNCE "@b.example.gov");
    assert_int_equal(plan.edit[0].kind, GP_EDIT_ADD);
    /* day and id are those of the return path */
    assert_non_null(strstr(plan.edit[2].value, UNSUBSCRIBE));
}

static void test_sealed_token(void **state)
{
    (void)state;
    static const struct {
        const char *message_id, *message;
    } ids[] = {{" <m@dol.example.gov>", "m@dol.example.gov"}, {"", "4XyZ"}};
    for (size_t i = 0; i < COUNT(ids); i++) {
        static struct gp_plan plan;
        struct gp_config c = config_with(true);
        struct gp_envelope e = envelope();
        struct gp_token_sealed t;
        char buf[GP_TOKEN_SEALED_MAX];
        make_plan(&e, ids[i].message_id, &plan);
        assert_int_equal(gp_token_open(&c.keyring, gp_str_z(plan.sealed), buf, &t), GP_TOKEN_VALID);
        assert_int_equal(t.day, DAY);
        assert_true(gp_str_eq(t.agency, GP_STR("dol")));
        assert_true(gp_str_eq(t.recipient, RECIPIENT));
        assert_true(gp_str_eq(t.message, gp_str_z(ids[i].message)));
        assert_int_equal(t.stream.n, 0);
    }
}

static void test_is_ours(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct gp_str sender;
        const char *agency;
        struct gp_str recipient;
        uint32_t today;
        bool ours;
    } senders[] = {
        {"ours", V(BOUNCE "@b.example.gov"), "dol", JANE, DAY, true},
        {"in capitals", V(BOUNCE "@B.EXAMPLE.GOV"), "dol", V("Jane.Doe@EXAMPLE.com"), DAY, true},
        {"recipient not known yet", V(BOUNCE "@b.example.gov"), "dol", {NULL, 0}, DAY, true},
        {"another recipient", V(BOUNCE "@b.example.gov"), "dol", V("joe@example.com"), DAY, false},
        {"another agency", V(BOUNCE "@b.example.gov"), "doj", JANE, DAY, false},
        {"expired", V(BOUNCE "@b.example.gov"), "dol", JANE, DAY + 31, false},
        {"from the future", V(BOUNCE "@b.example.gov"), "dol", JANE, DAY - 2, false},
        {"an unsubscribe token", V(UNSUBSCRIBE "@b.example.gov"), "dol", JANE, DAY, false},
        {"another domain", V(BOUNCE "@c.example.gov"), "dol", JANE, DAY, false},
        {"forged", V("b2bis6jtztcmlryzcaebahmvqkrmcnqlp@b.example.gov"), "dol", JANE, DAY, false},
        {"no domain", V(BOUNCE), "dol", JANE, DAY, false},
        {"nothing behind @", V(BOUNCE "@"), "dol", JANE, DAY, false},
        {"null", {NULL, 0}, "dol", JANE, DAY, false},
    };
    struct gp_config c = config_with(true);
    for (size_t i = 0; i < COUNT(senders); i++) {
        struct gp_agency a = {.name = ""};
        memcpy(a.name, senders[i].agency, strlen(senders[i].agency) + 1);
        bool ours = gp_rewrite_is_ours(&c, &a, senders[i].sender, senders[i].recipient, senders[i].today);
        if (ours != senders[i].ours)
            fail_msg("%s", senders[i].name);
    }
}

/* the longest of everything: fits, and no line is too long for SMTP */
static void test_longest(void **state)
{
    (void)state;
    static struct gp_headers h;
    static struct gp_plan plan;
    static char domain[256], url[GP_PLAN_PUBLIC_URL_MAX + 2], address[255], id[140], uri[2][GP_UNSUBSCRIBE_URI_MAX + 4];
    struct gp_agency a = {.name = "abcdefghijklmnopqrstuvwxyz012345", .unsubscribe = GP_UNSUBSCRIBE_APPEND};
    struct gp_config c = config_with(true);
    struct gp_envelope e = envelope();
    memset(domain, 'd', 255);
    memset(url, 'u', GP_PLAN_PUBLIC_URL_MAX);
    memset(address, 'r', 254);
    c.return_path = domain;
    c.public_url = url;
    e.recipient = gp_str_z(address);
    memset(id, 'm', GP_TOKEN_MESSAGE_MAX);
    gp_headers_init(&h);
    gp_headers_note(&h, GP_STR("Message-ID"), gp_str_z(id));
    for (size_t i = 0; i < COUNT(uri); i++) { /* just fits a line, just does not */
        memset(uri[i], 'c', GP_UNSUBSCRIBE_URI_MAX + 2 + i);
        memcpy(uri[i], "<c:", 3);
        uri[i][GP_UNSUBSCRIBE_URI_MAX + 1 + i] = '>';
        gp_headers_note(&h, GP_STR("List-Unsubscribe"), gp_str_z(uri[i]));
        gp_headers_note(&h, GP_STR("List-Unsubscribe"), gp_str_z(uri[i]));
    }
    assert_false(h.unsubscribe_cut);
    assert_true(gp_rewrite(&c, &a, &h, &e, &plan));
    assert_int_equal(plan.edit[plan.n - 2].kind, GP_EDIT_ADD);
    unsigned lines = 0;
    for (size_t i = 0; i < plan.n; i++) {
        struct gp_str rest = gp_str_z(plan.edit[i].value), line;
        for (size_t name = strlen(plan.edit[i].name) + 1; gp_str_split(&rest, '\n', &line); name = 0, lines++)
            assert_true(name + line.n <= 998);
    }
    assert_int_equal(lines, 1 + 1 + 1 + 4 + 1); /* sender, source, ref, four URIs, Post */
    url[GP_PLAN_PUBLIC_URL_MAX] = 'u';          /* one more is not used */
    assert_true(gp_rewrite(&c, &a, &h, &e, &plan));
    assert_null(strstr(plan.edit[plan.n - 1].value, "uuu"));
    assert_string_equal(plan.edit[plan.n - 1].name, "List-Unsubscribe");
}

static void test_cut_value_is_kept(void **state)
{
    (void)state;
    static struct gp_headers h;
    static struct gp_plan plan;
    static char much[GP_HEADERS_UNSUBSCRIBE_MAX];
    struct gp_config c = config_with(true);
    struct gp_agency a = {.name = "dol", .unsubscribe = GP_UNSUBSCRIBE_APPEND};
    struct gp_envelope e = envelope();
    memset(much, 'x', sizeof much);
    gp_headers_init(&h);
    gp_headers_note(&h, GP_STR("List-Unsubscribe"), GP_STR(" <mailto:a@c>"));
    gp_headers_note(&h, GP_STR("List-Unsubscribe"), (struct gp_str){much, sizeof much});
    assert_true(gp_rewrite(&c, &a, &h, &e, &plan));
    assert_int_equal(plan.n, 4);
    assert_int_equal(plan.edit[1].kind, GP_EDIT_DELETE);
    assert_int_equal(plan.edit[1].first, 2);
    assert_int_equal(plan.edit[1].last, 2);
    assert_string_equal(plan.edit[3].name, "X-Gatepost-Ref");
}

static void test_refusals(void **state)
{
    (void)state;
    static struct gp_headers h;
    static struct gp_plan plan;
    static char address[256];
    struct gp_config c = config_with(true);
    struct gp_agency a = {.name = "dol"};
    struct gp_envelope e = envelope();
    gp_headers_init(&h);
    h.source = h.ref = h.list_unsubscribe = h.list_unsubscribe_post = 6000; /* no number of them is too many */
    assert_true(gp_rewrite(&c, &a, &h, &e, &plan));
    h.source = h.ref = h.list_unsubscribe = h.list_unsubscribe_post = 0;
    memset(address, 'r', 255);
    e.recipient = gp_str_z(address);
    assert_false(gp_rewrite(&c, &a, &h, &e, &plan));
    e = envelope();
    c.keyring.have[3] = false;
    assert_false(gp_rewrite(&c, &a, &h, &e, &plan));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sender),
        cmocka_unit_test(test_null_sender_stays),
        cmocka_unit_test(test_re_enveloped_stays),
        cmocka_unit_test(test_sealed_token),
        cmocka_unit_test(test_is_ours),
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_cut_value_is_kept),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
