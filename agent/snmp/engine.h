/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What all sessions of a worker share: one unconnected UDP socket for each address family, read and
 * written in batches (recvmmsg, sendmmsg); the way from a datagram to the session that waits for
 * it; and the most requests that the worker sends in a second. A family's socket is opened with its
 * first session (Landlock denies files, not sockets).
 *
 * A datagram is taken to the session whose request-id (SNMPv3: msgID) it carries. From another
 * address than the one that was asked it is counted and passed over, unless the session takes any
 * source. What no session can be blamed for is counted in the engine's own counts.
 *
 * Threads: net-snmp has no locks; all of it belongs to one thread. */
#ifndef SNMP_ENGINE_H
#define SNMP_ENGINE_H

#include "counts.h"

#include <stdint.h>
#include <uv.h>

struct engine;

/* Makes the library stand alone: no MIB files, no configuration files, no saved state, no log of
 * its own. Once per process, while files may still be read; again does nothing. */
void engine_library_init(void);

/* `requests_per_second`: at least 1; requests beyond it wait their turn. NULL with errno. */
struct engine *engine_open(uv_loop_t *loop, int64_t requests_per_second);
/* For requests from now on. */
void engine_set_rate(struct engine *engine, int64_t requests_per_second);
/* What came in that belongs to no session. */
const struct snmp_counts *engine_counts(const struct engine *engine);
/* After the last of its sessions was closed, in the same turn of the loop or later. Its handles
 * close in the loop's next turns. */
void engine_close(struct engine *engine);

#endif
