/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "usm.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

enum {
    PASSPHRASE_STRETCH = 1048576, /* octets that are hashed (RFC 3414 section A.2) */
    AES_KEY_BYTES = 16,
    AES_IV_BYTES = 16,
};

/* RFC 3414 section 6, RFC 7860 section 4.1: how much of the digest travels. */
static const struct auth_protocol {
    const char *name;
    const char *digest;
    size_t mac_size;
} auth_protocols[] = {
    {"SHA", "SHA1", 12},         {"SHA-224", "SHA2-224", 16}, {"SHA-256", "SHA2-256", 24},
    {"SHA-384", "SHA2-384", 32}, {"SHA-512", "SHA2-512", 48}, {0},
};

struct device_keys {
    uint8_t auth[USM_KEY_MAX];
    uint8_t priv[USM_KEY_MAX];
};

struct usm {
    char *user;
    const struct auth_protocol *auth; /* NULL: none */
    bool has_priv;
    EVP_MD *digest;
    size_t key_size;
    EVP_MAC *hmac;
    EVP_MAC_CTX *hmac_context;
    EVP_CIPHER *cipher;
    EVP_CIPHER_CTX *cipher_context;
    struct device_keys *keys;
};

/* libcrypto's 1: it worked. What can fail here is only memory. */
static void must(int rc)
{
    if (rc != 1) {
        abort();
    }
}

/* RFC 3414 section A.2: the digest of the passphrase, repeated to a megabyte. */
static void passphrase_to_key(const struct usm *usm, const char *passphrase, uint8_t *key)
{
    size_t n = strlen(passphrase);
    uint8_t *stretched = malloc(PASSPHRASE_STRETCH);
    must(stretched != NULL);
    for (size_t i = 0; i < PASSPHRASE_STRETCH; i++) {
        stretched[i] = (uint8_t)passphrase[i % n];
    }
    must(EVP_Digest(stretched, PASSPHRASE_STRETCH, key, NULL, usm->digest, NULL));
    free(stretched);
}

static void localize(const struct usm *usm, const uint8_t *key, uint32_t device, uint8_t *localized)
{
    uint8_t text[2 * USM_KEY_MAX + USM_ENGINE_ID_BYTES];
    size_t n = usm->key_size;
    memcpy(text, key, n);
    usm_engine_id(device, text + n);
    memcpy(text + n + USM_ENGINE_ID_BYTES, key, n);
    must(EVP_Digest(text, 2 * n + USM_ENGINE_ID_BYTES, localized, NULL, usm->digest, NULL));
}

static void make_keys(struct usm *usm, const struct usm_options *options)
{
    uint8_t auth[USM_KEY_MAX] = {0};
    uint8_t priv[USM_KEY_MAX] = {0};
    usm->keys = calloc(options->n_devices, sizeof *usm->keys);
    must(usm->keys != NULL);
    passphrase_to_key(usm, options->auth_passphrase, auth);
    if (usm->has_priv) {
        passphrase_to_key(usm, options->priv_passphrase, priv);
    }
    for (uint32_t device = 0; device < options->n_devices; device++) {
        localize(usm, auth, device, usm->keys[device].auth);
        if (usm->has_priv) {
            localize(usm, priv, device, usm->keys[device].priv);
        }
    }
}

static void open_library(struct usm *usm)
{
    usm->digest = EVP_MD_fetch(NULL, usm->auth->digest, NULL);
    usm->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    usm->cipher = EVP_CIPHER_fetch(NULL, "AES-128-CFB", NULL);
    must(usm->digest != NULL && usm->hmac != NULL && usm->cipher != NULL);
    usm->key_size = (size_t)EVP_MD_get_size(usm->digest);
    usm->hmac_context = EVP_MAC_CTX_new(usm->hmac);
    usm->cipher_context = EVP_CIPHER_CTX_new();
    must(usm->hmac_context != NULL && usm->cipher_context != NULL);
    char name[16];
    must(strlen(usm->auth->digest) < sizeof name);
    memcpy(name, usm->auth->digest, strlen(usm->auth->digest) + 1);
    const OSSL_PARAM digest[] = {OSSL_PARAM_utf8_string("digest", name, 0), OSSL_PARAM_END};
    must(EVP_MAC_CTX_set_params(usm->hmac_context, digest));
}

static bool has_text(const char *text)
{
    return text != NULL && text[0] != '\0';
}

