/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * probe.c - what an intruder would try once it runs as a daemon: each try a line "NAME yes" or "NAME no: why"
 *
 * Run in the place of a daemon, in the sandbox of its unit. Files that it could make are removed again. A module, a
 * kernel and a clock are only asked for in forms that the kernel refuses with another error than a filter does.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void told(const char *name, bool could)
{
    if (could)
        printf("%s yes\n", name);
    else
        printf("%s no: %s\n", name, strerror(errno));
}

static bool can_write(const char *folder)
{
    char path[256];
    snprintf(path, sizeof path, "%s/gatepost-probe", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    close(fd);
    unlink(path);
    return true;
}

static bool can_open(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static bool can_socket(int family, int type, int protocol)
{
    int fd = socket(family, type | SOCK_CLOEXEC, protocol);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* in a child: what it takes on ends with it */
static bool can(bool (*tried)(void))
{
    int state = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(tried() ? 0 : errno);
    if (child < 0 || waitpid(child, &state, 0) != child)
        return false;
    if (WIFSIGNALED(state))
        errno = EPERM;
    else
        errno = WEXITSTATUS(state);
    return WIFEXITED(state) && WEXITSTATUS(state) == 0;
}

static bool trace(void)
{
    return ptrace(PTRACE_SEIZE, getppid(), NULL, NULL) == 0;
}

static bool mounts(void)
{
    return mount("none", "/mnt", "tmpfs", 0, NULL) == 0 && umount("/mnt") == 0;
}

static bool namespaces(void)
{
    return unshare(CLONE_NEWNS) == 0;
}

static bool user_namespaces(void)
{
    return unshare(CLONE_NEWUSER) == 0;
}

static bool becomes_other(void)
{
    return setresgid(1, 1, 1) == 0 && setresuid(1, 1, 1) == 0;
}

static bool changes_root(void)
{
    return chroot("/var") == 0;
}

static bool real_time(void)
{
    struct sched_param p = {.sched_priority = 1};
    return sched_setscheduler(0, SCHED_FIFO, &p) == 0;
}

/* Past the filter the kernel finds the octets wanting (ENOEXEC, EFAULT), before it says EPERM. */
static bool module_asked(void)
{
    return syscall(SYS_init_module, "", 0, "") == 0 || errno != EPERM;
}

static bool bpf_asked(void)
{
    union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
    return syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr) >= 0;
}

static bool writes_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool setuid_file(const char *folder)
{
    char path[256];
    snprintf(path, sizeof path, "%s/gatepost-probe-suid", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
    if (fd < 0)
        return false;
    bool could = fchmod(fd, S_ISUID | 0755) == 0;
    int why = errno;
    close(fd);
    unlink(path);
    errno = why;
    return could;
}

int main(int argc, char **argv)
{
    char name[512];
    const char *state = "/var/lib/gatepost";
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < argc; i++) {
        snprintf(name, sizeof name, "write:%s", argv[i]);
        told(name, can_write(argv[i]));
    }
    told("read:/etc/shadow", can_open("/etc/shadow", O_RDONLY));
    told("read:/root/secret", can_open("/root/secret", O_RDONLY));
    told("read:/home/somebody/secret", can_open("/home/somebody/secret", O_RDONLY));
    told("read:/etc/gatepost/keys/token", can_open("/etc/gatepost/keys/token", O_RDONLY));
    told("change:/etc/gatepost/keys/token", can_open("/etc/gatepost/keys/token", O_WRONLY));
    told("change:/proc/sys/kernel/domainname", can_open("/proc/sys/kernel/domainname", O_WRONLY));
    told("see:/proc/1/status", can_open("/proc/1/status", O_RDONLY));
    told("socket:raw", can_socket(AF_INET, SOCK_RAW, 1));
    told("socket:packet", can_socket(AF_PACKET, SOCK_RAW, 0));
    told("socket:netlink", can_socket(AF_NETLINK, SOCK_RAW, 0));
    told("socket:inet", can_socket(AF_INET, SOCK_STREAM, 0));
    told("ptrace", can(trace));
    told("mount", can(mounts));
    told("unshare", can(namespaces));
    told("unshare:user", can(user_namespaces));
    told("setuid", can(becomes_other));
    told("chroot", can(changes_root));
    told("real-time", can(real_time));
    told("module", can(module_asked));
    told("bpf", can(bpf_asked));
    told("code", can(writes_code));
    told("setuid-file", setuid_file(state));
    return 0;
}
