/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * main.c - gatepost-feedback: reads everything that comes back
 */
#include "shared/daemon.h"

int main(int argc, char **argv)
{
    const char *path;
    int status = gp_daemon_options(argc, argv, "gatepost-feedback", &path);
    return status < 0 ? 0 : status;
}
