/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * change.c - do it in memcached, then write it to the journal
 */
#include "ctl/change.h"

#include "ctl/output.h"
#include "shared/clock.h"

struct gp_change gp_ctl_change(const struct gp_ctl *ctl, const char who[64], const char *what, const char *why)
{
    return (struct gp_change){
        .who = who, .verb = ctl->verb->name, .what = what, .why = why, .when_ms = gp_clock_wall_ms()};
}

/* Is everything there, and does the server of this group answer? A change is tried only then. */
static bool ready(struct gp_ctl *ctl, const char *group, const char *key)
{
    struct gp_item item = {0};
    struct gp_look look = {group, &item, 1};
    struct gp_buf b = gp_buf_on(item.key, sizeof item.key);
    if (!gp_ctl_counters(ctl, ctl->verb->name) || !gp_ctl_store(ctl))
        return false;
    gp_buf_putz(&b, key);
    gp_counters_get(ctl->counters, &look, 1);
    if (item.state == GP_UNKNOWN)
        gp_ctl_error("memcached at %s does not answer; nothing was changed there",
                     gp_counters_server(ctl->counters, group));
    return item.state != GP_UNKNOWN;
}

bool gp_ctl_journal(struct gp_ctl *ctl, const char *what, const char *why)
{
    char who[64];
    gp_ctl_who(who);
    struct gp_change change = gp_ctl_change(ctl, who, what, why);
    if (gp_store_journal(ctl->store, &change))
        return true;
    gp_ctl_error("DONE BUT NOT JOURNALLED: %s %s holds, but the database %s refused the entry: %s", change.verb, what,
                 ctl->config->database, gp_store_error(ctl->store));
    return false;
}

static enum gp_ctl_done unsure(const struct gp_ctl *ctl, const char *group)
{
    gp_ctl_error("memcached at %s did not confirm in time: whether the change happened is not known and it was not "
                 "journalled; look with gatepostctl limits or status, then repeat it",
                 gp_counters_server(ctl->counters, group));
    return GP_CTL_FAILED;
}

enum gp_ctl_done gp_ctl_put(struct gp_ctl *ctl, const struct gp_ctl_target *target, const char *key, const char *value,
                            uint32_t ttl_s, const char *what, const char *why)
{
    if (!ready(ctl, target->group, key))
        return GP_CTL_FAILED;
    if (gp_counters_set(ctl->counters, target->group, key, gp_str_z(value), ttl_s) != GP_PUT_DONE)
        return unsure(ctl, target->group);
    return gp_ctl_journal(ctl, what, why) ? GP_CTL_DONE : GP_CTL_FAILED;
}

enum gp_ctl_done gp_ctl_remove(struct gp_ctl *ctl, const struct gp_ctl_target *target, const char *key,
                               const char *what, const char *why)
{
    if (!ready(ctl, target->group, key))
        return GP_CTL_FAILED;
    enum gp_put put = gp_counters_delete(ctl->counters, target->group, key);
    if (put == GP_PUT_LOST)
        return GP_CTL_ABSENT;
    if (put == GP_PUT_UNKNOWN)
        return unsure(ctl, target->group);
    return gp_ctl_journal(ctl, what, why) ? GP_CTL_DONE : GP_CTL_FAILED;
}
