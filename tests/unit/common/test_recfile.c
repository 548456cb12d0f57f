/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A record file through what disks do to it: torn ends, flipped bits, no space, failed syncs. The
 * test stands between the writer and fdatasync, fallocate and pwritev, to make them fail. */
#include "common/crc32c.h"
#include "common/recfile.h"
#include "support.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

/* --- a disk that fails on demand --- */

static int fdatasync_error;
static int fallocate_error;
static int pwritev_error;
static size_t pwritev_room;  /* bytes that are written before the error */
static size_t pwritev_piece; /* so much a call at most, an interruption between two; 0: no limit */

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
    if (fdatasync_error != 0) {
        errno = fdatasync_error;
        return -1;
    }
    return __real_fdatasync(fd);
}

int __real_fallocate(int fd, int mode, off_t offset, off_t size);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t size);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t size)
{
    if (fallocate_error != 0) {
        /* As ext4 does: some blocks are there before it finds that there are no more. */
        assert_int_equal(__real_fallocate(fd, mode, offset, size / 2), 0);
        errno = fallocate_error;
        return -1;
    }
    return __real_fallocate(fd, mode, offset, size);
}

ssize_t __real_pwritev(int fd, const struct iovec *parts, int count, off_t offset);
ssize_t __wrap_pwritev(int fd, const struct iovec *parts, int count, off_t offset);
ssize_t __wrap_pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    static bool interrupt;
    if (pwritev_piece > 0) {
        interrupt = !interrupt;
        pwritev_error = EINTR;
        pwritev_room = interrupt ? 0 : pwritev_piece;
    }
    if (pwritev_error == 0) {
        return __real_pwritev(fd, parts, count, offset);
    }
    size_t done = 0;
    for (int i = 0; i < count && pwritev_room > 0; i++) {
        size_t n = parts[i].iov_len < pwritev_room ? parts[i].iov_len : pwritev_room;
        assert_int_equal(pwrite(fd, parts[i].iov_base, n, offset + (off_t)done), n);
        pwritev_room -= n;
        done += n;
    }
    if (done > 0) {
        return (ssize_t)done;
    }
    errno = pwritev_error;
    return -1;
}

/* --- a folder with one file --- */

struct place {
    char *folder;
    char *path;
    char *quarantine;
};

static int make_place(void **state)
{
    static struct place place;
    place.folder = make_folder();
    place.path = path_in(place.folder, "file");
    place.quarantine = path_in(place.folder, "quarantine");
    fdatasync_error = 0;
    fallocate_error = 0;
    pwritev_error = 0;
    pwritev_piece = 0;
    *state = &place;
    return 0;
}

static int remove_place(void **state)
{
    struct place *place = *state;
    free(place->path);
    free(place->quarantine);
    remove_folder(place->folder);
    return 0;
}

static struct recfile_writer *must_create(const struct place *place, uint64_t reserve_bytes)
{
    struct recfile_writer *writer = NULL;
    assert_int_equal(recfile_create(&writer, place->path, reserve_bytes), 0);
    return writer;
}

static struct recfile_writer *must_append_open(const struct place *place, uint64_t damaged_expected)
{
    struct recfile_writer *writer = NULL;
    uint64_t damaged = 99;
    assert_int_equal(recfile_append_open(&writer, place->path, place->quarantine, &damaged), 0);
    assert_int_equal(damaged, damaged_expected);
    return writer;
}

static void append_text(struct recfile_writer *writer, const char *text)
{
    assert_int_equal(recfile_append(writer, text, strlen(text), NULL), 0);
}

static struct recfile_reader *must_read(const struct place *place)
{
    struct recfile_reader *reader = NULL;
    assert_int_equal(recfile_reader_open(&reader, place->path, 0), 0);
    return reader;
}

static void expect_text(struct recfile_reader *reader, const char *text)
{
    const uint8_t *payload;
    size_t size;
    assert_int_equal(recfile_next(reader, &payload, &size), 1);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(payload, text, size);
}

