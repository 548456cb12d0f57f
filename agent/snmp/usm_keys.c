/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "usm_keys.h"

#include "common/xalloc.h"
#include "snmp/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include <net-snmp/net-snmp-config.h>
/* The library's own headers need the line above first. */
#include <net-snmp/net-snmp-includes.h>
/* It needs the types of the one above. */
#include <net-snmp/library/scapi.h>

enum { DIGEST_SIZE = 64, SALT_SIZE = 32, PASSPHRASE_MAX = 1024 };

struct entry {
    struct entry *next;
    uint8_t digest[DIGEST_SIZE]; /* of the salt, the protocol and the passphrase */
    struct usm_key key;
};

struct usm_keys {
    struct entry *entries;
    uint8_t salt[SALT_SIZE];
};

const unsigned long *usm_auth_oid(int protocol, size_t *n)
{
    static const int types[] = {
        [SNMP_AUTH_MD5] = NETSNMP_USMAUTH_HMACMD5,
        [SNMP_AUTH_SHA1] = NETSNMP_USMAUTH_HMACSHA1,
        [SNMP_AUTH_SHA224] = NETSNMP_USMAUTH_HMAC128SHA224,
        [SNMP_AUTH_SHA256] = NETSNMP_USMAUTH_HMAC192SHA256,
        [SNMP_AUTH_SHA384] = NETSNMP_USMAUTH_HMAC256SHA384,
        [SNMP_AUTH_SHA512] = NETSNMP_USMAUTH_HMAC384SHA512,
    };
    *n = 0;
    return protocol >= 0 && (size_t)protocol < sizeof types / sizeof types[0]
               ? sc_get_auth_oid(types[protocol], n)
               : NULL;
}

const unsigned long *usm_priv_oid(int protocol, size_t *n)
{
    static const int types[] = {
        [SNMP_PRIV_DES] = USM_CREATE_USER_PRIV_DES,
        [SNMP_PRIV_AES128] = USM_CREATE_USER_PRIV_AES,
        [SNMP_PRIV_AES192] = USM_CREATE_USER_PRIV_AES192,
        [SNMP_PRIV_AES256] = USM_CREATE_USER_PRIV_AES256,
        [SNMP_PRIV_AES192_CISCO] = USM_CREATE_USER_PRIV_AES192_CISCO,
        [SNMP_PRIV_AES256_CISCO] = USM_CREATE_USER_PRIV_AES256_CISCO,
    };
    *n = 0;
    return protocol >= 0 && (size_t)protocol < sizeof types / sizeof types[0]
               ? sc_get_priv_oid(types[protocol], n)
               : NULL;
}

struct usm_keys *usm_keys_new(void)
{
    struct usm_keys *keys = xcalloc(1, sizeof *keys);
    if (getrandom(keys->salt, sizeof keys->salt, 0) != (ssize_t)sizeof keys->salt) {
        abort(); /* cannot fail for so few bytes once the system is up */
    }
    return keys;
}

static int digest(const struct usm_keys *keys, int protocol, const char *passphrase,
                  uint8_t out[DIGEST_SIZE])
{
    uint8_t text[SALT_SIZE + 1 + PASSPHRASE_MAX];
    size_t size = strnlen(passphrase, PASSPHRASE_MAX + 1);
    size_t out_size = DIGEST_SIZE;
    if (size > PASSPHRASE_MAX) {
        return -EINVAL;
    }
    memcpy(text, keys->salt, SALT_SIZE);
    text[SALT_SIZE] = (uint8_t)protocol;
    memcpy(text + SALT_SIZE + 1, passphrase, size);
    int rc = sc_hash(usmHMAC384SHA512AuthProtocol, OID_LENGTH(usmHMAC384SHA512AuthProtocol), text,
                     SALT_SIZE + 1 + size, out, &out_size);
    explicit_bzero(text, sizeof text);
    return rc == SNMPERR_SUCCESS && out_size == DIGEST_SIZE ? 0 : -ENOTSUP;
}

static int make_key(int protocol, const char *passphrase, struct usm_key *key)
{
    size_t n;
    const oid *hash = usm_auth_oid(protocol, &n);
    if (hash == NULL) {
        return -ENOTSUP;
    }
    if (strlen(passphrase) < USM_LENGTH_P_MIN) {
        return -EINVAL;
    }
    key->size = sizeof key->bytes;
    return generate_Ku(hash, (u_int)n, (const u_char *)passphrase, strlen(passphrase), key->bytes,
                       &key->size) == SNMPERR_SUCCESS
               ? 0
               : -ENOTSUP;
}

static void free_entry(struct entry *entry)
{
    explicit_bzero(entry, sizeof *entry);
    free(entry);
}

const struct usm_key *usm_keys_get(struct usm_keys *keys, int protocol, const char *passphrase)
{
    uint8_t wanted[DIGEST_SIZE];
    int rc = digest(keys, protocol, passphrase, wanted);
    for (struct entry *entry = keys->entries; rc == 0 && entry != NULL; entry = entry->next) {
        if (memcmp(entry->digest, wanted, sizeof wanted) == 0) {
            return &entry->key;
        }
    }
    if (rc != 0) {
        errno = -rc;
        return NULL;
    }
    struct entry *entry = xcalloc(1, sizeof *entry);
    (void)mlock(entry, sizeof *entry); /* where the limit allows it */
    memcpy(entry->digest, wanted, sizeof wanted);
    rc = make_key(protocol, passphrase, &entry->key);
    if (rc != 0) {
        free_entry(entry);
        errno = -rc;
        return NULL;
    }
    entry->next = keys->entries;
    keys->entries = entry;
    return &entry->key;
}

void usm_keys_free(struct usm_keys *keys)
{
    if (keys == NULL) {
        return;
    }
    for (struct entry *entry = keys->entries, *next; entry != NULL; entry = next) {
        next = entry->next;
        free_entry(entry);
    }
    explicit_bzero(keys, sizeof *keys);
    free(keys);
}
