/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * token.c - tests of shared/token: the example of gatepost-tokens(7), forgeries, rotation, age
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/token.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define DAY 20783 /* 2026-11-26 */
#define AGENCY GP_STR("dol")
#define RECIPIENT GP_STR("jane.doe@example.com")
#define MESSAGE GP_STR("1@app.dol.example.gov")
#define DOMAIN GP_STR("b.example.gov")

static const uint8_t id_123[3] = {1, 2, 3};

/* computed by another implementation (Python's hmac and cryptography) */
static const char sealed_example[] = "X6ChoqOkpaanqKmqq74KaQAkQ4govqddLgVWoDbaWBSCed0WEonRxRYE6Q2yutcX2BjpOtz2sTeCzmph"
                                     "TCrSjk2YXqzqHFvbajB7NDK__g";
static const struct {
    enum gp_token_type type;
    const char *text;
} short_example[] = {
    {GP_TOKEN_BOUNCE, "blbis6jtztcmlryzcaebahmvqkrmcnqlp"},
    {GP_TOKEN_UNSUBSCRIBE, "ulfis6jtztcmlryzcaebahba4o7jagtkk"},
    {GP_TOKEN_FEEDBACK, "fljis6jtztcmlryzcaebagzyxtstvxxu2"},
    {GP_TOKEN_REPLY, "rlnis6jtztcmlryzcaebah4hytlthzu46"},
};

static struct gp_str view(const char *z)
{
    return (struct gp_str){z, strlen(z)};
}

static void add_key(struct gp_keyring *ring, unsigned id, unsigned first_octet)
{
    ring->have[id] = true;
    ring->signer = (uint8_t)id;
    for (unsigned i = 0; i < GP_KEY_OCTETS; i++)
        ring->secret[id][i] = (uint8_t)(first_octet + i);
}

/* key 3 is the octets 0, 1, 2, ... 31 */
static struct gp_keyring example_ring(void)
{
    struct gp_keyring ring = {0};
    add_key(&ring, 3, 0);
    return ring;
}

static void test_example(void **state)
{
    (void)state;
    struct gp_keyring ring = example_ring();
    char text[GP_TOKEN_SHORT + 1];
    struct gp_token_short t;
    static const uint8_t agency[3] = {0x26, 0x79, 0x98}, recipient[4] = {0x98, 0xb8, 0xe3, 0x22};
    for (size_t i = 0; i < COUNT(short_example); i++) {
        assert_true(gp_token_sign(&ring, short_example[i].type, DAY, AGENCY, RECIPIENT, id_123, DOMAIN, text));
        assert_string_equal(text, short_example[i].text);
        assert_int_equal(gp_token_verify(&ring, view(text), DOMAIN, DAY, &t), GP_TOKEN_VALID);
        assert_int_equal(t.type, short_example[i].type);
        assert_int_equal(t.key_id, 3);
        assert_int_equal(t.day, DAY);
        assert_memory_equal(t.agency, agency, sizeof agency);
        assert_memory_equal(t.recipient, recipient, sizeof recipient);
        assert_memory_equal(t.id, id_123, sizeof id_123);
    }
}

static void test_manual_shows_example(void **state)
{
    (void)state;
    static char manual[65536];
    FILE *f = fopen("shared/gatepost-tokens.7", "r");
    assert_non_null(f);
    size_t n = fread(manual, 1, sizeof manual - 1, f);
    fclose(f);
    manual[n] = '\0';
    for (size_t i = 0; i < COUNT(short_example); i++)
        assert_non_null(strstr(manual, short_example[i].text));
    /* the sealed one stands there in lines of 60 characters */
    for (size_t i = 0; i < sizeof sealed_example - 1; i += 60) {
        char part[61];
        snprintf(part, sizeof part, "%.60s", sealed_example + i);
        assert_non_null(strstr(manual, part));
    }
}

static void test_case_does_not_matter(void **state)
{
    (void)state;
    struct gp_keyring ring = example_ring();
    char text[GP_TOKEN_SHORT + 1];
    struct gp_token_short t;
    assert_true(gp_token_sign(&ring, GP_TOKEN_BOUNCE, DAY, AGENCY, GP_STR("Jane.DOE@Example.COM"), id_123,
                              GP_STR("B.Example.GOV"), text));
    assert_string_equal(text, short_example[0].text);
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (text[i] >= 'a' && text[i] <= 'z')
            text[i] = (char)(text[i] - 'a' + 'A');
    }
    assert_int_equal(gp_token_verify(&ring, view(text), GP_STR("b.EXAMPLE.gov"), DAY, &t), GP_TOKEN_VALID);
    /* an agency's name has a case */
    assert_true(gp_token_sign(&ring, GP_TOKEN_BOUNCE, DAY, GP_STR("DOL"), RECIPIENT, id_123, DOMAIN, text));
    assert_string_not_equal(text, short_example[0].text);
}

