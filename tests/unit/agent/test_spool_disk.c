/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The spool on a disk that refuses: full, failing, deleted. The test stands between the spool and
 * the disk. */
#include "support.h"

#include "common/durable.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int append_error;
static int sync_error;
static int save_error;
static size_t n_reopened;

int __real_seglog_append(struct seglog *log, const void *payload, size_t size,
                         struct seglog_position *end);
int __wrap_seglog_append(struct seglog *log, const void *payload, size_t size,
                         struct seglog_position *end);
int __wrap_seglog_append(struct seglog *log, const void *payload, size_t size,
                         struct seglog_position *end)
{
    return append_error != 0 ? append_error : __real_seglog_append(log, payload, size, end);
}

int __real_seglog_sync(struct seglog *log);
int __wrap_seglog_sync(struct seglog *log);
int __wrap_seglog_sync(struct seglog *log)
{
    return sync_error != 0 ? sync_error : __real_seglog_sync(log);
}

int __real_seglog_reopen(struct seglog *log);
int __wrap_seglog_reopen(struct seglog *log);
int __wrap_seglog_reopen(struct seglog *log)
{
    n_reopened++;
    return __real_seglog_reopen(log);
}

int __real_durable_replace(const char *path, const void *bytes, size_t size, mode_t mode);
int __wrap_durable_replace(const char *path, const void *bytes, size_t size, mode_t mode);
int __wrap_durable_replace(const char *path, const void *bytes, size_t size, mode_t mode)
{
    return save_error != 0 ? save_error : __real_durable_replace(path, bytes, size, mode);
}

static void begin(struct scene *scene)
{
    append_error = 0;
    sync_error = 0;
    save_error = 0;
    n_reopened = 0;
    scene_make(scene);
    scene_open(scene);
    scene_append(scene, TEST_TIME, 1, 0);
    spool_sync(scene->spool);
}

static void full_disk_is_bridged_by_memory(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene);
    append_error = -ENOSPC;
    for (int i = 1; i <= 3; i++) {
        scene_append(&scene, TEST_TIME + i, 1, 0);
        spool_sync(scene.spool);
    }
    assert_int_equal(spool_failing(scene.spool), -ENOSPC);
    assert_int_equal(scene_read_all(&scene, 1), 4); /* from disk, then from memory */
    scene_acknowledge(&scene, 2);
    append_error = 0;
    spool_sync(scene.spool); /* not yet: it tries once a second */
    assert_int_equal(spool_failing(scene.spool), -ENOSPC);
    clock_move_ms(1000);
    spool_sync(scene.spool);
    assert_int_equal(spool_failing(scene.spool), 0);
    spool_rewind(scene.spool);
    assert_int_equal(scene_read_all(&scene, 3), 2);
    scene_crash(&scene);
    scene_open(&scene);
    assert_int_equal(spool_acknowledged(scene.spool).sequence, 2);
    assert_int_equal(scene_read_all(&scene, 3), 2); /* they are on the disk now */
    assert_int_equal(scene.n_gaps, 0);
    scene_remove(&scene);
}

static void failed_sync_is_not_believed(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene);
    sync_error = -EIO;
    scene_append(&scene, TEST_TIME + 1, 1, 0);
    spool_sync(scene.spool);
    assert_int_equal(spool_failing(scene.spool), -EIO);
    sync_error = 0;
    clock_move_ms(1000);
    spool_sync(scene.spool);
    assert_int_equal(spool_failing(scene.spool), 0);
    assert_int_equal(n_reopened, 1);
    /* It may stand there twice; it is read once. */
    assert_int_equal(scene_read_all(&scene, 1), 2);
    scene_close(&scene);
    scene_open(&scene);
    assert_int_equal(scene_read_all(&scene, 1), 2);
    assert_int_equal(scene.n_gaps, 0);
    scene_remove(&scene);
}

static void full_memory_loses_the_oldest_and_tells(void **state)
{
    struct scene scene;
    size_t n_begins = 0;
    (void)state;
    begin(&scene);
    scene_acknowledge(&scene, 1);
    append_error = -EIO;
    for (int i = 1; i <= 400; i++) { /* 32 KB each: 12.8 MB */
        bool begins = spool_next_begins_segment(scene.spool);
        n_begins += begins ? 1 : 0;
        scene_append(&scene, TEST_TIME + i, 1, 1000);
        spool_sync(scene.spool);
    }
    assert_true(n_begins >= 5); /* definitions are repeated every 2 MiB */
    assert_true(scene.n_gaps > 0);
    assert_true(spool_bytes(scene.spool) < 9 * 1024 * 1024);
    uint64_t rows = 0;
    for (size_t i = 0; i < scene.n_gaps; i++) {
        assert_int_equal(scene.gaps[i].reason, GAP_DISK_ERROR);
        rows += scene.gaps[i].rows;
    }
    assert_int_equal(rows, spool_dropped_batches(scene.spool));
    uint64_t first = spool_first_sequence(scene.spool);
    assert_int_equal(first, 2 + rows);
    /* What is left begins where the definitions were repeated. */
    append_error = 0;
    clock_move_ms(1000);
    spool_sync(scene.spool);
    assert_int_equal(scene_read_all(&scene, first), 400 - rows);
    scene_remove(&scene);
}

