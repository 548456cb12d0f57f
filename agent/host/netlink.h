/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The kernel's interfaces with their 64-bit counters, and their addresses, by rtnetlink(7).
 *
 * Threads: one for each handle. */
#ifndef HOST_NETLINK_H
#define HOST_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NETLINK_COUNTERS = 9 };

struct netlink_link {
    uint32_t index;
    char name[16]; /* IFNAMSIZ */
    char mac[18];  /* "02:00:5e:10:00:01", or "" when it has no such address */
    /* in and out octets, in and out packets, in and out errors, in and out discards, multicast
     * packets in */
    uint64_t counters[NETLINK_COUNTERS];
    bool admin_up;
    uint8_t oper_status;      /* ifOperStatus of RFC 2863, 1 to 7; 0: the kernel does not say */
    bool has_carrier_changes; /* since Linux 3.15 */
    uint32_t carrier_changes;
};

typedef void netlink_each_link(void *context, const struct netlink_link *link);
/* An address of an interface; `family` is AF_INET or AF_INET6, others are passed over. */
typedef void netlink_each_address(void *context, uint32_t index, uint8_t family);

/* One datagram of the answer to a dump; each kind of message goes to its function (NULL: nowhere).
 * Interfaces without name or counters are passed over. 1: that was the end; 0: more is to come;
 * -EBADMSG: damaged; or the kernel's -errno. Pure. */
int netlink_decode(const uint8_t *bytes, size_t size, uint32_t sequence, netlink_each_link *link,
                   netlink_each_address *address, void *context);

struct netlink;
/* Opens nothing yet. */
struct netlink *netlink_new(void);
/* NULL is allowed. */
void netlink_free(struct netlink *netlink);
/* Asks for all interfaces, or all addresses, of our network namespace. 0 or -errno (what was given
 * before stays). Does not wait: a dump is made while it is read. */
int netlink_dump_links(struct netlink *netlink, netlink_each_link *each, void *context);
int netlink_dump_addresses(struct netlink *netlink, netlink_each_address *each, void *context);

#endif
