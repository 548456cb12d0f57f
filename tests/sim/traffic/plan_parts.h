/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the planners of each kind of flow share. */
#ifndef SIM_TRAFFIC_PLAN_PARTS_H
#define SIM_TRAFFIC_PLAN_PARTS_H

#include "plan.h"

static const int64_t US = 1000;
static const int64_t MS = 1000000;
static const int64_t S = 1000000000;

/* A step of the batch, one packet at that time; valid until the next is added. */
struct step *plan_add(struct plan *plan, unsigned direction, int64_t time_ns);
/* A datagram with so many bytes behind its transport header: in one piece or, as the mix has it and
 * when it does not fit, in fragments of which the first may be missing or late (`may_lose`). The
 * facts are of the datagram: its first packet. */
void plan_datagram(struct plan *plan, const struct flow *flow, const struct step *step,
                   uint32_t header, bool may_lose);
/* Is this datagram to be a large one? */
bool plan_is_large(struct plan *plan);

/* Each adds a batch, or none: then the flow has said all. */
void plan_tcp_begin(struct plan *plan, struct flow *flow);
void plan_tcp(struct plan *plan, struct flow *flow, int64_t now_ns);
void plan_tcp_revive(struct flow *flow);
/* `n` segments from `direction`, and what the other side answers. */
void plan_tcp_window(struct plan *plan, struct flow *flow, unsigned direction, unsigned n,
                     int64_t now_ns);
/* One packet of a connection; its sequence numbers as they stand. */
struct step *plan_tcp_segment(struct plan *plan, const struct flow *flow, unsigned direction,
                              int64_t time_ns, unsigned tcp_flags);

void plan_udp(struct plan *plan, struct flow *flow, int64_t now_ns);
void plan_dns(struct plan *plan, struct flow *flow, int64_t now_ns);
void plan_icmp(struct plan *plan, struct flow *flow, int64_t now_ns);
void plan_ip(struct plan *plan, struct flow *flow, int64_t now_ns);
void plan_arp(struct plan *plan, struct flow *flow, int64_t now_ns);
void plan_link(struct plan *plan, struct flow *flow, int64_t now_ns);

/* Who talks: ends, ports, wrapping, one key for each flow (plan_flows.c). */
void plan_make_flows(struct plan *plan);

#endif
