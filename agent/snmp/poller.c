/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snmp/snmp.h"

#include "common/xalloc.h"
#include "device.h"
#include "engine.h"
#include "plans.h"
#include "snmp/profile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct snmp_poller {
    uv_loop_t *loop;
    struct snmp_options options;
    struct engine *engine;
    struct plans *plans;
    size_t n_devices;
    struct device **devices;
};

const char *snmp_status_name(enum snmp_status status)
{
    static const char *const names[] = {
        [SNMP_STATUS_OK] = "ok",           [SNMP_STATUS_PARTIAL] = "partial",
        [SNMP_STATUS_TIMEOUT] = "timeout", [SNMP_STATUS_AUTH] = "auth",
        [SNMP_STATUS_ERROR] = "error",
    };
    return names[status];
}

static struct device *start_device(struct snmp_poller *poller,
                                   const struct snmp_device_config *config)
{
    const struct device_options options = {.loop = poller->loop,
                                           .engine = poller->engine,
                                           .plans = poller->plans,
                                           .sink = poller->options.sink,
                                           .once = poller->options.once,
                                           .on_report = poller->options.on_report,
                                           .context = poller->options.context};
    return device_start(&options, config);
}

static void start_devices(struct snmp_poller *poller)
{
    const struct snmp_device_config *items = poller->options.devices->items;
    poller->devices = xcalloc(poller->options.devices->count + 1, sizeof(poller->devices[0]));
    for (size_t i = 0; i < poller->options.devices->count; i++) {
        poller->devices[poller->n_devices++] = start_device(poller, &items[i]);
    }
}

struct snmp_poller *snmp_poller_open(uv_loop_t *loop, const struct snmp_options *options)
{
    struct snmp_poller *poller = xcalloc(1, sizeof *poller);
    int error;
    poller->loop = loop;
    poller->options = *options;
    engine_library_init();
    poller->plans = plans_new(options->profiles);
    if (poller->plans == NULL) {
        error = errno;
        goto failed;
    }
    poller->engine = engine_open(loop, options->requests_per_second);
    if (poller->engine == NULL) {
        error = errno;
        goto free_plans;
    }
    start_devices(poller);
    return poller;
free_plans:
    plans_free(poller->plans);
failed:
    free(poller);
    errno = error;
    return NULL;
}

/* --- another configuration --- */

/* Do both print alike? The printed form has every value, defaults included. */
static bool is_same(const struct config_schema *schema, const void *a, const void *b)
{
    const void *objects[] = {a, b};
    char *texts[2] = {NULL, NULL};
    size_t sizes[2] = {0, 0};
    for (size_t i = 0; i < 2; i++) {
        FILE *out = open_memstream(&texts[i], &sizes[i]);
        if (out == NULL) {
            abort(); /* as xalloc does */
        }
        config_print(out, schema, objects[i]);
        (void)fclose(out); /* to memory */
    }
    bool same = sizes[0] == sizes[1] && memcmp(texts[0], texts[1], sizes[0]) == 0;
    for (size_t i = 0; i < 2; i++) {
        memset(texts[i], 0, sizes[i]); /* passphrases */
        free(texts[i]);
    }
    return same;
}

static bool are_same_profiles(const struct config_list *a, const struct config_list *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        size_t size = snmp_profile_schema.size;
        if (!is_same(&snmp_profile_schema, (const char *)a->items + i * size,
                     (const char *)b->items + i * size)) {
            return false;
        }
    }
    return true;
}

static struct device *take_known(struct snmp_poller *poller,
                                 const struct snmp_device_config *config)
{
    for (size_t i = 0; i < poller->n_devices; i++) {
        struct device *device = poller->devices[i];
        if (device != NULL && strcmp(device_config(device)->name, config->name) == 0 &&
            is_same(&snmp_device_config_schema, device_config(device), config)) {
            poller->devices[i] = NULL;
            device_configure(device, config);
            return device;
        }
    }
    return NULL;
}

void snmp_poller_reload(struct snmp_poller *poller, const struct config_list *devices,
                        const struct config_list *profiles, int64_t requests_per_second)
{
    const struct snmp_device_config *items = devices->items;
    struct plans *old_plans = NULL;
    struct device **now = xcalloc(devices->count + 1, sizeof *now);
    engine_set_rate(poller->engine, requests_per_second);
    if (!are_same_profiles(poller->options.profiles, profiles)) {
        struct plans *plans = plans_new(profiles);
        if (plans != NULL) { /* main has checked them */
            old_plans = poller->plans;
            poller->plans = plans;
        }
    }
    poller->options.profiles = profiles;
    poller->options.devices = devices;
    for (size_t i = 0; i < devices->count && old_plans == NULL; i++) {
        now[i] = take_known(poller, &items[i]);
    }
    for (size_t i = 0; i < poller->n_devices; i++) {
        if (poller->devices[i] != NULL) {
            device_stop(poller->devices[i]);
        }
    }
    for (size_t i = 0; i < devices->count; i++) {
        now[i] = now[i] != NULL ? now[i] : start_device(poller, &items[i]);
    }
    free(poller->devices);
    poller->devices = now;
    poller->n_devices = devices->count;
    plans_free(old_plans);
}

/* --- figures --- */

void snmp_poller_stats(const struct snmp_poller *poller, struct stats *stats)
{
    struct snmp_counts sum = *engine_counts(poller->engine);
    uint64_t missed = 0;
    size_t stretched = 0;
    for (size_t i = 0; i < poller->n_devices; i++) {
        const struct snmp_counts *counts = device_counts(poller->devices[i]);
        for (size_t j = 0; j < COUNT_N; j++) {
            sum.n[j] += counts->n[j];
        }
        missed += device_missed(poller->devices[i]);
        stretched += device_stretch(poller->devices[i]) > 1 ? 1 : 0;
    }
    stats_add(stats, STAT_GAUGE, "beffroi_snmp_devices", "Devices that are polled by SNMP.",
              (double)poller->n_devices);
    stats_add(stats, STAT_GAUGE, "beffroi_snmp_devices_stretched",
              "Slow devices that are read less often than configured.", (double)stretched);
    for (enum snmp_count i = 0; i < COUNT_N; i++) {
        stats_add_labelled(stats, STAT_COUNTER, "beffroi_snmp_events_total",
                           "What happened while polling by SNMP, by kind of event.", "event",
                           snmp_count_name(i), (double)sum.n[i]);
    }
    stats_add(stats, STAT_COUNTER, "beffroi_snmp_missed_total",
              "Turns that were skipped: the agent or the machine was not running.", (double)missed);
}

void snmp_poller_close(struct snmp_poller *poller)
{
    if (poller == NULL) {
        return;
    }
    for (size_t i = 0; i < poller->n_devices; i++) {
        device_stop(poller->devices[i]);
    }
    engine_close(poller->engine);
    plans_free(poller->plans);
    free(poller->devices);
    free(poller);
}
