/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The memory of plans: many small blocks that are freed together. */
#ifndef SNMP_PLANS_MEMORY_H
#define SNMP_PLANS_MEMORY_H

#include <stddef.h>

struct plans_memory {
    size_t n;
    void **blocks;
};

/* Zeroed; never NULL, also for nothing. */
void *plans_memory_take(struct plans_memory *memory, size_t count, size_t size);
char *plans_memory_text(struct plans_memory *memory, const char *text);
/* Takes over a malloc'ed block. */
void *plans_memory_adopt(struct plans_memory *memory, void *block);
/* Leaves it empty. */
void plans_memory_free(struct plans_memory *memory);

#endif
