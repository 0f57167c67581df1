/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * limit.c - gatepostctl limit set, limit clear: an agency's limits changed live
 */
#include "ctl/verbs.h"

#include "ctl/change.h"
#include "ctl/nearest.h"
#include "ctl/output.h"
#include "shared/clock.h"

/* The limit of this name, if it may be changed live; GP_LIMIT_COUNT (told) when not, with the exit status in *status.
 */
static enum gp_limit_name live_limit(const struct gp_ctl *ctl, const char *text, int *status)
{
    enum gp_limit_name name = gp_limit_find(gp_str_z(text));
    struct gp_ctl_nearest found = {0};
    char near[256], wrong[512];
    if (name != GP_LIMIT_COUNT && gp_limit_live(name))
        return name;
    if (name != GP_LIMIT_COUNT) {
        gp_ctl_error("%s cannot be changed live; set it in the configuration file", text);
        *status = GP_CTL_NO;
        return GP_LIMIT_COUNT;
    }
    struct gp_buf b = gp_buf_on(wrong, sizeof wrong);
    for (enum gp_limit_name i = 0; i < GP_LIMIT_COUNT; i++)
        gp_ctl_nearest(&found, text, gp_limit_label(i));
    gp_ctl_nearest_text(&found, near);
    gp_buf_putz(&b, "there is no limit \"");
    gp_buf_put_escaped(&b, gp_str_z(text));
    gp_buf_printf(&b, "\"%s", found.n > 0 ? near : "; gatepostctl limits AGENCY lists them");
    *status = gp_ctl_misused(ctl, wrong);
    return GP_LIMIT_COUNT;
}

/* Is the value one that the limit can have? What a wrong one gives is told. */
static int check_value(const struct gp_ctl *ctl, enum gp_limit_name name, const char *value, struct gp_limits *limits)
{
    char wrong[512];
    struct gp_buf b = gp_buf_on(wrong, sizeof wrong);
    const char *right = gp_limit_set(limits, name, gp_str_z(value));
    if (right == NULL)
        return GP_CTL_OK;
    gp_buf_printf(&b, "%s cannot be \"", gp_limit_label(name));
    gp_buf_put_escaped(&b, gp_str_z(value));
    gp_buf_printf(&b, "\": %s", right);
    return gp_ctl_misused(ctl, wrong);
}

static bool below_ceiling(const struct gp_ctl *ctl, enum gp_limit_name name, const struct gp_limits *limits)
{
    struct gp_limits ceiling = gp_limits_default;
    char text[GP_LIMIT_TEXT_MAX];
    if (name != GP_LIMIT_MESSAGE_SIZE || limits->message_size <= ctl->config->message_size_ceiling)
        return true;
    ceiling.message_size = ctl->config->message_size_ceiling;
    gp_limit_text(&ceiling, GP_LIMIT_MESSAGE_SIZE, text);
    gp_ctl_error("message_size may be at most message_size_ceiling, which is %s", text);
    return false;
}

int gp_ctl_limit_set(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    int status;
    struct gp_limits limits = gp_limits_default;
    enum gp_limit_name name = live_limit(ctl, args->arg[1], &status);
    if (name == GP_LIMIT_COUNT)
        return status;
    status = check_value(ctl, name, args->arg[2], &limits);
    if (status != GP_CTL_OK)
        return status;
    if (!gp_ctl_config(ctl) || !below_ceiling(ctl, name, &limits))
        return GP_CTL_NO;
    const struct gp_agency *agency = gp_ctl_agency(ctl, args->arg[0]);
    if (agency == NULL)
        return GP_CTL_NO;
    struct gp_ctl_target target = gp_ctl_target_of(agency);
    char key[GP_KEY_MAX], what[512], lasts[GP_CTL_TIME_TEXT], until[GP_CTL_TIME_TEXT];
    struct gp_buf b = gp_buf_on(what, sizeof what);
    uint32_t for_s = args->for_s > 0 ? args->for_s : GP_CTL_FOR_DEFAULT_S;
    gp_ctl_duration_text(for_s, lasts);
    gp_buf_printf(&b, "%s %s %s for %s", agency->name, gp_limit_label(name), args->arg[2], lasts);
    gp_key_limit(key, ctl->config->counters_prefix, agency->name, name);
    if (gp_ctl_put(ctl, &target, key, args->arg[2], for_s, what, args->reason) != GP_CTL_DONE)
        return GP_CTL_NO;
    gp_ctl_time_text(gp_clock_wall_ms() + for_s * UINT64_C(1000), until);
    printf("%s: %s is %s until %s\n", agency->name, gp_limit_label(name), args->arg[2], until);
    return GP_CTL_OK;
}

int gp_ctl_limit_clear(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    int status;
    enum gp_limit_name name = live_limit(ctl, args->arg[1], &status);
    if (name == GP_LIMIT_COUNT)
        return status;
    if (!gp_ctl_config(ctl))
        return GP_CTL_NO;
    const struct gp_agency *agency = gp_ctl_agency(ctl, args->arg[0]);
    if (agency == NULL)
        return GP_CTL_NO;
    struct gp_ctl_target target = gp_ctl_target_of(agency);
    char key[GP_KEY_MAX], what[128], text[GP_LIMIT_TEXT_MAX];
    struct gp_buf b = gp_buf_on(what, sizeof what);
    gp_buf_printf(&b, "%s %s", agency->name, gp_limit_label(name));
    gp_key_limit(key, ctl->config->counters_prefix, agency->name, name);
    enum gp_ctl_done done = gp_ctl_remove(ctl, &target, key, what, args->reason);
    if (done == GP_CTL_ABSENT)
        gp_ctl_error("%s has no live %s; nothing was changed", agency->name, gp_limit_label(name));
    if (done != GP_CTL_DONE)
        return GP_CTL_NO;
    gp_limit_text(&agency->limits, name, text);
    printf("%s: %s is %s again\n", agency->name, gp_limit_label(name), text);
    return GP_CTL_OK;
}
