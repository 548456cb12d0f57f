/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dice.h"

#include <math.h>

int64_t dice_wait(struct dice *dice, int64_t mean_ns)
{
    double wait = -log(1.0 - dice_part(dice));
    return 1 + (int64_t)((wait < 10.0 ? wait : 10.0) * (double)mean_ns);
}

int64_t dice_lognormal(struct dice *dice, int64_t median_ns, int64_t least_ns, int64_t most_ns)
{
    double normal = -6.0; /* the sum of twelve throws: variance 1 */
    for (int i = 0; i < 12; i++) {
        normal += dice_part(dice);
    }
    int64_t value = (int64_t)((double)median_ns * exp(normal));
    return value < least_ns ? least_ns : value > most_ns ? most_ns : value;
}
