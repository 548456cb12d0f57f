/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The whole meter with tables as small as they may be: any frames, in any order of time, through
 * the decoder into flows, TCP, fragments, DNS and talkers. The input is a chain of frames, each
 * after two bytes of size (its top bit: an interval ends before it) and two of time since the one
 * before, in units of 50 microseconds, signed. Whatever comes, totals add up and are exact. */
#include "meter/meter.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum {
    HEAD = 4,
    INTERVAL_ENDS = 0x8000,
    TIME_UNIT_NS = 50000,
    FLOWS = 64,
    TALKERS = 16,
    MTU_BYTES = 1500,
};

struct told {
    uint64_t packets;
    uint64_t ip_bytes;
};

static void on_flow(void *context, const struct flow_report *report)
{
    struct told *told = context;
    assert(report->packets > 0);
    assert(report->first_ns <= report->last_ns);
    told->packets += report->packets;
    told->ip_bytes += report->ip_bytes;
}

static uint64_t sum(const struct traffic_count *counts, size_t n)
{
    uint64_t packets = 0;
    for (size_t i = 0; i < n; i++) {
        packets += counts[i].packets;
    }
    return packets;
}

static void check_tcp(const struct tcp_counts *tcp)
{
    assert(tcp->handshakes + tcp->handshakes_ambiguous <= tcp->syn_acks);
    assert(tcp->retransmissions + tcp->reordered <= tcp->data_segments);
    assert(tcp->syn_retransmissions <= tcp->syns + tcp->syn_acks);
    for (unsigned percent = 1; percent <= 100; percent += 33) {
        assert(histogram_percentile(&tcp->rtt_server, percent) >= 0 ||
               tcp->handshakes <= tcp->backwards);
    }
}

static void check(const struct summary *summary, uint64_t frames, uint64_t wire_bytes)
{
    const struct traffic_totals *totals = &summary->totals;
    uint64_t in_sizes = 0;
    for (size_t i = 0; i < SIZE_CLASSES; i++) {
        in_sizes += totals->sizes[i];
    }
    assert(totals->all.packets == frames && totals->all.wire_bytes == wire_bytes);
    assert(totals->all.ip_bytes <= wire_bytes);
    assert(in_sizes == frames);
    assert(sum(totals->l3, L3_KINDS) == frames);
    assert(sum(totals->tags, TAGS_KINDS) == frames);
    assert(totals->truncated <= frames && totals->offloaded <= frames);
    assert(totals->packets_estimated >= frames);
    assert(totals->fragments_unmatched <= frames);
    assert(summary->flows.used <= FLOWS);
    check_tcp(&summary->tcp);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct told told = {0};
    struct privacy *privacy = privacy_new(PRIVACY_FULL, NULL, 0);
    struct services *services = services_new("/dev/null", NULL, 0);
    const struct meter_options options = {
        .flows = FLOWS,
        .hosts = TALKERS,
        .prefixes = TALKERS,
        .services = TALKERS,
        .mtu_bytes = MTU_BYTES,
        .privacy = privacy,
        .service_names = services,
        .on_flow = on_flow,
        .context = &told,
    };
    struct meter *meter = meter_new(&options);
    assert(meter != NULL);
    int64_t now_ns = INT64_C(1700000000) * 1000000000;
    uint64_t frames = 0;
    uint64_t wire_bytes = 0;
    while (size >= HEAD) {
        unsigned word = (unsigned)bytes[0] << 8 | bytes[1];
        int16_t step = (int16_t)((unsigned)bytes[2] << 8 | bytes[3]);
        size_t length = word & (INTERVAL_ENDS - 1U);
        size_t captured = length < size - HEAD ? length : size - HEAD;
        if ((word & INTERVAL_ENDS) != 0) {
            check(meter_take(meter, false), frames, wire_bytes);
            frames = 0;
            wire_bytes = 0;
        }
        uint8_t *frame = malloc(captured > 0 ? captured : 1); /* exactly what may be read */
        assert(frame != NULL);
        memcpy(frame, bytes + HEAD, captured);
        now_ns += (int64_t)step * TIME_UNIT_NS;
        meter_frame(meter, LINK_ETHERNET, frame, captured, length, now_ns);
        free(frame);
        frames++;
        wire_bytes += length;
        bytes += HEAD + captured;
        size -= HEAD + captured;
    }
    check(meter_take(meter, true), frames, wire_bytes);
    meter_free(meter);
    services_free(services);
    privacy_free(privacy);
    return 0;
}
