/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "spool_holes.h"

#include "common/xalloc.h"

#include <stdlib.h>
#include <string.h>

void spool_holes_add(struct spool_holes *holes, uint64_t from, uint64_t to)
{
    if (from >= to) {
        return;
    }
    size_t first = 0; /* of those that touch the new one */
    while (first < holes->count && holes->items[first].to < from) {
        first++;
    }
    size_t end = first;
    while (end < holes->count && holes->items[end].from <= to) {
        from = holes->items[end].from < from ? holes->items[end].from : from;
        to = holes->items[end].to > to ? holes->items[end].to : to;
        end++;
    }
    size_t after = holes->count - end;
    holes->items = xreallocarray(holes->items, holes->count + 1, sizeof *holes->items);
    memmove(holes->items + first + 1, holes->items + end, after * sizeof *holes->items);
    holes->items[first] = (struct spool_hole){from, to};
    holes->count = first + 1 + after;
}

bool spool_holes_contain(const struct spool_holes *holes, uint64_t sequence)
{
    return spool_holes_skip(holes, sequence) != sequence;
}

uint64_t spool_holes_skip(const struct spool_holes *holes, uint64_t sequence)
{
    for (size_t i = 0; i < holes->count; i++) {
        if (holes->items[i].from <= sequence && sequence < holes->items[i].to) {
            return holes->items[i].to; /* they do not touch */
        }
    }
    return sequence;
}

void spool_holes_forget(struct spool_holes *holes, uint64_t sequence)
{
    size_t gone = 0;
    while (gone < holes->count && holes->items[gone].to <= sequence) {
        gone++;
    }
    holes->count -= gone;
    if (holes->count > 0) {
        memmove(holes->items, holes->items + gone, holes->count * sizeof *holes->items);
    }
}

void spool_holes_clear(struct spool_holes *holes)
{
    free(holes->items);
    *holes = (struct spool_holes){0};
}
