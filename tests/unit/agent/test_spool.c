/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The spool over restarts, crashes, damage and want of room: nothing is delivered twice under
 * another number, nothing is lost without a gap. */
#include "support.h"

#include "common/crc32c.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void only_durable_batches_are_read(void **state)
{
    struct scene scene;
    (void)state;
    scene_make(&scene);
    scene_open(&scene);
    assert_true(spool_is_empty(scene.spool));
    assert_int_equal(spool_first_sequence(scene.spool), 1);
    scene_append(&scene, TEST_TIME, 1, 0);
    assert_false(spool_is_empty(scene.spool));
    assert_int_equal(scene_read(&scene), 0);
    spool_sync(scene.spool);
    assert_int_equal(scene_read(&scene), 1);
    assert_int_equal(scene_read(&scene), 0);
    spool_rewind(scene.spool);
    assert_int_equal(scene_read(&scene), 1);
    scene_acknowledge(&scene, 1);
    assert_true(spool_is_empty(scene.spool));
    spool_rewind(scene.spool);
    assert_int_equal(scene_read(&scene), 0);
    assert_int_equal(scene.n_gaps, 0);
    scene_remove(&scene);
}

static void what_was_not_acknowledged_is_sent_after_a_restart(void **state)
{
    struct scene scene;
    (void)state;
    scene_make(&scene);
    scene_open(&scene);
    struct stream_position first = spool_next_position(scene.spool);
    for (int i = 0; i < 10; i++) {
        scene_append(&scene, TEST_TIME + i, 1, 0);
    }
    spool_sync(scene.spool);
    assert_int_equal(scene_read_all(&scene, 1), 10);
    scene_acknowledge(&scene, 4);
    scene_close(&scene);

    scene_open(&scene);
    struct stream_position second = spool_next_position(scene.spool);
    assert_memory_equal(second.stream, first.stream, sizeof first.stream);
    assert_true(second.epoch > first.epoch);
    assert_int_equal(second.sequence, 11);
    assert_int_equal(spool_acknowledged(scene.spool).sequence, 4);
    assert_int_equal(spool_first_sequence(scene.spool), 5);
    scene_append(&scene, TEST_TIME + 20, 1, 0);
    spool_sync(scene.spool);
    assert_int_equal(scene_read_all(&scene, 5), 7);
    scene_acknowledge(&scene, 11);
    assert_true(spool_is_empty(scene.spool));
    assert_int_equal(scene.n_gaps, 0);
    scene_remove(&scene);
}

static void epoch_grows_even_when_the_clock_goes_back(void **state)
{
    struct scene scene;
    (void)state;
    scene_make(&scene);
    scene_open(&scene);
    uint64_t epoch = spool_next_position(scene.spool).epoch;
    assert_int_equal(epoch, TEST_TIME / 1000 + 1);
    scene_crash(&scene); /* before the first batch */
    clock_step_ms(-86400000);
    scene_open(&scene);
    assert_int_equal(spool_next_position(scene.spool).epoch, epoch + 1);
    scene_remove(&scene);
}

static void crash_costs_only_what_was_not_synced(void **state)
{
    struct scene scene;
    (void)state;
    scene_make(&scene);
    scene_open(&scene);
    for (int i = 0; i < 5; i++) {
        scene_append(&scene, TEST_TIME + i, 1, 0);
        spool_sync(scene.spool);
    }
    assert_int_equal(scene_read_all(&scene, 1), 5); /* they were sent */
    scene_crash(&scene);
    scene_open(&scene);
    assert_int_equal(spool_next_position(scene.spool).sequence, 6);
    assert_int_equal(scene_read_all(&scene, 1), 5);
    assert_int_equal(scene.n_gaps, 0);
    scene_remove(&scene);
}

static void torn_tail_is_cut_off_and_told(void **state)
{
    struct scene scene;
    char path[256];
    struct stat info;
    (void)state;
    scene_make(&scene);
    scene_open(&scene);
    for (int i = 0; i < 5; i++) {
        scene_append(&scene, TEST_TIME + i, 1, 0);
        spool_sync(scene.spool);
    }
    uint64_t size = spool_bytes(scene.spool);
    scene_crash(&scene);
    scene_segment(&scene, 0, path, sizeof path);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(truncate(path, (off_t)size - 3), 0); /* amid the fifth */
    scene_open(&scene);
    assert_int_equal(scene_read_all(&scene, 1), 4);
    assert_int_equal(scene.n_gaps, 1);
    assert_int_equal(scene.gaps[0].reason, GAP_SPOOL_DAMAGED);
    assert_true(scene.gaps[0].from.ms <= TEST_TIME + 4);
    assert_true(scene.gaps[0].from.ms > TEST_TIME + 3 - 1);
    assert_int_equal(scene.gaps[0].to.ms, clock_wall().ms);
    scene_remove(&scene);
}

