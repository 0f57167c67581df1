/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * identify.c - tests of feedback/identify: what proves whom, and what proves nobody
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "feedback/identify.h"
#include "shared/config.h"
#include "t/unit/scratch.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define TODAY 20783
#define DOMAIN "b.example.gov"
#define JANE "jane@example.com"
#define JOE "joe@example.com"

static struct scratch scratch;
static struct gp_config *config;

static int raise_config(void **state)
{
    struct gp_faults faults;
    char path[512];
    (void)state;
    gp_faults_init(&faults);
    if (!scratch_open(&scratch) ||
        !scratch_write(&scratch, "token",
                       GP_STR("1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"
                              "2 ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n")) ||
        !scratch_write(&scratch, "gatepost.conf",
                       GP_STR("relay_name = \"relay.example.gov\"\nreturn_path = \"" DOMAIN "\"\n"
                              "token_keys = \"$D/token\"\ndkim = ()\n")) ||
        !scratch_write(&scratch, "agencies.d/a.conf",
                       GP_STR("dol = { production = [ \"192.0.2.10\" ] sender_domains = [ \"dol.gov\" ] }\n"
                              "dos = { production = [ \"192.0.2.20\" ] sender_domains = [ \"dos.gov\" ] }\n")))
        return 1;
    scratch_path(&scratch, "gatepost.conf", path);
    config = gp_config_load(path, &faults);
    gp_faults_free(&faults);
    return config == NULL;
}

static int end_config(void **state)
{
    (void)state;
    gp_config_free(config);
    scratch_close(&scratch);
    return 0;
}

/* A token in words: "b dol jane@example.com 3" is a short one of 3 days ago, "s ..." a sealed one with a stream, "B
 * ..." an address with a short one, "2..." one under the second key, "~..." one whose last letter is wrong, "!..." one
 * of another ring; anything else is itself. NULL is "".
 */
static void make_token(const char *words, char out[GP_TOKEN_SEALED_MAX])
{
    char type, agency[40], recipient[256];
    unsigned days = 0;
    const uint8_t id[3] = {1, 2, 3};
    struct gp_keyring ring = config->keyring;
    bool wrong = words != NULL && words[0] == '~', foreign = words != NULL && words[0] == '!';
    struct gp_buf b = gp_buf_on(out, GP_TOKEN_SEALED_MAX);
    if (words == NULL)
        return;
    if (words[0] == '2')
        ring.signer = 2;
    if (foreign)
        ring.secret[1][0] ^= 1;
    words += wrong || foreign || words[0] == '2';
    if (sscanf(words, "%c %39s %255s %u", &type, agency, recipient, &days) < 3) {
        gp_buf_putz(&b, words);
        return;
    }
    if (type == 's') {
        assert_true(gp_token_seal(&ring, TODAY - days, gp_str_z(agency), gp_str_z(recipient), GP_STR("1@x"),
                                  GP_STR("news"), out));
    } else {
        char local[GP_TOKEN_SHORT + 1];
        char lower = (char)(type | 0x20);
        enum gp_token_type t = lower == 'u'   ? GP_TOKEN_UNSUBSCRIBE
                               : lower == 'f' ? GP_TOKEN_FEEDBACK
                               : lower == 'r' ? GP_TOKEN_REPLY
                                              : GP_TOKEN_BOUNCE;
        assert_true(
            gp_token_sign(&ring, t, TODAY - days, gp_str_z(agency), gp_str_z(recipient), id, GP_STR(DOMAIN), local));
        gp_buf_putz(&b, local);
        if (type != lower)
            gp_buf_putz(&b, "@" DOMAIN);
    }
    if (wrong)
        out[strlen(out) - 1 - (type < 'a' ? sizeof DOMAIN : 0)] ^= 1;
}

struct told {
    const char *name;
    const char *to, *sender, *from, *subject; /* of the mail: words of make_token */
    const char *token[3];                     /* in the headers that were returned */
    const char *in_body;
    const char *original, *final; /* recipient of the report */
    enum gp_proof proof;
    const char *whom, *agency; /* wanted */
};

