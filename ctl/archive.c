/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * archive.c - gatepostctl archive get, archive list: messages that came back, as they came
 */
#include "ctl/verbs.h"

#include "ctl/output.h"
#include "shared/intake_store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#define PREFIX_MIN 6 /* characters of an id that are enough when only one begins so */

/* Where a message is kept, and what its octets must hash to. */
struct place {
    const char *folder;
    char path[4096], hash[GP_ARCHIVE_HASH + 1], id[GP_ARCHIVE_ID + 1];
};

static void note_place(void *arg, const struct gp_intake_row *row)
{
    struct place *p = arg;
    struct gp_buf hash = gp_buf_on(p->hash, sizeof p->hash), id = gp_buf_on(p->id, sizeof p->id);
    gp_buf_put(&hash, row->hash);
    gp_buf_put(&id, row->id);
    gp_archive_path(p->folder, row->received_ms, p->id, p->path);
}

static bool is_prefix(struct gp_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
            return false;
    }
    return s.n >= PREFIX_MIN && s.n <= GP_ARCHIVE_ID;
}

static bool find(struct gp_ctl *ctl, const char *id, struct place *p)
{
    size_t n = 0;
    if (!gp_store_intake_find(ctl->store, id, &n, note_place, p)) {
        gp_ctl_error("cannot read the database: %s", gp_store_error(ctl->store));
        return false;
    }
    if (n == 0)
        gp_ctl_error("no message %s is known; gatepostctl archive list shows the newest", id);
    else if (n > 1)
        gp_ctl_error("more than one message begins with %s; give more of the id", id);
    return n == 1;
}

static bool hash_is(struct gp_str octets, const char *wanted)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    struct gp_buf b = gp_buf_on(hex, sizeof hex);
    if (EVP_Digest(octets.p, octets.n, digest, &n, EVP_sha256(), NULL) != 1)
        return false;
    for (unsigned i = 0; i < n; i++)
        gp_buf_printf(&b, "%02x", digest[i]);
    return strcmp(hex, wanted) == 0;
}

static bool print_checked(const struct place *p, int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return false;
    size_t n = (size_t)st.st_size;
    void *mapped = n > 0 ? mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    if (mapped == MAP_FAILED)
        return false;
    bool good = hash_is((struct gp_str){mapped != NULL ? mapped : "", n}, p->hash);
    if (!good)
        gp_ctl_error("%s is not what came in: its SHA-256 is no longer %s; nothing was printed", p->path, p->hash);
    else if (n > 0)
        good = fwrite(mapped, 1, n, stdout) == n;
    if (mapped != NULL)
        munmap(mapped, n);
    errno = 0; /* all is said */
    return good;
}

int gp_ctl_archive_get(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    struct place p = {0};
    if (!is_prefix(gp_str_z(args->arg[0])))
        return gp_ctl_misused(ctl, "ID must be 6 to 32 hexadecimal digits in lower case");
    if (!gp_ctl_config(ctl) || !gp_ctl_store(ctl))
        return GP_CTL_NO;
    p.folder = ctl->config->archive;
    if (!find(ctl, args->arg[0], &p))
        return GP_CTL_NO;
    int fd = open(p.path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool good = fd >= 0 && print_checked(&p, fd);
    if (!good && errno == ENOENT)
        gp_ctl_error("message %s is no longer kept (archive_keep)", p.id);
    else if (!good && errno != 0)
        gp_ctl_error("cannot read %s: %s", p.path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return good ? GP_CTL_OK : GP_CTL_NO;
}

struct list {
    struct gp_ctl_table table;
    json_t *messages;
};

static const char *clean(char *out, size_t cap, struct gp_str s)
{
    struct gp_buf b = gp_buf_on(out, cap);
    gp_ctl_put_clean(&b, s);
    return out;
}

static void put(void *arg, const struct gp_intake_row *row)
{
    struct list *l = arg;
    char when[GP_CTL_TIME_TEXT], text[8][1400];
    gp_ctl_time_text(row->received_ms, when);
    const char *id = clean(text[0], sizeof text[0], row->id), *source = clean(text[1], sizeof text[1], row->source),
               *kind = clean(text[2], sizeof text[2], row->kind),
               *outcome = clean(text[3], sizeof text[3], row->outcome),
               *agency = clean(text[4], sizeof text[4], row->agency),
               *recipient = clean(text[5], sizeof text[5], row->recipient),
               *why = clean(text[6], sizeof text[6], row->why), *hash = clean(text[7], sizeof text[7], row->hash);
    gp_ctl_table_row(&l->table, (const char *[]){id, when, source, kind, outcome, agency, recipient, why});
    json_array_append_new(l->messages,
                          json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s}", "id", id, "when", when,
                                    "source", source, "kind", kind, "outcome", outcome, "agency", agency, "recipient",
                                    recipient, "why", why, "size", (json_int_t)row->size, "sha256", hash));
}

int gp_ctl_archive_list(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    struct list l = {.messages = NULL};
    if (!gp_ctl_config(ctl) || !gp_ctl_store(ctl))
        return GP_CTL_NO;
    l.messages = json_array();
    gp_ctl_table_init(&l.table, 8);
    gp_ctl_table_row(&l.table,
                     (const char *[]){"ID", "WHEN", "SOURCE", "KIND", "OUTCOME", "AGENCY", "RECIPIENT", "WHY"});
    bool read = gp_store_intake_list(ctl->store, args->last, put, &l);
    if (!read)
        gp_ctl_error("cannot read the database: %s", gp_store_error(ctl->store));
    else if (args->json)
        gp_ctl_json_print(json_pack("{s:O}", "messages", l.messages), stdout);
    else
        gp_ctl_table_print(&l.table, stdout);
    gp_ctl_table_free(&l.table);
    json_decref(l.messages);
    return read ? GP_CTL_OK : GP_CTL_NO;
}