static void test_long_address_is_hashed_whole(void **state)
{
    (void)state;
    struct gp_keyring ring = example_ring();
    char address[300];
    uint8_t a[4], b[4];
    memset(address, 'x', sizeof address);
    assert_true(gp_token_recipient(&ring, 3, (struct gp_str){address, sizeof address}, a));
    address[sizeof address - 1] = 'y';
    assert_true(gp_token_recipient(&ring, 3, (struct gp_str){address, sizeof address}, b));
    assert_memory_not_equal(a, b, sizeof a);
    memset(address, 'X', sizeof address - 1);
    assert_true(gp_token_recipient(&ring, 3, (struct gp_str){address, sizeof address}, a));
    assert_memory_equal(a, b, sizeof a);
}

static void test_short_forms(void **state)
{
    (void)state;
    struct gp_keyring ring = example_ring();
    static const struct {
        const char *name;
        struct gp_str local;
        enum gp_token_state state;
    } rows[] = {
        {"empty", {NULL, 0}, GP_TOKEN_MALFORMED},
        {"one short", {"blbis6jtztcmlryzcaebahmvqkrmcnql", 32}, GP_TOKEN_MALFORMED},
        {"one long", {"blbis6jtztcmlryzcaebahmvqkrmcnqlpa", 34}, GP_TOKEN_MALFORMED},
        {"junk after it", {"blbis6jtztcmlryzcaebahmvqkrmcnqlp+x", 35}, GP_TOKEN_MALFORMED},
        {"foreign letter", {"xlbis6jtztcmlryzcaebahmvqkrmcnqlp", 33}, GP_TOKEN_MALFORMED},
        {"digit 0", {"b0bis6jtztcmlryzcaebahmvqkrmcnqlp", 33}, GP_TOKEN_MALFORMED},
        {"digit 1", {"b1bis6jtztcmlryzcaebahmvqkrmcnqlp", 33}, GP_TOKEN_MALFORMED},
        {"digit 8", {"b8bis6jtztcmlryzcaebahmvqkrmcnqlp", 33}, GP_TOKEN_MALFORMED},
        {"NUL", {"b\0bis6jtztcmlryzcaebahmvqkrmcnqlp", 33}, GP_TOKEN_MALFORMED},
        {"8 bit", {"b\377bis6jtztcmlryzcaebahmvqkrmcnqlp", 33}, GP_TOKEN_MALFORMED},
        {"padding", {"blbis6jtztcmlryzcaebahmvqkrmcnql=", 33}, GP_TOKEN_MALFORMED},
        {"version 0", {"bdbis6jtztcmlryzcaebahmvqkrmcnqlp", 33}, GP_TOKEN_MALFORMED},
        {"version 2", {"btbis6jtztcmlryzcaebahmvqkrmcnqlp", 33}, GP_TOKEN_MALFORMED},
        {"version 3", {"b3bis6jtztcmlryzcaebahmvqkrmcnqlp", 33}, GP_TOKEN_MALFORMED},
        {"letter of another type", {"ulbis6jtztcmlryzcaebahmvqkrmcnqlp", 33}, GP_TOKEN_FORGED},
        {"bounce made unsubscribe", {"ulfis6jtztcmlryzcaebahmvqkrmcnqlp", 33}, GP_TOKEN_FORGED},
        {"unsubscribe made bounce", {"blbis6jtztcmlryzcaebahba4o7jagtkk", 33}, GP_TOKEN_FORGED},
        {"another message's MAC", {"blbis6jtztcmlryzcaebqhmvqkrmcnqlp", 33}, GP_TOKEN_FORGED},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct gp_token_short t;
        enum gp_token_state got = gp_token_verify(&ring, rows[i].local, DOMAIN, DAY, &t);
        if (got != rows[i].state)
            fail_msg("%s: got %d", rows[i].name, (int)got);
    }
}

