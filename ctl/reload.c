/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * reload.c - gatepostctl reload: check the configuration, tell the daemons, wait until each has taken it
 */
#include "ctl/verbs.h"

#include "ctl/change.h"
#include "ctl/output.h"
#include "ctl/state.h"
#include "shared/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#define WAIT_MS 5000
#define LOOK_MS 50 /* between two looks at the status files */

enum outcome { NOT_RUNNING, NOT_SIGNALLED, WAITING, TAKEN, REFUSED };

struct asked {
    struct gp_ctl_daemon before;
    enum outcome outcome;
};

static bool load_and_warn(struct gp_ctl *ctl)
{
    struct gp_faults faults;
    gp_faults_init(&faults);
    ctl->config = gp_config_load(ctl->path, &faults);
    gp_ctl_faults_print(&faults, true);
    gp_faults_free(&faults);
    if (ctl->config == NULL)
        gp_ctl_error("the configuration is faulty; the daemons were not told and run on with the one they have");
    return ctl->config != NULL;
}

static void ask(const char *run_directory, const char *program, struct asked *a)
{
    gp_ctl_daemon_read(run_directory, program, &a->before);
    a->outcome = a->before.pid == 0 ? NOT_RUNNING : WAITING;
    if (a->outcome == WAITING && kill(a->before.pid, SIGUSR1) != 0) {
        gp_ctl_error("%s: cannot signal process %ld: %s", program, (long)a->before.pid, strerror(errno));
        a->outcome = NOT_SIGNALLED;
    }
}

/* Has it taken or refused the configuration since it was asked? Says so once. */
static void look(const char *run_directory, struct asked *a)
{
    struct gp_ctl_daemon now;
    char why[1024];
    gp_ctl_daemon_read(run_directory, a->before.program, &now);
    uint64_t was = gp_ctl_daemon_number(&a->before, "reloads");
    uint64_t failed = gp_ctl_daemon_number(&a->before, "reload_failures");
    if (now.pid == 0) {
        gp_ctl_error("%s: ended while it reloaded; see its log", a->before.program);
        a->outcome = REFUSED;
    } else if (gp_ctl_daemon_number(&now, "reload_failures") > failed) {
        gp_ctl_daemon_text(&now, "last_reload", why);
        gp_ctl_error("%s: refused: %s", a->before.program, why);
        a->outcome = REFUSED;
    } else if (gp_ctl_daemon_number(&now, "reloads") > was) {
        printf("%s: reloaded, epoch %" PRIu64 "\n", a->before.program, gp_ctl_daemon_number(&now, "epoch"));
        a->outcome = TAKEN;
    }
    gp_ctl_daemon_free(&now);
}

static void wait_for_all(const char *run_directory, struct asked asked[GP_CTL_DAEMONS])
{
    uint64_t deadline = gp_clock_monotonic_ms() + WAIT_MS;
    for (;;) {
        int waiting = 0;
        for (int i = 0; i < GP_CTL_DAEMONS; i++) {
            if (asked[i].outcome == WAITING)
                look(run_directory, &asked[i]);
            waiting += asked[i].outcome == WAITING;
        }
        if (waiting == 0 || gp_clock_monotonic_ms() >= deadline)
            return;
        poll(NULL, 0, LOOK_MS);
    }
}

/* Say what has not been said yet. Returns how many of the running ones did not take it; *took names the others. */
static int sum_up(struct asked asked[GP_CTL_DAEMONS], struct gp_buf *took)
{
    int failed = 0;
    for (int i = 0; i < GP_CTL_DAEMONS; i++) {
        if (asked[i].outcome == TAKEN)
            gp_buf_printf(took, "%s%s", took->n > 0 ? ", " : "", gp_ctl_daemon_name[i]);
        if (asked[i].outcome == NOT_RUNNING)
            gp_ctl_error("%s: not running", gp_ctl_daemon_name[i]);
        if (asked[i].outcome == WAITING)
            gp_ctl_error("%s: told, but gave no answer within 5 s; gatepostctl status shows its epoch",
                         gp_ctl_daemon_name[i]);
        failed += asked[i].outcome != TAKEN && asked[i].outcome != NOT_RUNNING;
        gp_ctl_daemon_free(&asked[i].before);
    }
    return failed;
}

int gp_ctl_reload(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    struct asked asked[GP_CTL_DAEMONS] = {0};
    char what[64];
    struct gp_buf took = gp_buf_on(what, sizeof what);
    if (!load_and_warn(ctl) || !gp_ctl_store(ctl))
        return GP_CTL_NO;
    for (int i = 0; i < GP_CTL_DAEMONS; i++)
        ask(ctl->config->run_directory, gp_ctl_daemon_name[i], &asked[i]);
    wait_for_all(ctl->config->run_directory, asked);
    int failed = sum_up(asked, &took);
    bool journalled = took.n == 0 || gp_ctl_journal(ctl, what, args->reason);
    return took.n > 0 && failed == 0 && journalled ? GP_CTL_OK : GP_CTL_NO;
}
