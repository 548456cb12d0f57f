/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The head of a round-robin file as bytes: where each field stands, and whether librrd may be
 * handed the file at all (a step of 0 in the head kills a process inside rrd_update). Layout:
 * rrd_format.h of librrd, versions 3 to 5 on a 64-bit little-endian machine.
 *
 * Only what Beffroi itself makes passes: GAUGE and DERIVE sources, AVERAGE, MAX, MIN and LAST
 * archives. Pure: no I/O, no allocation. Threads: no state. */
#ifndef RRD_HEADER_H
#define RRD_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RRD_HEADER_MAX = 512 * 1024, /* 64 sources and 64 archives take 352 kB */
    RRD_SOURCES_MAX = 64,
    RRD_ARCHIVES_MAX = 64,
};

/* 2100-01-01: what lies after it is a broken clock. */
#define RRD_TIME_MAX_S INT64_C(4102444800)

struct rrd_header {
    size_t n_sources;
    size_t n_archives;
    int64_t step_s;
    size_t size; /* of the head */
    size_t rra_at;
    size_t live_at;
    size_t pdp_at;
};

/* `bytes` begins at the file's first byte and holds at least the head, or all of the file;
 * `file_size` is the whole file's. 0 or -EBADMSG with a reason. */
int rrd_header_parse(const uint8_t *bytes, size_t size, uint64_t file_size,
                     struct rrd_header *header, char *reason, size_t reason_size);

/* Of a parsed head; i < n_sources. Texts end with NUL and stand in `bytes`. */
const char *rrd_header_name(const uint8_t *bytes, size_t i);
bool rrd_header_is_counter(const uint8_t *bytes, size_t i);
int64_t rrd_header_heartbeat_ms(const uint8_t *bytes, size_t i);
int64_t rrd_header_last_ms(const uint8_t *bytes, const struct rrd_header *header);
/* Seconds that one row of archive i stands for, how many rows, and is it AVERAGE. */
int64_t rrd_header_archive(const uint8_t *bytes, const struct rrd_header *header, size_t i,
                           uint64_t *rows, bool *average);

/* The last reading of a source, as text; "U" is unknown. Setting makes it unknown. */
const char *rrd_header_reading(const uint8_t *bytes, const struct rrd_header *header, size_t i);
void rrd_header_forget_reading(uint8_t *bytes, const struct rrd_header *header, size_t i);
/* The step in progress: rate * seconds so far (NAN: nothing known), and whole unknown seconds. */
void rrd_header_step_get(const uint8_t *bytes, const struct rrd_header *header, size_t i,
                         double *value, int64_t *unknown_s);
void rrd_header_step_set(uint8_t *bytes, const struct rrd_header *header, size_t i, double value,
                         int64_t unknown_s);

#endif
