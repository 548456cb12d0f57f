/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crc32c_hardware.h"

#include <nmmintrin.h>
#include <string.h>

bool crc32c_hardware_here(void)
{
    return __builtin_cpu_supports("sse4.2") != 0;
}

__attribute__((target("sse4.2"))) uint32_t crc32c_hardware(uint32_t state, const uint8_t *bytes,
                                                           size_t size)
{
    uint64_t wide = state;
    for (; size >= sizeof(uint64_t); bytes += sizeof(uint64_t), size -= sizeof(uint64_t)) {
        uint64_t eight;
        memcpy(&eight, bytes, sizeof eight);
        wide = _mm_crc32_u64(wide, eight);
    }
    state = (uint32_t)wide;
    for (; size > 0; bytes++, size--) {
        state = _mm_crc32_u8(state, *bytes);
    }
    return state;
}