static void expect_end(struct recfile_reader *reader, int rc)
{
    const uint8_t *payload;
    size_t size;
    assert_int_equal(recfile_next(reader, &payload, &size), rc);
}

static off_t size_of(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? status.st_size : -1;
}

/* --- the layout --- */

static void the_bytes_are_as_the_header_says(void **state)
{
    const struct place *place = *state;
    struct recfile_writer *writer = must_create(place, 0);
    uint64_t offset = 0;
    assert_int_equal(recfile_append(writer, "bell", 4, &offset), 0);
    assert_int_equal(offset, 16);
    assert_int_equal(recfile_size(writer), 16 + 8 + 4);
    recfile_writer_close(writer);
    uint8_t expected[28] = "BFRECF01\1\0\0\0....\4\0\0\0....bell";
    uint32_t header_crc = crc32c(0, expected, 12);
    uint32_t record_crc = crc32c(crc32c(0, "\4\0\0\0", 4), "bell", 4);
    for (int i = 0; i < 4; i++) {
        expected[12 + i] = (uint8_t)(header_crc >> (8 * i));
        expected[20 + i] = (uint8_t)(record_crc >> (8 * i));
    }
    size_t size;
    uint8_t *bytes = read_file(place->path, &size);
    assert_int_equal(size, sizeof expected);
    assert_memory_equal(bytes, expected, sizeof expected);
    free(bytes);
}

static void what_is_appended_is_read(void **state)
{
    const struct place *place = *state;
    static const size_t sizes[] = {1, 2, 65527, 65528, 65529, 65536, 200000, 3, RECFILE_RECORD_MAX,
                                   7};
    enum { COUNT = sizeof sizes / sizeof sizes[0] };
    struct random random = random_seeded();
    uint8_t *bytes = malloc(RECFILE_RECORD_MAX);
    uint64_t offsets[COUNT];
    assert_non_null(bytes);
    for (size_t i = 0; i < RECFILE_RECORD_MAX; i += 8) {
        uint64_t eight = random_next(&random);
        memcpy(bytes + i, &eight, 8);
    }
    struct recfile_writer *writer = must_create(place, 0);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(recfile_append(writer, bytes, sizes[i], &offsets[i]), 0);
    }
    assert_int_equal(recfile_sync(writer), 0);
    recfile_writer_close(writer);
    for (size_t from = 0; from < COUNT; from++) {
        struct recfile_reader *reader = NULL;
        const uint8_t *payload;
        size_t size;
        assert_int_equal(recfile_reader_open(&reader, place->path, offsets[from]), 0);
        for (size_t i = from; i < COUNT; i++) {
            assert_int_equal(recfile_reader_offset(reader), offsets[i]);
            assert_int_equal(recfile_next(reader, &payload, &size), 1);
            assert_int_equal(size, sizes[i]);
            assert_true(memcmp(payload, bytes, size) == 0);
        }
        expect_end(reader, 0);
        recfile_reader_close(reader);
    }
    free(bytes);
}

static void what_does_not_fit_is_refused(void **state)
{
    const struct place *place = *state;
    struct recfile_writer *writer = must_create(place, 0);
    uint8_t *bytes = calloc(1, RECFILE_RECORD_MAX + 1);
    assert_non_null(bytes);
    assert_int_equal(recfile_append(writer, bytes, 0, NULL), -EMSGSIZE);
    assert_int_equal(recfile_append(writer, bytes, RECFILE_RECORD_MAX + 1, NULL), -EMSGSIZE);
    assert_int_equal(recfile_size(writer), 16);
    free(bytes);
    recfile_writer_close(writer);
    struct recfile_writer *second = NULL;
    assert_int_equal(recfile_create(&second, place->path, 0), -EEXIST);
    assert_int_equal(size_of(place->path), 16); /* still there */
}

