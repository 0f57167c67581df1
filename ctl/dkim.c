/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dkim.c - gatepostctl dkim new: a private key, the record that publishes it, and the line that puts it to use
 *
 * What it prints is a fragment of a zone file: all but the record is comment.
 */
#include "ctl/output.h"
#include "ctl/verbs.h"
#include "shared/address.h"
#include "shared/clock.h"
#include "shared/dkim_key.h"
#include "shared/write_all.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>

#define NAME_MAX_OCTETS 32

static const char *const type_texts[] = {[GP_DKIM_RSA] = "RSA of 2048 bits", [GP_DKIM_ED25519] = "Ed25519"};

/* What is asked for. */
struct order {
    char domain[GP_DOMAIN_MAX + 1];
    char selector[GP_DKIM_SELECTOR_MAX + 1];
    enum gp_dkim_type type;
    char path[PATH_MAX];
    char group[NAME_MAX_OCTETS + 1]; /* "": the file is for its owner alone */
    gid_t gid;
};

static void put_lower(char *out, size_t cap, const char *text)
{
    struct gp_buf b = gp_buf_on(out, cap);
    gp_buf_put_lower(&b, gp_str_z(text));
}

/* put_path - FILE of --out, else in the folder keys beside the configuration */
static bool put_path(const struct gp_ctl *ctl, const char *file, struct order *o)
{
    struct gp_buf b = gp_buf_on(o->path, sizeof o->path);
    const char *slash = strrchr(ctl->path, '/');
    if (file != NULL)
        gp_buf_putz(&b, file);
    else
        gp_buf_printf(&b, "%.*skeys/%s.%s.pem", slash != NULL ? (int)(slash + 1 - ctl->path) : 0, ctl->path, o->domain,
                      o->selector);
    return !b.full && b.n > 0;
}

/* read_order - NULL, or what is wrong with the command line */
static const char *read_order(const struct gp_ctl *ctl, const struct gp_ctl_args *args, struct order *o)
{
    struct gp_str domain = gp_str_z(args->arg[0]), selector;
    char month[sizeof "gp209912e"];
    time_t now = (time_t)(gp_clock_wall_ms() / 1000);
    struct tm utc;
    if (args->type != NULL && strcmp(args->type, gp_dkim_type_word(GP_DKIM_ED25519)) == 0)
        o->type = GP_DKIM_ED25519;
    else if (args->type != NULL && strcmp(args->type, gp_dkim_type_word(GP_DKIM_RSA)) != 0)
        return "--type must be rsa or ed25519";
    gmtime_r(&now, &utc);
    strftime(month, sizeof month, o->type == GP_DKIM_ED25519 ? "gp%Y%me" : "gp%Y%m", &utc);
    selector = gp_str_z(args->selector != NULL ? args->selector : month);
    if (!gp_domain_valid(domain, false))
        return "DOMAIN must be the domain that signs, such as dol.example.gov, in ASCII (xn--)";
    if (!gp_domain_valid(selector, false) || selector.n > GP_DKIM_SELECTOR_MAX)
        return "--selector must be a name in the DNS of at most 63 characters, such as gp1";
    if (selector.n + strlen("._domainkey.") + domain.n > GP_DKIM_NAME_MAX)
        return "selector and domain together are too long for the DNS";
    put_lower(o->domain, sizeof o->domain, domain.p);
    put_lower(o->selector, sizeof o->selector, selector.p);
    return put_path(ctl, args->file, o) ? NULL : "--out must be the path of a file that is not there yet";
}

/* folder_group - NULL when the folder or the group's name cannot be found */
static const char *folder_group(const char *path)
{
    char folder[sizeof((struct order *)0)->path];
    struct gp_buf b = gp_buf_on(folder, sizeof folder);
    const char *slash = strrchr(path, '/');
    struct stat st;
    if (slash != NULL)
        gp_buf_put(&b, (struct gp_str){path, slash == path ? 1 : (size_t)(slash - path)});
    const struct group *found = stat(slash != NULL ? folder : ".", &st) == 0 ? getgrgid(st.st_gid) : NULL;
    return found != NULL ? found->gr_name : NULL;
}

