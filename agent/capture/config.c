/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "capture/capture.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include <errno.h>

static int check_interface(const char *value, char *reason, size_t reason_size)
{
    for (const char *at = value; *at != '\0'; at++) {
        if (*at == '/' || *at <= ' ' || *at > '~') {
            (void)snprintf(reason, reason_size, "is no name of a network interface");
            return -EINVAL;
        }
    }
    return 0;
}

#define FIELD(name) .offset = offsetof(struct capture_config, name)

static const struct config_field fields[] = {
    {.key = "interface",
     .type = CONFIG_STRING,
     FIELD(interface),
     .required = true,
     .min = 1,
     .max = IFNAMSIZ - 1,
     .check = check_interface,
     .help = "the network interface whose packets are metered"},
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
     .help = "the kernel's ring for packets that wait to be metered"},
    {0},
};

const struct config_schema capture_config_schema = {
    .name = "capture",
    .size = sizeof(struct capture_config),
    .fields = fields,
    .place_offset = SIZE_MAX,
    .present_offset = offsetof(struct capture_config, present),
};
