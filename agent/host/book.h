/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The machine's objects as they come and go: gives each its number, marks counters that went back,
 * and says once when an object cannot be read. Stands between the sources and the sink.
 *
 * Threads: one. */
#ifndef HOST_BOOK_H
#define HOST_BOOK_H

#include "sample/sink.h"

enum { BOOK_METRICS_MAX = 16, BOOK_LABELS_MAX = 3 };

struct book_kind {
    const char *kind;
    const struct metric *metrics;
    size_t n_metrics;  /* at most BOOK_METRICS_MAX */
    uint64_t optional; /* bit i: a healthy machine may not have metric i; a row is whole without */
};

struct book_labels {
    size_t n;
    struct label items[BOOK_LABELS_MAX];
};

struct book;

/* The texts and the sink must outlive it. */
struct book *book_new(const char *device, int64_t interval_ms, const struct sample_sink *sink);
void book_free(struct book *book);

/* One row of an object. `labels` NULL: those that it had. A name that may not travel is passed
 * over. */
void book_row(struct book *book, const struct book_kind *kind, const char *name,
              const struct book_labels *labels, struct wall time, const union value *values,
              uint64_t unknown_mask);
/* The object could not be read: a row without values. */
void book_failed(struct book *book, const struct book_kind *kind, const char *name,
                 struct wall time, int error);
/* All of this sample were told: objects of this kind that were not among them are forgotten. */
void book_sweep(struct book *book, const struct book_kind *kind);

#endif
