/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Timelines: what was true from when to when, as sorted, touching, half-open intervals in integer
 * milliseconds. Pure: no clock, no I/O.
 *
 * How a check's results become states:
 * - A run's state holds from its first result to its last, and on to the first result of the next
 *   run if that comes within 2 intervals + 1 s of the last one (or within `sample_valid_ms` if that
 *   is longer); else for one interval (`sample_valid_ms` if it is given), and then nothing is
 * known.
 * - While a period is running, the last result of all holds until now if now is within the same 2
 *   intervals + 1 s of it.
 * - A run of outcome unknown is unknown: the check could not be run.
 * - What an agent says it lost is unknown, except between the first and last result of a run.
 * - Runs that overlap come from several observers. Each run continues the observer whose last
 * result stands closest before its first; every observer gets a timeline of its own by the rules
 * above; then at each instant what is known beats what is not, and the worst of what is known
 * counts.
 *
 * Between two results of different state the change can have been at any instant: the earlier state
 * is counted, and `worst` and `best` say what else it may have been.
 *
 * Threads: no state of its own. */
#ifndef SLA_TIMELINE_H
#define SLA_TIMELINE_H

#include "common/clock.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One run of equal outcomes of one check as the ledger holds it: results at `first` … `last`, one
 * each `interval_ms`. */
struct sla_run {
    struct wall first;
    struct wall last;
    int64_t interval_ms;
    int outcome; /* enum outcome of proto/model.h, by value: 1 up, 2 degraded, 3 down, 4 unknown */
    char reason[65];
};

struct sla_interval {
    struct wall from;
    struct wall to; /* exclusive */
};

enum sla_state { SLA_UNKNOWN = 0, SLA_UP = 1, SLA_DEGRADED = 2, SLA_DOWN = 3 };

/* Why a state is unknown. */
enum sla_unknown_cause {
    SLA_KNOWN = 0,
    SLA_NO_DATA = 1,   /* nobody said anything about this time */
    SLA_AGENT_GAP = 2, /* the agent says it lost data of this time */
    SLA_NOT_RUN = 3,   /* the agent says it could not run the check */
};

struct sla_segment {
    struct wall from;
    struct wall to;
    enum sla_state state;
    enum sla_unknown_cause cause;
    enum sla_state worst; /* what the sampling allows: best <= state <= worst; all three unknown */
    enum sla_state best;  /* where the state is */
    enum sla_state
        at_start; /* the worst that `from` itself can have been: a result may stand there */
};

struct sla_timeline {
    size_t count;
    struct sla_segment *segments; /* cover [from, to) without hole or overlap; neighbours differ */
};

/* What a check's time was before its first result of the period, if no earlier result holds. */
enum sla_initial {
    SLA_INITIAL_LAST_BEFORE, /* what was measured, that is: unknown */
    SLA_INITIAL_UP,
    SLA_INITIAL_DOWN,
};

struct sla_timeline_rules {
    struct sla_interval
        cover;               /* what the timeline covers; results at or after its end are unheard */
    struct wall period_from; /* where `initial` begins */
    enum sla_initial initial;
    int64_t sample_valid_ms; /* 0: each check's own interval */
    bool running;            /* the cover's end is now */
};

/* The timeline of one check from its runs and from what its agent lost, both in any order. An empty
 * cover gives an empty timeline. To be cleared by the caller. */
void sla_timeline_build(const struct sla_run *runs, size_t n_runs, const struct sla_interval *gaps,
                        size_t n_gaps, const struct sla_timeline_rules *rules,
                        struct sla_timeline *timeline);
/* The segment that holds `time`, which the timeline covers. */
const struct sla_segment *sla_timeline_at(const struct sla_timeline *timeline, struct wall time);
void sla_timeline_clear(struct sla_timeline *timeline);

/* -1, 0, 1: a total order of runs by all they hold, times first. */
int sla_run_compare(const struct sla_run *a, const struct sla_run *b);

#endif
