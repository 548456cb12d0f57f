/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The agent's worker processes, which read what devices, services and networks send: without
 * privilege, key or disk. Each is a program of its own (parts.h); what they sample comes back over
 * a channel and into the batch. A worker that crashes, or sends garbage and is ended, is started
 * again, and the time between is a gap.
 *
 * Threads: the loop's thread. */
#ifndef AGENT_WORKERS_H
#define AGENT_WORKERS_H

#include "config.h"
#include "sample/sink.h"
#include <uv.h>

struct workers;

/* Starts what the configuration asks for: workers of kind "snmp" for the devices, each for its
 * share of them (shards.h), "capture" for the capture, "net", "web" and "local" for the checks of
 * that part. 0; -EMSGSIZE when a worker's share is too large for its channel; -ENOENT when a
 * program is missing (the log names it): the handle must still be stopped. */
int workers_open(struct workers **workers, uv_loop_t *loop, const struct agent_config *config,
                 const struct sample_sink *sink);
/* Goes over to other devices, profiles, passphrases and checks: workers that run are told, others
 * started, and those that have nothing to do any more ended; what does not change for a worker
 * does not disturb it. 0, or -EMSGSIZE or
 * -ENOENT as above: then nothing has changed. */
int workers_reload(struct workers *workers, const struct agent_config *config);
/* How often one was started again, over all. */
uint64_t workers_restarts(const struct workers *workers);
/* Ends them all; `done` is called once, from the loop, when their last words were delivered. */
void workers_stop(struct workers *workers, void (*done)(void *context), void *context);
/* After `done`. NULL is allowed. */
void workers_free(struct workers *workers);

#endif
