/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as a batch of either form: what the reader lets through, the writer takes and the
 * reader reads again; the position that is peeked at is the one that is decoded. */
#include "proto/batch.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool good)
{
    if (!good) {
        abort();
    }
}

static const struct object *find(const struct batch *batch, uint32_t number)
{
    for (size_t i = 0; i < batch->n_definitions; i++) {
        if (batch->definitions[i].number == number) {
            return &batch->definitions[i];
        }
    }
    return NULL;
}

/* Writes again what can be; the number of rows that fit their definitions. */
static size_t rewrite(struct batch_writer *writer, const struct batch *batch)
{
    size_t rows = 0;
    for (size_t i = 0; i < batch->n_definitions; i++) {
        require(batch_add_definition(writer, &batch->definitions[i]) == 0);
    }
    for (size_t i = 0; i < batch->n_rows; i++) {
        const struct packed_row *packed = &batch->rows[i];
        const struct object *object = find(batch, packed->object);
        union value values[PROTO_METRICS_MAX];
        if (object == NULL ||
            packed_row_expand(packed, object->metrics, object->n_metrics, values) != 0) {
            continue;
        }
        const struct row row = {packed->object,
                                packed->time,
                                packed->status,
                                packed->unknown_mask,
                                packed->discontinuity_mask,
                                values};
        require(batch_add_row(writer, object, &row) == 0);
        rows++;
    }
    for (size_t i = 0; i < batch->n_results; i++) {
        require(batch_add_result(writer, &batch->results[i]) == 0);
    }
    for (size_t i = 0; i < batch->n_observations; i++) {
        require(batch_add_observation(writer, &batch->observations[i]) == 0);
    }
    for (size_t i = 0; i < batch->n_gaps; i++) {
        require(batch_add_gap(writer, &batch->gaps[i]) == 0);
    }
    for (size_t i = 0; i < batch->n_talkers; i++) {
        require(batch_add_talkers(writer, &batch->talkers[i]) == 0);
    }
    return rows;
}

static void check(enum batch_form form, const uint8_t *bytes, size_t size)
{
    char reason[128] = "";
    struct stream_position position;
    int peeked = batch_peek_position(bytes, size, &position);
    struct batch *batch = batch_decode(form, bytes, size, reason, sizeof reason);
    require((batch == NULL) == (reason[0] != '\0'));
    if (batch == NULL) {
        return;
    }
    require(form != BATCH_WIRE ||
            (peeked == 0 && memcmp(&position, &batch->position, sizeof position) == 0));
    /* Half of a report, so that another order of rows cannot make it too large. */
    if (size < PROTO_REPORT_MAX / 2) {
        struct batch_writer *writer = batch_writer_new(form);
        size_t rows = rewrite(writer, batch);
        size_t again_size = 0;
        const uint8_t *again = batch_writer_finish(writer, &batch->position, &again_size);
        struct batch *second = batch_decode(form, again, again_size, reason, sizeof reason);
        require(second != NULL && second->n_rows == rows &&
                second->n_definitions == batch->n_definitions &&
                second->n_results == batch->n_results &&
                second->n_observations == batch->n_observations &&
                second->n_gaps == batch->n_gaps && second->n_talkers == batch->n_talkers);
        batch_free(second);
        batch_writer_free(writer);
    }
    batch_free(batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    check(BATCH_WIRE, bytes, size);
    check(BATCH_WORKER_REPORT, bytes, size);
    return 0;
}
