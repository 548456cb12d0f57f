/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SNMPv3's user-based security (RFC 3414, RFC 7860, RFC 3826) for the simulated devices: one user
 * known to all of them, whose keys each device has localized to its own engine ID. Its own
 * implementation on libcrypto, so that it cannot agree with a poller's library by sharing its bugs.
 *
 * Threads: one. */
#ifndef SIM_USM_H
#define SIM_USM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    USM_KEY_MAX = 64,
    USM_MAC_MAX = 48,
    USM_SALT_BYTES = 8,
    USM_ENGINE_ID_BYTES = 12,
    USM_BOOTS = 1, /* of all engines */
};

struct usm;

struct usm_options {
    const char *user;
    const char *auth; /* "SHA", "SHA-224" … "SHA-512"; NULL: none */
    const char *auth_passphrase;
    const char *priv; /* "AES"; NULL: none */
    const char *priv_passphrase;
    uint32_t n_devices;
};
/* NULL: no such protocol, or a passphrase is missing. */
struct usm *usm_new(const struct usm_options *options);
void usm_free(struct usm *usm);

const char *usm_user(const struct usm *usm);
bool usm_has_auth(const struct usm *usm);
bool usm_has_priv(const struct usm *usm);
/* Octets of msgAuthenticationParameters. */
size_t usm_mac_size(const struct usm *usm);

void usm_engine_id(uint32_t device, uint8_t engine_id[USM_ENGINE_ID_BYTES]);
/* Of a whole message whose msgAuthenticationParameters are zeros. */
void usm_sign(struct usm *usm, uint32_t device, const uint8_t *message, size_t n,
              uint8_t mac[USM_MAC_MAX]);
/* In place. */
void usm_encrypt(struct usm *usm, uint32_t device, uint32_t engine_time,
                 const uint8_t salt[USM_SALT_BYTES], uint8_t *text, size_t n);
void usm_decrypt(struct usm *usm, uint32_t device, uint32_t engine_boots, uint32_t engine_time,
                 const uint8_t salt[USM_SALT_BYTES], uint8_t *text, size_t n);

#endif
