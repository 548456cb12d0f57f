/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snmp/config.h"

#include "address.h"
#include "common/xalloc.h"
#include "proto/limits.h"
#include "snmp/profile.h"

#include <stdlib.h>
#include <string.h>

enum {
    NAME_MAX_BYTES = PROTO_NAME_MAX,
    COMMUNITY_MAX_BYTES = 255,
    USER_MAX_BYTES = 32, /* usmUserName, RFC 3414 */
    CONTEXT_MAX_BYTES = 255,
    PASSPHRASE_MIN_BYTES = 8, /* RFC 3414, 11.2 */
    PASSPHRASE_MAX_BYTES = 255,
    WORKERS_MAX = 64,
    REPETITIONS_MAX = 100,
};

/* --- auth, priv --- */

static const struct config_choice auth_protocols[] = {
    {"md5", SNMP_AUTH_MD5},
    {"sha1", SNMP_AUTH_SHA1},
    {"sha224", SNMP_AUTH_SHA224},
    {"sha256", SNMP_AUTH_SHA256},
    {"sha384", SNMP_AUTH_SHA384},
    {"sha512", SNMP_AUTH_SHA512},
    {0},
};
static const struct config_choice auth_aliases[] = {
    {"md5", SNMP_AUTH_MD5},
    {"sha", SNMP_AUTH_SHA1},
    {"sha1", SNMP_AUTH_SHA1},
    {"sha224", SNMP_AUTH_SHA224},
    {"sha256", SNMP_AUTH_SHA256},
    {"sha384", SNMP_AUTH_SHA384},
    {"sha512", SNMP_AUTH_SHA512},
    {"sha-1", SNMP_AUTH_SHA1},
    {"sha-224", SNMP_AUTH_SHA224},
    {"sha-256", SNMP_AUTH_SHA256},
    {"sha-384", SNMP_AUTH_SHA384},
    {"sha-512", SNMP_AUTH_SHA512},
    {0},
};
static const struct config_choice priv_protocols[] = {
    {"des", SNMP_PRIV_DES},
    {"aes128", SNMP_PRIV_AES128},
    {"aes192", SNMP_PRIV_AES192},
    {"aes256", SNMP_PRIV_AES256},
    {"aes192-cisco", SNMP_PRIV_AES192_CISCO},
    {"aes256-cisco", SNMP_PRIV_AES256_CISCO},
    {0},
};
static const struct config_choice priv_aliases[] = {
    {"des", SNMP_PRIV_DES},
    {"aes", SNMP_PRIV_AES128},
    {"aes128", SNMP_PRIV_AES128},
    {"aes192", SNMP_PRIV_AES192},
    {"aes256", SNMP_PRIV_AES256},
    {"aes-128", SNMP_PRIV_AES128},
    {"aes-192", SNMP_PRIV_AES192},
    {"aes-256", SNMP_PRIV_AES256},
    {"aes192c", SNMP_PRIV_AES192_CISCO},
    {"aes256c", SNMP_PRIV_AES256_CISCO},
    {"aes-192-c", SNMP_PRIV_AES192_CISCO},
    {"aes-256-c", SNMP_PRIV_AES256_CISCO},
    {0},
};

static void check_key(const void *object, struct config_error_sink *errors)
{
    const struct snmp_key_config *key = object;
    if (key->passphrase == NULL && key->passphrase_file == NULL) {
        config_error_at(errors, 0, "passphrase_file", NULL,
                        "it or passphrase is required: the secret itself, or the file that it is "
                        "in");
    } else if (key->passphrase != NULL && key->passphrase_file != NULL) {
        config_error_at(errors, 0, "passphrase", NULL,
                        "passphrase_file is given, too: only one of the two can be meant");
    }
}