static void a_place_that_is_none_is_an_error(void **state)
{
    const struct place *place = *state;
    struct recfile_writer *writer = NULL;
    struct recfile_reader *reader = NULL;
    uint64_t damaged;
    char *path = path_in(place->folder, "no/file");
    assert_int_equal(recfile_create(&writer, path, 0), -ENOENT);
    assert_int_equal(recfile_append_open(&writer, path, place->quarantine, &damaged), -ENOENT);
    assert_int_equal(recfile_reader_open(&reader, path, 0), -ENOENT);
    free(path);
    assert_int_equal(recfile_reader_open(&reader, place->path, 15), -EINVAL);
    assert_int_equal(recfile_reader_open(&reader, place->path, UINT64_MAX), -EINVAL);
    recfile_writer_close(NULL);
    recfile_reader_close(NULL);
}

/* --- preallocation --- */

static void reserved_space_is_a_clean_end(void **state)
{
    const struct place *place = *state;
    struct recfile_writer *writer = must_create(place, 100000);
    assert_int_equal(size_of(place->path), 100000);
    append_text(writer, "one");
    assert_int_equal(size_of(place->path), 100000);
    recfile_writer_close(writer);
    struct recfile_reader *reader = must_read(place);
    expect_text(reader, "one");
    expect_end(reader, 0);
    writer = must_append_open(place, 0);
    assert_int_equal(size_of(place->path), 100000); /* kept for what comes */
    append_text(writer, "two");
    expect_text(reader, "two");
    expect_end(reader, 0);
    assert_int_equal(recfile_seal(writer), 0);
    assert_int_equal(size_of(place->path), 16 + 11 + 11);
    expect_end(reader, 0);
    recfile_writer_close(writer);
    recfile_reader_close(reader);
    assert_int_equal(access(place->quarantine, F_OK), -1);
}

static void it_goes_on_without_reserved_space(void **state)
{
    const struct place *place = *state;
    static const int errors[] = {EOPNOTSUPP, ENOSPC, EFBIG};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        fallocate_error = errors[i];
        struct recfile_writer *writer = must_create(place, 100000);
        assert_int_equal(size_of(place->path), 16);
        append_text(writer, "one");
        recfile_writer_close(writer);
        assert_int_equal(unlink(place->path), 0);
    }
}

/* --- failures of the disk --- */

static void a_failed_append_leaves_the_file_as_it_was(void **state)
{
    const struct place *place = *state;
    for (uint64_t reserve = 0; reserve <= 4096; reserve += 4096) {
        struct recfile_writer *writer = must_create(place, reserve);
        append_text(writer, "one");
        for (size_t room = 0; room < 8 + 5; room++) {
            pwritev_error = room % 2 == 0 ? ENOSPC : EIO;
            pwritev_room = room;
            assert_int_equal(recfile_append(writer, "never", 5, NULL), -pwritev_error);
            assert_int_equal(recfile_size(writer), 16 + 11);
            assert_int_equal(size_of(place->path), 16 + 11);
        }
        pwritev_error = 0;
        append_text(writer, "two"); /* there is space again */
        assert_int_equal(recfile_sync(writer), 0);
        recfile_writer_close(writer);
        struct recfile_reader *reader = must_read(place);
        expect_text(reader, "one");
        expect_text(reader, "two");
        expect_end(reader, 0);
        recfile_reader_close(reader);
        assert_int_equal(unlink(place->path), 0);
    }
}

static void a_write_in_pieces_is_one_record(void **state)
{
    const struct place *place = *state;
    struct recfile_writer *writer = must_create(place, 0);
    for (pwritev_piece = 1; pwritev_piece <= 14; pwritev_piece++) {
        append_text(writer, "piece");
    }
    pwritev_piece = 0;
    pwritev_error = 0;
    recfile_writer_close(writer);
    struct recfile_reader *reader = must_read(place);
    for (int i = 1; i <= 14; i++) {
        expect_text(reader, "piece");
    }
    expect_end(reader, 0);
    recfile_reader_close(reader);
}

static void a_failed_creation_leaves_no_file(void **state)
{
    const struct place *place = *state;
    struct recfile_writer *writer = NULL;
    pwritev_error = ENOSPC;
    pwritev_room = 7;
    assert_int_equal(recfile_create(&writer, place->path, 4096), -ENOSPC);
    assert_int_equal(access(place->path, F_OK), -1);
}

