/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

enum {
    GROUP_ENTRIES = 1000, /* of a transaction: 120,000 rows/s instead of 7,700 at one each */
};

/* --- from the journal --- */

static void note_damage(struct store *store)
{
    uint64_t held = 0;
    store->damages++;
    if (log_limit_allow(&store->damage_limit, STORE_LOG_MS, &held)) {
        log_error(STORE_TOPIC,
                  "a stretch of the journal is damaged and was passed over after segment=%" PRIu64
                  " offset=%" PRIu64 " path=%s held_back=%" PRIu64,
                  store->reached.segment, store->reached.offset, store->options.journal_directory,
                  held);
    }
}

static void decode_entry(struct store *store, const struct journal_record *record)
{
    struct store_entry *entry = &store->entry;
    char reason[128] = "";
    uint64_t held = 0;
    entry->batch =
        batch_decode(BATCH_WIRE, record->batch, record->batch_size, reason, sizeof reason);
    if (entry->batch != NULL &&
        (entry->batch->position.epoch > INT64_MAX || entry->batch->position.sequence > INT64_MAX)) {
        (void)snprintf(reason, sizeof reason, "its position is out of range");
        batch_free(entry->batch);
        entry->batch = NULL;
    }
    if (entry->batch != NULL) {
        entry->stream = book_stream(store->book, entry->batch->position.stream);
    } else if (log_limit_allow(&store->dead_limit, STORE_LOG_MS, &held)) {
        log_error(STORE_TOPIC,
                  "a batch in the journal is not valid, passed over: %s agent=%s"
                  " held_back=%" PRIu64,
                  reason, entry->agent, held);
    }
}

/* 1: an entry is at hand, or a stretch was passed over; 0: at the end; -EAGAIN. */
static int fetch_entry(struct store *store)
{
    struct journal_record record;
    struct seglog_position position;
    struct seglog_position next;
    int rc = 0;
    if (store->reader == NULL) {
        rc = journal_reader_open(&store->reader, store->options.journal_directory, store->reached);
    }
    if (rc == 0) {
        rc = journal_reader_next(store->reader, &record, &position, &next);
    }
    if (rc == -EBADMSG) {
        note_damage(store);
        return 1;
    }
    if (rc == -ESTALE) {
        return store_note_short_journal(store);
    }
    store->short_journal = false;
    if (rc < 0) {
        store_note_failure(store, STORE_JOURNAL, rc);
        store->wait = store->failing[STORE_JOURNAL].retry;
        return -EAGAIN;
    }
    store_note_success(store, STORE_JOURNAL);
    store->at_end = rc == 0;
    if (rc == 1) {
        struct store_entry *entry = &store->entry;
        *entry = (struct store_entry){.there = true, .received = record.received, .next = next};
        (void)snprintf(entry->agent, sizeof entry->agent, "%s", record.agent);
        decode_entry(store, &record);
    }
    return rc;
}

/* --- one entry --- */

/* The files must not see what came before a changed definition once more after it. */
static int guard_changes(struct store *store)
{
    const struct batch *batch = store->entry.batch;
    bool changes = false;
    for (size_t i = 0; !changes && i < batch->n_definitions; i++) {
        changes = book_would_change(store->book, store->entry.stream, batch->position.epoch,
                                    &batch->definitions[i]);
    }
    if (changes) {
        /* A few milliseconds, for what was applied since the last one. When it fails, a crash
         * before the next one costs set-aside files but no row: go on in any case. */
        (void)store_reach_watermark(store);
    }
    return store->entry.there ? 0 : -EAGAIN; /* its commit may have lost the group */
}

static int settle_definitions(struct store *store)
{
    struct store_entry *entry = &store->entry;
    if (entry->settled) {
        return 0;
    }
    int error = guard_changes(store);
    if (error != 0) {
        return error;
    }
    for (size_t i = 0; i < entry->batch->n_definitions; i++) {
        book_define(store->book, entry->stream, entry->batch->position.epoch,
                    &entry->batch->definitions[i]);
    }
    entry->settled = true;
    return 0;
}

static int finish_entry(struct store *store)
{
    bool news = seglog_position_compare(store->entry.next, store->applied) > 0;
    int error = news ? store_begin(store) : 0;
    if (error != 0) {
        return error;
    }
    store->reached = store->entry.next;
    store->newest = store->entry.received;
    if (news) {
        store->group.entries++;
        store->group.facts.entries++;
        store->group.facts.dead += store->entry.batch == NULL;
    }
    store_drop_entry(store);
    return store->group.entries >= GROUP_ENTRIES ? store_commit(store) : 0;
}

int store_apply_next(struct store *store)
{
    if (!store->entry.there) {
        int rc = fetch_entry(store);
        if (rc <= 0 || !store->entry.there) {
            return rc;
        }
    }
    int error = 0;
    if (store->entry.batch != NULL) {
        error = settle_definitions(store);
        if (error == 0) {
            error = store_feed_rows(store);
        }
        if (error == 0) {
            error = store_put_facts(store);
        }
    }
    if (error == 0) {
        error = finish_entry(store);
    }
    return error == 0 ? 1 : error;
}

int store_catch_up(struct store *store, int64_t budget_ms)
{
    struct mono began = clock_mono();
    struct wall until = clock_wall();
    int rc = 1;
    while (rc == 1 && mono_elapsed_ms(began, clock_mono()) < budget_ms) {
        rc = store_apply_next(store);
        if (rc == 1 && !store->entry.there && store->newest.ms > until.ms) {
            rc = 0; /* what came later was not asked for */
        }
    }
    int error = store_commit(store);
    return error != 0 ? error : rc == 1 ? -ETIMEDOUT : rc;
}
