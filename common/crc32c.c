/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/crc32c.h"

#include "crc32c_hardware.h"

/* The CRC is linear: the entry of a byte is the sum of the entries of its bits, here for the
 * reflected polynomial 0x82f63b78. */
#define BIT(byte, bit, entry) (((byte)&1u << (bit)) != 0 ? (entry) : 0u)
#define ENTRY(byte)                                                                                \
    (BIT(byte, 0, 0xf26b8303u) ^ BIT(byte, 1, 0xe13b70f7u) ^ BIT(byte, 2, 0xc79a971fu) ^           \
     BIT(byte, 3, 0x8ad958cfu) ^ BIT(byte, 4, 0x105ec76fu) ^ BIT(byte, 5, 0x20bd8edeu) ^           \
     BIT(byte, 6, 0x417b1dbcu) ^ BIT(byte, 7, 0x82f63b78u))
#define FOUR(byte)    ENTRY(byte), ENTRY((byte) + 1u), ENTRY((byte) + 2u), ENTRY((byte) + 3u)
#define SIXTEEN(byte) FOUR(byte), FOUR((byte) + 4u), FOUR((byte) + 8u), FOUR((byte) + 12u)
#define SIXTY_FOUR(byte)                                                                           \
    SIXTEEN(byte), SIXTEEN((byte) + 16u), SIXTEEN((byte) + 32u), SIXTEEN((byte) + 48u)

static const uint32_t table[256] = {SIXTY_FOUR(0u), SIXTY_FOUR(64u), SIXTY_FOUR(128u),
                                    SIXTY_FOUR(192u)};

uint32_t crc32c_table(uint32_t state, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        state = (state >> 8) ^ table[(state ^ bytes[i]) & 0xff];
    }
    return state;
}

uint32_t crc32c(uint32_t crc, const void *bytes, size_t size)
{
    if (crc32c_hardware_here()) {
        return ~crc32c_hardware(~crc, bytes, size);
    }
    return ~crc32c_table(~crc, bytes, size);
}
