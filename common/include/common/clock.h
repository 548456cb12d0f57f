/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The two times of Beffroi, kept apart by type: `mono` for intervals, time-outs and rates, `wall`
 * for what is written down. Everything that needs a time asks here, so that a test can replace it.
 *
 * Threads: reading is safe from every thread; clock_replace is for tests, before threads start. */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Nanoseconds of CLOCK_BOOTTIME: never steps, goes on while the machine sleeps. */
struct mono {
    int64_t ns;
};

/* Milliseconds since 1970-01-01T00:00:00Z without leap seconds (CLOCK_REALTIME). */
struct wall {
    int64_t ms;
};

struct mono clock_mono(void);
struct wall clock_wall(void);

/* All clocks of one moment. `wall_ns` minus `mono` changes only when the wall clock is stepped (a
 * slewed clock slews both), `mono` minus `awake` only while the machine sleeps. */
struct clock_reading {
    struct mono mono;
    struct mono awake; /* CLOCK_MONOTONIC: stands still while the machine sleeps */
    int64_t wall_ns;   /* since 1970, as struct wall */
    int64_t span_ns;   /* reading them took so long: they may be so far apart */
};
struct clock_reading clock_read(void);

/* Steps of the wall clock below this change nothing that we say: it is the shortest interval. They
 * add up until they reach it. */
enum { CLOCK_STEP_MIN_MS = 100 };

/* later - earlier, in milliseconds, rounded towards zero. */
int64_t mono_elapsed_ms(struct mono earlier, struct mono later);
struct mono mono_add_ms(struct mono from, int64_t ms);

/* A source of time for tests, in which the machine never sleeps. Both functions must be set; NULL
 * brings the real clocks back. */
struct clock_source {
    struct mono (*mono)(void *context);
    struct wall (*wall)(void *context);
    void *context;
};
void clock_replace(const struct clock_source *source);

/* ISO 8601 in UTC with milliseconds, "2026-11-24T09:07:29.123Z"; a whole second is written without
 * its fraction. Years 0 to 9999; a time outside is written as "@" and its milliseconds. */
enum { WALL_TEXT_SIZE = 40 };
const char *wall_format_utc(struct wall time, char text[WALL_TEXT_SIZE]);

/* Reads "YYYY-MM-DDThh:mm[:ss[.fff]](Z|±hh:mm)" to the end of the text. 0 or -EINVAL. A date that
 * the calendar does not have is refused; second 60 is refused. */
int wall_parse(const char *text, struct wall *time);

#endif
