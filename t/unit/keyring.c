/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * keyring.c - tests of shared/keyring: what a key file may be, and that a doubtful one gives no key
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/keyring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define B "FFEEDDCCBBAA99887766554433221100ffeeddccbbaa99887766554433221100"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define LINE "a line would be: an id of 0 to 7, a blank, 64 hexadecimal digits"

static char directory[] = "/tmp/gatepost-keyring-XXXXXX";
static char path[64];

static void write_file(const char *text, size_t n, mode_t mode)
{
    unlink(path); /* a file without the owner's write bit too */
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static bool has_fault(const struct gp_faults *faults, const char *part)
{
    for (size_t i = 0; i < faults->n; i++) {
        if (strstr(faults->list[i].text, part) != NULL)
            return true;
    }
    return false;
}

static void check_no_key(const struct gp_keyring *ring)
{
    static const struct gp_keyring none;
    assert_memory_equal(ring, &none, sizeof none);
}

static void test_good_file(void **state)
{
    (void)state;
    static const char text[] = "# keys of the relay\n\n 5\t " A " # signs\r\n0 " B;
    struct gp_keyring ring;
    struct gp_faults faults;
    gp_faults_init(&faults);
    write_file(text, sizeof text - 1, 0640);
    assert_true(gp_keyring_load(path, &ring, &faults));
    assert_int_equal(faults.errors, 0);
    assert_int_equal(ring.signer, 5);
    for (unsigned id = 0; id < GP_KEYS_MAX; id++)
        assert_int_equal(ring.have[id], id == 5 || id == 0);
    for (unsigned i = 0; i < GP_KEY_OCTETS; i++)
        assert_int_equal(ring.secret[5][i], i);
    assert_int_equal(ring.secret[0][0], 0xff);
    assert_int_equal(ring.secret[0][16], 0xff);
    assert_int_equal(ring.secret[0][14], 0x11);
    gp_faults_free(&faults);
}

static void test_all_ids(void **state)
{
    (void)state;
    char text[GP_KEYS_MAX * 80];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    struct gp_keyring ring;
    struct gp_faults faults;
    for (unsigned id = GP_KEYS_MAX; id > 0; id--) {
        char line[80];
        assert_true(gp_keyring_line(id - 1, line));
        assert_int_equal(strlen(line), 66);
        gp_buf_printf(&b, "%s\n", line);
    }
    gp_faults_init(&faults);
    write_file(text, b.n, 0600);
    assert_true(gp_keyring_load(path, &ring, &faults));
    assert_int_equal(ring.signer, 7);
    for (unsigned id = 0; id < GP_KEYS_MAX; id++)
        assert_true(ring.have[id]);
    assert_memory_not_equal(ring.secret[0], ring.secret[1], GP_KEY_OCTETS);
    gp_faults_free(&faults);
    char none[80] = "x";
    assert_false(gp_keyring_line(GP_KEYS_MAX, none));
    assert_string_equal(none, "");
}

/* each bad file: refused, with this in its fault, no key kept, no part of a key shown */
static void test_bad_files(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
        size_t n; /* 0: all of text */
        const char *fault;
    } rows[] = {
        {"empty", "", 0, ": key file: no key in it, " LINE},
        {"comments only", "# " A "\n\n", 0, ": key file: no key in it, " LINE},
        {"id 8", "8 " A "\n", 0, ":1: key: not a key, " LINE},
        {"no id", A "\n", 0, ":1: key: not a key, " LINE},
        {"two digits of id", "01 " A "\n", 0, ":1: key: not a key, " LINE},
        {"no blank", "1" A "\n", 0, ":1: key: not a key, " LINE},
        {"id alone", "1\n", 0, ":1: key: not a key, " LINE},
        {"63 digits", "1 00112233445566778899aabbccddeeff0011223344556677889900112233445\n", 0, ":1: key: not a key"},
        {"65 digits", "1 " A "0\n", 0, ":1: key: not a key"},
        {"a foreign digit", "1 g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n", 0,
         ":1: key: not a key"},
        {"word behind", "1 " A " sign\n", 0, ":1: key: not a key"},
        {"NUL", "1 " A "\0\n", 68, ":1: key: not a key"},
        {"all zero", "1 " ZERO "\n", 0, ":1: key: all digits are zero"},
        {"one line bad among good", "1 " A "\n2 " B "\n\n3 xyz\n", 0, ":4: key: not a key"},
        {"same id twice", "1 " A "\n# comment\n1 " B "\n", 0, ":3: key: this id stands in a line before"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct gp_keyring ring;
        struct gp_faults faults;
        gp_faults_init(&faults);
        write_file(rows[i].text, rows[i].n > 0 ? rows[i].n : strlen(rows[i].text), 0600);
        bool good = gp_keyring_load(path, &ring, &faults);
        if (good || faults.errors != 1 || !has_fault(&faults, rows[i].fault))
            fail_msg("%s: %s", rows[i].name, faults.n > 0 ? faults.list[0].text : "no fault");
        assert_true(has_fault(&faults, path));
        assert_false(has_fault(&faults, "0001020304"));
        check_no_key(&ring);
        gp_faults_free(&faults);
    }
}

static void test_all_faults_in_one_run(void **state)
{
    (void)state;
    static const char text[] = "9 " A "\n1 " A "\n1 " B "\n2 " ZERO "\n";
    struct gp_keyring ring;
    struct gp_faults faults;
    gp_faults_init(&faults);
    write_file(text, sizeof text - 1, 0600);
    assert_false(gp_keyring_load(path, &ring, &faults));
    assert_int_equal(faults.errors, 3);
    check_no_key(&ring);
    gp_faults_free(&faults);
}

static void test_modes(void **state)
{
    (void)state;
    static const struct {
        mode_t mode;
        const char *fault, *cure; /* NULL: good */
    } rows[] = {
        {0600, NULL, NULL},
        {0400, NULL, NULL},
        {0640, NULL, NULL},
        {0440, NULL, NULL},
        {0644, "mode is 0644", "chmod o= /tmp/"},
        {0642, "mode is 0642", "chmod o= /tmp/"},
        {0641, "mode is 0641", "chmod o= /tmp/"},
        {0660, "mode is 0660", "chmod g-w /tmp/"},
        {0666, "mode is 0666", "chmod o= /tmp/"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct gp_keyring ring;
        struct gp_faults faults;
        gp_faults_init(&faults);
        write_file("1 " A "\n", 67, 0600);
        assert_int_equal(chmod(path, rows[i].mode), 0);
        bool good = gp_keyring_load(path, &ring, &faults);
        if (good != (rows[i].fault == NULL))
            fail_msg("mode %04o", (unsigned)rows[i].mode);
        if (!good) {
            assert_true(has_fault(&faults, rows[i].fault));
            assert_true(has_fault(&faults, rows[i].cure));
            check_no_key(&ring);
        }
        gp_faults_free(&faults);
    }
}

static void test_no_plain_file(void **state)
{
    (void)state;
    static char much[GP_KEYRING_FILE_MAX + 1];
    struct gp_keyring ring;
    struct gp_faults faults;
    gp_faults_init(&faults);
    assert_false(gp_keyring_load("/tmp/gatepost-keyring-none", &ring, &faults));
    assert_true(has_fault(&faults, "cannot be opened: No such file"));
    check_no_key(&ring);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(gp_keyring_load(path, &ring, &faults)); /* and does not hang */
    assert_true(has_fault(&faults, "not a plain file"));
    assert_int_equal(unlink(path), 0);
    memset(much, '\n', sizeof much);
    memcpy(much, "1 " A, 66);
    write_file(much, sizeof much, 0600);
    assert_false(gp_keyring_load(path, &ring, &faults));
    assert_true(has_fault(&faults, "too long, at most 8192 octets"));
    check_no_key(&ring);
    assert_int_equal(faults.errors, 3);
    write_file(much, sizeof much - 1, 0600);
    assert_true(gp_keyring_load(path, &ring, &faults));
    gp_faults_free(&faults);
}

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/token", directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_file), cmocka_unit_test(test_all_ids),
        cmocka_unit_test(test_bad_files), cmocka_unit_test(test_all_faults_in_one_run),
        cmocka_unit_test(test_modes),     cmocka_unit_test(test_no_plain_file),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
