/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What has no connections: UDP, DNS, pings, other protocols, and what is not IP. */
#include "plan_parts.h"

#include "frame.h"

enum { UDP_HEADER = 8, ICMP_HEADER = 8, BATCH = 16, LARGE_MIN = 1600, LARGE_MAX = 8000 };

static bool has_said_all(const struct flow *flow)
{
    return flow->planned >= flow->quota;
}

static uint32_t packets_left(const struct flow *flow)
{
    uint32_t left = flow->quota - flow->planned;
    return left < BATCH ? left : BATCH;
}

/* From packet to packet: this flow's own pace, but fast enough to say all while others begin. */
static int64_t pace_ns(const struct plan *plan, const struct flow *flow)
{
    double seconds = (double)plan->options->n_packets / plan->options->packets_per_second;
    int64_t most_ns = (int64_t)(seconds * (double)S / 4) / flow->quota;
    return flow->tcp.gap_ns < most_ns ? flow->tcp.gap_ns : most_ns;
}

/* IMIX: of twelve packets seven of 64, four of 594 and one of 1518 bytes on the wire. */
static uint32_t imix(struct plan *plan, uint32_t room)
{
    uint32_t part = dice_range(&plan->dice, 1, 12);
    uint32_t bytes = part <= 7 ? 18 : part <= 11 ? 548 : 1472;
    return bytes < room - UDP_HEADER ? bytes : room - UDP_HEADER;
}

void plan_udp(struct plan *plan, struct flow *flow, int64_t now_ns)
{
    int64_t gap_ns = pace_ns(plan, flow);
    if (has_said_all(flow)) {
        return;
    }
    for (uint32_t left = packets_left(flow); left > 0; left--) {
        now_ns += dice_wait(&plan->dice, gap_ns);
        struct step step = {.time_ns = now_ns, .direction = dice_chance(&plan->dice, 0.3)};
        step.payload = plan_is_large(plan) ? dice_range(&plan->dice, LARGE_MIN, LARGE_MAX)
                                           : imix(plan, frame_room(flow));
        plan_datagram(plan, flow, &step, UDP_HEADER, true);
    }
}

/* --- DNS --- */

static unsigned draw_rcode(struct plan *plan)
{
    enum { NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED };
    double part = dice_part(&plan->dice);
    return part < 0.82   ? NOERROR
           : part < 0.93 ? NXDOMAIN
           : part < 0.97 ? SERVFAIL
           : part < 0.99 ? REFUSED
                         : FORMERR;
}

static void add_query(struct plan *plan, unsigned id, int64_t time_ns, uint32_t payload,
                      uint32_t facts)
{
    struct step *query = plan_add(plan, 0, time_ns);
    query->payload = payload;
    query->dns_id = (uint16_t)id;
    query->dns_flags = 0x0100;
    query->facts = FACT_DNS_QUERY | facts;
}

static void add_response(struct plan *plan, const struct flow *flow, unsigned id, int64_t time_ns,
                         int64_t since_ns, uint32_t facts)
{
    struct step step = {.time_ns = time_ns, .since_ns = since_ns, .direction = 1};
    step.payload = plan_is_large(plan) ? dice_range(&plan->dice, LARGE_MIN, 4000)
                                       : dice_range(&plan->dice, 50, 480);
    step.dns_id = (uint16_t)id;
    step.dns_flags = (uint16_t)(0x8180 | draw_rcode(plan));
    step.facts = FACT_DNS_RESPONSE | facts;
    plan_datagram(plan, flow, &step, UDP_HEADER, false);
}

void plan_dns(struct plan *plan, struct flow *flow, int64_t now_ns)
{
    struct dice *dice = &plan->dice;
    unsigned id = (flow->host[0] * 7 + ++flow->tcp.next[0] * 257) & 0xffff;
    uint32_t payload = dice_range(dice, 33, 60);
    int64_t asked = now_ns + dice_wait(dice, 20 * MS);
    int64_t wait = dice_lognormal(dice, 15 * MS, 100 * US, 900 * MS);
    double kind = dice_part(dice);
    if (has_said_all(flow)) {
        return;
    }
    if (kind < 0.03) {
        add_response(plan, flow, id, asked, 0, FACT_DNS_UNMATCHED);
        return;
    }
    add_query(plan, id, asked, payload, 0);
    if (kind < 0.05) {
        return; /* nobody answers */
    }
    if (kind < 0.09) {
        add_query(plan, id, asked + S, payload, FACT_DNS_REPEAT);
        add_response(plan, flow, id, asked + S + wait, 0, FACT_DNS_UNTIMED);
        return;
    }
    add_response(plan, flow, id, asked + wait, asked, FACT_DNS_TIMED);
}

/* --- others --- */

void plan_icmp(struct plan *plan, struct flow *flow, int64_t now_ns)
{
    if (has_said_all(flow)) {
        return;
    }
    int64_t asked = now_ns + dice_wait(&plan->dice, 200 * MS);
    struct step step = {.time_ns = asked, .sequence = ++flow->tcp.next[0], .payload = 56};
    if (plan_is_large(plan)) {
        step.payload = dice_range(&plan->dice, LARGE_MIN, 4000);
    }
    plan_datagram(plan, flow, &step, ICMP_HEADER, true);
    if (dice_chance(&plan->dice, 0.9)) {
        step.direction = 1;
        step.time_ns += flow->tcp.rtt_ns[1];
        plan_datagram(plan, flow, &step, ICMP_HEADER, true);
    }
}

void plan_ip(struct plan *plan, struct flow *flow, int64_t now_ns)
{
    if (has_said_all(flow)) {
        return;
    }
    for (uint32_t left = packets_left(flow); left > 0; left--) {
        now_ns += dice_wait(&plan->dice, pace_ns(plan, flow));
        struct step *step = plan_add(plan, dice_chance(&plan->dice, 0.4), now_ns);
        step->payload = dice_range(&plan->dice, 24, 900);
    }
}

void plan_arp(struct plan *plan, struct flow *flow, int64_t now_ns)
{
    if (has_said_all(flow)) {
        return;
    }
    int64_t asked = now_ns + dice_wait(&plan->dice, 500 * MS);
    (void)plan_add(plan, 0, asked);
    (void)plan_add(plan, 1, asked + dice_wait(&plan->dice, 300 * US));
}

void plan_link(struct plan *plan, struct flow *flow, int64_t now_ns)
{
    if (has_said_all(flow)) {
        return;
    }
    struct step *step = plan_add(plan, 0, now_ns + 2 * S);
    step->payload = 120;
}
