/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What an interface joins or splits before a capture sees it: then frames are larger than the link
 * carries. Only read, never set.
 *
 * Threads: no state. */
#ifndef CAPTURE_OFFLOAD_H
#define CAPTURE_OFFLOAD_H

#include <stdint.h>

enum { OFFLOAD_TEXT_SIZE = 32 };

struct offload {
    uint32_t mtu_bytes;           /* 0: not known */
    char text[OFFLOAD_TEXT_SIZE]; /* "gro,lro,tso,gso", those that are on; "none"; "unknown" where
                                     the driver cannot be asked */
};

void offload_read(const char *interface, struct offload *offload);

#endif
