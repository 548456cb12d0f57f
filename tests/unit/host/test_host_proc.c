/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The kernel's texts as numbers, good and broken ones. */
#include "proc.h"
#include "sensors.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct proc_text text_of(const char *text)
{
    return (struct proc_text){text, text + strlen(text)};
}

static void cpu_lines(void **state)
{
    struct proc_text rest = text_of("cpu  1 2 3 4 5 6 7 18446744073709551615 9 10\n"
                                    "cpu1 1 2 3 4 5 6 7\n"
                                    "cpu1 1 2 3 4 5 6 7 x\n"
                                    "cpu1 1 2 3 4 5 6 7 18446744073709551616\n"
                                    "cpu1 1 2 3 4 5 6 7 -8\n"
                                    "cpus 1 2 3 4 5 6 7 8\n"
                                    "cpu4000000000 1 2 3 4 5 6 7 8\n"
                                    "intr 5 6\n"
                                    "cpu3 8 7 6 5 4 3 2 1");
    struct proc_cpu cpu;
    (void)state;
    assert_true(proc_next_cpu(&rest, &cpu));
    assert_int_equal(cpu.number, -1);
    assert_int_equal(cpu.ticks[0], 1);
    assert_int_equal(cpu.ticks[6], 7);
    assert_true(cpu.ticks[7] == UINT64_MAX);
    assert_int_equal(cpu.ticks[9], 10);
    assert_int_equal(cpu.missing, 0);
    assert_true(proc_next_cpu(&rest, &cpu));
    assert_int_equal(cpu.number, 3);
    assert_int_equal(cpu.ticks[7], 1);
    assert_int_equal(cpu.missing, 1 << 8 | 1 << 9); /* an old kernel has no guests */
    assert_false(proc_next_cpu(&rest, &cpu));
}

static void load_line(void **state)
{
    double loads[PROC_LOADS];
    uint64_t threads;
    (void)state;
    assert_int_equal(proc_parse_load("0.05 12.50 3 1/20 3", 19, loads, &threads), 0);
    assert_true(loads[0] == 0.05 && loads[1] == 12.5 && loads[2] == 3);
    assert_int_equal(threads, 20);
    assert_int_equal(proc_parse_load("0.05 12.50 3", 12, loads, &threads), 0);
    assert_true(threads == UINT64_MAX);
    static const char *const bad[] = {
        "", "1 2", "1 2 .", "1 2 1.", "1 2 -1", "1 2 nan", "1 2 0.12345678901"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(proc_parse_load(bad[i], strlen(bad[i]), loads, &threads), -EBADMSG);
    }
}

static void uptime_and_numbers(void **state)
{
    double seconds;
    uint64_t numbers[3];
    (void)state;
    assert_int_equal(proc_parse_uptime("350735.47 234388.90\n", 20, &seconds), 0);
    assert_true(seconds == 350735.47);
    assert_int_equal(proc_parse_uptime("x", 1, &seconds), -EBADMSG);
    assert_int_equal(proc_parse_numbers("622\t0\t2466160\n7", 16, numbers, 3), 3);
    assert_int_equal(numbers[2], 2466160);
    assert_int_equal(proc_parse_numbers("622 -1 5", 8, numbers, 3), 1);
    assert_int_equal(proc_parse_numbers("", 0, numbers, 3), 0);
}

static void pressure_lines(void **state)
{
    static const char text[] = "some avg10=51.05 avg60=39.46 avg300=25.78 total=9017955058\n"
                               "full avg10=0.00 avg60=x avg300=1.00 total=7";
    double values[PROC_PRESSURES];
    uint64_t missing;
    (void)state;
    assert_int_equal(proc_parse_pressure(text, sizeof text - 1, values, &missing), 0);
    assert_true(values[0] > 0.51049 && values[0] < 0.51051);
    assert_true(values[3] == 9017955058.0);
    assert_true(values[6] == 0.01 && values[7] == 7);
    assert_int_equal(missing, 1 << 5);
    assert_int_equal(
        proc_parse_pressure("full avg10=1.00 avg60=1 avg300=1 total=1", 40, values, &missing), 0);
    assert_int_equal(missing, 0xf); /* /proc/pressure/irq has no "some" */
    static const char *const bad[] = {"", "some", "some avg10=", "some total=5", "none avg10=1.0"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(proc_parse_pressure(bad[i], strlen(bad[i]), values, &missing), -EBADMSG);
    }
}

static void named_lines(void **state)
{
    static const struct proc_field fields[] = {{NULL, "MemTotal:"},     {NULL, "MemFree:"},
                                               {NULL, "MemAvailable:"}, {NULL, "ctxt"},
                                               {NULL, "Cached:"},       {NULL, "Huge:"}};
    /* No unit, another order, too large, no number, and none of ours. */
    static const char text[] = "MemTotal: 2 kB\nMemAvailable: 3\nMemFree: 1 kB\nSwapCached: 9 kB\n"
                               "Huge: 18014398509481984 kB\nctxt -5\nCached: 7 kB\nctxt 12 13";
    uint64_t values[6];
    uint64_t missing;
    (void)state;
    assert_int_equal(proc_parse_lines(text, sizeof text - 1, fields, 6, values, &missing), 0);
    assert_int_equal(values[0], 2048);
    assert_int_equal(values[1], 1024);
    assert_int_equal(values[3], 12);
    assert_int_equal(values[4], 7168);
    assert_int_equal(missing, 1 << 2 | 1 << 5);
    assert_int_equal(proc_parse_lines("", 0, fields, 6, values, &missing), -EBADMSG);
    assert_int_equal(proc_parse_lines("junk\n\n", 6, fields, 6, values, &missing), -EBADMSG);
}