/* Three segments and a few batches in each. */
static void fill_segments(struct scene *scene)
{
    scene->segment_bytes = 100000;
    scene_open(scene);
    for (int i = 0; i < 9; i++) {
        scene_append(scene, TEST_TIME + i * 100, 3, 1000); /* 32 KB each: four to a segment */
        spool_sync(scene->spool);
    }
}

static void damage_inside_costs_its_segments_rest(void **state)
{
    struct scene scene;
    char path[256];
    (void)state;
    scene_make(&scene);
    fill_segments(&scene);
    scene_close(&scene);
    assert_int_equal(scene_segments(&scene), 3);
    scene_segment(&scene, 0, path, sizeof path);
    flip_byte(path, 50000); /* in the second batch */

    scene_open(&scene);
    assert_int_equal(scene.n_gaps, 1);
    assert_int_equal(scene.gaps[0].reason, GAP_SPOOL_DAMAGED);
    assert_int_equal(scene.gaps[0].from.ms, TEST_TIME + 3); /* after the first batch */
    assert_int_equal(scene.gaps[0].to.ms, TEST_TIME + 400); /* before the fifth */
    assert_int_equal(spool_first_sequence(scene.spool), 1);
    assert_int_equal(scene_read(&scene), 1);
    assert_int_equal(scene_read(&scene), 0); /* the fifth waits: the collector must see the jump */
    scene_acknowledge(&scene, 1);
    assert_int_equal(spool_first_sequence(scene.spool), 5);
    assert_int_equal(scene_read_all(&scene, 5), 5);
    assert_int_equal(spool_next_position(scene.spool).sequence, 10);
    scene_acknowledge(&scene, 9);
    assert_true(spool_is_empty(scene.spool));
    assert_int_equal(scene.n_gaps, 1);
    scene_remove(&scene);
}

static void damage_while_running_is_told_once(void **state)
{
    struct scene scene;
    char path[256];
    (void)state;
    scene_make(&scene);
    fill_segments(&scene);
    scene_segment(&scene, 1, path, sizeof path);
    flip_byte(path, 20000); /* in the fifth batch, the first of its segment */
    assert_int_equal(scene_read_all(&scene, 1), 4);
    assert_int_equal(scene.n_gaps, 1);
    assert_int_equal(scene.gaps[0].from.ms, TEST_TIME + 303);
    assert_int_equal(scene.gaps[0].to.ms, TEST_TIME + 800);
    spool_rewind(scene.spool);
    assert_int_equal(scene_read_all(&scene, 1), 4);
    scene_acknowledge(&scene, 4);
    assert_int_equal(scene_read_all(&scene, 9), 1);
    assert_int_equal(scene.n_gaps, 1);
    scene_remove(&scene);
}

static void missing_segment_is_a_gap(void **state)
{
    struct scene scene;
    char path[256];
    (void)state;
    scene_make(&scene);
    fill_segments(&scene);
    scene_close(&scene);
    scene_segment(&scene, 1, path, sizeof path);
    assert_int_equal(unlink(path), 0);
    scene_open(&scene);
    assert_int_equal(scene.n_gaps, 1);
    assert_int_equal(scene.gaps[0].reason, GAP_SPOOL_DAMAGED);
    assert_int_equal(scene_read_all(&scene, 1), 4);
    scene_acknowledge(&scene, 4);
    assert_int_equal(scene_read_all(&scene, 9), 1);
    scene_remove(&scene);
}

static void missing_last_segment_is_a_gap_and_its_numbers_stay_used(void **state)
{
    struct scene scene;
    char path[256];
    (void)state;
    scene_make(&scene);
    fill_segments(&scene);
    scene_close(&scene);
    scene_segment(&scene, 2, path, sizeof path);
    assert_int_equal(unlink(path), 0);
    scene_open(&scene);
    assert_int_equal(scene.n_gaps, 1);
    assert_int_equal(spool_next_position(scene.spool).sequence, 10);
    assert_int_equal(scene_read_all(&scene, 1), 8);
    scene_acknowledge(&scene, 8);
    assert_true(spool_is_empty(scene.spool));
    scene_append(&scene, TEST_TIME + 5000, 1, 0);
    spool_sync(scene.spool);
    assert_int_equal(scene_read(&scene), 10);
    assert_int_equal(spool_first_sequence(scene.spool), 10);
    clock_move_ms(60000);
    spool_sync(scene.spool); /* saves the ledger: the gap went out long ago */
    scene_crash(&scene);
    scene_open(&scene);
    assert_int_equal(scene.n_gaps, 1);
    scene_remove(&scene);
}

