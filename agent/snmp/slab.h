/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Memory that is taken piece by piece and given back all at once: a table's cells live as long as
 * one cycle.
 *
 * Threads: no shared state. */
#ifndef SNMP_SLAB_H
#define SNMP_SLAB_H

#include <stddef.h>

struct slab_chunk;

/* Zero-initialise. */
struct slab {
    struct slab_chunk *chunks; /* the newest first */
    size_t used;               /* of the newest */
    size_t taken_bytes;        /* of all */
};

/* Zeroed, aligned for any of our structs; never NULL. The caller bounds the sum. */
void *slab_take(struct slab *slab, size_t size);
/* Empty again. */
void slab_clear(struct slab *slab);

#endif
