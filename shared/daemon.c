/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * daemon.c - what both daemons do as processes: sockets, privileges, pid and status files
 */
#include "shared/daemon.h"

#include "shared/log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024

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

/* "unix:/path" -> "/path", else NULL */
static const char *unix_path(const char *listen)
{
    return strncmp(listen, "unix:", 5) == 0 ? listen + 5 : NULL;
}

static bool group_id(const char *name, gid_t *gid)
{
    struct group *g = getgrnam(name);
    if (g == NULL) {
        gp_log(GP_ERROR, "start", "group: there is no group \"%s\"; create it or set group in the configuration", name);
        return false;
    }
    *gid = g->gr_gid;
    return true;
}

bool gp_daemon_socket_ready(const struct gp_config *c, const char *listen)
{
    const char *path = unix_path(listen);
    gid_t gid;
    if (path == NULL)
        return true;
    if (geteuid() == 0) {
        if (!group_id(c->group, &gid))
            return false;
        if (chown(path, (uid_t)-1, gid) != 0) {
            gp_log_errno(GP_ERROR, "start", "cannot give socket %s to group %s", path, c->group);
            return false;
        }
    }
    if (chmod(path, 0660) != 0) {
        gp_log_errno(GP_ERROR, "start", "cannot set the mode of socket %s", path);
        return false;
    }
    return true;
}

/* Does anybody answer on this socket? Then it is not ours to take. */
static bool answered(const struct sockaddr_un *sa)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool yes = connect(fd, (const struct sockaddr *)sa, sizeof *sa) == 0;
    close(fd);
    return yes;
}

static int listen_unix(const struct gp_config *c, const char *listen_on, const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    struct stat st;
    if (n >= sizeof sa.sun_path) {
        gp_log(GP_ERROR, "start", "socket path too long: %s", path);
        return -1;
    }
    memcpy(sa.sun_path, path, n + 1);
    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode)) {
        if (answered(&sa)) {
            gp_log(GP_ERROR, "start", "another process already listens on %s; end it first", path);
            return -1;
        }
        unlink(path);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof sa) != 0 || listen(fd, BACKLOG) != 0) {
        gp_log_errno(GP_ERROR, "start", "cannot listen on %s", path);
    } else if (gp_daemon_socket_ready(c, listen_on)) {
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

static int listen_inet(const char *host_port)
{
    char host[256];
    const char *colon = strrchr(host_port, ':');
    size_t n = colon != NULL ? (size_t)(colon - host_port) : 0;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
    int fd = -1, on = 1;
    const char *start = host_port;
    if (n >= 2 && start[0] == '[' && start[n - 1] == ']') {
        start++;
        n -= 2;
    }
    if (n == 0 || n >= sizeof host) {
        gp_log(GP_ERROR, "start", "cannot listen on inet:%s: write inet:host:port", host_port);
        return -1;
    }
    memcpy(host, start, n);
    host[n] = '\0';
    int rc = getaddrinfo(host, colon + 1, &hints, &found);
    if (rc != 0) {
        gp_log(GP_ERROR, "start", "cannot listen on inet:%s: %s", host_port, gai_strerror(rc));
        return -1;
    }
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        gp_log_errno(GP_ERROR, "start", "cannot listen on inet:%s", host_port);
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

int gp_daemon_listen(const struct gp_config *c, const char *listen_on)
{
    const char *path = unix_path(listen_on);
    if (path != NULL)
        return listen_unix(c, listen_on, path);
    return listen_inet(listen_on + strlen("inet:"));
}

bool gp_daemon_drop(const struct gp_config *c)
{
    gid_t gid;
    if (geteuid() != 0)
        return true;
    struct passwd *user = getpwnam(c->user);
    if (user == NULL) {
        gp_log(GP_ERROR, "start", "user: there is no user \"%s\"; create it or set user in the configuration", c->user);
        return false;
    }
    if (!group_id(c->group, &gid))
        return false;
    /* The user's own groups stay: they may be what opens memcached's socket. */
    if (initgroups(c->user, gid) != 0 || setgid(gid) != 0 || setuid(user->pw_uid) != 0) {
        gp_log_errno(GP_ERROR, "start", "cannot become user %s, group %s", c->user, c->group);
        return false;
    }
    return true;
}

bool gp_daemon_pidfile(const struct gp_config *c, const char *program)
{
    char path[4096], text[32];
    struct gp_buf p = gp_buf_on(path, sizeof path), t = gp_buf_on(text, sizeof text);
    gp_buf_printf(&p, "%s/%s.pid", c->run_directory, program);
    gp_buf_printf(&t, "%ld\n", (long)getpid());
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
        gp_log_errno(GP_ERROR, "start", "cannot write %s", path);
        return false;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        gp_log(GP_ERROR, "start", "another gatepost-%s holds %s; end it first", program, path);
        close(fd);
        return false;
    }
    if (ftruncate(fd, 0) != 0 || write(fd, text, t.n) != (ssize_t)t.n) {
        gp_log_errno(GP_ERROR, "start", "cannot write %s", path);
        close(fd);
        return false;
    }
    return true; /* fd stays open: the lock lives as long as the process */
}

void gp_daemon_status(const struct gp_config *c, const char *program, const char *json)
{
    char path[4096], aside[4096];
    struct gp_buf p = gp_buf_on(path, sizeof path), a = gp_buf_on(aside, sizeof aside);
    gp_buf_printf(&p, "%s/%s.status", c->run_directory, program);
    gp_buf_printf(&a, "%s/.%s.status.new", c->run_directory, program);
    size_t n = strlen(json);
    int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        gp_log_errno(GP_WARN, "status", "cannot write %s", aside);
        return;
    }
    bool whole = write(fd, json, n) == (ssize_t)n;
    close(fd);
    if (!whole || rename(aside, path) != 0)
        gp_log_errno(GP_WARN, "status", "cannot write %s", path);
}

uint64_t gp_daemon_node(const char *listen)
{
    char text[4096], host[256] = "";
    struct gp_buf b = gp_buf_on(text, sizeof text);
    gethostname(host, sizeof host - 1);
    gp_buf_printf(&b, "%s|%s", host, listen);
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
