/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "shards.h"

#include "common/xalloc.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* One thread makes all net-snmp calls of a process. */
enum { DEVICES_PER_WORKER = 1000 };

size_t shards_count(const struct agent_config *config)
{
    size_t devices = config->devices.count;
    if (config->snmp.workers > 0 && devices > 0) {
        return (size_t)config->snmp.workers;
    }
    return (devices + DEVICES_PER_WORKER - 1) / DEVICES_PER_WORKER;
}

/* The finaliser of splitmix64: every bit of the input reaches every bit of the output. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

size_t shards_of(const char *device, size_t count)
{
    /* Any fixed key will do: it must only never change. */
    static const uint8_t key[crypto_shorthash_KEYBYTES] = "beffroi shards";
    uint64_t hash = 0;
    uint64_t highest = 0;
    size_t shard = 0;
    (void)crypto_shorthash((uint8_t *)&hash, (const uint8_t *)device, strlen(device),
                           key); /* never fails */
    for (size_t i = 0; i < count; i++) {
        uint64_t weight = mix(hash + (i + 1) * UINT64_C(0x9e3779b97f4a7c15));
        if (weight >= highest) {
            highest = weight;
            shard = i;
        }
    }
    return shard;
}

char *shards_print(const struct agent_config *config, size_t shard, size_t count, size_t *size)
{
    const struct snmp_device_config *items = config->devices.items;
    struct snmp_device_config *own = xcalloc(config->devices.count + 1, sizeof *own);
    struct snmp_share share = {.user = config->user,
                               .requests_per_second = config->snmp.requests_per_second,
                               .devices = {.items = own},
                               .profiles = config->profiles};
    char *text = NULL;
    for (size_t i = 0; i < config->devices.count; i++) {
        if (shards_of(items[i].name, count) != shard) {
            continue;
        }
        struct snmp_device_config *device = &own[share.devices.count++];
        *device = items[i];
        /* A worker may open no file: it gets what was in it. */
        device->snmp.auth.passphrase_file = NULL;
        device->snmp.priv.passphrase_file = NULL;
    }
    if (share.devices.count > 0) {
        FILE *out = open_memstream(&text, size);
        if (out == NULL) {
            abort(); /* only out of memory */
        }
        config_print(out, &snmp_share_schema, &share);
        (void)fclose(out); /* to memory */
    }
    free(own);
    return text;
}

void shards_free_text(char *text, size_t size)
{
    if (text != NULL) {
        sodium_memzero(text, size);
        free(text);
    }
}
