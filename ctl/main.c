/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * main.c - gatepostctl: everything an operator does; the table of verbs
 */
#include "ctl/verbs.h"

#include "ctl/nearest.h"
#include "ctl/output.h"
#include "shared/log.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>

#define WHY (GP_CTL_REASON | GP_CTL_REASON_NEEDED)

static const struct gp_ctl_verb verbs[] = {
    {"check", "[FILE] [--json]", "check a configuration and show what was read", GP_CTL_JSON, 0, 1, gp_ctl_check},
    {"status", "[--json]", "what runs, what is open, who is held", GP_CTL_JSON, 0, 0, gp_ctl_status},
    {"metrics", "", "what the daemons count of themselves, for Prometheus", 0, 0, 0, gp_ctl_metrics},
    {"agencies", "[--json]", "who may submit, from where, for which domains", GP_CTL_JSON, 0, 0, gp_ctl_agencies},
    {"limits", "[AGENCY] [--json]", "limits that hold now, where they come from, what is used", GP_CTL_JSON, 0, 1,
     gp_ctl_limits},
    {"limit set", "AGENCY NAME VALUE [--for 12h] --reason TEXT", "change a limit live, for a time", WHY | GP_CTL_FOR, 3,
     3, gp_ctl_limit_set},
    {"limit clear", "AGENCY NAME [--reason TEXT]", "end a live limit", GP_CTL_REASON, 2, 2, gp_ctl_limit_clear},
    {"tests", "[AGENCY] [--json]", "test windows: whether they are open, what is used of them", GP_CTL_JSON, 0, 1,
     gp_ctl_tests},
    {"block", "AGENCY|ADDRESS [--for 2h] --reason TEXT", "block for good, or for a time", WHY | GP_CTL_FOR, 1, 1,
     gp_ctl_block},
    {"unblock", "AGENCY|ADDRESS [--reason TEXT]", "end every block, and an address's login ban", GP_CTL_REASON, 1, 1,
     gp_ctl_unblock},
    {"bans", "[--json]", "addresses banned for failed logins, and for how long", GP_CTL_JSON, 0, 0, gp_ctl_bans},
    {"pause", "AGENCY [--for 12h] --reason TEXT", "answer 450 to an agency while it is looked into", WHY | GP_CTL_FOR,
     1, 1, gp_ctl_pause},
    {"resume", "AGENCY [--reason TEXT]", "end a pause", GP_CTL_REASON, 1, 1, gp_ctl_resume},
    {"reload", "[--reason TEXT]", "check the configuration and have the daemons take it", GP_CTL_REASON, 0, 0,
     gp_ctl_reload},
    {"classify", "FILE|- [--json]", "what a message that came back means, and what decided", GP_CTL_JSON, 1, 1,
     gp_ctl_classify},
    {"archive get", "ID", "print a message that came back, as it came", 0, 1, 1, gp_ctl_archive_get},
    {"archive list", "[--last 20] [--json]", "the newest messages that came back, and what became of them",
     GP_CTL_LAST | GP_CTL_JSON, 0, 0, gp_ctl_archive_list},
    {"history", "[--last 20] [--json]", "who changed what, when, why", GP_CTL_LAST | GP_CTL_JSON, 0, 0, gp_ctl_history},
    {"token show", "TOKEN|ADDRESS [--json]", "what a return path's or link's token says", GP_CTL_JSON, 1, 1,
     gp_ctl_token_show},
    {"token new-key", "[ID]", "print a new key for the token_keys file", 0, 0, 1, gp_ctl_token_new_key},
    {"dkim new", "DOMAIN [--selector S] [--type rsa|ed25519] [--out FILE]", "make a DKIM key and print its DNS record",
     GP_CTL_SELECTOR | GP_CTL_TYPE | GP_CTL_OUT, 1, 1, gp_ctl_dkim_new},
    {"spf test", "--ip ADDRESS --sender USER@DOMAIN [--server ADDRESS[:PORT]] [--json]",
     "what a receiver's SPF check would say, with every question", GP_CTL_IP | GP_CTL_SENDER | GP_CTL_SERVER | GP_CTL_JSON,
     0, 0, gp_ctl_spf_test},
    {"spf show", "DOMAIN [--server ADDRESS[:PORT]] [--json]", "an SPF record with all it includes, its faults, a better one",
     GP_CTL_SERVER | GP_CTL_JSON, 1, 1, gp_ctl_spf_show},
    {"dmarc test", "FILE|- [--server ADDRESS[:PORT]] [--json]", "what DMARC will say of a message as it leaves",
     GP_CTL_SERVER | GP_CTL_JSON, 1, 1, gp_ctl_dmarc_test},
    {"dns", "[AGENCY] [--verify] [--server ADDRESS[:PORT]] [--json]", "the DNS records to publish; whether they are there",
     GP_CTL_VERIFY | GP_CTL_SERVER | GP_CTL_JSON, 0, 1, gp_ctl_dns},
    {"check-address", "ADDRESS|-", "valid or invalid; - reads one address a line", GP_CTL_RAW, 1, 1,
     gp_ctl_check_address},
    {"suppress add", "ADDRESS [--agency A] [--scope S] [--for 90d] --reason TEXT", "an address gets no more mail",
     WHY | GP_CTL_AGENCY | GP_CTL_SCOPE | GP_CTL_FOR | GP_CTL_FOR_LONG, 1, 1, gp_ctl_suppress_add},
    {"suppress remove", "ADDRESS [--agency A] [--scope S] [--reason TEXT]", "it gets mail again, whatever the reason was",
     GP_CTL_REASON | GP_CTL_AGENCY | GP_CTL_SCOPE, 1, 1, gp_ctl_suppress_remove},
    {"suppress list", "[--agency A] [--since T] [--json|--csv]", "who gets no mail, since when, why, when it is tried again",
     GP_CTL_AGENCY | GP_CTL_SINCE | GP_CTL_JSON | GP_CTL_CSV, 0, 0, gp_ctl_suppress_list},
    {"suppress import", "FILE [--agency A] [--scope S] --reason TEXT", "a list of addresses, or what export wrote",
     WHY | GP_CTL_AGENCY | GP_CTL_SCOPE, 1, 1, gp_ctl_suppress_import},
    {"suppress export", "[--agency A] [--since T] [--json]", "the same as CSV; since a time also who was released",
     GP_CTL_AGENCY | GP_CTL_SINCE | GP_CTL_JSON, 0, 0, gp_ctl_suppress_export},
    {"suppress history", "ADDRESS [--agency A] [--last 20] [--json]", "what came back about an address",
     GP_CTL_AGENCY | GP_CTL_LAST | GP_CTL_JSON, 1, 1, gp_ctl_suppress_history},
    {"report", "[--agency A] [--since 1d] [--json|--csv|--ascii]", "accepted, delivered, deferred, bounced, complained about",
     GP_CTL_AGENCY | GP_CTL_SINCE | GP_CTL_JSON | GP_CTL_CSV | GP_CTL_ASCII, 0, 0, gp_ctl_report},
    {"unclassified", "[--last 20] [--json]", "remote replies that no dictionary knows, the most frequent first",
     GP_CTL_LAST | GP_CTL_JSON, 0, 0, gp_ctl_unclassified},
};
#define VERBS (sizeof verbs / sizeof verbs[0])

