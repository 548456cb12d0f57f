/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "truth.h"

#include "give_up.h"

#include <stdlib.h>

static void add(struct count *count, const struct frame *frame)
{
    count->packets++;
    count->ip_bytes += frame->ip_bytes;
    count->wire_bytes += frame->wire;
}

static void add_sample(struct samples *samples, int64_t value_ns)
{
    enum { ROOM_FIRST = 1024 };
    if (samples->n == samples->room) {
        samples->room = samples->room > 0 ? samples->room * 2 : ROOM_FIRST;
        int64_t *more = realloc(samples->values_ns, samples->room * sizeof *more);
        if (more == NULL) {
            give_up("memory", "no more");
        }
        samples->values_ns = more;
    }
    samples->values_ns[samples->n++] = value_ns;
}

/* --- the whole frame --- */

static enum truth_tags tags_of(const struct wrap *wrap)
{
    if (wrap->n_tags == 0) {
        return TAGS_NONE;
    }
    if (wrap->n_tags > 1) {
        return TAGS_QINQ;
    }
    return wrap->tag_types[0] == 0x8100   ? TAGS_8100
           : wrap->tag_types[0] == 0x88a8 ? TAGS_88A8
                                          : TAGS_9100;
}

static void add_size(struct truth *truth, uint32_t wire)
{
    static const uint32_t most[SIZES - 1] = {64, 128, 256, 512, 1024, 1518, 9216};
    unsigned i = 0;
    while (i < SIZES - 1 && wire > most[i]) {
        i++;
    }
    truth->sizes[i]++;
}

static unsigned outer_protocol(const struct flow *flow)
{
    const struct wrap *wrap = &flow->wrap;
    if (wrap->n_tunnels == 0) {
        return flow->protocol;
    }
    switch ((enum tunnel_kind)wrap->tunnels[0].kind) {
    case TUNNEL_GRE:
    case TUNNEL_GRE_BRIDGED:
        return PROTOCOL_GRE;
    case TUNNEL_VXLAN:
        return PROTOCOL_UDP;
    case TUNNEL_IP:
        break;
    }
    bool is_v6 = wrap->n_tunnels > 1 ? wrap->tunnels[1].is_v6 : flow->is_v6;
    return is_v6 ? PROTOCOL_IPV6 : PROTOCOL_IPV4;
}

static void add_frame(struct truth *truth, const struct flow *flow, const struct step *step,
                      const struct frame *frame)
{
    const struct wrap *wrap = &flow->wrap;
    bool is_ip = flow->kind != FLOW_ARP && flow->kind != FLOW_LINK;
    bool outer_is_v6 = wrap->n_tunnels > 0 ? wrap->tunnels[0].is_v6 : flow->is_v6;
    add(&truth->all, frame);
    add(&truth->tags[tags_of(wrap)], frame);
    if (wrap->n_tags > 0) {
        add(&truth->vlans[wrap->tags[0]], frame);
    }
    add_size(truth, frame->wire);
    truth->truncated += frame->captured < frame->wire;
    if (is_ip) {
        add(&truth->l3[outer_is_v6 ? L3_IPV6 : L3_IPV4], frame);
        add(&truth->l4[outer_protocol(flow)], frame);
    } else {
        add(&truth->l3[flow->kind == FLOW_ARP ? L3_ARP : L3_OTHER], frame);
    }
    bool later = step->fragment == FRAGMENT_MIDDLE || step->fragment == FRAGMENT_LAST;
    truth->fragments_non_first += later && wrap->n_tunnels == 0;
    truth->tunnelled += wrap->n_tunnels > 0;
    truth->offloaded += step->pieces > 1;
    truth->pieces += step->pieces;
}

/* --- what it says --- */

static void add_tcp(struct truth *truth, const struct step *step, int64_t since_ns)
{
    unsigned opening = step->tcp_flags & (TCP_SYN | TCP_ACK);
    truth->syns += opening == TCP_SYN;
    truth->syn_acks += opening == (TCP_SYN | TCP_ACK);
    truth->fins += (step->tcp_flags & TCP_FIN) != 0;
    truth->resets += (step->tcp_flags & TCP_RST) != 0;
    truth->retransmissions += (step->facts & FACT_RETRANSMISSION) != 0;
    truth->syn_retransmissions += (step->facts & FACT_SYN_REPEAT) != 0;
    truth->reordered += (step->facts & FACT_REORDERED) != 0;
    truth->handshakes_ambiguous += (step->facts & FACT_AMBIGUOUS) != 0;
    if ((step->facts & FACT_HANDSHAKE) != 0) {
        truth->handshakes++;
        add_sample(&truth->rtt_server, since_ns);
    }
    if ((step->facts & FACT_RTT_CLIENT) != 0) {
        add_sample(&truth->rtt_client, since_ns);
    }
}

static void add_dns(struct truth *truth, const struct step *step, int64_t since_ns)
{
    truth->dns_queries += (step->facts & FACT_DNS_QUERY) != 0;
    truth->dns_repeated += (step->facts & FACT_DNS_REPEAT) != 0;
    truth->dns_answered += (step->facts & (FACT_DNS_TIMED | FACT_DNS_UNTIMED)) != 0;
    truth->dns_unmatched += (step->facts & FACT_DNS_UNMATCHED) != 0;
    if ((step->facts & FACT_DNS_RESPONSE) != 0) {
        truth->dns_responses++;
        truth->rcodes[step->dns_flags % RCODES]++;
    }
    if ((step->facts & FACT_DNS_TIMED) != 0) {
        add_sample(&truth->dns_time, since_ns);
    }
}

void truth_add(struct truth *truth, struct flow *flow, const struct step *step,
               const struct frame *frame, int64_t time_ns, int64_t tick_ns)
{
    /* As the file's clock has both moments. */
    int64_t since_ns = step->time_ns / tick_ns * tick_ns - step->since_ns / tick_ns * tick_ns;
    if (truth->all.packets == 0) {
        truth->first_ns = time_ns;
    }
    truth->last_ns = time_ns;
    add_frame(truth, flow, step, frame);
    if (flow->kind == FLOW_TCP) {
        add_tcp(truth, step, since_ns);
    } else if (flow->kind == FLOW_DNS) {
        add_dns(truth, step, since_ns);
    }
    if ((step->facts & FACT_UNMATCHED) != 0) {
        truth->fragments_unmatched++;
    } else if (flow->kind != FLOW_ARP && flow->kind != FLOW_LINK) {
        flow->packets++;
        flow->ip_bytes += frame->ip_bytes;
    }
}

void truth_free(struct truth *truth)
{
    free(truth->rtt_server.values_ns);
    free(truth->rtt_client.values_ns);
    free(truth->dns_time.values_ns);
}
