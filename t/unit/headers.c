/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * headers.c - tests of milter/headers: what is noted of a message's headers, its bounds, what a header counts
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "milter/covered.h"
#include "milter/headers.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define V(lit)                                                                                                         \
    {                                                                                                                  \
        (lit), sizeof(lit) - 1                                                                                         \
    }

static struct gp_headers h;

static void note(const char *name, struct gp_str value)
{
    gp_headers_note(&h, gp_str_z(name), value);
}

static void test_counts(void **state)
{
    (void)state;
    static const char *const names[] = {
        "List-Unsubscribe",
        "list-unsubscribe",
        "LIST-UNSUBSCRIBE-POST",
        "X-Gatepost-Source",
        "x-gatepost-source",
        "x-GATEPOST-ref",
        "From",
        "FROM",
        "from ",
        "X-Gatepost-Sources",
        "X-From",
        "List-Unsubscribe-",
        "",
        "To",
        "Message-Id",
    };
    gp_headers_init(&h);
    for (size_t i = 0; i < COUNT(names); i++)
        note(names[i], GP_STR(" x"));
    assert_int_equal(h.list_unsubscribe, 2);
    assert_int_equal(h.list_unsubscribe_post, 1);
    assert_int_equal(h.source, 2);
    assert_int_equal(h.ref, 1);
    assert_int_equal(h.from, 3);
    assert_false(h.list_post || h.auto_submitted || h.report || h.unsubscribe_cut || h.from_cut);
    assert_string_equal(h.message_id, "x");
    gp_headers_init(&h);
    assert_int_equal(h.from + h.ref + h.source + h.list_unsubscribe + h.list_unsubscribe_post, 0);
}

static void test_signatures(void **state)
{
    (void)state;
    gp_headers_init(&h);
    for (unsigned i = 0; i < GP_HEADERS_SIGNATURES_MAX + 3; i++)
        note("dkim-signature", i == 2 ? GP_STR(" v=1; h=From:X-Mine;\n\tb=x") : GP_STR(" nonsense"));
    note("DKIM-Signature-2", GP_STR(" h=To"));
    assert_int_equal(h.signatures, GP_HEADERS_SIGNATURES_MAX + 3);
    for (unsigned i = 0; i < GP_HEADERS_SIGNATURES_MAX; i++)
        assert_true(h.covers[i] == (i == 2 ? gp_covered_set(GP_STR("From")) : 0));
}

static void test_kinds_of_mail(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct gp_str value;
        bool auto_submitted, report, list_post;
    } rows[] = {
        {"Auto-Submitted", V(" no"), false, false, false},
        {"Auto-Submitted", V(" No (sent by hand; really)"), false, false, false},
        {"Auto-Submitted", V("\n (by hand)\n no"), false, false, false},
        {"Auto-Submitted", V(" no; owner=x"), false, false, false},
        {"Auto-Submitted", V(" (by hand; really) no"), false, false, false},
        {"auto-submitted", V(" auto-replied"), true, false, false},
        {"Auto-Submitted", V(" auto-generated; owner-email=\"no\""), true, false, false},
        {"Auto-Submitted", V(" (no) auto-notified"), true, false, false},
        {"Auto-Submitted", V(" none"), true, false, false},
        {"Auto-Submitted", V(" no\0t"), true, false, false},
        {"Auto-Submitted", V(""), true, false, false},
        {"Content-Type", V(" multipart/report; report-type=delivery-status"), false, true, false},
        {"content-type", V(" Multipart/Report"), false, true, false},
        {"Content-Type", V("\n\tmultipart/ (a \\) comment)\n report ;\n boundary=x"), false, true, false},
        {"Content-Type", V(" multipart/report-x; x"), false, false, false},
        {"Content-Type", V(" multipart/mixed; x=multipart/report"), false, false, false},
        {"Content-Type", V(" text/plain"), false, false, false},
        {"List-Post", V(" <mailto:list@example.com>"), false, false, true},
        {"List-Post", V(" NO"), false, false, true},
        {"List-Id", V(" x"), false, false, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        gp_headers_init(&h);
        note(rows[i].name, rows[i].value);
        if (h.auto_submitted != rows[i].auto_submitted || h.report != rows[i].report ||
            h.list_post != rows[i].list_post)
            fail_msg("row %zu: %s:%.*s", i, rows[i].name, GP_STR_FMT(rows[i].value));
    }
    /* a later header does not take it back */
    gp_headers_init(&h);
    note("Auto-Submitted", GP_STR(" auto-replied"));
    note("Auto-Submitted", GP_STR(" no"));
    assert_true(h.auto_submitted);
}

#define X32 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X128 X32 X32 X32 X32

