/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * verb.c - finding a verb's row and reading its options and arguments
 */
#include "ctl/verb.h"

#include "shared/verdict.h"

#include <getopt.h>
#include <string.h>

_Static_assert(GP_CTL_REASON_MAX == GP_DETAIL_MAX, "a journalled reason is the one that clients read");

static const struct option long_options[] = {
    {"reason", required_argument, NULL, 'r'},
    {"for", required_argument, NULL, 'f'},
    {"last", required_argument, NULL, 'n'},
    {"json", no_argument, NULL, 'j'},
    {"verify", no_argument, NULL, 'v'},
    {"csv", no_argument, NULL, 'C'},
    {"ascii", no_argument, NULL, 'U'},
    {"selector", required_argument, NULL, 's'},
    {"type", required_argument, NULL, 't'},
    {"out", required_argument, NULL, 'o'},
    {"ip", required_argument, NULL, 'i'},
    {"sender", required_argument, NULL, 'm'},
    {"server", required_argument, NULL, 'd'},
    {"agency", required_argument, NULL, 'A'},
    {"scope", required_argument, NULL, 'S'},
    {"since", required_argument, NULL, 'T'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* Options whose value a verb reads as it is. */
static const struct {
    int letter;
    unsigned allowed;
    size_t offset;
} texts[] = {
    {'s', GP_CTL_SELECTOR, offsetof(struct gp_ctl_args, selector)},
    {'t', GP_CTL_TYPE, offsetof(struct gp_ctl_args, type)},
    {'o', GP_CTL_OUT, offsetof(struct gp_ctl_args, file)},
    {'i', GP_CTL_IP, offsetof(struct gp_ctl_args, ip)},
    {'m', GP_CTL_SENDER, offsetof(struct gp_ctl_args, sender)},
    {'d', GP_CTL_SERVER, offsetof(struct gp_ctl_args, server)},
    {'A', GP_CTL_AGENCY, offsetof(struct gp_ctl_args, agency)},
    {'S', GP_CTL_SCOPE, offsetof(struct gp_ctl_args, scope)},
    {'T', GP_CTL_SINCE, offsetof(struct gp_ctl_args, since)},
};

/* Options that are there or not. */
static const struct {
    int letter;
    unsigned allowed;
    size_t offset;
} flags[] = {
    {'j', GP_CTL_JSON, offsetof(struct gp_ctl_args, json)},
    {'v', GP_CTL_VERIFY, offsetof(struct gp_ctl_args, verify)},
    {'C', GP_CTL_CSV, offsetof(struct gp_ctl_args, csv)},
    {'U', GP_CTL_ASCII, offsetof(struct gp_ctl_args, ascii)},
};

/* Does the name ("limit set") stand at the start of argv? Returns how many words it took, or 0. */
static int words_match(const char *name, int argc, char **argv)
{
    struct gp_str rest = gp_str_z(name), word;
    int i = 0;
    while (gp_str_split(&rest, ' ', &word)) {
        if (i >= argc || !gp_str_eq(word, gp_str_z(argv[i])))
            return 0;
        i++;
    }
    return i;
}

const struct gp_ctl_verb *gp_ctl_verb_find(const struct gp_ctl_verb *verbs, size_t n, int argc, char **argv, int *words)
{
    for (size_t i = 0; i < n; i++) {
        *words = words_match(verbs[i].name, argc, argv);
        if (*words > 0)
            return &verbs[i];
    }
    return NULL;
}

static const char *read_reason(const char *text, struct gp_ctl_args *out)
{
    struct gp_verdict clean = gp_verdict_of(GP_BLOCKED, gp_str_z(text));
    if (gp_str_trim(gp_str_z(clean.detail)).n == 0)
        return "--reason says nothing; it must name why, for the journal";
    memcpy(out->reason, clean.detail, sizeof out->reason);
    return NULL;
}

static const char *read_for(const char *text, unsigned allowed, struct gp_ctl_args *out)
{
    uint64_t s;
    if ((allowed & GP_CTL_FOR_LONG) != 0) {
        if (!gp_str_seconds(gp_str_z(text), GP_CTL_FOR_LONG_MAX_S, &s) || s == 0)
            return "--for must be a duration from 1s to 3650d such as 12h or 90d; without it there is no end";
    } else if (!gp_str_seconds(gp_str_z(text), GP_CTL_FOR_MAX_S, &s) || s == 0)
        return "--for must be a duration from 1s to 30d such as 90s, 30m, 12h or 2d; what is to last longer goes into "
               "the configuration file";
    out->for_s = (uint32_t)s;
    return NULL;
}

static const char *read_last(const char *text, struct gp_ctl_args *out)
{
    if (!gp_str_u64(gp_str_z(text), GP_CTL_LAST_MAX, &out->last) || out->last == 0)
        return "--last must be a number from 1 to 100000";
    return NULL;
}

/* read_text - an option of texts[] that the verb allows; false: it is none */
static bool read_text(int c, const char *value, unsigned allowed, struct gp_ctl_args *out)
{
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].letter != c || (allowed & texts[i].allowed) == 0)
            continue;
        *(const char **)((char *)out + texts[i].offset) = value;
        return true;
    }
    return false;
}

/* read_flag - the same for flags[] */
static bool read_flag(int c, unsigned allowed, struct gp_ctl_args *out)
{
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (flags[i].letter != c || (allowed & flags[i].allowed) == 0)
            continue;
        *(bool *)((char *)out + flags[i].offset) = true;
        return true;
    }
    return false;
}

static const char *read_option(int c, const char *value, unsigned allowed, struct gp_ctl_args *out)
{
    if (c == 'h') {
        out->help = true;
        return NULL;
    }
    if (read_flag(c, allowed, out) || read_text(c, value, allowed, out))
        return NULL;
    if (c == 'r' && (allowed & GP_CTL_REASON) != 0)
        return read_reason(value, out);
    if (c == 'f' && (allowed & GP_CTL_FOR) != 0)
        return read_for(value, allowed, out);
    if (c == 'n' && (allowed & GP_CTL_LAST) != 0)
        return read_last(value, out);
    return c == ':' ? "an option lacks its value" : "this verb has no such option";
}

const char *gp_ctl_args_read(const struct gp_ctl_verb *verb, int argc, char **argv, struct gp_ctl_args *out)
{
    const char *wrong = NULL;
    int c;
    *out = (struct gp_ctl_args){.last = GP_CTL_LAST_DEFAULT};
    if ((verb->options & GP_CTL_RAW) != 0) {
        optind = 1;
    } else {
        optind = 0; /* GNU: start anew */
        opterr = 0;
        while (wrong == NULL && (c = getopt_long(argc, argv, ":h", long_options, NULL)) != -1)
            wrong = read_option(c, optarg, verb->options, out);
    }
    if (wrong != NULL || out->help)
        return wrong;
    out->n = argc - optind;
    out->arg = argv + optind;
    if (out->n < verb->least)
        return "an argument is missing";
    if (out->n > verb->most)
        return "too many arguments";
    if ((verb->options & GP_CTL_REASON_NEEDED) != 0 && out->reason[0] == '\0')
        return "--reason TEXT is missing; it goes into the journal";
    return NULL;
}
