/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * settings.c - what of the configuration holds until the daemon is started again
 */
#include "policyd/settings.h"

#include "shared/log.h"

#include <stdlib.h>
#include <string.h>

static const char *const setting_name[] = {
    [GP_SETTING_POLICY_LISTEN] = "policy_listen",
    [GP_SETTING_RUN_DIRECTORY] = "run_directory",
    [GP_SETTING_COUNTERS] = "counters",
    [GP_SETTING_COUNTERS_PREFIX] = "counters_prefix",
    [GP_SETTING_DATABASE] = "database",
    [GP_SETTING_USER] = "user",
    [GP_SETTING_GROUP] = "group",
    [GP_SETTING_LOG] = "log",
};
_Static_assert(sizeof setting_name / sizeof setting_name[0] == GP_SETTING_COUNT, "a setting without a name");

static char *joined(const struct gp_strings *strings)
{
    size_t cap = 1;
    for (size_t i = 0; i < strings->n; i++)
        cap += strlen(strings->v[i]) + 1;
    char *text = malloc(cap);
    if (text == NULL)
        return NULL;
    struct gp_buf b = gp_buf_on(text, cap);
    for (size_t i = 0; i < strings->n; i++) {
        gp_buf_putz(&b, i > 0 ? "," : "");
        gp_buf_putz(&b, strings->v[i]);
    }
    return text;
}

static char *copied(const char *text)
{
    return strdup(text != NULL ? text : "");
}

bool gp_settings_copy(const struct gp_config *c, struct gp_settings *out)
{
    *out = (struct gp_settings){.value = {
                                    [GP_SETTING_POLICY_LISTEN] = copied(c->policy_listen),
                                    [GP_SETTING_RUN_DIRECTORY] = copied(c->run_directory),
                                    [GP_SETTING_COUNTERS] = joined(&c->counters),
                                    [GP_SETTING_COUNTERS_PREFIX] = copied(c->counters_prefix),
                                    [GP_SETTING_DATABASE] = copied(c->database),
                                    [GP_SETTING_USER] = copied(c->user),
                                    [GP_SETTING_GROUP] = copied(c->group),
                                    [GP_SETTING_LOG] = copied(c->log == GP_LOG_SYSLOG ? "syslog" : "stderr"),
                                }};
    for (size_t i = 0; i < GP_SETTING_COUNT; i++) {
        if (out->value[i] == NULL)
            return false;
    }
    return true;
}

void gp_settings_free(struct gp_settings *s)
{
    for (size_t i = 0; i < GP_SETTING_COUNT; i++)
        free(s->value[i]);
}

size_t gp_settings_compare(const struct gp_settings *s, const struct gp_config *c)
{
    struct gp_settings now;
    size_t changed = 0;
    if (gp_settings_copy(c, &now)) {
        for (size_t i = 0; i < GP_SETTING_COUNT; i++) {
            if (strcmp(s->value[i], now.value[i]) == 0)
                continue;
            gp_log(GP_WARN, "reload", "%s: the change needs a restart; until then \"%s\" holds", setting_name[i],
                   s->value[i]);
            changed++;
        }
    }
    gp_settings_free(&now);
    return changed;
}
