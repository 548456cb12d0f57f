/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What may be told of an address. A client's address is personal data: it leaves the agent as the
 * prefix of its network, or as a keyed hash whose key is random, lives in memory alone and is
 * destroyed each day; only addresses in the operator's own ranges, which are servers, are told in
 * full. Pure but for its memory and the randomness of its key.
 *
 * Threads: all calls but privacy_free from any, so that meters side by side share a key. */
#ifndef METER_PRIVACY_H
#define METER_PRIVACY_H

#include "meter/talkers.h"
#include <stdbool.h>

enum privacy_mode {
    PRIVACY_TRUNCATE, /* to /24 and /48: the default */
    PRIVACY_HASH,     /* BLAKE2b, keyed */
    PRIVACY_FULL,     /* for files of one's own */
};

enum {
    PRIVACY_RANGES_MAX = 256,
    PRIVACY_TEXT_MAX = 64, /* of any key as text, with its NUL */
};

/* Addresses, IPv4 as ::ffff:a.b.c.d and bits counted from there: "192.0.2.0/24" has 120. */
struct privacy_range {
    uint8_t address[16];
    uint8_t bits; /* 0 to 128 */
};
/* "192.0.2.0/24", "2001:db8::/32", or an address alone. 0, or -EINVAL with a reason: no address, a
 * prefix length that is too large, or bits set behind it. */
int privacy_range_parse(const char *text, struct privacy_range *range, char *reason,
                        size_t reason_size);

struct privacy;
/* Copies the ranges. */
struct privacy *privacy_new(enum privacy_mode mode, const struct privacy_range *own, size_t n_own);
/* Wipes the key. NULL is allowed. */
void privacy_free(struct privacy *privacy);
bool privacy_is_own(const struct privacy *privacy, const uint8_t address[16]);
/* How `address` is told at `time_s` since 1970: the first call of a new day (UTC) makes a new key
 * and wipes the old one. Multicast, broadcast, loopback and unspecified ones are nobody's and
 * are told in full. */
void privacy_key(struct privacy *privacy, int64_t time_s, const uint8_t address[16],
                 struct talker_key *key);
/* The address with its host part cleared: kind TALKER_PREFIX. */
void privacy_prefix(const uint8_t address[16], struct talker_key *key);
/* "192.0.2.7", "192.0.2.0/24", "2001:db8:1::/48", "hash:0123456789abcdef0123456789abcdef"; of a
 * service "tcp/443", "udp/53", "icmp", "esp", "protocol/103". */
void privacy_print(const struct talker_key *key, char text[PRIVACY_TEXT_MAX]);

#endif
