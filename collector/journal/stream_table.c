/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stream_table.h"

#include "common/xalloc.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the stream stands, or would. */
static size_t lower_bound(const struct stream_table *table, const uint8_t *stream)
{
    size_t from = 0;
    size_t to = table->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (memcmp(table->entries[middle].appended.stream, stream, PROTO_STREAM_SIZE) < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

struct stream_entry *stream_table_find(const struct stream_table *table,
                                       const uint8_t stream[PROTO_STREAM_SIZE])
{
    size_t i = lower_bound(table, stream);
    if (i == table->count ||
        memcmp(table->entries[i].appended.stream, stream, PROTO_STREAM_SIZE) != 0) {
        return NULL;
    }
    return &table->entries[i];
}

static void remove_entry(struct stream_table *table, size_t i)
{
    free(table->entries[i].agent);
    table->count--;
    memmove(table->entries + i, table->entries + i + 1,
            (table->count - i) * sizeof *table->entries);
}

/* Forgets the stalest stream of `agent`, or of everyone if NULL. */
static void forget_stalest(struct stream_table *table, const char *agent)
{
    size_t stalest = table->count;
    for (size_t i = 0; i < table->count; i++) {
        if ((agent == NULL || strcmp(table->entries[i].agent, agent) == 0) &&
            (stalest == table->count || table->entries[i].turn < table->entries[stalest].turn)) {
            stalest = i;
        }
    }
    if (stalest < table->count) {
        remove_entry(table, stalest);
    }
}

static void make_room(struct stream_table *table, const char *agent)
{
    size_t own = 0;
    for (size_t i = 0; i < table->count; i++) {
        own += strcmp(table->entries[i].agent, agent) == 0;
    }
    if (own >= STREAMS_PER_AGENT_MAX) {
        forget_stalest(table, agent);
    } else if (table->count >= STREAMS_MAX) {
        forget_stalest(table, NULL);
    }
}

void stream_table_put(struct stream_table *table, const char *agent,
                      const struct stream_position *position)
{
    struct stream_entry *entry = stream_table_find(table, position->stream);
    if (entry == NULL) {
        make_room(table, agent);
        size_t i = lower_bound(table, position->stream);
        table->entries = xreallocarray(table->entries, table->count + 1, sizeof *table->entries);
        memmove(table->entries + i + 1, table->entries + i,
                (table->count - i) * sizeof *table->entries);
        table->count++;
        entry = &table->entries[i];
        *entry = (struct stream_entry){.durable = *position, .agent = xstrdup(agent)};
        entry->durable.epoch = 0;
        entry->durable.sequence = 0;
    }
    entry->appended = *position;
    entry->turn = ++table->turn;
}

void stream_table_mark_durable(struct stream_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        table->entries[i].durable = table->entries[i].appended;
    }
}

void stream_table_roll_back(struct stream_table *table)
{
    for (size_t i = table->count; i-- > 0;) {
        struct stream_entry *entry = &table->entries[i];
        entry->appended = entry->durable;
        if (entry->durable.sequence == 0) {
            remove_entry(table, i);
        }
    }
}

static int by_turn(const void *left, const void *right)
{
    const struct stream_entry *const *a = left;
    const struct stream_entry *const *b = right;
    return ((*a)->turn > (*b)->turn) - ((*a)->turn < (*b)->turn);
}

uint8_t *stream_table_encode(const struct stream_table *table, size_t *size)
{
    const struct stream_entry **order = xcalloc(table->count + 1, sizeof(void *));
    struct journal_stream *streams = xcalloc(table->count + 1, sizeof *streams);
    for (size_t i = 0; i < table->count; i++) {
        order[i] = &table->entries[i];
    }
    qsort(order, table->count, sizeof(void *), by_turn);
    for (size_t i = 0; i < table->count; i++) {
        streams[i].position = order[i]->appended;
        /* Agents' names are bounded as they come in. */
        (void)snprintf(streams[i].agent, sizeof streams[i].agent, "%s", order[i]->agent);
    }
    uint8_t *bytes = journal_snapshot_encode(streams, table->count, size);
    free(streams);
    free(order);
    return bytes;
}

void stream_table_restore(struct stream_table *table, const struct journal_stream *streams,
                          size_t n_streams)
{
    stream_table_clear(table);
    for (size_t i = 0; i < n_streams; i++) {
        stream_table_put(table, streams[i].agent, &streams[i].position);
    }
}

void stream_table_clear(struct stream_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        free(table->entries[i].agent);
    }
    free(table->entries);
    *table = (struct stream_table){0};
}
