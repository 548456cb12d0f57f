/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows on their way to the files: kept in memory, because the journal already makes them durable,
 * and written in groups per file. A file that fails its check goes to quarantine and a new one
 * begins; a file of other metrics or step is set aside beside it, as "<object>@<UTC time>.rrd",
 * which any rrdtool still reads; never mixed.
 *
 * Threads: one. */
#ifndef RRD_CACHE_H
#define RRD_CACHE_H

#include "common/stats.h"
#include "proto/model.h"

struct rrd_cache;

struct rrd_cache_options {
    const char *directory;  /* DATA/rrd */
    const char *quarantine; /* DATA/quarantine, on the same file system */
    size_t flush_rows;      /* an object is due with so many rows … */
    int64_t flush_after_ms; /* … or when its oldest row has waited so long */
    /* Files made by one rrd_cache_flush_due, 0: 1,000. The rest waits for the next call, so that a
     * configuration error that invents objects by the 100,000 is seen before it fills the disk. */
    size_t new_files_max;
    /* Alarms: a file was quarantined or set aside, could not be written, or refused a row; or too
     * many files are being made (`path` is then the directory). */
    void (*on_alarm)(void *context, const char *path, const char *reason);
    void *context;
};

/* The options' texts are copied. */
struct rrd_cache *rrd_cache_open(const struct rrd_cache_options *options);
/* Take one row in; the object is copied when new. 0, or the row is not taken and counted:
 *   -EALREADY  not after the object's last row
 *   -ERANGE    more than 60 s in `now`'s future, or before 1970
 *   -EINVAL    no file could hold such metrics
 *   -ENOBUFS   its file cannot be written, and 16 times flush_rows wait already: try again later
 *   -EBUSY     its metrics or step changed for the second time within 10 minutes: two senders
 *              claim one name
 *   -errno     its metrics or step changed, and the rows of before cannot be written now. */
int rrd_cache_add(struct rrd_cache *cache, const struct object *object, const struct row *row,
                  struct wall now);
/* Write what is due by rows or age. 0, or the first -errno; rows of a file that could not be
 * written (disk full) stay and are tried again after 10 s. */
int rrd_cache_flush_due(struct rrd_cache *cache, struct mono now);
/* Write one object, or everything (NULL), due or not. 0 also when there is nothing to write. */
int rrd_cache_flush(struct rrd_cache *cache, const char *device, const char *kind,
                    const char *object);
/* Rows that are only in memory. */
uint64_t rrd_cache_pending(const struct rrd_cache *cache);
void rrd_cache_stats(const struct rrd_cache *cache, struct stats *stats);
/* Does not flush. NULL is allowed. */
void rrd_cache_close(struct rrd_cache *cache);

#endif
