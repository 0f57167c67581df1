/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dictionary_load.c - the files of the dictionary folders, in the order of their names
 */
#include "shared/report/dictionary.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
    char name[NAME_MAX + 1];
    char *path, *text;
    size_t n;
};

struct files {
    struct file *list; /* GP_DICTIONARY_FILES_MAX */
    size_t n;
    struct gp_faults *faults;
};

static bool is_dictionary(const char *name)
{
    size_t n = strlen(name);
    return name[0] != '.' && n > 5 && strcmp(name + n - 5, ".dict") == 0;
}

static struct file *named(struct files *f, const char *name)
{
    for (size_t i = 0; i < f->n; i++)
        if (strcmp(f->list[i].name, name) == 0)
            return &f->list[i];
    return NULL;
}

/* A later folder's file takes the place of one of the same name. */
static void add(struct files *f, const char *folder, const char *name)
{
    char *path = NULL;
    struct file *file = named(f, name);
    if (asprintf(&path, "%s/%s", folder, name) < 0) {
        gp_fault(f->faults, folder, 0, "dictionary: no memory");
        return;
    }
    if (file == NULL && f->n == GP_DICTIONARY_FILES_MAX) {
        gp_fault(f->faults, path, 0, "dictionary: one file too many, %d would be right", GP_DICTIONARY_FILES_MAX);
        free(path);
        return;
    }
    if (file == NULL) {
        file = &f->list[f->n++];
        snprintf(file->name, sizeof file->name, "%s", name);
    }
    free(file->path);
    file->path = path;
}

static void list_folder(struct files *f, const char *folder)
{
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        if (errno != ENOENT)
            gp_fault(f->faults, folder, 0, "dictionary: cannot be read: %s", strerror(errno));
        return;
    }
    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        if (is_dictionary(e->d_name))
            add(f, folder, e->d_name);
    closedir(dir);
}

static const char *read_text(int fd, struct file *file)
{
    struct stat st;
    ssize_t got = 1;
    if (fstat(fd, &st) != 0)
        return strerror(errno);
    if (!S_ISREG(st.st_mode))
        return "not a file";
    file->text = malloc(GP_DICTIONARY_FILE_MAX + 1);
    if (file->text == NULL)
        return "no memory";
    while (got > 0 && file->n <= GP_DICTIONARY_FILE_MAX) {
        got = read(fd, file->text + file->n, GP_DICTIONARY_FILE_MAX + 1 - file->n);
        if (got < 0)
            return strerror(errno);
        file->n += (size_t)got;
    }
    return file->n > GP_DICTIONARY_FILE_MAX ? "longer than 1 MiB" : NULL;
}

static void read_file(struct files *f, struct file *file)
{
    int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const char *why = fd < 0 ? strerror(errno) : read_text(fd, file);
    if (why != NULL)
        gp_fault(f->faults, file->path, 0, "dictionary: cannot be read: %s", why);
    if (fd >= 0)
        close(fd);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct file *)a)->name, ((const struct file *)b)->name);
}

struct gp_dictionary *gp_dictionary_load(const char *const *folders, size_t n, struct gp_faults *faults)
{
    struct files f = {.faults = faults, .list = calloc(GP_DICTIONARY_FILES_MAX, sizeof *f.list)};
    struct gp_dictionary_source *sources = calloc(GP_DICTIONARY_FILES_MAX, sizeof *sources);
    struct gp_dictionary *d = NULL;
    size_t errors = faults->errors;
    if (f.list == NULL || sources == NULL)
        goto out;
    for (size_t i = 0; i < n; i++)
        list_folder(&f, folders[i]);
    qsort(f.list, f.n, sizeof *f.list, by_name);
    for (size_t i = 0; i < f.n; i++) {
        read_file(&f, &f.list[i]);
        sources[i] = (struct gp_dictionary_source){f.list[i].name, f.list[i].path, {f.list[i].text, f.list[i].n}};
    }
    d = gp_dictionary_read(sources, f.n, faults);
    if (d == NULL && errors == faults->errors)
        gp_fault(faults, n > 0 ? folders[0] : "dictionaries", 0,
                 "dictionaries: no entry in any file *.dict of these folders, or no memory; the installed ones would "
                 "be right");
    if (errors != faults->errors) {
        gp_dictionary_free(d);
        d = NULL;
    }
out:
    for (size_t i = 0; f.list != NULL && i < f.n; i++) {
        free(f.list[i].path);
        free(f.list[i].text);
    }
    free(f.list);
    free(sources);
    return d;
}
