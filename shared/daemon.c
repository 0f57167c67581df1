/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * daemon.c - what both daemons do as processes: options, privileges, pid and status files
 */
#include "shared/daemon.h"

#include "shared/log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define DESCRIPTORS 8192

int gp_daemon_options(int argc, char **argv, const char *program, const char **path)
{
    *path = GP_DAEMON_CONFIG;
    for (int option; (option = getopt(argc, argv, "c:V")) != -1;) {
        if (option == 'V') {
            printf("%s %s\n", program, GATEPOST_VERSION);
            return 0;
        }
        if (option != 'c')
            goto wrong;
        *path = optarg;
    }
    if (optind == argc)
        return -1;
wrong:
    fprintf(stderr, "usage: %s [-c FILE] [-V]\n", program);
    return 2;
}

void gp_daemon_signals(sigset_t *ours)
{
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(ours);
    sigaddset(ours, SIGTERM);
    sigaddset(ours, SIGINT);
    sigaddset(ours, SIGHUP);
    sigaddset(ours, SIGUSR1);
    sigprocmask(SIG_BLOCK, ours, NULL);
}

void gp_daemon_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= DESCRIPTORS)
        return;
    limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
    setrlimit(RLIMIT_NOFILE, &limit);
}

bool gp_daemon_counters(const struct gp_config *c, struct gp_counters **out)
{
    const char *why = NULL;
    *out = NULL;
    if (c->counters.n == 0)
        return true;
    *out = gp_counters_new((const char *const *)c->counters.v, c->counters.n, &why);
    if (*out == NULL)
        gp_log(GP_ERROR, "start", "counters: %s", why);
    return *out != NULL;
}

struct gp_config *gp_daemon_load(const char *path)
{
    char why[GP_FAULT_TEXT_MAX];
    return gp_daemon_reload(path, why);
}

struct gp_config *gp_daemon_reload(const char *path, char why[GP_FAULT_TEXT_MAX])
{
    struct gp_faults faults;
    struct gp_buf first = gp_buf_on(why, GP_FAULT_TEXT_MAX);
    gp_faults_init(&faults);
    struct gp_config *c = gp_config_load(path, &faults);
    for (size_t i = 0; i < faults.n; i++) {
        bool warning = faults.list[i].warning;
        gp_log(warning ? GP_WARN : GP_ERROR, "configuration", "%s", faults.list[i].text);
        if (!warning && first.n == 0)
            gp_buf_putz(&first, faults.list[i].text);
    }
    gp_faults_free(&faults);
    return c;
}

/* user and group of the configuration; false (logged) when there is none */
static bool account_of(const struct gp_config *c, uid_t *uid, gid_t *gid)
{
    const struct passwd *user = getpwnam(c->user);
    if (user == NULL) {
        gp_log(GP_ERROR, "start", "user: there is no user \"%s\"; create it or set user in the configuration", c->user);
        return false;
    }
    *uid = user->pw_uid;
    const struct group *group = getgrnam(c->group);
    if (group == NULL) {
        gp_log(GP_ERROR, "start", "group: there is no group \"%s\"; create it or set group in the configuration",
               c->group);
        return false;
    }
    *gid = group->gr_gid;
    return true;
}

bool gp_daemon_drop(const struct gp_config *c)
{
    uid_t uid;
    gid_t gid;
    if (geteuid() != 0)
        return true;
    if (!account_of(c, &uid, &gid))
        return false;
    /* The user's own groups stay: they may be what opens memcached's socket. */
    if (initgroups(c->user, gid) != 0 || setgid(gid) != 0 || setuid(uid) != 0) {
        gp_log_errno(GP_ERROR, "start", "cannot become user %s, group %s", c->user, c->group);
        return false;
    }
    return true;
}

/* On a file of its own, which nobody else can open: whoever may read a file can lock it, and would keep the daemon from
 * starting. A record lock, for which the kernel knows the process; it ends when any descriptor of that file is closed.
 */
static bool lock_take(const char *path, const char *program)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd < 0) {
        gp_log_errno(GP_ERROR, "start", "cannot open %s", path);
        return false;
    }
    if (fcntl(fd, F_SETLK, &whole) == 0)
        return true; /* fd stays open: the lock lives as long as the process */
    if (errno == EAGAIN || errno == EACCES)
        gp_log(GP_ERROR, "start", "another gatepost-%s holds %s; end it first", program, path);
    else
        gp_log_errno(GP_ERROR, "start", "cannot lock %s", path);
    close(fd);
    return false;
}

static bool pid_write(const char *path)
{
    char text[32];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    gp_buf_printf(&b, "%ld\n", (long)getpid());
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
    bool written = fd >= 0 && write(fd, text, b.n) == (ssize_t)b.n;
    if (!written)
        gp_log_errno(GP_ERROR, "start", "cannot write %s", path);
    if (fd >= 0)
        close(fd);
    return written;
}

/* The directory is the user's: root would write through whatever the user put there, and leave files that the user
 * cannot write when it starts the daemon itself.
 */
bool gp_daemon_pidfile(const struct gp_config *c, const char *program)
{
    char lock[4096], pid[4096];
    struct gp_buf l = gp_buf_on(lock, sizeof lock), p = gp_buf_on(pid, sizeof pid);
    bool root = geteuid() == 0;
    uid_t uid;
    gid_t gid;
    gp_buf_printf(&l, "%s/%s.lock", c->run_directory, program);
    gp_buf_printf(&p, "%s/%s.pid", c->run_directory, program);
    if (root && !account_of(c, &uid, &gid))
        return false;
    if (root && (setegid(gid) != 0 || seteuid(uid) != 0)) {
        gp_log_errno(GP_ERROR, "start", "cannot become user %s, group %s", c->user, c->group);
        return false;
    }
    bool taken = lock_take(lock, program) && pid_write(pid);
    if (root && (seteuid(0) != 0 || setegid(0) != 0)) {
        gp_log_errno(GP_ERROR, "start", "cannot become root again");
        return false;
    }
    return taken;
}

void gp_daemon_publish(const struct gp_config *c, const char *program, const char *what, struct gp_str text)
{
    char path[4096], aside[4096];
    struct gp_buf p = gp_buf_on(path, sizeof path), a = gp_buf_on(aside, sizeof aside);
    gp_buf_printf(&p, "%s/%s.%s", c->run_directory, program, what);
    gp_buf_printf(&a, "%s/.%s.%s.new", c->run_directory, program, what);
    int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        gp_log_errno(GP_WARN, "status", "cannot write %s", aside);
        return;
    }
    bool whole = write(fd, text.p, text.n) == (ssize_t)text.n;
    close(fd);
    if (!whole || rename(aside, path) != 0)
        gp_log_errno(GP_WARN, "status", "cannot write %s", path);
}

uint64_t gp_daemon_node(const char *listen)
{
    char text[4096], host[256] = "", machine[64] = "";
    struct gp_buf b = gp_buf_on(text, sizeof text);
    gethostname(host, sizeof host - 1);
    /* machine-id(5): nodes of a relay often bear one name */
    int fd = open("/etc/machine-id", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t n = read(fd, machine, sizeof machine - 1);
        machine[n > 0 ? n : 0] = '\0';
        close(fd);
    }
    gp_buf_printf(&b, "%s|%s|%s", machine, host, listen);
    return gp_str_hash(gp_buf_str(&b));
}

uint64_t gp_daemon_random(void)
{
    uint64_t value = 0;
    while (value == 0) {
        if (getrandom(&value, sizeof value, 0) != sizeof value)
            abort(); /* the kernel promises this for so few octets */
    }
    return value;
}
