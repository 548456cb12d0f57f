/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "checks/config.h"
#include "common/xalloc.h"
#include "filter_check.h"
#include "proto/keys.h"
#include "proto/limits.h"
#include "snmp/profile.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is dropped from a full spool is a segment: with fewer than these it would be most of it. */
enum { SEGMENTS_MIN = 4 };

/* --- values --- */

static int check_tcp_endpoint(const char *address, char *reason, size_t reason_size)
{
    const char *colon = strrchr(address, ':');
    char *end = NULL;
    long port = 0;
    if (colon != NULL && colon[1] >= '0' && colon[1] <= '9') {
        port = strtol(colon + 1, &end, 10);
    }
    if (colon == address || port < 1 || port > UINT16_MAX || *end != '\0') {
        snprintf(reason, reason_size, "must be tcp://host:port, the port from 1 to 65535");
        return -EINVAL;
    }
    for (const char *at = address; at < colon; at++) {
        if (*at <= ' ' || *at > '~' || *at == '/' || *at == ';') {
            snprintf(reason, reason_size, "has a character that no host name has");
            return -EINVAL;
        }
    }
    if (memchr(address, ':', (size_t)(colon - address)) != NULL && address[0] != '[') {
        snprintf(reason, reason_size,
                 "an IPv6 address stands in brackets: tcp://[2001:db8::1]:8461");
        return -EINVAL;
    }
    return 0;
}

static int check_endpoint(const char *value, char *reason, size_t reason_size)
{
    static const char tcp[] = "tcp://";
    static const char ipc[] = "ipc:///";
    if (strncmp(value, tcp, sizeof tcp - 1) == 0) {
        return check_tcp_endpoint(value + sizeof tcp - 1, reason, reason_size);
    }
    if (strncmp(value, ipc, sizeof ipc - 1) == 0 && value[sizeof ipc - 1] != '\0') {
        return 0;
    }
    snprintf(reason, reason_size, "must begin with tcp:// or ipc:///");
    return -EINVAL;
}

/* --- the parts --- */

static const struct config_field collector_fields[] = {
    {.key = "endpoint",
     .type = CONFIG_STRING,
     .offset = offsetof(struct agent_collector_config, endpoint),
     .required = true,
     .min = 1,
     .max = 255,
     .check = check_endpoint,
     .help = "where the collector listens, tcp://host:port"},
    {.key = "key",
     .type = CONFIG_STRING,
     .offset = offsetof(struct agent_collector_config, key),
     .required = true,
     .check = keys_check_curve_public,
     .help = "the collector's CURVE public key, the 40 characters of its \"curve-public\" line"},
    {0},
};
static const struct config_schema collector_schema = {
    .name = "collector",
    .size = sizeof(struct agent_collector_config),
    .fields = collector_fields,
    .place_offset = SIZE_MAX,
    .present_offset = offsetof(struct agent_collector_config, present),
};

static void check_spool(const void *object, struct config_error_sink *errors)
{
    const struct agent_spool_config *config = object;
    if (config->max_bytes / SEGMENTS_MIN < config->segment_bytes) {
        config_error_at(errors, 0, "segment", NULL,
                        "must be at most a quarter of max: a full spool loses its oldest segment");
    }
}

static const struct config_field spool_fields[] = {
    {.key = "max",
     .type = CONFIG_SIZE,
     .offset = offsetof(struct agent_spool_config, max_bytes),
     .fallback = "1GiB",
     .min = 4 * 1024 * 1024,
     .max = INT64_C(1) << 50,
     .help = "what may wait on disk for the collector; then the oldest is dropped, as a gap"},
    {.key = "segment",
     .type = CONFIG_SIZE,
     .offset = offsetof(struct agent_spool_config, segment_bytes),
     .fallback = "16MiB",
     .min = 64 * 1024,
     .max = 1024 * 1024 * 1024,
     .help = "size of one file of it"},
    {0},
};
static const struct config_schema spool_schema = {
    .name = "spool",
    .size = sizeof(struct agent_spool_config),
    .fields = spool_fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
    .check = check_spool,
};

static const struct config_field statements_fields[] = {
    {.key = "repeat",
     .type = CONFIG_DURATION,
     .offset = offsetof(struct agent_statements_config, repeat_ms),
     .fallback = "60s",
     .min = 1000,
     .max = 3600000,
     .help = "how often a check's outcome is stated again while it holds, 1s to 1h"},
    {0},
};
static const struct config_schema statements_schema = {
    .name = "statements",
    .size = sizeof(struct agent_statements_config),
    .fields = statements_fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
};

static const struct config_choice levels[] = {
    {"error", LOG_LEVEL_ERROR},
    {"warn", LOG_LEVEL_WARN},
    {"info", LOG_LEVEL_INFO},
    {"debug", LOG_LEVEL_DEBUG},
    {0},
};
static const struct config_field log_fields[] = {
    {.key = "level",
     .type = CONFIG_CHOICE,
     .offset = offsetof(struct agent_log_config, level),
     .fallback = "info",
     .choices = levels,
     .help = "what is logged: error, warn, info or debug, each with those before it"},
    {0},
};
static const struct config_schema log_schema = {
    .name = "log",
    .size = sizeof(struct agent_log_config),
    .fields = log_fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
};

