/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For processors without an instruction for CRC-32C, or where we do not know it. */
#include "crc32c_hardware.h"

bool crc32c_hardware_here(void)
{
    return false;
}

uint32_t crc32c_hardware(uint32_t state, const uint8_t *bytes, size_t size)
{
    return crc32c_table(state, bytes, size);
}
