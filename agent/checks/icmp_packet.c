/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "icmp_packet.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>

enum { HEADER_SIZE = 8, IP_HEADER_MIN = 20, IP_PROTOCOL_AT = 9 };

/* RFC 1071. */
static uint16_t checksum(const uint8_t *bytes, size_t size)
{
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < size; i += 2) {
        sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
    }
    while (sum >> 16 != 0) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

static void put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

void icmp_encode(enum icmp_form form, uint16_t id, uint16_t sequence,
                 const uint8_t token[ICMP_TOKEN_SIZE], uint8_t packet[ICMP_PACKET_SIZE])
{
    memset(packet, 0, ICMP_PACKET_SIZE);
    packet[0] = form == ICMP_FORM_V6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
    put16(packet + 4, id);
    put16(packet + 6, sequence);
    memcpy(packet + HEADER_SIZE, token, ICMP_TOKEN_SIZE);
    if (form != ICMP_FORM_V6) {
        put16(packet + 2, checksum(packet, ICMP_PACKET_SIZE));
    }
}

int icmp_decode(enum icmp_form form, const uint8_t *bytes, size_t size, struct icmp_reply *reply)
{
    if (form == ICMP_FORM_V4_IP) {
        if (size < IP_HEADER_MIN) {
            return -EBADMSG;
        }
        size_t header = (size_t)(bytes[0] & 0x0f) * 4;
        if (bytes[0] >> 4 != 4 || header < IP_HEADER_MIN || header > size ||
            bytes[IP_PROTOCOL_AT] != IPPROTO_ICMP) {
            return -EBADMSG;
        }
        bytes += header;
        size -= header;
    }
    const uint8_t wanted = form == ICMP_FORM_V6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY;
    if (size < HEADER_SIZE + ICMP_TOKEN_SIZE || bytes[0] != wanted || bytes[1] != 0) {
        return -EBADMSG;
    }
    reply->sequence = (uint16_t)(bytes[6] << 8 | bytes[7]);
    reply->token = bytes + HEADER_SIZE;
    return 0;
}
