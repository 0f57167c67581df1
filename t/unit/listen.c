/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * listen.c - tests of sockets that are made ready for Postfix
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/listen.h"
#include "t/unit/scratch.h"

#define OTHER_GROUP 12345 /* of the folder, when root tests */

static struct scratch scratch;
static char path[512], place[600], victim[512];

static int setup(void **state)
{
    (void)state;
    bool made = scratch_open(&scratch) && scratch_secret(&scratch, "victim", GP_STR("precious"));
    scratch_path(&scratch, "s.sock", path);
    scratch_path(&scratch, "victim", victim);
    snprintf(place, sizeof place, "unix:%s", path);
    return made && (geteuid() != 0 || chown(scratch.folder, (uid_t)-1, OTHER_GROUP) == 0) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    scratch_close(&scratch);
    return 0;
}

static void a_socket_has_the_mode_and_the_group_of_its_folder(void **state)
{
    (void)state;
    struct stat st, folder;
    int fd = gp_listen_open(place);
    assert_true(fd >= 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(stat(scratch.folder, &folder), 0);
    assert_int_equal(st.st_mode & 07777, 0660);
    if (geteuid() == 0)
        assert_int_equal(st.st_gid, folder.st_gid);
    close(fd);
    unlink(path);
}

/* What the daemons' user put in the socket's place after it was bound. */
static void what_is_no_socket_stays_as_it_is(void **state)
{
    (void)state;
    struct stat before, after;
    assert_int_equal(stat(victim, &before), 0);
    assert_int_equal(symlink(victim, path), 0);
    assert_false(gp_listen_ready(place));
    unlink(path);
    assert_int_equal(link(victim, path), 0);
    assert_false(gp_listen_ready(place));
    unlink(path);
    assert_false(gp_listen_ready(place));
    assert_int_equal(stat(victim, &after), 0);
    assert_int_equal(after.st_mode, before.st_mode);
    assert_int_equal(after.st_gid, before.st_gid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_has_the_mode_and_the_group_of_its_folder),
        cmocka_unit_test(what_is_no_socket_stays_as_it_is),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
