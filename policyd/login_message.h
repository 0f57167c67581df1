/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * login_message.h - what Dovecot asks and reports: the JSON of its authentication policy protocol (pure; any thread)
 *
 * See auth_policy_request_attributes in Dovecot's manual. Of the default attributes login and remote are read, and of a
 * report success and policy_reject; all others are ignored.
 */
#ifndef GP_POLICYD_LOGIN_MESSAGE_H
#define GP_POLICYD_LOGIN_MESSAGE_H

#include "shared/ip.h"
#include "shared/str.h"

#define GP_LOGIN_BODY_MAX 8192 /* octets of one request's body; Dovecot sends about 200 */
#define GP_LOGIN_NAME_MAX 255  /* octets of a user name that are kept */

enum gp_login_command {
    GP_LOGIN_ALLOW, /* may this be tried, and, once more, did it succeed? */
    GP_LOGIN_REPORT /* how it ended */
};

struct gp_login_message {
    char login[GP_LOGIN_NAME_MAX + 1]; /* as typed, cut; may hold any UTF-8 */
    bool remote_known;                 /* remote was an address; a login from elsewhere has none */
    struct gp_ip remote;
    bool success;
    bool policy_reject; /* refused because allow was answered so */
};

/* gp_login_message_parse - read the body of a request
 * Malformed: no JSON object, one attribute twice, login or remote no text, in a report success or policy_reject no
 * boolean. Returns NULL and sets *out, or a static text that says what is wrong.
 */
const char *gp_login_message_parse(enum gp_login_command command, struct gp_str body, struct gp_login_message *out);

#endif
