/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "spool_loss.h"

#include "proto/batch.h"
#include "proto/statement.h"

void spool_loss_add_span(struct spool_loss *loss, struct wall from, struct wall to)
{
    if (to.ms <= from.ms) {
        to.ms = from.ms + 1; /* the clock was stepped back, or it is one moment */
    }
    if (!loss->any || from.ms < loss->from.ms) {
        loss->from = from;
    }
    if (!loss->any || to.ms > loss->to.ms) {
        loss->to = to;
    }
    loss->any = true;
}

bool spool_loss_add(struct spool_loss *loss, const uint8_t *bytes, size_t size)
{
    char reason[128];
    struct batch *batch = batch_decode(BATCH_WIRE, bytes, size, reason, sizeof reason);
    if (batch == NULL) {
        return false;
    }
    for (size_t i = 0; i < batch->n_rows; i++) {
        spool_loss_add_span(loss, batch->rows[i].time, batch->rows[i].time);
    }
    loss->rows += batch->n_rows;
    for (size_t i = 0; i < batch->n_observations; i++) {
        struct statement statement;
        const struct observation *observation = &batch->observations[i];
        if (statement_decode(observation->statement, observation->statement_size, &statement) ==
            0) {
            spool_loss_add_span(loss, statement.last, statement.last);
        }
    }
    loss->observations += batch->n_observations;
    for (size_t i = 0; i < batch->n_gaps; i++) {
        const struct gap *gap = &batch->gaps[i];
        spool_loss_add_span(loss, gap->from, gap->to);
        loss->rows += gap->rows;
        loss->observations += gap->observations;
    }
    batch_free(batch);
    return true;
}

struct gap spool_loss_gap(const struct spool_loss *loss, enum gap_reason reason)
{
    return (struct gap){.from = loss->from,
                        .to = loss->to,
                        .rows = loss->rows,
                        .observations = loss->observations,
                        .reason = reason};
}
