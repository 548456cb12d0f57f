/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

enum {
    TRIM_TIMEOUT_MS = 1000, /* intake answers at once or is in trouble */
    RETRY_MS = 10 * 1000,
};

int store_flush_rows(struct store *store)
{
    int error = rrd_cache_flush(store->rrd, NULL, NULL, NULL);
    if (error != 0) {
        store_note_failure(store, STORE_RRD, error);
    } else {
        store_note_success(store, STORE_RRD);
    }
    return error;
}

/* The files were renamed into place, their folders are not synced yet. */
static int sync_files(struct store *store)
{
    int fd = open(store->options.rrd_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = fd < 0 ? -errno : 0;
    if (fd >= 0) {
        error = syncfs(fd) == 0 ? 0 : -errno;
        (void)close(fd); /* read-only */
    }
    if (error != 0) {
        store_note_failure(store, STORE_RRD, error);
    }
    return error;
}

static int put_watermark(struct store *store, struct seglog_position watermark)
{
    int error = ledger_begin(store->ledger);
    if (error == 0) {
        error = ledger_set_rrd_watermark(store->ledger, watermark);
        if (error == 0) {
            error = ledger_commit(store->ledger);
        } else {
            ledger_rollback(store->ledger);
        }
    }
    if (error != 0) {
        store_note_failure(store, STORE_LEDGER, error);
        return error;
    }
    store_note_success(store, STORE_LEDGER);
    store->watermark = watermark;
    if (seglog_position_compare(watermark, store->applied) >= 0) {
        book_prune(store->book); /* as the ledger did */
    }
    return 0;
}

static void ask_for_trim(struct store *store)
{
    if (seglog_position_compare(store->trimmed, store->watermark) >= 0) {
        return;
    }
    json_t *response = NULL;
    json_t *request = json_pack("{s:s, s:I, s:I}", "request", "trim", "segment",
                                (json_int_t)store->watermark.segment, "offset",
                                (json_int_t)store->watermark.offset);
    int error = request == NULL ? -ENOMEM
                                : control_ask(store->options.intake_control_path, request,
                                              TRIM_TIMEOUT_MS, &response);
    if (error == 0 && json_object_get(response, "error") == NULL) {
        store->trimmed = store->watermark;
    } else {
        store->trim_failures++; /* the next one will do it */
    }
    json_decref(response);
    json_decref(request);
}

int store_reach_watermark(struct store *store)
{
    int error = store_commit(store);
    /* All rows before it went to the cache; it is in the ledger unless this is still a replay. */
    struct seglog_position reached = store->reached;
    if (error == 0) {
        error = store_flush_rows(store);
    }
    if (error == 0) {
        error = sync_files(store);
    }
    if (error == 0 && seglog_position_compare(store->watermark, reached) < 0) {
        error = put_watermark(store, reached);
    }
    if (error == 0) {
        store->checkpoints++;
        store->checkpointed = clock_mono();
    }
    return error;
}

int store_checkpoint(struct store *store)
{
    int error = store_reach_watermark(store);
    struct mono now = clock_mono();
    int64_t pause_ms = store->options.checkpoint_ms;
    if (error != 0) {
        pause_ms = pause_ms < RETRY_MS ? pause_ms : RETRY_MS;
    } else {
        ask_for_trim(store);
    }
    store->checkpoint = mono_add_ms(now, pause_ms);
    return error;
}
