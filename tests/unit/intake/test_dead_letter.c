/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The dead-letter folder stays within its bounds, and what it says it keeps is there. */
#include "common/xalloc.h"
#include "dead_letter.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { FILES_MAX = 4, BYTES_MAX = 1000 };

struct place {
    char *folder;
    char *directory;
    struct dead_letters *letters;
};

static void open_place(struct place *place)
{
    assert_int_equal(dead_letter_open(&place->letters, place->directory, FILES_MAX, BYTES_MAX), 0);
}

static int set_up(void **state)
{
    struct place *place = xcalloc(1, sizeof *place);
    place->folder = make_folder();
    place->directory = xasprintf("%s/dead", place->folder);
    open_place(place);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    dead_letter_close(place->letters);
    free(place->directory);
    remove_folder(place->folder);
    free(place);
    return 0;
}

static void save(struct place *place, const char *name, size_t size)
{
    uint8_t *bytes = xmalloc(size + 1);
    memset(bytes, name[0], size);
    assert_int_equal(dead_letter_save(place->letters, name, bytes, size), 0);
    free(bytes);
}

/* -1: not there. */
static long size_of(const struct place *place, const char *name)
{
    struct stat status;
    char *path = xasprintf("%s/%s.batch", place->directory, name);
    long size = stat(path, &status) == 0 ? (long)status.st_size : -1;
    free(path);
    return size;
}

static void set_age(const struct place *place, const char *name, long seconds)
{
    char *path = xasprintf("%s/%s.batch", place->directory, name);
    const struct timespec times[2] = {{1767225600 - seconds, 0}, {1767225600 - seconds, 0}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    free(path);
}

static void oldest_make_room_by_number(void **state)
{
    struct place *place = *state;
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    for (size_t i = 0; i < 6; i++) {
        save(place, names[i], 10);
    }
    assert_int_equal(dead_letter_count(place->letters), FILES_MAX);
    assert_int_equal(dead_letter_bytes(place->letters), 40);
    assert_int_equal(dead_letter_dropped(place->letters), 2);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(size_of(place, names[i]), i < 2 ? -1 : 10);
    }
}

static void oldest_make_room_by_size(void **state)
{
    struct place *place = *state;
    save(place, "a", 400);
    save(place, "b", 400);
    save(place, "c", 200);
    assert_int_equal(dead_letter_dropped(place->letters), 0); /* just full */
    save(place, "d", 401);
    assert_int_equal(size_of(place, "a"), -1);
    assert_int_equal(size_of(place, "b"), -1);
    assert_int_equal(size_of(place, "c"), 200);
    assert_int_equal(dead_letter_bytes(place->letters), 601);
    save(place, "e", BYTES_MAX);
    assert_int_equal(dead_letter_count(place->letters), 1);
    const uint8_t byte = 0;
    assert_int_equal(dead_letter_save(place->letters, "f", &byte, BYTES_MAX + 1), -EFBIG);
    assert_int_equal(size_of(place, "e"), BYTES_MAX);
}

static void same_name_is_replaced(void **state)
{
    struct place *place = *state;
    save(place, "a", 10);
    save(place, "b", 10);
    save(place, "a", 30); /* now the youngest */
    assert_int_equal(dead_letter_count(place->letters), 2);
    assert_int_equal(dead_letter_bytes(place->letters), 40);
    assert_int_equal(size_of(place, "a"), 30);
    save(place, "c", 980);
    assert_int_equal(size_of(place, "b"), -1);
    assert_int_equal(size_of(place, "a"), -1);
}

static void what_is_there_is_counted_by_age(void **state)
{
    struct place *place = *state;
    save(place, "z", 10);
    save(place, "y", 20);
    save(place, "x", 30);
    save(place, "w", 40);
    set_age(place, "z", 5);
    set_age(place, "y", 400); /* the oldest */
    set_age(place, "x", 30);
    set_age(place, "w", 200);
    dead_letter_close(place->letters);
    char *other = xasprintf("%s/README", place->directory);
    int fd = open(other, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
    open_place(place);
    assert_int_equal(dead_letter_count(place->letters), 4);
    assert_int_equal(dead_letter_bytes(place->letters), 100);
    save(place, "v", 1);
    assert_int_equal(size_of(place, "y"), -1);
    save(place, "u", 1);
    assert_int_equal(size_of(place, "w"), -1);
    assert_int_equal(size_of(place, "x"), 30);
    assert_int_equal(access(other, F_OK), 0); /* not ours */
    free(other);
}

static void folder_that_is_gone_is_an_error(void **state)
{
    struct place *place = *state;
    const uint8_t byte = 1;
    assert_int_equal(rmdir(place->directory), 0);
    assert_int_equal(dead_letter_save(place->letters, "a", &byte, 1), -ENOENT);
    assert_int_equal(dead_letter_count(place->letters), 0);
    assert_int_equal(mkdir(place->directory, 0700), 0);
    save(place, "a", 1);
}

int main(void)
{
#define ON_DISK(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ON_DISK(oldest_make_room_by_number),      ON_DISK(oldest_make_room_by_size),
        ON_DISK(same_name_is_replaced),           ON_DISK(what_is_there_is_counted_by_age),
        ON_DISK(folder_that_is_gone_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
