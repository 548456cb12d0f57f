/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "capture/capture.h"
#include "common/xalloc.h"
#include "ipfix.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- checks of one value --- */

static int check_interface(const char *value, char *reason, size_t reason_size)
{
    for (const char *at = value; *at != '\0'; at++) {
        if (*at == '/' || *at <= ' ' || *at > '~') {
            (void)snprintf(reason, reason_size, "is no name of a network interface");
            return -EINVAL;
        }
    }
    if (strlen(value) >= IFNAMSIZ) {
        (void)snprintf(reason, reason_size, "is no name of a network interface: over %d bytes",
                       IFNAMSIZ - 1);
        return -EINVAL;
    }
    return 0;
}

static int check_own(const char *value, char *reason, size_t reason_size)
{
    struct privacy_range range;
    return privacy_range_parse(value, &range, reason, reason_size);
}

static int check_service_name(const char *value, char *reason, size_t reason_size)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-";
    if (value[strspn(value, allowed)] != '\0') {
        (void)snprintf(reason, reason_size, "may have letters, digits and . _ + - in it");
        return -EINVAL;
    }
    return 0;
}

/* One port; moves the text on. */
static int take_port(const char **text, uint16_t *port)
{
    char *end;
    if (**text < '0' || **text > '9') {
        return -EINVAL;
    }
    unsigned long value = strtoul(*text, &end, 10);
    if (value == 0 || value > UINT16_MAX) {
        return -EINVAL;
    }
    *text = end;
    *port = (uint16_t)value;
    return 0;
}

static int parse_ports(const char *text, uint16_t *first, uint16_t *last)
{
    if (take_port(&text, first) != 0) {
        return -EINVAL;
    }
    *last = *first;
    if (*text == '-') {
        text++;
        if (take_port(&text, last) != 0) {
            return -EINVAL;
        }
    }
    return *text == '\0' && *first <= *last ? 0 : -EINVAL;
}

static int check_ports(const char *value, char *reason, size_t reason_size)
{
    uint16_t first;
    uint16_t last;
    if (parse_ports(value, &first, &last) != 0) {
        (void)snprintf(reason, reason_size,
                       "is no port and no range of ports (1 to 65535), such as 443 or 8000-8010");
        return -EINVAL;
    }
    return 0;
}

/* --- services --- */