static void list_verbs(FILE *out)
{
    struct gp_ctl_table t;
    fputs("usage: gatepostctl [-c FILE] VERB ...\n\n", out);
    gp_ctl_table_init(&t, 2);
    for (size_t i = 0; i < VERBS; i++) {
        char words[128];
        struct gp_buf b = gp_buf_on(words, sizeof words);
        gp_buf_printf(&b, "  %s %s", verbs[i].name, verbs[i].synopsis);
        gp_ctl_table_row(&t, (const char *[]){words, verbs[i].summary});
    }
    gp_ctl_table_print(&t, out);
    gp_ctl_table_free(&t);
    fputs("\nThe configuration is " GP_CTL_CONFIG_DEFAULT " unless -c names another.\n"
          "Exit status: 0 done, 1 no, 2 wrong usage. See gatepostctl(8).\n",
          out);
}

static int unknown_verb(const char *verb)
{
    struct gp_ctl_nearest found = {0};
    char words[256], near[256];
    struct gp_buf b = gp_buf_on(words, sizeof words);
    gp_buf_put_escaped(&b, gp_str_z(verb));
    for (size_t i = 0; i < VERBS; i++)
        gp_ctl_nearest(&found, verb, verbs[i].name);
    gp_ctl_nearest_text(&found, near);
    gp_ctl_error("there is no verb \"%s\"%s", words, found.n > 0 ? near : "; gatepostctl --help lists them");
    return GP_CTL_USAGE;
}

static int run_verb(struct gp_ctl *ctl, int argc, char **argv)
{
    struct gp_ctl_args args;
    int words;
    ctl->verb = gp_ctl_verb_find(verbs, VERBS, argc, argv, &words);
    if (ctl->verb == NULL)
        return unknown_verb(argv[0]);
    const char *wrong = gp_ctl_args_read(ctl->verb, argc - words + 1, argv + words - 1, &args);
    if (wrong != NULL)
        return gp_ctl_misused(ctl, wrong);
    if (args.help) {
        printf("usage: gatepostctl %s %s\n%s\n", ctl->verb->name, ctl->verb->synopsis, ctl->verb->summary);
        return GP_CTL_OK;
    }
    return ctl->verb->run(ctl, &args);
}

/* Options before the verb. Returns the exit status when all is said, or -1. */
static int read_options(struct gp_ctl *ctl, int argc, char **argv)
{
    static const struct option long_options[] = {{"config", required_argument, NULL, 'c'},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {"version", no_argument, NULL, 'V'},
                                                 {NULL, 0, NULL, 0}};
    int c;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "+:c:hV", long_options, NULL)) != -1) {
        if (c == 'c') {
            ctl->path = optarg;
        } else if (c == 'h') {
            list_verbs(stdout);
            return GP_CTL_OK;
        } else if (c == 'V') {
            puts("gatepostctl " GATEPOST_VERSION);
            return GP_CTL_OK;
        } else {
            gp_ctl_error("wrong option before the verb; usage: gatepostctl [-c FILE] VERB ...");
            return GP_CTL_USAGE;
        }
    }
    if (optind < argc)
        return -1;
    list_verbs(stderr);
    return GP_CTL_USAGE;
}

int main(int argc, char **argv)
{
    struct gp_ctl ctl = {.path = GP_CTL_CONFIG_DEFAULT};
    gp_log_open("gatepostctl", GP_LOG_SYSLOG, GP_LOG_TEXT); /* stderr is for what a verb says itself */
    signal(SIGPIPE, SIG_IGN);                  /* a server or a reader that goes away is an error of that one call */
    int status = read_options(&ctl, argc, argv);
    if (status < 0)
        status = run_verb(&ctl, argc - optind, argv + optind);
    gp_ctl_close(&ctl);
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        gp_ctl_error("cannot write the output: %s", strerror(errno));
        status = status == GP_CTL_OK ? GP_CTL_NO : status;
    }
    return status;
}
