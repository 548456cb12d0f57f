/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The packet decoder. Byte 0 chooses the link type; bytes 1 and 2 say how much more than the rest
 * was on the wire; byte 3, unless 0, that only so many bytes (less one) were on the wire, although
 * more are here. */
#include "meter/decode.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { TCP = 6, UDP = 17, SCTP = 132, PORT_DNS = 53, DATAGRAM_MAX = 65535 };

static void check_outside(const struct packet *packet)
{
    assert(packet->ip_bytes <= packet->wire_bytes);
    assert(packet_l3_name((enum packet_l3)packet->l3) != NULL);
    assert(packet_l4_name((enum packet_l4)packet->l4) != NULL);
    assert(packet_tags_name((enum packet_tags)packet->tags) != NULL);
    assert(packet_exit_name((enum packet_exit)packet->exit) != NULL);
    bool ip = packet->l3 == L3_IPV4 || packet->l3 == L3_IPV6;
    assert(ip || packet->ip_bytes == 0);
    assert(packet->l4 == L4_NONE || packet->ip_bytes >= 20);
    assert(packet->n_tags <= 4 && packet->vlan <= 4095);
    assert(packet->n_tags == 0 ? packet->vlan == 0 : packet->tags != TAGS_NONE);
    assert((packet->n_tags < 2 || packet->tags == TAGS_QINQ) && packet->tags < TAGS_KINDS);
    assert(packet->n_tunnels <= 2);
    assert(packet->n_tunnels == 0 || packet->l4 == L4_GRE || packet->l4 == L4_UDP ||
           packet->l4 == L4_IPIP || packet->l4 == L4_6IN4);
    assert(packet->exit != EXIT_TUNNEL_TOO_DEEP || packet->n_tunnels == 2);
    assert(!packet->is_later_fragment || (packet->flow_is_later_fragment && !packet->n_tunnels));
}

static void check_flow(const struct packet *packet)
{
    static const uint8_t zeros[16];
    assert(packet->has_flow == (packet->l4 != L4_NONE));
    if (!packet->has_flow) {
        assert(packet->protocol == 0 && !packet->flow_is_fragment && packet->n_tunnels == 0);
        assert(memcmp(packet->source, zeros, sizeof zeros) == 0);
        assert(memcmp(packet->destination, zeros, sizeof zeros) == 0);
    }
    if (packet->has_ports) {
        assert(packet->has_flow && !packet->flow_is_later_fragment);
        assert(packet->protocol == TCP || packet->protocol == UDP || packet->protocol == SCTP);
    } else {
        assert(packet->source_port == 0 && packet->destination_port == 0);
        assert(packet->payload_bytes == 0 && !packet->has_dns);
    }
    bool tcp = packet->has_ports && packet->protocol == TCP;
    assert(tcp || (packet->tcp_flags == 0 && packet->mss == 0 && packet->sequence == 0 &&
                   packet->acknowledgement == 0));
    assert(packet->mss == 0 || (packet->tcp_flags & TCP_SYN) != 0);
    assert(packet->flow_is_fragment ||
           (packet->fragment_id == 0 && !packet->flow_is_later_fragment));
    if (packet->has_dns) {
        assert(packet->protocol == UDP);
        assert(packet->source_port == PORT_DNS || packet->destination_port == PORT_DNS);
    } else {
        assert(packet->dns_id == 0 && packet->dns_flags == 0);
    }
    assert(packet->payload_bytes <= packet->wire_bytes || packet->payload_bytes <= DATAGRAM_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    enum { CHOICES = 4 };
    if (size < CHOICES) {
        return 0;
    }
    enum link_type link = (enum link_type)(bytes[0] % (LINK_UNKNOWN + 1));
    size_t captured = size - CHOICES;
    size_t length = captured + (size_t)(bytes[1] << 8 | bytes[2]);
    if (bytes[3] != 0 && bytes[3] - 1U < captured) {
        length = bytes[3] - 1U;
    }
    /* Exactly what may be read, so that the sanitizer sees a read behind it. */
    size_t readable = captured < length ? captured : length;
    uint8_t *frame = malloc(readable > 0 ? readable : 1);
    if (frame == NULL) {
        return 0;
    }
    memcpy(frame, bytes + CHOICES, readable);
    struct packet packet;
    memset(&packet, 0xa5, sizeof packet);
    decode_frame(link, frame, captured, length, 1, &packet);
    free(frame);
    assert(packet.time_ns == 1 && packet.wire_bytes == length);
    assert(packet.is_truncated == (captured < length));
    check_outside(&packet);
    check_flow(&packet);
    return 0;
}
