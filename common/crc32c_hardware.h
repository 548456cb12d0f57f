/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The two ways to a CRC-32C: a table, which every processor can, and the processor's own
 * instruction. CMake picks the file of the second by the processor (x86, arm64, or neither).
 *
 * Threads: no state. */
#ifndef COMMON_CRC32C_HARDWARE_H
#define COMMON_CRC32C_HARDWARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True if the processor we run on has the instruction: what it can is only known at run time. */
bool crc32c_hardware_here(void);
/* Only where crc32c_hardware_here(). `state` is the shift register, not the finished CRC. */
uint32_t crc32c_hardware(uint32_t state, const uint8_t *bytes, size_t size);
uint32_t crc32c_table(uint32_t state, const uint8_t *bytes, size_t size);

#endif
