/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * classify.c - gatepostctl classify: what a message that came back means, by the very code of the daemon
 *
 * Needs no configuration: without one the dictionaries are those that stand beside the program, at
 * ../share/gatepost/dictionary from its folder, in an installed prefix and in a build folder alike.
 */
#include "ctl/verbs.h"

#include "ctl/output.h"
#include "shared/report/classify.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BESIDE "/../share/gatepost/dictionary"

/* ".../bin/../share/gatepost/dictionary" of the program that runs */
static bool beside_program(char out[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - sizeof BESIDE);
    if (n <= 0)
        return false;
    while (n > 0 && out[n - 1] != '/')
        n--;
    memcpy(out + (n > 0 ? n - 1 : 0), BESIDE, sizeof BESIDE);
    return true;
}

static bool has_dictionary(const char *folder)
{
    bool found = false;
    DIR *d = opendir(folder);
    for (struct dirent *e; d != NULL && !found && (e = readdir(d)) != NULL;) {
        size_t n = strlen(e->d_name);
        found = n > 5 && strcmp(e->d_name + n - 5, ".dict") == 0;
    }
    if (d != NULL)
        closedir(d);
    return found;
}

static bool any_has(const struct gp_strings *folders)
{
    for (size_t i = 0; i < folders->n; i++)
        if (has_dictionary(folders->v[i]))
            return true;
    return false;
}

/* The configuration's folders, if it was named or is there, and has one that exists; else the one beside the program.
 */
static struct gp_dictionary *load(struct gp_ctl *ctl)
{
    struct gp_faults faults;
    struct gp_dictionary *d = NULL;
    char beside[PATH_MAX];
    const char *const lone[] = {beside};
    bool by_default = strcmp(ctl->path, GP_CTL_CONFIG_DEFAULT) == 0;
    if ((!by_default || access(ctl->path, R_OK) == 0) && !gp_ctl_config(ctl))
        return NULL;
    gp_faults_init(&faults);
    if (ctl->config != NULL && any_has(&ctl->config->dictionaries))
        d = gp_dictionary_load((const char *const *)ctl->config->dictionaries.v, ctl->config->dictionaries.n, &faults);
    else if (beside_program(beside))
        d = gp_dictionary_load(lone, 1, &faults);
    gp_ctl_faults_print(&faults, true);
    if (d == NULL)
        gp_ctl_error("there is no dictionary to classify by; dictionaries in the configuration names its folders");
    gp_faults_free(&faults);
    return d;
}

/* One octet more than is looked at, so that a longer message is known to be cut. */
static char *read_all(int fd, size_t *n)
{
    char *text = malloc(GP_REPORT_OCTETS_MAX + 1);
    ssize_t got = text == NULL ? 0 : 1;
    *n = 0;
    while (got > 0 && *n <= GP_REPORT_OCTETS_MAX) {
        got = read(fd, text + *n, GP_REPORT_OCTETS_MAX + 1 - *n);
        *n += got > 0 ? (size_t)got : 0;
    }
    if (got < 0) {
        free(text);
        text = NULL;
    }
    return text;
}

static struct gp_report *read_report(const char *path)
{
    struct gp_report *r = NULL;
    size_t n = 0;
    int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    char *text = fd < 0 ? NULL : read_all(fd, &n);
    if (text != NULL)
        r = gp_report_read((struct gp_str){text, n});
    if (r == NULL) {
        char shown[300];
        struct gp_buf b = gp_buf_on(shown, sizeof shown);
        gp_buf_put_escaped(&b, gp_str_z(path));
        gp_ctl_error("cannot read %s: %s", shown, strerror(errno));
    }
    if (fd > STDIN_FILENO)
        close(fd);
    free(text);
    return r;
}

static void put(json_t *o, const char *key, struct gp_str s)
{
    char text[4 * GP_REPORT_TEXT_MAX + 1];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    gp_ctl_put_clean(&b, s);
    json_object_set_new(o, key, json_string(text));
}

static json_t *recipient_json(const struct gp_report_recipient *p)
{
    json_t *o = json_object();
    put(o, "recipient", p->recipient);
    put(o, "original_recipient", p->original_recipient);
    put(o, "category", gp_str_z(gp_category_name(p->category)));
    put(o, "action", gp_str_z(gp_report_action_name(p->action)));
    put(o, "status", p->status);
    put(o, "reply", p->reply);
    put(o, "diagnostic", p->diagnostic);
    json_object_set_new(o, "suppress", json_boolean(p->suppress));
    put(o, "by", gp_str_z(p->by));
    return o;
}

static json_t *report_json(const struct gp_report *r)
{
    json_t *o = json_object(), *list = json_array();
    put(o, "kind", gp_str_z(gp_report_kind_name(r->kind)));
    for (size_t i = 0; i < r->recipients_n; i++)
        json_array_append_new(list, recipient_json(&r->recipients[i]));
    json_object_set_new(o, "recipients", list);
    if (r->recipients_n == 0)
        put(o, "category", gp_str_z(gp_category_name(r->category)));
    return o;
}

static void print_line(const char *label, struct gp_str s)
{
    char text[4 * GP_REPORT_TEXT_MAX + 1];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    gp_ctl_put_clean(&b, s);
    if (b.n > 0)
        printf("%-13s%s\n", label, text);
}

static void print_recipient(const struct gp_report_recipient *p)
{
    putchar('\n');
    print_line("recipient", p->recipient);
    if (!gp_str_eq(p->recipient, p->original_recipient))
        print_line("originally", p->original_recipient);
    printf("%-13s%s%s\n", "category", gp_category_name(p->category), p->suppress ? ", reason to suppress" : "");
    print_line("decided by", gp_str_z(p->by));
    print_line("action", gp_str_z(gp_report_action_name(p->action)));
    print_line("status", p->status);
    print_line("reply", p->reply);
    print_line("said by", p->remote);
    print_line("diagnostic", p->diagnostic);
}

static void print_report(const struct gp_report *r)
{
    printf("%-13s%s\n", "kind", gp_report_kind_name(r->kind));
    if (r->recipients_n == 0)
        printf("%-13s%s\n", "category", gp_category_name(r->category));
    for (size_t i = 0; i < r->recipients_n; i++)
        print_recipient(&r->recipients[i]);
}

int gp_ctl_classify(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    int status = GP_CTL_NO;
    struct gp_dictionary *d = load(ctl);
    struct gp_report *r = d == NULL ? NULL : read_report(args->arg[0]);
    if (r == NULL)
        goto out;
    gp_classify(d, r);
    if (args->json)
        gp_ctl_json_print(report_json(r), stdout);
    else
        print_report(r);
    status = GP_CTL_OK;
out:
    gp_report_free(r);
    gp_dictionary_free(d);
    return status;
}
