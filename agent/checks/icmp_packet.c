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

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
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
    reply->id = get16(bytes + 4);
    reply->sequence = get16(bytes + 6);
    reply->token = bytes + HEADER_SIZE;
    return 0;
}

int icmp_decode_quote(bool is_v6, const uint8_t *bytes, size_t size, struct icmp_quote *quote)
{
    const uint8_t wanted = is_v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
    if (size < HEADER_SIZE || bytes[0] != wanted || bytes[1] != 0) {
        return -EBADMSG;
    }
    size_t rest = size - HEADER_SIZE;
    quote->id = get16(bytes + 4);
    quote->sequence = get16(bytes + 6);
    quote->token = bytes + HEADER_SIZE;
    quote->token_size = rest < ICMP_TOKEN_SIZE ? rest : ICMP_TOKEN_SIZE;
    return 0;
}

#define HOST(words)                                                                                \
    {                                                                                              \
        "host-unreachable", words                                                                  \
    }
#define NETWORK(words)                                                                             \
    {                                                                                              \
        "network-unreachable", words                                                               \
    }

/* By the codes of RFC 792, RFC 1122 section 3.2.2.1 and RFC 1812 section 5.2.7.1. */
static const struct icmp_error unreachable_v4[] = {
    [ICMP_NET_UNREACH] = NETWORK("network unreachable"),
    [ICMP_HOST_UNREACH] = HOST("host unreachable"),
    [ICMP_PROT_UNREACH] = HOST("protocol unreachable"),
    [ICMP_SR_FAILED] = HOST("source route failed"),
    [ICMP_NET_UNKNOWN] = NETWORK("network unknown"),
    [ICMP_HOST_UNKNOWN] = HOST("host unknown"),
    [ICMP_HOST_ISOLATED] = HOST("source host isolated"),
    [ICMP_NET_ANO] = NETWORK("network prohibited"),
    [ICMP_HOST_ANO] = HOST("host prohibited"),
    [ICMP_NET_UNR_TOS] = NETWORK("network unreachable for this service"),
    [ICMP_HOST_UNR_TOS] = HOST("host unreachable for this service"),
    [ICMP_PKT_FILTERED] = HOST("prohibited by a filter"),
    [ICMP_PREC_VIOLATION] = HOST("precedence violation"),
    [ICMP_PREC_CUTOFF] = HOST("precedence cutoff"),
};

/* RFC 4443 section 3.1; 6: a route that rejects. */
static const struct icmp_error unreachable_v6[] = {
    [ICMP6_DST_UNREACH_NOROUTE] = NETWORK("no route"),
    [ICMP6_DST_UNREACH_ADMIN] = HOST("prohibited by a filter"),
    [ICMP6_DST_UNREACH_BEYONDSCOPE] = NETWORK("beyond the source's scope"),
    [ICMP6_DST_UNREACH_ADDR] = HOST("host unreachable"),
    [5] = HOST("source address refused"),
    [6] = NETWORK("route rejected"),
};

/* A loop among the routers. */
static const struct icmp_error exceeded = HOST("time to live exceeded");

const struct icmp_error *icmp_explain(bool is_v6, uint8_t type, uint8_t code)
{
    const struct icmp_error *errors = is_v6 ? unreachable_v6 : unreachable_v4;
    size_t n_errors = is_v6 ? sizeof unreachable_v6 / sizeof unreachable_v6[0]
                            : sizeof unreachable_v4 / sizeof unreachable_v4[0];
    if (type == (is_v6 ? ICMP6_DST_UNREACH : ICMP_DEST_UNREACH)) {
        return code < n_errors && errors[code].reason != NULL ? &errors[code] : NULL;
    }
    return type == (is_v6 ? ICMP6_TIME_EXCEEDED : ICMP_TIME_EXCEEDED) && code == 0 ? &exceeded
                                                                                   : NULL;
}