/* --- the whole --- */

/* The machine's own name; "localhost" where it has none that may travel. */
static void own_name(char name[PROTO_NAME_MAX + 1])
{
    if (gethostname(name, PROTO_NAME_MAX + 1) != 0 ||
        memchr(name, '\0', PROTO_NAME_MAX + 1) == NULL || !name_is_valid(name, strlen(name))) {
        snprintf(name, PROTO_NAME_MAX + 1, "localhost");
    }
}

static const struct snmp_device_config *find_device(const struct config_list *devices,
                                                    const char *name)
{
    const struct snmp_device_config *items = devices->items;
    for (size_t i = 0; i < devices->count; i++) {
        if (strcmp(items[i].name, name) == 0) {
            return &items[i];
        }
    }
    return NULL;
}

static void check_filter(const struct capture_config *capture, struct config_error_sink *errors)
{
    char reason[512] = "";
    if (capture->present && capture->filter != NULL &&
        filter_check(capture->filter, reason, sizeof reason) != 0) {
        config_error_at(errors, 0, "capture.filter", capture->filter, "%s", reason);
    }
}

/* Two samplers must not deliver the same object. */
static void check_own_checks(const struct agent_config *config, const char *device,
                             struct config_error_sink *errors)
{
    const struct check_config *items = config->checks.items;
    for (size_t i = 0; i < config->checks.count; i++) {
        const char *of = items[i].device != NULL ? items[i].device : device;
        if (strcmp(items[i].name, "snmp") == 0 && find_device(&config->devices, of) != NULL) {
            config_error_at(errors, items[i].place.line, "checks", "snmp",
                            "device %s has a check of this name of its own", of);
        }
        if (capture_config_has_check(&config->capture, items[i].name) && strcmp(of, device) == 0) {
            config_error_at(errors, items[i].place.line, "checks", items[i].name,
                            "device %s has a check of this name of its own", of);
        }
    }
}

/* Nothing is delivered under names that could clash. */
static void check_for_poll(const void *object, struct config_error_sink *errors)
{
    const struct agent_config *config = object;
    snmp_check_unique(&config->devices, errors);
}

static void check_agent(const void *object, struct config_error_sink *errors)
{
    const struct agent_config *config = object;
    char name[PROTO_NAME_MAX + 1];
    own_name(name);
    const char *device = config->device != NULL ? config->device : name;
    checks_check_unique(&config->checks, device, errors);
    snmp_check_unique(&config->devices, errors);
    snmp_check_times(&config->devices, errors);
    const struct snmp_device_config *self = find_device(&config->devices, device);
    if (self != NULL) {
        config_error_at(errors, self->place.line, "devices", device,
                        "is the name of the agent's own device");
    }
    check_own_checks(config, device, errors);
    check_filter(&config->capture, errors);
}

#define FIELD(name) .offset = offsetof(struct agent_config, name)

static const struct config_field agent_fields[] = {
    {.key = "device",
     .type = CONFIG_STRING,
     FIELD(device),
     .min = 1,
     .max = PROTO_NAME_MAX,
     .help = "the name of this machine; default: its host name"},
    {.key = "data",
     .type = CONFIG_STRING,
     FIELD(data),
     .fallback = "/var/lib/beffroi-agent",
     .min = 1,
     .max = 1024,
     .help = "folder for what waits to be sent; relative paths are those of this file's folder"},
    {.key = "keys",
     .type = CONFIG_STRING,
     FIELD(keys),
     .fallback = "/etc/beffroi/agent.keys",
     .min = 1,
     .max = 1024,
     .help = "file of the agent's keys, as \"beffroi keys new FILE\" makes it"},
    {.key = "user",
     .type = CONFIG_STRING,
     FIELD(user),
     .min = 1,
     .max = 32,
     .help = "whom to become when started as root"},
    {.key = "collector",
     .type = CONFIG_MAP,
     FIELD(collector),
     .required = true,
     .schema = &collector_schema,
     .help = "where the data go"},
    {.key = "spool",
     .type = CONFIG_MAP,
     FIELD(spool),
     .schema = &spool_schema,
     .help = "what waits on disk"},
    {.key = "statements",
     .type = CONFIG_MAP,
     FIELD(statements),
     .schema = &statements_schema,
     .help = "signed statements about checks"},
    {.key = "host",
     .type = CONFIG_MAP,
     FIELD(host),
     .schema = &host_config_schema,
     .help = "the machine that the agent runs on"},
    {.key = "checks",
     .type = CONFIG_LIST,
     FIELD(checks),
     .schema = &check_config_schema,
     .help = "services that are asked whether they answer"},
    {.key = "devices",
     .type = CONFIG_LIST,
     FIELD(devices),
     .schema = &snmp_device_config_schema,
     .help = "devices that are polled by SNMP"},
    {.key = "snmp",
     .type = CONFIG_MAP,
     FIELD(snmp),
     .schema = &snmp_config_schema,
     .help = "what is common to all devices"},
    {.key = "capture",
     .type = CONFIG_MAP,
     FIELD(capture),
     .schema = &capture_config_schema,
     .help = "metering of the packets of interfaces; needs CAP_NET_RAW"},
    {.key = "log", .type = CONFIG_MAP, FIELD(log), .schema = &log_schema, .help = "the log"},
    {0},
};
enum { FIELDS = sizeof agent_fields / sizeof agent_fields[0] };