static void after_a_failed_sync_nothing_is_taken(void **state)
{
    const struct place *place = *state;
    struct recfile_writer *writer = must_create(place, 0);
    append_text(writer, "one");
    fdatasync_error = EIO;
    assert_int_equal(recfile_sync(writer), -EIO);
    fdatasync_error = 0; /* the next one would tell a lie */
    assert_int_equal(recfile_sync(writer), -EIO);
    assert_int_equal(recfile_append(writer, "two", 3, NULL), -EIO);
    assert_int_equal(recfile_seal(writer), -EIO);
    recfile_writer_close(writer);
    writer = must_append_open(place, 0);
    append_text(writer, "two");
    assert_int_equal(recfile_sync(writer), 0);
    recfile_writer_close(writer);
}

static void a_deleted_file_is_noticed(void **state)
{
    const struct place *place = *state;
    struct recfile_writer *writer = must_create(place, 0);
    struct recfile_reader *reader = must_read(place);
    assert_false(recfile_writer_unlinked(writer));
    assert_false(recfile_reader_unlinked(reader));
    assert_int_equal(unlink(place->path), 0);
    assert_true(recfile_writer_unlinked(writer));
    assert_true(recfile_reader_unlinked(reader));
    recfile_writer_close(writer);
    recfile_reader_close(reader);
}

/* --- damage --- */

static void a_bad_header_is_left_alone(void **state)
{
    const struct place *place = *state;
    recfile_writer_close(must_create(place, 0));
    size_t size;
    uint8_t *bytes = read_file(place->path, &size);
    for (size_t i = 0; i <= 16; i++) { /* each byte wrong, and each length but the whole one */
        uint8_t changed[16];
        memcpy(changed, bytes, 16);
        if (i < 16) {
            changed[i] ^= 0x10;
        }
        for (size_t length = i < 16 ? 16 : 0; length <= (i < 16 ? 16u : 15u); length++) {
            struct recfile_writer *writer = NULL;
            struct recfile_reader *reader = NULL;
            uint64_t damaged = 0;
            write_file(place->path, changed, length);
            assert_int_equal(recfile_append_open(&writer, place->path, place->quarantine, &damaged),
                             -EBADMSG);
            assert_int_equal(recfile_reader_open(&reader, place->path, 0), -EBADMSG);
            assert_int_equal(size_of(place->path), length);
        }
    }
    free(bytes);
    assert_int_equal(access(place->quarantine, F_OK), -1);
}

/* A file of random records, kept in memory to be damaged again and again. */
enum { RECORDS = 12, PAYLOAD_MAX = 300 };

struct sample {
    uint8_t *bytes;
    size_t size;
    uint64_t ends[RECORDS + 1]; /* ends[i]: where record i begins */
};

static struct sample make_sample(const struct place *place, struct random *random)
{
    struct sample sample = {.ends[0] = 16};
    struct recfile_writer *writer = must_create(place, 0);
    for (size_t i = 0; i < RECORDS; i++) {
        uint8_t payload[PAYLOAD_MAX];
        size_t size = 1 + random_below(random, PAYLOAD_MAX);
        for (size_t k = 0; k < size; k++) {
            payload[k] = (uint8_t)random_next(random);
        }
        assert_int_equal(recfile_append(writer, payload, size, NULL), 0);
        sample.ends[i + 1] = recfile_size(writer);
    }
    recfile_writer_close(writer);
    sample.bytes = read_file(place->path, &sample.size);
    return sample;
}

/* How many whole records lie before `offset`. */
static size_t records_before(const struct sample *sample, uint64_t offset)
{
    size_t count = 0;
    while (count < RECORDS && sample->ends[count + 1] <= offset) {
        count++;
    }
    return count;
}

