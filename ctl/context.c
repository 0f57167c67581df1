/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * context.c - the configuration, memcached, the database and who is asking
 */
#include "ctl/context.h"

#include "ctl/output.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

void gp_ctl_faults_print(const struct gp_faults *faults, bool warnings)
{
    for (size_t i = 0; i < faults->n; i++) {
        if (!faults->list[i].warning)
            fprintf(stderr, "%s\n", faults->list[i].text);
        else if (warnings)
            fprintf(stderr, "warning: %s\n", faults->list[i].text);
    }
    if (faults->errors > GP_FAULTS_MAX)
        fprintf(stderr, "and more: %zu errors in all\n", faults->errors);
}

bool gp_ctl_config(struct gp_ctl *ctl)
{
    struct gp_faults faults;
    if (ctl->config != NULL)
        return true;
    gp_faults_init(&faults);
    ctl->config = gp_config_load(ctl->path, &faults);
    if (ctl->config == NULL) {
        gp_ctl_faults_print(&faults, false);
        gp_ctl_error("the configuration is faulty; nothing was done");
    }
    gp_faults_free(&faults);
    return ctl->config != NULL;
}

bool gp_ctl_counters(struct gp_ctl *ctl, const char *what)
{
    const struct gp_strings *servers = &ctl->config->counters;
    const char *why = "";
    if (ctl->counters != NULL)
        return true;
    if (servers->n == 0) {
        gp_ctl_error(
            "%s needs memcached, but counters = [] keeps everything inside one milter; name a memcached server "
            "in counters",
            what);
        return false;
    }
    ctl->counters = gp_counters_new((const char *const *)servers->v, servers->n, &why);
    if (ctl->counters == NULL)
        gp_ctl_error("counters: %s", why);
    return ctl->counters != NULL;
}

bool gp_ctl_store(struct gp_ctl *ctl)
{
    char why[256];
    if (ctl->store != NULL)
        return true;
    ctl->store = gp_store_open(ctl->config->database, why);
    if (ctl->store == NULL)
        gp_ctl_error("cannot open the database %s: %s", ctl->config->database, why);
    return ctl->store != NULL;
}

void gp_ctl_close(struct gp_ctl *ctl)
{
    gp_store_close(ctl->store);
    gp_counters_free(ctl->counters);
    gp_config_free(ctl->config);
    *ctl = (struct gp_ctl){0};
}

int gp_ctl_misused(const struct gp_ctl *ctl, const char *wrong)
{
    const char *blank = ctl->verb->synopsis[0] != '\0' ? " " : "";
    gp_ctl_error("%s: %s; usage: gatepostctl %s%s%s", ctl->verb->name, wrong, ctl->verb->name, blank,
                 ctl->verb->synopsis);
    return GP_CTL_USAGE;
}

void gp_ctl_who(char out[64])
{
    struct gp_buf b = gp_buf_on(out, 64);
    const char *sudo = getenv("SUDO_USER");
    const struct passwd *pw = getpwuid(getuid());
    if (getuid() == 0 && sudo != NULL && sudo[0] != '\0')
        gp_buf_put_escaped(&b, gp_str_z(sudo));
    else if (pw != NULL)
        gp_buf_put_escaped(&b, gp_str_z(pw->pw_name));
    else
        gp_buf_printf(&b, "uid %lu", (unsigned long)getuid());
}