#define KEY_FIELDS(protocols, spellings, protocol_help)                                            \
    {                                                                                              \
        {.key = "protocol",                                                                        \
         .type = CONFIG_CHOICE,                                                                    \
         .offset = offsetof(struct snmp_key_config, protocol),                                     \
         .required = true,                                                                         \
         .choices = protocols,                                                                     \
         .aliases = spellings,                                                                     \
         .help = protocol_help},                                                                   \
            {.key = "passphrase_file",                                                             \
             .type = CONFIG_STRING,                                                                \
             .offset = offsetof(struct snmp_key_config, passphrase_file),                          \
             .min = 1,                                                                             \
             .max = 1024,                                                                          \
             .help =                                                                               \
                 "file with the passphrase as its only line; others should have no right on it"},  \
            {.key = "passphrase",                                                                  \
             .type = CONFIG_STRING,                                                                \
             .offset = offsetof(struct snmp_key_config, passphrase),                               \
             .min = PASSPHRASE_MIN_BYTES,                                                          \
             .max = PASSPHRASE_MAX_BYTES,                                                          \
             .secret = true,                                                                       \
             .help = "the passphrase itself, instead of a file"},                                  \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

static const struct config_field auth_fields[] = KEY_FIELDS(
    auth_protocols, auth_aliases, "the hash that proves who speaks; md5 needs allow_weak");
static const struct config_field priv_fields[] = KEY_FIELDS(
    priv_protocols, priv_aliases, "the cipher that hides what is said; des needs allow_weak");

static const struct config_schema auth_schema = {
    .name = "auth",
    .size = sizeof(struct snmp_key_config),
    .fields = auth_fields,
    .place_offset = SIZE_MAX,
    .present_offset = offsetof(struct snmp_key_config, present),
    .check = check_key,
};
static const struct config_schema priv_schema = {
    .name = "priv",
    .size = sizeof(struct snmp_key_config),
    .fields = priv_fields,
    .place_offset = SIZE_MAX,
    .present_offset = offsetof(struct snmp_key_config, present),
    .check = check_key,
};

/* --- how a device is asked --- */

static const struct config_choice versions[] = {
    {"1", SNMP_CONFIG_V1},
    {"2c", SNMP_CONFIG_V2C},
    {"3", SNMP_CONFIG_V3},
    {0},
};
static const struct config_choice version_aliases[] = {
    {"v1", SNMP_CONFIG_V1},   {"2", SNMP_CONFIG_V2C}, {"2c", SNMP_CONFIG_V2C},
    {"v2c", SNMP_CONFIG_V2C}, {"v3", SNMP_CONFIG_V3}, {0},
};

#define FIELD(name) .offset = offsetof(struct snmp_access_config, name)

static const struct config_field access_fields[] = {
    {.key = "version",
     .type = CONFIG_CHOICE,
     FIELD(version),
     .fallback = "2c",
     .choices = versions,
     .aliases = version_aliases,
     .help = "SNMP version"},
    {.key = "community",
     .type = CONFIG_STRING,
     FIELD(community),
     .min = 1,
     .max = COMMUNITY_MAX_BYTES,
     .secret = true,
     .help = "versions 1 and 2c, which need it: the community that may read the device"},
    {.key = "user",
     .type = CONFIG_STRING,
     FIELD(user),
     .min = 1,
     .max = USER_MAX_BYTES,
     .help = "version 3, which needs it: the user that may read the device"},
    {.key = "auth",
     .type = CONFIG_MAP,
     FIELD(auth),
     .schema = &auth_schema,
     .help = "version 3: how both sides prove who they are; without it, not at all"},
    {.key = "priv",
     .type = CONFIG_MAP,
     FIELD(priv),
     .schema = &priv_schema,
     .help = "version 3: how the exchange is encrypted; without it, not at all; needs auth"},
    {.key = "context",
     .type = CONFIG_STRING,
     FIELD(context),
     .min = 1,
     .max = CONTEXT_MAX_BYTES,
     .help = "version 3: the context that is read; default: the one without a name"},
    {.key = "allow_weak",
     .type = CONFIG_BOOL,
     FIELD(allow_weak),
     .fallback = "false",
     .help = "version 3: take md5 and des, which can be broken, for a device without better ones"},
    {.key = "any_source",
     .type = CONFIG_BOOL,
     FIELD(any_source),
     .fallback = "false",
     .help = "take answers that come from another address than the one that was asked"},
    {.key = "interval",
     .type = CONFIG_DURATION,
     FIELD(interval_ms),
     .fallback = "30s",
     .min = 1000,
     .max = 86400000,
     .help = "time from one cycle to the next, 1s to 1d"},
    {.key = "timeout",
     .type = CONFIG_DURATION,
     FIELD(timeout_ms),
     .fallback = "1s",
     .min = 50,
     .max = 60000,
     .help = "how long each attempt waits for an answer"},
    {.key = "retries",
     .type = CONFIG_INTEGER,
     FIELD(retries),
     .fallback = "2",
     .min = 0,
     .max = 10,
     .help = "attempts after the first one"},
    {.key = "repetitions",
     .type = CONFIG_INTEGER,
     FIELD(repetitions),
     .fallback = "10",
     .min = 1,
     .max = REPETITIONS_MAX,
     .help = "rows of the first GETBULK; what the device can take is found out from there"},
    {.key = "profile",
     .type = CONFIG_STRING,
     FIELD(profile),
     .min = 1,
     .max = 64,
     .help = "what is read; default: the profile that fits sysObjectID and sysDescr best"},
    {0},
};

#undef FIELD

static void check_weak(const struct snmp_access_config *access, struct config_error_sink *errors)
{
    if (access->allow_weak) {
        return;
    }
    if (access->auth.present && access->auth.protocol == SNMP_AUTH_MD5) {
        config_error_at(errors, 0, "auth.protocol", "md5",
                        "is too weak to prove anything; for a device that knows no SHA say "
                        "allow_weak: true");
    }
    if (access->priv.present && access->priv.protocol == SNMP_PRIV_DES) {
        config_error_at(errors, 0, "priv.protocol", "des",
                        "is too weak to hide anything; for a device that knows no AES say "
                        "allow_weak: true");
    }
}

static void check_user(const struct snmp_access_config *access, struct config_error_sink *errors)
{
    if (access->user == NULL) {
        config_error_at(errors, 0, "user", NULL, "version 3 needs it");
    }
    if (access->community != NULL) {
        config_error_at(errors, 0, "community", NULL,
                        "version 3 has none: it has user, auth and priv");
    }
    if (access->priv.present && !access->auth.present) {
        config_error_at(errors, 0, "priv", NULL, "needs auth: there is no privacy without it");
    }
    check_weak(access, errors);
}

static void check_community(const struct snmp_access_config *access,
                            struct config_error_sink *errors)
{
    const char *version = access->version == SNMP_CONFIG_V1 ? "1" : "2c";
    const struct {
        const char *key;
        bool given;
    } foreign[] = {
        {"user", access->user != NULL},     {"auth", access->auth.present},
        {"priv", access->priv.present},     {"context", access->context != NULL},
        {"allow_weak", access->allow_weak},
    };
    if (access->community == NULL) {
        config_error_at(errors, 0, "community", NULL, "version %s needs it", version);
    }
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        if (foreign[i].given) {
            config_error_at(errors, 0, foreign[i].key, NULL,
                            "belongs to version 3, not to version %s", version);
        }
    }
}

