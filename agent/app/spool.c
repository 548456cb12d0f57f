/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "spool_state.h"

#include "common/durable.h"
#include "common/xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    MEMORY_MAX = 8 * 1024 * 1024,
    /* In memory, too, every definition is repeated so often: what is dropped from the front leaves
     * the rest readable. */
    MEMORY_SEGMENT = 2 * 1024 * 1024,
    RETRY_MS = 1000,
    SAVE_MS = 60000,
    /* A reported gap is in a durable batch by then (a batch is closed within five seconds): a crash
     * before it tells of the gap again, one after it does not. */
    GAP_SETTLED_MS = 10000,
};

/* --- the queue --- */

void spool_pop(struct spool *spool)
{
    struct spool_entry *entry = spool->first;
    spool->first = entry->next;
    if (spool->first == NULL) {
        spool->last = &spool->first;
    }
    spool->queue_bytes -= entry->size;
    free(entry);
}

static void spool_push(struct spool *spool, const uint8_t *batch, size_t size,
                       const struct spool_chain *chain)
{
    struct spool_entry *entry = xmalloc(sizeof *entry + size);
    entry->next = NULL;
    entry->position = spool_next_position(spool);
    entry->chain = *chain;
    /* All that this epoch defines comes in or after its first batch. */
    entry->begins =
        entry->position.sequence == spool->epoch_first || spool_next_begins_segment(spool);
    entry->in_log = false;
    entry->size = size;
    memcpy(entry->bytes, batch, size);
    if (entry->begins) {
        spool->definitions_due = false;
        spool->since_definitions_bytes = 0;
    }
    spool->since_definitions_bytes += size;
    *spool->last = entry;
    spool->last = &entry->next;
    spool->queue_bytes += size;
    spool->next_sequence++;
}

/* --- from the queue to the disk --- */

static int spool_write(struct spool *spool)
{
    for (struct spool_entry *entry = spool->first; entry != NULL; entry = entry->next) {
        if (entry->in_log) {
            continue;
        }
        spool->writing = entry;
        int rc = seglog_append(spool->log, entry->bytes, entry->size, NULL);
        spool->writing = NULL;
        if (rc != 0) {
            return rc;
        }
        entry->in_log = true;
    }
    return 0;
}

/* Someone may have deleted the folder: then a sync succeeds and means nothing. */
static int spool_check_folder(const struct spool *spool)
{
    struct stat info;
    if (stat(spool->log_path, &info) != 0) {
        return -errno;
    }
    return info.st_ino == spool->log_inode ? 0 : -ENOENT;
}

/* Make what was written durable. */
static int spool_settle(struct spool *spool)
{
    if (spool->first == NULL || !spool->first->in_log) {
        return 0;
    }
    int rc = spool_check_folder(spool);
    if (rc == 0) {
        rc = seglog_sync(spool->log);
    }
    if (rc != 0) {
        /* The kernel may have dropped any of it: all is written again. */
        for (struct spool_entry *entry = spool->first; entry != NULL; entry = entry->next) {
            entry->in_log = false;
        }
        spool->reopen = true;
        return rc;
    }
    spool->durable = seglog_end(spool->log);
    while (spool->first != NULL && spool->first->in_log) {
        spool->written = spool->first->position;
        spool->written_chain = spool->first->chain;
        spool_pop(spool);
    }
    return 0;
}

/* After a failed sync, or when the folder is gone: look again at what is on the disk. */
static int spool_recover(struct spool *spool)
{
    spool_reader_close(spool);
    int rc = durable_make_folder(spool->directory);
    if (rc == 0 && spool_check_folder(spool) == 0) {
        rc = seglog_reopen(spool->log);
    } else if (rc == 0) { /* deleted or moved: begin another log */
        uint64_t damaged_bytes = 0;
        rc = spool_log_open(spool, &damaged_bytes);
        if (rc == 0) {
            spool->resume = (struct seglog_position){0};
            spool->n_sent = 0;
        }
    }
    if (rc == 0) {
        spool->reopen = false;
    }
    return rc;
}

static void spool_note_disk(struct spool *spool, int rc)
{
    if (rc != 0 && spool->failing == 0) {
        log_error("spool", "the disk refuses, batches wait in memory folder=%s error=%s",
                  spool->directory, strerror(-rc));
        spool->definitions_due = true;
    } else if (rc == 0 && spool->failing != 0) {
        log_info("spool", "the disk takes batches again folder=%s", spool->directory);
    }
    spool->failing = rc;
    spool->tried = clock_mono();
}

