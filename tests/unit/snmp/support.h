/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A sink that remembers, and a loop that runs until something is true. */
#ifndef TEST_SNMP_SUPPORT_H
#define TEST_SNMP_SUPPORT_H

#include "sample/sink.h"
#include <uv.h>

enum { OBJECTS_MAX = 4608, ROWS_MAX = 16384, RESULTS_MAX = 256, VALUES_MAX = 24 };

struct recorded_row {
    struct row row;
    union value values[VALUES_MAX];
};

struct recorded_result {
    struct result result;
    char reason[64];
    char detail[256];
};

struct recorder {
    struct sample_sink sink;
    size_t n_objects;
    struct object *objects; /* [number - 1] */
    size_t n_rows;
    struct recorded_row *rows;
    size_t n_results;
    struct recorded_result *results;
};

struct recorder *recorder_new(void);
void recorder_free(struct recorder *recorder);
void recorder_forget(struct recorder *recorder); /* rows and results; not objects */

/* The newest definition of an object, its newest row, the number of its rows. NULL: none. */
const struct object *recorder_object(const struct recorder *recorder, const char *kind,
                                     const char *name);
const struct row *recorder_row(const struct recorder *recorder, const char *kind, const char *name);
size_t recorder_rows(const struct recorder *recorder, const char *kind, const char *name);
/* Objects of a kind, each name once. */
size_t recorder_names(const struct recorder *recorder, const char *kind);
/* "" when it has none. */
const char *object_label(const struct object *object, const char *key);

/* Runs the loop until `is_true` says so; false after `limit_ms`. */
bool run_until(uv_loop_t *loop, bool (*is_true)(void *context), void *context, int64_t limit_ms);
/* Runs until all handles are closed and closes the loop; fails the test when one is left. */
void finish_loop(uv_loop_t *loop);

#endif
