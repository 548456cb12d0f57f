/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Store: reads the journal and applies it: rows to the RRD files, the heaviest talkers to their
 * database, the rest to the ledger. The only writer of all three. What it applied it never applies
 * again; after a crash it goes on from where the ledger says, and replays rows from the watermark
 * up to which all files are on disk.
 *
 * Threads: the loop's thread. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "common/stats.h"
#include "proto/keys.h"
#include <stdbool.h>
#include <uv.h>

struct store_agent {
    const char *name;
    bool has_sign_public;
    uint8_t sign_public[KEYS_SIGN_PUBLIC_SIZE];
};

struct store_options {
    const char *journal_directory;
    const char *rrd_directory;
    const char *quarantine_directory;
    const char *ledger_path;
    const char *talkers_path;
    const char *control_path;        /* own */
    const char *intake_control_path; /* to ask for a trim */
    const struct store_agent *agents;
    size_t n_agents;
    int64_t flush_after_ms; /* rows wait so long in memory, at most */
    size_t flush_rows;
    int64_t checkpoint_ms;        /* between two watermarks */
    int64_t talkers_retention_ms; /* talker reports are deleted when they are so old; 0: none are
                                     kept */
};

struct store;

/* The options' contents must outlive the handle. 0 or -errno with a reason. */
int store_open(struct store **store, uv_loop_t *loop, const struct store_options *options,
               char *reason, size_t reason_size);
void store_stats(const struct store *store, struct stats *stats);
/* Flushes, makes a last watermark. */
void store_close(struct store *store);

#endif
