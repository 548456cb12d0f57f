/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The hashes of keys.h, apart from the keys: a worker hashes names and must not bring in ZeroMQ. */
#include "proto/keys.h"

#include <sodium.h>

void keys_hash(const void *bytes, size_t size, uint8_t hash[KEYS_HASH_SIZE])
{
    (void)crypto_hash_sha256(hash, bytes, size); /* always 0 */
}

_Static_assert(KEYS_SHORT_HASH_SIZE == crypto_shorthash_siphashx24_BYTES &&
                   KEYS_SHORT_KEY_SIZE == crypto_shorthash_siphashx24_KEYBYTES,
               "libsodium's SipHash has our sizes");

void keys_short_hash(const void *bytes, size_t size, const uint8_t key[KEYS_SHORT_KEY_SIZE],
                     uint8_t hash[KEYS_SHORT_HASH_SIZE])
{
    (void)crypto_shorthash_siphashx24(hash, bytes, size, key); /* always 0 */
}
