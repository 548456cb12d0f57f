/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crc32c_hardware.h"

#include <string.h>
#include <sys/auxv.h>

enum { HARDWARE_CRC32 = 1 << 7 }; /* HWCAP_CRC32 of the arm64 kernel ABI */

bool crc32c_hardware_here(void)
{
    return (getauxval(AT_HWCAP) & HARDWARE_CRC32) != 0;
}

/* The instructions themselves: gcc and clang name the target and the built-ins differently. */
uint32_t crc32c_hardware(uint32_t state, const uint8_t *bytes, size_t size)
{
    for (; size >= sizeof(uint64_t); bytes += sizeof(uint64_t), size -= sizeof(uint64_t)) {
        uint64_t eight;
        memcpy(&eight, bytes, sizeof eight);
        __asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1" : "+r"(state) : "r"(eight));
    }
    for (; size > 0; bytes++, size--) {
        __asm__(".arch_extension crc\n\tcrc32cb %w0, %w0, %w1"
                : "+r"(state)
                : "r"((uint32_t)*bytes));
    }
    return state;
}
