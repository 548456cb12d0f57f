/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store_state.h"

#include <errno.h>

void store_drop_entry(struct store *store)
{
    batch_free(store->entry.batch);
    store->entry = (struct store_entry){0};
}

int store_begin(struct store *store)
{
    if (store->group.open) {
        return 0;
    }
    int error = ledger_begin(store->ledger);
    if (error != 0) {
        store_note_failure(store, STORE_LEDGER, error);
        store->wait = store->failing[STORE_LEDGER].retry;
        return -EAGAIN;
    }
    store->group = (struct store_group){.open = true, .start = store->reached};
    return 0;
}

/* The entries of the group are read again. Their rows are not fed again: the book knows. */
static void undo_group(struct store *store, enum store_part part, int error)
{
    store_note_failure(store, part, error);
    store->wait = store->failing[part].retry;
    if (talker_writer_is_open(store->talkers)) {
        talker_writer_rollback(store->talkers);
    }
    book_rollback(store->book);
    store_drop_entry(store);
    journal_reader_close(store->reader);
    store->reader = NULL;
    store->reached = store->group.start;
    store->at_end = false;
    store->group = (struct store_group){0};
}

void store_lose_group(struct store *store, enum store_part part, int error)
{
    ledger_rollback(store->ledger);
    undo_group(store, part, error);
}

static int put_last_row(void *context, const struct book_object *object)
{
    return ledger_put_last_row(context, &object->object, object->last, object->status);
}

static void add_facts(struct store_facts *sum, const struct store_facts *facts)
{
    sum->entries += facts->entries;
    sum->dead += facts->dead;
    sum->definitions += facts->definitions;
    sum->statements += facts->statements;
    sum->statements_repeated += facts->statements_repeated;
    sum->statements_conflicting += facts->statements_conflicting;
    sum->statements_malformed += facts->statements_malformed;
    sum->statements_foreign += facts->statements_foreign;
    sum->bad_signatures += facts->bad_signatures;
    sum->gaps += facts->gaps;
    sum->refused += facts->refused;
    sum->talkers += facts->talkers;
    sum->talkers_not_kept += facts->talkers_not_kept;
    for (size_t i = 0; i < STORE_TALKERS_REASONS; i++) {
        sum->talkers_refused[i] += facts->talkers_refused[i];
    }
}

/* Before the ledger's, which moves the position: what it moves past is on disk. If only this one
 * succeeds, the group comes again, and each report replaces itself. */
static int commit_talkers(struct store *store)
{
    if (!talker_writer_is_open(store->talkers)) {
        return 0;
    }
    int error = talker_writer_commit(store->talkers);
    if (error == 0) {
        store_note_success(store, STORE_TALKERS);
    }
    return error;
}

int store_commit(struct store *store)
{
    if (!store->group.open) {
        return 0;
    }
    store->committed = clock_mono();
    struct seglog_position applied = store->applied;
    if (seglog_position_compare(applied, store->reached) < 0) {
        applied = store->reached;
    }
    int error = book_each_noted(store->book, put_last_row, store->ledger);
    if (error == 0) {
        error = ledger_set_applied(store->ledger, applied);
    }
    if (error != 0) {
        store_lose_group(store, STORE_LEDGER, error);
        return -EAGAIN;
    }
    error = commit_talkers(store);
    if (error != 0) {
        store_lose_group(store, STORE_TALKERS, error);
        return -EAGAIN;
    }
    error = ledger_commit(store->ledger);
    if (error != 0) {
        undo_group(store, STORE_LEDGER, error);
        return -EAGAIN;
    }
    store->applied = applied;
    book_commit(store->book);
    add_facts(&store->facts, &store->group.facts);
    store->group = (struct store_group){0};
    store->commits++;
    store_note_success(store, STORE_LEDGER);
    return 0;
}
