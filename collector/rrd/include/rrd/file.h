/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Round-robin files: one per object, all its metrics in it, readable by any stock rrdtool at any
 * moment. The only folder that touches librrd.
 *
 * An update is exact and atomic: it is made on a copy that is synced and renamed over the file, so
 * that a process killed in the middle leaves the old file or the new one, never half a
 * consolidation step; rows up to the file's last time are skipped, so that a replay changes
 * nothing. The same rows give the same bytes, however they are grouped into calls. The copy is
 * worked on in memory and written with write(2): librrd's mapping never meets a full disk (SIGBUS).
 * The rename itself is made durable by the caller's syncfs before it forgets the rows.
 *
 * Threads: one at a time (librrd's error text is per thread, its locks protect nothing). */
#ifndef RRD_FILE_H
#define RRD_FILE_H

#include "rrd/names.h"

/* One row laid out by the object's metrics; bit i of unknown_mask: value i is unknown; bit i of
 * discontinuity_mask: what the counter grew since the row before means nothing. */
struct rrd_row {
    struct wall time;
    uint64_t unknown_mask;
    uint64_t discontinuity_mask;
    union value values[PROTO_METRICS_MAX];
};

/* DIR/<device>/<kind>/<object>.rrd, every byte outside [A-Za-z0-9._-] percent-encoded, so is a
 * leading dot; a component over 200 bytes ends in "~" and a hash of the whole. Caller frees. */
char *rrd_path(const char *directory, const char *device, const char *kind, const char *object);

/* Make the file, with its folders, for an object whose first row is at `first`. Step = interval
 * (whole seconds, rounded up), heartbeat 2.5 steps; counters are DERIVE with min 0, gauges GAUGE.
 * Archives: the step for 2 days (8,640 rows at most, then 1 minute for a day as well), 5 minutes
 * for 31 days, 1 hour for a year and 1 day for 10 years, the last two as AVERAGE and MAX: at most
 * 350 kB a metric. 0; -EEXIST; -errno with a reason. */
int rrd_file_create(const char *path, const struct object *object, struct wall first, char *reason,
                    size_t reason_size);

/* Our own look at the header before librrd gets the file: cookie, version, counts, step, pointers,
 * exact size, and the data sources' names and types against the object (NULL: not compared).
 * 0; -ENOENT; -EBADMSG damaged or no file; -ESTALE a good file of other metrics or step; another
 * -errno when it cannot be read; with a reason. */
int rrd_file_check(const char *path, const struct object *object, char *reason, size_t reason_size);

/* What an update did. */
struct rrd_update_result {
    uint64_t written;
    uint64_t skipped; /* not after the file's last time, or after the row before */
    uint64_t refused; /* before 1970 or after 2100, or librrd would not take them */
};
/* Apply rows in time order, after a check as rrd_file_check. A value that is not finite is written
 * as unknown. 0 (with a reason if librrd refused a row), or -errno with a reason and the file as it
 * was. A file that nothing was written to is not touched. */
int rrd_file_update(const char *path, const struct object *object, const struct rrd_row *rows,
                    size_t n_rows, struct rrd_update_result *result, char *reason,
                    size_t reason_size);
/* Time of the last row in the file. 0 or -errno. */
int rrd_file_last(const char *path, struct wall *last);

/* The data sources' names (names.h tells whose metric is which), in the file's order. 0 or -errno.
 */
int rrd_file_metrics(const char *path, char names[PROTO_METRICS_MAX][RRD_NAME_SIZE],
                     size_t *n_metrics);

/* The newest known consolidated value of each data source at or before now (counters as rates per
 * second), from the finest archive; NAN where none is known in the last 10 steps or 5 minutes,
 * whichever is longer: older is not "latest". `n` values are filled; `*step_s`. 0 or -errno. */
int rrd_file_latest(const char *path, struct wall now, double *values, size_t n, int64_t *step_s);

/* Consolidated values of [from, to], for charts in a page. */
struct rrd_series {
    struct wall first; /* end of the first row's step */
    int64_t step_s;
    size_t n_rows;
    size_t n_metrics;
    char names[PROTO_METRICS_MAX][RRD_NAME_SIZE]; /* of the data sources */
    double *values;                               /* n_rows * n_metrics, row by row; NAN unknown */
};
/* The finest averages that cover the range (or, if `maximum`, the hourly or daily maxima) in at
 * most `rows_max` rows. 0; -EINVAL: empty range, or before 1970 or after 2100; -errno. */
int rrd_file_series(const char *path, struct wall from, struct wall to, bool maximum,
                    size_t rows_max, struct rrd_series *series);
void rrd_series_free(struct rrd_series *series);

#endif
