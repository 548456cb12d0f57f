/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clock_offset.h"

#include "common/log.h"

#include <math.h>

enum { NS_PER_US = 1000, OLD_MS = 600000 };

/* An answer that takes longer is given up long before. */
static const int64_t DELAY_MAX_NS = INT64_C(3600) * 1000000000;

/* Beyond the first it is told of, below the second it is right again. Two seconds are what a
 * sampling of one second cannot explain; a machine with NTP is within a tenth. */
static const double FAR_S = 2.0;
static const double NEAR_S = 1.0;

bool clock_offset_add(struct clock_offset *offset, const struct exchange *exchange, struct mono now)
{
    if (exchange->sent_ns == 0 || exchange->sent_ns > (uint64_t)now.ns ||
        exchange->received_us < 0 || exchange->received_us > INT64_MAX / NS_PER_US ||
        exchange->held_us > (uint64_t)DELAY_MAX_NS / NS_PER_US) {
        return false;
    }
    int64_t sent_ns = (int64_t)exchange->sent_ns;
    int64_t delay_ns = now.ns - sent_ns - (int64_t)exchange->held_us * NS_PER_US;
    if (delay_ns < 0 || delay_ns > DELAY_MAX_NS) {
        return false;
    }
    offset->samples[offset->n++ % CLOCK_OFFSET_SAMPLES] = (struct clock_offset_sample){
        .collector_ns = exchange->received_us * NS_PER_US - (sent_ns + delay_ns / 2),
        .delay_ns = delay_ns,
        .at = now,
    };
    return true;
}

static const struct clock_offset_sample *best_of(const struct clock_offset *offset, struct mono now)
{
    const struct clock_offset_sample *best = NULL;
    for (size_t i = 0; i < CLOCK_OFFSET_SAMPLES && i < offset->n; i++) {
        const struct clock_offset_sample *sample = &offset->samples[i];
        if (mono_elapsed_ms(sample->at, now) <= OLD_MS &&
            (best == NULL || sample->delay_ns < best->delay_ns)) {
            best = sample;
        }
    }
    return best;
}

bool clock_offset_get(const struct clock_offset *offset, const struct clock_reading *now,
                      double *offset_s, double *delay_s)
{
    const struct clock_offset_sample *best = best_of(offset, now->mono);
    if (best == NULL) {
        return false;
    }
    *offset_s = (double)(now->wall_ns - now->mono.ns - best->collector_ns) / 1e9;
    *delay_s = (double)best->delay_ns / 1e9;
    return true;
}

void clock_offset_judge(struct clock_offset *offset, const struct clock_reading *now)
{
    double offset_s = 0;
    double delay_s = 0;
    if (!clock_offset_get(offset, now, &offset_s, &delay_s)) {
        return;
    }
    if (!offset->is_far && fabs(offset_s) - delay_s / 2 > FAR_S) {
        offset->is_far = true;
        log_warn("clock",
                 "this machine's clock is not the collector's: is NTP running on both? "
                 "ahead_s=%.3f delay_s=%.3f",
                 offset_s, delay_s);
    } else if (offset->is_far && fabs(offset_s) + delay_s / 2 < NEAR_S) {
        offset->is_far = false;
        log_info("clock", "this machine's clock agrees with the collector's again ahead_s=%.3f",
                 offset_s);
    }
}
