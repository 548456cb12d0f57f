/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/tcp.h"

#include "common/xalloc.h"
#include "elapsed.h"
#include "holes.h"

#include <assert.h>
#include <stdlib.h>

/* What a flow's tcp_state is made of: a phase and flags. */
enum phase {
    NOTHING,
    MIDWAY,     /* its beginning was not seen; see base_of */
    ASKED,      /* a SYN waits for its SYN-ACK */
    ASKED_ANEW, /* the same, in the midst of a connection, whose sequences still count */
    ANSWERED,   /* a SYN-ACK waits for its ACK */
    OPEN,
};
enum {
    PHASE_MASK = 7,
    KNOWN_0 = 8, /* next_sequence of this direction is */
    KNOWN_1 = 16,
    REPEATED = 32, /* what is waited for an answer to was sent more than once */
    ENDED = 64,    /* FIN or RST */
    ASKED_BY_1 = 128,
};
enum {
    HOLES_MIN = 64,
    SILENCE_TICKS = 112, /* of 2^30 ns: two minutes */
};
/* How far sequence numbers of one connection can be apart: more than any window that is in use.
 * What is farther is another connection's, or what was between was not captured. */
static const uint32_t FAR = UINT32_C(1) << 26;
static const int64_t OVERTAKEN_NS = 3000000;
/* For so long after the first segment of a direction whose beginning was not seen, data before it
 * may have been under way, or be sent again without that the first time could be seen. */
static const int64_t MIDWAY_NS = 1000000000;

struct tcp_tracker {
    struct holes *holes;
};

struct tcp_tracker *tcp_tracker_new(size_t holes)
{
    assert(holes >= HOLES_MIN && holes <= UINT16_MAX);
    struct tcp_tracker *tracker = xcalloc(1, sizeof *tracker);
    tracker->holes = holes_new(holes);
    return tracker;
}

void tcp_tracker_free(struct tcp_tracker *tracker)
{
    if (tracker != NULL) {
        holes_free(tracker->holes);
        free(tracker);
    }
}

/* --- state --- */

static inline enum phase phase_of(const struct flow *flow)
{
    return (enum phase)(flow->tcp_state & PHASE_MASK);
}

static inline unsigned known(unsigned direction)
{
    return direction == 0 ? KNOWN_0 : KNOWN_1;
}

static inline bool has(const struct flow *flow, unsigned flag)
{
    return (flow->tcp_state & flag) != 0;
}

static inline bool is_known(const struct flow *flow, unsigned direction)
{
    return has(flow, known(direction));
}

static inline unsigned asker_of(const struct flow *flow)
{
    return has(flow, ASKED_BY_1) ? 1 : 0;
}

static void set_phase(struct flow *flow, enum phase phase)
{
    unsigned rest = flow->tcp_state & (UINT8_MAX - PHASE_MASK - REPEATED);
    flow->tcp_state = (uint8_t)(rest | (unsigned)phase);
}

static void set(struct flow *flow, unsigned flag)
{
    flow->tcp_state = (uint8_t)(flow->tcp_state | flag);
}

static void set_asker(struct flow *flow, unsigned direction)
{
    flow->tcp_state =
        (uint8_t)((flow->tcp_state & ~ASKED_BY_1) | (direction == 1 ? ASKED_BY_1 : 0));
}

static bool is_silent(const struct flow *flow)
{
    return flow->silence >= SILENCE_TICKS;
}

/* --- handshakes --- */

static void add_round_trip(struct tcp_counts *counts, struct histogram *histogram,
                           const struct flow *flow, int64_t now_ns)
{
    int64_t took_ns = elapsed_ns(flow->handshake_ns, now_ns);
    if (took_ns < 0) {
        counts->backwards++;
    } else {
        histogram_add(histogram, took_ns);
    }
}

static bool is_asked(const struct flow *flow)
{
    return phase_of(flow) == ASKED || phase_of(flow) == ASKED_ANEW;
}

static void wait_for_answer(struct flow *flow, unsigned direction, const struct packet *syn,
                            enum phase phase)
{
    set_phase(flow, phase);
    set_asker(flow, direction);
    flow->handshake_sequence = syn->sequence;
    flow->handshake_ns = syn->time_ns;
}

