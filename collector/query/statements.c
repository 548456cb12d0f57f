/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Statements byte for byte, for whoever verifies them (docs/evidence.md). */
#include "internal.h"

#include "common/xalloc.h"
#include "proto/model.h"

#include <sodium.h>
#include <stdlib.h>

struct page {
    json_t *statements;
    int64_t last; /* id of the newest on the page */
};

static json_t *base64_of(const uint8_t *bytes, size_t size)
{
    size_t room = sodium_base64_ENCODED_LEN(size, sodium_base64_VARIANT_ORIGINAL);
    char *text = xmalloc(room);
    (void)sodium_bin2base64(text, room, bytes, size, sodium_base64_VARIANT_ORIGINAL);
    json_t *value = json_string(text);
    free(text);
    return value;
}

static json_t *chain_of(enum ledger_chain chain)
{
    switch (chain) {
    case LEDGER_CHAIN_BROKEN:
        return json_false();
    case LEDGER_CHAIN_GOOD:
        return json_true();
    case LEDGER_CHAIN_OPEN:
        return json_null();
    }
    return json_null();
}

static int list_statement(void *context, const struct ledger_statement *statement)
{
    struct page *page = context;
    const struct observation *observation = &statement->observation;
    char stream[2 * PROTO_STREAM_SIZE + 1];
    stream_format(statement->stream, stream);
    page->last = statement->id;
    return json_array_append_new(
        page->statements,
        json_pack("{s:s, s:s, s:I, s:o, s:o, s:o, s:o}", "agent", statement->agent, "stream",
                  stream, "number", (json_int_t)statement->number, "statement",
                  base64_of(observation->statement, observation->statement_size), "signature",
                  base64_of(observation->signature, sizeof observation->signature), "received",
                  query_time(statement->received), "chain", chain_of(statement->chain)));
}

json_t *query_statements(const struct query_sources *sources, const struct query_evidence *wanted,
                         struct query_failure *failure)
{
    struct ledger_view *view = NULL;
    struct page page = {.statements = NULL};
    const struct ledger_statements order = {.device = wanted->device,
                                            .check = wanted->check,
                                            .from = wanted->from,
                                            .to = wanted->to,
                                            .after = wanted->after,
                                            .most = wanted->most};
    if ((wanted->device == NULL) != (wanted->check == NULL)) {
        return query_fail(failure, QUERY_BAD_PARAMETER, "device and check go together");
    }
    if (wanted->from.ms >= wanted->to.ms) {
        return query_fail(failure, QUERY_BAD_PARAMETER, "from must be before to");
    }
    if (query_view_open(sources, &view, failure) != 0) {
        return NULL;
    }
    page.statements = json_array();
    int rc = view == NULL ? 0 : ledger_view_statements(view, &order, list_statement, &page);
    query_view_close(view);
    if (rc != 0) {
        json_decref(page.statements);
        return query_fail(failure, QUERY_UNAVAILABLE, "the ledger cannot be read now");
    }
    bool is_full = json_array_size(page.statements) == (size_t)wanted->most;
    return json_pack("{s:o, s:o}", "statements", page.statements, "next",
                     is_full ? json_integer(page.last) : json_null());
}
