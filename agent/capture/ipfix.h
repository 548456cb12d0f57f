/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sends flows to a flow collector of others: IPFIX (RFC 7011, elements of the IANA registry) over
 * UDP, one record for each direction of a flow. Best effort, as the protocol is: what cannot be
 * sent at once is dropped and counted, and metering never waits for it. Addresses are told as the
 * privacy decides; where that is a hash, as their network, since a hash is no address.
 *
 * Threads: one for each handle. */
#ifndef CAPTURE_IPFIX_H
#define CAPTURE_IPFIX_H

#include "meter/meter.h"
#include <stddef.h>
#include <stdint.h>

enum {
    IPFIX_MESSAGE_MAX = 1400, /* fits a frame of 1,500 with room for a tunnel on the way */
    IPFIX_TEMPLATE_S = 60, /* templates are sent anew so often: a collector may have started late */
    IPFIX_PORT = 4739,
};

struct ipfix_stats {
    uint64_t records;
    uint64_t messages;
    uint64_t dropped_records; /* the socket did not take their message */
};

struct ipfix;

/* "192.0.2.1:4739", "[2001:db8::1]:4739", or without a port: 4739. Only numbers, no name: names
 * change, and are slow to ask for. 0, or -EINVAL with a reason. */
int ipfix_check_collector(const char *collector, char *reason, size_t reason_size);
/* A socket that is connected to the collector; needs no privilege, but must be had before the
 * process gives up making sockets. `domain`: the observation domain. `privacy` outlives the handle.
 * 0, or -errno with a reason. */
int ipfix_open(struct ipfix **ipfix, const char *collector, uint32_t domain,
               struct privacy *privacy, char *reason, size_t reason_size);
/* Adds a record; sends when a message is full. `export_s`: now, since 1970. */
void ipfix_add(struct ipfix *ipfix, const struct flow_report *report, uint32_t export_s);
/* Sends what is there. */
void ipfix_flush(struct ipfix *ipfix, uint32_t export_s);
const struct ipfix_stats *ipfix_stats(const struct ipfix *ipfix);
/* NULL is allowed. */
void ipfix_close(struct ipfix *ipfix);

#endif
