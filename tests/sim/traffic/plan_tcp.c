/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A connection: its handshake, requests and transfers, pauses, and its end. */
#include "plan_parts.h"

#include "frame.h"

enum { OVERHEAD = 7 };

struct step *plan_tcp_segment(struct plan *plan, const struct flow *flow, unsigned direction,
                              int64_t time_ns, unsigned tcp_flags)
{
    struct step *step = plan_add(plan, direction, time_ns);
    step->tcp_flags = (uint8_t)tcp_flags;
    step->sequence = flow->tcp.next[direction];
    step->acknowledgement = (tcp_flags & TCP_ACK) != 0 ? flow->tcp.next[1 - direction] : 0;
    return step;
}

/* A round trip on that side of us, a little different each time. */
static int64_t draw_rtt(struct plan *plan, const struct flow *flow, unsigned side)
{
    double factor = 1.0 + dice_part(&plan->dice) * 0.1;
    return (int64_t)((double)flow->tcp.rtt_ns[side] * factor);
}

/* One in eight is so near the end of the numbers that it begins anew in the connection. */
static uint32_t draw_sequence(struct plan *plan)
{
    if (dice_chance(&plan->dice, 0.125)) {
        return UINT32_MAX - dice_range(&plan->dice, 0, 20000);
    }
    return (uint32_t)dice_throw(&plan->dice);
}

void plan_tcp_begin(struct plan *plan, struct flow *flow)
{
    static const uint16_t most[] = {1460, 1460, 1460, 1400, 1220, 536};
    const double *mix = plan->options->mix;
    struct dice *dice = &plan->dice;
    struct tcp_plan *tcp = &flow->tcp;
    uint32_t room = frame_room(flow) - frame_tcp_header(flow, 0);
    uint32_t mss = most[dice_range(dice, 0, sizeof most / sizeof most[0] - 1)];
    tcp->mss = (uint16_t)(mss < room ? mss : room);
    tcp->timestamps = dice_chance(dice, 0.6);
    tcp->gap_ns = 1 + (int64_t)dice_range(dice, 12000, 700000);
    tcp->next[0] = draw_sequence(plan);
    tcp->next[1] = draw_sequence(plan);
    tcp->syn = tcp->next[0];
    tcp->stage = TCP_OPEN;
    if (dice_chance(dice, mix[MIX_UNANSWERED])) {
        tcp->unanswered = true;
        tcp->refused = dice_chance(dice, 0.5);
    } else if (dice_chance(dice, mix[MIX_MIDSTREAM])) {
        tcp->midstream = true;
        tcp->stage = TCP_REQUEST;
    }
    if (!tcp->unanswered && dice_chance(dice, mix[MIX_ONE_SIDED])) {
        flow->only_direction = (uint8_t)dice_range(dice, 0, 1);
    }
    if (!tcp->unanswered && !tcp->midstream && flow->wrap.n_tunnels == 0 &&
        flow->only_direction == 2 && flow->wrap.extensions == 0 && !flow->wrap.pppoe) {
        tcp->offload = dice_chance(dice, mix[MIX_OFFLOAD]);
    }
}

/* --- the handshake --- */

/* SYNs until one comes through; returns when the last was sent. */
static int64_t add_syns(struct plan *plan, const struct flow *flow, int64_t now_ns, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct step *syn = plan_tcp_segment(plan, flow, 0, now_ns, TCP_SYN);
        if (i > 0) {
            syn->facts = FACT_SYN_REPEAT;
        }
        if (i + 1 < n) {
            now_ns += S << i; /* RFC 6298: one second, then two */
        }
    }
    return now_ns;
}

static unsigned draw_syns(struct plan *plan)
{
    if (!dice_chance(&plan->dice, plan->options->mix[MIX_SYN_REPEATS])) {
        return 1;
    }
    return dice_chance(&plan->dice, 0.7) ? 2 : 3;
}

static void plan_unanswered(struct plan *plan, struct flow *flow, int64_t now_ns)
{
    unsigned syns = draw_syns(plan);
    int64_t sent = add_syns(plan, flow, now_ns, syns);
    if (flow->tcp.refused) {
        struct step *reset =
            plan_tcp_segment(plan, flow, 1, sent + draw_rtt(plan, flow, 1), TCP_RST | TCP_ACK);
        reset->sequence = 0;
        reset->acknowledgement++;
    }
    flow->tcp.stage = TCP_ENDED;
}