static void paired_lines(void **state)
{
    static const struct proc_field fields[] = {{"Ip:", "InReceives"},
                                               {"Tcp:", "InSegs"},
                                               {"Tcp:", "OutSegs"},
                                               {"Udp:", "InSegs"},
                                               {"Udp:", "Late"}};
    static const char text[] = "Ip: Forwarding InReceives\nIp: 1 5\n"
                               "Lonely: InSegs\n" /* its numbers are missing */
                               "Tcp: MaxConn OutSegs InSegs\nTcp: -1 6 7\n"
                               "Udp: InSegs Late\nUdp: 8";
    uint64_t values[5];
    uint64_t missing;
    (void)state;
    assert_int_equal(proc_parse_pairs(text, sizeof text - 1, fields, 5, values, &missing), 0);
    assert_int_equal(values[0], 5);
    assert_int_equal(values[1], 7);
    assert_int_equal(values[2], 6);
    assert_int_equal(values[3], 8); /* not that of another group */
    assert_int_equal(missing, 1 << 4);
    static const char *const bad[] = {"", "Ip: InReceives", "Ip: InReceives\nTcp: 5\n",
                                      "Ip: InReceives\nIp: -5\n", "Ip: InReceives\nIp:\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(proc_parse_pairs(bad[i], strlen(bad[i]), fields, 5, values, &missing),
                         -EBADMSG);
    }
}

static void grouped_lines(void **state)
{
    static const struct proc_field fields[] = {
        {"sockets:", "used"}, {"TCP:", "inuse"}, {"TCP:", "mem"}, {"UDP:", "inuse"}};
    static const char text[] = "sockets: used 16\nTCP: inuse 1 orphan 0 mem 205\nUDP: mem 4 inuse";
    uint64_t values[4];
    uint64_t missing;
    (void)state;
    assert_int_equal(proc_parse_groups(text, sizeof text - 1, fields, 4, values, &missing), 0);
    assert_int_equal(values[0], 16);
    assert_int_equal(values[1], 1);
    assert_int_equal(values[2], 205);
    assert_int_equal(missing, 1 << 3);
    assert_int_equal(proc_parse_groups("TCP: x inuse 1", 14, fields, 4, values, &missing),
                     -EBADMSG);
}

static void disk_lines(void **state)
{
    static const char text[] = "8 0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n"
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
    static const uint64_t wanted[PROC_DISK_VALUES] = {1, 3 * 512, 5, 7 * 512, 10, 11,       4,
                                                      8, 2,       6, 9,       12, 14 * 512, 16};
    assert_memory_equal(disk.values, wanted, sizeof wanted);
    assert_int_equal(disk.missing, 0);
    assert_true(proc_next_disk(&rest, &disk)); /* whose octets would not fit is passed over */
    assert_string_equal(disk.name, "sdb");
    assert_int_equal(disk.values[DISK_QUEUE], 9);
    assert_int_equal(disk.missing,
                     1 << DISK_DISCARDS | 1 << DISK_DISCARD_BYTES | 1 << DISK_FLUSHES);
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

static void damaged_file_system(void **state)
{
    struct proc_text rest = text_of("a /m ext4 rw,emergency_ro 0 0\n");
    struct proc_mount mount;
    (void)state;
    assert_true(proc_next_mount(&rest, &mount));
    assert_true(mount.read_only);
}

static void process_line(void **state)
{
    static const char text[] = "42 (a) b (c) S 1 42 42 0 -1 4194560 1 0 0 0 70 30 0 0 20 0 5 0 999 "
                               "12345678 250 18446744073709551615 1 1\n";
    struct proc_process process;
    (void)state;
    assert_int_equal(proc_parse_process(text, sizeof text - 1, &process), 0);
    assert_string_equal(process.name, "a) b (c");
    assert_int_equal(process.cpu_ticks, 100);
    assert_int_equal(process.threads, 5);
    assert_int_equal(process.start_ticks, 999);
    assert_int_equal(process.rss_pages, 250);
    for (size_t size = 0; size < strlen("42 (a) b (c) S 1 42 42 0 -1 4194560 1 0 0 0 70 30 0 0 20 "
                                        "0 5 0 999 12345678 ");
         size++) {
        char *exact = malloc(size + 1);
        assert_non_null(exact);
        memcpy(exact, text, size);
        assert_int_equal(proc_parse_process(exact, size, &process), -EBADMSG);
        free(exact);
    }
    static const char longer[] =
        "1 (kworker/u8:0-flush) I 2 0 0 0 -1 6 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0";
    assert_int_equal(proc_parse_process(longer, sizeof longer - 1, &process), 0);
    assert_string_equal(process.name,
                        "kworker/u8:0-fl"); /* as long as others of the kernel's are */
    assert_int_equal(proc_parse_process("1 () S 1", 8, &process), -EBADMSG);
}

static void sensor_values(void **state)
{
    int32_t value;
    (void)state;
    assert_true(sensors_parse_value("42500\n", 6, &value));
    assert_int_equal(value, 42500);
    assert_true(sensors_parse_value("-5000", 5, &value));
    assert_int_equal(value, -5000);
    static const char *const bad[] = {"", "-", "\n", "x", "4 2", "--5", "2147483648", "1.5"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(sensors_parse_value(bad[i], strlen(bad[i]), &value));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cpu_lines),          cmocka_unit_test(load_line),
        cmocka_unit_test(uptime_and_numbers), cmocka_unit_test(pressure_lines),
        cmocka_unit_test(named_lines),        cmocka_unit_test(paired_lines),
        cmocka_unit_test(grouped_lines),      cmocka_unit_test(disk_lines),
        cmocka_unit_test(mount_lines),        cmocka_unit_test(damaged_file_system),
        cmocka_unit_test(process_line),       cmocka_unit_test(sensor_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