static void test_message_id(void **state)
{
    (void)state;
    static const struct {
        struct gp_str value;
        const char *id;
    } rows[] = {
        {V(" <a@b>"), "a@b"},     {V("\n <a@b>\n"), "a@b"},
        {V(" a@b "), "a@b"},      {V(" (c) <a@b> (c)"), "a@b"},
        {V(" <a@b"), "a@b"},      {V(" <a@b> <c@d>"), "a@b"},
        {V(" <>"), ""},           {V(""), ""},
        {V(" <" X128 ">"), X128}, {V(" <" X128 "x>"), ""},
        {V(" <a\0@b>"), ""},      {V(" <a\n @b>"), ""},
        {V(" <a\x7f>"), ""},      {V(" <\303\274@b>"), "\303\274@b"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        gp_headers_init(&h);
        note("Message-ID", rows[i].value);
        assert_string_equal(h.message_id, rows[i].id);
    }
    gp_headers_init(&h);
    note("Message-ID", GP_STR(" <>"));
    note("message-id", GP_STR(" <second@b>"));
    assert_string_equal(h.message_id, "");
}

static void test_values_are_unfolded_and_apart(void **state)
{
    (void)state;
    static const struct {
        struct gp_str value, kept;
    } rows[] = {
        {V(" a"), V("a\n")},
        {V(" a,\n\tb"), V("a,\tb\n")},
        {V(" a,\r\n b\r\n"), V("a, b\n")},
        {V(" a\nb"), V("a b\n")},
        {V(" a\r\n\r\nb"), V("a b\n")},
        {V(" a\0b\377"), V("a\0b\377\n")},
        {V("\n \n "), V("\n")},
        {V(""), V("\n")},
        {V(" a \r"), V("a\n")},
        {V(" a\r\0b"), V("a \0b\n")},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        gp_headers_init(&h);
        note("From", rows[i].value);
        note("List-Unsubscribe", rows[i].value);
        if (!gp_str_eq((struct gp_str){h.from_text, h.from_n}, rows[i].kept) ||
            !gp_str_eq((struct gp_str){h.unsubscribe, h.unsubscribe_n}, rows[i].kept))
            fail_msg("row %zu: %.*s", i, (int)h.from_n, h.from_text);
    }
    gp_headers_init(&h);
    note("From", GP_STR(" one"));
    note("From", GP_STR(" two"));
    assert_true(gp_str_eq((struct gp_str){h.from_text, h.from_n}, GP_STR("one\ntwo\n")));
}

static void test_values_are_bounded(void **state)
{
    (void)state;
    static char much[GP_HEADERS_FROM_MAX];
    memset(much, 'x', sizeof much);
    gp_headers_init(&h);
    note("From", (struct gp_str){much, GP_HEADERS_FROM_MAX - 1});
    assert_false(h.from_cut);
    assert_int_equal(h.from_n, GP_HEADERS_FROM_MAX);
    note("From", GP_STR(""));
    assert_true(h.from_cut);
    assert_int_equal(h.from, 2);
    assert_int_equal(h.from_n, GP_HEADERS_FROM_MAX);
    gp_headers_init(&h);
    note("From", (struct gp_str){much, GP_HEADERS_FROM_MAX});
    assert_true(h.from_cut);
    assert_int_equal(h.from_n, 0);
    note("From", GP_STR(" a"));
    assert_true(h.from_cut);
    gp_headers_init(&h);
    note("List-Unsubscribe", (struct gp_str){much, GP_HEADERS_UNSUBSCRIBE_MAX - 1});
    assert_false(h.unsubscribe_cut);
    note("List-Unsubscribe", GP_STR("x"));
    assert_true(h.unsubscribe_cut);
    assert_int_equal(h.list_unsubscribe, 2);
}

static void test_octets(void **state)
{
    (void)state;
    static const struct {
        struct gp_str name, value;
        uint64_t octets;
    } rows[] = {
        {V("To"), V(" a"), 7},         /* To: a CRLF */
        {V("To"), V(""), 5},           /* To: CRLF */
        {V("To"), V(" a,\n b"), 12},   /* one LF counts two */
        {V("To"), V(" a,\r\n b"), 12}, /* CRLF counts as it is */
        {V("To"), V("\n\n"), 9},       {V("To"), V(" a\0b"), 9}, {V(""), V(""), 3},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(gp_headers_octets(rows[i].name, rows[i].value), rows[i].octets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_kinds_of_mail),
        cmocka_unit_test(test_message_id),
        cmocka_unit_test(test_values_are_unfolded_and_apart),
        cmocka_unit_test(test_octets),
        cmocka_unit_test(test_values_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