static const struct told cases[] = {
    {.name = "nothing at all"},
    {.name = "a sealed token in the headers",
     .token = {"s dol " JANE},
     .proof = GP_PROOF_VALID,
     .whom = JANE,
     .agency = "dol"},
    {.name = "a sealed one, whatever the report says of others",
     .token = {"s dol " JANE},
     .final = JOE,
     .proof = GP_PROOF_VALID,
     .whom = JANE,
     .agency = "dol"},
    {.name = "a sealed one of an agency that is no more",
     .token = {"s gone " JANE},
     .proof = GP_PROOF_VALID,
     .whom = JANE,
     .agency = "gone"},
    {.name = "upper case is lowered",
     .token = {"s dol JANE@Example.COM"},
     .proof = GP_PROOF_VALID,
     .whom = JANE,
     .agency = "dol"},
    {.name = "a sealed one that was changed", .token = {"~s dol " JANE}, .final = JANE},
    {.name = "a sealed one of a foreign key", .token = {"!s dol " JANE}, .final = JANE},
    {.name = "a short one and its final recipient",
     .to = "B dol " JANE,
     .final = JANE,
     .proof = GP_PROOF_VALID,
     .whom = JANE,
     .agency = "dol"},
    {.name = "a short one and its original recipient, forwarded",
     .to = "B dol " JANE,
     .original = JANE,
     .final = "elsewhere@example.net",
     .proof = GP_PROOF_VALID,
     .whom = JANE,
     .agency = "dol"},
    {.name = "in upper case",
     .to = "B dol " JANE,
     .final = "JANE@EXAMPLE.COM",
     .proof = GP_PROOF_VALID,
     .whom = JANE,
     .agency = "dol"},
    {.name = "a short one and another's address", .to = "B dol " JANE, .final = JOE},
    {.name = "a short one and no address", .to = "B dol " JANE},
    {.name = "an old one still proves",
     .to = "B dol " JANE " 400",
     .final = JANE,
     .proof = GP_PROOF_VALID,
     .whom = JANE,
     .agency = "dol"},
    {.name = "a short one of an agency that is no more", .to = "B gone " JANE, .final = JANE},
    {.name = "a forged short one", .to = "~B dol " JANE, .final = JANE},
    {.name = "a short one of a foreign key", .to = "!B dol " JANE, .final = JANE},
    {.name = "under the older key",
     .to = "2B dol " JANE,
     .final = JANE,
     .proof = GP_PROOF_VALID,
     .whom = JANE,
     .agency = "dol"},
    {.name = "at another domain", .to = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb@example.org", .final = JANE},
    {.name = "postmaster", .to = "postmaster@" DOMAIN, .final = JANE},
    {.name = "a short one in the headers",
     .to = "abuse@" DOMAIN,
     .token = {"B dol " JANE},
     .original = JANE,
     .proof = GP_PROOF_VALID,
     .whom = JANE,
     .agency = "dol"},
    {.name = "a bare one in the headers (envelope id)",
     .token = {"b dol " JANE},
     .final = JANE,
     .proof = GP_PROOF_VALID,
     .whom = JANE,
     .agency = "dol"},
    {.name = "several that agree",
     .to = "B dol " JANE,
     .token = {"u dol " JANE, "s dol " JANE, "2B dol " JANE},
     .proof = GP_PROOF_VALID,
     .whom = JANE,
     .agency = "dol"},
    {.name = "two sealed ones of different people", .token = {"s dol " JANE, "s dol " JOE}, .proof = GP_PROOF_CONFLICT},
    {.name = "two sealed ones of different agencies",
     .token = {"s dol " JANE, "s dos " JANE},
     .proof = GP_PROOF_CONFLICT},
    {.name = "a sealed one against the envelope",
     .to = "B dol " JANE,
     .token = {"s dol " JOE},
     .proof = GP_PROOF_CONFLICT},
    {.name = "a sealed one against the envelope's agency",
     .to = "B dos " JANE,
     .token = {"s dol " JANE},
     .proof = GP_PROOF_CONFLICT},
    {.name = "two short ones of different people",
     .to = "B dol " JANE,
     .token = {"B dol " JOE},
     .final = JANE,
     .proof = GP_PROOF_CONFLICT},
    {.name = "two short ones of different people, and no address",
     .to = "B dol " JANE,
     .token = {"B dol " JOE},
     .proof = GP_PROOF_CONFLICT},
    {.name = "two short ones of different agencies, and no address",
     .to = "B dol " JANE,
     .token = {"B dos " JANE},
     .proof = GP_PROOF_CONFLICT},
    {.name = "two short ones of two keys, when an address is known",
     .to = "2B dol " JANE,
     .token = {"B dol " JOE},
     .final = JANE,
     .proof = GP_PROOF_CONFLICT},
    {.name = "a forged one beside a valid one is no conflict",
     .to = "B dol " JANE,
     .token = {"~B dol " JOE, "!s dol " JOE},
     .final = JANE,
     .proof = GP_PROOF_VALID,
     .whom = JANE,
     .agency = "dol"},
    {.name = "in the body, when there is none else",
     .in_body = "s dol " JANE,
     .proof = GP_PROOF_VALID,
     .whom = JANE,
     .agency = "dol"},
    {.name = "in the body, beside headers: not looked at",
     .token = {"s dol " JANE},
     .in_body = "s dol " JOE,
     .proof = GP_PROOF_VALID,
     .whom = JANE,
     .agency = "dol"},
    {.name = "in the body, against the envelope",
     .to = "B dol " JANE,
     .in_body = "s dol " JOE,
     .proof = GP_PROOF_CONFLICT},
    {.name = "unsubscribe: sealed in the subject",
     .to = "U dol " JANE,
     .subject = "s dol " JANE,
     .proof = GP_PROOF_VALID,
     .whom = JANE,
     .agency = "dol"},
    {.name = "unsubscribe: by the sender",
     .to = "U dol " JANE,
     .sender = JANE,
     .proof = GP_PROOF_VALID,
     .whom = JANE,
     .agency = "dol"},
    {.name = "unsubscribe: by From",
     .to = "U dol " JANE,
     .sender = "x@relay.test",
     .from = JANE,
     .proof = GP_PROOF_VALID,
     .whom = JANE,
     .agency = "dol"},
    {.name = "unsubscribe: by nobody who is meant",
     .to = "U dol " JANE,
     .sender = JOE,
     .from = JOE,
     .subject = "unsubscribe"},
    {.name = "unsubscribe: another's sealed subject",
     .to = "U dol " JANE,
     .subject = "s dol " JOE,
     .sender = JANE,
     .proof = GP_PROOF_CONFLICT},
    {.name = "unsubscribe: very old",
     .to = "U dol " JANE " 9000",
     .sender = JANE,
     .proof = GP_PROOF_VALID,
     .whom = JANE,
     .agency = "dol"},
    {.name = "a bounce is not proven by its sender", .to = "B dol " JANE, .sender = JANE, .from = JANE},
    {.name = "a sealed subject to another address proves nothing", .to = "B dol " JANE, .subject = "s dol " JANE},
};

static struct gp_str made(const char *words, char room[GP_TOKEN_SEALED_MAX])
{
    room[0] = '\0';
    make_token(words, room);
    return gp_str_z(room);
}

static void identify(const struct told *t, struct gp_who *who)
{
    static char room[8][GP_TOKEN_SEALED_MAX];
    struct gp_report_recipient recipient = {.original_recipient = gp_str_z(t->original),
                                            .recipient = gp_str_z(t->final)};
    struct gp_report r = {.recipients = &recipient, .recipients_n = t->original != NULL || t->final != NULL};
    r.from = made(t->from, room[0]);
    r.subject = made(t->subject, room[1]);
    for (size_t i = 0; i < 3; i++) {
        if (t->token[i] != NULL)
            r.tokens[r.tokens_n++] = (struct gp_token_candidate){GP_PLACE_REF, made(t->token[i], room[2 + i])};
    }
    if (t->in_body != NULL)
        r.tokens[r.tokens_n++] = (struct gp_token_candidate){GP_PLACE_BODY, made(t->in_body, room[5])};
    if (t->subject != NULL)
        r.tokens[r.tokens_n++] = (struct gp_token_candidate){GP_PLACE_SUBJECT, r.subject};
    gp_identify(config, &r, made(t->sender, room[6]), made(t->to, room[7]), TODAY, who);
}

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct told *t = &cases[i];
        struct gp_who who;
        identify(t, &who);
        bool same = who.proof == t->proof;
        if (same && t->proof == GP_PROOF_VALID)
            same = strcmp(who.recipient, t->whom) == 0 && strcmp(who.agency, t->agency) == 0;
        if (!same)
            fail_msg("%s: proof %d of %s, %s", t->name, who.proof, who.recipient, who.agency);
    }
}

