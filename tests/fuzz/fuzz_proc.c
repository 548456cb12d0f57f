/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any text as each of the kernel's files. */
#include "proc.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *text = (const char *)bytes;
    uint64_t ticks[PROC_CPU_MODES];
    uint64_t memory[PROC_MEMORY_VALUES];
    uint64_t missing;
    double loads[PROC_LOADS];
    struct proc_disk disk;
    struct proc_mount mount;
    (void)proc_parse_cpu(text, size, ticks);
    (void)proc_parse_memory(text, size, memory, &missing);
    if (proc_parse_load(text, size, loads) == 0) {
        assert(loads[0] >= 0 && loads[1] >= 0 && loads[2] >= 0);
    }
    struct proc_text rest = {text, text + size};
    while (proc_next_disk(&rest, &disk)) {
        assert(disk.name[0] != '\0' && strlen(disk.name) < sizeof disk.name);
    }
    rest = (struct proc_text){text, text + size};
    while (proc_next_mount(&rest, &mount)) {
        assert(mount.point[0] != '\0' && strlen(mount.point) < sizeof mount.point);
        assert(strlen(mount.type) < sizeof mount.type);
    }
    return 0;
}