static size_t count_records(const struct place *place, const struct sample *sample, int end)
{
    struct recfile_reader *reader = must_read(place);
    const uint8_t *payload;
    size_t size;
    size_t count = 0;
    int rc;
    while ((rc = recfile_next(reader, &payload, &size)) == 1) {
        if (count < RECORDS) {
            assert_int_equal(size, sample->ends[count + 1] - sample->ends[count] - 8);
            assert_memory_equal(payload, sample->bytes + sample->ends[count] + 8, size);
        }
        count++;
    }
    assert_int_equal(rc, end);
    recfile_reader_close(reader);
    return count;
}

/* After the repair: the first `good` records, `lost` in quarantine, and it can be appended to. */
static void check_repair(const struct place *place, const struct sample *sample, size_t good,
                         const uint8_t *lost, size_t lost_size)
{
    struct recfile_writer *writer = must_append_open(place, lost_size);
    if (lost_size > 0) {
        size_t size;
        uint8_t *bytes = read_file(place->quarantine, &size);
        assert_int_equal(size, lost_size);
        assert_memory_equal(bytes, lost, size);
        free(bytes);
        assert_int_equal(unlink(place->quarantine), 0);
        assert_int_equal(size_of(place->path), sample->ends[good]);
    }
    assert_int_equal(recfile_size(writer), sample->ends[good]);
    assert_int_equal(count_records(place, sample, 0), good);
    append_text(writer, "new");
    recfile_writer_close(writer);
    struct recfile_reader *reader = NULL;
    assert_int_equal(recfile_reader_open(&reader, place->path, sample->ends[good]), 0);
    expect_text(reader, "new");
    expect_end(reader, 0);
    recfile_reader_close(reader);
}

/* Zeros at the end cannot be told from reserved space. */
static size_t size_without_zeros(const uint8_t *bytes, size_t size)
{
    while (size > 0 && bytes[size - 1] == 0) {
        size--;
    }
    return size;
}

static void a_torn_end_is_cut_off(void **state)
{
    const struct place *place = *state;
    struct random random = random_seeded();
    struct sample sample = make_sample(place, &random);
    for (int round = 0; round < 200; round++) {
        size_t length = 16 + random_below(&random, sample.size - 16 + 1);
        size_t padding = random_below(&random, 2) == 0 ? 0 : random_below(&random, 5000);
        uint8_t *torn = calloc(1, length + padding + 1);
        assert_non_null(torn);
        memcpy(torn, sample.bytes, length);
        write_file(place->path, torn, length + padding);
        size_t good = records_before(&sample, length);
        size_t lost = size_without_zeros(torn + sample.ends[good], length - sample.ends[good]);
        if (lost > 0 && torn[sample.ends[good]] != 0) {
            assert_int_equal(count_records(place, &sample, -EBADMSG), good);
        }
        check_repair(place, &sample, good, torn + sample.ends[good], lost);
        free(torn);
    }
    free(sample.bytes);
}

static void a_flipped_bit_costs_what_follows_it(void **state)
{
    const struct place *place = *state;
    struct random random = random_seeded();
    struct sample sample = make_sample(place, &random);
    for (int round = 0; round < 200; round++) {
        size_t at = 16 + random_below(&random, sample.size - 16);
        uint8_t flip = (uint8_t)(1u << random_below(&random, 8));
        sample.bytes[at] ^= flip;
        write_file(place->path, sample.bytes, sample.size);
        size_t good = records_before(&sample, at);
        const uint8_t *lost = sample.bytes + sample.ends[good];
        check_repair(place, &sample, good, lost,
                     size_without_zeros(lost, sample.size - sample.ends[good]));
        sample.bytes[at] ^= flip;
    }
    free(sample.bytes);
}

static void quarantine_keeps_what_it_had(void **state)
{
    const struct place *place = *state;
    write_file(place->quarantine, "before ", 7);
    struct recfile_writer *writer = must_create(place, 0);
    append_text(writer, "one");
    recfile_writer_close(writer);
    FILE *file = fopen(place->path, "ab");
    assert_non_null(file);
    assert_int_equal(fwrite("torn", 1, 4, file), 4);
    assert_int_equal(fclose(file), 0);
    recfile_writer_close(must_append_open(place, 4));
    size_t size;
    uint8_t *bytes = read_file(place->quarantine, &size);
    assert_int_equal(size, 11);
    assert_memory_equal(bytes, "before torn", 11);
    free(bytes);
}

