/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The kernel's texts and netlink messages as numbers, good and broken ones. */
#include "netlink.h"
#include "proc.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void cpu_line(void **state)
{
    static const char text[] =
        "cpu0 9 9 9 9 9 9 9 9\ncpu  1 2 3 4 5 6 7 18446744073709551615 9 10\n";
    uint64_t ticks[PROC_CPU_MODES];
    (void)state;
    assert_int_equal(proc_parse_cpu(text, sizeof text - 1, ticks), 0);
    assert_int_equal(ticks[0], 1);
    assert_int_equal(ticks[6], 7);
    assert_true(ticks[7] == UINT64_MAX);
    static const char *const bad[] = {"",
                                      "cpu 1 2 3 4 5 6 7\n",
                                      "cpu 1 2 3 4 5 6 7 x\n",
                                      "cpu 1 2 3 4 5 6 7 18446744073709551616\n",
                                      "cpu 1 2 3 4 5 6 7 -8\n",
                                      "cpus 1 2 3 4 5 6 7 8\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(proc_parse_cpu(bad[i], strlen(bad[i]), ticks), -EBADMSG);
    }
}

static void memory_lines(void **state)
{
    static const char text[] = "MemTotal: 2 kB\nMemFree: 1 kB\nMemAvailable: 3\nCached: 7 kB";
    uint64_t bytes[PROC_MEMORY_VALUES];
    uint64_t missing;
    (void)state;
    assert_int_equal(proc_parse_memory(text, sizeof text - 1, bytes, &missing), 0);
    assert_int_equal(bytes[0], 2048);
    assert_int_equal(bytes[1], 1024);
    assert_int_equal(bytes[4], 7168);
    assert_int_equal(missing, 1 << 2 | 1 << 3 | 1 << 5 | 1 << 6);
    assert_int_equal(proc_parse_memory("", 0, bytes, &missing), -EBADMSG);
    assert_int_equal(proc_parse_memory("junk\n", 5, bytes, &missing), -EBADMSG);
}

static void load_line(void **state)
{
    double loads[PROC_LOADS];
    (void)state;
    assert_int_equal(proc_parse_load("0.05 12.50 3 1/2 3", 18, loads), 0);
    assert_true(loads[0] == 0.05 && loads[1] == 12.5 && loads[2] == 3);
    static const char *const bad[] = {
        "", "1 2", "1 2 .", "1 2 1.", "1 2 -1", "1 2 nan", "1 2 0.12345678901"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(proc_parse_load(bad[i], strlen(bad[i]), loads), -EBADMSG);
    }
}

static void disk_lines(void **state)
{
    static const char text[] = "8 0 sda 1 2 3 4 5 6 7 8 9 10 11 12\n"
                               "short\n"
                               "8 1 sda1 1 2 3 4\n"
                               "8 2 huge 1 2 36028797018963968 4 5 6 7 8 9 10 11\n"
                               "8 2 \0x 1 2 3 4 5 6 7 8 9 10 11\n"
                               "8 3 sdb 1 2 3 4 5 6 7 8 9 10 11";
    struct proc_text rest = {text, text + sizeof text - 1};
    struct proc_disk disk;
    (void)state;
    assert_true(proc_next_disk(&rest, &disk));
    assert_string_equal(disk.name, "sda");
    static const uint64_t wanted[PROC_DISK_VALUES] = {1, 3 * 512, 5, 7 * 512, 10, 11};
    assert_memory_equal(disk.values, wanted, sizeof wanted);
    assert_true(proc_next_disk(&rest, &disk)); /* whose octets would not fit is passed over */
    assert_string_equal(disk.name, "sdb");
    assert_false(proc_next_disk(&rest, &disk));
}

