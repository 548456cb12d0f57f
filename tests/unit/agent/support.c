/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support.h"

#include "common/seglog.h"
#include "proto/statement.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* --- the clock --- */

static int64_t fake_mono_ms;
static int64_t fake_wall_ms;

static struct mono fake_mono(void *context)
{
    (void)context;
    return (struct mono){fake_mono_ms * 1000000};
}

static struct wall fake_wall(void *context)
{
    (void)context;
    return (struct wall){fake_wall_ms};
}

void clock_move_ms(int64_t ms)
{
    fake_mono_ms += ms;
    fake_wall_ms += ms;
}

void clock_step_ms(int64_t ms)
{
    fake_wall_ms += ms;
}

/* --- the scene --- */

void scene_make(struct scene *scene)
{
    static const struct clock_source source = {.mono = fake_mono, .wall = fake_wall};
    *scene = (struct scene){.segment_bytes = 1 << 20, .max_bytes = 1 << 30};
    fake_mono_ms = 1000000;
    fake_wall_ms = TEST_TIME;
    clock_replace(&source);
    snprintf(scene->folder, sizeof scene->folder, "/tmp/beffroi-agent-XXXXXX");
    assert_non_null(mkdtemp(scene->folder));
    snprintf(scene->spool_folder, sizeof scene->spool_folder, "%s/spool", scene->folder);
}

void scene_remove(struct scene *scene)
{
    scene_close(scene);
    clock_replace(NULL);
    char command[256];
    snprintf(command, sizeof command, "chmod -R u+rwx %s && rm -rf %s", scene->folder,
             scene->folder);
    assert_int_equal(system(command), 0);
}

void scene_on_gap(void *context, const struct gap *gap)
{
    struct scene *scene = context;
    assert_true(scene->n_gaps < GAPS_MAX);
    assert_true(gap->from.ms < gap->to.ms);
    scene->gaps[scene->n_gaps++] = *gap;
}

static struct spool_options scene_options(struct scene *scene)
{
    return (struct spool_options){.directory = scene->spool_folder,
                                  .segment_bytes = scene->segment_bytes,
                                  .max_bytes = scene->max_bytes,
                                  .on_gap = scene_on_gap,
                                  .context = scene};
}

void scene_open(struct scene *scene)
{
    char reason[256] = "";
    struct spool_options options = scene_options(scene);
    clock_move_ms(1000);
    int rc = spool_open(&scene->spool, &options, &scene->chain, reason, sizeof reason);
    if (rc != 0) {
        fail_msg("spool_open: %d %s", rc, reason);
    }
}

void scene_close(struct scene *scene)
{
    spool_close(scene->spool);
    scene->spool = NULL;
}

void scene_crash(struct scene *scene)
{
    char command[512];
    /* The copy is what the disk holds now; closing afterwards changes only the original. */
    snprintf(command, sizeof command, "cp -a %s %s.crash", scene->spool_folder,
             scene->spool_folder);
    assert_int_equal(system(command), 0);
    scene_close(scene);
    snprintf(command, sizeof command, "rm -rf %s && mv %s.crash %s", scene->spool_folder,
             scene->spool_folder, scene->spool_folder);
    assert_int_equal(system(command), 0);
}

/* --- batches --- */

static struct stream_position next_position(struct scene *scene)
{
    struct stream_position position = spool_next_position(scene->spool);
    assert_true(position.sequence < BATCHES_MAX);
    scene->epochs[position.sequence] = position.epoch;
    return position;
}

static const struct metric metrics[] = {{"octets", "octets", METRIC_COUNTER}};

void scene_append(struct scene *scene, int64_t time_ms, size_t rows, size_t pad)
{
    struct batch_writer *writer = batch_writer_new(BATCH_WIRE);
    char value[1001];
    char keys[32][4];
    struct label labels[32];
    assert_true(pad < sizeof value);
    memset(value, 'x', pad);
    value[pad] = '\0';
    for (size_t i = 0; i < 32; i++) {
        snprintf(keys[i], sizeof keys[i], "k%zu", i);
        labels[i] = (struct label){keys[i], value};
    }
    struct object object = {.number = 1,
                            .device = "d",
                            .kind = "interface",
                            .name = "eth0",
                            .interval_ms = 1000,
                            .metrics = metrics,
                            .n_metrics = 1,
                            .labels = labels,
                            .n_labels = pad > 0 ? 32 : 0};
    assert_int_equal(batch_add_definition(writer, &object), 0);
    for (size_t i = 0; i < rows; i++) {
        union value counter = {.counter = i};
        struct row row = {
            .object = 1, .time = {time_ms + (int64_t)i}, .status = ROW_OK, .values = &counter};
        assert_int_equal(batch_add_row(writer, &object, &row), 0);
    }
    struct stream_position position = next_position(scene);
    size_t size = 0;
    const uint8_t *bytes = batch_writer_finish(writer, &position, &size);
    spool_append(scene->spool, bytes, size, &scene->chain);
    batch_writer_free(writer);
}

