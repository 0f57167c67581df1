/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * message.h - what a message in a file says of itself: its From domain, its return path, its signatures
 *
 * The file is foreign: bounded, and nothing in it is believed. Addresses are read by GMime; the body is not read. One
 * thread.
 */
#ifndef GP_CTL_MESSAGE_H
#define GP_CTL_MESSAGE_H

#include "shared/address.h"
#include "shared/config.h"

#define GP_CTL_MESSAGE_MAX (1024 * 1024) /* octets of all headers together */
#define GP_CTL_SIGNATURES_MAX 32         /* further ones are counted, not kept */

struct gp_ctl_signature {
    char domain[GP_DOMAIN_MAX + 1]; /* d= and s=, lower case; "" when missing or no name */
    char selector[GP_DOMAIN_MAX + 1];
};

struct gp_ctl_message {
    unsigned from_headers;
    char from[GP_DOMAIN_MAX + 1]; /* domain of all addresses of the one From header, as the DNS has it; else "" */
    bool returned;                /* has a Return-Path */
    char return_path[GP_DOMAIN_MAX + 1]; /* its domain; "" for null and what is no address */
    char source[GP_AGENCY_NAME_MAX + 1]; /* of X-Gatepost-Source; "" when there is none */
    size_t signatures;                   /* DKIM-Signature headers; GP_CTL_SIGNATURES_MAX of them are kept */
    struct gp_ctl_signature signature[GP_CTL_SIGNATURES_MAX];
};

/* gp_ctl_message_read - "-" is standard input. Returns false (told) when it cannot be read, or has no headers. */
bool gp_ctl_message_read(const char *path, struct gp_ctl_message *out);

/* gp_ctl_message_parse - the headers alone: n octets, without NULs */
void gp_ctl_message_parse(const char *headers, size_t n, struct gp_ctl_message *out);

#endif
