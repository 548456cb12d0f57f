/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store_state.h"

#include <inttypes.h>
#include <string.h>

/* A full ledger stops everything, so it is tried often; a full disk of many files costs a walk. */
static const int64_t retry_ms[STORE_PARTS] = {
    [STORE_LEDGER] = 1000, [STORE_RRD] = 10000, [STORE_JOURNAL] = 1000, [STORE_TALKERS] = 1000};

static const char *part_path(const struct store *store, enum store_part part)
{
    const char *const paths[STORE_PARTS] = {[STORE_LEDGER] = store->options.ledger_path,
                                            [STORE_RRD] = store->options.rrd_directory,
                                            [STORE_JOURNAL] = store->options.journal_directory,
                                            [STORE_TALKERS] = store->options.talkers_path};
    return paths[part];
}

void store_note_failure(struct store *store, enum store_part part, int error)
{
    static const char *const texts[STORE_PARTS] = {
        [STORE_LEDGER] = "the ledger cannot be written, nothing is applied meanwhile",
        [STORE_RRD] = "round-robin files cannot be written, their rows wait",
        [STORE_JOURNAL] = "the journal cannot be read, nothing is applied meanwhile",
        [STORE_TALKERS] =
            "the talkers cannot be written, what brings any is not applied meanwhile"};
    struct store_failing *failing = &store->failing[part];
    uint64_t held = 0;
    failing->now = true;
    failing->error = error;
    failing->retry = mono_add_ms(clock_mono(), retry_ms[part]);
    store->failures[part]++;
    if (log_limit_allow(&failing->limit, STORE_LOG_MS, &held)) {
        log_error(STORE_TOPIC, "%s: %s; the journal keeps everything path=%s held_back=%" PRIu64,
                  texts[part], strerror(-error), part_path(store, part), held);
    }
}

void store_note_success(struct store *store, enum store_part part)
{
    struct store_failing *failing = &store->failing[part];
    if (failing->now) {
        log_info(STORE_TOPIC, "works again path=%s", part_path(store, part));
        *failing = (struct store_failing){0};
    }
}
