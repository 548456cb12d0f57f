/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ICMP echo messages (RFC 792, RFC 4443 §4) as bytes. Pure. */
#ifndef CHECKS_ICMP_PACKET_H
#define CHECKS_ICMP_PACKET_H

#include <stddef.h>
#include <stdint.h>

enum {
    ICMP_PACKET_SIZE = 64, /* as ping(8) sends: some filters drop what looks unusual */
    ICMP_TOKEN_SIZE = 16,  /* random: an answer with it comes from who saw the question */
};

enum icmp_form {
    ICMP_FORM_V4,    /* a ping socket's: from the ICMP header on */
    ICMP_FORM_V4_IP, /* a raw socket's: the IPv4 header first */
    ICMP_FORM_V6,
};

struct icmp_reply {
    uint16_t sequence;
    const uint8_t *token; /* ICMP_TOKEN_SIZE, within the bytes */
};

/* An echo request with its checksum (for IPv6 the kernel makes it). */
void icmp_encode(enum icmp_form form, uint16_t id, uint16_t sequence,
                 const uint8_t token[ICMP_TOKEN_SIZE], uint8_t packet[ICMP_PACKET_SIZE]);
/* 0, or -EBADMSG when it is no echo reply with a token. */
int icmp_decode(enum icmp_form form, const uint8_t *bytes, size_t size, struct icmp_reply *reply);

#endif