/* another base32 character in every place: never valid, and never taken for merely old */
static void test_every_changed_character_is_no_token(void **state)
{
    (void)state;
    struct gp_keyring ring = example_ring();
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
    for (size_t e = 0; e < COUNT(short_example); e++) {
        for (size_t at = 0; at < GP_TOKEN_SHORT; at++) {
            for (size_t k = 0; k < 32; k++) {
                char text[GP_TOKEN_SHORT + 1];
                struct gp_token_short t;
                memcpy(text, short_example[e].text, sizeof text);
                if (text[at] == alphabet[k])
                    continue;
                text[at] = alphabet[k];
                enum gp_token_state got = gp_token_verify(&ring, view(text), DOMAIN, DAY, &t);
                assert_true(got == GP_TOKEN_MALFORMED || got == GP_TOKEN_FORGED);
            }
        }
    }
}

static void test_domain_is_signed(void **state)
{
    (void)state;
    struct gp_keyring ring = example_ring();
    struct gp_token_short t;
    static const struct gp_str wrong[] = {
        {"c.example.gov", 13}, {"b.example.go", 12}, {"b.example.gov.", 14}, {NULL, 0}, {"b.example.gov\0", 14}};
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_int_equal(gp_token_verify(&ring, view(short_example[0].text), wrong[i], DAY, &t), GP_TOKEN_FORGED);
}

static void test_age(void **state)
{
    (void)state;
    struct gp_keyring ring = example_ring();
    static const struct {
        const char *name;
        enum gp_token_type type;
        int age; /* in days */
        enum gp_token_state state;
    } rows[] = {
        {"bounce, today", GP_TOKEN_BOUNCE, 0, GP_TOKEN_VALID},
        {"bounce, last day", GP_TOKEN_BOUNCE, 30, GP_TOKEN_VALID},
        {"bounce, a day too old", GP_TOKEN_BOUNCE, 31, GP_TOKEN_EXPIRED},
        {"bounce, years old", GP_TOKEN_BOUNCE, 4000, GP_TOKEN_EXPIRED},
        {"bounce, a node's clock is ahead", GP_TOKEN_BOUNCE, -1, GP_TOKEN_VALID},
        {"bounce, from the future", GP_TOKEN_BOUNCE, -2, GP_TOKEN_FORGED},
        {"feedback, last day", GP_TOKEN_FEEDBACK, 180, GP_TOKEN_VALID},
        {"feedback, a day too old", GP_TOKEN_FEEDBACK, 181, GP_TOKEN_EXPIRED},
        {"unsubscribe never ends", GP_TOKEN_UNSUBSCRIBE, 20000, GP_TOKEN_VALID},
        {"reply never ends", GP_TOKEN_REPLY, 20000, GP_TOKEN_VALID},
        {"unsubscribe, from the future", GP_TOKEN_UNSUBSCRIBE, -2, GP_TOKEN_FORGED},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct gp_token_short t = {.day = 1};
        const char *text = short_example[rows[i].type].text;
        enum gp_token_state got = gp_token_verify(&ring, view(text), DOMAIN, (uint32_t)(DAY + rows[i].age), &t);
        if (got != rows[i].state)
            fail_msg("%s: got %d", rows[i].name, (int)got);
        assert_true(got == GP_TOKEN_FORGED || t.day == DAY);
    }
}

static void test_rotation(void **state)
{
    (void)state;
    struct gp_keyring ring = example_ring();
    struct gp_token_short t;
    struct gp_token_sealed s;
    char text[GP_TOKEN_SHORT + 1], buf[GP_TOKEN_SEALED_MAX];
    add_key(&ring, 5, 100); /* signs from now on */
    assert_true(gp_token_sign(&ring, GP_TOKEN_BOUNCE, DAY, AGENCY, RECIPIENT, id_123, DOMAIN, text));
    assert_string_not_equal(text, short_example[0].text);
    assert_int_equal(gp_token_verify(&ring, view(text), DOMAIN, DAY, &t), GP_TOKEN_VALID);
    assert_int_equal(t.key_id, 5);
    assert_int_equal(gp_token_verify(&ring, view(short_example[0].text), DOMAIN, DAY, &t), GP_TOKEN_VALID);
    assert_int_equal(t.key_id, 3);
    assert_int_equal(gp_token_open(&ring, view(sealed_example), buf, &s), GP_TOKEN_VALID);
    ring.have[3] = false;
    assert_int_equal(gp_token_verify(&ring, view(short_example[0].text), DOMAIN, DAY, &t), GP_TOKEN_FORGED);
    assert_int_equal(gp_token_open(&ring, view(sealed_example), buf, &s), GP_TOKEN_FORGED);
    add_key(&ring, 3, 1); /* the same id, another key */
    assert_int_equal(gp_token_verify(&ring, view(short_example[0].text), DOMAIN, DAY, &t), GP_TOKEN_FORGED);
    assert_int_equal(gp_token_open(&ring, view(sealed_example), buf, &s), GP_TOKEN_FORGED);
}

