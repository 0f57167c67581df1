/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rules.c - who may send, and how much: the table of admission rules
 */
#include "policyd/rules.h"

#include "policyd/destination.h"
#include "shared/live.h"
#include "shared/sessions.h"
#include "shared/usage.h"

#include <string.h>

/* A rule returns whether it has an opinion, and then says in *out which. */
typedef bool judge_fn(const struct gp_facts *f, struct gp_ruling *out);

struct rule {
    const char *name;
    unsigned wants; /* GP_WANT bits of what judge reads */
    judge_fn *judge;
};

#define RULES_MAX 12

struct stage_rules {
    enum gp_decision otherwise;
    enum gp_acting acting;
    const struct rule *rules[RULES_MAX]; /* ends with NULL */
};

struct gp_profile {
    const char *name;
    struct stage_rules stage[GP_STAGE_COUNT];
};

static bool refuse(struct gp_ruling *out, enum gp_reason reason, struct gp_str detail)
{
    out->decision = GP_REFUSE;
    out->verdict = gp_verdict_of(reason, detail);
    return true;
}

static bool found(const struct gp_facts *f, enum gp_want want)
{
    return f->item[want]->state == GP_FOUND;
}

static struct gp_str value(const struct gp_facts *f, enum gp_want want)
{
    return (struct gp_str){f->item[want]->value, f->item[want]->n};
}

static bool judge_listed(const struct gp_facts *f, struct gp_ruling *out)
{
    return f->agency == NULL && refuse(out, GP_NOT_PERMITTED, GP_STR(""));
}

static bool judge_login(const struct gp_facts *f, struct gp_ruling *out)
{
    return f->request->login.n == 0 && refuse(out, GP_LOGIN_REQUIRED, GP_STR(""));
}

/* By name: an agency acting in a test window is still that agency. */
static bool judge_same(const struct gp_facts *f, struct gp_ruling *out)
{
    bool same = f->login != NULL && strcmp(f->login->name, f->agency->name) == 0;
    return !same && refuse(out, GP_NOT_PERMITTED, GP_STR(""));
}

static bool judge_block(const struct gp_facts *f, struct gp_ruling *out)
{
    const struct gp_block *b = NULL;
    if (f->agency != NULL)
        b = gp_blocks_find(f->blocks, gp_str_z(f->agency->name));
    if (b == NULL)
        b = gp_blocks_find(f->blocks, gp_str_z(f->client));
    return b != NULL && refuse(out, GP_BLOCKED, gp_str_z(b->reason));
}

static bool judge_agency_block(const struct gp_facts *f, struct gp_ruling *out)
{
    return found(f, GP_WANT_BLOCK_AGENCY) && refuse(out, GP_BLOCKED_TEMPORARILY, value(f, GP_WANT_BLOCK_AGENCY));
}

static bool judge_address_block(const struct gp_facts *f, struct gp_ruling *out)
{
    return found(f, GP_WANT_BLOCK_ADDRESS) && refuse(out, GP_BLOCKED_TEMPORARILY, value(f, GP_WANT_BLOCK_ADDRESS));
}

static bool judge_ban(const struct gp_facts *f, struct gp_ruling *out)
{
    return found(f, GP_WANT_BAN_ADDRESS) && refuse(out, GP_LOGIN_BAN, value(f, GP_WANT_BAN_ADDRESS));
}

static bool judge_ban_here(const struct gp_facts *f, struct gp_ruling *out)
{
    return f->banned_here && refuse(out, GP_LOGIN_BAN, GP_STR(""));
}

static bool judge_pause(const struct gp_facts *f, struct gp_ruling *out)
{
    return found(f, GP_WANT_PAUSE_AGENCY) && refuse(out, GP_PAUSED, value(f, GP_WANT_PAUSE_AGENCY));
}

static bool judge_sessions(const struct gp_facts *f, struct gp_ruling *out)
{
    static const enum gp_limit_name name = GP_LIMIT_SESSIONS;
    struct gp_limits limits = f->agency->limits;
    struct gp_sessions sessions;
    gp_live_overlay(&limits, &name, f->item[GP_WANT_LIMIT_SESSIONS], 1);
    if (!found(f, GP_WANT_SESSIONS) || !gp_sessions_decode(value(f, GP_WANT_SESSIONS), &sessions))
        return false;
    return gp_sessions_open(&sessions, f->now_ms) >= limits.sessions && refuse(out, GP_SESSION_LIMIT, GP_STR(""));
}

static bool judge_usage(const struct gp_facts *f, struct gp_ruling *out)
{
    static const enum gp_limit_name rate = GP_LIMIT_RATE, package = GP_LIMIT_PACKAGE;
    struct gp_limits limits = f->agency->limits;
    struct gp_usage usage;
    gp_live_overlay(&limits, &rate, f->item[GP_WANT_LIMIT_RATE], 1);
    if (f->agency->window == NULL) /* a test window's count is not the agency's package */
        gp_live_overlay(&limits, &package, f->item[GP_WANT_LIMIT_PACKAGE], 1);
    if (!found(f, GP_WANT_USAGE) || !gp_usage_decode(value(f, GP_WANT_USAGE), &usage))
        return false;
    enum gp_reason reason = gp_usage_judge(&usage, &limits, f->now_ms, 1);
    return reason != GP_ACCEPTED && refuse(out, reason, GP_STR(""));
}

static bool judge_forged(const struct gp_facts *f, struct gp_ruling *out)
{
    return gp_destination_of(f->config, f->request->recipient, gp_usage_day(f->now_ms)) == GP_TO_NOBODY &&
           refuse(out, GP_RETURN_FORGED, GP_STR(""));
}

