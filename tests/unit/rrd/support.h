/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the tests of the round-robin files share: a folder of their own, objects and rows made from
 * a seed, and the stock rrdtool as a peer. */
#ifndef TEST_RRD_SUPPORT_H
#define TEST_RRD_SUPPORT_H

#include "rrd/file.h"

/* A fresh folder in memory where there is one (a test makes thousands of durable writes). Caller
 * frees with remove_folder. */
char *make_folder(void);
void remove_folder(char *folder);

/* Two counters, two gauges. */
struct object sample_object(int64_t interval_ms);
enum { SAMPLE_METRICS = 4 };

/* xorshift64*: the same rows for the same seed everywhere. */
struct random {
    uint64_t state;
};
uint64_t random_next(struct random *random);
uint64_t random_below(struct random *random, uint64_t limit);

/* Rows of sample_object with all that happens in the field: jitter, unknown values, resets,
 * discontinuities, missing rows and long gaps. */
void make_rows(struct random *random, int64_t interval_ms, struct wall start, struct rrd_row *rows,
               size_t n);

/* Update or fail the test. */
void must_update(const char *path, const struct object *object, const struct rrd_row *rows,
                 size_t n);
/* The whole file; caller frees. */
uint8_t *read_file(const char *path, size_t *size);
void write_file(const char *path, const void *bytes, size_t size);

/* What `rrdtool ARGS…` (ended by NULL) prints; NULL when it failed. Caller frees. */
char *run_rrdtool(const char *const *args);

#endif