static void begin_connection(struct tcp_tracker *tracker, struct flow *flow, unsigned direction,
                             const struct packet *syn)
{
    tcp_forget(tracker, flow);
    flow->tcp_state = 0;
    flow->mss[0] = flow->mss[1] = 0;
    flow->initiator = (uint8_t)(direction + 1);
    flow->next_sequence[direction] = syn->sequence + 1 + syn->payload_bytes;
    set(flow, known(direction));
    wait_for_answer(flow, direction, syn, ASKED);
}

/* The SYN that waits, or that began the connection, once more? */
static bool is_repeated_syn(const struct flow *flow, unsigned direction, const struct packet *syn)
{
    return phase_of(flow) >= ASKED && direction == asker_of(flow) &&
           syn->sequence == flow->handshake_sequence;
}

/* Both ends ask at the same time (RFC 9293 3.5): the first one's SYN is the one that is timed. */
static void track_crossing_syn(struct tcp_counts *counts, struct flow *flow, unsigned direction,
                               const struct packet *syn)
{
    if (!is_known(flow, direction)) {
        flow->next_sequence[direction] = syn->sequence + 1 + syn->payload_bytes;
        set(flow, known(direction));
    } else if (flow->next_sequence[direction] == syn->sequence + 1) {
        counts->syn_retransmissions++;
    }
}

static void track_syn(struct tcp_tracker *tracker, struct tcp_counts *counts, struct flow *flow,
                      unsigned direction, const struct packet *syn)
{
    bool lives = !has(flow, ENDED) && !is_silent(flow);
    counts->syns++;
    if (is_repeated_syn(flow, direction, syn)) {
        counts->syn_retransmissions++;
        if (is_asked(flow)) {
            set(flow, REPEATED);
        }
    } else if (lives && phase_of(flow) == ASKED && direction != asker_of(flow)) {
        track_crossing_syn(counts, flow, direction, syn);
    } else if (lives && (phase_of(flow) == MIDWAY || (is_known(flow, 0) && is_known(flow, 1)))) {
        /* Into the midst of a connection. If it is answered, that one ended unseen. */
        wait_for_answer(flow, direction, syn, ASKED_ANEW);
    } else {
        begin_connection(tracker, flow, direction, syn);
    }
    if (syn->mss != 0) {
        flow->mss[direction] = syn->mss;
    }
}

/* Does the SYN-ACK acknowledge the SYN that waits, alone or with its data (RFC 7413)? */
static bool is_answer(const struct flow *flow, unsigned client, const struct packet *syn_ack)
{
    uint32_t first = flow->handshake_sequence + 1;
    uint32_t sent = phase_of(flow) == ASKED ? flow->next_sequence[client] - first : 0;
    return is_asked(flow) && client == asker_of(flow) && syn_ack->acknowledgement - first <= sent;
}

static void wait_for_ack(struct tcp_tracker *tracker, struct flow *flow, unsigned client,
                         const struct packet *syn_ack)
{
    tcp_forget(tracker, flow);
    if (phase_of(flow) != ASKED) {
        flow->next_sequence[client] = flow->handshake_sequence + 1;
    }
    set_phase(flow, ANSWERED);
    set_asker(flow, client);
    set(flow, KNOWN_0 | KNOWN_1);
    flow->tcp_state = (uint8_t)(flow->tcp_state & ~ENDED);
    flow->initiator = (uint8_t)(client + 1);
    flow->answer_sequence = syn_ack->sequence;
    flow->handshake_ns = syn_ack->time_ns;
    flow->next_sequence[1 - client] = syn_ack->sequence + 1 + syn_ack->payload_bytes;
}

