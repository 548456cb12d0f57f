/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The kernel's 64-bit interface counters by rtnetlink(7). */
#ifndef HOST_NETLINK_H
#define HOST_NETLINK_H

#include <stddef.h>
#include <stdint.h>

enum { NETLINK_COUNTERS = 8 };

struct netlink_link {
    char name[16]; /* IFNAMSIZ */
    char mac[18];  /* "02:00:5e:10:00:01", or "" when it has no such address */
    /* in and out octets, in and out packets, in and out errors, in and out discards */
    uint64_t counters[NETLINK_COUNTERS];
};

typedef void netlink_each(void *context, const struct netlink_link *link);

/* One datagram of the answer to a dump. Interfaces without name or counters are passed over. 1:
 * that was the end; 0: more is to come; -EBADMSG: damaged; or the kernel's -errno. Pure. */
int netlink_decode(const uint8_t *bytes, size_t size, uint32_t sequence, netlink_each *each,
                   void *context);
/* Asks for all interfaces of our network namespace. 0 or -errno (what was given before stays). */
int netlink_dump(netlink_each *each, void *context);

#endif
