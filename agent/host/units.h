/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How many of systemd's units are in failed state: systemctl is asked once a minute, in a process
 * of its own that is waited for by the loop, and killed when it takes over ten seconds. Names of
 * units that failed stand in the log.
 *
 * Threads: the loop's thread. */
#ifndef HOST_UNITS_H
#define HOST_UNITS_H

#include "sample/sink.h"
#include <uv.h>

enum { UNITS_INTERVAL_MS = 60000 };

struct units;

struct units_options {
    const char *root;    /* nothing is asked unless ROOT/run/systemd/system is there */
    const char *device;  /* as `root`, must outlive the handle */
    const char *program; /* "systemctl"; looked for in PATH */
    int64_t timeout_ms;
};

struct units *units_open(uv_loop_t *loop, const struct units_options *options,
                         const struct sample_sink *sink);
/* Asks now, unless an answer is under way. The row comes with the answer. */
void units_sample(struct units *units);
/* No row after it; the memory goes when the loop has closed its handles. NULL is allowed. */
void units_close(struct units *units);

#endif
