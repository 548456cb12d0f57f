/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The heaviest keys of a stream in fixed memory: weighted Space-Saving (Metwally et al. 2005) in
 * sets of eight entries, a key's set chosen by a keyed hash. A key that is not there takes over the
 * lightest entry of its set and inherits its weight as its error: so bytes - error <= true <=
 * bytes, and what is not in the table weighs at most talkers_error_bound. Pure but for its memory.
 */
#ifndef METER_TALKERS_H
#define METER_TALKERS_H

#include <stddef.h>
#include <stdint.h>

enum talker_kind {
    TALKER_ADDRESS = 1, /* bytes: an address, IPv4 as ::ffff:a.b.c.d */
    TALKER_PREFIX,      /* bytes: an address with its host part cleared: /24 of IPv4, /48 of IPv6 */
    TALKER_HASH,        /* bytes: 16 bytes of a keyed hash */
    TALKER_SERVICE,     /* bytes: IANA protocol, 0, then the port in network order; the rest 0 */
};

struct talker_key {
    uint8_t bytes[16];
    uint32_t kind; /* enum talker_kind */
};

struct talker {
    struct talker_key key;
    uint64_t ip_bytes;
    uint64_t packets; /* counted while the key was in the table: at most the true number */
    uint64_t error_bytes;
};

struct talkers;

/* `entries` is rounded up to a power of two of at least 64; they are all the memory it ever takes.
 * `seed` must be random, so that nobody can choose keys of one set. */
struct talkers *talkers_new(size_t entries, const uint8_t seed[16]);
/* NULL is allowed. */
void talkers_free(struct talkers *talkers);
void talkers_add(struct talkers *talkers, const struct talker_key *key, uint64_t ip_bytes,
                 uint64_t packets);
/* The `most` heaviest, by bytes, then by key; returns how many there are. */
size_t talkers_top(const struct talkers *talkers, struct talker *top, size_t most);
/* At most so many bytes has a key that is not in the table; 0: nothing was ever displaced. */
uint64_t talkers_error_bound(const struct talkers *talkers);
/* Adds all of `from`, with its errors: of tables with any seeds and sizes. */
void talkers_merge(struct talkers *into, const struct talkers *from);
void talkers_clear(struct talkers *talkers);

#endif