static void mount_lines(void **state)
{
    static const char text[] = "/dev/a /a\\040b\\134c ext4 rw,ro2,nosuid 0 0\n"
                               "x /short\\04 ext4 ro\n"
                               "x /nul\\000 ext4 rw\n"
                               "alone\n"
                               "y /z xfs relatime,ro 0 0";
    struct proc_text rest = {text, text + sizeof text - 1};
    struct proc_mount mount;
    char longest[400];
    (void)state;
    assert_true(proc_next_mount(&rest, &mount));
    assert_string_equal(mount.point, "/a b\\c");
    assert_string_equal(mount.type, "ext4");
    assert_false(mount.read_only);
    assert_true(proc_next_mount(&rest, &mount));
    assert_string_equal(mount.point, "/short\\04");
    assert_true(mount.read_only);
    assert_true(proc_next_mount(&rest, &mount));
    assert_string_equal(mount.point, "/z");
    assert_true(mount.read_only);
    assert_false(proc_next_mount(&rest, &mount));
    memset(longest, 'p', sizeof longest);
    longest[1] = ' ';
    rest = (struct proc_text){longest, longest + sizeof longest};
    assert_false(proc_next_mount(&rest, &mount));
}

/* --- netlink --- */

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
    struct ifinfomsg body = {0};
    struct rtnl_link_stats64 stats = {.rx_packets = 1,
                                      .tx_packets = 2,
                                      .rx_bytes = 3,
                                      .tx_bytes = UINT64_MAX,
                                      .rx_errors = 5,
                                      .tx_errors = 6,
                                      .rx_dropped = 7,
                                      .tx_dropped = 8,
                                      .rx_missed_errors = 100};
    static const uint8_t mac[6] = {2, 0, 0x5e, 0x10, 0, 0xff};
    append(&message, &header, sizeof header);
    append(&message, &body, sizeof body);
    append_attribute(&message, IFLA_IFNAME, name, strlen(name) + 1);
    append_attribute(&message, IFLA_ADDRESS, mac, sizeof mac);
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
    assert_int_equal(netlink_decode(message.bytes, message.size, 1, on_link, &links), 0);
    assert_int_equal(links.n, 1);
    assert_string_equal(links.last.name, "eth0");
    assert_string_equal(links.last.mac, "02:00:5e:10:00:ff");
    static const uint64_t wanted[NETLINK_COUNTERS] = {3, UINT64_MAX, 1, 2, 5, 6, 107, 8};
    assert_memory_equal(links.last.counters, wanted, sizeof wanted);
    /* Of another question; a name too long for an interface. */
    assert_int_equal(netlink_decode(message.bytes, message.size, 2, on_link, &links), 0);
    message = make_link("interface-name-of-20", 1);
    assert_int_equal(netlink_decode(message.bytes, message.size, 1, on_link, &links), 0);
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
    assert_int_equal(netlink_decode(bytes, sizeof message, 1, on_link, &links), 1);
    message.header.nlmsg_type = NLMSG_ERROR;
    message.error = -EPERM;
    assert_int_equal(netlink_decode(bytes, sizeof message, 1, on_link, &links), -EPERM);
    message.error = 5;
    assert_int_equal(netlink_decode(bytes, sizeof message, 1, on_link, &links), -EBADMSG);
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
        assert_int_equal(netlink_decode(exact, size, 1, on_link, &links), -EBADMSG);
        free(exact);
    }
    assert_int_equal(links.n, 0);
    uint16_t zero = 0; /* an attribute of length 0 must not be read for ever */
    memcpy(message.bytes + sizeof(struct nlmsghdr) + sizeof(struct ifinfomsg), &zero, sizeof zero);
    assert_int_equal(netlink_decode(message.bytes, message.size, 1, on_link, &links), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cpu_line),
        cmocka_unit_test(memory_lines),
        cmocka_unit_test(load_line),
        cmocka_unit_test(disk_lines),
        cmocka_unit_test(mount_lines),
        cmocka_unit_test(link_message),
        cmocka_unit_test(end_and_error_messages),
        cmocka_unit_test(cut_messages_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
