/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is true of the packets that were written: the sum of what was planned of each. Nothing here
 * looks at a frame's bytes. */
#ifndef SIM_TRAFFIC_TRUTH_H
#define SIM_TRAFFIC_TRUTH_H

#include "frame.h"
#include "plan.h"

enum { VLANS = 4096, SIZES = 8, RCODES = 16 };

enum truth_l3 { L3_IPV4, L3_IPV6, L3_ARP, L3_OTHER, L3_KINDS };
enum truth_tags { TAGS_NONE, TAGS_8100, TAGS_88A8, TAGS_9100, TAGS_QINQ, TAGS_KINDS };

struct count {
    uint64_t packets;
    uint64_t ip_bytes;
    uint64_t wire_bytes;
};

struct samples {
    int64_t *values_ns;
    size_t n;
    size_t room;
};

struct truth {
    struct count all;
    struct count l3[L3_KINDS];
    struct count l4[256]; /* by the outermost header's protocol number, behind its extensions */
    struct count tags[TAGS_KINDS];
    struct count vlans[VLANS];
    uint64_t sizes[SIZES];
    uint64_t truncated;
    uint64_t fragments_non_first;
    uint64_t fragments_unmatched;
    uint64_t tunnelled;
    uint64_t offloaded;
    uint64_t pieces; /* packets on the wire, merged ones one by one */
    int64_t first_ns;
    int64_t last_ns;
    uint64_t syns;
    uint64_t syn_acks;
    uint64_t fins;
    uint64_t resets;
    uint64_t handshakes;
    uint64_t handshakes_ambiguous;
    uint64_t retransmissions;
    uint64_t syn_retransmissions;
    uint64_t reordered;
    uint64_t dns_queries;
    uint64_t dns_repeated;
    uint64_t dns_responses;
    uint64_t dns_answered; /* queries, each once */
    uint64_t dns_unmatched;
    uint64_t rcodes[RCODES];
    struct samples rtt_server;
    struct samples rtt_client;
    struct samples dns_time;
};

/* A packet of the flow that was written at `time_ns`, by a clock that ticks every `tick_ns`. Adds
 * it to the flow's own counts, too. */
void truth_add(struct truth *truth, struct flow *flow, const struct step *step,
               const struct frame *frame, int64_t time_ns, int64_t tick_ns);
/* As a JSON document of one line. */
void truth_write(struct truth *truth, const struct plan *plan, const char *path, const char *file);
void truth_free(struct truth *truth);

#endif
