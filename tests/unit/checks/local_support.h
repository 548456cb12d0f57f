/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One turn of a check of this machine, run to its verdict. */
#ifndef TEST_LOCAL_SUPPORT_H
#define TEST_LOCAL_SUPPORT_H

#include "check_type.h"
#include "support.h"

enum { TURN_LIMIT_MS = 20000 };

/* A type that is open on a loop, and a sink. */
struct bench {
    const struct check_type *type;
    uv_loop_t loop;
    void *shared;
    struct recorder *recorder;
};
void bench_open(struct bench *bench, const struct check_type *type);
/* Everything must have ended. */
void bench_close(struct bench *bench);

/* A check with one turn under way, or ended. */
struct turn {
    struct bench *bench;
    const struct check_config *config;
    void *prepared;
    void *probe; /* NULL: ended */
    struct verdict verdict;
};
void turn_prepare(struct turn *turn, struct bench *bench, const struct check_config *config);
void turn_start(struct turn *turn, int64_t timeout_ms);
void turn_wait(struct turn *turn);
void turn_cancel(struct turn *turn);
void turn_release(struct turn *turn);

/* All of it. */
struct verdict run_turn(struct bench *bench, const struct check_config *config, int64_t timeout_ms);

#endif
