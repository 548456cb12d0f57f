/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as a round-robin file: the head check never reads past them, and what it lets through
 * does not crash librrd when rows are written to it. */
#include "feed.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SIZE_MAX_BYTES = 1 << 20, ROWS = 12 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void write_rows(struct rrd_image *image)
{
    static const int64_t gaps_ms[ROWS] = {1,     999,   1000,   60000,  7,         86400000,
                                          59993, 61000, 150001, 400000, 604800000, 250};
    struct rrd_row rows[ROWS];
    struct rrd_update_result result = {0};
    char reason[256];
    int64_t ms = rrd_header_last_ms(image->bytes, &image->header);
    memset(rows, 0, sizeof rows);
    for (size_t i = 0; i < ROWS; i++) {
        ms += gaps_ms[i];
        rows[i].time.ms = ms;
        rows[i].unknown_mask = i == 4 ? UINT64_MAX : i;
        rows[i].discontinuity_mask = i == 7 ? UINT64_MAX : 0;
        for (size_t k = 0; k < PROTO_METRICS_MAX; k++) {
            rows[i].values[k].counter = UINT64_MAX / ROWS * (i + 1);
        }
    }
    rrd_feed(image, rows, ROWS, &result, reason, sizeof reason);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct rrd_header header;
    char reason[256] = "";
    char path[40];
    /* A copy of exactly this size, so that one byte too far is seen. */
    uint8_t *copy = malloc(size + 1);
    if (copy == NULL || size > SIZE_MAX_BYTES) {
        free(copy);
        return 0;
    }
    memcpy(copy + 1, bytes, size);
    int error = rrd_header_parse(copy + 1, size, size, &header, reason, sizeof reason);
    free(copy);
    if (error != 0) {
        return reason[0] == '\0' ? abort(), 0 : 0;
    }
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size) {
        abort();
    }
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) {
        abort();
    }
    struct rrd_image image = {.path = path, .bytes = mapped, .header = header};
    write_rows(&image);
    /* What librrd leaves must pass again: a good file is never taken for a bad one. */
    if (rrd_header_parse(mapped, size, size, &header, reason, sizeof reason) != 0) {
        abort();
    }
    (void)munmap(mapped, size);
    (void)close(fd);
    return 0;
}
