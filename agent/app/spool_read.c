/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "spool_state.h"

#include "common/xalloc.h"

#include <errno.h>
#include <string.h>

enum { UNREADABLE_LOG_MS = 60000 };

/* --- what a record means --- */

static void trail_keep(struct spool_trail *trail, const uint8_t *bytes, size_t size)
{
    if (trail->room < size) {
        trail->bytes = xrealloc(trail->bytes, size);
        trail->room = size;
    }
    memcpy(trail->bytes, bytes, size);
    trail->size = size;
}

/* The position that reading has come to. */
static const struct stream_position *spool_reached(const struct spool *spool)
{
    return stream_position_compare(&spool->read, &spool->acknowledged) > 0 ? &spool->read
                                                                           : &spool->acknowledged;
}

static bool spool_waits(const struct spool *spool)
{
    return stream_position_compare(&spool->read, &spool->acknowledged) > 0;
}

bool spool_take(struct spool *spool, const uint8_t *bytes, size_t size,
                struct stream_position *position, bool *after_hole)
{
    if (batch_peek_position(bytes, size, position) != 0 || !spool_is_ours(spool, position)) {
        return false; /* not written by us; were it, its sequence is found to be missing */
    }
    if (stream_position_compare(position, &spool->acknowledged) <= 0) {
        trail_keep(&spool->trail, bytes, size);
        return false;
    }
    if (stream_position_compare(position, &spool->read) <= 0 ||
        spool_holes_contain(&spool->holes, position->sequence)) {
        return false;
    }
    uint64_t follows = spool_reached(spool)->sequence + 1;
    uint64_t expected = spool_holes_skip(&spool->holes, follows);
    if (position->sequence > expected) {
        if (!spool->front_unknown) {
            spool_report_missing(spool, bytes, size);
        }
        spool_holes_add(&spool->holes, expected, position->sequence);
    }
    *after_hole = position->sequence > follows;
    return true;
}

void spool_took(struct spool *spool, const struct stream_position *position, const uint8_t *bytes,
                size_t size)
{
    spool->read = *position;
    spool->front_unknown = false;
    trail_keep(&spool->trail, bytes, size);
}

/* --- reading --- */

void spool_reader_close(struct spool *spool)
{
    seglog_reader_close(spool->reader);
    spool->reader = NULL;
    spool->peeked = NULL;
}

static void spool_note_unreadable(struct spool *spool, int rc)
{
    uint64_t held;
    if (log_limit_allow(&spool->unreadable, UNREADABLE_LOG_MS, &held)) {
        log_error("spool", "cannot be read folder=%s error=%s", spool->log_path, strerror(-rc));
    }
    spool_reader_close(spool);
}

/* The next batch of the log: 1, or 0 when there is none that is durable. */
static int spool_next_in_log(struct spool *spool, const uint8_t **bytes, size_t *size,
                             struct stream_position *position, bool *after_hole)
{
    for (;;) {
        if (spool->reader == NULL) {
            int rc = seglog_reader_open(&spool->reader, spool->log_path, spool->resume);
            if (rc != 0) {
                spool->reader = NULL;
                spool_note_unreadable(spool, rc);
                return 0;
            }
        }
        if (seglog_position_compare(seglog_reader_position(spool->reader), spool->durable) >= 0) {
            return 0;
        }
        struct seglog_position at;
        int rc = seglog_next(spool->reader, bytes, size, &at);
        if (rc == 0) {
            /* The reader may have looked ahead before this was written. */
            rc = seglog_next(spool->reader, bytes, size, &at);
        }
        if (rc == 0) {
            return 0; /* damaged in the newest segment: told when the next one begins */
        }
        if (rc == -EBADMSG) {
            log_warn("spool", "a segment is damaged, going on with the next folder=%s",
                     spool->log_path);
            continue;
        }
        if (rc < 0) {
            spool_note_unreadable(spool, rc);
            return 0;
        }
        if (spool_take(spool, *bytes, *size, position, after_hole)) {
            return 1;
        }
        if (!spool_waits(spool)) { /* acknowledged, like all before it */
            spool->resume = seglog_reader_position(spool->reader);
        }
    }
}