static void quota_drops_the_oldest_and_tells(void **state)
{
    struct scene scene;
    (void)state;
    scene_make(&scene);
    scene.max_bytes = 280000;
    fill_segments(&scene); /* 9 × 32 KB: the first segment of four is dropped */
    assert_int_equal(scene.n_gaps, 1);
    assert_int_equal(scene.gaps[0].reason, GAP_SPOOL_FULL);
    assert_int_equal(scene.gaps[0].rows, 12);
    assert_int_equal(scene.gaps[0].from.ms, TEST_TIME);
    assert_int_equal(scene.gaps[0].to.ms, TEST_TIME + 303);
    assert_int_equal(spool_dropped_batches(scene.spool), 4);
    assert_true(spool_bytes(scene.spool) <= scene.max_bytes);
    assert_int_equal(spool_first_sequence(scene.spool), 5);
    assert_int_equal(scene_read_all(&scene, 5), 5);
    scene_close(&scene);
    scene_open(&scene); /* nothing was acknowledged: still no new gap */
    assert_int_equal(scene_read_all(&scene, 5), 5);
    assert_int_equal(spool_first_sequence(scene.spool), 5);
    assert_int_equal(scene.n_gaps, 1);
    scene_remove(&scene);
}

static void crash_right_after_a_drop_tells_of_it_again(void **state)
{
    struct scene scene;
    (void)state;
    scene_make(&scene);
    fill_segments(&scene);
    assert_int_equal(scene_read(&scene), 1);
    scene_acknowledge(&scene, 1);
    clock_move_ms(60000);
    spool_sync(scene.spool); /* saves the ledger */
    int64_t acknowledged_ms = clock_wall().ms - 60000;
    scene_close(&scene);
    scene.max_bytes = 280000;
    scene_open(&scene);
    scene_append(&scene, TEST_TIME + 2000, 1, 0);
    spool_sync(scene.spool);
    assert_int_equal(scene.n_gaps, 1);
    assert_int_equal(scene.gaps[0].reason, GAP_SPOOL_FULL);
    scene_crash(&scene); /* the gap was in no batch yet */
    scene_open(&scene);
    assert_int_equal(scene.n_gaps, 2);
    assert_int_equal(scene.gaps[1].reason, GAP_SPOOL_DAMAGED);
    assert_true(scene.gaps[1].from.ms <= acknowledged_ms);
    assert_true(scene.gaps[1].from.ms >= TEST_TIME);
    assert_int_equal(spool_first_sequence(scene.spool), 5);
    scene_remove(&scene);
}

static void quota_while_reading_goes_on_behind_the_hole(void **state)
{
    struct scene scene;
    (void)state;
    scene_make(&scene);
    fill_segments(&scene);
    assert_int_equal(scene_read(&scene), 1);
    assert_int_equal(scene_read(&scene), 2);
    scene_close(&scene);
    scene.max_bytes = 280000;
    scene_open(&scene);
    assert_int_equal(scene_read(&scene), 1);
    assert_int_equal(scene_read(&scene), 2);
    scene_append(&scene, TEST_TIME + 2000, 1, 0); /* makes it look at the quota */
    spool_sync(scene.spool);
    assert_int_equal(scene.gaps[0].rows, 12);
    assert_int_equal(scene_read(&scene), 0); /* 1 and 2 are on their way */
    scene_acknowledge(&scene, 2);
    assert_int_equal(spool_first_sequence(scene.spool), 5);
    assert_int_equal(scene_read_all(&scene, 5), 6);
    scene_remove(&scene);
}

static void acknowledged_segments_are_no_loss(void **state)
{
    struct scene scene;
    (void)state;
    scene_make(&scene);
    scene.max_bytes = 280000;
    scene.segment_bytes = 100000;
    scene_open(&scene);
    for (uint64_t i = 1; i <= 30; i++) {
        scene_append(&scene, TEST_TIME, 1, 1000);
        spool_sync(scene.spool);
        assert_int_equal(scene_read(&scene), i);
        scene_acknowledge(&scene, i);
    }
    assert_int_equal(scene.n_gaps, 0);
    assert_int_equal(spool_dropped_batches(scene.spool), 0);
    assert_true(scene_segments(&scene) <= 2);
    scene_remove(&scene);
}

