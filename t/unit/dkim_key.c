/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dkim_key.c - tests of shared/dkim_key: what a key file may be, and that a doubtful one gives no key
 *
 * Keys that take long to make stand in t/unit/dkim; they protect nothing.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/dkim_key.h"
#include "t/unit/scratch.h"

#include <fcntl.h>
#include <pty.h>
#include <sys/wait.h>

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define TEXT_MAX 16384
#define LOCKED "locked by a passphrase, must be without one"

static struct scratch scratch;
static EVP_PKEY *rsa, *ed25519;

static int setup(void **state)
{
    (void)state;
    rsa = EVP_RSA_gen(2048);
    ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    return scratch_open(&scratch) && rsa != NULL && ed25519 != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ed25519);
    scratch_close(&scratch);
    return 0;
}

static void write_pem(struct gp_str text)
{
    assert_true(scratch_secret(&scratch, "key.pem", text));
}

/* load - the file in the scratch folder; the fault it gives, or "" */
static bool load(struct gp_dkim_key *key, const char *name, char fault[GP_FAULT_TEXT_MAX])
{
    char path[512];
    struct gp_faults faults;
    scratch_path(&scratch, name, path);
    *key = (struct gp_dkim_key){.domain = strdup("example.gov"), .selector = strdup("gp1"), .path = strdup(path)};
    gp_faults_init(&faults);
    bool loaded = gp_dkim_key_load(key, &faults);
    assert_int_equal(faults.n, loaded ? 0 : 1);
    assert_true(loaded == (key->pkey != NULL));
    snprintf(fault, GP_FAULT_TEXT_MAX, "%s", loaded ? "" : faults.list[0].text);
    gp_faults_free(&faults);
    return loaded;
}

static void loads(const char *name, enum gp_dkim_type type)
{
    struct gp_dkim_key key;
    char fault[GP_FAULT_TEXT_MAX];
    if (!load(&key, name, fault))
        fail_msg("%s", fault);
    assert_int_equal(key.type, type);
    assert_true(EVP_PKEY_is_a(key.pkey, type == GP_DKIM_RSA ? "RSA" : "ED25519"));
    gp_dkim_key_free(&key);
}

/* fails - with a fault that begins "path: key: " and says why */
static void fails(const char *name, const char *why)
{
    struct gp_dkim_key key;
    char fault[GP_FAULT_TEXT_MAX], path[512], head[520];
    assert_false(load(&key, name, fault));
    scratch_path(&scratch, name, path);
    snprintf(head, sizeof head, "%s: key: ", path);
    if (strncmp(fault, head, strlen(head)) != 0 || strstr(fault + strlen(head), why) == NULL)
        fail_msg("expected \"%s\", got \"%s\"", why, fault);
    gp_dkim_key_free(&key);
}

static void loads_text(struct gp_str text, enum gp_dkim_type type)
{
    write_pem(text);
    loads("key.pem", type);
}

static void fails_text(struct gp_str text, const char *why)
{
    write_pem(text);
    fails("key.pem", why);
}

