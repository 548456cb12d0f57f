/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The channel between a worker process and the agent's main process: a SOCK_SEQPACKET socket pair,
 * descriptor 3 of the worker. Main sends nothing but configurations: one message first, and another
 * whenever there is a newer one, each with a sealed memory file that holds the text. The worker
 * sends nothing but WorkerReports. Main trusts nothing it reads: a report that does not decode is
 * counted and the worker is ended. A worker that reads something else than a configuration stops.
 *
 * Threads: each end belongs to its loop's thread. */
#ifndef SAMPLE_CHANNEL_H
#define SAMPLE_CHANNEL_H

#include "proto/batch.h"
#include "sample/sink.h"
#include <uv.h>

enum {
    CHANNEL_FD = 3,
    /* 10,000 SNMPv3 devices at 600 bytes, and profiles. Below what config_parse takes. */
    CHANNEL_CONFIG_MAX = 8 * 1024 * 1024,
};

/* --- worker's end --- */
struct channel_worker;

/* Waits (at most 10 s) for the configuration on CHANNEL_FD. Malloc'ed text, or NULL with errno. */
char *channel_read_config(size_t *size);
/* The sink that batches into reports and sends each after a quarter of the shortest interval (0.25
 * to 2.5 s), at 32 KiB, or after 50 ms if one of its results says anything but that all is still
 * well. When main does not read, rows are dropped after 4 MiB of backlog, and reported as a gap
 * once it reads again. When main is gone the loop is stopped. A definition travels with the
 * object's first row or result (of an object without metrics: at once) and is never dropped. NULL
 * with errno when there is no descriptor 3. */
struct channel_worker *channel_worker_open(uv_loop_t *loop);
const struct sample_sink *channel_worker_sink(struct channel_worker *channel);
/* Main sent another configuration: `text` is malloc'ed and the callee's to wipe and free. From
 * inside the loop; must not close the channel. Of those that came before this was called only the
 * newest is kept, and handed over at once. */
void channel_worker_on_config(struct channel_worker *channel,
                              void (*on_config)(void *context, char *text, size_t size),
                              void *context);
/* Sends what is left, waiting at most 500 ms. */
void channel_worker_close(struct channel_worker *channel);

/* --- main's end --- */
struct channel_main;

struct channel_main_stats {
    uint64_t reports;
    uint64_t bad_reports;
};

/* Makes the pair for one start of a worker: returns the worker's descriptor for the supervisor's
 * make_channel, or -errno; reads the other end on the loop and delivers into `sink`, objects
 * renumbered. `config` is sent at once. Called again for a restart: the old end is dropped. */
struct channel_main *channel_main_new(uv_loop_t *loop, const struct sample_sink *sink,
                                      const char *worker_name);
int channel_main_connect(struct channel_main *channel, const char *config, size_t config_size);
/* Another configuration for the running worker, which goes over to it. What a later start of it is
 * told is up to the owner (channel_main_connect). 0; -ENOTCONN: none is running; or another -errno,
 * -EAGAIN among them: it does not read. Then it keeps the one it has. */
int channel_main_configure(struct channel_main *channel, const char *config, size_t config_size);
/* The worker ended: read what is left in the pair, then report a gap from the last report on if it
 * did not end by request. */
void channel_main_disconnect(struct channel_main *channel, bool requested);
/* The worker sent garbage: the owner ends it. May be NULL. */
void channel_main_on_garbage(struct channel_main *channel, void (*on_garbage)(void *context),
                             void *context);
const struct channel_main_stats *channel_main_stats(const struct channel_main *channel);
void channel_main_free(struct channel_main *channel);

#endif