static void spool_try(struct spool *spool)
{
    int rc = spool->reopen ? spool_recover(spool) : 0;
    if (rc == 0) {
        int written = spool_write(spool);
        rc = spool_settle(spool); /* also what went in before an append failed */
        rc = rc != 0 ? rc : written;
    }
    bool recovered = rc == 0 && spool->failing != 0;
    spool_note_disk(spool, rc);
    if (recovered) {
        (void)spool_save(spool); /* what was acknowledged out of memory is not in the log */
    }
}

static void spool_make_room(struct spool *spool)
{
    while (seglog_bytes(spool->log) > spool->options.max_bytes && spool_drop_segment(spool)) {
    }
    if (spool->failing == 0 || spool->queue_bytes <= MEMORY_MAX) {
        return;
    }
    if (spool->failing == -ENOSPC && spool_drop_segment(spool)) {
        spool_try(spool); /* older data made room for newer */
    }
    while (spool->failing != 0 && spool->queue_bytes > MEMORY_MAX) {
        spool_drop_queued(spool);
    }
}

/* --- writing --- */

bool spool_is_ours(const struct spool *spool, const struct stream_position *position)
{
    return memcmp(spool->stream, position->stream, sizeof spool->stream) == 0;
}

struct stream_position spool_next_position(const struct spool *spool)
{
    struct stream_position position = {.epoch = spool->epoch, .sequence = spool->next_sequence};
    memcpy(position.stream, spool->stream, sizeof position.stream);
    return position;
}

bool spool_next_begins_segment(const struct spool *spool)
{
    if (spool->definitions_due) {
        return true;
    }
    if (spool->failing != 0) {
        return spool->since_definitions_bytes >= MEMORY_SEGMENT;
    }
    return seglog_end(spool->log).offset >= spool->options.segment_bytes;
}

void spool_append(struct spool *spool, const uint8_t *batch, size_t size,
                  const struct spool_chain *chain)
{
    spool_push(spool, batch, size, chain);
    if (spool->failing == 0) {
        int rc = spool_write(spool);
        if (rc != 0) {
            spool_note_disk(spool, rc);
        }
    }
    spool_make_room(spool);
}

void spool_sync(struct spool *spool)
{
    struct mono now = clock_mono();
    if (spool->failing == 0 || mono_elapsed_ms(spool->tried, now) >= RETRY_MS) {
        spool_try(spool);
        spool_make_room(spool);
    }
    if (mono_elapsed_ms(spool->saved, now) >= SAVE_MS) {
        (void)spool_save(spool); /* says so itself, and is tried again */
    }
}

int spool_save(struct spool *spool)
{
    if (spool->reported_lately && spool->failing == 0 &&
        mono_elapsed_ms(spool->reported, clock_mono()) >= GAP_SETTLED_MS) {
        spool->reported_lately = false;
    }
    if (!spool->reported_lately) {
        spool->told_first = spool_first_sequence(spool);
    }
    struct spool_ledger ledger = {.acknowledged = spool->acknowledged,
                                  .acknowledged_at = spool->acknowledged_at,
                                  .first = spool->told_first,
                                  .resume = spool->resume,
                                  .written = spool->written,
                                  .chain = spool->written_chain};
    int rc = spool_ledger_save(spool->ledger_path, &ledger);
    if (rc != 0 && spool->save_error == 0) {
        log_error("spool", "ledger not saved file=%s error=%s", spool->ledger_path, strerror(-rc));
    } else if (rc == 0 && spool->save_error != 0) {
        log_info("spool", "ledger saved again file=%s", spool->ledger_path);
    }
    spool->save_error = rc;
    spool->saved = clock_mono();
    return rc;
}

int spool_failing(const struct spool *spool)
{
    return spool->failing;
}

uint64_t spool_bytes(const struct spool *spool)
{
    uint64_t bytes = seglog_bytes(spool->log);
    for (const struct spool_entry *entry = spool->first; entry != NULL; entry = entry->next) {
        bytes += entry->in_log ? 0 : entry->size;
    }
    return bytes;
}

uint64_t spool_dropped_batches(const struct spool *spool)
{
    return spool->dropped_batches;
}

void spool_close(struct spool *spool)
{
    if (spool == NULL) {
        return;
    }
    if (spool->log != NULL) {
        spool_try(spool);
        spool->reported_lately = spool->reported_lately && spool->failing != 0;
        (void)spool_save(spool); /* said so itself; the log tells what the ledger does not */
    }
    size_t lost = 0;
    while (spool->first != NULL) {
        spool_pop(spool);
        lost++;
    }
    if (lost > 0) {
        log_error("spool", "batches lost with the memory they waited in batches=%zu error=%s", lost,
                  strerror(-spool->failing));
    }
    spool_reader_close(spool);
    seglog_close(spool->log);
    spool_holes_clear(&spool->holes);
    free(spool->sent);
    free(spool->trail.bytes);
    free(spool->directory);
    free(spool->log_path);
    free(spool->ledger_path);
    free(spool);
}
