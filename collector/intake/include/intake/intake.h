/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Intake: the collector's door. Takes agents' batches from the link, validates them, appends them
 * to the journal, syncs, and only then acknowledges. Has no RRD and no ledger.
 *
 * Threads: the loop's thread. */
#ifndef INTAKE_INTAKE_H
#define INTAKE_INTAKE_H

#include "common/stats.h"
#include "proto/keys.h"
#include <uv.h>

struct intake_agent {
    const char *name;
    uint8_t curve_public[KEYS_CURVE_SIZE];
};

struct intake_options {
    const char *endpoint;
    const struct keys *keys;
    const struct intake_agent *agents;
    size_t n_agents;
    const char *journal_directory;
    const char *dead_letter_directory;
    const char *control_path;
    uint64_t segment_bytes;
    uint64_t reserve_bytes; /* refuse batches while the journal's file system has less free: the
                               store and SQLite need room to work it off; 0: none */
};

struct intake;

/* The options' contents must outlive the handle. 0 or -errno with a reason. */
int intake_open(struct intake **intake, uv_loop_t *loop, const struct intake_options *options,
                char *reason, size_t reason_size);
/* The endpoint it is bound to, with the port that the system chose for ":0". */
const char *intake_endpoint(const struct intake *intake);
void intake_stats(const struct intake *intake, struct stats *stats);
/* Syncs what is appended; the loop must run on to free the rest. NULL is allowed. */
void intake_close(struct intake *intake);

#endif
