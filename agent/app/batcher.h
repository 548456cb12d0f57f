/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Gathers what the samplers deliver into batches for the spool: numbers the objects, repeats all
 * definitions at the start of a spool segment, and closes a batch when it is old enough, large
 * enough, or holds a change of state. Watches the clocks, so that no statement bridges a step or a
 * sleep, and a sleep is a gap.
 *
 * Threads: the loop's thread. */
#ifndef AGENT_BATCHER_H
#define AGENT_BATCHER_H

#include "observer.h"
#include "sample/sink.h"
#include <uv.h>

struct batcher;

struct batcher_options {
    struct spool *spool;
    const struct keys *keys;
    struct spool_chain chain;
    int64_t repeat_ms;    /* of statements */
    int64_t batch_age_ms; /* a batch is closed when its first item is so old */
    /* The spool has new batches, or was given another chance to write. */
    void (*on_batch)(void *context);
    void *context;
};

struct batcher *batcher_new(uv_loop_t *loop, const struct batcher_options *options);
/* Valid as long as the batcher. */
const struct sample_sink *batcher_sink(struct batcher *batcher);
/* The object as it was last defined under that name; NULL: there is none. Lives until the next one
 * is defined. */
const struct object *batcher_find(struct batcher *batcher, const char *device, const char *kind,
                                  const char *name);
/* Add a gap to the open batch. Never calls the spool, so that the spool may call it. */
void batcher_gap(struct batcher *batcher, const struct gap *gap);
/* Close the open batch now; `final`: with the last word of every check. */
void batcher_flush(struct batcher *batcher, bool final);
/* What happened to the clocks since the start. */
const struct clock_watch_stats *batcher_clock(const struct batcher *batcher);
uint64_t batcher_rows(const struct batcher *batcher);
/* Objects, rows and talker reports that broke a limit. */
uint64_t batcher_refused(const struct batcher *batcher);
/* What is in the open batch is lost: flush before. NULL is allowed; the loop must run once more. */
void batcher_free(struct batcher *batcher);

#endif
