/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "header.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define RRD_EXPORT_DEPRECATED /* librrd's name for "show me the file format" */
#include <rrd.h>

_Static_assert(sizeof(stat_head_t) == 128 && sizeof(ds_def_t) == 120 && sizeof(rra_def_t) == 120 &&
                   sizeof(live_head_t) == 16 && sizeof(pdp_prep_t) == 112 &&
                   sizeof(cdp_prep_t) == 80 && sizeof(rra_ptr_t) == 8,
               "round-robin files are those of 64-bit machines");

/* More than any archive we make, small enough that no product of the head's numbers overflows. */
enum { PDP_CNT_MAX = 1 << 20, ROW_CNT_MAX = 1 << 20, STEP_MAX_S = 31 * 86400 };

static int refuse(char *reason, size_t reason_size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static int refuse(char *reason, size_t reason_size, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    (void)vsnprintf(reason, reason_size, format, list); /* cut if it must be */
    va_end(list);
    return -EBADMSG;
}

static uint64_t get_u64(const uint8_t *bytes, size_t at)
{
    uint64_t value;
    memcpy(&value, bytes + at, sizeof value);
    return value;
}

static double get_double(const uint8_t *bytes, size_t at)
{
    double value;
    memcpy(&value, bytes + at, sizeof value);
    return value;
}

static size_t source_at(size_t i)
{
    return sizeof(stat_head_t) + i * sizeof(ds_def_t);
}

static size_t archive_at(const struct rrd_header *header, size_t i)
{
    return header->rra_at + i * sizeof(rra_def_t);
}

static size_t prepared_at(const struct rrd_header *header, size_t i)
{
    return header->pdp_at + i * sizeof(pdp_prep_t);
}

static bool is_text(const uint8_t *bytes, size_t at, size_t size)
{
    return memchr(bytes + at, '\0', size) != NULL;
}

static int check_static(const uint8_t *bytes, size_t size, struct rrd_header *header, char *reason,
                        size_t reason_size)
{
    if (size < sizeof(stat_head_t)) {
        return refuse(reason, reason_size, "too short for a round-robin file");
    }
    if (memcmp(bytes, RRD_COOKIE, sizeof RRD_COOKIE) != 0) {
        return refuse(reason, reason_size, "not a round-robin file");
    }
    const uint8_t *version = bytes + offsetof(stat_head_t, version);
    if (memcmp(version, "000", 3) != 0 || version[3] < '3' || version[3] > '5' ||
        version[4] != '\0') {
        return refuse(reason, reason_size, "unknown format version");
    }
    double cookie = get_double(bytes, offsetof(stat_head_t, float_cookie));
    double expected = FLOAT_COOKIE;
    if (memcmp(&cookie, &expected, sizeof cookie) != 0) {
        return refuse(reason, reason_size, "made on another architecture, or damaged");
    }
    uint64_t sources = get_u64(bytes, offsetof(stat_head_t, ds_cnt));
    uint64_t archives = get_u64(bytes, offsetof(stat_head_t, rra_cnt));
    uint64_t step = get_u64(bytes, offsetof(stat_head_t, pdp_step));
    if (sources < 1 || sources > RRD_SOURCES_MAX || archives < 1 || archives > RRD_ARCHIVES_MAX) {
        return refuse(reason, reason_size, "%llu data sources and %llu archives",
                      (unsigned long long)sources, (unsigned long long)archives);
    }
    if (step < 1 || step > STEP_MAX_S) {
        return refuse(reason, reason_size, "a step of %llu s", (unsigned long long)step);
    }
    header->n_sources = (size_t)sources;
    header->n_archives = (size_t)archives;
    header->step_s = (int64_t)step;
    header->rra_at = source_at(header->n_sources);
    header->live_at = archive_at(header, header->n_archives);
    header->pdp_at = header->live_at + sizeof(live_head_t);
    header->size = prepared_at(header, header->n_sources) +
                   header->n_sources * header->n_archives * sizeof(cdp_prep_t) +
                   header->n_archives * sizeof(rra_ptr_t);
    return header->size <= size ? 0 : refuse(reason, reason_size, "the head is cut off");
}

static bool is_source_name(const char *name)
{
    return name[0] != '\0' && name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
                                                "XYZ0123456789_-")] == '\0';
}

