/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the metrics of an object are called in its file. A data source's name has at most 19 bytes
 * (any stock rrdtool must read the file); a metric's may have 63. A name that fits stands as it is.
 * A longer one loses its vowels (a, e, i, o, u), a word at a time from the last to the first and
 * never a word's first letter, until it fits: in_multicast_packets is in_multicast_pckts. One that
 * is still too long, or then has the name of another metric of the object, is its first 12 bytes,
 * "_", and the first 6 hexadecimal digits of the SHA-256 of the whole name.
 *
 * Pure. Threads: no state. */
#ifndef RRD_NAMES_H
#define RRD_NAMES_H

#include "proto/model.h"

enum { RRD_NAME_SIZE = 20 };

/* The data source of each metric, in order. 0, or -EINVAL: no file can hold such metrics (none or
 * too many, a name that is empty, too long or not of a-z, 0-9 and _, or two that stay alike). */
int rrd_names(const struct metric *metrics, size_t n_metrics,
              char names[PROTO_METRICS_MAX][RRD_NAME_SIZE]);

/* Which of a file's data sources holds the metric of that name; `n_names`: none does. Without the
 * object's other metrics this is all that can be told: a metric that the file lacks, but whose
 * short form is another's name, is found there. */
size_t rrd_names_find(char names[PROTO_METRICS_MAX][RRD_NAME_SIZE], size_t n_names,
                      const char *metric);

#endif