static void full_disk_gives_up_its_oldest_segment_when_memory_is_full(void **state)
{
    struct scene scene;
    (void)state;
    append_error = 0;
    scene_make(&scene);
    scene.segment_bytes = 100000;
    scene_open(&scene);
    for (int i = 0; i < 9; i++) {
        scene_append(&scene, TEST_TIME + i, 1, 1000);
        spool_sync(scene.spool);
    }
    size_t segments = scene_segments(&scene);
    append_error = -ENOSPC;
    for (int i = 0; i < 260; i++) {
        scene_append(&scene, TEST_TIME + 1000 + i, 1, 1000);
    }
    assert_true(scene_segments(&scene) < segments);
    assert_true(scene.n_gaps > 0);
    assert_int_equal(scene.gaps[0].reason, GAP_SPOOL_FULL);
    assert_int_equal(scene.gaps[0].from.ms, TEST_TIME);
    append_error = 0;
    scene_remove(&scene);
}

static void sent_from_memory_and_lost_never_comes_again_under_its_position(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene);
    append_error = -ENOSPC;
    save_error = -ENOSPC;
    for (int i = 1; i <= 3; i++) {
        scene_append(&scene, TEST_TIME + i, 1, 0);
        spool_sync(scene.spool);
    }
    assert_int_equal(scene_read_all(&scene, 1), 4);
    struct stream_position sent = scene_position(&scene, 4);
    scene_crash(&scene);
    append_error = 0;
    save_error = 0;
    scene_open(&scene);
    struct stream_position next = spool_next_position(scene.spool);
    assert_true(stream_position_compare(&next, &sent) > 0);
    /* The collector answers HELLO with what it got. */
    spool_acknowledge(scene.spool, &sent);
    spool_rewind(scene.spool);
    assert_true(spool_is_empty(scene.spool));
    assert_int_equal(spool_first_sequence(scene.spool), next.sequence);
    scene_append(&scene, TEST_TIME + 10, 1, 0);
    spool_sync(scene.spool);
    assert_int_equal(scene_read(&scene), next.sequence);
    assert_int_equal(spool_first_sequence(scene.spool), next.sequence);
    assert_int_equal(scene.n_gaps, 0);
    scene_remove(&scene);
}

static void deleted_folder_is_noticed_and_made_again(void **state)
{
    struct scene scene;
    char command[128];
    (void)state;
    begin(&scene);
    scene_append(&scene, TEST_TIME + 1, 1, 0);
    spool_sync(scene.spool);
    assert_int_equal(scene_read(&scene), 1);
    scene_acknowledge(&scene, 1);
    snprintf(command, sizeof command, "rm -rf %s", scene.spool_folder);
    assert_int_equal(system(command), 0);
    scene_append(&scene, TEST_TIME + 1000, 1, 0);
    spool_sync(scene.spool);
    assert_int_equal(spool_failing(scene.spool), -ENOENT);
    clock_move_ms(1000);
    spool_sync(scene.spool);
    assert_int_equal(spool_failing(scene.spool), 0);
    scene_append(&scene, TEST_TIME + 2000, 1, 0);
    spool_sync(scene.spool);
    assert_int_equal(scene_read(&scene), 3);
    assert_int_equal(scene_read(&scene), 4);
    assert_int_equal(scene.n_gaps, 1); /* the second is gone */
    assert_int_equal(scene.gaps[0].reason, GAP_SPOOL_DAMAGED);
    assert_int_equal(scene.gaps[0].to.ms, TEST_TIME + 1000);
    assert_int_equal(spool_first_sequence(scene.spool), 3);
    scene_close(&scene);
    scene_open(&scene);
    assert_int_equal(scene_read_all(&scene, 3), 2);
    scene_remove(&scene);
}

static void folder_that_was_moved_away_is_noticed(void **state)
{
    struct scene scene;
    char command[256];
    (void)state;
    begin(&scene);
    snprintf(command, sizeof command, "mv %s %s.away", scene.spool_folder, scene.spool_folder);
    assert_int_equal(system(command), 0);
    scene_append(&scene, TEST_TIME + 1000, 1, 0);
    spool_sync(scene.spool);
    assert_int_equal(spool_failing(scene.spool), -ENOENT);
    clock_move_ms(1000);
    spool_sync(scene.spool);
    assert_int_equal(spool_failing(scene.spool), 0);
    assert_int_equal(scene_read(&scene), 2);
    assert_int_equal(scene.n_gaps, 1);
    scene_remove(&scene);
}

static void ledger_that_cannot_be_saved_keeps_the_segments(void **state)
{
    struct scene scene;
    (void)state;
    append_error = 0;
    sync_error = 0;
    scene_make(&scene);
    scene.segment_bytes = 100000;
    scene_open(&scene);
    save_error = -ENOSPC;
    for (int i = 0; i < 9; i++) {
        scene_append(&scene, TEST_TIME + i, 1, 1000);
        spool_sync(scene.spool);
    }
    assert_int_equal(scene_read_all(&scene, 1), 9);
    size_t segments = scene_segments(&scene);
    scene_acknowledge(&scene, 8);
    assert_int_equal(scene_segments(&scene), segments); /* the ledger first, then the unlink */
    save_error = 0;
    clock_move_ms(1000);
    scene_acknowledge(&scene, 9);
    assert_int_equal(scene_segments(&scene), 1);
    scene_remove(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_disk_is_bridged_by_memory),
        cmocka_unit_test(failed_sync_is_not_believed),
        cmocka_unit_test(full_memory_loses_the_oldest_and_tells),
        cmocka_unit_test(full_disk_gives_up_its_oldest_segment_when_memory_is_full),
        cmocka_unit_test(sent_from_memory_and_lost_never_comes_again_under_its_position),
        cmocka_unit_test(deleted_folder_is_noticed_and_made_again),
        cmocka_unit_test(folder_that_was_moved_away_is_noticed),
        cmocka_unit_test(ledger_that_cannot_be_saved_keeps_the_segments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