static int check_source(const uint8_t *bytes, const struct rrd_header *header, size_t i,
                        char *reason, size_t reason_size)
{
    size_t at = source_at(i);
    size_t type_at = at + offsetof(ds_def_t, dst);
    if (!is_text(bytes, at, DS_NAM_SIZE) || !is_source_name(rrd_header_name(bytes, i))) {
        return refuse(reason, reason_size, "data source %zu has no proper name", i);
    }
    if (!is_text(bytes, type_at, DST_SIZE) ||
        (strcmp((const char *)bytes + type_at, "DERIVE") != 0 &&
         strcmp((const char *)bytes + type_at, "GAUGE") != 0)) {
        return refuse(reason, reason_size, "data source %zu is neither DERIVE nor GAUGE", i);
    }
    uint64_t heartbeat = get_u64(bytes, at + offsetof(ds_def_t, par[DS_mrhb_cnt]));
    if (heartbeat < 1 || heartbeat > 10 * (uint64_t)STEP_MAX_S) {
        return refuse(reason, reason_size, "data source %zu has no proper heartbeat", i);
    }
    size_t prepared = prepared_at(header, i);
    if (!is_text(bytes, prepared, LAST_DS_LEN)) {
        return refuse(reason, reason_size, "data source %zu has no proper last reading", i);
    }
    uint64_t unknown = get_u64(bytes, prepared + offsetof(pdp_prep_t, scratch[PDP_unkn_sec_cnt]));
    uint64_t last_s = get_u64(bytes, header->live_at + offsetof(live_head_t, last_up));
    if (unknown > last_s % (uint64_t)header->step_s) {
        return refuse(reason, reason_size, "data source %zu: unknown for longer than its step", i);
    }
    return 0;
}

static int check_archive(const uint8_t *bytes, const struct rrd_header *header, size_t i,
                         uint64_t *rows, char *reason, size_t reason_size)
{
    static const char *const functions[] = {"AVERAGE", "MAX", "MIN", "LAST"};
    size_t at = archive_at(header, i);
    bool known = false;
    if (is_text(bytes, at, CF_NAM_SIZE)) {
        for (size_t k = 0; k < sizeof functions / sizeof *functions; k++) {
            known = known || strcmp((const char *)bytes + at, functions[k]) == 0;
        }
    }
    if (!known) {
        return refuse(reason, reason_size, "archive %zu: unknown function", i);
    }
    uint64_t steps = get_u64(bytes, at + offsetof(rra_def_t, pdp_cnt));
    *rows = get_u64(bytes, at + offsetof(rra_def_t, row_cnt));
    if (steps < 1 || steps > PDP_CNT_MAX || *rows < 1 || *rows > ROW_CNT_MAX) {
        return refuse(reason, reason_size, "archive %zu: %llu rows of %llu steps", i,
                      (unsigned long long)*rows, (unsigned long long)steps);
    }
    size_t pointers = header->size - header->n_archives * sizeof(rra_ptr_t);
    if (get_u64(bytes, pointers + i * sizeof(rra_ptr_t)) >= *rows) {
        return refuse(reason, reason_size, "archive %zu: its row pointer is outside", i);
    }
    return 0;
}

