/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Netlink's messages as interfaces and addresses: made ones, broken ones, and the kernel's. */
#include "netlink.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

struct message {
    uint8_t bytes[2048];
    size_t size;
};

static void append(struct message *message, const void *bytes, size_t size)
{
    memcpy(message->bytes + message->size, bytes, size);
    message->size += (size + 3) & ~(size_t)3;
}

static void append_attribute(struct message *message, uint16_t type, const void *value, size_t size)
{
    struct rtattr attribute = {.rta_len = (uint16_t)(sizeof attribute + size), .rta_type = type};
    append(message, &attribute, sizeof attribute);
    append(message, value, size);
}

static struct message make_link(const char *name, uint32_t sequence)
{
    struct message message = {0};
    struct nlmsghdr header = {.nlmsg_type = RTM_NEWLINK, .nlmsg_seq = sequence};
    struct ifinfomsg body = {.ifi_index = 7, .ifi_flags = IFF_UP};
    const uint8_t oper = IF_OPER_LOWERLAYERDOWN;
    const uint32_t changes = 12;
    struct rtnl_link_stats64 stats = {.rx_packets = 1,
                                      .tx_packets = 2,
                                      .rx_bytes = 3,
                                      .tx_bytes = UINT64_MAX,
                                      .rx_errors = 5,
                                      .tx_errors = 6,
                                      .rx_dropped = 7,
                                      .tx_dropped = 8,
                                      .multicast = 9,
                                      .rx_missed_errors = 100};
    static const uint8_t mac[6] = {2, 0, 0x5e, 0x10, 0, 0xff};
    append(&message, &header, sizeof header);
    append(&message, &body, sizeof body);
    append_attribute(&message, IFLA_IFNAME, name, strlen(name) + 1);
    append_attribute(&message, IFLA_ADDRESS, mac, sizeof mac);
    append_attribute(&message, IFLA_OPERSTATE, &oper, sizeof oper);
    append_attribute(&message, IFLA_CARRIER_CHANGES, &changes, sizeof changes);
    append_attribute(&message, IFLA_STATS64, &stats, sizeof stats);
    header.nlmsg_len = (uint32_t)message.size;
    memcpy(message.bytes, &header, sizeof header);
    return message;
}

struct links {
    size_t n;
    struct netlink_link last;
};

static void on_link(void *context, const struct netlink_link *link)
{
    struct links *links = context;
    links->n++;
    links->last = *link;
}

static void link_message(void **state)
{
    struct message message = make_link("eth0", 1);
    struct links links = {0};
    (void)state;
    assert_int_equal(netlink_decode(message.bytes, message.size, 1, on_link, NULL, &links), 0);
    assert_int_equal(links.n, 1);
    assert_string_equal(links.last.name, "eth0");
    assert_string_equal(links.last.mac, "02:00:5e:10:00:ff");
    static const uint64_t wanted[NETLINK_COUNTERS] = {3, UINT64_MAX, 1, 2, 5, 6, 107, 8, 9};
    assert_memory_equal(links.last.counters, wanted, sizeof wanted);
    assert_int_equal(links.last.index, 7);
    assert_true(links.last.admin_up);
    assert_int_equal(links.last.oper_status, 7); /* lowerLayerDown */
    assert_true(links.last.has_carrier_changes);
    assert_int_equal(links.last.carrier_changes, 12);
    /* Of another question; a name too long for an interface. */
    assert_int_equal(netlink_decode(message.bytes, message.size, 2, on_link, NULL, &links), 0);
    message = make_link("interface-name-of-20", 1);
    assert_int_equal(netlink_decode(message.bytes, message.size, 1, on_link, NULL, &links), 0);
    assert_int_equal(links.n, 1);
}

static void end_and_error_messages(void **state)
{
    struct {
        struct nlmsghdr header;
        int32_t error;
    } message = {{.nlmsg_len = sizeof message, .nlmsg_type = NLMSG_DONE, .nlmsg_seq = 1}, 0};
    struct links links = {0};
    const uint8_t *bytes = (const uint8_t *)&message;
    (void)state;
    assert_int_equal(netlink_decode(bytes, sizeof message, 1, on_link, NULL, &links), 1);
    message.header.nlmsg_type = NLMSG_ERROR;
    message.error = -EPERM;
    assert_int_equal(netlink_decode(bytes, sizeof message, 1, on_link, NULL, &links), -EPERM);
    message.error = 5;
    assert_int_equal(netlink_decode(bytes, sizeof message, 1, on_link, NULL, &links), -EBADMSG);
}

