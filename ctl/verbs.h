/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * verbs.h - what each verb of gatepostctl does; main.c has their table
 *
 * Each returns an exit status of verb.h, prints its result on stdout and its errors on stderr, one line each.
 * The number of arguments was checked.
 */
#ifndef GP_CTL_VERBS_H
#define GP_CTL_VERBS_H

#include "ctl/context.h"

int gp_ctl_check(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_status(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_agencies(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_limits(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_tests(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_limit_set(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_limit_clear(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_block(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_bans(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_unblock(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_pause(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_resume(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_reload(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_token_show(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_token_new_key(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_dkim_new(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_classify(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_check_address(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_spf_test(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_spf_show(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_dmarc_test(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_dns(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_history(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_archive_get(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_archive_list(struct gp_ctl *ctl, const struct gp_ctl_args *args);

/* what came back */
int gp_ctl_suppress_add(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_suppress_remove(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_suppress_list(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_suppress_import(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_suppress_export(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_suppress_history(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_metrics(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_report(struct gp_ctl *ctl, const struct gp_ctl_args *args);
int gp_ctl_unclassified(struct gp_ctl *ctl, const struct gp_ctl_args *args);

#endif
