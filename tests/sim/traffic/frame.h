/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A planned packet as the bytes of a frame. Checksums of TCP, UDP and ICMP are left 0. */
#ifndef SIM_TRAFFIC_FRAME_H
#define SIM_TRAFFIC_FRAME_H

#include "flow.h"
#include "hosts.h"
#include "options.h"

enum { FRAME_MAX = 65535 + 256 };

struct frame {
    uint32_t headers;  /* bytes up to the last header that tells something */
    uint32_t captured; /* bytes of the frame that are in `bytes`: all, or snaplen */
    uint32_t wire;     /* bytes of the whole frame */
    uint32_t ip_bytes; /* of the outermost IP datagram; 0: none */
    uint8_t bytes[FRAME_MAX];
};

/* Bytes behind the flow's own IP header, extension headers apart, that fit into a frame of the
 * usual size. */
uint32_t frame_room(const struct flow *flow);
uint32_t frame_tcp_header(const struct flow *flow, unsigned tcp_flags);

void frame_build(struct frame *frame, const struct hosts *hosts, const struct flow *flow,
                 const struct step *step, enum link link, uint32_t snaplen);

#endif
