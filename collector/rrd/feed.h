/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows into librrd, on a private image of a file. What librrd 1.7.2 does wrong with times that have
 * a fraction of a second or with unknown stretches is put right here, so that rates are exact and
 * the resulting file depends on the rows alone, not on how they were grouped into calls:
 *
 * - A counter with a discontinuity forgets its last reading before the row, as librrd itself does
 *   after a missed heartbeat: its rate over (previous, row] is unknown, the next one right, and no
 *   other data source notices. (An extra update with U would cost every other source accuracy and
 *   lose a second of the unknown time to rounding.)
 * - A row that crosses two or more step boundaries is preceded by an update at the first boundary,
 *   counters interpolated, because librrd splits such a row at whole seconds after the last time
 *   and so moves up to a second of data between steps.
 * - librrd counts unknown time in whole seconds, rounded down: a step of 10 s that began with 3.5 s
 *   unknown would show 6.5/7 of the rate. The lost fraction is given the rate of its neighbour.
 *
 * Threads: as file.h. */
#ifndef RRD_FEED_H
#define RRD_FEED_H

#include "header.h"
#include "rrd/file.h"

struct rrd_image {
    const char *path; /* that librrd can open */
    uint8_t *bytes;   /* the same, mapped shared and writable */
    struct rrd_header header;
};

/* Apply rows in order, times as rrd_file_update has them; sums are added to `result`. librrd's word
 * on the last row that it refused stands in `reason`, which is untouched when it refused none. */
void rrd_feed(struct rrd_image *image, const struct rrd_row *rows, size_t n_rows,
              struct rrd_update_result *result, char *reason, size_t reason_size);

#endif
