/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Runs foreign programs beside the loop, confined (confined_exec.h), each with an end: when it
 * exits, when its time is over or when it prints too much, it is killed with all that it started,
 * whatever session or group that has moved to. RUNNER_MAX at most run at once; others wait their
 * turn.
 *
 * Threads: the loop's thread, and the process's only one that starts processes: whatever becomes a
 * child of this process otherwise is taken for a program's, and killed. */
#ifndef CHECKS_RUNNER_H
#define CHECKS_RUNNER_H

#include "common/clock.h"
#include "identity.h"

#include <stdint.h>
#include <uv.h>

enum {
    RUNNER_MAX = 32,                   /* of 10 MiB each, as an interpreter takes, it is 320 MiB */
    RUNNER_OUTPUT_MAX = 64 * 1024,     /* bytes kept; what follows is dropped … */
    RUNNER_OUTPUT_FLOOD = 1024 * 1024, /* … up to here, then the program is ended */
    RUNNER_ERRORS_MAX = 1024,          /* of standard error */
};

struct runner;
struct run;

enum run_end_kind {
    RUN_EXITED,      /* number: its status */
    RUN_SIGNALLED,   /* number: the signal, which was not ours */
    RUN_TIMED_OUT,   /* killed */
    RUN_FLOODED,     /* killed: it printed over RUNNER_OUTPUT_FLOOD bytes */
    RUN_NOT_FOUND,   /* the program cannot be executed; number: errno */
    RUN_NOT_STARTED, /* the machine or its rights are in the way; number: errno */
    RUN_NO_TURN,     /* RUNNER_MAX others ran all its time */
};

struct run_end {
    enum run_end_kind kind;
    int number;
    struct wall started; /* RUN_NO_TURN: when it was ordered */
    double runtime_s;    /* without the wait for its turn */
    const char *output;  /* its standard output, until the call-back returns */
    size_t output_size;
    const char *errors;
    size_t errors_size;
};

/* Only read during runner_start but for argv, which stays. */
struct run_order {
    const char *const *argv; /* argv[0] is a path; NULL-terminated */
    const struct identity *identity;
    int refusal;        /* not 0: it is not run at all, RUN_NOT_STARTED of this errno */
    int64_t timeout_ms; /* from now, the wait for its turn included */
    uint64_t memory_max_bytes;
    void (*done)(void *context, const struct run_end *end); /* from the loop, once */
    void *context;
};

/* The loop's one (kept in loop->data, which nobody else may use), for each taker until it is
 * released; NULL with errno: no descriptors. The last release kills what runs and
 * what is left, and waits for its end. */
struct runner *runner_acquire(uv_loop_t *loop);
void runner_release(struct runner *runner);

struct run *runner_start(struct runner *runner, const struct run_order *order);
/* Kills it; no call-back after it. Not after `done`. */
void runner_cancel(struct run *run);

#endif