static void plan_open(struct plan *plan, struct flow *flow, int64_t now_ns)
{
    struct tcp_plan *tcp = &flow->tcp;
    unsigned syns = draw_syns(plan);
    int64_t sent = add_syns(plan, flow, now_ns, syns);
    int64_t answered = sent + draw_rtt(plan, flow, 1);
    bool repeated = dice_chance(&plan->dice, plan->options->mix[MIX_SYN_REPEATS] / 2);
    tcp->next[0]++;
    struct step *answer = plan_tcp_segment(plan, flow, 1, answered, TCP_SYN | TCP_ACK);
    answer->since_ns = sent;
    answer->facts = syns == 1 ? FACT_HANDSHAKE : FACT_AMBIGUOUS;
    if (repeated) { /* the client's ACK to the first was lost on its way here */
        answered += S;
        answer = plan_tcp_segment(plan, flow, 1, answered, TCP_SYN | TCP_ACK);
        answer->facts = FACT_SYN_REPEAT;
    }
    tcp->next[1]++;
    struct step *ack = plan_tcp_segment(plan, flow, 0, answered + draw_rtt(plan, flow, 0), TCP_ACK);
    ack->since_ns = answered;
    ack->facts = repeated ? 0 : FACT_RTT_CLIENT;
    tcp->window = 10; /* RFC 6928 */
    tcp->stage = TCP_REQUEST;
}

/* --- data --- */

/* The transfer that follows: as much as the quota still has, or a part of it. */
static void begin_transfer(struct plan *plan, struct flow *flow)
{
    struct tcp_plan *tcp = &flow->tcp;
    /* Two segments have an ACK; the request and the end take the rest. */
    uint32_t sent = flow->planned + OVERHEAD;
    uint32_t left = flow->quota > sent ? (flow->quota - sent) * 2 / 3 : 0;
    uint32_t segments = 1 + dice_range(&plan->dice, left / 2, left);
    tcp->sender = dice_chance(&plan->dice, 0.8); /* the server, mostly */
    tcp->left = segments < 4000 ? segments : 4000;
    tcp->stage = TCP_TRANSFER;
}

static void plan_transfer(struct plan *plan, struct flow *flow, int64_t now_ns)
{
    struct tcp_plan *tcp = &flow->tcp;
    unsigned n = tcp->left < tcp->window ? tcp->left : tcp->window;
    plan_tcp_window(plan, flow, tcp->sender, n, now_ns + dice_wait(&plan->dice, MS / 2));
    tcp->left -= n;
    tcp->window = tcp->window < 20 ? (uint16_t)(tcp->window * 2) : 40;
    if (tcp->left == 0) {
        tcp->stage = flow->planned + plan->n_batch >= flow->quota ? TCP_CLOSE : TCP_PAUSE;
    }
}

/* --- pauses --- */

/* The last byte again, or none: is the other still there? RFC 9293 3.8.4 */
static int64_t add_keep_alives(struct plan *plan, struct flow *flow, int64_t now_ns)
{
    unsigned from = dice_range(&plan->dice, 0, 1);
    for (uint32_t n = dice_range(&plan->dice, 1, 3); n > 0; n--) {
        now_ns += S;
        struct step *alive = plan_tcp_segment(plan, flow, from, now_ns, TCP_ACK);
        alive->sequence--;
        alive->payload = dice_range(&plan->dice, 0, 1);
        now_ns += flow->tcp.rtt_ns[1 - from];
        (void)plan_tcp_segment(plan, flow, 1 - from, now_ns, TCP_ACK);
    }
    return now_ns;
}

/* The other's window is closed: one byte beyond it, again and again until it is taken. */
static int64_t add_probes(struct plan *plan, struct flow *flow, int64_t now_ns)
{
    unsigned from = dice_range(&plan->dice, 0, 1);
    for (uint32_t n = dice_range(&plan->dice, 2, 4); n > 0; n--) {
        now_ns += S / 4;
        struct step *probe = plan_tcp_segment(plan, flow, from, now_ns, TCP_ACK);
        probe->payload = 1;
        now_ns += flow->tcp.rtt_ns[1 - from];
        flow->tcp.next[from] += n == 1; /* the last one is taken */
        (void)plan_tcp_segment(plan, flow, 1 - from, now_ns, TCP_ACK);
    }
    return now_ns;
}

