/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Batches and worker reports as bytes. Writing appends each item's encoding to one buffer; reading
 * unpacks with a bounded allocator and checks every bound before a caller sees anything: what
 * batch_decode returns is valid by limits.h, has UTF-8 names, finite gauges, masks within 64 bits,
 * known enum values, and times of 1970 to 9999.
 *
 * Threads: a handle belongs to one thread. */
#ifndef PROTO_BATCH_H
#define PROTO_BATCH_H

#include "proto/model.h"

enum batch_form { BATCH_WIRE, BATCH_WORKER_REPORT };

/* --- writing --- */
struct batch_writer;

/* Empty; base time is set by the first item. */
struct batch_writer *batch_writer_new(enum batch_form form);
void batch_writer_free(struct batch_writer *writer);
/* Each returns 0, or -EINVAL when the item breaks a limit (nothing was added). The row's object
 * gives its metrics' types and count. batch_add_result: reports only. batch_add_observation: wire
 * batches only. */
int batch_add_definition(struct batch_writer *writer, const struct object *object);
int batch_add_row(struct batch_writer *writer, const struct object *object, const struct row *row);
int batch_add_result(struct batch_writer *writer, const struct result *result);
int batch_add_observation(struct batch_writer *writer, const struct observation *observation);
int batch_add_gap(struct batch_writer *writer, const struct gap *gap);
int batch_add_talkers(struct batch_writer *writer, const struct talker_report *report);
/* Bytes so far, and numbers of what is in it. */
size_t batch_writer_size(const struct batch_writer *writer);
size_t batch_writer_rows(const struct batch_writer *writer);
size_t batch_writer_items(const struct batch_writer *writer);
/* The encoding under `position` (ignored for reports: may be NULL), owned by the writer and valid
 * until the next call; the writer is empty afterwards. */
const uint8_t *batch_writer_finish(struct batch_writer *writer,
                                   const struct stream_position *position, size_t *size);

/* --- reading --- */
/* A row before it is matched with its definition: the known values, counters apart from gauges. */
struct packed_row {
    uint32_t object;
    struct wall time;
    enum row_status status;
    uint64_t unknown_mask;
    uint64_t discontinuity_mask;
    const uint64_t *counters;
    size_t n_counters;
    const double *gauges;
    size_t n_gauges;
};

struct batch {
    struct stream_position position; /* zero in a report */
    size_t n_definitions;
    struct object *definitions;
    size_t n_rows;
    struct packed_row *rows;
    size_t n_results; /* reports */
    struct result *results;
    size_t n_observations; /* wire */
    struct observation *observations;
    size_t n_gaps;
    struct gap *gaps;
    size_t n_talkers;
    struct talker_report *talkers; /* of no object that the batch defines as another kind */
};

/* NULL when the bytes are not a valid batch of that form; `reason` (at least 128 bytes) then says
 * what is wrong in one sentence. Everything the batch points to is its own. */
struct batch *batch_decode(enum batch_form form, const uint8_t *bytes, size_t size, char *reason,
                           size_t reason_size);
void batch_free(struct batch *batch);

/* Only the position of an encoded wire batch, without allocating. 0, or -EBADMSG. */
int batch_peek_position(const uint8_t *bytes, size_t size, struct stream_position *position);

/* Lay a packed row out by its object's metrics. 0, or -EPROTO when the counts do not match. */
int packed_row_expand(const struct packed_row *packed, const struct metric *metrics,
                      size_t n_metrics, union value values[PROTO_METRICS_MAX]);

#endif
