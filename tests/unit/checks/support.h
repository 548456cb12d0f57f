/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A sink that remembers, and a loop that runs until something is true. */
#ifndef TEST_CHECKS_SUPPORT_H
#define TEST_CHECKS_SUPPORT_H

#include "sample/sink.h"
#include <uv.h>

enum { RECORD_MAX = 4096 };

struct recorded_object {
    char device[64];
    char kind[64];
    char name[PROTO_NAME_MAX + 1];
    size_t n_metrics;
    char metrics[16][32];
    enum metric_type types[16];
    char label[128]; /* "key=value key=value" */
};

struct recorded_row {
    struct row row;
    union value values[16];
};

struct recorded_result {
    struct result result;
    char reason[64];
    char detail[256];
};

struct recorder {
    struct sample_sink sink;
    size_t n_objects;
    struct recorded_object objects[64]; /* [number - 1] */
    size_t n_defines;
    size_t n_rows; /* all; the first RECORD_MAX are kept */
    struct recorded_row *rows;
    size_t n_results;
    struct recorded_result *results;
    size_t n_talkers;
    struct talker_report talkers[4]; /* without their items */
    struct talker_item first;        /* of the newest */
    char first_key[64];
    size_t n_gaps;
    struct gap gaps[16];
};

struct recorder *recorder_new(void);
void recorder_free(struct recorder *recorder);

/* Runs the loop until `is_true` says so; false after `limit_ms`. */
bool run_until(uv_loop_t *loop, bool (*is_true)(void *context), void *context, int64_t limit_ms);
/* Runs until all handles are closed and closes the loop; fails the test when one is left. */
void finish_loop(uv_loop_t *loop);

/* A listening TCP socket on 127.0.0.1 and its port. */
int listen_on_loopback(int backlog, uint16_t *port);

#endif
