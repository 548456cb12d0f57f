/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Lists of metrics, each kept once however many objects have it: a hundred thousand interfaces
 * have the same fifteen metrics, which take more room than all else that is known of one.
 *
 * Threads: one. */
#ifndef SAMPLE_METRIC_LISTS_H
#define SAMPLE_METRIC_LISTS_H

#include "proto/model.h"

struct metric_lists;

struct metric_list {
    size_t n_metrics;
    const struct metric *metrics;
};

struct metric_lists *metric_lists_new(void);
/* With all its lists. NULL is allowed. */
void metric_lists_free(struct metric_lists *lists);

/* The one list that is equal to these (names, units, types, order), copied when it is new. To be
 * given back as often as it was taken. */
const struct metric_list *metric_lists_take(struct metric_lists *lists,
                                            const struct metric *metrics, size_t n_metrics);
/* The same list, if there is one already; not to be given back. */
const struct metric_list *metric_lists_find(const struct metric_lists *lists,
                                            const struct metric *metrics, size_t n_metrics);
void metric_lists_give_back(struct metric_lists *lists, const struct metric_list *list);

#endif
