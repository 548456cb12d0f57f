/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who talks to whom, how their frames are wrapped, and how much each has to say. */
#include "plan_parts.h"

#include "give_up.h"

#include <stdlib.h>

enum { PORT_CLIENT = 49152 };

/* --- one key for each flow --- */

struct keys {
    uint64_t (*slots)[2]; /* {0, 0}: free */
    size_t mask;
};

static void keys_new(struct keys *keys, uint32_t n_flows)
{
    size_t size = 64;
    while (size < (size_t)n_flows * 4) {
        size *= 2;
    }
    keys->slots = room_for(size, sizeof *keys->slots);
    keys->mask = size - 1;
}

/* False: another flow has these ends, ports and protocol. */
static bool keys_take(struct keys *keys, const struct flow *flow)
{
    unsigned low = flow->host[0] > flow->host[1];
    uint64_t hosts = (uint64_t)flow->host[low] << 32 | flow->host[1 - low];
    uint64_t rest = (uint64_t)flow->port[low] << 32 | (uint64_t)flow->port[1 - low] << 16 |
                    (uint64_t)flow->protocol << 1 | flow->is_v6 | UINT64_C(1) << 63;
    uint64_t mixed = (hosts ^ rest * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xbf58476d1ce4e5b9);
    for (size_t at = mixed >> 20 & keys->mask;; at = (at + 1) & keys->mask) {
        uint64_t *slot = keys->slots[at];
        if (slot[1] == 0) {
            slot[0] = hosts;
            slot[1] = rest;
            return true;
        }
        if (slot[0] == hosts && slot[1] == rest) {
            return false;
        }
    }
}

/* --- ends --- */

static void draw_ip_protocol(struct plan *plan, struct flow *flow)
{
    static const uint8_t protocols[] = {PROTOCOL_ESP,  PROTOCOL_SCTP, PROTOCOL_OSPF, PROTOCOL_PIM,
                                        PROTOCOL_VRRP, PROTOCOL_L2TP, PROTOCOL_AH,   PROTOCOL_IGMP};
    /* The last two are IPv4's: in IPv6 AH is an extension header, IGMP a message of ICMP. */
    uint32_t most = flow->is_v6 ? 5 : 7;
    flow->protocol = protocols[dice_range(&plan->dice, 0, most)];
    if (flow->protocol == PROTOCOL_SCTP) {
        flow->port[1] = 3868;
    }
}

static void draw_service(struct plan *plan, struct flow *flow)
{
    static const uint16_t tcp[] = {443, 443, 443, 443, 80, 80, 22, 25, 993, 445};
    static const uint16_t udp[] = {443, 443, 443, 123, 161, 514, 500, 1194};
    switch ((enum flow_kind)flow->kind) {
    case FLOW_TCP:
        flow->protocol = PROTOCOL_TCP;
        flow->port[1] = tcp[dice_range(&plan->dice, 0, sizeof tcp / sizeof tcp[0] - 1)];
        /* A service that no list knows: only who opened the connection tells. */
        if (!flow->tcp.midstream && flow->only_direction == 2 && dice_chance(&plan->dice, 0.05)) {
            flow->port[1] = (uint16_t)dice_range(&plan->dice, PORT_CLIENT, UINT16_MAX);
        }
        break;
    case FLOW_UDP:
        flow->protocol = PROTOCOL_UDP;
        flow->port[1] = udp[dice_range(&plan->dice, 0, sizeof udp / sizeof udp[0] - 1)];
        break;
    case FLOW_DNS:
        flow->protocol = PROTOCOL_UDP;
        flow->port[1] = 53;
        break;
    case FLOW_ICMP:
        flow->protocol = flow->is_v6 ? PROTOCOL_ICMP6 : PROTOCOL_ICMP;
        break;
    case FLOW_IP:
        draw_ip_protocol(plan, flow);
        break;
    case FLOW_ARP:
        break;
    case FLOW_LINK:
        flow->protocol = dice_chance(&plan->dice, 0.5); /* 0: LLDP, 1: spanning tree */
        break;
    }
}