static void without_quarantine_nothing_is_cut(void **state)
{
    const struct place *place = *state;
    struct recfile_writer *writer = must_create(place, 0);
    append_text(writer, "one");
    recfile_writer_close(writer);
    FILE *file = fopen(place->path, "ab");
    assert_non_null(file);
    assert_int_equal(fwrite("torn", 1, 4, file), 4);
    assert_int_equal(fclose(file), 0);
    write_file(place->quarantine, "before ", 7);
    uint64_t damaged = 0;
    pwritev_error = ENOSPC;
    pwritev_room = 2;
    assert_int_equal(recfile_append_open(&writer, place->path, place->quarantine, &damaged),
                     -ENOSPC);
    assert_int_equal(damaged, 4);
    assert_int_equal(size_of(place->path), 16 + 11 + 4);
    assert_int_equal(size_of(place->quarantine), 7);
    assert_int_equal(unlink(place->quarantine), 0);
    pwritev_room = 2;
    assert_int_equal(recfile_append_open(&writer, place->path, place->quarantine, &damaged),
                     -ENOSPC);
    assert_int_equal(size_of(place->quarantine), -1);
}

static void a_live_reader_sees_a_record_when_it_is_whole(void **state)
{
    const struct place *place = *state;
    for (uint64_t reserve = 0; reserve <= 4096; reserve += 4096) {
        struct recfile_writer *writer = must_create(place, reserve);
        append_text(writer, "one");
        recfile_writer_close(writer);
        struct recfile_reader *reader = must_read(place);
        expect_text(reader, "one");
        expect_end(reader, 0);
        /* The second record comes byte by byte, as a slow disk would show it. */
        char *other = path_in(place->folder, "other");
        struct recfile_writer *source = NULL;
        assert_int_equal(recfile_create(&source, other, 0), 0);
        append_text(source, "two");
        recfile_writer_close(source);
        size_t size;
        uint8_t *bytes = read_file(other, &size);
        FILE *file = fopen(place->path, "r+b");
        assert_non_null(file);
        setvbuf(file, NULL, _IONBF, 0);
        assert_int_equal(fseek(file, 16 + 11, SEEK_SET), 0);
        for (size_t i = 16; i < size; i++) {
            const uint8_t *payload;
            size_t n;
            int rc = recfile_next(reader, &payload, &n);
            assert_true(rc == 0 || rc == -EBADMSG);
            assert_int_equal(recfile_reader_offset(reader), 16 + 11);
            assert_int_equal(fputc(bytes[i], file), bytes[i]);
        }
        expect_text(reader, "two");
        expect_end(reader, 0);
        assert_int_equal(fclose(file), 0);
        free(bytes);
        recfile_reader_close(reader);
        assert_int_equal(unlink(other), 0);
        assert_int_equal(unlink(place->path), 0);
        free(other);
    }
}

#define place_test(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        place_test(the_bytes_are_as_the_header_says),
        place_test(what_is_appended_is_read),
        place_test(what_does_not_fit_is_refused),
        place_test(a_place_that_is_none_is_an_error),
        place_test(reserved_space_is_a_clean_end),
        place_test(it_goes_on_without_reserved_space),
        place_test(a_failed_append_leaves_the_file_as_it_was),
        place_test(a_write_in_pieces_is_one_record),
        place_test(a_failed_creation_leaves_no_file),
        place_test(after_a_failed_sync_nothing_is_taken),
        place_test(a_deleted_file_is_noticed),
        place_test(a_bad_header_is_left_alone),
        place_test(a_torn_end_is_cut_off),
        place_test(a_flipped_bit_costs_what_follows_it),
        place_test(quarantine_keeps_what_it_had),
        place_test(without_quarantine_nothing_is_cut),
        place_test(a_live_reader_sees_a_record_when_it_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
