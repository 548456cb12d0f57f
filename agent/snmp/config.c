/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snmp/snmp.h"

#include "address.h"
#include "common/xalloc.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = PROTO_NAME_MAX, COMMUNITY_MAX_BYTES = 255 };

static const struct config_choice versions[] = {{"2c", SNMP_CONFIG_V2C}, {0}};

static const struct config_field access_fields[] = {
    {.key = "version",
     .type = CONFIG_CHOICE,
     .offset = offsetof(struct snmp_access_config, version),
     .fallback = "2c",
     .choices = versions,
     .help = "SNMP version: 2c"},
    {.key = "community",
     .type = CONFIG_STRING,
     .offset = offsetof(struct snmp_access_config, community),
     .required = true,
     .min = 1,
     .max = COMMUNITY_MAX_BYTES,
     .help = "the community that may read the device"},
    {.key = "interval",
     .type = CONFIG_DURATION,
     .offset = offsetof(struct snmp_access_config, interval_ms),
     .fallback = "30s",
     .min = 1000,
     .max = 86400000,
     .help = "time from one cycle to the next, 1s to 1d"},
    {.key = "timeout",
     .type = CONFIG_DURATION,
     .offset = offsetof(struct snmp_access_config, timeout_ms),
     .fallback = "1s",
     .min = 50,
     .max = 60000,
     .help = "how long the first attempt waits for an answer; later ones wait longer"},
    {.key = "retries",
     .type = CONFIG_INTEGER,
     .offset = offsetof(struct snmp_access_config, retries),
     .fallback = "2",
     .min = 0,
     .max = 10,
     .help = "attempts after the first one"},
    {0},
};

/* The probe has three quarters of an interval, so that its verdict is there before the next. */
static void check_access(const void *object, struct config_error_sink *errors)
{
    const struct snmp_access_config *access = object;
    int64_t attempts_ms = access->timeout_ms * (access->retries + 1);
    if (attempts_ms > access->interval_ms * 3 / 4) {
        config_error_at(errors, 0, "timeout", NULL,
                        "%lld attempts of %lld ms are longer than three quarters of the interval "
                        "(%lld ms)",
                        (long long)access->retries + 1, (long long)access->timeout_ms,
                        (long long)(access->interval_ms * 3 / 4));
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
