/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is lost when batches are: their span of time and how many rows and observations they hold,
 * so that the spool can say it as one gap.
 *
 * Threads: no state. */
#ifndef AGENT_SPOOL_LOSS_H
#define AGENT_SPOOL_LOSS_H

#include "proto/model.h"

struct spool_loss {
    bool any; /* something with a time was lost */
    struct wall from;
    struct wall to;
    uint64_t rows;
    uint64_t observations;
};

/* Add what an encoded batch holds; the gaps in it are lost with it, and so become part of this
 * one. False when it cannot be decoded. */
bool spool_loss_add(struct spool_loss *loss, const uint8_t *batch, size_t size);
/* Add a span without known contents. */
void spool_loss_add_span(struct spool_loss *loss, struct wall from, struct wall to);
/* Needs `any`. */
struct gap spool_loss_gap(const struct spool_loss *loss, enum gap_reason reason);

#endif
