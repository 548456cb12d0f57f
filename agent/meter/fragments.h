/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which ports the later fragments of a datagram have: a small fixed cache of first fragments by
 * source, destination, protocol and identification, each good for 30 s (RFC 791's and RFC 8200's
 * time of reassembly are 15 to 60 s). A fragment whose first was not seen gets nothing guessed and
 * leaves no state. Pure but for its memory. */
#ifndef METER_FRAGMENTS_H
#define METER_FRAGMENTS_H

#include "meter/packet.h"
#include <stdbool.h>

struct fragments;
struct fragments *fragments_new(const uint8_t seed[16]);
/* NULL is allowed. */
void fragments_free(struct fragments *fragments);
/* A first fragment with ports (TCP, UDP, SCTP), or of a protocol without any. */
void fragments_note(struct fragments *fragments, const struct packet *packet);
/* A later one: fills in its ports if the first is known. False: it is not. */
bool fragments_find(struct fragments *fragments, struct packet *packet);
void fragments_clear(struct fragments *fragments);

#endif
