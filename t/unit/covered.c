/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * covered.c - tests of milter/covered: the list of signed headers, and what a client's signature names in h=
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "milter/covered.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void test_numbers(void **state)
{
    (void)state;
    unsigned n = 0;
    for (; gp_covered_name(n) != NULL; n++) {
        assert_int_equal(gp_covered_number(gp_str_z(gp_covered_name(n))), n);
        assert_true(gp_covered_set(gp_str_z(gp_covered_name(n))) == (uint64_t)1 << n);
    }
    assert_in_range(n, 30, GP_COVERED_MAX - 1);
    assert_int_equal(gp_covered_number(GP_STR("SUBJECT")), gp_covered_number(GP_STR("Subject")));
    assert_int_equal(gp_covered_number(GP_STR("Received")), GP_COVERED_MAX);
    assert_int_equal(gp_covered_number(GP_STR("")), GP_COVERED_MAX);
    assert_true(gp_covered_set(GP_STR("Return-Path")) == 0);
    assert_false(gp_covered_signed(GP_COVERED_MAX));
    assert_null(gp_covered_name(GP_COVERED_MAX));
}

/* RFC 6376 5.4.1, RFC 8058 4, and what Gatepost adds itself */
static void test_signed(void **state)
{
    (void)state;
    static const char *const must[] = {
        "From",
        "Reply-To",
        "Subject",
        "Date",
        "To",
        "Cc",
        "Sender",
        "Message-ID",
        "Resent-Date",
        "Resent-From",
        "Resent-To",
        "Resent-Cc",
        "References",
        "List-Id",
        "In-Reply-To",
        "List-Help",
        "List-Post",
        "List-Unsubscribe",
        "List-Owner",
        "List-Archive",
        "List-Subscribe",
        "MIME-Version",
        "Content-Type",
        "List-Unsubscribe-Post",
        "Feedback-ID",
        "X-Gatepost-Ref",
        "X-Gatepost-Source",
        "Content-Transfer-Encoding",
    };
    static const char *const never[] = {"DKIM-Signature", "Received", "Return-Path", "Comments", "Bcc", "ARC-Seal"};
    for (size_t i = 0; i < COUNT(must); i++)
        assert_true(gp_covered_signed(gp_covered_number(gp_str_z(must[i]))));
    for (size_t i = 0; i < COUNT(never); i++)
        assert_false(gp_covered_signed(gp_covered_number(gp_str_z(never[i]))));
}

static void test_once_more(void **state)
{
    (void)state;
    static const char *const names[] = {"From", "Subject", "Date", "To", "List-Unsubscribe", "List-Unsubscribe-Post"};
    const char *const *once_more = gp_covered_once_more();
    for (size_t i = 0; i < COUNT(names); i++)
        assert_string_equal(once_more[i], names[i]);
    assert_null(once_more[COUNT(names)]);
}

#define SIGNATURE(h) " v=1; a=rsa-sha256; d=x.gov; s=a; h=" h "; bh=abc=; b=AbC+/="

static void test_client_signatures(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *set; /* names with blanks between them */
    } rows[] = {
        {"plain", SIGNATURE("From:To:Subject"), "From To Subject"},
        {"any case, unknown names", SIGNATURE("from:X-Mine:LIST-UNSUBSCRIBE"), "From List-Unsubscribe"},
        {"named twice", SIGNATURE("From:From:To:To"), "From To"},
        {"folded", " v=1; a=rsa-sha256;\n\th=From:To:\n\t Subject : Date ;\r\n\tb=a\n\t b", "From To Subject Date"},
        {"without blanks", "v=1;h=From:To", "From To"},
        {"blanks around =", " v = 1 ; h = From : To ;", "From To"},
        {"another signature", SIGNATURE("from:dkim-signature"), "From DKIM-Signature"},
        {"one name", " h=List-Unsubscribe-Post", "List-Unsubscribe-Post"},
        {"tag names are case-sensitive", " H=From; h=To", "To"},
        {"no h=", " v=1; b=x", ""},
        {"empty h=", " v=1; h=; b=x", ""},
        {"two h=", " h=From; h=To", ""},
        {"a tag twice", " h=From; b=1; b=2", ""},
        {"an empty name", SIGNATURE("From::To"), ""},
        {"a blank within a name", SIGNATURE("From:Sub ject"), ""},
        {"a fold within a name", SIGNATURE("From:Sub\n\tject"), ""},
        {"no =", " v=1; h=From; nonsense", ""},
        {"a tag without a name", " h=From; =x", ""},
        {"a bad tag name", " h=From; a-b=x", ""},
        {"a digit first", " h=From; 1a=x", ""},
        {"an octet above 127", " h=From; i=\xc3\xa9@x.gov", ""},
        {"a control character", " h=From; i=\x01", ""},
        {"nothing", "", ""},
        {"the letter h in another value", " v=1; z=h=From", ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct gp_str names = gp_str_z(rows[i].set), name;
        uint64_t set = 0;
        while (names.n > 0 && gp_str_split(&names, ' ', &name))
            set |= gp_covered_set(name);
        if (gp_covered_by(gp_str_z(rows[i].value)) != set)
            fail_msg("%s", rows[i].name);
    }
    assert_true(gp_covered_by((struct gp_str){" h=From\0; b=1", 13}) == 0);
}

/* RFC 6376 knows 15 tags; a list of very many is not read at all. */
static void test_many_tags(void **state)
{
    (void)state;
    char text[512];
    for (unsigned tags = 31; tags <= 32; tags++) {
        struct gp_buf b = gp_buf_on(text, sizeof text);
        gp_buf_putz(&b, "h=From");
        for (unsigned i = 0; i < tags; i++)
            gp_buf_printf(&b, "; x%u=1", i);
        assert_true(gp_covered_by(gp_buf_str(&b)) == (tags == 31 ? gp_covered_set(GP_STR("From")) : 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),           cmocka_unit_test(test_signed),    cmocka_unit_test(test_once_more),
        cmocka_unit_test(test_client_signatures), cmocka_unit_test(test_many_tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