static void test_never_signed_without_a_key(void **state)
{
    (void)state;
    struct gp_keyring none = {0}, ring = example_ring();
    char text[GP_TOKEN_SHORT + 1] = "x", sealed[GP_TOKEN_SEALED_MAX] = "x";
    uint8_t hash[4] = {1, 1, 1, 1};
    assert_false(gp_token_sign(&none, GP_TOKEN_BOUNCE, DAY, AGENCY, RECIPIENT, id_123, DOMAIN, text));
    assert_string_equal(text, "");
    assert_false(gp_token_sign(&ring, GP_TOKEN_SEALED, DAY, AGENCY, RECIPIENT, id_123, DOMAIN, text));
    assert_false(gp_token_sign(&ring, GP_TOKEN_BOUNCE, 65536, AGENCY, RECIPIENT, id_123, DOMAIN, text));
    assert_false(gp_token_seal(&none, DAY, AGENCY, RECIPIENT, MESSAGE, GP_STR(""), sealed));
    assert_string_equal(sealed, "");
    assert_false(gp_token_seal(&ring, 65536, AGENCY, RECIPIENT, MESSAGE, GP_STR(""), sealed));
    assert_false(gp_token_recipient(&ring, 4, RECIPIENT, hash));
    assert_int_equal(hash[0] | hash[1] | hash[2] | hash[3], 0);
    assert_false(gp_token_agency(&ring, GP_KEYS_MAX, AGENCY, hash));
}

static void test_sealed_example(void **state)
{
    (void)state;
    struct gp_keyring ring = example_ring();
    struct gp_token_sealed t;
    char buf[GP_TOKEN_SEALED_MAX];
    assert_int_equal(gp_token_open(&ring, view(sealed_example), buf, &t), GP_TOKEN_VALID);
    assert_int_equal(t.key_id, 3);
    assert_int_equal(t.day, DAY);
    assert_true(gp_str_eq(t.agency, AGENCY));
    assert_true(gp_str_eq(t.recipient, RECIPIENT));
    assert_true(gp_str_eq(t.message, MESSAGE));
    assert_true(gp_str_eq(t.stream, GP_STR("")));
}

