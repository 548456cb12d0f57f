/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as an answer of rtnetlink: names and hardware addresses that come out are
 * terminated. */
#include "netlink.h"

#include <assert.h>
#include <string.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void on_link(void *context, const struct netlink_link *link)
{
    (void)context;
    assert(link->name[0] != '\0' && strlen(link->name) < sizeof link->name);
    assert(strlen(link->mac) == 0 || strlen(link->mac) == sizeof link->mac - 1);
    assert(link->oper_status <= 7);
}

static void on_address(void *context, uint32_t index, uint8_t family)
{
    (void)context;
    (void)index;
    assert(family == AF_INET || family == AF_INET6);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    int rc = netlink_decode(bytes, size, 1, on_link, on_address, NULL);
    assert(rc <= 1);
    return 0;
}
