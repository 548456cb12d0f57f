/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "interfaces.h"

#include "common/clock.h"
#include "common/xalloc.h"
#include "netlink.h"
#include "sources.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    /* Whoever asks for the speed takes the kernel's network lock, and may make a driver ask its
     * hardware: we do when the link changed, and now and then. */
    SPEED_AGE_MS = 60000,
    BITS_PER_MEGABIT = 1000000,
};

enum interface_value {
    INTERFACE_OPER_STATUS = NETLINK_COUNTERS,
    INTERFACE_ADMIN_STATUS,
    INTERFACE_SPEED,
    INTERFACE_CARRIER_CHANGES,
    INTERFACE_IPV4,
    INTERFACE_IPV6,
    INTERFACE_VALUES,
};
static const struct metric interface_metrics[INTERFACE_VALUES] = {
    {"in_octets", "octets", METRIC_COUNTER},
    {"out_octets", "octets", METRIC_COUNTER},
    {"in_packets", "packets", METRIC_COUNTER},
    {"out_packets", "packets", METRIC_COUNTER},
    {"in_errors", "packets", METRIC_COUNTER},
    {"out_errors", "packets", METRIC_COUNTER},
    {"in_discards", "packets", METRIC_COUNTER},
    {"out_discards", "packets", METRIC_COUNTER},
    {"in_multicast_packets", "packets", METRIC_COUNTER},
    [INTERFACE_OPER_STATUS] = {"oper_status", "1", METRIC_GAUGE},
    [INTERFACE_ADMIN_STATUS] = {"admin_status", "1", METRIC_GAUGE},
    [INTERFACE_SPEED] = {"speed_bps", "bit/s", METRIC_GAUGE},
    [INTERFACE_CARRIER_CHANGES] = {"carrier_changes", "1", METRIC_COUNTER},
    [INTERFACE_IPV4] = {"ipv4_addresses", "1", METRIC_GAUGE},
    [INTERFACE_IPV6] = {"ipv6_addresses", "1", METRIC_GAUGE},
};
static const struct book_kind interface_kind = {
    .kind = "interface",
    .metrics = interface_metrics,
    .n_metrics = INTERFACE_VALUES,
    .optional = 1 << INTERFACE_SPEED | 1 << INTERFACE_CARRIER_CHANGES, /* virtual; old kernels */
};

/* What is known of an interface beside what this sample's dump says. */
struct known {
    uint32_t index;
    uint32_t ipv4;
    uint32_t ipv6;
    bool seen; /* in this sample */
    bool has_speed;
    bool speed_read;
    uint8_t oper_status; /* as the speed was read */
    uint32_t carrier_changes;
    struct mono speed_time;
    uint64_t speed_bps;
};

struct interfaces {
    struct netlink *netlink;
    struct known *items;
    size_t n;
    size_t room;
    size_t next; /* the kernel lists them in the same order each time: look here first */
    bool has_addresses;
    /* While a sample is taken. */
    struct machine *machine;
    struct wall time;
};

struct interfaces *interfaces_new(void)
{
    struct interfaces *interfaces = xcalloc(1, sizeof *interfaces);
    interfaces->netlink = netlink_new();
    return interfaces;
}

void interfaces_free(struct interfaces *interfaces)
{
    if (interfaces == NULL) {
        return;
    }
    netlink_free(interfaces->netlink);
    free(interfaces->items);
    free(interfaces);
}

static struct known *look_up(struct interfaces *interfaces, uint32_t index)
{
    for (size_t i = 0; i < interfaces->n; i++) {
        size_t at = (interfaces->next + i) % interfaces->n;
        if (interfaces->items[at].index == index) {
            interfaces->next = at; /* an interface has several addresses */
            return &interfaces->items[at];
        }
    }
    if (interfaces->n == interfaces->room) {
        interfaces->room = interfaces->room == 0 ? 8 : interfaces->room * 2;
        interfaces->items =
            xreallocarray(interfaces->items, interfaces->room, sizeof *interfaces->items);
    }
    struct known *known = &interfaces->items[interfaces->n++];
    *known = (struct known){.index = index};
    return known;
}

static void on_address(void *context, uint32_t index, uint8_t family)
{
    struct known *known = look_up(context, index);
    if (family == AF_INET) {
        known->ipv4++;
    } else {
        known->ipv6++;
    }
}

