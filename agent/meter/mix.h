/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A fast keyed hash for tables of fixed size: products of 64-bit words folded onto themselves. Not
 * for secrets; with a random key nobody outside can choose keys that collide, and a collision costs
 * a table some accuracy, never memory. */
#ifndef METER_MIX_H
#define METER_MIX_H

#include <stdint.h>
#include <string.h>

__extension__ typedef unsigned __int128 mix_wide; /* no struct: an integer type that C17 lacks */

static inline uint64_t mix_fold(uint64_t a, uint64_t b)
{
    mix_wide product = (mix_wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t mix_load(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

#endif
