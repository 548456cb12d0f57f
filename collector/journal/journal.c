/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/journal.h"

#include "common/xalloc.h"
#include "durable_mark.h"
#include "proto/batch.h"
#include "stream_table.h"
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct journal {
    char *directory;
    uint64_t segment_bytes;
    struct seglog *log; /* NULL after a failed sync, until it can be opened again */
    struct stream_table streams;
    struct seglog_position durable; /* the end of what is on disk */
    bool unsynced;
};

static int append_snapshot(void *context, struct seglog *log)
{
    const struct journal *journal = context;
    size_t size;
    uint8_t *bytes = stream_table_encode(&journal->streams, &size);
    int rc = seglog_append(log, bytes, size, NULL);
    free(bytes);
    return rc;
}

static void close_log(struct journal *journal)
{
    seglog_close(journal->log);
    journal->log = NULL;
}

/* --- where the streams stand, from disk --- */

static void learn(struct journal *journal, const uint8_t *payload, size_t size)
{
    struct journal_record record;
    struct stream_position position;
    if (journal_record_decode(payload, size, &record) != 0) {
        return; /* a record of a newer version: its reader reports it */
    }
    if (record.type == JOURNAL_SNAPSHOT) {
        stream_table_restore(&journal->streams, record.streams, record.n_streams);
        free(record.streams);
    } else if (batch_peek_position(record.batch, record.batch_size, &position) == 0) {
        stream_table_put(&journal->streams, record.agent, &position);
    }
}

/* Does the segment begin with a snapshot? 1, 0, or -errno. */
static int has_snapshot(const struct journal *journal, uint64_t segment)
{
    struct seglog_reader *reader;
    struct seglog_position position;
    const uint8_t *payload;
    size_t size;
    int rc = seglog_reader_open(&reader, journal->directory, (struct seglog_position){segment, 0});
    if (rc != 0) {
        return rc == -ENOENT ? 0 : rc;
    }
    struct journal_record record = {0};
    rc = seglog_next(reader, &payload, &size, &position);
    if (rc == -EBADMSG) {
        rc = 0;
    }
    if (rc == 1) {
        rc = position.segment == segment && journal_record_decode(payload, size, &record) == 0 &&
             record.type == JOURNAL_SNAPSHOT;
    }
    free(record.streams);
    seglog_reader_close(reader);
    return rc;
}

/* Reads from the newest segment that stands alone. */
static int load(struct journal *journal)
{
    uint64_t first = seglog_first(journal->log).segment;
    uint64_t segment = seglog_end(journal->log).segment;
    int rc = has_snapshot(journal, segment);
    while (rc == 0 && segment > first) {
        rc = has_snapshot(journal, --segment);
    }
    if (rc < 0) {
        return rc;
    }
    struct seglog_reader *reader;
    const uint8_t *payload;
    size_t size;
    struct seglog_position position;
    stream_table_clear(&journal->streams);
    rc = seglog_reader_open(&reader, journal->directory, (struct seglog_position){segment, 0});
    if (rc != 0) {
        return rc == -ENOENT ? 0 : rc;
    }
    do {
        rc = seglog_next(reader, &payload, &size, &position);
        if (rc == 1) {
            learn(journal, payload, size);
        }
    } while (rc == 1 || rc == -EBADMSG);
    seglog_reader_close(reader);
    return rc;
}

/* --- opening --- */

static int publish(struct journal *journal)
{
    journal->durable = seglog_end(journal->log);
    journal->unsynced = false;
    stream_table_mark_durable(&journal->streams);
    return durable_mark_write(journal->directory, journal->durable);
}

/* What is there is synced by the seglog, and nothing is added to a segment from before: the first
 * append begins a new one, with a snapshot. */
static int open_journal(struct journal *journal, uint64_t *damaged_bytes, char *reason,
                        size_t reason_size)
{
    const struct seglog_options options = {.segment_bytes = journal->segment_bytes,
                                           .begin_segment = append_snapshot,
                                           .context = journal};
    const char *step = "open";
    int rc = seglog_open(&journal->log, journal->directory, &options, damaged_bytes);
    if (rc == 0) {
        step = "read";
        rc = load(journal);
    }
    if (rc == 0) {
        step = "write the mark of";
        rc = publish(journal);
    }
    if (rc != 0) {
        (void)snprintf(reason, reason_size, "cannot %s the journal %s: %s", step,
                       journal->directory,
                       rc == -EBUSY ? "another process is writing it" : strerror(-rc));
        close_log(journal);
    }
    return rc;
}

int journal_open(struct journal **out, const char *directory, uint64_t segment_bytes,
                 uint64_t *damaged_bytes, char *reason, size_t reason_size)
{
    struct journal *journal = xcalloc(1, sizeof *journal);
    journal->directory = xstrdup(directory);
    journal->segment_bytes = segment_bytes;
    int rc = open_journal(journal, damaged_bytes, reason, reason_size);
    if (rc != 0) {
        journal_close(journal);
        return rc;
    }
    *out = journal;
    return 0;
}

/* --- appending --- */

