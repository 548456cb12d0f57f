/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A spool in a folder of its own under a clock that the test moves, and batches to put into it. */
#ifndef TEST_AGENT_SUPPORT_H
#define TEST_AGENT_SUPPORT_H

#include "proto/keys.h"
#include "spool.h"
#include <uv.h>

/* 2026-11-24T12:00:00Z */
#define TEST_TIME INT64_C(1795867200000)

enum { GAPS_MAX = 64, BATCHES_MAX = 4096 };

struct scene {
    char folder[64];
    char spool_folder[80];
    uint64_t segment_bytes;
    uint64_t max_bytes;
    struct spool *spool;
    struct spool_chain chain;     /* where the statements stand */
    uint64_t epochs[BATCHES_MAX]; /* of the batches appended here, by sequence */
    size_t n_gaps;
    struct gap gaps[GAPS_MAX];
};

/* Sets the clock to TEST_TIME and makes the folder; opens nothing. */
void scene_make(struct scene *scene);
/* Closes the spool if it is open, removes the folder, gives the real clock back. */
void scene_remove(struct scene *scene);
/* Opens the spool; the test fails if that fails. Every opening is a second later. */
void scene_open(struct scene *scene);
void scene_close(struct scene *scene);
/* As if the process were killed: nothing more is written, the folder stays as it is. */
void scene_crash(struct scene *scene);

/* Both clocks. */
void clock_move_ms(int64_t ms);
/* The wall clock alone. */
void clock_step_ms(int64_t ms);

/* One batch with a definition and `rows` rows from `time_ms` on, a millisecond apart; `pad` bytes
 * of label (at most 1,000) in each of 32 labels make it large. */
void scene_append(struct scene *scene, int64_t time_ms, size_t rows, size_t pad);
/* One batch with the chain's next statement. */
void scene_append_statement(struct scene *scene, const struct keys *keys, int64_t time_ms);
/* The next batch, which must be there: its sequence. 0: there is none. */
uint64_t scene_read(struct scene *scene);
/* Reads until there is none; returns how many; they must follow each other from `first` on. */
size_t scene_read_all(struct scene *scene, uint64_t first);
/* A batch that was appended here. */
struct stream_position scene_position(const struct scene *scene, uint64_t sequence);
void scene_acknowledge(struct scene *scene, uint64_t sequence);
void scene_on_gap(void *context, const struct gap *gap);

/* The N-th file of the log (from 0), its path. */
void scene_segment(const struct scene *scene, size_t n, char *path, size_t size);
size_t scene_segments(const struct scene *scene);
/* Changes one byte of a file; a negative offset counts from its end. */
void flip_byte(const char *path, long offset);

/* Runs the loop until `is_true` says so; the test fails after `limit_ms` of real time. */
void run_until(uv_loop_t *loop, bool (*is_true)(void *context), void *context, int64_t limit_ms);
void finish_loop(uv_loop_t *loop);

#endif
