/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * DNS over UDP: how long answers take, and what they say. A question waits in a small fixed table
 * for the answer of the same id, ports and addresses; after five seconds it counts as unanswered.
 * Names are never looked at. RFC 1035 4.1.1. Pure but for its memory. */
#ifndef METER_DNS_H
#define METER_DNS_H

#include "meter/histogram.h"
#include "meter/packet.h"

enum { DNS_RCODES = 16 };

struct dns_counts {
    uint64_t queries;
    uint64_t repeated; /* of them: asked again before an answer; its answer is not timed */
    uint64_t responses;
    uint64_t unanswered;         /* waited for too long, or gave way to another in the full table */
    uint64_t unmatched;          /* answers to what was not seen asked */
    uint64_t rcodes[DNS_RCODES]; /* of responses */
    struct histogram response_time; /* ns */
};
/* "noerror", "formerr", "servfail", "nxdomain", "notimp", "refused", "yxdomain", "yxrrset",
 * "nxrrset", "notauth", "notzone", "rcode11" … */
const char *dns_rcode_name(unsigned rcode);

struct dns;
struct dns *dns_new(const uint8_t seed[16]);
/* NULL is allowed. */
void dns_free(struct dns *dns);
/* A packet with has_dns. */
void dns_track(struct dns *dns, struct dns_counts *counts, const struct packet *packet);
/* Counts the questions that wait since more than five seconds at that time. */
void dns_expire(struct dns *dns, struct dns_counts *counts, int64_t now_ns);
void dns_clear(struct dns *dns);
void dns_counts_merge(struct dns_counts *into, const struct dns_counts *from);

#endif
