/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * login_message.c - what Dovecot asks and reports: the JSON of its authentication policy protocol
 */
#include "policyd/login_message.h"

#include <jansson.h>

/* A text, or nothing at all; false for another kind of value. */
static bool text_of(const json_t *object, const char *name, struct gp_str *out)
{
    const json_t *value = json_object_get(object, name);
    *out = (struct gp_str){NULL, 0};
    if (value == NULL || json_is_null(value))
        return true;
    if (!json_is_string(value))
        return false;
    *out = (struct gp_str){json_string_value(value), json_string_length(value)};
    return true;
}

static bool truth_of(const json_t *object, const char *name, bool *out)
{
    const json_t *value = json_object_get(object, name);
    *out = json_is_true(value);
    return json_is_boolean(value);
}

static const char *read_object(enum gp_login_command command, const json_t *object, struct gp_login_message *out)
{
    struct gp_str login, remote;
    struct gp_buf name = gp_buf_on(out->login, sizeof out->login);
    if (!json_is_object(object))
        return "no JSON object";
    if (!text_of(object, "login", &login) || !text_of(object, "remote", &remote))
        return "login or remote is no text";
    if (command == GP_LOGIN_REPORT &&
        (!truth_of(object, "success", &out->success) || !truth_of(object, "policy_reject", &out->policy_reject)))
        return "success or policy_reject is no boolean";
    gp_buf_put(&name, (struct gp_str){login.p, login.n < GP_LOGIN_NAME_MAX ? login.n : GP_LOGIN_NAME_MAX});
    out->remote_known = gp_ip_parse(remote, &out->remote);
    return NULL;
}

const char *gp_login_message_parse(enum gp_login_command command, struct gp_str body, struct gp_login_message *out)
{
    *out = (struct gp_login_message){.success = false};
    if (body.n == 0 || body.n > GP_LOGIN_BODY_MAX)
        return "an empty or overlong body";
    json_t *object = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, NULL);
    if (object == NULL)
        return "no JSON";
    const char *why = read_object(command, object, out);
    json_decref(object);
    return why;
}
