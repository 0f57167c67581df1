/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * resolver.h - whom the verbs that ask the DNS ask
 *
 * One thread.
 */
#ifndef GP_CTL_RESOLVER_H
#define GP_CTL_RESOLVER_H

#include "ctl/context.h"
#include "shared/dns.h"

/* gp_ctl_config_if_any - load the configuration for a verb that also works without
 * False (told) only when the operator named a file with -c and it is faulty; else ctl->config may be NULL.
 */
bool gp_ctl_config_if_any(struct gp_ctl *ctl);

/* gp_ctl_resolver - the server of --server, else those of the configuration if it is loaded, else of /etc/resolv.conf
 * NULL (told) when --server is no address. The caller frees with gp_dns_free.
 */
struct gp_dns *gp_ctl_resolver(const struct gp_ctl *ctl, const struct gp_ctl_args *args);

#endif
