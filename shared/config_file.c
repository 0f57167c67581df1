/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * config_file.c - which files there are, their bytes, and libconfig's reading of them
 *
 * Bytes are read first and parsed from memory: so size, NUL and @include are judged before libconfig sees them, and
 * a fault can repeat the line it means.
 */
#include "shared/config_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct gp_str gp_conf_line(const struct gp_conf_file *f, unsigned line)
{
    if (line == 0 || line > f->lines)
        return (struct gp_str){0};
    struct gp_str rest = {f->text + f->line_at[line - 1], f->n - f->line_at[line - 1]};
    return gp_str_trim((struct gp_str){rest.p, gp_str_find(rest, '\n')});
}

/* cut_lines - find where lines begin */
static bool cut_lines(struct gp_conf_file *f)
{
    f->lines = 1;
    for (size_t i = 0; i < f->n; i++)
        f->lines += f->text[i] == '\n';
    f->line_at = calloc(f->lines, sizeof *f->line_at);
    if (f->line_at == NULL)
        return false;
    for (size_t i = 0, line = 1; i < f->n; i++) {
        if (f->text[i] == '\n')
            f->line_at[line++] = i + 1;
    }
    return true;
}

/* read_all - the whole of an open regular file; NULL, or what is wrong */
static const char *read_all(int fd, struct gp_conf_file *f)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return "is no regular file, must be one";
    if (st.st_size > (off_t)GP_CONFIG_FILE_MAX)
        return "is too long, must be at most 16 MiB";
    f->text = malloc((size_t)st.st_size + 1);
    if (f->text == NULL)
        return "out of memory";
    while (f->n < (size_t)st.st_size) {
        ssize_t got = read(fd, f->text + f->n, (size_t)st.st_size - f->n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return "cannot be read";
        if (got == 0)
            break;
        f->n += (size_t)got;
    }
    f->text[f->n] = '\0';
    return cut_lines(f) ? NULL : "out of memory";
}

/* unfit - refuse what libconfig would cut short or follow elsewhere; true after a fault */
static bool unfit(struct gp_load *l, const struct gp_conf_file *f)
{
    for (unsigned line = 1; line <= f->lines; line++) {
        struct gp_str s = gp_conf_line(f, line);
        if (gp_str_find(s, '\0') < s.n || memmem(s.p, s.n, "\\x00", 4) != NULL ||
            memmem(s.p, s.n, "\\X00", 4) != NULL) {
            gp_fault(l->faults, f->name, line,
                     "NUL: a zero octet ends a value early, given in this line, "
                     "must be text without it");
            return true;
        }
        if (gp_str_starts_nocase(s, GP_STR("@include"))) {
            gp_fault(l->faults, f->name, line,
                     "@include: not supported, given in this line, "
                     "must be a file of its own in agencies.d");
            return true;
        }
    }
    return false;
}

static bool name_char(char c, bool first)
{
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '*';
    return letter || (!first && ((c >= '0' && c <= '9') || c == '-' || c == '_'));
}

/* only_name - the name that is set in this line, when it is the only one; else empty */
static struct gp_str only_name(struct gp_str s)
{
    struct gp_str name = {0}, last = {0};
    size_t names = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"') {
            for (i++; i < s.n && s.p[i] != '"'; i++)
                i += s.p[i] == '\\';
        } else if (s.p[i] == '#') {
            break;
        } else if (name_char(s.p[i], true)) {
            size_t from = i;
            while (i < s.n && name_char(s.p[i], i == from))
                i++;
            last = (struct gp_str){s.p + from, i - from};
            i--;
        } else if ((s.p[i] == '=' || s.p[i] == ':') && last.n > 0) {
            name = last;
            names++;
        }
    }
    return names == 1 ? name : (struct gp_str){0};
}

