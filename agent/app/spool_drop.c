/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "spool_state.h"

#include <errno.h>
#include <string.h>

static void spool_report(struct spool *spool, const struct spool_loss *loss, enum gap_reason reason)
{
    if (!loss->any) {
        return; /* definitions only: they are repeated */
    }
    struct gap gap = spool_loss_gap(loss, reason);
    log_warn("spool", "data lost reason=%s from_ms=%lld to_ms=%lld rows=%llu observations=%llu",
             gap_reason_name(reason), (long long)gap.from.ms, (long long)gap.to.ms,
             (unsigned long long)gap.rows, (unsigned long long)gap.observations);
    spool->reported = clock_mono();
    spool->reported_lately = true;
    spool->options.on_gap(spool->options.context, &gap);
}

void spool_report_missing(struct spool *spool, const uint8_t *after, size_t after_size)
{
    struct wall now = clock_wall();
    struct spool_loss before = {0};
    struct spool_loss behind = {0};
    if (spool->trail.size > 0) {
        (void)spool_loss_add(&before, spool->trail.bytes, spool->trail.size); /* `any` tells */
    }
    if (after != NULL) {
        (void)spool_loss_add(&behind, after, after_size);
    }
    struct wall to = behind.any ? behind.from : now;
    struct wall from = {to.ms - 1};
    if (before.any) {
        from = before.to;
    } else if (spool->acknowledged_at.ms != 0) {
        from = spool->acknowledged_at; /* what came until then was delivered */
    }
    struct spool_loss loss = {0};
    spool_loss_add_span(&loss, from, to);
    spool_report(spool, &loss, GAP_SPOOL_DAMAGED);
}

/* One batch will never be sent. */
static void spool_lose(struct spool *spool, const struct stream_position *position,
                       const uint8_t *bytes, size_t size, struct spool_loss *loss)
{
    if (stream_position_compare(position, &spool->acknowledged) <= 0 ||
        spool_holes_contain(&spool->holes, position->sequence)) {
        return;
    }
    if (!spool_loss_add(loss, bytes, size)) {
        spool_loss_add_span(loss, clock_wall(), clock_wall()); /* not of this version, say */
    }
    spool->dropped_batches++;
}

/* Goes over the segment's batches and returns where the next segment begins. */
static struct seglog_position measure_segment(struct spool *spool, struct seglog_reader *reader,
                                              uint64_t segment, struct spool_loss *loss,
                                              uint64_t *end_sequence)
{
    struct seglog_position at;
    for (;;) {
        const uint8_t *bytes;
        size_t size;
        struct stream_position position;
        int rc = seglog_next(reader, &bytes, &size, &at);
        if (rc == -EBADMSG) {
            continue; /* the batch after it will show what is missing */
        }
        if (rc != 1) {
            return seglog_reader_position(reader);
        }
        if (at.segment > segment) {
            return at;
        }
        if (batch_peek_position(bytes, size, &position) == 0 && spool_is_ours(spool, &position)) {
            spool_lose(spool, &position, bytes, size, loss);
            *end_sequence = position.sequence + 1;
        }
    }
}

bool spool_drop_segment(struct spool *spool)
{
    uint64_t segment = seglog_first(spool->log).segment;
    if (segment >= seglog_end(spool->log).segment) {
        return false;
    }
    struct seglog_reader *reader = NULL;
    struct spool_loss loss = {0};
    uint64_t end_sequence = 0;
    struct seglog_position next = {.segment = segment + 1};
    if (seglog_reader_open(&reader, spool->log_path, (struct seglog_position){0}) == 0) {
        next = measure_segment(spool, reader, segment, &loss, &end_sequence);
        next.offset = 0;
        seglog_reader_close(reader);
    }
    if (next.segment <= segment) {
        next.segment = segment + 1; /* it could not be read to its end */
    }
    if (seglog_position_compare(spool->resume, next) < 0) {
        spool->resume = next;
        spool_reader_close(spool);
    }
    if (seglog_trim(spool->log, next) != 0) {
        return false; /* the disk refuses even that; what is read later is simply sent */
    }
    spool_holes_add(&spool->holes, spool_first_sequence(spool), end_sequence);
    spool_report(spool, &loss, GAP_SPOOL_FULL);
    return true;
}

void spool_drop_queued(struct spool *spool)
{
    struct spool_loss loss = {0};
    do {
        const struct spool_entry *entry = spool->first;
        uint64_t sequence = entry->position.sequence;
        spool_lose(spool, &entry->position, entry->bytes, entry->size, &loss);
        spool_holes_add(&spool->holes, sequence, sequence + 1);
        spool_pop(spool);
    } while (spool->first != NULL && !spool->first->begins);
    if (spool->first == NULL) {
        spool->definitions_due = true;
    }
    spool_report(spool, &loss, GAP_DISK_ERROR);
}

/* The bytes of a batch, wherever it is; NULL: not there. Valid until the reader is closed. */
static const uint8_t *find_batch(struct spool *spool, struct seglog_reader *reader,
                                 const struct stream_position *wanted, size_t *size)
{
    for (const struct spool_entry *entry = spool->first; entry != NULL; entry = entry->next) {
        if (stream_position_compare(&entry->position, wanted) == 0) {
            *size = entry->size;
            return entry->bytes;
        }
    }
    while (reader != NULL) {
        const uint8_t *bytes;
        struct seglog_position at;
        struct stream_position position;
        int rc = seglog_next(reader, &bytes, size, &at);
        if (rc == 1 && batch_peek_position(bytes, *size, &position) == 0 &&
            spool_is_ours(spool, &position) && stream_position_compare(&position, wanted) == 0) {
            return bytes;
        }
        if (rc != 1 && rc != -EBADMSG) {
            break;
        }
    }
    return NULL;
}

void spool_skip(struct spool *spool, const struct stream_position *position, enum gap_reason reason)
{
    struct seglog_reader *reader = NULL;
    if (!spool_is_ours(spool, position) ||
        stream_position_compare(position, &spool->acknowledged) <= 0 ||
        spool_holes_contain(&spool->holes, position->sequence)) {
        return;
    }
    if (seglog_reader_open(&reader, spool->log_path, spool->resume) != 0) {
        reader = NULL; /* it may be in memory */
    }
    size_t size = 0;
    struct spool_loss loss = {0};
    const uint8_t *bytes = find_batch(spool, reader, position, &size);
    if (bytes != NULL) {
        spool_lose(spool, position, bytes, size, &loss);
        spool_holes_add(&spool->holes, position->sequence, position->sequence + 1);
    }
    seglog_reader_close(reader);
    /* Its definitions are needed by what comes after it. */
    spool->definitions_due = true;
    spool_report(spool, &loss, reason);
}
