/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "netlink.h"

#include "common/xalloc.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
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

struct netlink {
    int socket; /* below 0: not open */
    uint32_t sequence;
    uint8_t answer[ANSWER_SIZE]; /* of which the kernel's answers touch as much as they need */
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
        stats.multicast,
    };
    memcpy(link->counters, counters, sizeof counters);
}

/* IF_OPER_* of linux/if.h count the same states in another order. */
static void take_oper_status(struct netlink_link *link, const uint8_t *bytes, size_t size)
{
    enum { UP = 1, DOWN, TESTING, UNKNOWN, DORMANT, NOT_PRESENT, LOWER_LAYER_DOWN };
    static const uint8_t statuses[] = {[IF_OPER_UNKNOWN] = UNKNOWN,
                                       [IF_OPER_NOTPRESENT] = NOT_PRESENT,
                                       [IF_OPER_DOWN] = DOWN,
                                       [IF_OPER_LOWERLAYERDOWN] = LOWER_LAYER_DOWN,
                                       [IF_OPER_TESTING] = TESTING,
                                       [IF_OPER_DORMANT] = DORMANT,
                                       [IF_OPER_UP] = UP};
    if (size == 1 && bytes[0] < sizeof statuses) {
        link->oper_status = statuses[bytes[0]];
    }
}

static void take_carrier_changes(struct netlink_link *link, const uint8_t *bytes, size_t size)
{
    if (size == sizeof link->carrier_changes) {
        memcpy(&link->carrier_changes, bytes, size);
        link->has_carrier_changes = true;
    }
}

static int decode_link(const uint8_t *bytes, size_t size, netlink_each_link *each, void *context)
{
    struct netlink_link link = {0};
    struct ifinfomsg head;
    bool has_stats = false;
    size_t at = aligned(sizeof head);
    if (size < sizeof head) {
        return -EBADMSG;
    }
    memcpy(&head, bytes, sizeof head);
    link.index = (uint32_t)head.ifi_index;
    link.admin_up = (head.ifi_flags & IFF_UP) != 0;
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
        case IFLA_OPERSTATE:
            take_oper_status(&link, value, value_size);
            break;
        case IFLA_CARRIER_CHANGES:
            take_carrier_changes(&link, value, value_size);
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

static int decode_address(const uint8_t *bytes, size_t size, netlink_each_address *each,
                          void *context)
{
    struct ifaddrmsg head;
    if (size < sizeof head) {
        return -EBADMSG;
    }
    memcpy(&head, bytes, sizeof head);
    if (head.ifa_family == AF_INET || head.ifa_family == AF_INET6) {
        each(context, head.ifa_index, head.ifa_family);
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

int netlink_decode(const uint8_t *bytes, size_t size, uint32_t sequence, netlink_each_link *link,
                   netlink_each_address *address, void *context)
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
            if (header.nlmsg_type == RTM_NEWLINK && link != NULL) {
                rc = decode_link(payload, payload_size, link, context);
            } else if (header.nlmsg_type == RTM_NEWADDR && address != NULL) {
                rc = decode_address(payload, payload_size, address, context);
            }
            if (rc < 0) {
                return rc;
            }
        }
        at += aligned(header.nlmsg_len);
    }
    return 0;
}

static int send_question(struct netlink *netlink, const void *question, size_t size)
{
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    ssize_t sent =
        sendto(netlink->socket, question, size, 0, (struct sockaddr *)&kernel, sizeof kernel);
    return sent == (ssize_t)size ? 0 : sent < 0 ? -errno : -EIO;
}

static int ask_links(struct netlink *netlink)
{
    struct {
        struct nlmsghdr header;
        struct ifinfomsg body;
        struct rtattr attribute;
        uint32_t filter;
    } question = {
        .header = {.nlmsg_len = sizeof question,
                   .nlmsg_type = RTM_GETLINK,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                   .nlmsg_seq = netlink->sequence},
        .body = {.ifi_family = AF_UNSPEC},
        .attribute = {.rta_len = sizeof question.attribute + sizeof question.filter,
                      .rta_type = IFLA_EXT_MASK},
        /* Not the counters of each address family, which cost more than all the rest. */
        .filter = RTEXT_FILTER_SKIP_STATS,
    };
    return send_question(netlink, &question, sizeof question);
}

static int ask_addresses(struct netlink *netlink)
{
    struct {
        struct nlmsghdr header;
        struct ifaddrmsg body;
    } question = {
        .header = {.nlmsg_len = sizeof question,
                   .nlmsg_type = RTM_GETADDR,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                   .nlmsg_seq = netlink->sequence},
        .body = {.ifa_family = AF_UNSPEC},
    };
    return send_question(netlink, &question, sizeof question);
}

static int read_answers(struct netlink *netlink, netlink_each_link *link,
                        netlink_each_address *address, void *context)
{
    for (int i = 0; i < ANSWERS_MAX; i++) {
        struct sockaddr_nl from = {0};
        socklen_t from_size = sizeof from;
        ssize_t got = recvfrom(netlink->socket, netlink->answer, sizeof netlink->answer, MSG_TRUNC,
                               (struct sockaddr *)&from, &from_size);
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
        int rc =
            netlink_decode(netlink->answer, (size_t)got, netlink->sequence, link, address, context);
        if (rc != 0) {
            return rc < 0 ? rc : 0;
        }
    }
    return -ELOOP;
}

static int open_socket(struct netlink *netlink)
{
    struct timeval wait = {.tv_sec = WAIT_MS / 1000};
    netlink->socket = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (netlink->socket < 0) {
        return -errno;
    }
    return setsockopt(netlink->socket, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) != 0 ? -errno
                                                                                         : 0;
}

static void close_socket(struct netlink *netlink)
{
    if (netlink->socket >= 0) {
        (void)close(netlink->socket); /* nothing was written */
    }
    netlink->socket = -1;
}

static int dump(struct netlink *netlink, int (*ask)(struct netlink *netlink),
                netlink_each_link *link, netlink_each_address *address, void *context)
{
    int rc = netlink->socket < 0 ? open_socket(netlink) : 0;
    netlink->sequence++;
    if (rc == 0) {
        rc = ask(netlink);
    }
    if (rc == 0) {
        rc = read_answers(netlink, link, address, context);
    }
    if (rc != 0) {
        close_socket(netlink); /* with whatever is left of the answer */
    }
    return rc;
}

struct netlink *netlink_new(void)
{
    struct netlink *netlink = xmalloc(sizeof *netlink);
    netlink->socket = -1;
    netlink->sequence = 0;
    return netlink;
}

void netlink_free(struct netlink *netlink)
{
    if (netlink != NULL) {
        close_socket(netlink);
        free(netlink);
    }
}

int netlink_dump_links(struct netlink *netlink, netlink_each_link *each, void *context)
{
    return dump(netlink, ask_links, each, NULL, context);
}

int netlink_dump_addresses(struct netlink *netlink, netlink_each_address *each, void *context)
{
    return dump(netlink, ask_addresses, NULL, each, context);
}
