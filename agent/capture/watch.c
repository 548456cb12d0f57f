/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "watch.h"

#include "common/xalloc.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_MAX = 32 * 1024, EVENTS_AT_ONCE = 1000 };

struct watch {
    char interface[IFNAMSIZ];
    int events_fd; /* rtnetlink's group of links */
    int ask_fd;    /* rtnetlink, for questions */
    int ioctl_fd;
    unsigned bound; /* index; 0: none */
    uint32_t sequence;
    uint64_t dropped_first; /* the driver's counters when it was bound */
    uint64_t dropped;
};

static int open_netlink(uint32_t groups)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (fd < 0) {
        return -errno;
    }
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        int rc = -errno;
        (void)close(fd); /* nothing was written */
        return rc;
    }
    return fd;
}

int watch_open(struct watch **out, const char *interface)
{
    struct watch *watch = xcalloc(1, sizeof *watch);
    (void)snprintf(watch->interface, sizeof watch->interface, "%s", interface);
    watch->events_fd = open_netlink(RTMGRP_LINK);
    watch->ask_fd = open_netlink(0);
    watch->ioctl_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int rc = watch->events_fd < 0  ? watch->events_fd
             : watch->ask_fd < 0   ? watch->ask_fd
             : watch->ioctl_fd < 0 ? -errno
                                   : 0;
    if (rc != 0) {
        watch_close(watch);
        return rc;
    }
    *out = watch;
    return 0;
}

int watch_fd(const struct watch *watch)
{
    return watch->events_fd;
}

/* 0: there is none of this name. */
static unsigned index_of(const struct watch *watch)
{
    struct ifreq request = {0};
    memcpy(request.ifr_name, watch->interface, sizeof request.ifr_name);
    return ioctl(watch->ioctl_fd, SIOCGIFINDEX, &request) == 0 ? (unsigned)request.ifr_ifindex : 0;
}

enum watch_state watch_look(struct watch *watch)
{
    char event[4096];
    struct ifreq request = {0};
    /* What happened is seen below, whichever event told of it, or was lost (ENOBUFS). */
    for (int i = 0; i < EVENTS_AT_ONCE; i++) {
        if (recv(watch->events_fd, event, sizeof event, MSG_DONTWAIT) < 0 && errno != ENOBUFS) {
            break;
        }
    }
    unsigned index = index_of(watch);
    memcpy(request.ifr_name, watch->interface, sizeof request.ifr_name);
    if (index == 0 || ioctl(watch->ioctl_fd, SIOCGIFFLAGS, &request) != 0) {
        return WATCH_GONE;
    }
    if (watch->bound != 0 && index != watch->bound) {
        return WATCH_ANOTHER;
    }
    return (request.ifr_flags & IFF_UP) != 0 ? WATCH_UP : WATCH_DOWN;
}

/* --- what the driver counts --- */

struct question {
    struct nlmsghdr header;
    struct ifinfomsg link;
};

/* The attributes of the answer begin at `at`. */
static bool take_counters(const char *at, const char *end, uint64_t *dropped)
{
    struct rtattr attribute;
    struct rtnl_link_stats64 stats;
    while (end - at >= (ptrdiff_t)sizeof attribute) {
        memcpy(&attribute, at, sizeof attribute);
        size_t size = RTA_ALIGN((size_t)attribute.rta_len);
        if (attribute.rta_len < sizeof attribute || size > (size_t)(end - at)) {
            return false;
        }
        if (attribute.rta_type == IFLA_STATS64 &&
            attribute.rta_len >= sizeof attribute + sizeof stats) {
            memcpy(&stats, at + sizeof attribute, sizeof stats);
            *dropped = stats.rx_missed_errors + stats.rx_fifo_errors;
            return true;
        }
        at += size;
    }
    return false;
}

/* The kernel answers before send returns. */
static bool read_counters(struct watch *watch, uint64_t *dropped)
{
    static const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    struct question question = {
        .header = {.nlmsg_len = sizeof question,
                   .nlmsg_type = RTM_GETLINK,
                   .nlmsg_flags = NLM_F_REQUEST,
                   .nlmsg_seq = ++watch->sequence},
        .link = {.ifi_family = AF_UNSPEC, .ifi_index = (int)watch->bound},
    };
    char answer[ANSWER_MAX];
    struct nlmsghdr header;
    if (sendto(watch->ask_fd, &question, sizeof question, 0, (const struct sockaddr *)&kernel,
               sizeof kernel) < 0) {
        return false;
    }
    for (;;) {
        ssize_t n = recv(watch->ask_fd, answer, sizeof answer, MSG_DONTWAIT);
        if (n < (ssize_t)sizeof question) {
            return false;
        }
        memcpy(&header, answer, sizeof header);
        if (header.nlmsg_seq == watch->sequence) { /* not a late answer to an older question */
            return header.nlmsg_type == RTM_NEWLINK &&
                   take_counters(answer + sizeof question, answer + n, dropped);
        }
    }
}

int watch_bind(struct watch *watch)
{
    watch->bound = index_of(watch);
    watch->dropped = 0;
    watch->dropped_first = 0;
    if (watch->bound == 0) {
        return -ENODEV;
    }
    (void)read_counters(watch, &watch->dropped_first); /* or 0: then it says so later, too */
    return 0;
}

uint64_t watch_interface_dropped(struct watch *watch)
{
    uint64_t now = 0;
    if (watch->bound != 0 && read_counters(watch, &now) && now >= watch->dropped_first) {
        uint64_t dropped = now - watch->dropped_first;
        watch->dropped = dropped > watch->dropped ? dropped : watch->dropped;
    }
    return watch->dropped;
}

void watch_close(struct watch *watch)
{
    if (watch == NULL) {
        return;
    }
    int fds[] = {watch->events_fd, watch->ask_fd, watch->ioctl_fd};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        if (fds[i] >= 0) {
            (void)close(fds[i]); /* nothing was written */
        }
    }
    free(watch);
}
