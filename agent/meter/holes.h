/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Gaps in the sequences of many flows, in one pool of fixed size. Each direction of a flow has a
 * chain of them, whose head stands in the flow and must not move while it is not empty. Sequence
 * numbers wrap (RFC 9293 3.4). Pure but for its memory. */
#ifndef METER_HOLES_H
#define METER_HOLES_H

#include <stddef.h>
#include <stdint.h>

struct holes;

/* At most `most`, up to 65535, at a time. */
struct holes *holes_new(size_t most);
/* NULL is allowed. */
void holes_free(struct holes *holes);
/* [first, end) was skipped, at that time. *chain is 0 when it is empty. If the chain has eight, its
 * oldest is forgotten; if all of the pool are taken, the one that was added first, of whatever
 * chain. */
void holes_add(struct holes *holes, uint16_t *chain, uint32_t first, uint32_t end, int64_t born_ns);
/* [first, end) came. Returns how many bytes of it were missing, which they are no more; then
 * *born_ns is when the oldest of the holes that it touched was made. */
uint32_t holes_fill(struct holes *holes, uint16_t *chain, uint32_t first, uint32_t end,
                    int64_t *born_ns);
/* Empties the chain. */
void holes_forget(struct holes *holes, uint16_t *chain);
/* Empties all chains: their heads must still be there. */
void holes_clear(struct holes *holes);

#endif
