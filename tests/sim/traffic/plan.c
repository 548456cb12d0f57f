/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan_parts.h"

#include "frame.h"
#include "give_up.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH_FIRST = 64 };

void plan_new(struct plan *plan, const struct options *options)
{
    *plan = (struct plan){.options = options, .dice = {options->seed}};
    hosts_new(&plan->hosts, options->n_hosts);
    plan->flows = room_for(options->n_flows, sizeof *plan->flows);
    plan->batch_room = BATCH_FIRST;
    plan->batch = room_for(plan->batch_room, sizeof *plan->batch);
    plan->last_fragment_id = dice_range(&plan->dice, 0, UINT16_MAX);
    plan_make_flows(plan);
}

void plan_free(struct plan *plan)
{
    for (uint32_t i = 0; i < plan->options->n_flows; i++) {
        free(plan->flows[i].steps);
    }
    free(plan->flows);
    free(plan->batch);
    hosts_free(&plan->hosts);
}

int64_t plan_begin_ns(struct plan *plan)
{
    /* So that the last flow has begun long before the last packet. */
    static const double first_part = 0.7;
    double seconds = (double)plan->options->n_packets / plan->options->packets_per_second;
    return (int64_t)(dice_part(&plan->dice) * first_part * seconds * (double)S);
}

struct step *plan_add(struct plan *plan, unsigned direction, int64_t time_ns)
{
    if (plan->n_batch == plan->batch_room) {
        plan->batch_room *= 2;
        struct step *more = realloc(plan->batch, plan->batch_room * sizeof *plan->batch);
        if (more == NULL) {
            give_up("memory", "no more");
        }
        plan->batch = more;
    }
    struct step *step = &plan->batch[plan->n_batch++];
    *step = (struct step){.time_ns = time_ns, .direction = (uint8_t)direction, .pieces = 1};
    return step;
}

/* --- datagrams --- */

bool plan_is_large(struct plan *plan)
{
    return dice_chance(&plan->dice, plan->options->mix[MIX_FRAGMENTS]);
}

/* In which order the n fragments are seen, by dice: mostly as sent. Returns how many are seen. */
static unsigned fragment_order(struct plan *plan, unsigned n, unsigned order[], bool may_lose)
{
    for (unsigned i = 0; i < n; i++) {
        order[i] = i;
    }
    if (!may_lose || !dice_chance(&plan->dice, plan->options->mix[MIX_UNMATCHED])) {
        return n;
    }
    bool lost = dice_chance(&plan->dice, 0.5);
    for (unsigned i = 0; i < n; i++) {
        order[i] = lost ? i + 1 : n - 1 - i;
    }
    return lost ? n - 1 : n;
}

void plan_datagram(struct plan *plan, const struct flow *flow, const struct step *step,
                   uint32_t header, bool may_lose)
{
    enum { FRAGMENTS_MAX = 64 };
    uint32_t room = frame_room(flow);
    uint32_t whole = header + step->payload;
    if (whole <= room) {
        struct step *only = plan_add(plan, step->direction, step->time_ns);
        *only = *step;
        only->pieces = 1;
        return;
    }
    room -= room % 8;
    unsigned n = (whole + room - 1) / room;
    unsigned order[FRAGMENTS_MAX];
    unsigned seen = fragment_order(plan, n, order, may_lose);
    uint32_t id = ++plan->last_fragment_id;
    bool first_was_seen = false;
    for (unsigned i = 0; i < seen; i++) {
        struct step *part = plan_add(plan, step->direction, step->time_ns + i * 12 * US);
        unsigned number = order[i];
        int64_t time_ns = part->time_ns;
        *part = *step;
        part->time_ns = time_ns;
        part->pieces = 1;
        part->fragment_id = id;
        part->fragment_at = (uint16_t)(number * room);
        part->fragment = number == 0       ? FRAGMENT_FIRST
                         : number == n - 1 ? FRAGMENT_LAST
                                           : FRAGMENT_MIDDLE;
        /* The transport header is part of the first one. */
        part->payload = number == n - 1 ? whole - number * room : room;
        part->transport_bytes = whole;
        first_was_seen = first_was_seen || number == 0;
        if (number > 0) {
            part->facts = first_was_seen ? 0 : FACT_UNMATCHED;
        }
    }
}

/* --- batches --- */

/* By time; what was planned first stays first. Nearly sorted as it is. */
static void sort_batch(struct plan *plan)
{
    for (size_t i = 1; i < plan->n_batch; i++) {
        struct step step = plan->batch[i];
        size_t at = i;
        for (; at > 0 && plan->batch[at - 1].time_ns > step.time_ns; at--) {
            plan->batch[at] = plan->batch[at - 1];
        }
        plan->batch[at] = step;
    }
}

/* What is not seen of a flow; and what was asked or answered unseen is no round trip. */
static void drop_other_direction(struct plan *plan, const struct flow *flow)
{
    static const uint32_t of_both = FACT_HANDSHAKE | FACT_AMBIGUOUS | FACT_RTT_CLIENT;
    size_t kept = 0;
    if (flow->only_direction == 2) {
        return;
    }
    for (size_t i = 0; i < plan->n_batch; i++) {
        if (plan->batch[i].direction == flow->only_direction) {
            plan->batch[kept] = plan->batch[i];
            plan->batch[kept++].facts &= ~of_both;
        }
    }
    plan->n_batch = kept;
}

static void plan_batch(struct plan *plan, struct flow *flow, int64_t now_ns)
{
    switch ((enum flow_kind)flow->kind) {
    case FLOW_TCP:
        plan_tcp(plan, flow, now_ns);
        break;
    case FLOW_UDP:
        plan_udp(plan, flow, now_ns);
        break;
    case FLOW_DNS:
        plan_dns(plan, flow, now_ns);
        break;
    case FLOW_ICMP:
        plan_icmp(plan, flow, now_ns);
        break;
    case FLOW_IP:
        plan_ip(plan, flow, now_ns);
        break;
    case FLOW_ARP:
        plan_arp(plan, flow, now_ns);
        break;
    case FLOW_LINK:
        plan_link(plan, flow, now_ns);
        break;
    }
}

bool plan_next(struct plan *plan, struct flow *flow, int64_t now_ns)
{
    free(flow->steps);
    flow->steps = NULL;
    flow->n_steps = 0;
    flow->at_step = 0;
    while (flow->n_steps == 0) {
        plan->n_batch = 0;
        plan_batch(plan, flow, now_ns);
        if (plan->n_batch == 0) {
            return false;
        }
        sort_batch(plan);
        now_ns = plan->batch[plan->n_batch - 1].time_ns;
        drop_other_direction(plan, flow);
        flow->n_steps = (uint32_t)plan->n_batch;
    }
    flow->planned += flow->n_steps;
    flow->steps = room_for(flow->n_steps, sizeof *flow->steps);
    memcpy(flow->steps, plan->batch, flow->n_steps * sizeof *flow->steps);
    return true;
}

bool plan_revive(struct plan *plan, struct flow *flow, uint32_t packets)
{
    (void)plan;
    if (flow->kind == FLOW_TCP && (flow->tcp.unanswered || flow->only_direction != 2)) {
        return false;
    }
    flow->quota = flow->planned + packets;
    if (flow->kind == FLOW_TCP) {
        plan_tcp_revive(flow);
    }
    return true;
}