static void draw_ends(struct plan *plan, struct flow *flow, struct keys *keys)
{
    enum { DRAWS_MAX = 10000, DRAWS_BY_ZIPF = 10 };
    draw_service(plan, flow);
    for (unsigned draw = 0; draw < DRAWS_MAX; draw++) {
        for (unsigned end = 0; end < 2; end++) {
            flow->host[end] = draw < DRAWS_BY_ZIPF ? hosts_draw(&plan->hosts, &plan->dice)
                                                   : dice_range(&plan->dice, 0, plan->hosts.n - 1);
        }
        if (flow->port[1] != 0) {
            flow->port[0] = (uint16_t)dice_range(&plan->dice, PORT_CLIENT, UINT16_MAX);
        }
        if (flow->host[0] != flow->host[1] &&
            (flow->kind == FLOW_ARP || flow->kind == FLOW_LINK || keys_take(keys, flow))) {
            return;
        }
    }
    give_up("--hosts", "too few for so many flows");
}

/* --- wrapping --- */

static void draw_tags(struct plan *plan, struct wrap *wrap)
{
    static const uint16_t outer[] = {0x88a8, 0x88a8, 0x88a8, 0x9100, 0x8100};
    const double *mix = plan->options->mix;
    struct dice *dice = &plan->dice;
    double part = dice_part(dice);
    for (unsigned i = 0; i < TAGS_MAX; i++) {
        wrap->tags[i] = (uint16_t)dice_range(dice, 1, 4094);
        wrap->tag_types[i] = 0x8100;
    }
    if (part < mix[MIX_QINQ]) {
        uint32_t n = dice_range(dice, 0, 9);
        wrap->n_tags = n < 8 ? 2 : (uint8_t)(n - 5);
        wrap->tag_types[0] = outer[dice_range(dice, 0, 4)];
        wrap->tags[0] = (uint16_t)dice_range(dice, 100, 107);
    } else if (part < mix[MIX_QINQ] + mix[MIX_STAG]) {
        wrap->n_tags = 1;
        wrap->tag_types[0] = dice_chance(dice, 0.5) ? 0x88a8 : 0x9100;
    } else if (part < mix[MIX_QINQ] + mix[MIX_STAG] + mix[MIX_VLAN]) {
        wrap->n_tags = 1;
        wrap->tags[0] = (uint16_t)dice_range(dice, 0, 31); /* 0: a priority alone */
    }
}

/* False: not in this one. */
static bool draw_tunnel(struct plan *plan, struct tunnel *tunnel)
{
    static const uint8_t gre_flags[] = {0, 0, 0x20, 0x30, 0xb0};
    const double *mix = plan->options->mix;
    struct dice *dice = &plan->dice;
    double part = dice_part(dice);
    tunnel->ends[0] = (uint16_t)dice_range(dice, 1, 40);
    tunnel->ends[1] = (uint16_t)dice_range(dice, 41, 80);
    if (part < mix[MIX_GRE]) {
        tunnel->kind = dice_chance(dice, 0.25) ? TUNNEL_GRE_BRIDGED : TUNNEL_GRE;
        tunnel->gre_flags = gre_flags[dice_range(dice, 0, sizeof gre_flags - 1)];
        tunnel->is_v6 = dice_chance(dice, 0.2);
    } else if (part < mix[MIX_GRE] + mix[MIX_VXLAN]) {
        tunnel->kind = TUNNEL_VXLAN;
        tunnel->is_v6 = dice_chance(dice, 0.2);
    } else if (part < mix[MIX_GRE] + mix[MIX_VXLAN] + mix[MIX_IP_IN_IP]) {
        tunnel->kind = TUNNEL_IP;
    } else {
        return false;
    }
    return true;
}

static void draw_tunnels(struct plan *plan, struct wrap *wrap)
{
    if (!draw_tunnel(plan, &wrap->tunnels[0])) {
        return;
    }
    wrap->n_tunnels = 1;
    if (dice_chance(&plan->dice, plan->options->mix[MIX_NESTED])) {
        while (!draw_tunnel(plan, &wrap->tunnels[1])) {
        }
        wrap->n_tunnels = 2;
    }
}

static uint8_t draw_extensions(struct plan *plan)
{
    enum { SNAPLEN_SHORT = 256 }; /* they have to be captured, and what follows them */
    bool is_short = plan->options->snaplen != 0 && plan->options->snaplen < SNAPLEN_SHORT;
    if (is_short) {
        return dice_chance(&plan->dice, 0.5) ? EXTENSION_HOP_BY_HOP : EXTENSION_DESTINATION;
    }
    if (dice_chance(&plan->dice, 0.6)) {
        return (uint8_t)(1U << dice_range(&plan->dice, 0, 4));
    }
    return (uint8_t)dice_range(&plan->dice, 1, 31);
}