static void ledger_damage_resumes_from_the_oldest(void **state)
{
    struct scene scene;
    char path[256];
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        scene_make(&scene);
        scene_open(&scene);
        struct stream_position first = spool_next_position(scene.spool);
        for (int i = 0; i < 6; i++) {
            scene_append(&scene, TEST_TIME + i, 1, 0);
        }
        spool_sync(scene.spool);
        assert_int_equal(scene_read_all(&scene, 1), 6);
        scene_acknowledge(&scene, 3);
        scene_close(&scene);
        snprintf(path, sizeof path, "%s/ledger", scene.spool_folder);
        if (kind == 0) {
            flip_byte(path, 30);
        } else {
            assert_int_equal(kind == 1 ? truncate(path, 0) : unlink(path), 0);
        }
        scene_open(&scene);
        struct stream_position second = spool_next_position(scene.spool);
        assert_memory_equal(second.stream, first.stream, sizeof first.stream);
        assert_true(second.epoch > first.epoch);
        assert_int_equal(second.sequence, 7);
        assert_int_equal(scene_read_all(&scene, 1), 6);
        assert_int_equal(scene.n_gaps, 0);
        scene_remove(&scene);
    }
}

static void newer_ledger_is_refused_clearly(void **state)
{
    struct scene scene;
    char path[256];
    char reason[256];
    (void)state;
    scene_make(&scene);
    scene_open(&scene);
    scene_close(&scene);
    snprintf(path, sizeof path, "%s/ledger", scene.spool_folder);
    FILE *file = fopen(path, "w");
    static const char text[] = "beffroi-spool: 2\nanything: else\n";
    fprintf(file, "%scrc32c: %08x\n", text, crc32c(0, text, strlen(text)));
    fclose(file);
    struct spool_options options = {.directory = scene.spool_folder,
                                    .segment_bytes = 1 << 20,
                                    .max_bytes = 1 << 30,
                                    .on_gap = scene_on_gap,
                                    .context = &scene};
    assert_int_equal(spool_open(&scene.spool, &options, &scene.chain, reason, sizeof reason),
                     -ENOTSUP);
    assert_non_null(strstr(reason, "newer version"));
    scene.spool = NULL;
    scene_remove(&scene);
}

static void second_agent_is_refused(void **state)
{
    struct scene scene;
    char reason[256];
    (void)state;
    scene_make(&scene);
    scene_open(&scene);
    struct spool_options options = {.directory = scene.spool_folder,
                                    .segment_bytes = 1 << 20,
                                    .max_bytes = 1 << 30,
                                    .on_gap = scene_on_gap,
                                    .context = &scene};
    struct spool *other = NULL;
    struct spool_chain chain;
    assert_int_equal(spool_open(&other, &options, &chain, reason, sizeof reason), -EBUSY);
    assert_non_null(strstr(reason, "another agent"));
    scene_remove(&scene);
}

static void chain_goes_on_over_every_kind_of_end(void **state)
{
    struct scene scene;
    char path[256];
    (void)state;
    assert_int_equal(keys_init(), 0);
    struct keys *keys = keys_generate();
    scene_make(&scene);
    scene_open(&scene);
    assert_int_equal(scene.chain.number, 0);
    scene_append_statement(&scene, keys, TEST_TIME);
    scene_append_statement(&scene, keys, TEST_TIME + 1);
    struct spool_chain wanted = scene.chain;
    scene_close(&scene);
    scene_open(&scene); /* an orderly end: from the ledger */
    assert_memory_equal(&scene.chain, &wanted, sizeof wanted);

    scene_append_statement(&scene, keys, TEST_TIME + 2);
    spool_sync(scene.spool);
    wanted = scene.chain;
    scene_crash(&scene);
    scene_open(&scene); /* a crash: from the log, after the ledger */
    assert_int_equal(scene.chain.number, 3);
    assert_memory_equal(&scene.chain, &wanted, sizeof wanted);

    scene_close(&scene);
    snprintf(path, sizeof path, "%s/ledger", scene.spool_folder);
    assert_int_equal(unlink(path), 0);
    scene_open(&scene); /* no ledger: from the whole log */
    assert_memory_equal(&scene.chain, &wanted, sizeof wanted);
    scene_remove(&scene);
    keys_free(keys);
}

static void collector_that_lost_its_disk_gets_what_is_here(void **state)
{
    struct scene scene;
    (void)state;
    scene_make(&scene);
    fill_segments(&scene);
    assert_int_equal(scene_read_all(&scene, 1), 9);
    scene_acknowledge(&scene, 6); /* the first segment is gone, the second is not */
    struct stream_position nothing = spool_acknowledged(scene.spool);
    nothing.epoch = 0;
    nothing.sequence = 0;
    spool_go_back(scene.spool, &nothing);
    assert_int_equal(scene_read(&scene), 5);
    assert_int_equal(spool_first_sequence(scene.spool), 5);
    assert_int_equal(scene_read_all(&scene, 6), 4);
    assert_int_equal(scene.n_gaps, 0); /* it was delivered: the loss is the collector's */
    scene_remove(&scene);
}

