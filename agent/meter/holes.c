/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "holes.h"

#include "common/xalloc.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

enum { CHAIN_MAX = 8 };

struct hole {
    uint16_t *chain; /* the head of the chain it is in */
    int64_t born_ns;
    uint32_t first;
    uint32_t end;
    uint16_t next;         /* in its chain, or of the free ones */
    uint16_t older, newer; /* of all that are taken */
};

struct holes {
    uint16_t most;
    uint16_t used; /* ever: those behind were never touched */
    uint16_t free; /* the first of those that were given back */
    /* [0] is none, but has the ends of the list by age: `newer` is the oldest, `older` the newest.
     */
    struct hole pool[];
};

struct holes *holes_new(size_t most)
{
    assert(most > 0 && most <= UINT16_MAX);
    struct holes *holes = xcalloc(1, sizeof *holes + (most + 1) * sizeof(struct hole));
    holes->most = (uint16_t)most;
    return holes;
}

void holes_free(struct holes *holes)
{
    free(holes);
}

static void drop(struct holes *holes, uint16_t index)
{
    struct hole *hole = &holes->pool[index];
    uint16_t *link = hole->chain;
    while (*link != index) {
        assert(*link != 0);
        link = &holes->pool[*link].next;
    }
    *link = hole->next;
    holes->pool[hole->older].newer = hole->newer;
    holes->pool[hole->newer].older = hole->older;
    hole->next = holes->free;
    holes->free = index;
}

static void shorten(struct holes *holes, const uint16_t *chain)
{
    unsigned length = 0;
    uint16_t oldest = *chain;
    for (uint16_t i = *chain; i != 0; i = holes->pool[i].next) {
        length++;
        if (holes->pool[i].born_ns <= holes->pool[oldest].born_ns) {
            oldest = i;
        }
    }
    if (length >= CHAIN_MAX) {
        drop(holes, oldest);
    }
}

static uint16_t take(struct holes *holes)
{
    if (holes->free == 0 && holes->used < holes->most) {
        return ++holes->used;
    }
    if (holes->free == 0) {
        drop(holes, holes->pool[0].newer);
    }
    uint16_t index = holes->free;
    holes->free = holes->pool[index].next;
    return index;
}

void holes_add(struct holes *holes, uint16_t *chain, uint32_t first, uint32_t end, int64_t born_ns)
{
    shorten(holes, chain);
    uint16_t index = take(holes);
    uint16_t newest = holes->pool[0].older;
    holes->pool[index] = (struct hole){
        .chain = chain,
        .born_ns = born_ns,
        .first = first,
        .end = end,
        .next = *chain,
        .older = newest,
    };
    holes->pool[newest].newer = index;
    holes->pool[0].older = index;
    *chain = index;
}

/* What is left of a hole before and behind what came. */
struct rest {
    uint32_t first;
    uint32_t end;
    int64_t born_ns;
};

/* Takes [first, end) out of the hole, at most; returns how many bytes that were. A hole that it
 * parts keeps its beginning, and *behind is its end. */
static uint32_t cut(struct holes *holes, uint16_t index, uint32_t first, uint32_t end,
                    struct rest *behind)
{
    struct hole *hole = &holes->pool[index];
    int32_t from = (int32_t)(hole->first - first) > 0 ? (int32_t)(hole->first - first) : 0;
    int32_t to =
        (int32_t)(hole->end - end) > 0 ? (int32_t)(end - first) : (int32_t)(hole->end - first);
    if (from >= to) {
        return 0;
    }
    bool before = (int32_t)(first - hole->first) > 0;
    bool after = (int32_t)(hole->end - end) > 0;
    if (before && after) {
        *behind = (struct rest){.first = end, .end = hole->end, .born_ns = hole->born_ns};
    }
    if (before) {
        hole->end = first;
    } else if (after) {
        hole->first = end;
    } else {
        drop(holes, index);
    }
    return (uint32_t)(to - from);
}

uint32_t holes_fill(struct holes *holes, uint16_t *chain, uint32_t first, uint32_t end,
                    int64_t *born_ns)
{
    uint32_t filled = 0;
    struct rest behind = {0};
    uint16_t next;
    for (uint16_t i = *chain; i != 0; i = next) {
        next = holes->pool[i].next;
        int64_t hole_born_ns = holes->pool[i].born_ns;
        uint32_t bytes = cut(holes, i, first, end, &behind);
        if (bytes > 0 && (filled == 0 || hole_born_ns < *born_ns)) {
            *born_ns = hole_born_ns;
        }
        filled += bytes;
    }
    if (behind.first != behind.end) {
        holes_add(holes, chain, behind.first, behind.end, behind.born_ns);
    }
    return filled;
}

void holes_forget(struct holes *holes, uint16_t *chain)
{
    while (*chain != 0) {
        drop(holes, *chain);
    }
}

void holes_clear(struct holes *holes)
{
    for (uint16_t i = holes->pool[0].newer; i != 0; i = holes->pool[i].newer) {
        *holes->pool[i].chain = 0;
    }
    holes->used = 0;
    holes->free = 0;
    holes->pool[0] = (struct hole){0};
}
