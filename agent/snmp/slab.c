/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "slab.h"

#include "common/xalloc.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    ALIGNMENT = 8,
    CHUNK_FIRST = 4 * 1024,
    CHUNK_MOST = 64 * 1024, /* below malloc's threshold for mapping: chunks are used again */
};

struct slab_chunk {
    struct slab_chunk *older;
    size_t size;
    alignas(ALIGNMENT) uint8_t bytes[];
};

static void add_chunk(struct slab *slab, size_t least)
{
    size_t size = slab->chunks == NULL ? CHUNK_FIRST : slab->chunks->size * 2;
    size = size > CHUNK_MOST ? CHUNK_MOST : size;
    size = size < least ? least : size;
    struct slab_chunk *chunk = xmalloc(sizeof *chunk + size);
    chunk->older = slab->chunks;
    chunk->size = size;
    slab->chunks = chunk;
    slab->used = 0;
}

void *slab_take(struct slab *slab, size_t size)
{
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (slab->chunks == NULL || slab->chunks->size - slab->used < size) {
        add_chunk(slab, size);
    }
    void *taken = slab->chunks->bytes + slab->used;
    slab->used += size;
    slab->taken_bytes += size;
    memset(taken, 0, size);
    return taken;
}

void slab_clear(struct slab *slab)
{
    while (slab->chunks != NULL) {
        struct slab_chunk *chunk = slab->chunks;
        slab->chunks = chunk->older;
        free(chunk);
    }
    *slab = (struct slab){0};
}
