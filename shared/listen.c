/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * listen.c - the sockets that Postfix connects to
 */
#include "shared/listen.h"

#include "shared/log.h"
#include "shared/str.h"

#include <fcntl.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024

/* "unix:/path" -> "/path", else NULL */
static const char *unix_path(const char *listen)
{
    return strncmp(listen, "unix:", 5) == 0 ? listen + 5 : NULL;
}

/* The folder says who may connect: setgid, it does so for a daemon that is not root, too. */
static bool folder_group(const char *path, gid_t *gid)
{
    char folder[sizeof((struct sockaddr_un *)0)->sun_path + 1];
    struct gp_buf b = gp_buf_on(folder, sizeof folder);
    const char *slash = strrchr(path, '/');
    struct stat st;
    gp_buf_put(&b, (struct gp_str){path, slash == path ? 1 : (size_t)(slash - path)});
    if (b.full || stat(folder, &st) != 0)
        return false;
    *gid = st.st_gid;
    return true;
}

/* By its descriptor, not by its name: the folder is the daemons' own, and its user could put a link there in between,
 * through which root would hand a file of its own to Postfix's group.
 */
static bool socket_ready(int fd, const char *path)
{
    char self[32];
    struct gp_buf b = gp_buf_on(self, sizeof self);
    struct stat st;
    gid_t gid;
    gp_buf_printf(&b, "/proc/self/fd/%d", fd);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISSOCK(st.st_mode)) {
        gp_log(GP_ERROR, "start", "%s is not the socket that was made there", path);
        return false;
    }
    if (!folder_group(path, &gid) || (geteuid() == 0 && fchownat(fd, "", (uid_t)-1, gid, AT_EMPTY_PATH) != 0)) {
        gp_log_errno(GP_ERROR, "start", "cannot give socket %s the group of its folder", path);
        return false;
    }
    if ((st.st_mode & 07777) != 0660 && chmod(self, 0660) != 0) {
        gp_log_errno(GP_ERROR, "start", "cannot set the mode of socket %s", path);
        return false;
    }
    return true;
}

bool gp_listen_ready(const char *listen)
{
    const char *path = unix_path(listen);
    if (path == NULL)
        return true;
    int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    bool ready = socket_ready(fd, path);
    if (fd >= 0)
        close(fd);
    return ready;
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

bool gp_listen_taken(const char *listen_on)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    const char *path = unix_path(listen_on);
    if (path == NULL || strlen(path) >= sizeof sa.sun_path)
        return false;
    memcpy(sa.sun_path, path, strlen(path) + 1);
    if (!answered(&sa))
        return false;
    gp_log(GP_ERROR, "start", "another process already listens on %s; end it first", path);
    return true;
}

static int listen_unix(const char *listen_on, const char *path)
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
        if (gp_listen_taken(listen_on))
            return -1;
        unlink(path);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof sa) != 0 || listen(fd, BACKLOG) != 0) {
        gp_log_errno(GP_ERROR, "start", "cannot listen on %s", path);
    } else if (gp_listen_ready(listen_on)) {
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

int gp_listen_open(const char *listen_on)
{
    const char *path = unix_path(listen_on);
    if (path != NULL)
        return listen_unix(listen_on, path);
    return listen_inet(listen_on + strlen("inet:"));
}
