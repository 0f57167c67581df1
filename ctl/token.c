/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * token.c - gatepostctl token show, token new-key: what a token says, and a key to make tokens with
 */
#include "ctl/output.h"
#include "ctl/verbs.h"
#include "shared/clock.h"
#include "shared/token.h"
#include "shared/usage.h"

static const char *const state_text[] = {[GP_TOKEN_VALID] = "valid",
                                         [GP_TOKEN_EXPIRED] = "expired",
                                         [GP_TOKEN_MALFORMED] = "malformed",
                                         [GP_TOKEN_FORGED] = "forged"};

static const char *type_text(enum gp_token_type type)
{
    switch (type) {
    case GP_TOKEN_BOUNCE:
        return "bounce";
    case GP_TOKEN_UNSUBSCRIBE:
        return "unsubscribe";
    case GP_TOKEN_FEEDBACK:
        return "feedback";
    case GP_TOKEN_REPLY:
        return "reply";
    case GP_TOKEN_SEALED:
        return "sealed";
    }
    return "unknown";
}

static void put_hex(json_t *o, const char *key, const uint8_t *octets, size_t n)
{
    char text[64];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    for (size_t i = 0; i < n; i++)
        gp_buf_printf(&b, "%02x", octets[i]);
    json_object_set_new(o, key, json_string(text));
}

static void put_text(json_t *o, const char *key, struct gp_str s)
{
    char text[1100];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    gp_ctl_put_clean(&b, s);
    json_object_set_new(o, key, json_string(text));
}

static void put_day(json_t *o, const char *key, uint32_t day)
{
    char text[GP_CTL_TIME_TEXT];
    gp_ctl_day_text(day, text);
    json_object_set_new(o, key, json_string(text));
}

static void describe_short(const struct gp_config *c, const struct gp_token_short *t, json_t *o)
{
    const struct gp_agency *agency = gp_config_by_token(c, t->key_id, t->agency);
    json_object_set_new(o, "type", json_string(type_text(t->type)));
    put_day(o, "day", t->day);
    if (t->type == GP_TOKEN_BOUNCE)
        put_day(o, "valid_through", t->day + GP_TOKEN_BOUNCE_DAYS);
    if (t->type == GP_TOKEN_FEEDBACK)
        put_day(o, "valid_through", t->day + GP_TOKEN_FEEDBACK_DAYS);
    if (agency != NULL)
        json_object_set_new(o, "agency", json_string(agency->name));
    put_hex(o, "agency_hash", t->agency, sizeof t->agency);
    json_object_set_new(o, "key", json_integer(t->key_id));
    put_hex(o, "recipient_hash", t->recipient, sizeof t->recipient);
    put_hex(o, "id", t->id, sizeof t->id);
}

static enum gp_token_state show_short(const struct gp_config *c, struct gp_str local, struct gp_str domain, json_t *o)
{
    struct gp_token_short token;
    struct gp_str ours = gp_str_z(c->return_path);
    enum gp_token_state state = GP_TOKEN_FORGED;
    uint32_t today = gp_usage_day(gp_clock_wall_ms());
    if (gp_str_eq_nocase(domain, ours))
        state = gp_token_verify(&c->keyring, local, ours, today, &token);
    else
        gp_ctl_error("the domain is not return_path, which is %s: no token of ours is there", c->return_path);
    json_object_set_new(o, "form", json_string("short"));
    json_object_set_new(o, "state", json_string(state_text[state]));
    if (state == GP_TOKEN_VALID || state == GP_TOKEN_EXPIRED)
        describe_short(c, &token, o);
    return state;
}

static enum gp_token_state show_sealed(const struct gp_config *c, struct gp_str text, json_t *o)
{
    char buf[GP_TOKEN_SEALED_MAX];
    struct gp_token_sealed token;
    enum gp_token_state state = gp_token_open(&c->keyring, text, buf, &token);
    json_object_set_new(o, "form", json_string("sealed"));
    json_object_set_new(o, "state", json_string(state_text[state]));
    if (state != GP_TOKEN_VALID)
        return state;
    json_object_set_new(o, "type", json_string(type_text(GP_TOKEN_SEALED)));
    put_day(o, "day", token.day);
    put_text(o, "agency", token.agency);
    json_object_set_new(o, "key", json_integer(token.key_id));
    put_text(o, "recipient", token.recipient);
    put_text(o, "message", token.message);
    put_text(o, "stream", token.stream);
    return state;
}

static void print_text(json_t *o)
{
    const char *key;
    json_t *value;
    json_object_foreach(o, key, value)
    {
        if (json_is_integer(value))
            printf("%-15s%" JSON_INTEGER_FORMAT "\n", key, json_integer_value(value));
        else
            printf("%-15s%s\n", key, json_string_value(value));
    }
}

int gp_ctl_token_show(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    struct gp_str text = gp_str_z(args->arg[0]);
    size_t at = text.n;
    enum gp_token_state state;
    if (!gp_ctl_config(ctl))
        return GP_CTL_NO;
    while (at > 0 && text.p[at - 1] != '@')
        at--;
    json_t *o = json_object();
    if (at > 0)
        state = show_short(ctl->config, (struct gp_str){text.p, at - 1}, (struct gp_str){text.p + at, text.n - at}, o);
    else if (text.n == GP_TOKEN_SHORT)
        state = show_short(ctl->config, text, gp_str_z(ctl->config->return_path), o);
    else
        state = show_sealed(ctl->config, text, o);
    if (args->json)
        gp_ctl_json_print(json_incref(o), stdout);
    else
        print_text(o);
    json_decref(o);
    return state == GP_TOKEN_VALID || state == GP_TOKEN_EXPIRED ? GP_CTL_OK : GP_CTL_NO;
}

int gp_ctl_token_new_key(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    uint64_t id = 0;
    char line[80];
    if (args->n > 0 && !gp_str_u64(gp_str_z(args->arg[0]), GP_KEYS_MAX - 1, &id))
        return gp_ctl_misused(ctl, "ID must be a number from 0 to 7 that the key file does not have yet");
    if (!gp_keyring_line((unsigned)id, line)) {
        gp_ctl_error("the system gave no random octets; no key was made");
        return GP_CTL_NO;
    }
    puts(line);
    return GP_CTL_OK;
}
