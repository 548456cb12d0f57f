/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "netlink.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    /* The kernel fills at most 32 KiB per datagram of a dump (NLMSG_GOODSIZE, af_netlink.c). */
    ANSWER_SIZE = 64 * 1024,
    ANSWERS_MAX = 16384,
    WAIT_MS = 1000, /* a dump is made while it is read: an answer never takes so long */
    ETHERNET_SIZE = 6,
};

/* Attributes and messages have a 16- or 32-bit length first and are aligned to four bytes. */
static size_t aligned(size_t size)
{
    return (size + 3) & ~(size_t)3;
}

static void take_name(struct netlink_link *link, const uint8_t *bytes, size_t size)
{
    size_t length = strnlen((const char *)bytes, size);
    if (length < sizeof link->name) {
        memcpy(link->name, bytes, length);
        link->name[length] = '\0';
    }
}

static void take_mac(struct netlink_link *link, const uint8_t *bytes, size_t size)
{
    static const uint8_t none[ETHERNET_SIZE];
    if (size == ETHERNET_SIZE && memcmp(bytes, none, size) != 0) {
        snprintf(link->mac, sizeof link->mac, "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1],
                 bytes[2], bytes[3], bytes[4], bytes[5]);
    }
}

static void take_stats(struct netlink_link *link, const uint8_t *bytes, size_t size)
{
    struct rtnl_link_stats64 stats = {0};
    memcpy(&stats, bytes, size < sizeof stats ? size : sizeof stats);
    const uint64_t counters[NETLINK_COUNTERS] = {
        stats.rx_bytes,
        stats.tx_bytes,
        stats.rx_packets,
        stats.tx_packets,
        stats.rx_errors,
        stats.tx_errors,
        /* As /proc/net/dev and every tool that reads it adds them up. */
        stats.rx_dropped + stats.rx_missed_errors,
        stats.tx_dropped,
    };
    memcpy(link->counters, counters, sizeof counters);
}

static int decode_link(const uint8_t *bytes, size_t size, netlink_each *each, void *context)
{
    struct netlink_link link = {0};
    bool has_stats = false;
    size_t at = aligned(sizeof(struct ifinfomsg));
    while (at + sizeof(struct rtattr) <= size) {
        struct rtattr attribute;
        memcpy(&attribute, bytes + at, sizeof attribute);
        if (attribute.rta_len < sizeof attribute || attribute.rta_len > size - at) {
            return -EBADMSG;
        }
        const uint8_t *value = bytes + at + sizeof attribute;
        size_t value_size = attribute.rta_len - sizeof attribute;
        switch (attribute.rta_type) {
        case IFLA_IFNAME:
            take_name(&link, value, value_size);
            break;
        case IFLA_ADDRESS:
            take_mac(&link, value, value_size);
            break;
        case IFLA_STATS64:
            /* The first sixteen counters are as old as the attribute. */
            has_stats = value_size >= 16 * sizeof(uint64_t);
            take_stats(&link, value, value_size);
            break;
        default:
            break; /* dozens of others */
        }
        at += aligned(attribute.rta_len);
    }
    if (has_stats && link.name[0] != '\0') {
        each(context, &link);
    }
    return 0;
}

static int decode_error(const uint8_t *bytes, size_t size)
{
    int32_t error;
    if (size < sizeof error) {
        return -EBADMSG;
    }
    memcpy(&error, bytes, sizeof error);
    return error < 0 && error > -4096 ? error : -EBADMSG;
}

int netlink_decode(const uint8_t *bytes, size_t size, uint32_t sequence, netlink_each *each,
                   void *context)
{
    size_t at = 0;
    while (at < size) {
        struct nlmsghdr header;
        if (size - at < sizeof header) {
            return -EBADMSG;
        }
        memcpy(&header, bytes + at, sizeof header);
        if (header.nlmsg_len < sizeof header || header.nlmsg_len > size - at) {
            return -EBADMSG;
        }
        const uint8_t *payload = bytes + at + sizeof header;
        size_t payload_size = header.nlmsg_len - sizeof header;
        if (header.nlmsg_seq == sequence) {
            int rc = 0;
            if (header.nlmsg_type == NLMSG_DONE) {
                return 1;
            }
            if (header.nlmsg_type == NLMSG_ERROR) {
                return decode_error(payload, payload_size);
            }
            if (header.nlmsg_type == RTM_NEWLINK) {
                rc = decode_link(payload, payload_size, each, context);
            }
            if (rc < 0) {
                return rc;
            }
        }
        at += aligned(header.nlmsg_len);
    }
    return 0;
}

static int ask(int socket, uint32_t sequence)
{
    struct {
        struct nlmsghdr header;
        struct ifinfomsg body;
    } request = {
        .header = {.nlmsg_len = sizeof request,
                   .nlmsg_type = RTM_GETLINK,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                   .nlmsg_seq = sequence},
        .body = {.ifi_family = AF_UNSPEC},
    };
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    ssize_t sent =
        sendto(socket, &request, sizeof request, 0, (struct sockaddr *)&kernel, sizeof kernel);
    return sent == (ssize_t)sizeof request ? 0 : -errno;
}

static int read_answers(int socket, uint32_t sequence, uint8_t *buffer, netlink_each *each,
                        void *context)
{
    for (int i = 0; i < ANSWERS_MAX; i++) {
        struct sockaddr_nl from = {0};
        socklen_t from_size = sizeof from;
        ssize_t got =
            recvfrom(socket, buffer, ANSWER_SIZE, MSG_TRUNC, (struct sockaddr *)&from, &from_size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return -errno;
        }
        if (got > ANSWER_SIZE) {
            return -EMSGSIZE;
        }
        if (from.nl_pid != 0) {
            continue; /* not the kernel */
        }
        int rc = netlink_decode(buffer, (size_t)got, sequence, each, context);
        if (rc != 0) {
            return rc < 0 ? rc : 0;
        }
    }
    return -ELOOP;
}

int netlink_dump(netlink_each *each, void *context)
{
    const uint32_t sequence = 1; /* the socket serves one question */
    struct timeval wait = {.tv_sec = WAIT_MS / 1000};
    int rc;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) {
        return -errno;
    }
    uint8_t *buffer = malloc(ANSWER_SIZE);
    if (buffer == NULL) {
        rc = -ENOMEM;
    } else if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) != 0) {
        rc = -errno;
    } else {
        rc = ask(fd, sequence);
    }
    if (rc == 0) {
        rc = read_answers(fd, sequence, buffer, each, context);
    }
    free(buffer);
    close(fd);
    return rc;
}