/* parse_fault - say what libconfig stopped at */
static void parse_fault(struct gp_load *l, const struct gp_conf_file *f)
{
    char text[GP_GIVEN_MAX];
    struct gp_buf given = gp_buf_on(text, sizeof text);
    unsigned line = config_error_line(&f->tree) > 0 ? (unsigned)config_error_line(&f->tree) : 1;
    const char *why = config_error_text(&f->tree);
    struct gp_str shown = gp_conf_line(f, line);
    struct gp_str name = only_name(shown);
    gp_buf_put_escaped(&given, shown);
    if (why != NULL && strcmp(why, "duplicate setting name") == 0) {
        char key[GP_CONFIG_PATH_MAX];
        struct gp_buf b = gp_buf_on(key, sizeof key);
        if (name.n > 0) {
            gp_buf_put_escaped(&b, name);
            gp_buf_putz(&b, ": ");
        }
        gp_fault(l->faults, f->name, line,
                 "%sduplicate setting, given %s, must stand once in its group (the rest of this file was not checked)",
                 key, text);
        return;
    }
    bool mixed = why != NULL && strcmp(why, "mismatched element type in array") == 0;
    gp_fault(l->faults, f->name, line,
             "%s here or just before, given %s, must be %s (the rest of this file was not checked)",
             why != NULL ? why : "syntax error", shown.n > 0 ? text : "the end of a line",
             mixed ? "a list of texts in quotes" : "name = \"value\" as in gatepost.conf(5)");
}

static void read_file(struct gp_load *l, struct gp_conf_file *f)
{
    int fd = open(f->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        gp_fault(l->faults, f->name, 0, "cannot be opened (%m), must be a readable file");
        return;
    }
    const char *why = read_all(fd, f);
    close(fd);
    if (why != NULL) {
        gp_fault(l->faults, f->name, 0, "%s", why);
        return;
    }
    if (unfit(l, f))
        return;
    config_init(&f->tree);
    f->opened = true;
    f->parsed = config_read_string(&f->tree, f->text) == CONFIG_TRUE;
    if (!f->parsed)
        parse_fault(l, f);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* wanted - *.conf, as a shell's pattern would find it */
static bool wanted(const char *name)
{
    size_t n = strlen(name);
    return name[0] != '.' && n > 5 && strcmp(name + n - 5, ".conf") == 0;
}

/* add_name - one more file; its name must be one that a fault can show as it is */
static bool add_name(struct gp_load *l, const char *folder, const char *name)
{
    struct gp_config_index *x = l->c->index;
    char shown[GP_GIVEN_MAX], *path = NULL;
    struct gp_buf b = gp_buf_on(shown, sizeof shown);
    gp_buf_put_escaped(&b, gp_str_z(name));
    if (strcmp(shown, name) != 0 && folder != NULL) {
        gp_fault(l->faults, folder, 0, "file name with odd characters, given \"%s\", must be short and printable",
                 shown);
        return true;
    }
    char **files = realloc(x->files, (x->files_n + 1) * sizeof *files);
    if (files == NULL)
        return false;
    x->files = files;
    if (asprintf(&path, "%s%s%s", folder != NULL ? folder : "", folder != NULL ? "/" : "", name) < 0)
        return false;
    files[x->files_n++] = path;
    return true;
}

/* list_folder - agencies.d beside path; a folder that is not there holds no agency */
static bool list_folder(struct gp_load *l, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = NULL;
    bool ok = false;
    DIR *d = NULL;
    if (asprintf(&folder, "%.*sagencies.d", slash != NULL ? (int)(slash - path + 1) : 0, path) < 0)
        return false;
    d = opendir(folder);
    if (d == NULL) {
        if (errno != ENOENT)
            gp_fault(l->faults, folder, 0, "cannot be opened (%m), must be a readable folder");
        ok = true;
        goto out;
    }
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (wanted(e->d_name) && !add_name(l, folder, e->d_name))
            goto out;
    }
    qsort(l->c->index->files + 1, l->c->index->files_n - 1, sizeof *l->c->index->files, by_name);
    ok = true;
out:
    if (d != NULL)
        closedir(d);
    free(folder);
    return ok;
}

void gp_config_files(struct gp_load *l, const char *path)
{
    if (!add_name(l, NULL, path) || !list_folder(l, path)) {
        l->no_memory = true;
        return;
    }
    l->files = calloc(l->c->index->files_n, sizeof *l->files);
    if (l->files == NULL) {
        l->no_memory = true;
        return;
    }
    l->files_n = l->c->index->files_n;
    for (size_t i = 0; i < l->files_n; i++) {
        l->files[i].name = l->c->index->files[i];
        read_file(l, &l->files[i]);
    }
}

void gp_config_files_free(struct gp_load *l)
{
    for (size_t i = 0; i < l->files_n; i++) {
        if (l->files[i].opened)
            config_destroy(&l->files[i].tree);
        free(l->files[i].line_at);
        free(l->files[i].text);
    }
    free(l->files);
}