static void check_access(const void *object, struct config_error_sink *errors)
{
    const struct snmp_access_config *access = object;
    if (access->version == SNMP_CONFIG_V3) {
        check_user(access, errors);
    } else {
        check_community(access, errors);
    }
}

static const struct config_schema access_schema = {
    .name = "snmp",
    .size = sizeof(struct snmp_access_config),
    .fields = access_fields,
    .place_offset = SIZE_MAX,
    .present_offset = offsetof(struct snmp_access_config, present),
    .check = check_access,
};

/* --- a device --- */

static int check_address(const char *value, char *reason, size_t reason_size)
{
    struct sockaddr_storage address;
    return address_parse(value, &address, reason, reason_size);
}

static const struct config_field device_fields[] = {
    {.key = "name",
     .type = CONFIG_STRING,
     .offset = offsetof(struct snmp_device_config, name),
     .required = true,
     .min = 1,
     .max = NAME_MAX_BYTES,
     .help = "what the device is called everywhere; unique"},
    {.key = "address",
     .type = CONFIG_STRING,
     .offset = offsetof(struct snmp_device_config, address),
     .required = true,
     .min = 1,
     .max = 64,
     .check = check_address,
     .help = "192.0.2.10, 192.0.2.10:161 or [2001:db8::1]:161; a number, not a name"},
    {.key = "snmp",
     .type = CONFIG_MAP,
     .offset = offsetof(struct snmp_device_config, snmp),
     .required = true,
     .schema = &access_schema,
     .help = "how the device is asked"},
    {0},
};

