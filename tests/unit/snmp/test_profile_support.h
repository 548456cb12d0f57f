/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What tests do with plans: look whether one keeps the promises of plan.h, and write it down. */
#ifndef TEST_PROFILE_SUPPORT_H
#define TEST_PROFILE_SUPPORT_H

#include "plan.h"

#include <stdio.h>

/* The promise of plan.h that the plan breaks, and where; NULL: none. The caller frees. */
char *plan_fault(const struct plan *plan);
/* All of it, for comparison with a text. */
void plan_print(FILE *out, const struct plan *plan);

#endif