/* find_group - whom the daemons are in; a configuration may still lack the key that is made here: then whom the keys'
 * folder is for
 */
static bool find_group(const struct gp_ctl *ctl, struct order *o)
{
    struct gp_faults faults;
    struct gp_buf b = gp_buf_on(o->group, sizeof o->group);
    if (geteuid() != 0)
        return true;
    gp_faults_init(&faults);
    struct gp_config *c = gp_config_load(ctl->path, &faults);
    const char *group = c != NULL ? c->group : folder_group(o->path);
    gp_buf_putz(&b, group != NULL ? group : "");
    gp_config_free(c);
    gp_faults_free(&faults);
    const struct group *found = getgrnam(o->group);
    if (found == NULL)
        gp_ctl_error("there is no group %s, which the daemons would read the key as; no key was made", o->group);
    else
        o->gid = found->gr_gid;
    return found != NULL;
}

/* write_key - a new file, readable as the daemons need it and no further; nothing is left of it on an error (told) */
static bool write_key(const struct order *o, const char *pem)
{
    bool grouped = o->group[0] != '\0';
    int fd = open(o->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 && errno == EEXIST) {
        gp_ctl_error("%s is there already; it was left as it is, choose another --selector or --out", o->path);
        return false;
    }
    if (fd < 0) {
        gp_ctl_error("cannot make %s: %s", o->path, strerror(errno));
        return false;
    }
    bool good = fchmod(fd, grouped ? 0640 : 0600) == 0 && (!grouped || fchown(fd, 0, o->gid) == 0) &&
                gp_write_all(fd, pem, strlen(pem)) && fsync(fd) == 0;
    int why = errno;
    if (close(fd) != 0 && good) {
        why = errno;
        good = false;
    }
    if (!good) {
        gp_ctl_error("cannot write %s: %s", o->path, strerror(why));
        unlink(o->path);
    }
    return good;
}

static void print_key(const struct order *o, const struct gp_dkim_key *key)
{
    char zone[GP_DKIM_RECORD_MAX + 512];
    gp_dkim_key_zone(key, zone);
    printf("; %s: %s, for its owner%s%s\n%s\n", key->path, type_texts[key->type],
           o->group[0] != '\0' ? " and group " : "", o->group, zone);
    printf("; Publish this record. When the DNS shows it, name the key in gatepost.conf (the relay's own) or in the\n"
           "; agency's group, then gatepostctl check and gatepostctl reload:\n"
           ";   dkim = ( { domain = \"%s\"  selector = \"%s\"  key = \"%s\" } )\n",
           key->domain, key->selector, key->path);
    puts("; Of several keys of one type the first signs. To rotate: publish the new record, put the new entry first,\n"
         "; reload, and take the old record away when no mail signed with it is under way any more, after a week say.");
}

int gp_ctl_dkim_new(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    struct order o = {0};
    char pem[GP_DKIM_PEM_MAX] = "";
    struct gp_faults faults;
    struct gp_dkim_key key = {.domain = o.domain, .selector = o.selector};
    int status = GP_CTL_NO;
    const char *wrong = read_order(ctl, args, &o);
    if (wrong != NULL)
        return gp_ctl_misused(ctl, wrong);
    gp_faults_init(&faults);
    if (!find_group(ctl, &o))
        goto out;
    if (!gp_dkim_key_make(o.type, pem)) {
        gp_ctl_error("OpenSSL made no key");
        goto out;
    }
    if (!write_key(&o, pem))
        goto out;
    key.path = realpath(o.path, NULL);
    if (key.path != NULL && gp_dkim_key_load(&key, &faults)) {
        print_key(&o, &key);
        status = GP_CTL_OK;
    }
    gp_ctl_faults_print(&faults, false);
out:
    key.domain = key.selector = NULL; /* they are o's */
    gp_dkim_key_free(&key);
    gp_faults_free(&faults);
    OPENSSL_cleanse(pem, sizeof pem);
    return status;
}
