/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the configuration says about SNMP: the devices and how each is asked.
 *
 * Threads: no state. */
#ifndef SNMP_CONFIG_H
#define SNMP_CONFIG_H

#include "common/config.h"

enum snmp_version_config { SNMP_CONFIG_V1, SNMP_CONFIG_V2C, SNMP_CONFIG_V3 };

/* RFC 3414 (MD5, SHA-1) and RFC 7860 (SHA-2). */
enum snmp_auth_config {
    SNMP_AUTH_MD5,
    SNMP_AUTH_SHA1,
    SNMP_AUTH_SHA224,
    SNMP_AUTH_SHA256,
    SNMP_AUTH_SHA384,
    SNMP_AUTH_SHA512,
};
/* RFC 3414 (DES), RFC 3826 (AES-128); AES-192 and AES-256 exist with two ways of lengthening the
 * key: draft-blumenthal-aes-usm-04, and the one that Cisco and others use. */
enum snmp_priv_config {
    SNMP_PRIV_DES,
    SNMP_PRIV_AES128,
    SNMP_PRIV_AES192,
    SNMP_PRIV_AES256,
    SNMP_PRIV_AES192_CISCO,
    SNMP_PRIV_AES256_CISCO,
};

/* `auth:` and `priv:`. */
struct snmp_key_config {
    bool present;
    int protocol; /* enum snmp_auth_config, enum snmp_priv_config */
    char *passphrase_file;
    char *passphrase; /* secret; once snmp_read_passphrases has run: also that of the file */
};

/* `snmp:` of a device: how it is asked. */
struct snmp_access_config {
    bool present;
    int version;     /* enum snmp_version_config; default 2c */
    char *community; /* v1, v2c; secret */
    char *user;      /* v3 */
    struct snmp_key_config auth;
    struct snmp_key_config priv;
    char *context;   /* v3: contextName; NULL: "" */
    bool allow_weak; /* MD5 and DES */
    bool any_source; /* replies may come from another address */
    int64_t interval_ms;
    int64_t timeout_ms;  /* of one attempt, default 1 s */
    int64_t retries;     /* default 2 */
    int64_t repetitions; /* max-repetitions of the first GETBULK; it adapts */
    char *profile;       /* NULL: by sysObjectID and sysDescr */
};

/* An item of the agent's `devices:`:
 *   {name: sw-1, address: "192.0.2.10:161", snmp: {version: 2c, community: public, timeout: 1s}} */
struct snmp_device_config {
    struct config_place place;
    char *name;
    char *address; /* "192.0.2.10", "192.0.2.10:161", "[2001:db8::1]:161"; default port 161 */
    struct snmp_access_config snmp;
};
extern const struct config_schema snmp_device_config_schema;

/* The agent's `snmp:`: what is common to all devices. */
struct snmp_config {
    int64_t workers;                /* processes; 0: one for each 1,000 devices */
    int64_t requests_per_second;    /* at most, of one worker */
    struct config_strings profiles; /* files, or folders of *.yaml, besides the shipped ones */
};
extern const struct config_schema snmp_config_schema;

/* For the check of the configuration that holds the list: reports device names given twice. */
void snmp_check_unique(const struct config_list *devices, struct config_error_sink *errors);
/* Likewise: reports devices whose attempts do not fit into three quarters of their interval, so
 * that a verdict is there before the next turn. Who asks only once need not care. */
void snmp_check_times(const struct config_list *devices, struct config_error_sink *errors);
/* Reads each `passphrase_file` (a relative path is that of the configuration's folder; one line, 8
 * to 255 bytes; that others may read it is logged as a warning) into `passphrase`. 0, or -EINVAL
 * with all errors added, which name the device's line and the file. */
int snmp_read_passphrases(struct config_list *devices, const char *config_path,
                          struct config_errors *errors);

/* What a worker is told. */
struct snmp_share {
    char *user; /* whom to become; NULL: nobody else */
    int64_t requests_per_second;
    struct config_list devices;
    struct config_list profiles;
};
extern const struct config_schema snmp_share_schema;

#endif
