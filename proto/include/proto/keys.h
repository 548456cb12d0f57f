/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Identities: a CURVE key pair for the link (ZeroMQ, RFC 26) and an Ed25519 key pair for signatures
 * (RFC 8032). An agent's identity on the wire is its CURVE public key; its statements are signed
 * with the other one. The key file is text, mode 0400, four lines "name: value"; secrets are
 * wiped from memory when freed, and never logged.
 *
 * Threads: a handle may be read from every thread once loaded. */
#ifndef PROTO_KEYS_H
#define PROTO_KEYS_H

#include <stddef.h>
#include <stdint.h>

enum {
    KEYS_CURVE_TEXT_SIZE = 41, /* Z85 and NUL */
    KEYS_CURVE_SIZE = 32,
    KEYS_SIGN_PUBLIC_SIZE = 32,
    KEYS_SIGN_TEXT_SIZE = 45, /* base64 (RFC 4648 §4) and NUL */
    KEYS_SIGNATURE_SIZE = 64,
    KEYS_HASH_SIZE = 32,       /* SHA-256 */
    KEYS_SHORT_HASH_SIZE = 16, /* SipHash-2-4 with 128 bits */
    KEYS_SHORT_KEY_SIZE = 16,
};

struct keys; /* in libsodium's guarded memory */

/* Call once per process before anything else here. 0 or -EIO. */
int keys_init(void);

/* NULL when there is no memory that can be guarded. */
struct keys *keys_generate(void);
/* 0; -ENOENT …; -EPERM when group or others may read the file; -EBADMSG with a reason when its
 * text is not a key file. */
int keys_load(const char *path, struct keys **keys, char *reason, size_t reason_size);
/* Writes a new file with mode 0400, durably; -EEXIST if it is there. */
int keys_save(const struct keys *keys, const char *path);
void keys_free(struct keys *keys);

const char *keys_curve_public(const struct keys *keys); /* Z85 text */
const char *keys_curve_secret(const struct keys *keys); /* Z85 text */
const char *keys_sign_public(const struct keys *keys);  /* base64 text */
const uint8_t *keys_sign_public_bytes(const struct keys *keys);

/* Ed25519 over the bytes. */
void keys_sign(const struct keys *keys, const void *bytes, size_t size,
               uint8_t signature[KEYS_SIGNATURE_SIZE]);
int keys_verify(const uint8_t sign_public[KEYS_SIGN_PUBLIC_SIZE], const void *bytes, size_t size,
                const uint8_t signature[KEYS_SIGNATURE_SIZE]);                /* 0 or -EBADMSG */
void keys_hash(const void *bytes, size_t size, uint8_t hash[KEYS_HASH_SIZE]); /* SHA-256 */

/* For tables in memory whose keys a peer chooses: without the key nobody makes two alike. */
void keys_short_hash(const void *bytes, size_t size, const uint8_t key[KEYS_SHORT_KEY_SIZE],
                     uint8_t hash[KEYS_SHORT_HASH_SIZE]);

/* Text to bytes. 0, or -EINVAL. Usable as config checks with keys_check_*. */
int keys_parse_curve_public(const char *text, uint8_t key[KEYS_CURVE_SIZE]);
int keys_parse_sign_public(const char *text, uint8_t key[KEYS_SIGN_PUBLIC_SIZE]);
int keys_check_curve_public(const char *text, char *reason, size_t reason_size);
int keys_check_sign_public(const char *text, char *reason, size_t reason_size);

#endif
