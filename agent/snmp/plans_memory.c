/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plans_memory.h"

#include "common/xalloc.h"

#include <stdlib.h>

void *plans_memory_adopt(struct plans_memory *memory, void *block)
{
    if ((memory->n & (memory->n + 1)) == 0) { /* 0, 1, 3, 7 … are full */
        memory->blocks = xreallocarray(memory->blocks, 2 * memory->n + 1, sizeof *memory->blocks);
    }
    memory->blocks[memory->n++] = block;
    return block;
}

void *plans_memory_take(struct plans_memory *memory, size_t count, size_t size)
{
    return plans_memory_adopt(memory, xcalloc(count + 1, size));
}

char *plans_memory_text(struct plans_memory *memory, const char *text)
{
    return plans_memory_adopt(memory, xstrdup(text));
}

void plans_memory_free(struct plans_memory *memory)
{
    for (size_t i = 0; i < memory->n; i++) {
        free(memory->blocks[i]);
    }
    free(memory->blocks);
    *memory = (struct plans_memory){0};
}