static enum journal_verdict judge(const struct journal *journal, const char *agent,
                                  const struct stream_position *position, uint64_t first_sequence)
{
    bool is_first = position->sequence == first_sequence;
    const struct stream_entry *entry = stream_table_find(&journal->streams, position->stream);
    if (entry == NULL) {
        return !is_first ? JOURNAL_OUT_OF_TURN
                         : (position->sequence == 1 ? JOURNAL_APPENDED : JOURNAL_JUMPED);
    }
    if (strcmp(entry->agent, agent) != 0) {
        return JOURNAL_FOREIGN;
    }
    if (stream_position_compare(position, &entry->appended) <= 0) {
        return JOURNAL_DUPLICATE;
    }
    if (position->sequence == entry->appended.sequence + 1) {
        return JOURNAL_APPENDED;
    }
    if (!is_first) {
        return JOURNAL_OUT_OF_TURN;
    }
    /* Only a new epoch can be after the last one with a first sequence of 1: a new beginning. */
    return position->sequence == 1 ? JOURNAL_APPENDED : JOURNAL_JUMPED;
}

int journal_append(struct journal *journal, const char *agent, struct wall received,
                   const struct stream_position *position, uint64_t first_sequence,
                   const uint8_t *batch, size_t batch_size, enum journal_verdict *verdict)
{
    char reason[256];
    uint64_t damaged_bytes = 0;
    if (position->sequence == 0 || strlen(agent) > PROTO_NAME_MAX) {
        return -EINVAL;
    }
    int rc = 0;
    if (journal->log == NULL) {
        rc = open_journal(journal, &damaged_bytes, reason, sizeof reason);
    }
    if (rc != 0) {
        return rc;
    }
    enum journal_verdict judged = judge(journal, agent, position, first_sequence);
    if (judged == JOURNAL_APPENDED || judged == JOURNAL_JUMPED) {
        size_t size;
        uint8_t *entry = journal_entry_encode(agent, received, batch, batch_size, &size);
        rc = seglog_append(journal->log, entry, size, NULL);
        free(entry);
        if (rc != 0) {
            if (rc != -ENOSPC && !journal->unsynced) {
                /* What the file holds now is not known: the next append looks. With something
                 * unsynced in it, the sync that follows fails and does the same. */
                close_log(journal);
            }
            return rc;
        }
        stream_table_put(&journal->streams, agent, position);
        journal->unsynced = true;
    }
    *verdict = judged;
    return 0;
}

/* --- syncing --- */

/* Takes away what was written after the durable end. The kernel may show it still, and it may or
 * may not be on disk: a batch sent again must not find its place taken by itself. */
static int cut(const struct journal *journal)
{
    DIR *folder = opendir(journal->directory);
    if (folder == NULL) {
        return -errno;
    }
    int rc = 0;
    for (const struct dirent *item = readdir(folder); item != NULL && rc == 0;
         item = readdir(folder)) {
        uint64_t segment;
        int length = 0;
        if (sscanf(item->d_name, "%16" SCNx64 ".log%n", &segment, &length) != 1 || length != 20 ||
            item->d_name[length] != '\0' || segment < journal->durable.segment) {
            continue;
        }
        char *path = xasprintf("%s/%s", journal->directory, item->d_name);
        if (segment > journal->durable.segment) {
            rc = unlink(path) == 0 ? 0 : -errno;
        } else {
            rc = truncate(path, (off_t)journal->durable.offset) == 0 ? 0 : -errno;
        }
        free(path);
    }
    (void)closedir(folder);
    return rc;
}

int journal_sync(struct journal *journal)
{
    if (!journal->unsynced) {
        return 0;
    }
    int rc = seglog_sync(journal->log);
    if (rc == 0) {
        /* A mark that cannot be written holds up the reader until the next one, nothing else. */
        (void)publish(journal);
        return 0;
    }
    close_log(journal); /* the next append opens it anew */
    journal->unsynced = false;
    stream_table_roll_back(&journal->streams);
    (void)cut(journal); /* fails as the disk does; then the same batches are duplicates later */
    return rc;
}

/* --- the rest --- */

int journal_stream_position(const struct journal *journal, const uint8_t stream[PROTO_STREAM_SIZE],
                            struct stream_position *position)
{
    const struct stream_entry *entry = stream_table_find(&journal->streams, stream);
    if (entry == NULL || entry->durable.sequence == 0) {
        return -ENOENT;
    }
    *position = entry->durable;
    return 0;
}

const char *journal_stream_agent(const struct journal *journal,
                                 const uint8_t stream[PROTO_STREAM_SIZE])
{
    const struct stream_entry *entry = stream_table_find(&journal->streams, stream);
    return entry == NULL ? NULL : entry->agent;
}

int journal_trim(struct journal *journal, struct seglog_position position)
{
    if (journal->log == NULL) {
        return -EIO;
    }
    if (seglog_position_compare(position, journal->durable) > 0) {
        return -EINVAL;
    }
    return seglog_trim(journal->log, position);
}

uint64_t journal_bytes(const struct journal *journal)
{
    return journal->log == NULL ? 0 : seglog_bytes(journal->log);
}

void journal_close(struct journal *journal)
{
    if (journal == NULL) {
        return;
    }
    seglog_close(journal->log);
    stream_table_clear(&journal->streams);
    free(journal->directory);
    free(journal);
}