static void track_syn_ack(struct tcp_tracker *tracker, struct tcp_counts *counts, struct flow *flow,
                          unsigned direction, const struct packet *syn_ack)
{
    unsigned client = 1 - direction;
    enum phase phase = phase_of(flow);
    counts->syn_acks++;
    if (is_answer(flow, client, syn_ack)) {
        if (has(flow, REPEATED)) {
            counts->handshakes_ambiguous++;
        } else {
            counts->handshakes++;
            add_round_trip(counts, &counts->rtt_server, flow, syn_ack->time_ns);
        }
        wait_for_ack(tracker, flow, client, syn_ack);
    } else if (phase >= ANSWERED && client == asker_of(flow) &&
               syn_ack->sequence == flow->answer_sequence) {
        counts->syn_retransmissions++;
        if (phase == ANSWERED) {
            set(flow, REPEATED);
        }
    } else if (!is_asked(flow) || has(flow, ENDED) || is_silent(flow)) {
        /* Its SYN was not seen. It is no other connection's: that one had its own number. */
        flow->handshake_sequence = syn_ack->acknowledgement - 1;
        set_phase(flow, NOTHING);
        wait_for_ack(tracker, flow, client, syn_ack);
    }
    if (syn_ack->mss != 0) {
        flow->mss[direction] = syn_ack->mss;
    }
}

static void track_ack(struct tcp_counts *counts, struct flow *flow, unsigned direction,
                      const struct packet *packet)
{
    uint32_t beyond = packet->acknowledgement - (flow->answer_sequence + 1);
    if (phase_of(flow) != ANSWERED || direction != asker_of(flow) ||
        (packet->tcp_flags & TCP_ACK) == 0 || beyond > FAR) {
        return;
    }
    if (!has(flow, REPEATED)) {
        add_round_trip(counts, &counts->rtt_client, flow, packet->time_ns);
    }
    set_phase(flow, OPEN);
}

/* --- sequences --- */

/* Midway the handshake's fields are free: they hold the lowest byte that was seen of a direction.
 */
static uint32_t *base_of(struct flow *flow, unsigned direction)
{
    return direction == 0 ? &flow->handshake_sequence : &flow->answer_sequence;
}

static void begin_midway(struct flow *flow, unsigned direction, const struct packet *packet)
{
    if (phase_of(flow) <= MIDWAY) {
        set_phase(flow, MIDWAY);
        *base_of(flow, direction) = packet->sequence;
        flow->handshake_ns = packet->time_ns;
    }
    set(flow, known(direction));
}

/* Nothing that was seen before says anything about what comes now. */
static void begin_anew(struct tcp_tracker *tracker, struct flow *flow, unsigned direction,
                       const struct packet *packet, uint32_t end)
{
    holes_forget(tracker->holes, &flow->holes[direction]);
    if (phase_of(flow) == MIDWAY) {
        *base_of(flow, direction) = packet->sequence;
    }
    flow->next_sequence[direction] = end;
}

/* Data before the first that was seen of a direction: it was overtaken, or it is sent again; the
 * latter cannot be told from what was under way when the capture began, and is not counted. */
static bool is_before_base(struct tcp_tracker *tracker, struct tcp_counts *counts,
                           struct flow *flow, unsigned direction, const struct packet *packet)
{
    if (phase_of(flow) != MIDWAY) {
        return false;
    }
    uint32_t *base = base_of(flow, direction);
    uint32_t end = packet->sequence + packet->payload_bytes;
    int64_t age_ns = elapsed_ns(flow->handshake_ns, packet->time_ns);
    if (*base - end > FAR || age_ns >= MIDWAY_NS) {
        return false;
    }
    counts->reordered += age_ns < OVERTAKEN_NS;
    if (*base != end) {
        holes_add(tracker->holes, &flow->holes[direction], end, *base, flow->handshake_ns);
    }
    *base = packet->sequence;
    return true;
}

/* Data of which `old_bytes` are below the highest byte that was seen. */
static void track_old(struct tcp_tracker *tracker, struct tcp_counts *counts, struct flow *flow,
                      unsigned direction, const struct packet *packet, uint32_t old_bytes)
{
    int64_t born_ns = 0;
    uint32_t filled = 0;
    if (flow->holes[direction] != FLOW_NO_HOLE) {
        filled = holes_fill(tracker->holes, &flow->holes[direction], packet->sequence,
                            packet->sequence + old_bytes, &born_ns);
    }
    if (filled > 0) {
        bool overtaken = filled == old_bytes && elapsed_ns(born_ns, packet->time_ns) < OVERTAKEN_NS;
        counts->reordered += overtaken;
        counts->retransmissions += !overtaken;
        return;
    }
    if (flow->next_sequence[direction] - packet->sequence == 1) {
        /* A keep-alive (RFC 9293 3.8.4) or a window probe (3.8.6.1) of one byte; or, with more
         * data, what follows a probe whose byte was not taken. */
        counts->data_segments -= packet->payload_bytes == 1;
        return;
    }
    if (!is_before_base(tracker, counts, flow, direction, packet)) {
        counts->retransmissions++;
    }
}

