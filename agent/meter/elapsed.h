/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Time between two stamps of a capture. They come from outside and can be anything. */
#ifndef METER_ELAPSED_H
#define METER_ELAPSED_H

#include <stdint.h>

/* Negative if the clock went backwards. Wraps where a signed difference would overflow. */
static inline int64_t elapsed_ns(int64_t since_ns, int64_t now_ns)
{
    return (int64_t)((uint64_t)now_ns - (uint64_t)since_ns);
}

#endif
