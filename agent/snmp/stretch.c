/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stretch.h"

enum {
    SLOW_CYCLES = 2,
    SLOW_DIVISOR = 2, /* of the interval */
    QUICK_CYCLES = 10,
    QUICK_DIVISOR = 8, /* a quarter of the shorter interval that would follow */
    STEP_KEPT = 2,
};

void stretch_begin(struct stretch *stretch)
{
    *stretch = (struct stretch){.factor = 1, .turns = STRETCH_MAX};
}

static bool set_factor(struct stretch *stretch, unsigned factor)
{
    *stretch = (struct stretch){.factor = factor, .turns = stretch->turns};
    return true;
}

bool stretch_take(struct stretch *stretch, int64_t interval_ms, int64_t took_ms)
{
    int64_t now_ms = interval_ms * stretch->factor;
    stretch->slow = took_ms > now_ms / SLOW_DIVISOR ? stretch->slow + 1 : 0;
    stretch->quick = took_ms < now_ms / QUICK_DIVISOR ? stretch->quick + 1 : 0;
    if (stretch->slow >= SLOW_CYCLES && stretch->factor < STRETCH_MAX) {
        return set_factor(stretch, stretch->factor * 2);
    }
    if (stretch->quick >= QUICK_CYCLES && stretch->factor > 1) {
        return set_factor(stretch, stretch->factor / 2);
    }
    return false;
}

void stretch_next_turn(struct stretch *stretch)
{
    if (stretch->turns < STRETCH_MAX) {
        stretch->turns++;
    }
}

bool stretch_is_turn(struct stretch *stretch)
{
    if (stretch->turns < stretch->factor) {
        return false;
    }
    stretch->turns = 0;
    return true;
}

int64_t stretch_interval_ms(const struct stretch *stretch, int64_t interval_ms)
{
    return stretch->factor <= STEP_KEPT ? interval_ms : interval_ms * stretch->factor;
}
