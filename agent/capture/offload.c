/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "offload.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct {
    const char *name;
    uint32_t command;
    uint32_t mask;
} kinds[] = {
    {"gro", ETHTOOL_GGRO, UINT32_MAX},
    {"lro", ETHTOOL_GFLAGS, ETH_FLAG_LRO},
    {"tso", ETHTOOL_GTSO, UINT32_MAX},
    {"gso", ETHTOOL_GGSO, UINT32_MAX},
};

static struct ifreq request_of(const char *interface)
{
    struct ifreq request = {0};
    (void)snprintf(request.ifr_name, sizeof request.ifr_name, "%s", interface);
    return request;
}

static bool ask(int fd, const char *interface, uint32_t command, uint32_t *value)
{
    struct ethtool_value question = {.cmd = command};
    struct ifreq request = request_of(interface);
    request.ifr_data = (char *)&question;
    if (ioctl(fd, SIOCETHTOOL, &request) != 0) {
        return false;
    }
    *value = question.data;
    return true;
}

static void read_kinds(int fd, const char *interface, struct offload *offload)
{
    size_t used = 0;
    bool answered = false;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        uint32_t value = 0;
        bool known = ask(fd, interface, kinds[i].command, &value);
        answered = answered || known;
        if (known && (value & kinds[i].mask) != 0) { /* four names fit */
            used += (size_t)snprintf(offload->text + used, sizeof offload->text - used, "%s%s",
                                     used > 0 ? "," : "", kinds[i].name);
        }
    }
    if (used == 0) {
        (void)snprintf(offload->text, sizeof offload->text, answered ? "none" : "unknown");
    }
}

void offload_read(const char *interface, struct offload *offload)
{
    *offload = (struct offload){.text = "unknown"};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return;
    }
    struct ifreq request = request_of(interface);
    if (ioctl(fd, SIOCGIFMTU, &request) == 0 && request.ifr_mtu > 0) {
        offload->mtu_bytes = (uint32_t)request.ifr_mtu;
    }
    read_kinds(fd, interface, offload);
    (void)close(fd); /* nothing was written */
}
