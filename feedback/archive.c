/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * archive.c - every message that came in, byte for byte: drafts and what is kept
 */
#include "feedback/archive.h"

#include "feedback/archive_private.h"
#include "shared/clock.h"
#include "shared/log.h"
#include "shared/write_all.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <openssl/evp.h>

#define GATHER 65536 /* octets of one write */
#define DRAFTS "draft"
#define FOLDER_MODE 0750
#define FILE_MODE 0640

struct gp_draft {
    struct gp_archive *archive;
    int fd;
    char name[24]; /* below the folder of drafts */
    EVP_MD_CTX *hashing;
    char hash[GP_ARCHIVE_HASH + 1];
    char *gathered; /* GATHER octets */
    size_t gathered_n;
    uint64_t size;
    char *mapped; /* NULL: empty, or not sealed */
};

static void hex(const unsigned char *octets, size_t n, char *out)
{
    static const char digit[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digit[octets[i] >> 4];
        out[2 * i + 1] = digit[octets[i] & 15];
    }
    out[2 * n] = '\0';
}

static bool make_folder(const char *path)
{
    return mkdir(path, FOLDER_MODE) == 0 || errno == EEXIST;
}

struct gp_archive *gp_archive_open(const char *folder, char why[256])
{
    struct gp_archive *a = calloc(1, sizeof *a);
    why[0] = '\0';
    if (a == NULL) {
        snprintf(why, 256, "out of memory");
        return NULL;
    }
    a->folder = a->drafts = -1;
    a->reserve = GP_ARCHIVE_RESERVE;
    if (!make_folder(folder) || (a->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ||
        (mkdirat(a->folder, DRAFTS, FOLDER_MODE) != 0 && errno != EEXIST) ||
        (a->drafts = openat(a->folder, DRAFTS, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ||
        !gp_archive_clear(a->drafts)) {
        snprintf(why, 256, "archive %.150s: %s", folder, strerror(errno));
        gp_archive_free(a);
        return NULL;
    }
    return a;
}

void gp_archive_reserve(struct gp_archive *a, uint64_t octets)
{
    a->reserve = octets;
}

void gp_archive_free(struct gp_archive *a)
{
    if (a == NULL)
        return;
    if (a->drafts >= 0)
        close(a->drafts);
    if (a->folder >= 0)
        close(a->folder);
    free(a);
}

/* A full disk fails for every message. Returns false. */
static bool trouble(struct gp_archive *a, const char *what)
{
    if (gp_seldom_due(&a->told, gp_clock_monotonic_ms()))
        gp_log_errno(GP_ERROR, "archive", "cannot %s", what);
    return false;
}

struct gp_draft *gp_draft_new(struct gp_archive *a)
{
    struct gp_draft *d = calloc(1, sizeof *d);
    if (d == NULL) {
        trouble(a, "begin a draft");
        return NULL;
    }
    *d = (struct gp_draft){.archive = a, .fd = -1, .hashing = EVP_MD_CTX_new(), .gathered = malloc(GATHER)};
    snprintf(d->name, sizeof d->name, "%llu", (unsigned long long)atomic_fetch_add(&a->next, 1));
    if (d->hashing == NULL || d->gathered == NULL || EVP_DigestInit_ex(d->hashing, EVP_sha256(), NULL) != 1) {
        errno = ENOMEM;
        goto fail;
    }
    d->fd = openat(a->drafts, d->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (d->fd < 0)
        goto fail;
    return d;
fail:
    trouble(a, "begin a draft");
    gp_draft_free(d);
    return NULL;
}

void gp_draft_free(struct gp_draft *d)
{
    if (d == NULL)
        return;
    if (d->mapped != NULL)
        munmap(d->mapped, d->size);
    if (d->fd >= 0) {
        unlinkat(d->archive->drafts, d->name, 0);
        close(d->fd);
    }
    EVP_MD_CTX_free(d->hashing);
    free(d->gathered);
    free(d);
}

/* Strangers may write to us: what they send must not take the database its room. */
static bool has_room(const struct gp_draft *d, size_t n)
{
    struct statvfs disk;
    if (fstatvfs(d->fd, &disk) != 0)
        return false;
    if ((uint64_t)disk.f_bavail * disk.f_frsize >= d->archive->reserve + n)
        return true;
    errno = ENOSPC;
    return false;
}

static bool flush(struct gp_draft *d)
{
    size_t n = d->gathered_n;
    d->gathered_n = 0;
    return (has_room(d, n) && EVP_DigestUpdate(d->hashing, d->gathered, n) == 1 &&
            gp_write_all(d->fd, d->gathered, n)) ||
           trouble(d->archive, "write a draft");
}

bool gp_draft_add(struct gp_draft *d, struct gp_str octets)
{
    d->size += octets.n;
    while (octets.n > 0) {
        size_t room = GATHER - d->gathered_n, n = octets.n < room ? octets.n : room;
        memcpy(d->gathered + d->gathered_n, octets.p, n);
        d->gathered_n += n;
        octets = (struct gp_str){octets.p + n, octets.n - n};
        if (d->gathered_n == GATHER && !flush(d))
            return false;
    }
    return true;
}

bool gp_draft_seal(struct gp_draft *d)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    if (!flush(d))
        return false;
    if (fchmod(d->fd, FILE_MODE) != 0 || fsync(d->fd) != 0 || EVP_DigestFinal_ex(d->hashing, digest, NULL) != 1)
        return trouble(d->archive, "finish a draft");
    hex(digest, GP_ARCHIVE_HASH / 2, d->hash);
    if (d->size == 0)
        return true;
    void *mapped = mmap(NULL, d->size, PROT_READ, MAP_PRIVATE, d->fd, 0);
    if (mapped == MAP_FAILED)
        return trouble(d->archive, "read a draft");
    d->mapped = mapped;
    return true;
}

struct gp_str gp_draft_octets(const struct gp_draft *d)
{
    return (struct gp_str){d->mapped, d->mapped != NULL ? d->size : 0};
}

const char *gp_draft_hash(const struct gp_draft *d)
{
    return d->hash;
}

bool gp_archive_id(const char hash[GP_ARCHIVE_HASH + 1], struct gp_str recipient, char id[GP_ARCHIVE_ID + 1])
{
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};
    char text[GP_ARCHIVE_HASH + 1 + 512];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    gp_buf_printf(&b, "%s ", hash);
    gp_buf_put_lower(&b, recipient);
    if (b.full || EVP_Digest(b.p, b.n, digest, NULL, EVP_sha256(), NULL) != 1)
        return false;
    hex(digest, GP_ARCHIVE_ID / 2, id);
    return true;
}

static void name_of(const char *id, char out[GP_ARCHIVE_NAME])
{
    struct gp_buf b = gp_buf_on(out, GP_ARCHIVE_NAME);
    gp_buf_printf(&b, "%s" GP_ARCHIVE_SUFFIX, id);
}

bool gp_archive_keep(struct gp_archive *a, const struct gp_draft *d, const char *day, const char *id)
{
    char path[GP_ARCHIVE_DAY + 1 + GP_ARCHIVE_NAME], name[GP_ARCHIVE_NAME];
    struct gp_buf b = gp_buf_on(path, sizeof path);
    name_of(id, name);
    gp_buf_printf(&b, "%s/%s", day, name);
    if (linkat(a->drafts, d->name, a->folder, path, 0) == 0 || errno == EEXIST)
        return true;
    if (errno == ENOENT && (mkdirat(a->folder, day, FOLDER_MODE) == 0 || errno == EEXIST) && fsync(a->folder) == 0 &&
        (linkat(a->drafts, d->name, a->folder, path, 0) == 0 || errno == EEXIST))
        return true;
    return trouble(a, "keep a message");
}

bool gp_archive_sync(struct gp_archive *a, const char *day)
{
    int fd = openat(a->folder, day, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = (fd >= 0 && fsync(fd) == 0) || trouble(a, "keep the messages of a day");
    if (fd >= 0)
        close(fd);
    return good;
}