/* read_file - a key of t/unit/dkim */
static struct gp_str read_file(const char *name, char text[TEXT_MAX])
{
    char path[64];
    snprintf(path, sizeof path, "t/unit/dkim/%s", name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t n = fread(text, 1, TEXT_MAX, f);
    fclose(f);
    return (struct gp_str){text, n};
}

enum shape { PKCS8, PKCS1, PUBLIC, RSA_PUBLIC, LOCKED_PKCS8, LOCKED_PKCS1 };

/* pem_of - a key as text in this shape, behind what the buffer holds */
static struct gp_str pem_of(EVP_PKEY *pkey, enum shape shape, char text[TEXT_MAX])
{
    static const unsigned char words[] = "secret";
    unsigned char *der = NULL;
    BIO *out = BIO_new(BIO_s_mem());
    int done = 0;
    switch (shape) {
    case PKCS8:
        done = PEM_write_bio_PKCS8PrivateKey(out, pkey, NULL, NULL, 0, NULL, NULL);
        break;
    case PKCS1:
        done = PEM_write_bio_PrivateKey_traditional(out, pkey, NULL, NULL, 0, NULL, NULL);
        break;
    case PUBLIC:
        done = PEM_write_bio_PUBKEY(out, pkey);
        break;
    case RSA_PUBLIC:
        done = i2d_PublicKey(pkey, &der);
        done = PEM_write_bio(out, "RSA PUBLIC KEY", "", der, done);
        OPENSSL_free(der);
        break;
    case LOCKED_PKCS8:
        done = PEM_write_bio_PKCS8PrivateKey(out, pkey, EVP_aes_128_cbc(), (const char *)words, 6, NULL, NULL);
        break;
    case LOCKED_PKCS1:
        done = PEM_write_bio_PrivateKey_traditional(out, pkey, EVP_aes_128_cbc(), words, 6, NULL, NULL);
        break;
    }
    assert_true(done > 0);
    int n = BIO_read(out, text, TEXT_MAX - 1);
    assert_true(n > 0);
    BIO_free(out);
    text[n] = '\0';
    return (struct gp_str){text, (size_t)n};
}

static void good_files(void **state)
{
    (void)state;
    char text[TEXT_MAX], other[TEXT_MAX];
    loads_text(pem_of(rsa, PKCS8, text), GP_DKIM_RSA);
    loads_text(pem_of(rsa, PKCS1, text), GP_DKIM_RSA);
    loads_text(pem_of(ed25519, PKCS8, text), GP_DKIM_ED25519);
    loads_text(read_file("rsa-2048-pkcs1.pem", text), GP_DKIM_RSA);
    loads_text(read_file("rsa-4096.pem", text), GP_DKIM_RSA);
    struct gp_str pem = pem_of(ed25519, PKCS8, text), line;
    struct gp_buf crlf = gp_buf_on(other, sizeof other);
    while (gp_str_split(&pem, '\n', &line) && line.n > 0)
        gp_buf_printf(&crlf, "%.*s\r\n", GP_STR_FMT(line));
    loads_text(gp_buf_str(&crlf), GP_DKIM_ED25519);
    pem = pem_of(ed25519, PKCS8, text);
    loads_text((struct gp_str){pem.p, pem.n - 1}, GP_DKIM_ED25519); /* no final newline */
    memset(text + pem.n, '\n', GP_DKIM_PEM_MAX - pem.n);
    loads_text((struct gp_str){text, GP_DKIM_PEM_MAX}, GP_DKIM_ED25519); /* as long as may be */
}

/* mislabelled - the DER of one kind of block under the label of another; with `more` octets behind it */
static struct gp_str mislabelled(struct gp_str pem, const char *label, long more, char out[TEXT_MAX])
{
    BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n), *to = BIO_new(BIO_s_mem());
    char *name, *header;
    unsigned char *der;
    long n;
    assert_int_equal(PEM_read_bio(in, &name, &header, &der, &n), 1);
    der = OPENSSL_realloc(der, (size_t)(n + more));
    memset(der + n, 0, (size_t)more);
    assert_true(PEM_write_bio(to, label, "", der, n + more) > 0);
    int got = BIO_read(to, out, TEXT_MAX);
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(der);
    BIO_free(in);
    BIO_free(to);
    return (struct gp_str){out, (size_t)got};
}