static void track_sequence(struct tcp_tracker *tracker, struct tcp_counts *counts,
                           struct flow *flow, unsigned direction, const struct packet *packet)
{
    uint32_t *next = &flow->next_sequence[direction];
    uint32_t bytes = packet->payload_bytes;
    uint32_t end = packet->sequence + bytes + ((packet->tcp_flags & TCP_FIN) != 0);
    uint32_t ahead = packet->sequence - *next;
    uint32_t behind = *next - packet->sequence;
    counts->data_segments += bytes > 0;
    if (!is_known(flow, direction)) {
        begin_midway(flow, direction, packet);
        *next = end;
    } else if (ahead <= FAR) {
        if (ahead > 0) {
            holes_add(tracker->holes, &flow->holes[direction], *next, packet->sequence,
                      packet->time_ns);
        }
        *next = end;
    } else if (behind <= FAR) {
        if (bytes > 0) {
            track_old(tracker, counts, flow, direction, packet, bytes < behind ? bytes : behind);
        }
        if (end - *next <= FAR) {
            *next = end;
        }
    } else if (bytes > 0) {
        begin_anew(tracker, flow, direction, packet, end);
    }
}

/* --- all of it --- */

static void track_other(struct tcp_tracker *tracker, struct tcp_counts *counts, struct flow *flow,
                        unsigned direction, const struct packet *packet)
{
    uint8_t flags = packet->tcp_flags;
    counts->fins += (flags & TCP_FIN) != 0;
    if ((flags & TCP_RST) != 0) { /* its sequence number need not be the sender's next */
        counts->resets++;
        set(flow, ENDED);
        return;
    }
    if ((flags & TCP_SYN) != 0) {
        counts->data_segments += packet->payload_bytes > 0;
        if ((flags & TCP_ACK) != 0) {
            track_syn_ack(tracker, counts, flow, direction, packet);
        } else {
            track_syn(tracker, counts, flow, direction, packet);
        }
        return;
    }
    if ((flags & TCP_FIN) != 0) {
        set(flow, ENDED);
    }
    track_ack(counts, flow, direction, packet);
    track_sequence(tracker, counts, flow, direction, packet);
}

void tcp_track(struct tcp_tracker *tracker, struct tcp_counts *counts, struct flow *flow,
               unsigned direction, const struct packet *packet)
{
    bool usual = (packet->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST)) == 0 &&
                 is_known(flow, direction) && phase_of(flow) != ANSWERED &&
                 packet->sequence == flow->next_sequence[direction];
    flow->tcp_flags[direction] |= packet->tcp_flags;
    if (usual) {
        flow->next_sequence[direction] += packet->payload_bytes;
        counts->data_segments += packet->payload_bytes > 0;
        return;
    }
    track_other(tracker, counts, flow, direction, packet);
}

void tcp_forget(struct tcp_tracker *tracker, struct flow *flow)
{
    holes_forget(tracker->holes, &flow->holes[0]);
    holes_forget(tracker->holes, &flow->holes[1]);
}

void tcp_clear(struct tcp_tracker *tracker)
{
    holes_clear(tracker->holes);
}

void tcp_counts_merge(struct tcp_counts *into, const struct tcp_counts *from)
{
    into->syns += from->syns;
    into->syn_acks += from->syn_acks;
    into->fins += from->fins;
    into->resets += from->resets;
    into->handshakes += from->handshakes;
    into->handshakes_ambiguous += from->handshakes_ambiguous;
    into->data_segments += from->data_segments;
    into->retransmissions += from->retransmissions;
    into->syn_retransmissions += from->syn_retransmissions;
    into->reordered += from->reordered;
    into->backwards += from->backwards;
    histogram_merge(&into->rtt_server, &from->rtt_server);
    histogram_merge(&into->rtt_client, &from->rtt_client);
}
