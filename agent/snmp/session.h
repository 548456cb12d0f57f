/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One device's SNMP session of any version: sends one request at a time and tells how it ended.
 * What does not come from the device that was asked (source address and port, community,
 * Response-PDU, request-id; SNMPv3: an authentic message of its engine) is counted and passed over,
 * as if it had never come; the request goes on waiting. The library checks neither source nor
 * community by itself.
 *
 * Between an answer and the next request stands a pause of 10 ms or the answer's round trip,
 * whichever is longer: the processors that answer SNMP in switches are weak.
 *
 * SNMPv3 (RFC 3414): the first request of a session is preceded by a discovery of the device's
 * engine, which takes from the same `wait_ms` and holds up no other session. What is known of the
 * engine (its boots and time, its user with localized keys) is the session's own, never the
 * library's lists: two devices with one engine ID do not disturb each other. When an engine that
 * answered before leaves two requests in a row without an answer but answers a discovery, its boots
 * and time are forgotten, at most once in ten minutes (COUNT_ENGINE_RESETS): its boots went back.
 *
 * Threads: as the engine's. */
#ifndef SNMP_SESSION_H
#define SNMP_SESSION_H

#include "counts.h"
#include "engine.h"
#include "pdu.h"
#include "snmp/config.h"

#include <stdbool.h>
#include <sys/socket.h>

struct session;

/* From inside the loop, never from inside session_ask. May ask again; must not close. */
typedef void session_done(void *context, const struct reply *reply);

/* The configuration is read during the call, and `counts` must outlive the session. NULL with errno
 * (EMFILE …). */
struct session *session_open(struct engine *engine, const struct sockaddr_storage *address,
                             const struct snmp_access_config *access, struct snmp_counts *counts);
/* Sends a request (1 to REQUEST_NAMES_MAX names; copied) after the pause, waits `wait_ms` for the
 * answer, then calls `done`. No other request may be open. SNMPv1 knows no REQUEST_GETBULK: not to
 * be asked (session_has_bulk). */
void session_ask(struct session *session, const struct request *request, int64_t wait_ms,
                 session_done *done, void *context);
bool session_has_bulk(const struct session *session);
/* Counter64 and exceptions (noSuchInstance …) do not exist in SNMPv1: a missing name is an error
 * status, noSuchName, with the index of the first one. */
bool session_is_v1(const struct session *session);
/* SNMPv3: the engine's boots as last heard, authentic; 0: none. Another number than before means
 * that the device (its agent) restarted. */
uint32_t session_engine_boots(const struct session *session);
/* SNMPv3 with encryption: it answers discovery, and never answered a request. Agents are silent to
 * what they cannot decrypt. */
bool session_answered_discovery_only(const struct session *session);
/* No call-back after it. NULL is allowed. */
void session_close(struct session *session);

#endif