static const struct config_choice protocols[] = {
    {"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}, {"sctp", IPPROTO_SCTP}, {0}};

static const struct config_field service_fields[] = {
    {.key = "name",
     .type = CONFIG_STRING,
     .offset = offsetof(struct capture_service, name),
     .required = true,
     .min = 1,
     .max = SERVICE_NAME_MAX - 1,
     .check = check_service_name,
     .help = "how it is called; several entries may have one name"},
    {.key = "protocol",
     .type = CONFIG_CHOICE,
     .offset = offsetof(struct capture_service, protocol),
     .fallback = "tcp",
     .choices = protocols,
     .help = "what it speaks: tcp, udp or sctp"},
    {.key = "ports",
     .type = CONFIG_STRING,
     .offset = offsetof(struct capture_service, ports),
     .required = true,
     .min = 1,
     .max = 11,
     .check = check_ports,
     .help = "one port, or a range: 443, 8000-8010"},
    {0},
};
static const struct config_schema service_schema = {
    .name = "service",
    .size = sizeof(struct capture_service),
    .fields = service_fields,
    .place_offset = offsetof(struct capture_service, place),
    .present_offset = SIZE_MAX,
};

size_t config_services(const struct capture_config *config,
                       struct service_range ranges[SERVICES_OWN_MAX])
{
    const struct capture_service *items = config->services.items;
    size_t count = config->services.count;
    for (size_t i = 0; i < count && i < SERVICES_OWN_MAX; i++) {
        (void)snprintf(ranges[i].name, sizeof ranges[i].name, "%s", items[i].name);
        ranges[i].protocol = (uint8_t)items[i].protocol;
        (void)parse_ports(items[i].ports, &ranges[i].first, &ranges[i].last); /* checked before */
    }
    return count < SERVICES_OWN_MAX ? count : SERVICES_OWN_MAX;
}

struct privacy *config_privacy(const struct capture_config *config)
{
    char reason[128];
    size_t count = config->own.count;
    struct privacy_range *ranges = xcalloc(count + 1, sizeof *ranges);
    for (size_t i = 0; i < count; i++) {
        (void)privacy_range_parse(config->own.items[i], &ranges[i], reason,
                                  sizeof reason); /* checked before */
    }
    struct privacy *privacy = privacy_new(
        config->clients == CAPTURE_HASH ? PRIVACY_HASH : PRIVACY_TRUNCATE, ranges, count);
    free(ranges);
    return privacy;
}

/* --- talkers and export --- */

static const struct config_field talkers_fields[] = {
    {.key = "interval",
     .type = CONFIG_DURATION,
     .offset = offsetof(struct capture_talkers, interval_ms),
     .fallback = "60s",
     .min = 1000,
     .max = 86400000,
     .help = "time from one report of the heaviest hosts, networks and services to the next"},
    {.key = "top",
     .type = CONFIG_INTEGER,
     .offset = offsetof(struct capture_talkers, top),
     .fallback = "20",
     .min = 1,
     .max = PROTO_TALKERS_MAX,
     .help = "how many of each are reported"},
    {0},
};
static const struct config_schema talkers_schema = {
    .name = "talkers",
    .size = sizeof(struct capture_talkers),
    .fields = talkers_fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
};

static const struct config_field ipfix_fields[] = {
    {.key = "collector",
     .type = CONFIG_STRING,
     .offset = offsetof(struct capture_ipfix, collector),
     .required = true,
     .min = 1,
     .max = 64,
     .check = ipfix_check_collector,
     .help = "the flow collector: ADDRESS:PORT, [ADDRESS]:PORT"},
    {.key = "domain",
     .type = CONFIG_INTEGER,
     .offset = offsetof(struct capture_ipfix, domain),
     .fallback = "0",
     .min = 0,
     .max = UINT32_MAX,
     .help = "the observation domain that is told to it"},
    {0},
};
static const struct config_schema ipfix_schema = {
    .name = "ipfix",
    .size = sizeof(struct capture_ipfix),
    .fields = ipfix_fields,
    .place_offset = SIZE_MAX,
    .present_offset = offsetof(struct capture_ipfix, present),
};

/* --- the whole --- */

static const struct config_choice client_modes[] = {
    {"truncate", CAPTURE_TRUNCATE}, {"hash", CAPTURE_HASH}, {0}};

#define FIELD(name) .offset = offsetof(struct capture_config, name)

static const struct config_field fields[] = {
    {.key = "interface",
     .type = CONFIG_STRING,
     FIELD(interface),
     .min = 1,
     .max = IFNAMSIZ - 1,
     .check = check_interface,
     .help = "the network interface whose packets are metered"},
    {.key = "interfaces",
     .type = CONFIG_STRING_LIST,
     FIELD(interfaces),
     .max = CAPTURE_INTERFACES_MAX,
     .check = check_interface,
     .help = "instead of interface: several, each metered by a process of its own"},
    {.key = "interval",
     .type = CONFIG_DURATION,
     FIELD(interval_ms),
     .fallback = "10s",
     .min = 1000,
     .max = 3600000,
     .help = "time from one row to the next, 1s to 1h"},
    {.key = "promiscuous",
     .type = CONFIG_BOOL,
     FIELD(promiscuous),
     .fallback = "false",
     .help = "also see frames that are not for this machine (a mirror port)"},
    {.key = "buffer",
     .type = CONFIG_SIZE,
     FIELD(buffer_bytes),
     .fallback = "16MiB",
     .min = 1024 * 1024,
     .max = 1024 * 1024 * 1024,
     .help = "the kernel's ring for packets that wait to be metered, of each of the workers"},
    {.key = "workers",
     .type = CONFIG_INTEGER,
     FIELD(workers),
     .fallback = "1",
     .min = 1,
     .max = CAPTURE_WORKERS_MAX,
     .help = "threads that share an interface's flows, for a link that is too fast for one"},
    {.key = "flows",
     .type = CONFIG_INTEGER,
     FIELD(flows),
     .fallback = "65536",
     .min = 1024,
     .max = 16777216,
     .help = "entries of each worker's flow table, some 150 bytes each"},
    {.key = "filter",
     .type = CONFIG_STRING,
     FIELD(filter),
     .min = 1,
     .max = 1024,
     .help = "meter only packets that match, in libpcap's language: not port 4739"},
    {.key = "own",
     .type = CONFIG_STRING_LIST,
     FIELD(own),
     .max = PRIVACY_RANGES_MAX,
     .check = check_own,
     .help = "ranges of your servers, whose addresses are told in full: 192.0.2.0/24"},
    {.key = "clients",
     .type = CONFIG_CHOICE,
     FIELD(clients),
     .fallback = "truncate",
     .choices = client_modes,
     .help = "how other addresses are told: truncate (to /24, /48), hash (new key each day)"},
    {.key = "services",
     .type = CONFIG_LIST,
     FIELD(services),
     .schema = &service_schema,
     .max = SERVICES_OWN_MAX,
     .help = "services that are metered on their own, and named so"},
    {.key = "talkers",
     .type = CONFIG_MAP,
     FIELD(talkers),
     .schema = &talkers_schema,
     .help = "reports of the heaviest talkers"},
    {.key = "ipfix",
     .type = CONFIG_MAP,
     FIELD(ipfix),
     .schema = &ipfix_schema,
     .help = "also send the flows to a flow collector (RFC 7011, UDP)"},
    {0},
};

static void check_capture(const void *object, struct config_error_sink *errors)
{
    const struct capture_config *config = object;
    const struct config_strings *list = &config->interfaces;
    if ((config->interface != NULL) == (list->count > 0)) {
        config_error_at(errors, 0, config->interface != NULL ? "interfaces" : "interface", NULL,
                        config->interface != NULL
                            ? "there is an interface already: give one of them"
                            : "is missing: give it, or interfaces");
    }
    for (size_t i = 1; i < list->count; i++) {
        for (size_t before = 0; before < i; before++) {
            if (strcmp(list->items[i], list->items[before]) == 0) {
                config_error_at(errors, 0, "interfaces", list->items[i], "is there twice");
                break;
            }
        }
    }
}

const struct config_schema capture_config_schema = {
    .name = "capture",
    .size = sizeof(struct capture_config),
    .fields = fields,
    .place_offset = SIZE_MAX,
    .present_offset = offsetof(struct capture_config, present),
    .check = check_capture,
};

size_t capture_config_count(const struct capture_config *config)
{
    return config->interface != NULL ? 1 : config->interfaces.count;
}

const char *capture_config_interface(const struct capture_config *config, size_t i)
{
    return config->interface != NULL ? config->interface : config->interfaces.items[i];
}

char *capture_config_check_name(const struct capture_config *config, size_t i)
{
    return config->interface != NULL ? xstrdup("capture")
                                     : xasprintf("capture/%s", config->interfaces.items[i]);
}

bool capture_config_has_check(const struct capture_config *config, const char *name)
{
    bool found = false;
    for (size_t i = 0; config->present && i < capture_config_count(config); i++) {
        char *own = capture_config_check_name(config, i);
        found = found || strcmp(own, name) == 0;
        free(own);
    }
    return found;
}
