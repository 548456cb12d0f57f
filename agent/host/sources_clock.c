/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the kernel knows of its clock's error (adjtimex(2)). Where chronyd runs, chrony.c knows
 * better: it corrects the clock without telling the kernel the offset. */
#include "sources.h"

#include <errno.h>
#include <sys/timex.h>

enum clock_value {
    CLOCK_OFFSET,
    CLOCK_FREQUENCY,
    CLOCK_MAX_ERROR,
    CLOCK_ESTIMATED_ERROR,
    CLOCK_SYNCHRONISED,
    CLOCK_VALUES,
};
static const struct metric clock_metrics[CLOCK_VALUES] = {
    {"offset", "s", METRIC_GAUGE},       {"frequency", "ppm", METRIC_GAUGE},
    {"max_error", "s", METRIC_GAUGE},    {"estimated_error", "s", METRIC_GAUGE},
    {"synchronised", "1", METRIC_GAUGE},
};
static const struct book_kind clock_kind = {
    .kind = "clock", .metrics = clock_metrics, .n_metrics = CLOCK_VALUES};

int source_clock(struct machine *machine, struct wall time)
{
    static const double ppm = 65536; /* the kernel's unit: 2^-16 of one */
    struct timex state = {.modes = 0};
    int rc = adjtimex(&state);
    if (rc < 0) {
        if (errno == ENOSYS) {
            return 0;
        }
        book_failed(machine->book, &clock_kind, "kernel", time, errno);
        return 0;
    }
    double second = (state.status & STA_NANO) != 0 ? 1e9 : 1e6;
    const union value values[CLOCK_VALUES] = {
        [CLOCK_OFFSET] = {.gauge = (double)state.offset / second},
        [CLOCK_FREQUENCY] = {.gauge = (double)state.freq / ppm},
        [CLOCK_MAX_ERROR] = {.gauge = (double)state.maxerror / 1e6},
        [CLOCK_ESTIMATED_ERROR] = {.gauge = (double)state.esterror / 1e6},
        [CLOCK_SYNCHRONISED] = {.gauge = rc == TIME_ERROR ? 0 : 1},
    };
    book_row(machine->book, &clock_kind, "kernel", NULL, time, values, 0);
    return 0;
}