static void skipped_batch_becomes_a_gap(void **state)
{
    struct scene scene;
    (void)state;
    scene_make(&scene);
    scene_open(&scene);
    for (int i = 0; i < 4; i++) {
        scene_append(&scene, TEST_TIME + i * 100, 2, 0);
    }
    spool_sync(scene.spool);
    assert_int_equal(scene_read_all(&scene, 1), 4);
    struct stream_position third = spool_next_position(scene.spool);
    third.sequence = 3;
    spool_skip(scene.spool, &third, GAP_ENCODE);
    spool_skip(scene.spool, &third, GAP_ENCODE); /* told once */
    assert_int_equal(scene.n_gaps, 1);
    assert_int_equal(scene.gaps[0].reason, GAP_ENCODE);
    assert_int_equal(scene.gaps[0].rows, 2);
    assert_int_equal(scene.gaps[0].from.ms, TEST_TIME + 200);
    assert_int_equal(scene.gaps[0].to.ms, TEST_TIME + 202);
    assert_true(spool_next_begins_segment(scene.spool)); /* its definitions are said again */
    spool_rewind(scene.spool);
    assert_int_equal(scene_read_all(&scene, 1), 2);
    scene_acknowledge(&scene, 2);
    assert_int_equal(spool_first_sequence(scene.spool), 4);
    assert_int_equal(scene_read(&scene), 4);
    scene_acknowledge(&scene, 4);
    assert_true(spool_is_empty(scene.spool));
    scene_remove(&scene);
}

static void lost_gaps_live_on_in_the_gap_that_loses_them(void **state)
{
    struct scene scene;
    (void)state;
    scene_make(&scene);
    scene_open(&scene);
    struct batch_writer *writer = batch_writer_new(BATCH_WIRE);
    struct gap gap = {.from = {TEST_TIME - 5000},
                      .to = {TEST_TIME - 4000},
                      .rows = 7,
                      .observations = 2,
                      .reason = GAP_WORKER_LOST};
    assert_int_equal(batch_add_gap(writer, &gap), 0);
    struct stream_position position = spool_next_position(scene.spool);
    size_t size = 0;
    const uint8_t *bytes = batch_writer_finish(writer, &position, &size);
    spool_append(scene.spool, bytes, size, &scene.chain);
    batch_writer_free(writer);
    spool_sync(scene.spool);
    spool_skip(scene.spool, &position, GAP_ENCODE);
    assert_int_equal(scene.gaps[0].from.ms, TEST_TIME - 5000);
    assert_int_equal(scene.gaps[0].to.ms, TEST_TIME - 4000);
    assert_int_equal(scene.gaps[0].rows, 7);
    assert_int_equal(scene.gaps[0].observations, 2);
    scene_remove(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_durable_batches_are_read),
        cmocka_unit_test(what_was_not_acknowledged_is_sent_after_a_restart),
        cmocka_unit_test(epoch_grows_even_when_the_clock_goes_back),
        cmocka_unit_test(crash_costs_only_what_was_not_synced),
        cmocka_unit_test(torn_tail_is_cut_off_and_told),
        cmocka_unit_test(damage_inside_costs_its_segments_rest),
        cmocka_unit_test(damage_while_running_is_told_once),
        cmocka_unit_test(missing_segment_is_a_gap),
        cmocka_unit_test(missing_last_segment_is_a_gap_and_its_numbers_stay_used),
        cmocka_unit_test(quota_drops_the_oldest_and_tells),
        cmocka_unit_test(crash_right_after_a_drop_tells_of_it_again),
        cmocka_unit_test(quota_while_reading_goes_on_behind_the_hole),
        cmocka_unit_test(acknowledged_segments_are_no_loss),
        cmocka_unit_test(ledger_damage_resumes_from_the_oldest),
        cmocka_unit_test(newer_ledger_is_refused_clearly),
        cmocka_unit_test(second_agent_is_refused),
        cmocka_unit_test(chain_goes_on_over_every_kind_of_end),
        cmocka_unit_test(collector_that_lost_its_disk_gets_what_is_here),
        cmocka_unit_test(skipped_batch_becomes_a_gap),
        cmocka_unit_test(lost_gaps_live_on_in_the_gap_that_loses_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
