/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * resolver.c - whom the verbs that ask the DNS ask
 */
#include "ctl/resolver.h"

#include "ctl/output.h"

#include <string.h>

bool gp_ctl_config_if_any(struct gp_ctl *ctl)
{
    struct gp_faults faults;
    if (strcmp(ctl->path, GP_CTL_CONFIG_DEFAULT) != 0)
        return gp_ctl_config(ctl);
    gp_faults_init(&faults);
    if (ctl->config == NULL)
        ctl->config = gp_config_load(ctl->path, &faults);
    gp_faults_free(&faults);
    return true;
}

struct gp_dns *gp_ctl_resolver(const struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    char server[64];
    struct gp_buf b = gp_buf_on(server, sizeof server);
    struct gp_strings servers = {.v = (char *[]){server}};
    struct gp_dns *dns = NULL;
    if (args->server != NULL) {
        gp_buf_putz(&b, args->server);
        servers.n = 1;
    } else if (ctl->config != NULL) {
        servers = ctl->config->dns_servers;
    }
    if (!b.full)
        dns = gp_dns_new(&servers);
    if (dns == NULL)
        gp_ctl_error("%s", args->server != NULL
                               ? "--server must be an address or address:port, IPv6 in brackets, such as "
                                 "192.0.2.53 or 127.0.0.1:5353"
                               : "cannot set up the questions to the DNS: out of memory");
    return dns;
}
