/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dictionaries.c - the dictionaries in force
 */
#include "feedback/dictionaries.h"

#include "shared/log.h"

#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

struct gp_dictionary_ref {
    struct gp_dictionary *dictionary;
    size_t held; /* under the lock */
};

struct gp_dictionaries {
    pthread_mutex_t lock;
    struct gp_dictionary_ref *current; /* NULL: none; holds itself once */
    uint64_t seen;                     /* what the folders looked like */
    bool looked;
};

struct gp_dictionaries *gp_dictionaries_new(void)
{
    struct gp_dictionaries *d = calloc(1, sizeof *d);
    if (d != NULL)
        pthread_mutex_init(&d->lock, NULL);
    return d;
}

void gp_dictionaries_unref(struct gp_dictionaries *d, struct gp_dictionary_ref *r)
{
    if (r == NULL)
        return;
    pthread_mutex_lock(&d->lock);
    bool last = --r->held == 0;
    pthread_mutex_unlock(&d->lock);
    if (!last)
        return;
    gp_dictionary_free(r->dictionary);
    free(r);
}

void gp_dictionaries_free(struct gp_dictionaries *d)
{
    if (d == NULL)
        return;
    gp_dictionaries_unref(d, d->current);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

struct gp_dictionary_ref *gp_dictionaries_ref(struct gp_dictionaries *d)
{
    pthread_mutex_lock(&d->lock);
    struct gp_dictionary_ref *r = d->current;
    if (r != NULL)
        r->held++;
    pthread_mutex_unlock(&d->lock);
    return r;
}

const struct gp_dictionary *gp_dictionary_of(const struct gp_dictionary_ref *r)
{
    return r->dictionary;
}

/* What one file looks like: another name, size, time or inode makes another number. */
static uint64_t print_of(const char *name, const struct stat *st)
{
    char text[512];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    gp_buf_printf(&b, "%lld.%09ld %lld %llu ", (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
                  (long long)st->st_size, (unsigned long long)st->st_ino);
    gp_buf_putz(&b, name);
    return gp_str_hash(gp_buf_str(&b));
}

/* The sum does not depend on the order in which a folder is read. */
static uint64_t look(const struct gp_strings *folders)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < folders->n; i++) {
        DIR *d = opendir(folders->v[i]);
        struct stat st;
        for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
            if (e->d_name[0] != '.' && fstatat(dirfd(d), e->d_name, &st, 0) == 0)
                sum += print_of(e->d_name, &st);
        }
        if (d != NULL)
            closedir(d);
        sum = sum * 31 + gp_str_hash(gp_str_z(folders->v[i]));
    }
    return sum;
}

static struct gp_dictionary_ref *load(const struct gp_strings *folders)
{
    struct gp_faults faults;
    struct gp_dictionary_ref *r = calloc(1, sizeof *r);
    gp_faults_init(&faults);
    if (r != NULL)
        *r = (struct gp_dictionary_ref){gp_dictionary_load((const char *const *)folders->v, folders->n, &faults), 1};
    for (size_t i = 0; i < faults.n; i++)
        gp_log(faults.list[i].warning ? GP_WARN : GP_ERROR, "dictionary", "%s", faults.list[i].text);
    gp_faults_free(&faults);
    if (r == NULL || r->dictionary != NULL)
        return r;
    free(r);
    return NULL;
}

bool gp_dictionaries_look(struct gp_dictionaries *d, const struct gp_strings *folders)
{
    uint64_t now = look(folders);
    if (d->looked && now == d->seen)
        return d->current != NULL;
    struct gp_dictionary_ref *fresh = load(folders), *old = NULL;
    bool again = d->looked;
    d->looked = true;
    d->seen = now;
    if (fresh == NULL) {
        gp_log(GP_ERROR, "dictionary", "%s",
               d->current != NULL ? "not read; the one in force stays" : "none is in force");
        return d->current != NULL;
    }
    if (again)
        gp_log(GP_INFO, "dictionary", "read again");
    pthread_mutex_lock(&d->lock);
    old = d->current;
    d->current = fresh;
    pthread_mutex_unlock(&d->lock);
    gp_dictionaries_unref(d, old);
    return true;
}
