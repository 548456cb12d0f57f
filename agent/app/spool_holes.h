/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sequences of the spool that will never be sent: dropped, damaged or refused. A sorted list of
 * half-open ranges that do not touch.
 *
 * Threads: one. */
#ifndef AGENT_SPOOL_HOLES_H
#define AGENT_SPOOL_HOLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spool_hole {
    uint64_t from;
    uint64_t to;
};

struct spool_holes { /* zero-initialise */
    struct spool_hole *items;
    size_t count;
};

/* Add [from, to); from >= to adds nothing. */
void spool_holes_add(struct spool_holes *holes, uint64_t from, uint64_t to);
bool spool_holes_contain(const struct spool_holes *holes, uint64_t sequence);
/* The first sequence from `sequence` on that is in no hole. */
uint64_t spool_holes_skip(const struct spool_holes *holes, uint64_t sequence);
/* Forget what is before `sequence`. */
void spool_holes_forget(struct spool_holes *holes, uint64_t sequence);
void spool_holes_clear(struct spool_holes *holes);

#endif
