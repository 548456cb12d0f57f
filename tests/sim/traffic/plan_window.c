/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A window of segments: what is lost, sent again and overtaken of it, and the ACKs of a receiver
 * that answers every second segment, and each one that leaves or fills a hole.
 *
 * At most one thing happens to a segment, and its neighbours are left alone, so that there is no
 * doubt what each packet is:
 *  - lost on its way here: a later segment of the window is seen at once, itself 4 ms after that or
 *    later. Seen once, it is a retransmission. The last one of a window is never lost.
 *  - seen, and sent again: whenever that is, a retransmission.
 *  - overtaken by one to three others: seen 2.5 gaps (1.8 ms) after them at most. Reordered. */
#include "plan_parts.h"

#include "frame.h"

enum { WINDOW_MAX = 64, AGAIN_MAX = 2, ARRIVALS_MAX = WINDOW_MAX * (AGAIN_MAX + 1) };

struct segment {
    uint32_t sequence;
    uint32_t bytes;
    uint32_t pieces;
};

/* A segment passes here, and goes on to the receiver, or is lost behind us. */
struct arrival {
    int64_t time_ns;
    unsigned segment;
    uint32_t facts;
    bool arrives;
};

struct window {
    struct segment segments[WINDOW_MAX];
    unsigned n;
    struct arrival arrivals[ARRIVALS_MAX];
    unsigned n_arrivals;
    int64_t began_ns;
    int64_t gap_ns;
    int64_t rtt_ns; /* of both sides together */
};

static int64_t sent_ns(const struct window *window, unsigned segment)
{
    return window->began_ns + (int64_t)segment * window->gap_ns;
}

static void arrive(struct window *window, unsigned segment, int64_t time_ns, uint32_t facts,
                   bool arrives)
{
    window->arrivals[window->n_arrivals++] = (struct arrival){time_ns, segment, facts, arrives};
}

/* After how long a sender sends again: upon three ACKs of a byte, or by its timer. */
static int64_t draw_again(struct plan *plan, const struct window *window)
{
    int64_t fast = 4 * MS + window->rtt_ns + dice_wait(&plan->dice, MS);
    return dice_chance(&plan->dice, 0.7) ? fast : fast + 200 * MS;
}

/* Lost before it came here, maybe the first repetition, too. */
static void lose(struct plan *plan, struct window *window, unsigned segment)
{
    int64_t again = sent_ns(window, segment + 1) + draw_again(plan, window);
    if (dice_chance(&plan->dice, 0.15)) {
        again += 250 * MS;
    }
    arrive(window, segment, again, FACT_RETRANSMISSION, true);
}

/* Seen, and again. */
static void repeat(struct plan *plan, struct window *window, unsigned segment)
{
    int64_t first = sent_ns(window, segment);
    double kind = dice_part(&plan->dice);
    if (kind < 0.1) { /* doubled on its way, or by a mirror port */
        arrive(window, segment, first, 0, true);
        arrive(window, segment, first + 3 * US, FACT_RETRANSMISSION, true);
        return;
    }
    int64_t again = first + draw_again(plan, window);
    bool lost = kind < 0.8; /* else only its ACK was */
    bool twice = kind < 0.25;
    arrive(window, segment, first, 0, !lost);
    arrive(window, segment, again, FACT_RETRANSMISSION, !twice);
    if (twice) {
        arrive(window, segment, again + 400 * MS, FACT_RETRANSMISSION, true);
    }
}

static void draw_arrivals(struct plan *plan, struct window *window, unsigned first_to_change)
{
    const double *mix = plan->options->mix;
    unsigned quiet = 0; /* so many are left alone */
    for (unsigned i = 0; i < window->n; i++) {
        double part = dice_part(&plan->dice);
        unsigned behind = window->n - 1 - i;
        if (quiet > 0 || i < first_to_change) {
            quiet -= quiet > 0;
            arrive(window, i, sent_ns(window, i), 0, true);
        } else if (part < mix[MIX_LOSSES] && behind >= 1) {
            lose(plan, window, i);
            quiet = 1;
        } else if (part >= 1 - mix[MIX_RETRANSMISSIONS]) {
            repeat(plan, window, i);
            quiet = 1;
        } else if (part >= mix[MIX_LOSSES] && part < mix[MIX_LOSSES] + mix[MIX_REORDERING] &&
                   behind >= 1) {
            unsigned by = dice_range(&plan->dice, 1, behind < 3 ? behind : 3);
            arrive(window, i, sent_ns(window, i + by) + window->gap_ns / 2, FACT_REORDERED, true);
            quiet = by;
        } else {
            arrive(window, i, sent_ns(window, i), 0, true);
        }
    }
}

