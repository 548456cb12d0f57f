/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The meter: frames in, summaries out. All of its memory is taken when it is made; whatever
 * arrives, it takes no more, and its totals stay exact. A frame is decoded at once and counted 16
 * frames later, so that the memory its flow needs has come by then.
 *
 * Talkers are fed from the flows, when an interval ends or a flow gives way, not from each packet.
 *
 * Threads: a meter belongs to one thread; several meters share nothing. */
#ifndef METER_METER_H
#define METER_METER_H

#include "meter/decode.h"
#include "meter/privacy.h"
#include "meter/summary.h"

/* One direction of a flow since it was told of last. Addresses as they are: whoever hands them on
 * outside asks the privacy first. */
struct flow_report {
    uint8_t source[16];
    uint8_t destination[16];
    uint16_t source_port;
    uint16_t destination_port;
    uint8_t protocol;
    uint8_t tcp_flags;
    uint64_t ip_bytes;
    uint64_t packets;
    int64_t first_ns;
    int64_t last_ns;
    bool ended; /* the flow gives way: nothing more of it under this entry */
};

struct meter_options {
    size_t flows; /* entries of the flow table; 0: 131,072 */
    size_t hosts; /* entries of each table of talkers; 0: 16,384, 4,096 and 4,096 */
    size_t prefixes;
    size_t services;
    /* Largest frame that the link can carry, without Ethernet header and tags: 1500. 0: not known
     * (a file): then a segment is taken for several when it has more data than its connection's
     * MSS, or 9,216 bytes. */
    uint32_t mtu_bytes;
    struct privacy *privacy;              /* not NULL; outlives the meter */
    const struct services *service_names; /* not NULL; outlives the meter */
    /* Called for each direction that had packets, at the end of an interval and when a flow gives
     * way. NULL: nobody wants to know. */
    void (*on_flow)(void *context, const struct flow_report *report);
    void *context;
};

struct meter;

/* Random seeds of its own. NULL with errno ENOMEM when the flow table cannot be had. */
struct meter *meter_new(const struct meter_options *options);
/* NULL is allowed. */
void meter_free(struct meter *meter);
/* `captured` bytes at `frame`, of `length` that were on the wire. */
void meter_frame(struct meter *meter, enum link_type link, const uint8_t *frame, size_t captured,
                 size_t length, int64_t time_ns);
/* Counts what still waits. Then all that was metered since the last call is in *summary (valid
 * until the next call or the end of the meter), which the next frame does not change: two of them
 * take turns. `ends`: nothing follows; questions that wait for an answer are counted as they stand.
 */
const struct summary *meter_take(struct meter *meter, bool ends);

#endif
