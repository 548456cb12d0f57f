/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ntp_packet.h"

#include <string.h>

enum {
    VERSION = 4,
    MODE_CLIENT = 3,
    MODE_SERVER = 4,
    STRATUM_AT = 1,
    ROOT_DELAY_AT = 4,
    ROOT_DISPERSION_AT = 8,
    REFERENCE_AT = 12,
    ORIGIN_AT = 24,
    RECEIVE_AT = 32,
    TRANSMIT_AT = 40,
};

static const int64_t UNIX_EPOCH_S = INT64_C(2208988800); /* 1970 since 1900 */
static const double FRACTIONS = 4294967296.0;            /* 2^32 */
/* Two clocks that run a little apart, each read in steps. */
static const double TOLERANCE_S = 0.001;

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint64_t get64(const uint8_t *at)
{
    return (uint64_t)get32(at) << 32 | get32(at + 4);
}

/* 16.16 s. */
static double get_short(const uint8_t *at)
{
    return (double)get32(at) / 65536.0;
}

void ntp_encode(uint64_t nonce, uint8_t packet[NTP_PACKET_SIZE])
{
    memset(packet, 0, NTP_PACKET_SIZE);
    packet[0] = VERSION << 3 | MODE_CLIENT;
    for (int i = 0; i < 8; i++) {
        packet[TRANSMIT_AT + i] = (uint8_t)(nonce >> (56 - 8 * i));
    }
}

static void copy_code(const uint8_t *at, char code[5])
{
    memcpy(code, at, 4);
    code[4] = '\0';
    for (int i = 0; i < 4; i++) {
        if (at[i] <= ' ' || at[i] > '~') {
            code[i] = '\0'; /* "GPS" has three */
            break;
        }
    }
}

bool ntp_decode(const uint8_t *bytes, size_t size, uint64_t nonce, struct ntp_reply *reply)
{
    if (size < NTP_PACKET_SIZE || (bytes[0] & 7) != MODE_SERVER ||
        get64(bytes + ORIGIN_AT) != nonce) {
        return false;
    }
    reply->leap = bytes[0] >> 6;
    reply->stratum = bytes[STRATUM_AT];
    reply->root_delay_s = get_short(bytes + ROOT_DELAY_AT);
    reply->root_dispersion_s = get_short(bytes + ROOT_DISPERSION_AT);
    copy_code(bytes + REFERENCE_AT, reply->code);
    reply->receive = get64(bytes + RECEIVE_AT);
    reply->transmit = get64(bytes + TRANSMIT_AT);
    return true;
}

/* a - b; an era's end between them does no harm. */
static double difference_s(uint64_t a, uint64_t b)
{
    return (double)(int64_t)(a - b) / FRACTIONS;
}

static uint64_t from_wall_ns(int64_t ns)
{
    uint64_t seconds = (uint64_t)(ns / 1000000000 + UNIX_EPOCH_S);
    uint64_t rest = (uint64_t)(ns % 1000000000);
    return seconds << 32 | (rest << 32) / 1000000000;
}

bool ntp_measure(const struct ntp_reply *reply, int64_t sent_wall_ns, double elapsed_s,
                 struct ntp_measure *measure)
{
    uint64_t sent = from_wall_ns(sent_wall_ns);
    double served_s = difference_s(reply->transmit, reply->receive);
    double delay_s = elapsed_s - served_s;
    if (served_s < -TOLERANCE_S || delay_s < -TOLERANCE_S) {
        return false;
    }
    measure->delay_s = delay_s > 0 ? delay_s : 0;
    /* ((T2 - T1) + (T3 - T4)) / 2 with T4 = T1 + what passed. */
    measure->offset_s =
        (difference_s(reply->receive, sent) + difference_s(reply->transmit, sent) - elapsed_s) / 2;
    return true;
}
