/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denials.h"

#include "common/xalloc.h"

#include <stdlib.h>

void denials_add(struct denials *denials, const struct plan_column *column, size_t after,
                 struct mono until)
{
    struct denial *to = NULL;
    for (size_t i = 0; i < denials->n && to == NULL; i++) {
        to = denials->items[i].column == column ? &denials->items[i] : NULL;
    }
    if (to == NULL) {
        denials->items = xreallocarray(denials->items, denials->n + 1, sizeof(denials->items[0]));
        to = &denials->items[denials->n++];
    }
    *to = (struct denial){column, after, until};
}

const struct denial *denials_find(const struct denials *denials, const struct plan_column *column,
                                  struct mono now)
{
    for (size_t i = 0; i < denials->n; i++) {
        const struct denial *denial = &denials->items[i];
        if (denial->column == column && now.ns < denial->until.ns) {
            return denial;
        }
    }
    return NULL;
}

void denials_clear(struct denials *denials)
{
    free(denials->items);
    *denials = (struct denials){0};
}