static bool judge_return(const struct gp_facts *f, struct gp_ruling *out)
{
    if (gp_destination_of(f->config, f->request->recipient, gp_usage_day(f->now_ms)) != GP_TO_RETURN_PATH)
        return false;
    out->decision = GP_PERMIT;
    return true;
}

/* On the listener for returned mail nothing else has any business. */
static bool judge_not_ours(const struct gp_facts *f, struct gp_ruling *out)
{
    (void)f;
    return refuse(out, GP_RETURN_FORGED, GP_STR(""));
}

static const struct rule listed = {"listed", 0, judge_listed};
static const struct rule login = {"login", 0, judge_login};
static const struct rule same = {"same-agency", 0, judge_same};
static const struct rule block = {"block", 0, judge_block};
static const struct rule live_block = {"live-block", GP_WANT(GP_WANT_BLOCK_AGENCY), judge_agency_block};
static const struct rule live_block_ip = {"live-block", GP_WANT(GP_WANT_BLOCK_ADDRESS), judge_address_block};
static const struct rule ban_here = {"ban", 0, judge_ban_here};
static const struct rule ban = {"ban", GP_WANT(GP_WANT_BAN_ADDRESS), judge_ban};
static const struct rule paused = {"pause", GP_WANT(GP_WANT_PAUSE_AGENCY), judge_pause};
static const struct rule sessions = {"sessions", GP_WANT(GP_WANT_SESSIONS) | GP_WANT(GP_WANT_LIMIT_SESSIONS),
                                     judge_sessions};
static const struct rule usage = {
    "usage", GP_WANT(GP_WANT_USAGE) | GP_WANT(GP_WANT_LIMIT_RATE) | GP_WANT(GP_WANT_LIMIT_PACKAGE), judge_usage};
static const struct rule forged = {"forged", 0, judge_forged};
static const struct rule to_return = {"return", 0, judge_return};
static const struct rule not_ours = {"forged", 0, judge_not_ours};

/* What a profile asks when a session begins, and of each recipient; who is meant by "the agency" is its first word. */
#define RULES_OF_ADDRESS &listed, &block, &live_block, &live_block_ip, &ban_here, &ban, &paused, &sessions
#define RULES_OF_RECIPIENT &block, &live_block, &live_block_ip, &paused, &forged, &usage

/* The first is what an unknown or missing policy_context means: the strictest that admits anybody. */
static const struct gp_profile profiles[] = {
    {"gatepost-address",
     {[GP_STAGE_CONNECT] = {GP_NEUTRAL, GP_BY_ADDRESS, {RULES_OF_ADDRESS}},
      [GP_STAGE_RCPT] = {GP_PERMIT, GP_BY_ADDRESS, {&listed, RULES_OF_RECIPIENT}}}},
    {"gatepost-login",
     {[GP_STAGE_CONNECT] = {GP_NEUTRAL, GP_BY_NOTHING, {&block, &live_block_ip, &ban_here, &ban}},
      [GP_STAGE_RCPT] = {GP_PERMIT, GP_BY_LOGIN, {&login, &listed, RULES_OF_RECIPIENT}}}},
    {"gatepost-both",
     {[GP_STAGE_CONNECT] = {GP_NEUTRAL, GP_BY_ADDRESS, {RULES_OF_ADDRESS}},
      [GP_STAGE_RCPT] = {GP_PERMIT, GP_BY_ADDRESS, {&login, &listed, &same, RULES_OF_RECIPIENT}}}},
    {"gatepost-return",
     {[GP_STAGE_CONNECT] = {GP_NEUTRAL, GP_BY_NOTHING, {NULL}},
      [GP_STAGE_RCPT] = {GP_NEUTRAL, GP_BY_NOTHING, {&to_return, &not_ours}}}},
};

const struct gp_profile *gp_profile_find(struct gp_str name)
{
    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++) {
        if (gp_str_eq(gp_str_z(profiles[i].name), name))
            return &profiles[i];
    }
    return &profiles[0];
}

const char *gp_profile_name(const struct gp_profile *p)
{
    return p->name;
}

enum gp_acting gp_rules_acting(const struct gp_profile *p, enum gp_stage stage)
{
    return p->stage[stage].acting;
}

unsigned gp_rules_want(const struct gp_profile *p, enum gp_stage stage)
{
    unsigned wants = 0;
    for (const struct rule *const *r = p->stage[stage].rules; *r != NULL; r++)
        wants |= (*r)->wants;
    return wants;
}

/* What is known of all the items that a rule reads: GP_FOUND all answered, GP_ABSENT not asked for, GP_UNKNOWN lost. */
static enum gp_fetch readable(const struct rule *r, const struct gp_facts *f)
{
    for (unsigned w = 0; w < GP_WANT_COUNT; w++) {
        if ((r->wants & GP_WANT(w)) == 0)
            continue;
        if (f->item[w] == NULL)
            return GP_ABSENT;
        if (f->item[w]->state == GP_UNKNOWN)
            return GP_UNKNOWN;
    }
    return GP_FOUND;
}

struct gp_ruling gp_rules_judge(const struct gp_profile *p, const struct gp_facts *f)
{
    const struct stage_rules *stage = &p->stage[f->request->stage];
    struct gp_ruling ruling = {.decision = stage->otherwise};
    for (const struct rule *const *r = stage->rules; *r != NULL; r++) {
        enum gp_fetch can = readable(*r, f);
        bool decided = can == GP_FOUND && (*r)->judge(f, &ruling);
        if (can == GP_UNKNOWN) {
            ruling.lost = true;
            decided = f->config->on_counter_loss == GP_LOSS_CLOSED && refuse(&ruling, GP_INTERNAL, GP_STR(""));
        }
        if (decided) {
            ruling.rule = (*r)->name;
            break;
        }
    }
    return ruling;
}
