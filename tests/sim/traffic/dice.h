/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The dice of the generator: the same throws for the same seed. */
#ifndef SIM_TRAFFIC_DICE_H
#define SIM_TRAFFIC_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

/* SplitMix64: Steele, Lea, Flood (2014). */
static inline uint64_t dice_throw(struct dice *dice)
{
    uint64_t x = dice->state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* [0, 1) */
static inline double dice_part(struct dice *dice)
{
    return (double)(dice_throw(dice) >> 11) * 0x1p-53;
}

/* [least, most], both included. */
static inline uint32_t dice_range(struct dice *dice, uint32_t least, uint32_t most)
{
    return least + (uint32_t)((dice_throw(dice) >> 32) * (uint64_t)(most - least + 1) >> 32);
}

/* True with that probability. */
static inline bool dice_chance(struct dice *dice, double chance)
{
    return dice_part(dice) < chance;
}

/* Exponential with that mean, at most ten times as much; at least 1. */
int64_t dice_wait(struct dice *dice, int64_t mean_ns);
/* Log-normal with that median, sigma 1; between the two. */
int64_t dice_lognormal(struct dice *dice, int64_t median_ns, int64_t least_ns, int64_t most_ns);

#endif
