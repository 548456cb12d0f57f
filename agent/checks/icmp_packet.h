/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ICMP echo messages, and errors about them (RFC 792, RFC 4443), as bytes. Pure. */
#ifndef CHECKS_ICMP_PACKET_H
#define CHECKS_ICMP_PACKET_H

#include <stdbool.h>
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
    uint16_t id;
    uint16_t sequence;
    const uint8_t *token; /* ICMP_TOKEN_SIZE, within the bytes */
};

/* An echo request as an error quotes it. */
struct icmp_quote {
    uint16_t id;
    uint16_t sequence;
    const uint8_t *token; /* within the bytes */
    size_t token_size;    /* as much of it as is quoted: RFC 792 asks for none */
};

/* What an error says of the way to a host. */
struct icmp_error {
    const char *reason; /* "host-unreachable", "network-unreachable" */
    const char *words;
};

/* An echo request with its checksum (for IPv6 the kernel makes it). */
void icmp_encode(enum icmp_form form, uint16_t id, uint16_t sequence,
                 const uint8_t token[ICMP_TOKEN_SIZE], uint8_t packet[ICMP_PACKET_SIZE]);
/* 0, or -EBADMSG when it is no echo reply with a token. */
int icmp_decode(enum icmp_form form, const uint8_t *bytes, size_t size, struct icmp_reply *reply);
/* What an error quotes, from its ICMP header on: 0, or -EBADMSG when it is no echo request. */
int icmp_decode_quote(bool is_v6, const uint8_t *bytes, size_t size, struct icmp_quote *quote);
/* NULL: it does not say that the host cannot be reached. */
const struct icmp_error *icmp_explain(bool is_v6, uint8_t type, uint8_t code);

#endif
