/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any text as each of the kernel's files, and as an answer of chronyd. */
#include "chrony.h"
#include "proc.h"
#include "sensors.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Lists: what comes out is terminated and within its bounds. */
static void read_lists(const char *text, size_t size)
{
    struct proc_text rest = {text, text + size};
    struct proc_cpu cpu;
    struct proc_disk disk;
    struct proc_mount mount;
    while (proc_next_cpu(&rest, &cpu)) {
        assert(cpu.number >= -1);
    }
    rest = (struct proc_text){text, text + size};
    while (proc_next_disk(&rest, &disk)) {
        assert(disk.name[0] != '\0' && strlen(disk.name) < sizeof disk.name);
    }
    rest = (struct proc_text){text, text + size};
    while (proc_next_mount(&rest, &mount)) {
        assert(mount.point[0] != '\0' && strlen(mount.point) < sizeof mount.point);
        assert(strlen(mount.type) < sizeof mount.type);
    }
}

/* Tables: what is missing is zero, and something is found or nothing. */
static void read_tables(const char *text, size_t size)
{
    static const struct proc_field fields[] = {
        {"Tcp:", "InSegs"}, {"TCP:", "inuse"}, {"IpExt:", "InOctets"}, {"Udp:", "NoPorts"}};
    static const struct proc_field lines[] = {
        {NULL, "MemTotal:"}, {NULL, "SwapFree:"}, {NULL, "ctxt"}, {NULL, "Ip6InReceives"}};
    uint64_t values[4];
    uint64_t missing;
    int rcs[3];
    rcs[0] = proc_parse_lines(text, size, lines, 4, values, &missing);
    assert((rcs[0] == 0) == (missing != 0xf) && missing <= 0xf);
    rcs[1] = proc_parse_pairs(text, size, fields, 4, values, &missing);
    assert((rcs[1] == 0) == (missing != 0xf) && missing <= 0xf);
    rcs[2] = proc_parse_groups(text, size, fields, 4, values, &missing);
    assert((rcs[2] == 0) == (missing != 0xf) && missing <= 0xf);
    for (size_t i = 0; i < 4; i++) {
        assert((missing >> i & 1) == 0 || values[i] == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *text = (const char *)bytes;
    double loads[PROC_LOADS];
    double pressures[PROC_PRESSURES];
    double uptime_s;
    uint64_t numbers[3];
    uint64_t missing;
    uint64_t threads;
    int32_t sensor;
    struct proc_process process;
    struct chrony_tracking tracking;
    read_lists(text, size);
    read_tables(text, size);
    if (proc_parse_load(text, size, loads, &threads) == 0) {
        assert(loads[0] >= 0 && loads[1] >= 0 && loads[2] >= 0);
    }
    if (proc_parse_uptime(text, size, &uptime_s) == 0) {
        assert(uptime_s >= 0);
    }
    if (proc_parse_pressure(text, size, pressures, &missing) == 0) {
        assert(missing != 0xff && pressures[0] >= 0);
    }
    assert(proc_parse_numbers(text, size, numbers, 3) <= 3);
    if (proc_parse_process(text, size, &process) == 0) {
        assert(process.name[0] != '\0' && strlen(process.name) < sizeof process.name);
    }
    (void)sensors_parse_value(text, size, &sensor);
    if (chrony_decode(bytes, size, 0, &tracking) == 0) {
        assert(tracking.offset_s > -1e20 && tracking.offset_s < 1e20);
    }
    return 0;
}