static void wrong_contents(void **state)
{
    (void)state;
    static const char not_pem[] = "not a key in PEM form", more[] = "more than one key, or other text with it";
    char text[TEXT_MAX], other[TEXT_MAX];
    fails_text(GP_STR(""), "empty");
    fails_text(GP_STR(" \n\t\r\n"), "empty");
    fails_text(GP_STR("v=DKIM1; k=rsa; p=\n"), not_pem);
    fails_text(GP_STR("-----BEGIN PRIVATE KEY-----\n"), not_pem);
    fails_text(GP_STR("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"), "");
    fails_text(GP_STR("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "broken");
    struct gp_str pem = pem_of(ed25519, PKCS8, text);
    fails_text((struct gp_str){text, pem.n - 30}, not_pem); /* without its end */
    memmove(text + 60, text + 61, pem.n - 61);
    fails_text((struct gp_str){text, pem.n - 1}, not_pem); /* one letter is lost */
    pem = pem_of(rsa, PKCS8, text);
    memmove(text + 93, text + 158, pem.n - 158); /* a line is lost */
    fails_text((struct gp_str){text, pem.n - 65}, "broken");
    pem = pem_of(ed25519, PKCS8, text);
    text[40] = '\0';
    fails_text(pem, not_pem);
    pem = pem_of(ed25519, PKCS8, text);
    memcpy(text + pem.n, "\0\n", 2);
    fails_text((struct gp_str){text, pem.n + 2}, not_pem);
    memcpy(text + pem.n, "# gp1\n", 6);
    fails_text((struct gp_str){text, pem.n + 6}, more);
    memcpy(text + pem.n, text, pem.n);
    fails_text((struct gp_str){text, 2 * pem.n}, more);
    struct gp_buf b = gp_buf_on(other, sizeof other);
    gp_buf_printf(&b, "# gp1\n%.*s", GP_STR_FMT(pem));
    fails_text(gp_buf_str(&b), not_pem);
    memset(text + pem.n, '\n', GP_DKIM_PEM_MAX + 1 - pem.n);
    fails_text((struct gp_str){text, GP_DKIM_PEM_MAX + 1}, "too long, at most 8192 octets");
    memset(text, 'A', sizeof text);
    fails_text((struct gp_str){text, sizeof text}, "too long, at most 8192 octets");
}

static void wrong_kinds(void **state)
{
    (void)state;
    static const char public[] = "a public key, must be the private one";
    char text[TEXT_MAX], other[TEXT_MAX];
    fails_text(pem_of(rsa, PUBLIC, text), public);
    fails_text(pem_of(rsa, RSA_PUBLIC, text), public);
    fails_text(pem_of(ed25519, PUBLIC, text), public);
    fails_text(mislabelled(pem_of(rsa, PUBLIC, text), "PRIVATE KEY", 0, other), "broken");
    fails_text(mislabelled(pem_of(rsa, PKCS8, text), "PRIVATE KEY", 1, other), "broken");
    fails_text(mislabelled(pem_of(rsa, PUBLIC, text), "CERTIFICATE", 0, other), "a certificate");
    fails_text(mislabelled(pem_of(rsa, PKCS8, text), "X509 CRL", 0, other), "no private key");
    fails_text(read_file("openssh.pem", text), "a key of ssh");
    fails_text(read_file("dsa.pem", text), "wrong algorithm, given DSA, must be RSA or Ed25519");
    fails_text(read_file("rsa-pss.pem", text), "wrong algorithm, given RSA-PSS");
    fails_text(read_file("rsa-5120.pem", text), "wrong size, given RSA of 5120 bits, must be of 2048 to 4096");
    static const struct {
        const char *name, *curve, *why;
        size_t bits;
    } kinds[] = {
        {"EC", "P-256", "wrong algorithm, given EC", 0},
        {"X25519", NULL, "wrong algorithm, given X25519", 0},
        {"ED448", NULL, "wrong algorithm, given ED448", 0},
        {"RSA", NULL, "wrong size, given RSA of 1024 bits", 1024},
        {"RSA", NULL, "wrong size, given RSA of 2047 bits", 2047},
    };
    for (size_t i = 0; i < COUNT(kinds); i++) {
        EVP_PKEY *pkey = kinds[i].curve != NULL ? EVP_EC_gen(kinds[i].curve)
                         : kinds[i].bits > 0    ? EVP_RSA_gen(kinds[i].bits)
                                                : EVP_PKEY_Q_keygen(NULL, NULL, kinds[i].name);
        assert_non_null(pkey);
        fails_text(pem_of(pkey, PKCS8, text), kinds[i].why);
        EVP_PKEY_free(pkey);
    }
}

/* Its halves are of two keys: it signs, and nobody can verify it. */
static void halves_that_do_not_fit(void **state)
{
    (void)state;
    static const char *const parts[] = {OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
                                        OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
                                        OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
                                        OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
    char text[TEXT_MAX];
    EVP_PKEY *other = EVP_RSA_gen(2048), *mixed = NULL;
    BIGNUM *value[COUNT(parts)] = {NULL};
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    for (size_t i = 0; i < COUNT(parts); i++) {
        assert_int_equal(EVP_PKEY_get_bn_param(i == 0 ? rsa : other, parts[i], &value[i]), 1);
        assert_int_equal(OSSL_PARAM_BLD_push_BN(build, parts[i], value[i]), 1);
    }
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    assert_true(EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &mixed, EVP_PKEY_KEYPAIR, params) == 1);
    fails_text(pem_of(mixed, PKCS8, text), "broken, its public half does not verify what it signs");
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_free(mixed);
    EVP_PKEY_free(other);
    for (size_t i = 0; i < COUNT(parts); i++)
        BN_clear_free(value[i]);
}

/* said_at_terminal - load key.pem in a process with a terminal of its own; how many octets it says there */
static ssize_t said_at_terminal(void)
{
    int terminal;
    char said[64];
    pid_t pid = forkpty(&terminal, NULL, NULL, NULL);
    assert_true(pid >= 0);
    if (pid == 0) {
        struct gp_dkim_key key;
        char fault[GP_FAULT_TEXT_MAX];
        _exit(load(&key, "key.pem", fault) ? 1 : 0);
    }
    ssize_t n = read(terminal, said, sizeof said); /* -1 (EIO) once the process has ended in silence */
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(terminal);
    return n;
}

static void nobody_is_asked_for_a_passphrase(void **state)
{
    (void)state;
    char text[TEXT_MAX], other[TEXT_MAX];
    fails_text(pem_of(rsa, LOCKED_PKCS8, text), LOCKED);
    assert_true(said_at_terminal() <= 0);
    fails_text(pem_of(rsa, LOCKED_PKCS1, text), LOCKED);
    assert_true(said_at_terminal() <= 0);
    fails_text(pem_of(ed25519, LOCKED_PKCS8, text), LOCKED);
    assert_true(said_at_terminal() <= 0);
    fails_text(mislabelled(pem_of(rsa, LOCKED_PKCS8, text), "PRIVATE KEY", 0, other), "broken");
    assert_true(said_at_terminal() <= 0);
}

static void how_it_is_kept(void **state)
{
    (void)state;
    char path[512], link_path[512];
    fails("none.pem", "cannot be opened");
    fails(".", "not a plain file");
    scratch_path(&scratch, "pipe", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    fails("pipe", "not a plain file");
    write_pem(GP_STR(SCRATCH_PEM));
    scratch_path(&scratch, "key.pem", path);
    scratch_path(&scratch, "link.pem", link_path);
    assert_int_equal(symlink("key.pem", link_path), 0);
    static const struct {
        mode_t mode;
        const char *why; /* NULL: good */
    } modes[] = {{0600, NULL},
                 {0400, NULL},
                 {0640, NULL},
                 {0440, NULL},
                 {0660, "its group may write, mode is 0660"},
                 {0644, "open to every user of the system, mode is 0644; chmod o= "},
                 {0604, "open to every user of the system"},
                 {0602, "open to every user of the system"},
                 {0601, "open to every user of the system"}};
    for (size_t i = 0; i < COUNT(modes); i++) {
        assert_int_equal(chmod(path, modes[i].mode), 0);
        for (int by_link = 0; by_link < 2; by_link++) {
            if (modes[i].why == NULL)
                loads(by_link ? "link.pem" : "key.pem", GP_DKIM_ED25519);
            else
                fails(by_link ? "link.pem" : "key.pem", modes[i].why);
        }
    }
    assert_int_equal(unlink(path), 0);
    fails("link.pem", "cannot be opened");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_files),
        cmocka_unit_test(wrong_contents),
        cmocka_unit_test(wrong_kinds),
        cmocka_unit_test(halves_that_do_not_fit),
        cmocka_unit_test(nobody_is_asked_for_a_passphrase),
        cmocka_unit_test(how_it_is_kept),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