static void draw_wrap(struct plan *plan, struct flow *flow)
{
    const double *mix = plan->options->mix;
    struct dice *dice = &plan->dice;
    struct wrap *wrap = &flow->wrap;
    draw_tags(plan, wrap);
    if (flow->kind != FLOW_ARP && flow->kind != FLOW_LINK) {
        double part = dice_part(dice);
        if (part < mix[MIX_MPLS]) {
            wrap->n_labels = (uint8_t)dice_range(dice, 1, 4);
        } else if (part < mix[MIX_MPLS] + mix[MIX_PPPOE]) {
            wrap->pppoe = true;
        }
        draw_tunnels(plan, wrap);
    }
    if (flow->is_v6 && dice_chance(dice, mix[MIX_EXTENSIONS])) {
        wrap->extensions = draw_extensions(plan);
    }
    if (dice_chance(dice, mix[MIX_PADDING])) {
        wrap->pads = true;
        wrap->trailer = dice_chance(dice, 0.1) ? 4 : 0; /* a checksum that was captured, too */
    }
}

/* --- how much each has to say --- */

/* Heavy-tailed. Connections take somewhat more than their share, so that less is shared out than
 * there is: then every flow has begun before the last packet. What is left at the end goes to some
 * again. */
static void draw_quotas(struct plan *plan)
{
    enum { WEIGHT_MAX = 3000, SEARCHES = 50 };
    static const double part = 0.85;
    static const uint32_t least[] = {10, 1, 2, 2, 1, 2, 1}; /* by kind */
    /* Resolvers take another port soon, nobody pings for ever. */
    static const double most[] = {WEIGHT_MAX, WEIGHT_MAX, 8, 8, WEIGHT_MAX, 8, 8};
    uint32_t n = plan->options->n_flows;
    double *weights = room_for(n, sizeof *weights);
    double low = 0;
    double high = (double)plan->options->n_packets;
    for (uint32_t i = 0; i < n; i++) {
        double weight = 1.0 / (1.0 - dice_part(&plan->dice));
        weights[i] = weight < most[plan->flows[i].kind] ? weight : most[plan->flows[i].kind];
    }
    for (unsigned search = 0; search < SEARCHES; search++) {
        double scale = (low + high) / 2;
        double sum = 0;
        for (uint32_t i = 0; i < n; i++) {
            double quota = weights[i] * scale;
            sum += quota > least[plan->flows[i].kind] ? quota : least[plan->flows[i].kind];
        }
        *(sum < (double)plan->options->n_packets * part ? &low : &high) = scale;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t quota = (uint32_t)(weights[i] * low);
        uint32_t floor = least[plan->flows[i].kind];
        plan->flows[i].quota = quota > floor ? quota : floor;
    }
    free(weights);
}

static enum flow_kind draw_kind(struct plan *plan)
{
    const double *mix = plan->options->mix;
    double sum = 0;
    for (unsigned kind = MIX_TCP; kind <= MIX_LINK; kind++) {
        sum += mix[kind];
    }
    double part = dice_part(&plan->dice) * sum;
    unsigned last = FLOW_TCP;
    for (unsigned kind = MIX_TCP; kind <= MIX_LINK; kind++) {
        if (mix[kind] > 0) {
            last = kind - MIX_TCP;
            if (part < mix[kind]) {
                break;
            }
        }
        part -= mix[kind];
    }
    return (enum flow_kind)last;
}

void plan_make_flows(struct plan *plan)
{
    struct keys keys;
    struct dice *dice = &plan->dice;
    keys_new(&keys, plan->options->n_flows);
    for (uint32_t i = 0; i < plan->options->n_flows; i++) {
        struct flow *flow = &plan->flows[i];
        flow->kind = (uint8_t)draw_kind(plan);
        flow->is_v6 = flow->kind != FLOW_ARP && dice_chance(dice, plan->options->mix[MIX_IPV6]);
        flow->only_direction = 2;
        flow->tcp.gap_ns = dice_lognormal(dice, 5 * MS, 100 * US, 200 * MS);
        flow->tcp.rtt_ns[0] = dice_lognormal(dice, 8 * MS, 100 * US, 400 * MS);
        flow->tcp.rtt_ns[1] = dice_lognormal(dice, 20 * MS, 100 * US, 700 * MS);
        flow->tcp.next[0] = dice_range(dice, 0, UINT16_MAX);
        draw_wrap(plan, flow);
        if (flow->kind == FLOW_TCP) {
            plan_tcp_begin(plan, flow);
        }
        draw_ends(plan, flow, &keys);
    }
    free(keys.slots);
    draw_quotas(plan);
}
