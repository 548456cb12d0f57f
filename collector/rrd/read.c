/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/xalloc.h"
#include "header.h"
#include "rrd/file.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <rrd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LATEST_STEPS = 10,
    LATEST_S = 300,
    /* What one answer may hold: a chart has a few thousand columns at most. */
    SERIES_ROWS_MAX = 100000,
};

/* Read and check the head. `*bytes` is malloc'ed on success. */
static int read_head(const char *path, uint8_t **bytes, struct rrd_header *header)
{
    char reason[128];
    struct stat status;
    int error = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        return -errno;
    }
    uint8_t *head = xmalloc(RRD_HEADER_MAX);
    ssize_t n = pread(fd, head, RRD_HEADER_MAX, 0);
    if (n < 0 || fstat(fd, &status) != 0) {
        error = errno == EISDIR ? -EBADMSG : -errno;
    } else {
        error = rrd_header_parse(head, (size_t)n, (uint64_t)status.st_size, header, reason,
                                 sizeof reason);
    }
    (void)close(fd); /* read-only */
    if (error != 0) {
        free(head);
        return error;
    }
    *bytes = head;
    return 0;
}

int rrd_file_last(const char *path, struct wall *last)
{
    uint8_t *bytes;
    struct rrd_header header;
    int error = read_head(path, &bytes, &header);
    if (error == 0) {
        last->ms = rrd_header_last_ms(bytes, &header);
        free(bytes);
    }
    return error;
}

int rrd_file_metrics(const char *path, char names[PROTO_METRICS_MAX][RRD_NAME_SIZE],
                     size_t *n_metrics)
{
    uint8_t *bytes;
    struct rrd_header header;
    int error = read_head(path, &bytes, &header);
    if (error != 0) {
        return error;
    }
    *n_metrics = header.n_sources;
    for (size_t i = 0; i < header.n_sources; i++) {
        (void)snprintf(names[i], RRD_NAME_SIZE, "%s", rrd_header_name(bytes, i)); /* it fits */
    }
    free(bytes);
    return 0;
}

/* The finest step of an archive that reaches back to `from` in at most rows_max rows; the coarsest
 * there is if none does. */
static int64_t choose_step(const uint8_t *bytes, const struct rrd_header *header, struct wall from,
                           struct wall to, bool maximum, size_t rows_max)
{
    int64_t best_s = 0;
    int64_t coarsest_s = header->step_s;
    for (size_t i = 0; i < header->n_archives; i++) {
        uint64_t rows;
        bool average;
        int64_t row_s = rrd_header_archive(bytes, header, i, &rows, &average);
        if (average == maximum) {
            continue;
        }
        int64_t reach_ms = rrd_header_last_ms(bytes, header) - (int64_t)rows * row_s * 1000;
        bool covers = reach_ms <= from.ms;
        bool fits = (to.ms - from.ms) / (row_s * 1000) + 1 <= (int64_t)rows_max;
        if (covers && fits && (best_s == 0 || row_s < best_s)) {
            best_s = row_s;
        }
        coarsest_s = row_s > coarsest_s ? row_s : coarsest_s;
    }
    return best_s != 0 ? best_s : coarsest_s;
}

static int fetch(const char *path, bool maximum, int64_t from_s, int64_t to_s, int64_t step_s,
                 struct rrd_series *series)
{
    time_t start = (time_t)from_s;
    time_t end = (time_t)to_s;
    unsigned long step = (unsigned long)step_s;
    unsigned long n = 0;
    char **names = NULL;
    rrd_value_t *values = NULL;
    rrd_clear_error();
    if (rrd_fetch_r(path, maximum ? "MAX" : "AVERAGE", &start, &end, &step, &n, &names, &values) !=
        0) {
        return -EIO;
    }
    *series = (struct rrd_series){.first = {((int64_t)start + (int64_t)step) * 1000},
                                  .step_s = (int64_t)step,
                                  .n_metrics = n};
    for (unsigned long i = 0; i < n; i++) {
        (void)snprintf(series->names[i], RRD_NAME_SIZE, "%s", names[i]); /* it fits */
        rrd_freemem(names[i]);
    }
    rrd_freemem(names);
    series->n_rows = (size_t)((end - start) / (time_t)step);
    series->values = xmemdup(values, series->n_rows * n * sizeof *values);
    rrd_freemem(values);
    return 0;
}

int rrd_file_series(const char *path, struct wall from, struct wall to, bool maximum,
                    size_t rows_max, struct rrd_series *series)
{
    uint8_t *bytes;
    struct rrd_header header;
    if (from.ms < 1 || to.ms <= from.ms || to.ms / 1000 > RRD_TIME_MAX_S || rows_max < 1) {
        return -EINVAL;
    }
    int error = read_head(path, &bytes, &header);
    if (error != 0) {
        return error;
    }
    rows_max = rows_max > SERIES_ROWS_MAX ? SERIES_ROWS_MAX : rows_max;
    int64_t step_s = choose_step(bytes, &header, from, to, maximum, rows_max);
    free(bytes);
    /* Even the coarsest archive may be finer than asked for: ten years are 3,653 days. */
    if ((to.ms - from.ms) / (step_s * 1000) > SERIES_ROWS_MAX) {
        return -EINVAL;
    }
    return fetch(path, maximum, from.ms / 1000, to.ms / 1000, step_s, series);
}

void rrd_series_free(struct rrd_series *series)
{
    free(series->values);
    *series = (struct rrd_series){0};
}

int rrd_file_latest(const char *path, struct wall now, double *values, size_t n, int64_t *step_s)
{
    uint8_t *bytes;
    struct rrd_header header;
    struct rrd_series series;
    int error = read_head(path, &bytes, &header);
    if (error != 0) {
        return error;
    }
    free(bytes);
    if (now.ms / 1000 <= header.step_s || now.ms / 1000 > RRD_TIME_MAX_S) {
        return -EINVAL;
    }
    int64_t back_s = header.step_s * LATEST_STEPS;
    back_s = back_s < LATEST_S ? LATEST_S : back_s;
    int64_t end_s = now.ms / 1000 / header.step_s * header.step_s;
    int64_t from_s = end_s > back_s ? end_s - back_s : 1;
    error = fetch(path, false, from_s, end_s, header.step_s, &series);
    if (error != 0) {
        return error;
    }
    for (size_t i = 0; i < n; i++) {
        values[i] = NAN;
        for (size_t row = series.n_rows; i < series.n_metrics && row-- > 0 && isnan(values[i]);) {
            bool past = series.first.ms + (int64_t)row * series.step_s * 1000 <= now.ms;
            values[i] = past ? series.values[row * series.n_metrics + i] : NAN;
        }
    }
    *step_s = series.step_s;
    rrd_series_free(&series);
    return 0;
}
