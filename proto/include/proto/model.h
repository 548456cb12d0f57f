/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The things that travel, as C structs: objects, rows, results, observations, gaps. Every part
 * that samples, stores or shows data speaks in these; only proto/ turns them into bytes. */
#ifndef PROTO_MODEL_H
#define PROTO_MODEL_H

#include "common/clock.h"
#include "proto/limits.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum metric_type { METRIC_COUNTER = 1, METRIC_GAUGE = 2 };

struct metric {
    const char *name; /* [a-z][a-z0-9_]*, at most PROTO_METRIC_NAME_MAX bytes */
    const char *unit; /* "octets", "packets", "bytes", "ratio" (0 to 1), "s", "ms", "1" … */
    enum metric_type type;
};

struct label {
    const char *key;
    const char *value;
};

/* An object of a device with its fixed metrics. All names are UTF-8, not empty (metrics and labels
 * may be absent), and bounded by limits.h. */
struct object {
    uint32_t number; /* within its (stream, epoch), from 1; 0: not numbered yet */
    const char *device;
    const char *kind; /* "interface", "cpu", "memory", "load", "filesystem", "disk", "check",
                         "traffic", "device", "agent" */
    const char *name;
    int64_t interval_ms;
    const struct metric *metrics;
    size_t n_metrics;
    const struct label *labels;
    size_t n_labels;
};

enum row_status { ROW_OK = 1, ROW_PARTIAL = 2, ROW_DEGRADED = 3, ROW_FAILED = 4 };

union value {
    uint64_t counter;
    double gauge; /* finite */
};

/* One sample of an object. values[i] belongs to metric i; where unknown_mask has bit i its content
 * means nothing. */
struct row {
    uint32_t object;
    struct wall time;
    enum row_status status;
    uint64_t unknown_mask;
    uint64_t discontinuity_mask;
    const union value *values; /* n_metrics of the object */
};

enum outcome { OUTCOME_UP = 1, OUTCOME_DEGRADED = 2, OUTCOME_DOWN = 3, OUTCOME_UNKNOWN = 4 };

/* "up", "degraded", "down", "unknown": the words of every face. */
const char *outcome_name(enum outcome outcome);

/* One result of one check. `time` is when the attempt that decided it was sent: the last attempt
 * of a good result, the first of a bad one. */
struct result {
    uint32_t object;
    struct wall time;
    enum outcome outcome;
    const char *reason; /* "" when up; else lower-case words with hyphens */
    const char *detail; /* for people; may be "" */
};

enum gap_reason {
    GAP_SPOOL_FULL = 1,
    GAP_SPOOL_DAMAGED = 2,
    GAP_WORKER_LOST = 3,
    GAP_ENCODE = 4,
    GAP_DISK_ERROR = 5,
    GAP_SUSPENDED = 6,
};
const char *gap_reason_name(enum gap_reason reason);

/* Data of [from, to) that was lost before it could be delivered, or never came to be. */
struct gap {
    struct wall from;
    struct wall to;
    uint64_t rows; /* 0: not known */
    uint64_t observations;
    enum gap_reason reason;
};

enum talker_list { TALKERS_HOSTS = 1, TALKERS_PREFIXES = 2, TALKERS_SERVICES = 3 };
/* "hosts", "prefixes", "services". */
const char *talker_list_name(enum talker_list list);

/* One of the heaviest of a traffic object. What was told of its address was decided by the agent's
 * privacy: "192.0.2.7", "192.0.2.0/24", "hash:…", "tcp/443 https". True bytes are in [ip_bytes -
 * error_bytes, ip_bytes]. */
struct talker_item {
    const char *key; /* a valid name (name_is_valid) */
    uint64_t ip_bytes;
    uint64_t packets;
    uint64_t error_bytes;
};

/* The heaviest of one kind in [from, to), heaviest first: a record, kept for a while, and no
 * evidence. */
struct talker_report {
    uint32_t object; /* of kind "traffic" */
    struct wall from;
    struct wall to;
    enum talker_list list;
    uint64_t total_ip_bytes;    /* of all, listed or not */
    uint64_t error_bound_bytes; /* none that is not listed, and not below the last listed one, is
                                   heavier than this; 0: the list is exact */
    size_t n_items;             /* at most PROTO_TALKERS_MAX */
    const struct talker_item *items;
};

/* A signed statement as it travels; both are kept byte for byte. */
struct observation {
    const uint8_t *statement;
    size_t statement_size;
    uint8_t signature[64];
};

/* Where a batch stands in its stream. A position is after another if its epoch is greater, or the
 * epoch is equal and its sequence greater. */
struct stream_position {
    uint8_t stream[PROTO_STREAM_SIZE];
    uint64_t epoch;
    uint64_t sequence;
};
int stream_position_compare(const struct stream_position *a, const struct stream_position *b);
/* 32 lower-case hexadecimal digits and NUL. */
void stream_format(const uint8_t stream[PROTO_STREAM_SIZE], char text[2 * PROTO_STREAM_SIZE + 1]);

/* Is it a name that may travel: 1 to PROTO_NAME_MAX bytes of UTF-8 without control characters? */
bool name_is_valid(const char *name, size_t size);

/* Foreign bytes as text that may travel: control characters and what is not UTF-8 become U+FFFD,
 * cut at a character's border to fit `text_size` with its NUL. Returns the text's length. */
size_t text_sanitize(const uint8_t *bytes, size_t size, char *text, size_t text_size);

/* A deep copy, to be cleared with object_clear (which leaves an empty object). */
struct object object_copy(const struct object *object);
void object_clear(struct object *object);
/* The same device, kind and name. */
bool object_same_name(const struct object *a, const struct object *b);
/* The same interval, metrics (names, units, types, order) and labels. */
bool object_same_shape(const struct object *a, const struct object *b);

#endif