static void test_sealed_bounds(void **state)
{
    (void)state;
    struct gp_keyring ring = example_ring();
    static char x[300];
    memset(x, 'x', sizeof x);
    static const struct {
        const char *name;
        size_t agency, recipient, message, stream;
        bool good;
    } rows[] = {
        {"all empty", 0, 0, 0, 0, true},           {"all at their bounds", 32, 254, 128, 32, true},
        {"agency too long", 33, 0, 0, 0, false},   {"recipient too long", 0, 255, 0, 0, false},
        {"message too long", 0, 0, 129, 0, false}, {"stream too long", 0, 0, 0, 33, false},
        {"spare bits 0", 1, 0, 0, 0, true},        {"spare bits 2", 2, 0, 0, 0, true},
        {"spare bits 4", 3, 0, 0, 0, true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[GP_TOKEN_SEALED_MAX] = "x", buf[GP_TOKEN_SEALED_MAX];
        struct gp_token_sealed t;
        bool good = gp_token_seal(&ring, DAY, (struct gp_str){x, rows[i].agency}, (struct gp_str){x, rows[i].recipient},
                                  (struct gp_str){x, rows[i].message}, (struct gp_str){x, rows[i].stream}, text);
        if (good != rows[i].good)
            fail_msg("%s", rows[i].name);
        if (!good) {
            assert_string_equal(text, "");
            continue;
        }
        assert_int_equal(gp_token_open(&ring, view(text), buf, &t), GP_TOKEN_VALID);
        assert_int_equal(t.agency.n, rows[i].agency);
        assert_int_equal(t.recipient.n, rows[i].recipient);
        assert_int_equal(t.message.n, rows[i].message);
        assert_int_equal(t.stream.n, rows[i].stream);
    }
}

static void test_sealed_differs_each_time(void **state)
{
    (void)state;
    struct gp_keyring ring = example_ring();
    char a[GP_TOKEN_SEALED_MAX], b[GP_TOKEN_SEALED_MAX];
    assert_true(gp_token_seal(&ring, DAY, AGENCY, RECIPIENT, MESSAGE, GP_STR(""), a));
    assert_true(gp_token_seal(&ring, DAY, AGENCY, RECIPIENT, MESSAGE, GP_STR(""), b));
    assert_string_not_equal(a, b);
}

static void test_every_changed_sealed_character_is_no_token(void **state)
{
    (void)state;
    struct gp_keyring ring = example_ring();
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/= ";
    for (size_t at = 0; at < sizeof sealed_example - 1; at++) {
        for (size_t k = 0; k < sizeof alphabet; k++) { /* the NUL too */
            char text[sizeof sealed_example], buf[GP_TOKEN_SEALED_MAX];
            struct gp_token_sealed t;
            memcpy(text, sealed_example, sizeof text);
            if (text[at] == alphabet[k])
                continue;
            text[at] = alphabet[k];
            struct gp_str changed = {text, sizeof text - 1};
            assert_int_not_equal(gp_token_open(&ring, changed, buf, &t), GP_TOKEN_VALID);
        }
    }
    for (size_t n = 0; n < sizeof sealed_example - 1; n++) {
        char buf[GP_TOKEN_SEALED_MAX];
        struct gp_token_sealed t;
        assert_int_not_equal(gp_token_open(&ring, (struct gp_str){sealed_example, n}, buf, &t), GP_TOKEN_VALID);
    }
}

static void test_sealed_forms(void **state)
{
    (void)state;
    struct gp_keyring ring = example_ring();
    static char most[2000];
    char buf[GP_TOKEN_SEALED_MAX], noncanonical[sizeof sealed_example];
    struct gp_token_sealed t;
    memset(most, 'X', sizeof most);
    memcpy(noncanonical, sealed_example, sizeof noncanonical);
    /* 79 octets leave 4 spare bits in the last character, 'g' (100000): 'h' sets one of them */
    noncanonical[sizeof noncanonical - 2] = 'h';
    assert_int_equal(gp_token_open(&ring, view(noncanonical), buf, &t), GP_TOKEN_MALFORMED);
    assert_int_equal(gp_token_open(&ring, (struct gp_str){most, sizeof most}, buf, &t), GP_TOKEN_MALFORMED);
    assert_int_equal(gp_token_open(&ring, (struct gp_str){NULL, 0}, buf, &t), GP_TOKEN_MALFORMED);
    assert_int_equal(gp_token_open(&ring, view(short_example[0].text), buf, &t), GP_TOKEN_MALFORMED);
    /* 0x5f made 0x57: the same form under key 2, which is not there */
    memcpy(noncanonical, sealed_example, sizeof noncanonical);
    noncanonical[0] = 'V';
    assert_int_equal(gp_token_open(&ring, view(noncanonical), buf, &t), GP_TOKEN_FORGED);
    /* 0x5f made 0x9f: another version; 0x5e: another type */
    noncanonical[0] = 'n';
    assert_int_equal(gp_token_open(&ring, view(noncanonical), buf, &t), GP_TOKEN_MALFORMED);
    noncanonical[0] = 'X';
    noncanonical[1] = 'q';
    assert_int_equal(gp_token_open(&ring, view(noncanonical), buf, &t), GP_TOKEN_MALFORMED);
}

static void test_random(void **state)
{
    (void)state;
    uint8_t a[3], b[3];
    assert_true(gp_token_random(a));
    for (unsigned tries = 0; tries < 8; tries++) {
        assert_true(gp_token_random(b));
        if (memcmp(a, b, sizeof a) != 0)
            return;
    }
    fail_msg("eight times the same");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example),
        cmocka_unit_test(test_manual_shows_example),
        cmocka_unit_test(test_case_does_not_matter),
        cmocka_unit_test(test_long_address_is_hashed_whole),
        cmocka_unit_test(test_short_forms),
        cmocka_unit_test(test_every_changed_character_is_no_token),
        cmocka_unit_test(test_domain_is_signed),
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_rotation),
        cmocka_unit_test(test_never_signed_without_a_key),
        cmocka_unit_test(test_sealed_example),
        cmocka_unit_test(test_sealed_bounds),
        cmocka_unit_test(test_sealed_differs_each_time),
        cmocka_unit_test(test_every_changed_sealed_character_is_no_token),
        cmocka_unit_test(test_sealed_forms),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
