/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * buffered.h - what libmilter reads from and writes to a mail server goes through buffers
 *
 * libmilter asks the kernel four times for each packet: is there anything, its length, is there anything, its content.
 * A message of 12 headers is some 40 packets, most of which came together; so a milter that does nothing spends two
 * thirds of its time with asking. Each edit of a message it writes by itself, and wakes the mail server for it. There
 * is no setting for either, but it calls accept, poll, read, writev and close like anybody, and buffered.c defines
 * them: what was accepted is read as much as there is at once, and written when the session waits for the mail server's
 * next word. Every other descriptor is the kernel's as before. In this program libmilter alone accepts sockets.
 *
 * An edit that was taken may so not have been sent yet; one that cannot be sent any more ends the session.
 */
#ifndef GP_MILTER_BUFFERED_H
#define GP_MILTER_BUFFERED_H

/* Octets of each session. */
#define GP_BUFFERED_IN 8192
#define GP_BUFFERED_OUT 4096

/* gp_buffered_on - for all that is accepted from now on */
void gp_buffered_on(void);

#endif
