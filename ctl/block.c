/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * block.c - gatepostctl block, unblock, pause, resume: who may not send for now, or for good
 *
 * A block for a time is an item in memcached, a permanent one stands in the database.
 */
#include "ctl/verbs.h"

#include "ctl/change.h"
#include "ctl/output.h"
#include "shared/clock.h"

static void block_key(const struct gp_ctl *ctl, const struct gp_ctl_target *t, char key[GP_KEY_MAX])
{
    if (t->is_address)
        gp_key_block_address(key, ctl->config->counters_prefix, &t->ip);
    else
        gp_key_block_agency(key, ctl->config->counters_prefix, t->text);
}

/* Put the item, journal it as "<target> for <duration>", print what holds until when. */
static int hold(struct gp_ctl *ctl, const struct gp_ctl_target *t, const char *key, const char *state, uint32_t for_s,
                const char *reason)
{
    char what[128], lasts[GP_CTL_TIME_TEXT], until[GP_CTL_TIME_TEXT];
    struct gp_buf b = gp_buf_on(what, sizeof what);
    gp_ctl_duration_text(for_s, lasts);
    gp_buf_printf(&b, "%s for %s", t->text, lasts);
    if (gp_ctl_put(ctl, t, key, reason, for_s, what, reason) != GP_CTL_DONE)
        return GP_CTL_NO;
    gp_ctl_time_text(gp_clock_wall_ms() + for_s * UINT64_C(1000), until);
    printf("%s: %s until %s\n", t->text, state, until);
    return GP_CTL_OK;
}

static int block_for_good(struct gp_ctl *ctl, const struct gp_ctl_target *t, const char *reason)
{
    char who[64];
    if (!gp_ctl_store(ctl))
        return GP_CTL_NO;
    gp_ctl_who(who);
    struct gp_change change = gp_ctl_change(ctl, who, t->text, reason);
    if (!gp_store_block(ctl->store, t->text, &change)) {
        gp_ctl_error("%s was not blocked: the database %s refused it: %s", t->text, ctl->config->database,
                     gp_store_error(ctl->store));
        return GP_CTL_NO;
    }
    printf("%s: blocked until it is unblocked\n", t->text);
    return GP_CTL_OK;
}

int gp_ctl_block(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    struct gp_ctl_target t;
    char key[GP_KEY_MAX];
    if (!gp_ctl_config(ctl) || !gp_ctl_target(ctl, args->arg[0], &t))
        return GP_CTL_NO;
    if (!t.is_address && gp_ctl_agency(ctl, t.text) == NULL)
        return GP_CTL_NO;
    if (args->for_s == 0)
        return block_for_good(ctl, &t, args->reason);
    block_key(ctl, &t, key);
    return hold(ctl, &t, key, "blocked", args->for_s, args->reason);
}

/* The permanent block, if there is one. */
static enum gp_ctl_done unblock_durable(struct gp_ctl *ctl, const struct gp_ctl_target *t, const char *reason)
{
    char who[64];
    bool had = false;
    if (!gp_ctl_store(ctl))
        return GP_CTL_FAILED;
    gp_ctl_who(who);
    struct gp_change change = gp_ctl_change(ctl, who, t->text, reason);
    if (!gp_store_unblock(ctl->store, t->text, &change, &had)) {
        gp_ctl_error("%s is still blocked: the database %s refused the change: %s", t->text, ctl->config->database,
                     gp_store_error(ctl->store));
        return GP_CTL_FAILED;
    }
    return had ? GP_CTL_DONE : GP_CTL_ABSENT;
}

/* An item that blocks, if there is one; kind names it in the journal. */
static enum gp_ctl_done unblock_live(struct gp_ctl *ctl, const struct gp_ctl_target *t, const char *key,
                                     const char *kind, const char *reason)
{
    char what[128];
    struct gp_buf b = gp_buf_on(what, sizeof what);
    gp_buf_printf(&b, "%s (%s)", t->text, kind);
    return gp_ctl_remove(ctl, t, key, what, reason);
}

/* The ban, and the failures that led to it: with them the next one would ban the address again. */
static enum gp_ctl_done unban(struct gp_ctl *ctl, const struct gp_ctl_target *t, const char *kind, const char *reason)
{
    char key[GP_KEY_MAX];
    gp_key_ban(key, ctl->config->counters_prefix, &t->ip);
    enum gp_ctl_done done = unblock_live(ctl, t, key, kind, reason);
    gp_key_failures(key, ctl->config->counters_prefix, &t->ip);
    if (done == GP_CTL_DONE)
        gp_counters_delete(ctl->counters, t->group, key);
    return done;
}

int gp_ctl_unblock(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    static const char *const kind[] = {"permanent block", "temporary block", "login ban"};
    enum gp_ctl_done done[3] = {GP_CTL_ABSENT, GP_CTL_ABSENT, GP_CTL_ABSENT};
    struct gp_ctl_target t;
    char key[GP_KEY_MAX];
    int removed = 0, failed = 0;
    if (!gp_ctl_config(ctl) || !gp_ctl_target(ctl, args->arg[0], &t))
        return GP_CTL_NO;
    done[0] = unblock_durable(ctl, &t, args->reason);
    if (ctl->config->counters.n > 0) {
        block_key(ctl, &t, key);
        done[1] = unblock_live(ctl, &t, key, kind[1], args->reason);
        if (t.is_address && done[1] != GP_CTL_FAILED)
            done[2] = unban(ctl, &t, kind[2], args->reason);
    }
    for (int i = 0; i < 3; i++) {
        failed += done[i] == GP_CTL_FAILED;
        removed += done[i] == GP_CTL_DONE;
        if (done[i] == GP_CTL_DONE)
            printf("%s: %s removed\n", t.text, kind[i]);
    }
    if (removed == 0 && failed == 0 && !t.is_address && t.agency == NULL)
        (void)gp_ctl_agency(ctl, t.text); /* says which names there are */
    else if (removed == 0 && failed == 0)
        gp_ctl_error("%s was not blocked; nothing was changed", t.text);
    return removed > 0 && failed == 0 ? GP_CTL_OK : GP_CTL_NO;
}

/* Whom to pause or resume, and the item that does it. */
static bool pause_of(struct gp_ctl *ctl, const char *name, struct gp_ctl_target *t, char key[GP_KEY_MAX])
{
    const struct gp_agency *agency = gp_ctl_config(ctl) ? gp_ctl_agency(ctl, name) : NULL;
    if (agency == NULL)
        return false;
    *t = gp_ctl_target_of(agency);
    gp_key_pause(key, ctl->config->counters_prefix, agency->name);
    return true;
}

int gp_ctl_pause(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    struct gp_ctl_target t;
    char key[GP_KEY_MAX];
    if (!pause_of(ctl, args->arg[0], &t, key))
        return GP_CTL_NO;
    return hold(ctl, &t, key, "paused", args->for_s > 0 ? args->for_s : GP_CTL_FOR_DEFAULT_S, args->reason);
}

int gp_ctl_resume(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    struct gp_ctl_target t;
    char key[GP_KEY_MAX];
    if (!pause_of(ctl, args->arg[0], &t, key))
        return GP_CTL_NO;
    enum gp_ctl_done done = gp_ctl_remove(ctl, &t, key, t.text, args->reason);
    if (done == GP_CTL_ABSENT)
        gp_ctl_error("%s was not paused; nothing was changed", t.text);
    if (done == GP_CTL_DONE)
        printf("%s: resumed\n", t.text);
    return done == GP_CTL_DONE ? GP_CTL_OK : GP_CTL_NO;
}