static void plan_pause(struct plan *plan, struct flow *flow, int64_t now_ns)
{
    const double *mix = plan->options->mix;
    struct tcp_plan *tcp = &flow->tcp;
    tcp->stage = TCP_REQUEST;
    now_ns += dice_wait(&plan->dice, 100 * MS);
    if (dice_chance(&plan->dice, mix[MIX_KEEP_ALIVES])) {
        now_ns = dice_chance(&plan->dice, 0.7) ? add_keep_alives(plan, flow, now_ns)
                                               : add_probes(plan, flow, now_ns);
    } else if (!tcp->midstream && dice_chance(&plan->dice, mix[MIX_REUSE])) {
        tcp->stage = TCP_CLOSE;
    }
    if (tcp->stage == TCP_REQUEST) {
        plan_tcp_window(plan, flow, 0, 1, now_ns);
        begin_transfer(plan, flow);
    }
}

/* --- the end --- */

static void plan_close(struct plan *plan, struct flow *flow, int64_t now_ns)
{
    struct tcp_plan *tcp = &flow->tcp;
    unsigned from = dice_range(&plan->dice, 0, 1);
    tcp->stage = TCP_ENDED;
    now_ns += dice_wait(&plan->dice, 5 * MS);
    if (dice_chance(&plan->dice, plan->options->mix[MIX_RESETS])) {
        (void)plan_tcp_segment(plan, flow, from, now_ns, TCP_RST | TCP_ACK);
        return;
    }
    (void)plan_tcp_segment(plan, flow, from, now_ns, TCP_FIN | TCP_ACK);
    if (dice_chance(&plan->dice, 0.03)) { /* again: no data, so no retransmission of any */
        now_ns += 250 * MS;
        (void)plan_tcp_segment(plan, flow, from, now_ns, TCP_FIN | TCP_ACK);
    }
    tcp->next[from]++;
    now_ns += draw_rtt(plan, flow, 1 - from);
    (void)plan_tcp_segment(plan, flow, 1 - from, now_ns, TCP_FIN | TCP_ACK);
    tcp->next[1 - from]++;
    now_ns += draw_rtt(plan, flow, from);
    (void)plan_tcp_segment(plan, flow, from, now_ns, TCP_ACK);
}

/* A new connection on the ports of the one before. */
static void reopen(struct plan *plan, struct flow *flow)
{
    for (unsigned i = 0; i < 2; i++) { /* RFC 6528: further on, for ends that remember */
        flow->tcp.next[i] += dice_range(&plan->dice, 100000, 50000000);
    }
    flow->tcp.stage = TCP_OPEN;
}

void plan_tcp_revive(struct flow *flow)
{
    if (flow->tcp.midstream) {
        flow->tcp.stage = TCP_PAUSE;
    }
}

void plan_tcp(struct plan *plan, struct flow *flow, int64_t now_ns)
{
    struct tcp_plan *tcp = &flow->tcp;
    if (tcp->stage == TCP_ENDED && !tcp->unanswered && !tcp->midstream &&
        flow->planned < flow->quota) {
        reopen(plan, flow);
        now_ns += 100 * MS + dice_wait(&plan->dice, 100 * MS);
    }
    switch ((enum tcp_stage)tcp->stage) {
    case TCP_OPEN:
        if (tcp->unanswered) {
            plan_unanswered(plan, flow, now_ns);
        } else {
            plan_open(plan, flow, now_ns);
        }
        break;
    case TCP_REQUEST:
        if (tcp->window == 0) {
            tcp->window = 10;
        }
        plan_tcp_window(plan, flow, 0, dice_range(&plan->dice, 1, 2), now_ns + MS);
        begin_transfer(plan, flow);
        break;
    case TCP_TRANSFER:
        plan_transfer(plan, flow, now_ns);
        break;
    case TCP_PAUSE:
        plan_pause(plan, flow, now_ns);
        if (tcp->stage == TCP_CLOSE) {
            plan_close(plan, flow, now_ns);
        }
        break;
    case TCP_CLOSE:
        if (tcp->midstream) { /* it goes on after the capture */
            tcp->stage = TCP_ENDED;
            break;
        }
        plan_close(plan, flow, now_ns);
        break;
    case TCP_ENDED:
        break;
    }
}