static void sort_arrivals(struct window *window)
{
    for (unsigned i = 1; i < window->n_arrivals; i++) {
        struct arrival arrival = window->arrivals[i];
        unsigned at = i;
        for (; at > 0 && window->arrivals[at - 1].time_ns > arrival.time_ns; at--) {
            window->arrivals[at] = window->arrivals[at - 1];
        }
        window->arrivals[at] = arrival;
    }
}

static void add_ack(struct plan *plan, const struct flow *flow, unsigned direction,
                    const struct window *window, unsigned n_in_order, int64_t time_ns)
{
    struct step *ack = plan_tcp_segment(plan, flow, direction, time_ns, TCP_ACK);
    ack->acknowledgement = n_in_order < window->n ? window->segments[n_in_order].sequence
                                                  : window->segments[window->n - 1].sequence +
                                                        window->segments[window->n - 1].bytes;
}

/* What passes here of both sides. */
static void add_packets(struct plan *plan, const struct flow *flow, unsigned direction,
                        const struct window *window)
{
    bool has[WINDOW_MAX] = {false};
    unsigned in_order = 0; /* so many the receiver has without a hole */
    unsigned unanswered = 0;
    int64_t way_ns = flow->tcp.rtt_ns[1 - direction];
    for (unsigned i = 0; i < window->n_arrivals; i++) {
        const struct arrival *arrival = &window->arrivals[i];
        const struct segment *segment = &window->segments[arrival->segment];
        struct step *step =
            plan_tcp_segment(plan, flow, direction, arrival->time_ns,
                             arrival->segment + 1 == window->n ? TCP_ACK | TCP_PSH : TCP_ACK);
        step->sequence = segment->sequence;
        step->payload = segment->bytes;
        step->pieces = (uint16_t)segment->pieces;
        step->facts = arrival->facts;
        if (!arrival->arrives) {
            continue;
        }
        bool regular =
            arrival->segment == in_order && (in_order + 1 == window->n || !has[in_order + 1]);
        has[arrival->segment] = true;
        while (in_order < window->n && has[in_order]) {
            in_order++;
        }
        unanswered++;
        if (!regular || unanswered == 2 || i + 1 == window->n_arrivals) {
            add_ack(plan, flow, 1 - direction, window, in_order, arrival->time_ns + way_ns);
            unanswered = 0;
        }
    }
}

static void draw_segments(struct plan *plan, struct flow *flow, unsigned direction,
                          struct window *window)
{
    uint32_t most = flow->tcp.mss - (flow->tcp.timestamps ? 12U : 0U);
    bool small = window->n <= 2;
    for (unsigned i = 0; i < window->n; i++) {
        uint32_t pieces =
            flow->tcp.offload ? dice_range(&plan->dice, 1, 65000U / flow->tcp.mss) : 1;
        uint32_t bytes = pieces * most;
        if (i + 1 == window->n) { /* the rest; not a single byte, which would be a keep-alive's */
            bytes -= dice_range(&plan->dice, 0, small ? most - 60 : most / 2);
        }
        window->segments[i] = (struct segment){flow->tcp.next[direction], bytes, pieces};
        flow->tcp.next[direction] += bytes;
    }
}

void plan_tcp_window(struct plan *plan, struct flow *flow, unsigned direction, unsigned n,
                     int64_t now_ns)
{
    struct window window = {.n = n < WINDOW_MAX ? n : WINDOW_MAX,
                            .began_ns = now_ns,
                            .gap_ns = flow->tcp.gap_ns,
                            .rtt_ns = flow->tcp.rtt_ns[0] + flow->tcp.rtt_ns[1]};
    /* Of a connection that began before the capture, nobody knows what was before its first. */
    draw_arrivals(plan, &window, flow->tcp.midstream ? 1 : 0);
    draw_segments(plan, flow, direction, &window);
    sort_arrivals(&window);
    add_packets(plan, flow, direction, &window);
}
