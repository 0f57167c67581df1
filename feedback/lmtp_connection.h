/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lmtp_connection.h - one LMTP connection from its greeting to its end
 */
#ifndef GP_FEEDBACK_LMTP_CONNECTION_H
#define GP_FEEDBACK_LMTP_CONNECTION_H

#include "feedback/intake.h"

/* What all connections share. */
struct gp_lmtp_shared {
    struct gp_archive *archive;
    struct gp_intake *intake;
    int end; /* eventfd: readable when the daemon ends */
};

/* gp_lmtp_connection_run - talk until either side ends; fd stays open. In a thread of its own. */
void gp_lmtp_connection_run(int fd, const struct gp_lmtp_shared *shared);

#endif
