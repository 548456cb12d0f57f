/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "checks/config.h"
#include "common/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of one key of the first level. The caller frees. */
static char *print_field(const struct config_field *field, const struct agent_config *config)
{
    const struct config_field fields[] = {*field, {0}};
    struct config_schema schema = agent_config_schema;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        abort(); /* only out of memory */
    }
    schema.fields = fields;
    config_print(out, &schema, config);
    (void)fclose(out); /* to memory */
    return text;
}

static bool is_same(const struct config_field *field, const struct agent_config *a,
                    const struct agent_config *b)
{
    char *left = print_field(field, a);
    char *right = print_field(field, b);
    bool same = strcmp(left, right) == 0;
    free(left);
    free(right);
    return same;
}

bool agent_config_same_host(const struct agent_config *a, const struct agent_config *b)
{
    const struct config_field *field = agent_config_schema.fields;
    while (strcmp(field->key, "host") != 0) {
        field++;
    }
    return is_same(field, a, b);
}

/* What agent_config_take takes. */
static bool is_taken(const char *key)
{
    static const char *const keys[] = {"devices", "snmp", "checks", "host"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (strcmp(keys[i], key) == 0) {
            return true;
        }
    }
    return false;
}

char *agent_config_compare(const struct agent_config *a, const struct agent_config *b)
{
    char *names = NULL;
    for (const struct config_field *field = agent_config_schema.fields; field->key != NULL;
         field++) {
        if (!is_taken(field->key) && !is_same(field, a, b)) {
            char *more =
                names == NULL ? xstrdup(field->key) : xasprintf("%s, %s", names, field->key);
            free(names);
            names = more;
        }
    }
    return names;
}

static void exchange(void *a, void *b, size_t size)
{
    void *kept = xmemdup(a, size);
    memcpy(a, b, size);
    memcpy(b, kept, size);
    free(kept);
}

void agent_config_take(struct agent_config *running, struct agent_config *other)
{
    exchange(&running->devices, &other->devices, sizeof running->devices);
    exchange(&running->snmp, &other->snmp, sizeof running->snmp);
    exchange(&running->profiles, &other->profiles, sizeof running->profiles);
    exchange(&running->checks, &other->checks, sizeof running->checks);
    exchange(&running->host, &other->host, sizeof running->host);
}

bool agent_config_needs_net_raw(const struct agent_config *config)
{
    const struct check_config *items = config->checks.items;
    bool needed = config->capture.present;
    for (size_t i = 0; i < config->checks.count; i++) {
        needed = needed || items[i].type == CHECK_ICMP;
    }
    return needed;
}

static int64_t shorter(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t agent_config_shortest_interval_ms(const struct agent_config *config)
{
    const struct check_config *checks = config->checks.items;
    const struct snmp_device_config *devices = config->devices.items;
    int64_t shortest = INT64_MAX;
    if (config->host.enabled) {
        shortest = config->host.interval_ms;
    }
    if (config->capture.present) {
        shortest = shorter(shortest, config->capture.interval_ms);
    }
    for (size_t i = 0; i < config->checks.count; i++) {
        shortest = shorter(shortest, checks[i].interval_ms);
    }
    for (size_t i = 0; i < config->devices.count; i++) {
        shortest = shorter(shortest, devices[i].snmp.interval_ms);
    }
    return shortest;
}