static void test_whose_address_it_came_to(void **state)
{
    (void)state;
    struct gp_who who;
    identify(&(struct told){.to = "R dos " JANE}, &who);
    assert_true(who.to_token);
    assert_int_equal(who.to, GP_TOKEN_REPLY);
    assert_string_equal(who.to_agency->name, "dos");
    identify(&(struct told){.to = "B gone " JANE}, &who);
    assert_true(who.to_token);
    assert_null(who.to_agency);
    identify(&(struct told){.to = "abuse@" DOMAIN}, &who);
    assert_false(who.to_token);
    assert_null(who.to_agency);
}

static void test_name_and_day(void **state)
{
    (void)state;
    char bounce[GP_TOKEN_SEALED_MAX] = "", other[GP_TOKEN_SEALED_MAX] = "";
    struct gp_who who, copy;
    make_token("b dol " JANE, bounce);
    make_token("f dol " JANE " 2", other);
    identify(&(struct told){.to = "F dol " JANE " 2", .token = {"B dol " JANE}, .final = JANE}, &who);
    assert_string_equal(who.token, bounce); /* the return path's, by which the mail log knows it too */
    assert_int_equal(who.day, TODAY - 2);
    identify(&(struct told){.to = "F dol " JANE " 2", .final = JANE}, &who);
    assert_string_equal(who.token, other);
    identify(&(struct told){.token = {"s dol " JANE " 7"}}, &who);
    assert_int_equal(who.token[0], 's');
    assert_int_equal(strlen(who.token), 17);
    assert_int_equal(who.day, TODAY - 7);
    assert_string_equal(who.stream, "news");
    identify(&(struct told){.token = {"s dol " JANE " 7"}}, &copy); /* sealed anew: another message's */
    assert_string_not_equal(who.token, copy.token);
}

static void test_folded_subject(void **state)
{
    (void)state;
    char sealed[GP_TOKEN_SEALED_MAX] = "", to[GP_TOKEN_SEALED_MAX] = "", folded[GP_TOKEN_SEALED_MAX + 2];
    struct gp_who who;
    make_token("s dol " JANE, sealed);
    make_token("U dol " JANE, to);
    snprintf(folded, sizeof folded, "%.40s \t%s", sealed, sealed + 40);
    const struct gp_report r = {.subject = gp_str_z(folded)};
    gp_identify(config, &r, GP_STR("x@example.net"), gp_str_z(to), TODAY, &who);
    assert_int_equal(who.proof, GP_PROOF_VALID);
    assert_string_equal(who.stream, "news");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_whose_address_it_came_to),
        cmocka_unit_test(test_name_and_day),
        cmocka_unit_test(test_folded_subject),
    };
    return cmocka_run_group_tests(tests, raise_config, end_config);
}
