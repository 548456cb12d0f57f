/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store_state.h"

#include "proto/statement.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const struct store_agent *find_agent(const struct store *store, const char *name)
{
    for (size_t i = 0; i < store->options.n_agents; i++) {
        if (strcmp(store->options.agents[i].name, name) == 0) {
            return &store->options.agents[i];
        }
    }
    return NULL;
}

static void refuse_statement(struct store *store, struct log_limit *limit, uint64_t *counter,
                             const char *text, const struct statement *statement)
{
    uint64_t held = 0;
    (*counter)++;
    if (log_limit_allow(limit, STORE_LOG_MS, &held)) {
        log_error(STORE_TOPIC,
                  "%s; not stored agent=%s number=%" PRIu64 " device=%s check=%s"
                  " held_back=%" PRIu64,
                  text, store->entry.agent, statement->number, statement->device, statement->check,
                  held);
    }
}

/* 0, or the -errno of a ledger that takes nothing more. */
static int keep_statement(struct store *store, const struct observation *observation,
                          const struct statement *statement)
{
    struct store_facts *facts = &store->group.facts;
    int error = ledger_put_statement(store->ledger, store->entry.agent, observation, statement,
                                     store->entry.received);
    switch (error) {
    case 0:
        facts->statements++;
        return 0;
    case -EALREADY:
        facts->statements_repeated++;
        return 0;
    case -EEXIST:
        refuse_statement(store, &store->statement_limit, &facts->statements_conflicting,
                         "an agent signed two statements under one number", statement);
        return 0;
    case -EINVAL:
        refuse_statement(store, &store->statement_limit, &facts->statements_malformed,
                         "a statement does not fit the ledger", statement);
        return 0;
    default:
        return error;
    }
}

static int put_statement(struct store *store, const struct observation *observation)
{
    struct store_facts *facts = &store->group.facts;
    const struct store_agent *agent = find_agent(store, store->entry.agent);
    struct statement statement;
    memset(&statement, 0, sizeof statement);
    if (statement_decode(observation->statement, observation->statement_size, &statement) != 0) {
        refuse_statement(store, &store->statement_limit, &facts->statements_malformed,
                         "a statement is malformed", &statement);
        return 0;
    }
    if (agent != NULL && agent->has_sign_public &&
        statement_verify(observation->statement, observation->statement_size,
                         observation->signature, agent->sign_public) != 0) {
        refuse_statement(store, &store->signature_limit, &facts->bad_signatures,
                         "a statement's signature is not its agent's", &statement);
        return 0;
    }
    /* Else one agent could take another's numbers. */
    if (memcmp(statement.stream, store->entry.stream->stream, sizeof statement.stream) != 0) {
        refuse_statement(store, &store->statement_limit, &facts->statements_foreign,
                         "a statement is of another stream than its batch", &statement);
        return 0;
    }
    return keep_statement(store, observation, &statement);
}

/* Counts an item that the ledger cannot hold; passes other errors on. */
static int allow_misfit(struct store *store, int error)
{
    if (error == -EINVAL) {
        store->group.facts.refused++;
        return 0;
    }
    return error;
}

static void note_rows(struct store *store)
{
    const struct batch *batch = store->entry.batch;
    for (size_t i = 0; i < batch->n_rows; i++) {
        const struct packed_row *row = &batch->rows[i];
        struct book_object *object =
            book_find(store->entry.stream, batch->position.epoch, row->object);
        if (object != NULL && store_time_is_credible(row->time, store->entry.received)) {
            book_note_row(store->book, object, row->time, row->status);
        }
    }
}

static int put_all(struct store *store)
{
    const struct store_entry *entry = &store->entry;
    const struct batch *batch = entry->batch;
    struct store_facts *facts = &store->group.facts;
    int error = allow_misfit(
        store, ledger_put_agent(store->ledger, entry->agent, &batch->position, entry->received));
    for (size_t i = 0; error == 0 && i < batch->n_definitions; i++) {
        facts->definitions++;
        error =
            allow_misfit(store, ledger_put_definition(store->ledger, entry->agent, &batch->position,
                                                      &batch->definitions[i]));
    }
    for (size_t i = 0; error == 0 && i < batch->n_observations; i++) {
        error = put_statement(store, &batch->observations[i]);
    }
    for (size_t i = 0; error == 0 && i < batch->n_gaps; i++) {
        facts->gaps++;
        error = allow_misfit(
            store, ledger_put_gap(store->ledger, entry->agent, &batch->gaps[i], entry->received));
    }
    return error;
}

int store_put_facts(struct store *store)
{
    const struct store_entry *entry = &store->entry;
    if (stream_position_compare(&entry->batch->position, &entry->stream->applied) <= 0) {
        return 0; /* in the ledger already: only its rows were wanted */
    }
    int error = store_begin(store);
    if (error != 0) {
        return error;
    }
    error = put_all(store);
    if (error != 0) {
        store_lose_group(store, STORE_LEDGER, error);
        return -EAGAIN;
    }
    error = store_put_talkers(store);
    if (error != 0) {
        return error;
    }
    note_rows(store);
    entry->stream->applied = entry->batch->position;
    return 0;
}
