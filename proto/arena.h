/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Memory for what one foreign message unpacks to: given out piece by piece up to a cap, freed as a
 * whole. A message may say little and mean much; with the cap it can not mean more than we have.
 *
 * Threads: an arena belongs to one thread. */
#ifndef PROTO_ARENA_H
#define PROTO_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
    size_t left; /* of the cap */
    size_t chunk_size;
    struct arena_chunk *chunks; /* the newest first */
};

/* `chunk_size` is how much to take from the system at once. */
void arena_init(struct arena *arena, size_t cap, size_t chunk_size);
/* Aligned for pointers and 64-bit numbers, not zeroed. NULL: over the cap, or no memory. */
void *arena_take(struct arena *arena, size_t size);
void *arena_take_array(struct arena *arena, size_t count, size_t size); /* zeroed */
/* The size that was asked for this piece. */
size_t arena_piece_size(const void *piece);
void arena_clear(struct arena *arena);

#endif
