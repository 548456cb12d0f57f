/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/journal.h"

#include "common/xalloc.h"
#include "durable_mark.h"
#include <errno.h>
#include <stdlib.h>

struct journal_reader {
    char *directory;
    struct seglog_position from;
    struct seglog_position durable; /* as last read: never beyond it */
    struct seglog_reader *log;      /* NULL until there is a journal */
};

int journal_reader_open(struct journal_reader **out, const char *directory,
                        struct seglog_position from)
{
    struct journal_reader *reader = xcalloc(1, sizeof *reader);
    reader->directory = xstrdup(directory);
    reader->from = from;
    *out = reader;
    return 0;
}

static struct seglog_position here(const struct journal_reader *reader)
{
    return reader->log == NULL ? reader->from : seglog_reader_position(reader->log);
}

/* 1: there is something durable to read; 0: not now; -ESTALE: it ends before `from`; or -errno. */
static int look_ahead(struct journal_reader *reader)
{
    if (seglog_position_compare(here(reader), reader->durable) < 0) {
        return 1;
    }
    int rc = durable_mark_read(reader->directory, &reader->durable);
    if (rc == -ENOENT || rc == -EAGAIN) {
        return 0;
    }
    if (rc != 0) {
        return rc;
    }
    int order = seglog_position_compare(here(reader), reader->durable);
    if (order > 0 && reader->log == NULL) {
        return -ESTALE;
    }
    return order < 0; /* beyond it: what begins a new segment is read before the mark says so */
}

int journal_reader_next(struct journal_reader *reader, struct journal_record *record,
                        struct seglog_position *position, struct seglog_position *next)
{
    for (;;) {
        int rc = look_ahead(reader);
        if (rc <= 0) {
            return rc;
        }
        if (reader->log == NULL) {
            rc = seglog_reader_open(&reader->log, reader->directory, reader->from);
            if (rc != 0) {
                return rc == -ENOENT ? 0 : rc;
            }
        }
        const uint8_t *payload;
        size_t size;
        rc = seglog_next(reader->log, &payload, &size, position);
        if (rc == 0) {
            /* It may have looked into what it had read before this became durable. */
            rc = seglog_next(reader->log, &payload, &size, position);
        }
        if (rc != 1) {
            return rc;
        }
        *next = seglog_reader_position(reader->log);
        if (journal_record_decode(payload, size, record) != 0) {
            return -EBADMSG;
        }
        if (record->type == JOURNAL_ENTRY) {
            return 1;
        }
        free(record->streams);
    }
}

void journal_reader_close(struct journal_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    seglog_reader_close(reader->log);
    free(reader->directory);
    free(reader);
}
