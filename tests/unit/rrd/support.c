/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support.h"

#include "common/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

char *make_folder(void)
{
    char *folder =
        xasprintf("%s/beffroi-rrd-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(folder));
    return folder;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status; /* the walk's interface */
    (void)type;
    (void)walk;
    return remove(path);
}

void remove_folder(char *folder)
{
    assert_int_equal(nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(folder);
}

struct object sample_object(int64_t interval_ms)
{
    static const struct metric metrics[SAMPLE_METRICS] = {
        {"in_octets", "octets", METRIC_COUNTER},
        {"out_octets", "octets", METRIC_COUNTER},
        {"oper_status", "1", METRIC_GAUGE},
        {"level", "1", METRIC_GAUGE},
    };
    return (struct object){.number = 1,
                           .device = "sw-1",
                           .kind = "interface",
                           .name = "Gi0/1",
                           .interval_ms = interval_ms,
                           .metrics = metrics,
                           .n_metrics = SAMPLE_METRICS};
}

uint64_t random_next(struct random *random)
{
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return random->state * UINT64_C(2685821657736338717);
}

uint64_t random_below(struct random *random, uint64_t limit)
{
    return random_next(random) % limit;
}

static int64_t next_time(struct random *random, int64_t ms, int64_t interval_ms)
{
    uint64_t dice = random_below(random, 100);
    int64_t jitter_ms = (int64_t)random_below(random, (uint64_t)interval_ms / 4 + 1);
    if (dice < 3) {
        return ms + interval_ms * 5 + jitter_ms * 9; /* past every heartbeat */
    }
    if (dice < 6) {
        return ms + interval_ms * 26 / 10; /* just past the heartbeat */
    }
    if (dice < 11) {
        return ms + interval_ms * 2 + jitter_ms; /* one row is missing */
    }
    if (dice < 23) {
        return ms + interval_ms / 5 + 1; /* two rows in a step */
    }
    if (dice < 40) {
        return (ms / interval_ms + 1) * interval_ms; /* on the boundary */
    }
    return ms + interval_ms - interval_ms / 8 + jitter_ms;
}

void make_rows(struct random *random, int64_t interval_ms, struct wall start, struct rrd_row *rows,
               size_t n)
{
    int64_t ms = start.ms;
    uint64_t in = UINT64_MAX / 2 - 5000000; /* crosses 2^63 */
    uint64_t out = 7;
    for (size_t i = 0; i < n; i++) {
        rows[i] = (struct rrd_row){.time = {ms}};
        in += random_below(random, 12500000);
        out += random_below(random, 40);
        if (random_below(random, 40) == 0) {
            out = random_below(random, 1000); /* a reset that nobody saw */
        }
        for (size_t k = 0; k < SAMPLE_METRICS; k++) {
            if (random_below(random, 12) == 0) {
                rows[i].unknown_mask |= UINT64_C(1) << k;
            }
            if (random_below(random, 25) == 0) {
                rows[i].discontinuity_mask |= UINT64_C(1) << k;
            }
        }
        rows[i].values[0].counter = in;
        rows[i].values[1].counter = out;
        rows[i].values[2].gauge = (double)random_below(random, 2);
        rows[i].values[3].gauge = (double)random_below(random, 1000000) / 997.0 - 300.0;
        ms = next_time(random, ms, interval_ms);
    }
}

void must_update(const char *path, const struct object *object, const struct rrd_row *rows,
                 size_t n)
{
    char reason[256] = "";
    struct rrd_update_result result;
    int error = rrd_file_update(path, object, rows, n, &result, reason, sizeof reason);
    if (error != 0) {
        fail_msg("update: %d %s", error, reason);
    }
    assert_int_equal(result.refused, 0);
    assert_int_equal(result.written + result.skipped, n);
}

uint8_t *read_file(const char *path, size_t *size)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &status), 0);
    *size = (size_t)status.st_size;
    uint8_t *bytes = xmalloc(*size + 1);
    assert_int_equal(read(fd, bytes, *size), *size);
    assert_int_equal(close(fd), 0);
    return bytes;
}

void write_file(const char *path, const void *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    assert_int_equal(close(fd), 0);
}

char *run_rrdtool(const char *const *args)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(ends[1], STDOUT_FILENO);
        execvp("rrdtool", (void *)args);
        _exit(127);
    }
    (void)close(ends[1]);
    char *text = NULL;
    size_t used = 0;
    ssize_t n = 1;
    while (n > 0) {
        text = xrealloc(text, used + 65536 + 1);
        n = read(ends[0], text + used, 65536);
        used += n > 0 ? (size_t)n : 0;
    }
    text[used] = '\0';
    (void)close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