static void cut_messages_are_refused(void **state)
{
    struct message message = make_link("eth0", 1);
    struct links links = {0};
    (void)state;
    for (size_t size = 1; size < message.size; size++) {
        uint8_t *exact = malloc(size);
        assert_non_null(exact);
        memcpy(exact, message.bytes, size);
        assert_int_equal(netlink_decode(exact, size, 1, on_link, NULL, &links), -EBADMSG);
        free(exact);
    }
    assert_int_equal(links.n, 0);
    uint16_t zero = 0; /* an attribute of length 0 must not be read for ever */
    memcpy(message.bytes + sizeof(struct nlmsghdr) + sizeof(struct ifinfomsg), &zero, sizeof zero);
    assert_int_equal(netlink_decode(message.bytes, message.size, 1, on_link, NULL, &links),
                     -EBADMSG);
}

struct addresses {
    size_t ipv4;
    size_t ipv6;
    uint32_t index;
};

static void on_address(void *context, uint32_t index, uint8_t family)
{
    struct addresses *addresses = context;
    addresses->ipv4 += family == AF_INET;
    addresses->ipv6 += family == AF_INET6;
    addresses->index = index;
}

static void append_address(struct message *message, uint8_t family, uint32_t index)
{
    struct nlmsghdr header = {.nlmsg_len = sizeof header + sizeof(struct ifaddrmsg),
                              .nlmsg_type = RTM_NEWADDR,
                              .nlmsg_seq = 1};
    struct ifaddrmsg body = {.ifa_family = family, .ifa_index = index};
    append(message, &header, sizeof header);
    append(message, &body, sizeof body);
}

static void address_messages(void **state)
{
    struct message message = {0};
    struct addresses addresses = {0};
    (void)state;
    append_address(&message, AF_INET, 3);
    append_address(&message, AF_INET6, 3);
    append_address(&message, AF_INET6, 4);
    append_address(&message, AF_UNIX, 5); /* no address of ours */
    assert_int_equal(netlink_decode(message.bytes, message.size, 1, NULL, on_address, &addresses),
                     0);
    assert_int_equal(addresses.ipv4, 1);
    assert_int_equal(addresses.ipv6, 2);
    assert_int_equal(addresses.index, 4);
    /* Nobody wants links. */
    message = make_link("eth0", 1);
    assert_int_equal(netlink_decode(message.bytes, message.size, 1, NULL, on_address, &addresses),
                     0);
    struct nlmsghdr header = {
        .nlmsg_len = sizeof header + 4, .nlmsg_type = RTM_NEWADDR, .nlmsg_seq = 1};
    memcpy(message.bytes, &header, sizeof header);
    assert_int_equal(
        netlink_decode(message.bytes, sizeof header + 4, 1, NULL, on_address, &addresses),
        -EBADMSG);
}

static void find_loopback(void *context, const struct netlink_link *link)
{
    if (strcmp(link->name, "lo") == 0) {
        *(struct netlink_link *)context = *link;
    }
}

/* /proc/net/dev is what every other tool reads. */
static void read_loopback(uint64_t *octets, uint64_t *packets)
{
    char line[512];
    FILE *file = fopen("/proc/net/dev", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        const char *at = strstr(line, "lo:");
        if (at != NULL) {
            char *end;
            *octets = strtoull(at + 3, &end, 10);
            *packets = strtoull(end, NULL, 10);
        }
    }
    fclose(file);
}

static void interfaces_come_from_the_kernel(void **state)
{
    struct netlink *netlink = netlink_new();
    struct netlink_link link = {0};
    struct addresses addresses = {0};
    uint64_t octets[2] = {0};
    uint64_t packets[2] = {0};
    (void)state;
    for (int i = 0; i < 3; i++) { /* on one socket */
        read_loopback(&octets[0], &packets[0]);
        assert_int_equal(netlink_dump_links(netlink, find_loopback, &link), 0);
        read_loopback(&octets[1], &packets[1]);
        assert_string_equal(link.name, "lo");
        assert_string_equal(link.mac, "");
        assert_in_range(link.counters[0], octets[0], octets[1]);
        assert_in_range(link.counters[2], packets[0], packets[1]);
        addresses = (struct addresses){0};
        assert_int_equal(netlink_dump_addresses(netlink, on_address, &addresses), 0);
        assert_true(addresses.ipv4 >= 1 || !link.admin_up);
    }
    netlink_free(netlink);
    netlink_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(link_message),
        cmocka_unit_test(end_and_error_messages),
        cmocka_unit_test(cut_messages_are_refused),
        cmocka_unit_test(address_messages),
        cmocka_unit_test(interfaces_come_from_the_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
