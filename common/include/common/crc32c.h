/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4), the checksum of every record on disk. Debian 12
 * has no C library for it. Uses the processor's instruction where there is one. */
#ifndef COMMON_CRC32C_H
#define COMMON_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continue with the value returned before; start with 0. crc32c(0, "123456789", 9) = 0xe3069283. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t size);

#endif
