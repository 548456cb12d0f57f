/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a session knows of its device's SNMPv3 security (RFC 3414): its SNMP engine, that engine's
 * boots and time, and the user with keys localized to it. The library keeps these in lists of the
 * process, by engine ID; here they are the session's own, and stand in those lists only between
 * usm_enter and usm_leave, around the session's own calls. So two devices that share an engine ID
 * do not disturb each other, and no list grows with the number of devices.
 *
 * Threads: as the engine's. */
#ifndef SNMP_USM_H
#define SNMP_USM_H

#include "common/clock.h"
#include "pdu.h"
#include "usm_keys.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct snmp_access_config;
struct snmp_session;
struct usm;

enum { USM_ENGINE_ID_MAX = 32 }; /* RFC 3411, SnmpEngineID */

/* The configuration is read during the call. NULL with errno (EINVAL, ENOTSUP). */
struct usm *usm_open(struct usm_keys *keys, const struct snmp_access_config *access);
/* Its keys are wiped. NULL is allowed. */
void usm_close(struct usm *usm);
/* Writes into a session that is to be opened: user name and level. They stay usm's. */
void usm_describe(struct usm *usm, struct snmp_session *library);

/* Between these two the engine and the user are in the library's lists, and nothing that concerns
 * another session may be called. Both do nothing before an engine is known. */
void usm_enter(struct usm *usm);
void usm_leave(struct usm *usm);

/* A discovery must come first: no engine is known, or it is not certain any more. */
bool usm_wants_discovery(const struct usm *usm);
bool usm_is_engine(const struct usm *usm, const uint8_t *engine_id, size_t size);
/* A discovery was answered (outside usm_enter). The engine is now the session's; a known one whose
 * boots or time went back is believed, at most once in ten minutes: *is_reset. 0, or -EBADMSG (no
 * possible engine ID), -ENOTSUP (keys cannot be localized). */
int usm_discovered(struct usm *usm, struct snmp_session *library, const uint8_t *engine_id,
                   size_t size, bool *is_reset);
/* A discovery's answer that was not taken: the library may have noted its engine. */
void usm_forget_noted(const uint8_t *engine_id, size_t size);
/* It may be another engine: discover it before the next request. */
void usm_doubt(struct usm *usm);
void usm_answered(struct usm *usm);
/* A request to the known engine was left without an answer; the second one in a row casts doubt. */
void usm_timed_out(struct usm *usm);

/* Where they are kept; NULL before the first discovery. */
const uint8_t *usm_engine_id(const struct usm *usm, size_t *size);
/* 0: none that is authentic. */
uint32_t usm_boots(const struct usm *usm);
const char *usm_name(const struct usm *usm);
/* The library's SNMP_SEC_LEVEL_… */
int usm_level(const struct usm *usm);

/* What a Report-PDU says by the name that it binds (RFC 3412, 3413, 3414: their statistics):
 * "unknown-user", "wrong-key", "wrong-privacy-key", "unsupported-level", "unknown-context" …; a
 * static text. */
const char *usm_refusal(struct oid_view name);
/* Does it say that the request's boots or time were wrong? */
bool usm_is_time_report(struct oid_view name);

#endif
