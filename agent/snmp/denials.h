/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Columns of a device that cannot be read, or not beyond some row, and until when they are left
 * alone. There are few of them, on few devices.
 *
 * Pure. */
#ifndef SNMP_DENIALS_H
#define SNMP_DENIALS_H

#include "plan.h"

struct denial {
    const struct plan_column *column;
    size_t after; /* so many names can be read */
    struct mono until;
};

/* Zero-initialise. */
struct denials {
    size_t n;
    struct denial *items;
};

void denials_add(struct denials *denials, const struct plan_column *column, size_t after,
                 struct mono until);
/* NULL: it is not denied (any more). */
const struct denial *denials_find(const struct denials *denials, const struct plan_column *column,
                                  struct mono now);
void denials_clear(struct denials *denials);

#endif
