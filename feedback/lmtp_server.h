/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lmtp_server.h - LMTP connections, a thread for each; what comes in goes to gp_intake
 *
 * Bounded: GP_LMTP_CONNECTIONS_MAX at once, further ones hear 421; a peer that says nothing is left. A message goes to
 * a draft of the archive while it arrives, so a connection's memory does not grow with it.
 */
#ifndef GP_FEEDBACK_LMTP_SERVER_H
#define GP_FEEDBACK_LMTP_SERVER_H

#include "feedback/intake.h"

#define GP_LMTP_CONNECTIONS_MAX 200
#define GP_LMTP_IDLE_MS 120000  /* without an octet */
#define GP_LMTP_SENDING_MS 3000 /* that a peer may take no reply */
#define GP_LMTP_ENDING_MS 5000  /* that a message which is arriving may go on when the daemon ends */

struct gp_lmtp_server;

/* gp_lmtp_server_start - takes the listener over; archive and intake stay the caller's. NULL (logged) on error. */
struct gp_lmtp_server *gp_lmtp_server_start(int listener, struct gp_archive *archive, struct gp_intake *intake);

/* gp_lmtp_server_end, gp_lmtp_server_stop - take nothing new; wait for those that are in it. NULL is fine. */
void gp_lmtp_server_end(struct gp_lmtp_server *s);
void gp_lmtp_server_stop(struct gp_lmtp_server *s);

/* gp_lmtp_server_connections - open ones; any thread */
size_t gp_lmtp_server_connections(struct gp_lmtp_server *s);

#endif
