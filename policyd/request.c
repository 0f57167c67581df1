/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * request.c - one request of Postfix's policy delegation protocol, from octets to a struct
 */
#include "policyd/request.h"

enum attribute { REQUEST, STATE, CLIENT, PROFILE, SENDER, RECIPIENT, QUEUE_ID, LOGIN, ATTRIBUTES };

static const struct gp_str attribute_name[] = {
    [REQUEST] = GP_STR("request"),        [STATE] = GP_STR("protocol_state"), [CLIENT] = GP_STR("client_address"),
    [PROFILE] = GP_STR("policy_context"), [SENDER] = GP_STR("sender"),        [RECIPIENT] = GP_STR("recipient"),
    [QUEUE_ID] = GP_STR("queue_id"),      [LOGIN] = GP_STR("sasl_username"),
};
_Static_assert(sizeof attribute_name / sizeof attribute_name[0] == ATTRIBUTES, "an attribute without a name");

static const struct {
    struct gp_str state;
    enum gp_stage stage;
} stages[] = {
    {GP_STR("CONNECT"), GP_STAGE_CONNECT},
    {GP_STR("XCLIENT"), GP_STAGE_CONNECT},
    {GP_STR("RCPT"), GP_STAGE_RCPT},
};

static const char *const stage_label[] = {
    [GP_STAGE_OTHER] = "OTHER",
    [GP_STAGE_CONNECT] = "CONNECT",
    [GP_STAGE_RCPT] = "RCPT",
};
_Static_assert(sizeof stage_label / sizeof stage_label[0] == GP_STAGE_COUNT, "a stage without a label");

const char *gp_stage_label(enum gp_stage stage)
{
    return stage_label[stage];
}

static enum gp_stage stage_of(struct gp_str state)
{
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        if (gp_str_eq(stages[i].state, state))
            return stages[i].stage;
    }
    return GP_STAGE_OTHER;
}

static enum attribute attribute_of(struct gp_str name)
{
    enum attribute a = 0;
    while (a < ATTRIBUTES && !gp_str_eq(attribute_name[a], name))
        a++;
    return a;
}

/* One line into values[]; seen has a bit for every attribute of ours met so far. */
static const char *line_parse(struct gp_str line, struct gp_str values[ATTRIBUTES], unsigned *seen)
{
    size_t equals = gp_str_find(line, '=');
    if (equals == line.n)
        return "a line without '='";
    if (equals == 0)
        return "an attribute without a name";
    enum attribute a = attribute_of((struct gp_str){line.p, equals});
    if (a == ATTRIBUTES)
        return NULL;
    if ((*seen & 1U << a) != 0)
        return "an attribute that stands twice";
    *seen |= 1U << a;
    values[a] = (struct gp_str){line.p + equals + 1, line.n - equals - 1};
    return NULL;
}

const char *gp_request_parse(struct gp_str raw, struct gp_request *out)
{
    struct gp_str values[ATTRIBUTES] = {{NULL, 0}}, line;
    unsigned seen = 0;
    if (raw.n == 0)
        return "an empty request";
    if (gp_str_find(raw, '\0') != raw.n)
        return "a NUL";
    if (raw.p[raw.n - 1] == '\n')
        raw.n--;
    while (gp_str_split(&raw, '\n', &line)) {
        const char *why = line_parse(line, values, &seen);
        if (why != NULL)
            return why;
    }
    if (!gp_str_eq(values[REQUEST], GP_STR("smtpd_access_policy")))
        return "not request=smtpd_access_policy";
    *out = (struct gp_request){
        .stage = stage_of(values[STATE]),
        .client = values[CLIENT],
        .profile = values[PROFILE],
        .sender = values[SENDER],
        .recipient = values[RECIPIENT],
        .queue_id = values[QUEUE_ID],
        .login = values[LOGIN],
    };
    return NULL;
}
