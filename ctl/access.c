/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * access.c - can the daemons reach what the configuration names?
 *
 * A child becomes their user and tries; what fails comes back through a pipe.
 */
#include "ctl/access.h"

#include "shared/str.h"

#include <errno.h>
#include <grp.h>
#include <libconfig.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define GROUPS_MAX 256

/* What the units give beside the user's own groups: memcached's socket, the mail log. */
static const char *const unit_groups[] = {"memcache", "adm", "systemd-journal"};

struct warning {
    char file[1024];
    unsigned line;
    char text[GP_FAULT_TEXT_MAX];
};

struct trying {
    const struct gp_config *c;
    config_t tree; /* for the lines of its settings */
    int out;
};

static unsigned line_of(const config_t *tree, const char *key)
{
    const config_setting_t *s = config_lookup(tree, key);
    return s != NULL ? config_setting_source_line(s) : 0;
}

static void warn(const struct trying *t, const char *file, unsigned line, const char *key, const char *path, int mode)
{
    struct warning w = {.line = line};
    struct gp_buf name = gp_buf_on(w.file, sizeof w.file), text = gp_buf_on(w.text, sizeof w.text);
    int error = errno;
    gp_buf_putz(&name, file);
    gp_buf_printf(&text, "%s: user %s, group %s cannot %s ", key, t->c->user, t->c->group,
                  (mode & W_OK) != 0 ? "write" : "read");
    gp_buf_put_escaped(&text, gp_str_z(path));
    gp_buf_printf(&text, ": %s", strerror(error));
    (void)!write(t->out, &w, sizeof w); /* less than a pipe's buffer takes at once */
}

/* A setting of gatepost.conf; absent: it need not be there. */
static void try_path(const struct trying *t, const char *key, const char *path, int mode, bool absent)
{
    if (access(path, mode) != 0 && !(absent && errno == ENOENT))
        warn(t, t->c->path, line_of(&t->tree, key), key, path, mode);
}

static void try_folder_of(const struct trying *t, const char *key, const char *path)
{
    char folder[4096];
    struct gp_buf b = gp_buf_on(folder, sizeof folder);
    const char *slash = strrchr(path, '/');
    gp_buf_put(&b, (struct gp_str){path, slash == NULL ? 0 : (size_t)(slash - path)});
    try_path(t, key, slash == NULL ? "." : slash == path ? "/" : folder, W_OK | X_OK, false);
}

static void try_listen(const struct trying *t, const char *key, const char *place)
{
    if (gp_str_starts_nocase(gp_str_z(place), GP_STR("unix:")))
        try_folder_of(t, key, place + 5);
}

static void try_keys(const struct trying *t, const struct gp_dkim_key *key, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (access(key[i].path, R_OK) != 0)
            warn(t, key[i].file, key[i].line, "dkim", key[i].path, R_OK);
    }
}

static void try_all(const struct trying *t)
{
    const struct gp_config *c = t->c;
    try_path(t, "token_keys", c->token_keys, R_OK, false);
    try_keys(t, c->dkim, c->dkim_n);
    for (size_t i = 0; i < c->agencies_n; i++)
        try_keys(t, c->agency[i].dkim, c->agency[i].dkim_n);
    for (size_t i = 0; i < c->counters.n; i++) {
        if (c->counters.v[i][0] == '/')
            try_path(t, "counters", c->counters.v[i], R_OK | W_OK, true);
    }
    try_folder_of(t, "database", c->database);
    try_path(t, "database", c->database, R_OK | W_OK, true);
    if (access(c->archive, F_OK) == 0 || errno != ENOENT)
        try_path(t, "archive", c->archive, W_OK | X_OK, false);
    else
        try_folder_of(t, "archive", c->archive); /* the daemon makes it */
    if (c->mail_log[0] == '/')
        try_path(t, "mail_log", c->mail_log, R_OK, true);
    try_listen(t, "policy_listen", c->policy_listen);
    try_listen(t, "milter_listen", c->milter_listen);
    try_listen(t, "feedback_listen", c->feedback_listen);
}

static bool become(const struct passwd *user, gid_t group)
{
    gid_t groups[GROUPS_MAX];
    int n = GROUPS_MAX - (int)(sizeof unit_groups / sizeof unit_groups[0]);
    if (getgrouplist(user->pw_name, group, groups, &n) < 0)
        return false;
    for (size_t i = 0; i < sizeof unit_groups / sizeof unit_groups[0]; i++) {
        const struct group *g = getgrnam(unit_groups[i]);
        if (g != NULL)
            groups[n++] = g->gr_gid;
    }
    return setgroups((size_t)n, groups) == 0 && setgid(group) == 0 && setuid(user->pw_uid) == 0;
}

static void try_as(struct trying *t, const struct passwd *user, gid_t group, struct gp_faults *faults)
{
    int ends[2];
    struct warning w;
    if (pipe(ends) != 0)
        return;
    pid_t child = fork();
    if (child == 0) {
        t->out = ends[1];
        if (become(user, group))
            try_all(t);
        _exit(0);
    }
    close(ends[1]);
    while (read(ends[0], &w, sizeof w) == sizeof w)
        gp_warning(faults, w.file, w.line, "%s", w.text);
    close(ends[0]);
    if (child > 0)
        waitpid(child, NULL, 0);
}

void gp_ctl_access(const struct gp_config *c, struct gp_faults *faults)
{
    struct trying t = {.c = c};
    struct stat st;
    char shown[GP_FAULT_TEXT_MAX];
    struct gp_buf b = gp_buf_on(shown, sizeof shown);
    const struct passwd *user = getpwnam(c->user);
    const struct group *group = getgrnam(c->group);
    config_init(&t.tree);
    (void)config_read_file(&t.tree, c->path); /* it was read just now */
    if (user == NULL)
        gp_warning(faults, c->path, line_of(&t.tree, "user"), "user: there is no user \"%s\"", c->user);
    if (group == NULL)
        gp_warning(faults, c->path, line_of(&t.tree, "group"), "group: there is no group \"%s\"", c->group);
    if (c->mail_log[0] == '/' && stat(c->mail_log, &st) != 0 && errno == ENOENT) {
        gp_buf_put_escaped(&b, gp_str_z(c->mail_log));
        gp_warning(faults, c->path, line_of(&t.tree, "mail_log"),
                   "mail_log: there is no file %s; gatepost-feedback waits for it", shown);
    }
    if (user != NULL && group != NULL && geteuid() == 0)
        try_as(&t, user, group->gr_gid, faults);
    config_destroy(&t.tree);
}
