/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * packets.h - packets of the milter protocol over one non-blocking connection: length, command, data
 *
 * Whatever goes wrong ends the program. One thread.
 */
#ifndef GP_T_BENCH_LOAD_PACKETS_H
#define GP_T_BENCH_LOAD_PACKETS_H

#include <stdbool.h>
#include <stddef.h>

#define PACKET_MAX 4096 /* of an answer, with its length */

struct packets {
    int fd;     /* -1: closed */
    int poller; /* an epoll; it tells owner of fd, always for reading, and for writing while anything is left to send */
    void *owner;
    char *out; /* grows, and is kept when the connection is closed */
    size_t out_n, out_cap;
    unsigned char in[PACKET_MAX];
    size_t in_n;
};

/* packets_open - connect to the milter's UNIX socket; poller and owner are set */
void packets_open(struct packets *p, const char *socket);
void packets_close(struct packets *p);

/* packets_put - a packet behind those that wait; packets_put_macros - the one that announces the macros of a command
 * (names and values, each with its NUL); packets_send - as much of them all as the socket takes now
 */
void packets_put(struct packets *p, char command, const void *data, size_t n);
void packets_put_macros(struct packets *p, char command, const void *macros, size_t n);
void packets_send(struct packets *p);

/* packets_receive - take what has come, which may be nothing */
void packets_receive(struct packets *p);

/* packets_next - take the first whole packet out of what came: *n octets of data and a NUL behind them. false: none yet
 */
bool packets_next(struct packets *p, char *command, unsigned char data[PACKET_MAX], size_t *n);

#endif