const struct config_schema agent_config_schema = {
    .name = "agent",
    .size = sizeof(struct agent_config),
    .fields = agent_fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
    .check = check_agent,
};

/* --- loading --- */

static char *absolute(const char *path)
{
    char folder[PATH_MAX];
    if (path[0] == '/' || getcwd(folder, sizeof folder) == NULL) {
        return xstrdup(path);
    }
    return xasprintf("%s/%s", folder, path);
}

/* Makes a path of the file that of its folder. */
static void resolve(char **path, const char *file)
{
    if ((*path)[0] == '/') {
        return;
    }
    char *resolved = xasprintf("%.*s/%s", (int)(strrchr(file, '/') - file), file, *path);
    free(*path);
    *path = resolved;
}

/* Profiles exist, and every device that names one names one of them. */
static int load_profiles(const char *path, struct agent_config *config,
                         struct config_errors *errors)
{
    const struct snmp_device_config *items = config->devices.items;
    if (config->devices.count == 0 && config->snmp.profiles.count == 0) {
        return 0; /* the shipped ones are right, and nobody needs them */
    }
    int rc = snmp_profiles_load(&config->snmp.profiles, path, &config->profiles, errors);
    bool missing = false;
    for (size_t i = 0; rc == 0 && i < config->devices.count; i++) {
        const char *name = items[i].snmp.profile;
        if (name != NULL && !snmp_profiles_have(&config->profiles, name)) {
            char key[64];
            snprintf(key, sizeof key, "devices[%zu].snmp.profile", i);
            config_errors_add(errors, path, items[i].place.line, key, name,
                              "there is no profile of this name: beffroi-agent --print-profiles "
                              "lists those that are shipped");
            missing = true;
        }
    }
    return missing ? -EINVAL : rc;
}

/* What the file refers to. */
static int load_rest(const char *path, struct agent_config *config, struct config_errors *errors)
{
    char *file = absolute(path);
    resolve(&config->data, file);
    resolve(&config->keys, file);
    free(file);
    config->host.present = true; /* absent, it is on: the normal form shows it */
    if (config->device == NULL) {
        char name[PROTO_NAME_MAX + 1];
        own_name(name);
        config->device = xstrdup(name);
    }
    int rc = load_profiles(path, config, errors);
    int rc_passphrases = snmp_read_passphrases(&config->devices, path, errors);
    rc = rc != 0 ? rc : rc_passphrases;
    if (rc != 0) {
        agent_config_free(config);
    }
    return rc;
}

int agent_config_load(const char *path, struct agent_config *config, struct config_errors *errors)
{
    int rc = config_load(path, &agent_config_schema, config, errors);
    return rc != 0 ? rc : load_rest(path, config, errors);
}

int agent_config_load_for_poll(const char *path, struct agent_config *config,
                               struct config_errors *errors)
{
    struct config_field fields[FIELDS];
    struct config_schema schema = agent_config_schema;
    memcpy(fields, agent_fields, sizeof fields);
    for (size_t i = 0; fields[i].key != NULL; i++) {
        if (strcmp(fields[i].key, "collector") == 0) {
            fields[i].required = false;
        } else if (strcmp(fields[i].key, "devices") == 0) {
            fields[i].required = true;
        }
    }
    schema.fields = fields;
    schema.check = check_for_poll;
    int rc = config_load(path, &schema, config, errors);
    return rc != 0 ? rc : load_rest(path, config, errors);
}

void agent_config_free(struct agent_config *config)
{
    snmp_profiles_free(&config->profiles);
    config_free(&agent_config_schema, config);
}

/* --- the normal form --- */

static void forget_file_secret(struct snmp_key_config *key)
{
    if (key->passphrase_file != NULL && key->passphrase != NULL) {
        explicit_bzero(key->passphrase, strlen(key->passphrase));
        free(key->passphrase);
        key->passphrase = NULL;
    }
}

void agent_config_print(FILE *out, struct agent_config *config)
{
    struct snmp_device_config *items = config->devices.items;
    for (size_t i = 0; i < config->devices.count; i++) {
        forget_file_secret(&items[i].snmp.auth);
        forget_file_secret(&items[i].snmp.priv);
    }
    config_print_public(out, &agent_config_schema, config);
}
