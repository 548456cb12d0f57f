/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heap.h"

#include "give_up.h"

#include <stdbool.h>
#include <stdlib.h>

void heap_new(struct heap *heap, size_t most)
{
    heap->entries = room_for(most, sizeof *heap->entries);
    heap->n = 0;
}

static bool is_before(const struct heap_entry *a, const struct heap_entry *b)
{
    return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->flow < b->flow;
}

void heap_push(struct heap *heap, int64_t time_ns, uint32_t flow)
{
    struct heap_entry entry = {time_ns, flow};
    size_t at = heap->n++;
    while (at > 0 && is_before(&entry, &heap->entries[(at - 1) / 2])) {
        heap->entries[at] = heap->entries[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap->entries[at] = entry;
}

static void sink_first(struct heap *heap, struct heap_entry entry)
{
    size_t at = 0;
    for (;;) {
        size_t child = at * 2 + 1;
        if (child + 1 < heap->n && is_before(&heap->entries[child + 1], &heap->entries[child])) {
            child++;
        }
        if (child >= heap->n || !is_before(&heap->entries[child], &entry)) {
            break;
        }
        heap->entries[at] = heap->entries[child];
        at = child;
    }
    heap->entries[at] = entry;
}

void heap_move_first(struct heap *heap, int64_t time_ns)
{
    sink_first(heap, (struct heap_entry){time_ns, heap->entries[0].flow});
}

void heap_drop_first(struct heap *heap)
{
    heap->n--;
    if (heap->n > 0) {
        sink_first(heap, heap->entries[heap->n]);
    }
}
