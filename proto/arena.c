/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_MAX = 1 << 20 };

struct arena_chunk {
    struct arena_chunk *older;
    size_t size;
    size_t used;
    uint64_t bytes[];
};

/* Each piece stands behind its size. */
enum { PIECE_HEAD = sizeof(uint64_t) };

void arena_init(struct arena *arena, size_t cap, size_t chunk_size)
{
    *arena =
        (struct arena){.left = cap, .chunk_size = chunk_size < CHUNK_MAX ? chunk_size : CHUNK_MAX};
}

static struct arena_chunk *add_chunk(struct arena *arena, size_t room)
{
    size_t size = room > arena->chunk_size ? room : arena->chunk_size;
    struct arena_chunk *chunk = malloc(sizeof *chunk + size);
    if (chunk == NULL) {
        return NULL;
    }
    chunk->older = arena->chunks;
    chunk->size = size;
    chunk->used = 0;
    arena->chunks = chunk;
    return chunk;
}

void *arena_take(struct arena *arena, size_t size)
{
    if (size > arena->left || arena->left - size < 2 * PIECE_HEAD) {
        return NULL;
    }
    size_t room = PIECE_HEAD + (size + PIECE_HEAD - 1) / PIECE_HEAD * PIECE_HEAD;
    struct arena_chunk *chunk = arena->chunks;
    if (chunk == NULL || room > chunk->size - chunk->used) {
        chunk = add_chunk(arena, room);
        if (chunk == NULL) {
            return NULL;
        }
    }
    uint64_t *piece = &chunk->bytes[chunk->used / sizeof chunk->bytes[0]];
    piece[0] = size;
    chunk->used += room;
    arena->left -= room;
    return piece + 1;
}

void *arena_take_array(struct arena *arena, size_t count, size_t size)
{
    if (size != 0 && count > arena->left / size) {
        return NULL;
    }
    void *array = arena_take(arena, count * size);
    if (array != NULL) {
        memset(array, 0, count * size);
    }
    return array;
}

size_t arena_piece_size(const void *piece)
{
    uint64_t size;
    memcpy(&size, (const uint8_t *)piece - PIECE_HEAD, sizeof size);
    return (size_t)size;
}

void arena_clear(struct arena *arena)
{
    while (arena->chunks != NULL) {
        struct arena_chunk *chunk = arena->chunks;
        arena->chunks = chunk->older;
        free(chunk);
    }
    arena->left = 0;
}
