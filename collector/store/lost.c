/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The ledger says up to where the journal was applied. A journal that ends before that place was
 * deleted, or brought back from a backup: waiting for the place would pass over everything that is
 * acknowledged from now on. So the journal is read from its start. What was applied before is not
 * applied again: streams have their positions in the ledger, and files their last times. */
#include "store_state.h"

#include <errno.h>
#include <inttypes.h>

/* After a power cut the journal's mark may say too little until intake has opened it. */
enum { PATIENCE_MS = 10 * 1000 };

static int forget_place(struct store *store)
{
    const struct seglog_position start = {0, 0};
    int error = ledger_begin(store->ledger);
    if (error != 0) {
        return error;
    }
    error = ledger_set_applied(store->ledger, start);
    if (error == 0) {
        error = ledger_set_rrd_watermark(store->ledger, start);
    }
    if (error != 0) {
        ledger_rollback(store->ledger);
        return error;
    }
    return ledger_commit(store->ledger);
}

int store_note_short_journal(struct store *store)
{
    struct mono now = clock_mono();
    if (!store->short_journal) {
        store->short_journal = true;
        store->short_since = now;
    }
    store->at_end = true; /* nothing to apply now */
    if (mono_elapsed_ms(store->short_since, now) < PATIENCE_MS) {
        return 0;
    }
    struct seglog_position lost = store->reached;
    int error = store_commit(store);
    if (error != 0) {
        return error;
    }
    error = forget_place(store);
    if (error != 0) {
        store_note_failure(store, STORE_LEDGER, error);
        store->wait = store->failing[STORE_LEDGER].retry;
        return -EAGAIN;
    }
    log_error(STORE_TOPIC,
              "the journal ends before what was applied of it: it was deleted or replaced, and is "
              "read from its start path=%s segment=%" PRIu64 " offset=%" PRIu64,
              store->options.journal_directory, lost.segment, lost.offset);
    journal_reader_close(store->reader);
    store->reader = NULL;
    store->reached = (struct seglog_position){0, 0};
    store->applied = store->reached;
    store->watermark = store->reached;
    store->trimmed = store->reached;
    store->short_journal = false;
    store->journals_lost++;
    return 1;
}
