/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Figures: every millisecond of a period into exactly one class, and what follows from the sums.
 * All in integers: percentages are fractions until they are printed, and targets are met or missed
 * by the fraction, never by what is printed.
 *
 * Threads: no state of its own. */
#ifndef SLA_FIGURES_H
#define SLA_FIGURES_H

#include "sla/calendar.h"
#include "sla/tree.h"

/* In the order of precedence. */
enum sla_class {
    SLA_CLASS_OUTSIDE_HOURS,
    SLA_CLASS_EXCLUDED,
    SLA_CLASS_PLANNED,
    SLA_CLASS_UNKNOWN,
    SLA_CLASS_DOWN,
    SLA_CLASS_DEGRADED,
    SLA_CLASS_UP,
    SLA_CLASSES,
};

enum sla_planned_policy {
    SLA_PLANNED_REMOVE, /* leaves the denominator */
    SLA_PLANNED_CREDIT, /* stays in the denominator as if up */
    SLA_PLANNED_COUNT,  /* is not a class: its state counts */
};
enum sla_unknown_policy {
    SLA_UNKNOWN_EXCLUDE, /* leaves the denominator */
    SLA_UNKNOWN_DOWN,
    SLA_UNKNOWN_UP,
};
enum sla_quota_per { SLA_QUOTA_MONTH, SLA_QUOTA_QUARTER, SLA_QUOTA_YEAR };

enum { SLA_MILLION = 1000000 };

struct sla_policy {
    enum sla_planned_policy planned;
    enum sla_unknown_policy unknown;
    enum sla_initial initial;
    int64_t degraded_weight;           /* how much of degraded time counts as down, in millionths */
    int64_t sample_valid_ms;           /* 0: each check's own interval */
    int64_t ignore_outages_shorter_ms; /* shorter down runs count as up; measured whole */
    int64_t minimum_notice_ms;         /* planned work announced later than that is not planned */
    int64_t planned_quota_ms;          /* 0: no limit; what goes beyond it is not planned */
    enum sla_quota_per planned_quota_per;
};

struct sla_masks {
    const struct sla_spans *hours; /* all three normalised */
    const struct sla_spans *excluded;
    const struct sla_spans *planned; /* of the whole service */
    /* Where the planned quota begins anew: the first at or before the period. */
    size_t n_quota_starts;
    const struct wall *quota_starts;
};

struct sla_outage {
    struct wall from; /* cut to the period */
    struct wall to;
    bool began_before;  /* the period */
    bool open;          /* still down at the end of the period, or of what is known */
    int64_t counted_ms; /* what of it is in class down */
    int64_t min_ms;     /* first failed result to last failed one */
    int64_t max_ms;     /* last good result to first good one */
};

struct sla_figures {
    int64_t period_ms;
    int64_t class_ms[SLA_VIEWS][SLA_CLASSES];
    int64_t known_ms;                    /* of the counted time: the last four classes */
    int64_t unknown_ms[SLA_NOT_RUN + 1]; /* by cause, whatever the policy makes of it */
    int64_t planned_down_ms;
    size_t n_ignored; /* outages that were too short to count */
    int64_t ignored_ms;
    size_t n_outages; /* maximal down runs with at least one counted millisecond */
    struct sla_outage *outages;
};

/* Over `period`, which the steps cover, as they must cover it from the first quota start on. 0; or
 * -ERANGE when the classes do not sum to the period, which is our bug and refuses the report. The
 * figures are the caller's to clear in both cases. */
int sla_figures_compute(const struct sla_steps *steps, const struct sla_masks *masks,
                        const struct sla_policy *policy, struct sla_interval period,
                        struct sla_figures *figures);
void sla_figures_clear(struct sla_figures *figures);

/* numerator / denominator, exact. A denominator of 0 is "not measurable". */
struct sla_fraction {
    int64_t numerator;
    int64_t denominator;
};

/* (denominator - down - weight * degraded) / denominator, both in millionths of a millisecond. */
struct sla_fraction sla_availability(const int64_t class_ms[SLA_CLASSES],
                                     const struct sla_policy *policy);
/* -1, 0, 1; both denominators > 0. */
int sla_fraction_compare(struct sla_fraction a, struct sla_fraction b);
/* Is it at least `target`, in millionths of a percent? Denominator > 0. */
bool sla_fraction_meets(struct sla_fraction fraction, int64_t target);

/* Four decimals, half up; but what is below 100 never prints as 100. Denominator > 0. */
enum { SLA_PERCENT_SIZE = 16 };
const char *sla_fraction_percent(struct sla_fraction fraction, char text[SLA_PERCENT_SIZE]);

#endif
