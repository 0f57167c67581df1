/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * spf_advice.c - what is told about SPF records, and the records that are proposed instead
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/spf_advice.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void note(void *arg, const struct gp_spf_finding *f)
{
    gp_buf_printf(arg, "%s[%.*s] %s\n", f->error ? "!" : "", GP_STR_FMT(f->term), f->text);
}

static void test_lint(void **state)
{
    static const struct {
        const char *record;
        bool included;
        const char *told; /* each line's beginning */
    } table[] = {
        {"v=spf1 mx include:x.gov -all", false, ""},
        {"v=spf1 redirect=x.gov", false, ""},
        {"v=spf1 a", true, ""},
        {"v=spf1 a", false, "[] ends without all"},
        {"v=spf1 ?all", false, "[?all] says nothing"},
        {"v=spf1 ?all", true, ""},
        {"v=spf1 +all", true, "![+all] lets every address"},
        {"v=spf1 all", false, "![all] lets every address"},
        {"v=spf1 ip4:0.0.0.0/0 -ip4:0.0.0.0/0 -all", false, "![ip4:0.0.0.0/0] lets every"},
        {"v=spf1 ip6:::/0 -all", false, "![ip6:::/0] lets every"},
        {"v=spf1 ptr -all", false, "[ptr] is deprecated"},
        {"v=spf1 ip4=1.2.3.4 -all", false, "[ip4=1.2.3.4] is ignored: a mechanism has a colon"},
        {"v=spf1 default=pass -all", false, "[default=pass] is ignored: no such modifier"},
        {"v=spf1 -all mx", false, "[mx] is ignored, because it stands behind all"},
        {"v=spf1 ~all redirect=x.gov", false, "[redirect=x.gov] is ignored, because there is an all"},
        {"v=spf1 redirect=x.gov redirect=y.gov", false, "![redirect=y.gov] stands there twice"},
        {"v=spf1 exp=x.gov -all exp=y.gov", false, "![exp=y.gov] stands there twice"},
        {"v=spf1 mooo -all", false, "![mooo] no such mechanism"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        char text[1024];
        struct gp_buf b = gp_buf_on(text, sizeof text);
        gp_spf_lint(gp_str_z(table[i].record), table[i].included, note, &b);
        const char *newline = strchr(text, '\n');
        bool one = table[i].told[0] != '\0' ? newline != NULL && newline[1] == '\0' : newline == NULL;
        if (!one || strncmp(text, table[i].told, strlen(table[i].told)) != 0)
            fail_msg("%s: %s", table[i].record, text);
    }
}

static void test_length(void **state)
{
    char record[GP_SPF_LENGTH_WISE + 2] = "v=spf1", text[1024];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    (void)state;
    memset(record + 6, ' ', sizeof record - 6);
    memcpy(record + GP_SPF_LENGTH_WISE - 5, " -all ", 6);
    gp_spf_lint((struct gp_str){record, GP_SPF_LENGTH_WISE}, false, note, &b);
    assert_string_equal(text, "");
    gp_spf_lint((struct gp_str){record, GP_SPF_LENGTH_WISE + 1}, false, note, &b);
    assert_non_null(strstr(text, "longer than 450"));
}

static void test_lookalikes(void **state)
{
    static const char *const alike[] = {
        "spf2.0/pra -all", "SPF2.0/mfrom,pra all", "v=spf10 all", "v=spf1;all", "v=spf1\tall",
        " v=spf1 -all",    "\"v=spf1 -all\"",      "v=spf 1",     "spf1 mx",    "v=sfp1 mx"};
    static const char *const others[] = {"v=spf1 -all",         "V=SPF1", "v=DMARC1; p=none", "", "\"",
                                         "some text on v=spf1", "spf"};
    (void)state;
    for (size_t i = 0; i < COUNT(alike); i++) {
        if (gp_spf_lookalike(gp_str_z(alike[i])) == NULL)
            fail_msg("%s", alike[i]);
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        if (gp_spf_lookalike(gp_str_z(others[i])) != NULL)
            fail_msg("%s", others[i]);
    }
    assert_non_null(strstr(gp_spf_lookalike(GP_STR("spf2.0/pra")), "Sender ID"));
}

static void test_correct(void **state)
{
    static const struct {
        const char *first, *second, *include, *record;
    } table[] = {
        {NULL, NULL, "b.gov", "v=spf1 include:b.gov -all"},
        {"v=spf1 mx -all", NULL, "b.gov", "v=spf1 mx include:b.gov -all"},
        {"v=spf1 mx -all", NULL, "", "v=spf1 mx -all"},
        {"v=spf1 mx INCLUDE:B.gov ~all", NULL, "b.gov", "v=spf1 mx INCLUDE:B.gov ~all"},
        {"v=spf1 -all", NULL, "b.gov", "v=spf1 include:b.gov -all"},
        {"v=spf1 mx +all", NULL, "b.gov", "v=spf1 mx include:b.gov ~all"},
        {"v=spf1 mx", NULL, "b.gov", "v=spf1 mx include:b.gov ~all"},
        {"v=spf1 mx redirect=x.gov", NULL, "b.gov", "v=spf1 mx include:b.gov redirect=x.gov"},
        {"v=spf1 redirect=x.gov mx ?all a", NULL, "b.gov", "v=spf1 mx include:b.gov ?all"},
        {"v=spf1 exp=x.gov mx -all y=z", NULL, "b.gov", "v=spf1 mx include:b.gov -all exp=x.gov y=z"},
        {"v=spf1 mx moo a:gov mx -all", NULL, "", "v=spf1 mx -all"},
        {"v=spf1 mx ~all", "v=spf1 MX a -all", "", "v=spf1 mx a ~all"},
        {"v=spf1 mx", "v=spf1 a -all exp=x.gov", "b.gov", "v=spf1 mx a include:b.gov -all exp=x.gov"},
        {"v=spf1 exp=x.gov redirect=x.gov", "v=spf1 exp=y.gov redirect=y.gov", "", "v=spf1 redirect=x.gov exp=x.gov"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        char text[256];
        struct gp_buf b = gp_buf_on(text, sizeof text);
        struct gp_str records[] = {gp_str_z(table[i].first), gp_str_z(table[i].second)};
        size_t n = (size_t)(table[i].first != NULL) + (size_t)(table[i].second != NULL);
        gp_spf_correct(records, n, gp_str_z(table[i].include), &b);
        assert_string_equal(text, table[i].record);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lint),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_lookalikes),
        cmocka_unit_test(test_correct),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
