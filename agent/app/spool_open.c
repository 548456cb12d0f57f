/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "spool_state.h"

#include "common/durable.h"
#include "common/xalloc.h"
#include "proto/statement.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

/* What going over the log has found. */
struct scan {
    bool know_stream;
    struct stream_position known; /* the chain's state after it is known */
    struct stream_position newest;
    struct spool_chain chain;
};

/* A segment begins without a batch that repeats the definitions (it was waiting in memory when the
 * segment before was still open, say): the next one does. */
static int on_segment(void *context, struct seglog *log)
{
    struct spool *spool = context;
    (void)log;
    if (spool->writing == NULL || !spool->writing->begins) {
        spool->definitions_due = true;
    }
    return 0;
}

int spool_log_open(struct spool *spool, uint64_t *damaged_bytes)
{
    struct seglog_options options = {
        .segment_bytes = spool->options.segment_bytes,
        .begin_segment = on_segment,
        .context = spool,
    };
    struct stat info;
    struct seglog *log = NULL;
    int rc = seglog_open(&log, spool->log_path, &options, damaged_bytes);
    if (rc != 0) {
        return rc;
    }
    if (stat(spool->log_path, &info) != 0) {
        rc = -errno;
        seglog_close(log);
        return rc;
    }
    seglog_close(spool->log);
    spool->log = log;
    spool->log_inode = info.st_ino;
    spool->durable = seglog_end(spool->log);
    return 0;
}

/* --- going over the log --- */

static void scan_statements(struct scan *scan, const uint8_t *bytes, size_t size)
{
    char reason[128];
    struct batch *batch = batch_decode(BATCH_WIRE, bytes, size, reason, sizeof reason);
    if (batch == NULL) {
        return; /* told of when it is refused */
    }
    for (size_t i = 0; i < batch->n_observations; i++) {
        struct statement statement;
        const struct observation *observation = &batch->observations[i];
        if (statement_decode(observation->statement, observation->statement_size, &statement) ==
                0 &&
            statement.number > scan->chain.number) {
            scan->chain.number = statement.number;
            statement_hash(observation->statement, observation->statement_size, scan->chain.hash);
        }
    }
    batch_free(batch);
}

static void scan_record(struct spool *spool, struct scan *scan, const uint8_t *bytes, size_t size)
{
    struct stream_position position;
    if (batch_peek_position(bytes, size, &position) != 0) {
        return;
    }
    if (!scan->know_stream) {
        scan->know_stream = true;
        memcpy(spool->stream, position.stream, sizeof spool->stream);
        memcpy(spool->acknowledged.stream, position.stream, sizeof spool->stream);
        spool->read = spool->acknowledged;
    }
    if (!spool_is_ours(spool, &position)) {
        return;
    }
    if (scan->newest.sequence == 0 || stream_position_compare(&position, &scan->newest) > 0) {
        scan->newest = position;
    }
    if (scan->known.sequence == 0 || stream_position_compare(&position, &scan->known) > 0) {
        scan_statements(scan, bytes, size);
    }
    bool after_hole;
    if (spool_take(spool, bytes, size, &position, &after_hole)) {
        spool_took(spool, &position, bytes, size);
    }
}

static int scan_log(struct spool *spool, struct scan *scan)
{
    struct seglog_reader *reader;
    int rc = seglog_reader_open(&reader, spool->log_path, spool->resume);
    if (rc != 0) {
        return rc;
    }
    do {
        const uint8_t *bytes;
        size_t size;
        struct seglog_position at;
        rc = seglog_next(reader, &bytes, &size, &at);
        if (rc == 1) {
            scan_record(spool, scan, bytes, size);
        }
    } while (rc == 1 || rc == -EBADMSG);
    seglog_reader_close(reader);
    return rc;
}

/* --- beginning an epoch --- */

