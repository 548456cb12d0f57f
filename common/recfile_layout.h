/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The bytes of a record file, shared by its writer (recfile.c) and its reader (recfile_reader.c).
 * The layout is described in common/recfile.h.
 *
 * Threads: no state. */
#ifndef COMMON_RECFILE_LAYOUT_H
#define COMMON_RECFILE_LAYOUT_H

#include "common/crc32c.h"
#include "common/recfile.h"

#include <stdbool.h>
#include <string.h>

static inline void recfile_put_u32(uint8_t bytes[4], uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
}

static inline uint32_t recfile_get_u32(const uint8_t bytes[4])
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        value |= (uint32_t)bytes[i] << (8 * i);
    }
    return value;
}

/* There is one version: a file of another one differs in its header, and is not ours. */
static inline void recfile_make_header(uint8_t header[RECFILE_HEADER_SIZE])
{
    memcpy(header, "BFRECF01", 8);
    recfile_put_u32(header + 8, 1);
    recfile_put_u32(header + 12, crc32c(0, header, 12));
}

/* The CRC of a record: over the size's four bytes, as they stand in the file, and the payload. */
static inline uint32_t recfile_record_crc(const uint8_t size[4], const void *payload, size_t n)
{
    return crc32c(crc32c(0, size, 4), payload, n);
}

/* A reader on a descriptor that stays the caller's; its header is checked (-EBADMSG). */
int recfile_reader_attach(struct recfile_reader **reader, int fd);

#endif
