/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Public keys as text: apart from keys.c, so that who only checks a configuration maps no ZeroMQ.
 */
#include "proto/keys.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { Z85_GROUP = 5, Z85_GROUP_BYTES = 4, Z85_BASE = 85 };

/* Z85 (ZeroMQ RFC 32): five digits are four bytes, the highest first. */
int keys_parse_curve_public(const char *text, uint8_t key[KEYS_CURVE_SIZE])
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 ".-:+=^!/*?&<>()[]{}@%$#";
    if (strlen(text) != KEYS_CURVE_TEXT_SIZE - 1) {
        return -EINVAL;
    }
    for (size_t group = 0; group < KEYS_CURVE_SIZE / Z85_GROUP_BYTES; group++) {
        uint64_t value = 0;
        for (size_t i = 0; i < Z85_GROUP; i++) {
            const char *digit = strchr(digits, text[group * Z85_GROUP + i]);
            if (digit == NULL) {
                return -EINVAL;
            }
            value = value * Z85_BASE + (uint64_t)(digit - digits);
        }
        if (value > UINT32_MAX) {
            return -EINVAL;
        }
        for (size_t i = 0; i < Z85_GROUP_BYTES; i++) {
            key[group * Z85_GROUP_BYTES + i] = (uint8_t)(value >> (8 * (Z85_GROUP_BYTES - 1 - i)));
        }
    }
    return 0;
}

int keys_parse_sign_public(const char *text, uint8_t key[KEYS_SIGN_PUBLIC_SIZE])
{
    /* libsodium 1.0.18 reads every byte from 0x80 on as an A. */
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t size = 0;
    bool good = strlen(text) == KEYS_SIGN_TEXT_SIZE - 1 &&
                strspn(text, alphabet) == KEYS_SIGN_TEXT_SIZE - 2 &&
                sodium_base642bin(key, KEYS_SIGN_PUBLIC_SIZE, text, strlen(text), NULL, &size, NULL,
                                  sodium_base64_VARIANT_ORIGINAL) == 0;
    return good && size == KEYS_SIGN_PUBLIC_SIZE ? 0 : -EINVAL;
}

int keys_check_curve_public(const char *text, char *reason, size_t reason_size)
{
    uint8_t key[KEYS_CURVE_SIZE];
    if (keys_parse_curve_public(text, key) == 0) {
        return 0;
    }
    (void)snprintf(reason, reason_size, "not a CURVE public key: 40 characters of Z85");
    return -EINVAL;
}

int keys_check_sign_public(const char *text, char *reason, size_t reason_size)
{
    uint8_t key[KEYS_SIGN_PUBLIC_SIZE];
    if (keys_parse_sign_public(text, key) == 0) {
        return 0;
    }
    (void)snprintf(reason, reason_size, "not an Ed25519 public key: 44 characters of base64");
    return -EINVAL;
}
