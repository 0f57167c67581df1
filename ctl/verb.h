/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * verb.h - what a verb of gatepostctl is: a row that names it, and what its words and options became
 *
 * Pure but for getopt_long's own state: one thread.
 */
#ifndef GP_CTL_VERB_H
#define GP_CTL_VERB_H

#include "shared/str.h"

/* Exit status of every verb. */
#define GP_CTL_OK 0
#define GP_CTL_NO 1    /* refused, not found, not reachable */
#define GP_CTL_USAGE 2 /* the command line is wrong */

#define GP_CTL_FOR_DEFAULT_S (12 * 3600)
#define GP_CTL_FOR_MAX_S (30 * 24 * 3600) /* memcached reads more as a date */
#define GP_CTL_FOR_LONG_MAX_S (3650 * 24 * 3600)
#define GP_CTL_REASON_MAX 200             /* octets of --reason; as much of it reaches a client */
#define GP_CTL_LAST_DEFAULT 20
#define GP_CTL_LAST_MAX 100000

/* Options a verb may take. */
enum {
    GP_CTL_REASON = 1,        /* --reason TEXT */
    GP_CTL_REASON_NEEDED = 2, /* with GP_CTL_REASON: an error when missing */
    GP_CTL_FOR = 4,           /* --for DURATION */
    GP_CTL_LAST = 8,          /* --last N */
    GP_CTL_JSON = 16,         /* --json */
    GP_CTL_RAW = 32,          /* none at all: every word after the verb is an argument, as it is */
    GP_CTL_SELECTOR = 64,     /* --selector TEXT; this and the next five as they are given, the verb judges them */
    GP_CTL_TYPE = 128,        /* --type TEXT */
    GP_CTL_OUT = 256,         /* --out FILE */
    GP_CTL_IP = 512,          /* --ip ADDRESS */
    GP_CTL_SENDER = 1024,     /* --sender ADDRESS */
    GP_CTL_SERVER = 2048,     /* --server ADDRESS[:PORT] */
    GP_CTL_VERIFY = 4096,     /* --verify */
    /* what came back; the verb judges the texts */
    GP_CTL_AGENCY = 1 << 13,  /* --agency AGENCY */
    GP_CTL_SCOPE = 1 << 14,   /* --scope SCOPE */
    GP_CTL_SINCE = 1 << 15,   /* --since TIME */
    GP_CTL_CSV = 1 << 16,     /* --csv */
    GP_CTL_ASCII = 1 << 17,   /* --ascii */
    GP_CTL_FOR_LONG = 1 << 18 /* with GP_CTL_FOR: what it is for stands in the database, and may last for ten years */
};

/* The words after the verb, read. */
struct gp_ctl_args {
    int n;
    char **arg;
    char reason[GP_CTL_REASON_MAX + 1]; /* cleaned: no control characters, well-formed UTF-8; "" when not given */
    uint32_t for_s;                     /* 0 when not given */
    uint64_t last;
    /* as they were given; NULL when not; file: of --out */
    const char *selector, *type, *file, *ip, *sender, *server, *agency, *scope, *since;
    bool json, verify, csv, ascii, help;
};

struct gp_ctl;

struct gp_ctl_verb {
    const char *name;     /* "check", or two words: "limit set" */
    const char *synopsis; /* the words after the name */
    const char *summary;
    unsigned options;
    int least, most; /* arguments that are no options */
    int (*run)(struct gp_ctl *ctl, const struct gp_ctl_args *args);
};

/* gp_ctl_verb_find - the row that argv[0], or argv[0] and argv[1], names
 * *words: how many words of argv the name took. NULL when there is none.
 */
const struct gp_ctl_verb *gp_ctl_verb_find(const struct gp_ctl_verb *verbs, size_t n, int argc, char **argv,
                                           int *words);

/* gp_ctl_args_read - read argv (argv[0] is the verb's last word) as the verb's options and arguments
 * argv is permuted; *out points into it. Returns NULL, or a static text that says what is wrong.
 */
const char *gp_ctl_args_read(const struct gp_ctl_verb *verb, int argc, char **argv, struct gp_ctl_args *out);

#endif