struct usm *usm_new(const struct usm_options *options)
{
    const struct auth_protocol *auth = NULL;
    if (options->auth != NULL) {
        for (auth = auth_protocols; auth->name != NULL && strcmp(auth->name, options->auth) != 0;) {
            auth++;
        }
        if (auth->name == NULL || !has_text(options->auth_passphrase)) {
            return NULL;
        }
    }
    if (options->priv != NULL && (auth == NULL || strcmp(options->priv, "AES") != 0 ||
                                  !has_text(options->priv_passphrase))) {
        return NULL;
    }
    struct usm *usm = calloc(1, sizeof *usm);
    must(usm != NULL);
    usm->user = strdup(options->user);
    must(usm->user != NULL);
    usm->auth = auth;
    usm->has_priv = options->priv != NULL;
    if (auth != NULL) {
        open_library(usm);
        make_keys(usm, options);
    }
    return usm;
}

void usm_free(struct usm *usm)
{
    if (usm != NULL) {
        EVP_CIPHER_CTX_free(usm->cipher_context);
        EVP_CIPHER_free(usm->cipher);
        EVP_MAC_CTX_free(usm->hmac_context);
        EVP_MAC_free(usm->hmac);
        EVP_MD_free(usm->digest);
        free(usm->keys);
        free(usm->user);
        free(usm);
    }
}

const char *usm_user(const struct usm *usm)
{
    return usm->user;
}

bool usm_has_auth(const struct usm *usm)
{
    return usm->auth != NULL;
}

bool usm_has_priv(const struct usm *usm)
{
    return usm->has_priv;
}

size_t usm_mac_size(const struct usm *usm)
{
    return usm->auth == NULL ? 0 : usm->auth->mac_size;
}

void usm_engine_id(uint32_t device, uint8_t engine_id[USM_ENGINE_ID_BYTES])
{
    /* RFC 3411: SnmpEngineID of the enterprise of examples, octets that it chose. */
    static const uint8_t prefix[] = {0x80, 0x00, 0x7e, 0xd9, 0x05, 's', 'i', 'm'};
    memcpy(engine_id, prefix, sizeof prefix);
    for (size_t i = 0; i < 4; i++) {
        engine_id[sizeof prefix + i] = (uint8_t)(device >> (24 - 8 * i));
    }
}

void usm_sign(struct usm *usm, uint32_t device, const uint8_t *message, size_t n,
              uint8_t mac[USM_MAC_MAX])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    size_t size = 0;
    must(EVP_MAC_init(usm->hmac_context, usm->keys[device].auth, usm->key_size, NULL));
    must(EVP_MAC_update(usm->hmac_context, message, n));
    must(EVP_MAC_final(usm->hmac_context, digest, &size, sizeof digest));
    memcpy(mac, digest, usm->auth->mac_size);
}

static void put32(uint8_t *at, uint32_t value)
{
    for (size_t i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

/* RFC 3826 section 3.1.2.1. */
static void run_cipher(struct usm *usm, uint32_t device, uint32_t engine_boots,
                       uint32_t engine_time, const uint8_t salt[USM_SALT_BYTES], uint8_t *text,
                       size_t n, int encrypt)
{
    uint8_t iv[AES_IV_BYTES];
    int done = 0;
    assert(n <= UINT16_MAX);
    put32(iv, engine_boots);
    put32(iv + 4, engine_time);
    memcpy(iv + 8, salt, USM_SALT_BYTES);
    must(EVP_CipherInit_ex2(usm->cipher_context, usm->cipher, usm->keys[device].priv, iv, encrypt,
                            NULL));
    must(EVP_CipherUpdate(usm->cipher_context, text, &done, text, (int)n));
    assert((size_t)done == n); /* a stream: nothing is held back */
}

void usm_encrypt(struct usm *usm, uint32_t device, uint32_t engine_time,
                 const uint8_t salt[USM_SALT_BYTES], uint8_t *text, size_t n)
{
    run_cipher(usm, device, USM_BOOTS, engine_time, salt, text, n, 1);
}

void usm_decrypt(struct usm *usm, uint32_t device, uint32_t engine_boots, uint32_t engine_time,
                 const uint8_t salt[USM_SALT_BYTES], uint8_t *text, size_t n)
{
    run_cipher(usm, device, engine_boots, engine_time, salt, text, n, 0);
}
