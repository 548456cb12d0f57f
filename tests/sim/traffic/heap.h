/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which flow speaks next: a binary heap by time, then by the flow's number, so that the order is
 * the same each time. */
#ifndef SIM_TRAFFIC_HEAP_H
#define SIM_TRAFFIC_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct heap_entry {
    int64_t time_ns;
    uint32_t flow;
};

struct heap {
    struct heap_entry *entries; /* [0] is the earliest */
    size_t n;
};

/* Room for `most` entries. free() is enough for heap->entries. */
void heap_new(struct heap *heap, size_t most);
void heap_push(struct heap *heap, int64_t time_ns, uint32_t flow);
/* The earliest, when n > 0, gets another time, or goes. */
void heap_move_first(struct heap *heap, int64_t time_ns);
void heap_drop_first(struct heap *heap);

#endif