/* "1000", in Mbit/s; -1 or an error where there is no link, or no such thing. */
static void read_speed(const struct machine *machine, const char *name, struct known *known)
{
    char path[64];
    char line[32];
    uint64_t megabits;
    snprintf(path, sizeof path, "/sys/class/net/%s/speed", name);
    int length = files_read_line(machine->files, path, line, sizeof line);
    known->has_speed = length > 0 &&
                       words_number((struct proc_text){line, line + length}, &megabits) &&
                       megabits <= UINT32_MAX;
    known->speed_bps = known->has_speed ? megabits * BITS_PER_MEGABIT : 0;
}

static void refresh_speed(const struct machine *machine, const struct netlink_link *link,
                          struct known *known)
{
    struct mono now = clock_mono();
    if (known->speed_read && known->oper_status == link->oper_status &&
        known->carrier_changes == link->carrier_changes &&
        mono_elapsed_ms(known->speed_time, now) < SPEED_AGE_MS) {
        return;
    }
    read_speed(machine, link->name, known);
    known->speed_read = true;
    known->oper_status = link->oper_status;
    known->carrier_changes = link->carrier_changes;
    known->speed_time = now;
}

static void on_link(void *context, const struct netlink_link *link)
{
    enum { UP = 1, DOWN = 2 }; /* ifAdminStatus, RFC 2863 */
    struct interfaces *interfaces = context;
    struct known *known = look_up(interfaces, link->index);
    struct book_labels labels = {.n = link->mac[0] != '\0' ? 1 : 0,
                                 .items = {{.key = "mac", .value = link->mac}}};
    union value values[INTERFACE_VALUES] = {
        [INTERFACE_OPER_STATUS] = {.gauge = link->oper_status},
        [INTERFACE_ADMIN_STATUS] = {.gauge = link->admin_up ? UP : DOWN},
        [INTERFACE_CARRIER_CHANGES] = {.counter = link->carrier_changes},
        [INTERFACE_IPV4] = {.gauge = known->ipv4},
        [INTERFACE_IPV6] = {.gauge = known->ipv6},
    };
    uint64_t unknown = 0;
    known->seen = true;
    refresh_speed(interfaces->machine, link, known);
    values[INTERFACE_SPEED].gauge = (double)known->speed_bps;
    for (size_t i = 0; i < NETLINK_COUNTERS; i++) {
        values[i].counter = link->counters[i];
    }
    if (link->oper_status == 0) {
        unknown |= UINT64_C(1) << INTERFACE_OPER_STATUS;
    }
    if (!known->has_speed) {
        unknown |= UINT64_C(1) << INTERFACE_SPEED;
    }
    if (!link->has_carrier_changes) {
        unknown |= UINT64_C(1) << INTERFACE_CARRIER_CHANGES;
    }
    if (!interfaces->has_addresses) {
        unknown |= UINT64_C(1) << INTERFACE_IPV4 | UINT64_C(1) << INTERFACE_IPV6;
    }
    book_row(interfaces->machine->book, &interface_kind, link->name, &labels, interfaces->time,
             values, unknown);
}

/* Those that are gone; and nothing is counted yet for the next sample. */
static void forget_unseen(struct interfaces *interfaces)
{
    size_t kept = 0;
    for (size_t i = 0; i < interfaces->n; i++) {
        struct known *known = &interfaces->items[i];
        if (known->seen) {
            known->seen = false;
            interfaces->items[kept++] = *known;
        }
    }
    interfaces->n = kept;
    interfaces->next = 0;
}

int source_interfaces(struct machine *machine, struct wall time)
{
    struct interfaces *interfaces = machine->interfaces;
    interfaces->machine = machine;
    interfaces->time = time;
    for (size_t i = 0; i < interfaces->n; i++) {
        interfaces->items[i].ipv4 = 0;
        interfaces->items[i].ipv6 = 0;
    }
    interfaces->has_addresses =
        netlink_dump_addresses(interfaces->netlink, on_address, interfaces) == 0;
    int rc = netlink_dump_links(interfaces->netlink, on_link, interfaces);
    if (rc == 0) {
        forget_unseen(interfaces);
        book_sweep(machine->book, &interface_kind);
    }
    return rc;
}