static uint64_t max_of(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Batches at the log's end that the ledger knows of, or whose damage was cut off, are missing. */
static void find_lost_tail(struct spool *spool, const struct scan *scan, uint64_t written,
                           uint64_t damaged_bytes)
{
    uint64_t last = max_of(scan->newest.sequence, spool->acknowledged.sequence);
    if (written > last) {
        spool_report_missing(spool, NULL, 0);
        spool_holes_add(&spool->holes, last + 1, written + 1);
    } else if (damaged_bytes > 0 && spool->holes.count == 0) {
        spool_report_missing(spool, NULL, 0);
    }
}

static void begin_epoch(struct spool *spool, const struct scan *scan,
                        const struct spool_ledger *ledger)
{
    int64_t now_s = clock_wall().ms / 1000;
    uint64_t epoch = max_of(ledger->written.epoch, ledger->acknowledged.epoch);
    uint64_t sequence = max_of(ledger->written.sequence, ledger->acknowledged.sequence);
    spool->epoch = max_of(max_of(epoch, scan->newest.epoch) + 1, now_s > 0 ? (uint64_t)now_s : 0);
    spool->next_sequence = max_of(sequence, scan->newest.sequence) + 1;
    spool->epoch_first = spool->next_sequence;
    /* The new epoch is in the ledger before anything is sent, so that it is never used again. */
    spool->written = spool_next_position(spool);
    spool->written.sequence--;
    spool->written_chain = scan->chain;
}

/* 0: there is a ledger, or none, or a damaged one (then the log tells what it can). */
static int load_ledger(struct spool *spool, struct spool_ledger *ledger, struct scan *scan,
                       char *reason, size_t reason_size)
{
    int rc = spool_ledger_load(spool->ledger_path, ledger);
    switch (rc) {
    case 0:
        scan->know_stream = true;
        scan->known = ledger->written;
        scan->chain = ledger->chain;
        memcpy(spool->stream, ledger->acknowledged.stream, sizeof spool->stream);
        spool->acknowledged = ledger->acknowledged;
        spool->acknowledged_at = ledger->acknowledged_at;
        spool->told_first = ledger->first;
        spool_holes_add(&spool->holes, ledger->acknowledged.sequence + 1, ledger->first);
        spool->read = ledger->acknowledged;
        spool->resume = ledger->resume;
        return 0;
    case -EBADMSG:
        log_warn("spool", "ledger damaged, going on from the oldest batch file=%s",
                 spool->ledger_path);
        break;
    case -ENOENT:
        break;
    case -ENOTSUP:
        snprintf(reason, reason_size,
                 "%s was written by a newer version of this program, which alone can read it",
                 spool->ledger_path);
        return rc;
    default:
        snprintf(reason, reason_size, "%s cannot be read: %s", spool->ledger_path, strerror(-rc));
        return rc;
    }
    *ledger = (struct spool_ledger){0};
    spool->front_unknown = true;
    return 0;
}

static int begin(struct spool *spool, char *reason, size_t reason_size)
{
    struct spool_ledger ledger;
    struct scan scan = {0};
    uint64_t damaged_bytes = 0;
    int rc = load_ledger(spool, &ledger, &scan, reason, reason_size);
    if (rc != 0) {
        return rc;
    }
    rc = spool_log_open(spool, &damaged_bytes);
    if (rc == 0) {
        rc = scan_log(spool, &scan);
    }
    if (rc == 0 && !scan.know_stream &&
        getrandom(spool->stream, sizeof spool->stream, 0) != sizeof spool->stream) {
        rc = -EIO;
    }
    if (rc != 0) {
        snprintf(reason, reason_size, "%s: %s", spool->log_path,
                 rc == -EBUSY ? "another agent uses this spool" : strerror(-rc));
        return rc;
    }
    if (damaged_bytes > 0) {
        log_warn("spool", "damage moved to quarantine folder=%s bytes=%llu", spool->log_path,
                 (unsigned long long)damaged_bytes);
    }
    memcpy(spool->acknowledged.stream, spool->stream, sizeof spool->stream);
    spool->front_unknown = false; /* the first batch of the log has told; or there is none */
    find_lost_tail(spool, &scan, ledger.written.sequence, damaged_bytes);
    begin_epoch(spool, &scan, &ledger);
    spool_rewind(spool);
    spool->trail.size = 0;
    (void)spool_save(spool); /* says so itself: a full disk does not keep the agent from working */
    return 0;
}

int spool_open(struct spool **out, const struct spool_options *options, struct spool_chain *chain,
               char *reason, size_t reason_size)
{
    struct spool *spool = xcalloc(1, sizeof *spool);
    spool->options = *options;
    spool->directory = xstrdup(options->directory);
    spool->log_path = xasprintf("%s/log", options->directory);
    spool->ledger_path = xasprintf("%s/ledger", options->directory);
    spool->last = &spool->first;
    int rc = durable_make_folder(spool->directory);
    if (rc != 0) {
        snprintf(reason, reason_size, "%s: %s", spool->directory, strerror(-rc));
    } else {
        rc = begin(spool, reason, reason_size);
    }
    if (rc != 0) {
        seglog_close(spool->log);
        spool->log = NULL; /* nothing was written: nothing to save */
        spool_close(spool);
        return rc;
    }
    spool->options.directory = spool->directory;
    *chain = spool->written_chain;
    *out = spool;
    return 0;
}
