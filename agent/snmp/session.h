/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One device's SNMPv2c session, and the only place that calls net-snmp: sends one request at a
 * time and tells how it ended. What does not come from the device that was asked (source address
 * and port, community, Response-PDU, request-id) is counted and passed over, as if it had never
 * come; the request goes on waiting. The library checks none of the first two by itself.
 *
 * Between an answer and the next request stands a pause of 10 ms or the answer's round trip,
 * whichever is longer: the processors that answer SNMP in switches are weak.
 *
 * Threads: the library has no locks; all sessions of a process belong to one thread. */
#ifndef SNMP_SESSION_H
#define SNMP_SESSION_H

#include "counts.h"
#include "pdu.h"

#include <stdbool.h>
#include <sys/socket.h>
#include <uv.h>

struct snmp_pdu;
struct session;

/* From inside the loop, never from inside session_ask. May ask again; must not close. */
typedef void session_done(void *context, const struct reply *reply);

/* Makes the library stand alone: no MIB files, no configuration files, no saved state, no log of
 * its own. Once per process, while files may still be read; again does nothing. */
void session_library_init(void);

/* `counts` must outlive it. NULL with errno (EMFILE …). */
struct session *session_open(uv_loop_t *loop, const struct sockaddr_storage *address,
                             const char *community, struct snmp_counts *counts);
/* Sends a request (1 to REQUEST_NAMES_MAX names; copied) after the pause, waits `wait_ms` for the
 * answer, then calls `done`. No other request may be open. */
void session_ask(struct session *session, const struct request *request, int64_t wait_ms,
                 session_done *done, void *context);
/* No call-back after it. NULL is allowed. */
void session_close(struct session *session);

/* A parsed message as a reply without its times; up to REPLY_VARBINDS_MAX of `varbinds` are filled
 * and point into the PDU. Calls nothing. */
void session_decode(const struct snmp_pdu *pdu, struct varbind varbinds[REPLY_VARBINDS_MAX],
                    struct reply *reply);

#endif