static int spool_read_log(struct spool *spool, const uint8_t **batch, size_t *size,
                          struct stream_position *position)
{
    bool after_hole = false;
    if (spool->peeked != NULL) {
        *batch = spool->peeked;
        *size = spool->peeked_size;
        *position = spool->peeked_position;
        after_hole = true;
    } else if (spool_next_in_log(spool, batch, size, position, &after_hole) == 0) {
        return 0;
    }
    if (after_hole && spool_waits(spool)) {
        spool->peeked = *batch;
        spool->peeked_size = *size;
        spool->peeked_position = *position;
        return -EAGAIN;
    }
    spool->peeked = NULL;
    spool->sent = xreallocarray(spool->sent, spool->n_sent + 1, sizeof *spool->sent);
    spool->sent[spool->n_sent++] =
        (struct spool_sent){*position, seglog_reader_position(spool->reader)};
    return 1;
}

static int spool_read_memory(struct spool *spool, const uint8_t **batch, size_t *size,
                             struct stream_position *position)
{
    for (const struct spool_entry *entry = spool->first; entry != NULL; entry = entry->next) {
        bool after_hole;
        if (spool_take(spool, entry->bytes, entry->size, position, &after_hole)) {
            *batch = entry->bytes;
            *size = entry->size;
            return after_hole && spool_waits(spool) ? 0 : 1;
        }
    }
    return 0;
}

int spool_read(struct spool *spool, const uint8_t **batch, size_t *size,
               struct stream_position *position)
{
    int rc = spool_read_log(spool, batch, size, position);
    if (rc == 0 && spool->failing != 0) {
        rc = spool_read_memory(spool, batch, size, position);
    }
    if (rc != 1) {
        return 0;
    }
    spool_took(spool, position, *batch, *size);
    return 1;
}

void spool_rewind(struct spool *spool)
{
    spool_reader_close(spool);
    spool->read = spool->acknowledged;
    spool->n_sent = 0;
}

/* --- forgetting --- */

static void spool_trim(struct spool *spool)
{
    if (spool->resume.segment <= seglog_first(spool->log).segment ||
        (spool->save_error != 0 && mono_elapsed_ms(spool->saved, clock_mono()) < 1000)) {
        return;
    }
    if (spool_save(spool) == 0) {
        (void)seglog_trim(spool->log, spool->resume); /* tried again with the next one */
    }
}

static uint64_t spool_first_unacknowledged(const struct spool *spool)
{
    uint64_t first = spool->acknowledged.sequence + 1;
    /* An earlier epoch may have gone further than what reached its disk; ours began again lower. */
    return spool->acknowledged.epoch < spool->epoch && first > spool->epoch_first
               ? spool->epoch_first
               : first;
}

void spool_acknowledge(struct spool *spool, const struct stream_position *position)
{
    if (!spool_is_ours(spool, position) ||
        stream_position_compare(position, &spool->acknowledged) <= 0) {
        return;
    }
    spool->acknowledged = *position;
    spool->acknowledged_at = clock_wall();
    spool->front_unknown = false;
    size_t gone = 0;
    while (gone < spool->n_sent &&
           stream_position_compare(&spool->sent[gone].position, position) <= 0) {
        spool->resume = spool->sent[gone++].end;
    }
    spool->n_sent -= gone;
    if (spool->n_sent > 0 && gone > 0) {
        memmove(spool->sent, spool->sent + gone, spool->n_sent * sizeof *spool->sent);
    }
    while (spool->first != NULL &&
           stream_position_compare(&spool->first->position, position) <= 0) {
        spool->written = spool->first->position; /* need not be written any more */
        spool->written_chain = spool->first->chain;
        spool_pop(spool);
    }
    spool_holes_forget(&spool->holes, spool_first_unacknowledged(spool));
    spool_trim(spool);
}

void spool_go_back(struct spool *spool, const struct stream_position *position)
{
    if (!spool_is_ours(spool, position) ||
        stream_position_compare(position, &spool->acknowledged) >= 0) {
        return;
    }
    spool->acknowledged = *position;
    spool->resume = (struct seglog_position){0};
    spool->front_unknown = true;
    spool_rewind(spool);
}

struct stream_position spool_acknowledged(const struct spool *spool)
{
    return spool->acknowledged;
}

uint64_t spool_first_sequence(const struct spool *spool)
{
    return spool_holes_skip(&spool->holes, spool_first_unacknowledged(spool));
}

uint64_t spool_unacknowledged(const struct spool *spool)
{
    uint64_t first = spool_first_sequence(spool);
    return first < spool->next_sequence ? spool->next_sequence - first : 0;
}

bool spool_is_empty(const struct spool *spool)
{
    return spool_first_sequence(spool) >= spool->next_sequence;
}