const struct config_schema snmp_device_config_schema = {
    .name = "device",
    .size = sizeof(struct snmp_device_config),
    .fields = device_fields,
    .place_offset = offsetof(struct snmp_device_config, place),
    .present_offset = SIZE_MAX,
};

/* --- unique names --- */

static int compare_names(const void *left, const void *right)
{
    const struct snmp_device_config *a = *(const struct snmp_device_config *const *)left;
    const struct snmp_device_config *b = *(const struct snmp_device_config *const *)right;
    int rc = strcmp(a->name, b->name);
    return rc != 0 ? rc : (a->place.line > b->place.line) - (a->place.line < b->place.line);
}

void snmp_check_times(const struct config_list *devices, struct config_error_sink *errors)
{
    const struct snmp_device_config *items = devices->items;
    for (size_t i = 0; i < devices->count; i++) {
        const struct snmp_access_config *access = &items[i].snmp;
        int64_t attempts_ms = access->timeout_ms * (access->retries + 1);
        if (attempts_ms > access->interval_ms * 3 / 4) {
            config_error_at(errors, items[i].place.line, "devices", items[i].name,
                            "%lld attempts of %lld ms are longer than three quarters of the "
                            "interval (%lld ms)",
                            (long long)access->retries + 1, (long long)access->timeout_ms,
                            (long long)(access->interval_ms * 3 / 4));
        }
    }
}

void snmp_check_unique(const struct config_list *devices, struct config_error_sink *errors)
{
    const struct snmp_device_config *items = devices->items;
    const struct snmp_device_config **sorted = xcalloc(devices->count + 1, sizeof *sorted);
    for (size_t i = 0; i < devices->count; i++) {
        sorted[i] = &items[i];
    }
    qsort(sorted, devices->count, sizeof *sorted, compare_names);
    for (size_t i = 1; i < devices->count; i++) {
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0) {
            config_error_at(errors, sorted[i]->place.line, "devices", sorted[i]->name,
                            "a device has this name already (line %d)", sorted[i - 1]->place.line);
        }
    }
    free(sorted);
}

/* --- common to all devices --- */

#define RATE_FIELD(type_name)                                                                      \
    {                                                                                              \
        .key = "requests_per_second", .type = CONFIG_INTEGER,                                      \
        .offset = offsetof(struct type_name, requests_per_second), .fallback = "5000", .min = 1,   \
        .max = 1000000, .help = "what one process sends at most"                                   \
    }

static const struct config_field snmp_fields[] = {
    {.key = "workers",
     .type = CONFIG_INTEGER,
     .offset = offsetof(struct snmp_config, workers),
     .fallback = "0",
     .min = 0,
     .max = WORKERS_MAX,
     .help = "processes that poll; 0: one for each 1,000 devices"},
    RATE_FIELD(snmp_config),
    {.key = "profiles",
     .type = CONFIG_STRING_LIST,
     .offset = offsetof(struct snmp_config, profiles),
     .help = "files of profiles besides the shipped ones, or folders of them (*.yaml)"},
    {0},
};

const struct config_schema snmp_config_schema = {
    .name = "snmp",
    .size = sizeof(struct snmp_config),
    .fields = snmp_fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
};

/* --- what a worker is told --- */

static void check_share(const void *object, struct config_error_sink *errors)
{
    const struct snmp_share *share = object;
    snmp_check_unique(&share->devices, errors);
}

static const struct config_field share_fields[] = {
    {.key = "user",
     .type = CONFIG_STRING,
     .offset = offsetof(struct snmp_share, user),
     .help = "whom the worker becomes when it is started as root"},
    RATE_FIELD(snmp_share),
    {.key = "devices",
     .type = CONFIG_LIST,
     .offset = offsetof(struct snmp_share, devices),
     .schema = &snmp_device_config_schema,
     .help = "the devices to poll"},
    {.key = "profiles",
     .type = CONFIG_LIST,
     .offset = offsetof(struct snmp_share, profiles),
     .schema = &snmp_profile_schema,
     .help = "what is read of them"},
    {0},
};

const struct config_schema snmp_share_schema = {
    .name = "snmp worker",
    .size = sizeof(struct snmp_share),
    .fields = share_fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
    .check = check_share,
};