int rrd_header_parse(const uint8_t *bytes, size_t size, uint64_t file_size,
                     struct rrd_header *header, char *reason, size_t reason_size)
{
    int error = check_static(bytes, size, header, reason, reason_size);
    for (size_t i = 0; error == 0 && i < header->n_sources; i++) {
        error = check_source(bytes, header, i, reason, reason_size);
    }
    uint64_t rows_total = 0;
    for (size_t i = 0; error == 0 && i < header->n_archives; i++) {
        uint64_t rows = 0;
        error = check_archive(bytes, header, i, &rows, reason, reason_size);
        rows_total += rows;
    }
    if (error != 0) {
        return error;
    }
    uint64_t seconds = get_u64(bytes, header->live_at + offsetof(live_head_t, last_up));
    uint64_t micros = get_u64(bytes, header->live_at + offsetof(live_head_t, last_up_usec));
    if (seconds > (uint64_t)RRD_TIME_MAX_S || micros > 999999) {
        return refuse(reason, reason_size, "its last time is absurd");
    }
    uint64_t wanted = header->size + rows_total * header->n_sources * sizeof(rrd_value_t);
    if (wanted != file_size) {
        return refuse(reason, reason_size, "%llu bytes where %llu should be",
                      (unsigned long long)file_size, (unsigned long long)wanted);
    }
    return 0;
}

const char *rrd_header_name(const uint8_t *bytes, size_t i)
{
    return (const char *)bytes + source_at(i);
}

bool rrd_header_is_counter(const uint8_t *bytes, size_t i)
{
    return bytes[source_at(i) + offsetof(ds_def_t, dst)] == 'D';
}

int64_t rrd_header_heartbeat_ms(const uint8_t *bytes, size_t i)
{
    return (int64_t)get_u64(bytes, source_at(i) + offsetof(ds_def_t, par[DS_mrhb_cnt])) * 1000;
}

int64_t rrd_header_last_ms(const uint8_t *bytes, const struct rrd_header *header)
{
    uint64_t seconds = get_u64(bytes, header->live_at + offsetof(live_head_t, last_up));
    uint64_t micros = get_u64(bytes, header->live_at + offsetof(live_head_t, last_up_usec));
    /* librrd cuts the microseconds of a binary fraction: .123 may stand there as 122999. */
    return (int64_t)(seconds * 1000 + (micros + 500) / 1000);
}

int64_t rrd_header_archive(const uint8_t *bytes, const struct rrd_header *header, size_t i,
                           uint64_t *rows, bool *average)
{
    size_t at = archive_at(header, i);
    *rows = get_u64(bytes, at + offsetof(rra_def_t, row_cnt));
    *average = bytes[at] == 'A';
    return (int64_t)get_u64(bytes, at + offsetof(rra_def_t, pdp_cnt)) * header->step_s;
}

const char *rrd_header_reading(const uint8_t *bytes, const struct rrd_header *header, size_t i)
{
    return (const char *)bytes + prepared_at(header, i);
}

void rrd_header_forget_reading(uint8_t *bytes, const struct rrd_header *header, size_t i)
{
    memset(bytes + prepared_at(header, i), 0, LAST_DS_LEN);
    bytes[prepared_at(header, i)] = 'U';
}

void rrd_header_step_get(const uint8_t *bytes, const struct rrd_header *header, size_t i,
                         double *value, int64_t *unknown_s)
{
    size_t at = prepared_at(header, i);
    *value = get_double(bytes, at + offsetof(pdp_prep_t, scratch[PDP_val]));
    *unknown_s = (int64_t)get_u64(bytes, at + offsetof(pdp_prep_t, scratch[PDP_unkn_sec_cnt]));
}

void rrd_header_step_set(uint8_t *bytes, const struct rrd_header *header, size_t i, double value,
                         int64_t unknown_s)
{
    size_t at = prepared_at(header, i);
    memcpy(bytes + at + offsetof(pdp_prep_t, scratch[PDP_val]), &value, sizeof value);
    memcpy(bytes + at + offsetof(pdp_prep_t, scratch[PDP_unkn_sec_cnt]), &unknown_s,
           sizeof unknown_s);
}