void scene_append_statement(struct scene *scene, const struct keys *keys, int64_t time_ms)
{
    struct stream_position position = next_position(scene);
    struct statement statement = {.number = scene->chain.number + 1,
                                  .has_previous = scene->chain.number > 0,
                                  .device = "d",
                                  .check = "c",
                                  .outcome = OUTCOME_UP,
                                  .first = {time_ms},
                                  .last = {time_ms},
                                  .results = 1,
                                  .interval_ms = 1000};
    memcpy(statement.stream, position.stream, sizeof statement.stream);
    memcpy(statement.previous, scene->chain.hash, sizeof statement.previous);
    uint8_t bytes[STATEMENT_SIZE_MAX];
    struct observation observation = {.statement = bytes};
    assert_int_equal(
        statement_sign(&statement, keys, bytes, &observation.statement_size, observation.signature),
        0);
    scene->chain.number++;
    statement_hash(bytes, observation.statement_size, scene->chain.hash);
    struct batch_writer *writer = batch_writer_new(BATCH_WIRE);
    assert_int_equal(batch_add_observation(writer, &observation), 0);
    size_t size = 0;
    const uint8_t *encoded = batch_writer_finish(writer, &position, &size);
    spool_append(scene->spool, encoded, size, &scene->chain);
    batch_writer_free(writer);
}

uint64_t scene_read(struct scene *scene)
{
    const uint8_t *batch = NULL;
    size_t size = 0;
    struct stream_position position;
    struct stream_position inside;
    if (spool_read(scene->spool, &batch, &size, &position) == 0) {
        return 0;
    }
    assert_int_equal(batch_peek_position(batch, size, &inside), 0);
    assert_int_equal(stream_position_compare(&position, &inside), 0);
    assert_true(position.sequence > 0);
    return position.sequence;
}

size_t scene_read_all(struct scene *scene, uint64_t first)
{
    size_t count = 0;
    for (uint64_t sequence; (sequence = scene_read(scene)) != 0; count++) {
        assert_int_equal(sequence, first + count);
    }
    return count;
}

struct stream_position scene_position(const struct scene *scene, uint64_t sequence)
{
    struct stream_position position = spool_next_position(scene->spool);
    assert_true(sequence < BATCHES_MAX && scene->epochs[sequence] != 0);
    position.epoch = scene->epochs[sequence];
    position.sequence = sequence;
    return position;
}

void scene_acknowledge(struct scene *scene, uint64_t sequence)
{
    struct stream_position position = scene_position(scene, sequence);
    spool_acknowledge(scene->spool, &position);
}

/* --- files --- */

static int is_segment(const struct dirent *entry)
{
    return strstr(entry->d_name, ".log") != NULL;
}

size_t scene_segments(const struct scene *scene)
{
    char folder[128];
    snprintf(folder, sizeof folder, "%s/log", scene->spool_folder);
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_segment, alphasort);
    for (int i = 0; i < count; i++) {
        free(entries[i]);
    }
    free(entries);
    return count < 0 ? 0 : (size_t)count;
}

void scene_segment(const struct scene *scene, size_t n, char *path, size_t size)
{
    char folder[128];
    snprintf(folder, sizeof folder, "%s/log", scene->spool_folder);
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_segment, alphasort);
    assert_true(count > (int)n);
    snprintf(path, size, "%s/%s", folder, entries[n]->d_name);
    for (int i = 0; i < count; i++) {
        free(entries[i]);
    }
    free(entries);
}

void flip_byte(const char *path, long offset)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, offset, offset < 0 ? SEEK_END : SEEK_SET), 0);
    long at = ftell(file);
    int byte = fgetc(file);
    assert_true(byte != EOF);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fputc(byte ^ 0x10, file), byte ^ 0x10);
    assert_int_equal(fclose(file), 0);
}

/* --- the loop --- */

static int64_t real_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void on_beat(uv_timer_t *timer)
{
    (void)timer; /* only wakes the loop, so that the condition is looked at */
}

static void on_beat_closed(uv_handle_t *handle)
{
    free(handle);
}

void run_until(uv_loop_t *loop, bool (*is_true)(void *context), void *context, int64_t limit_ms)
{
    int64_t end_ms = real_ms() + limit_ms;
    uv_timer_t *beat = calloc(1, sizeof *beat);
    uv_timer_init(loop, beat);
    uv_timer_start(beat, on_beat, 5, 5);
    while (!is_true(context)) {
        if (real_ms() > end_ms) {
            fail_msg("the condition did not come true in %lld ms", (long long)limit_ms);
        }
        uv_run(loop, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)beat, on_beat_closed);
}

void finish_loop(uv_loop_t *loop)
{
    uv_run(loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(loop), 0);
}
