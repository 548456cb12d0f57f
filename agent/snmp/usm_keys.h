/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Keys made of passphrases (RFC 3414 section 2.6), each made once: that takes 2.3 ms, and a city's
 * devices share a few passphrases. Passphrases are not kept. What is kept stays out of swap where
 * the system allows it, and is wiped at the end.
 *
 * Threads: as the engine's. */
#ifndef SNMP_USM_KEYS_H
#define SNMP_USM_KEYS_H

#include <stddef.h>
#include <stdint.h>

enum { USM_KEY_MAX = 64 };

/* Ku: not yet localized to an engine. */
struct usm_key {
    size_t size;
    uint8_t bytes[USM_KEY_MAX];
};

struct usm_keys;

struct usm_keys *usm_keys_new(void);
/* The key of a passphrase by the hash of `protocol` (enum snmp_auth_config), valid until
 * usm_keys_free. NULL with errno: EINVAL (a passphrase of less than 8 bytes), ENOTSUP (the library
 * does not have the protocol). */
const struct usm_key *usm_keys_get(struct usm_keys *keys, int protocol, const char *passphrase);
/* NULL is allowed. */
void usm_keys_free(struct usm_keys *keys);

/* The library's name of a protocol (enum snmp_auth_config, enum snmp_priv_config), static; NULL: it
 * does not have it. */
const unsigned long *usm_auth_oid(int protocol, size_t *n);
const unsigned long *usm_priv_oid(int protocol, size_t *n);

#endif
