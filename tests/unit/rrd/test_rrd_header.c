/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Does the head check let nothing through that could crash librrd, and good files always? */
#include "header.h"
#include "support.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct wall FIRST = {INT64_C(1767225600000)};

static uint8_t *good_file(size_t *size)
{
    char reason[256] = "";
    char *folder = make_folder();
    struct object object = sample_object(60000);
    char *path = rrd_path(folder, "d", "k", "o");
    assert_int_equal(rrd_file_create(path, &object, FIRST, reason, sizeof reason), 0);
    uint8_t *bytes = read_file(path, size);
    free(path);
    remove_folder(folder);
    return bytes;
}

static int parse(const uint8_t *bytes, size_t size, struct rrd_header *header)
{
    char reason[128] = "";
    int error = rrd_header_parse(bytes, size, size, header, reason, sizeof reason);
    assert_int_equal(error != 0, reason[0] != '\0');
    return error;
}

static void a_good_head_is_read(void **state)
{
    (void)state;
    size_t size;
    struct rrd_header header;
    uint8_t *bytes = good_file(&size);
    assert_int_equal(parse(bytes, size, &header), 0);
    assert_int_equal(header.n_sources, 4);
    assert_int_equal(header.step_s, 60);
    assert_string_equal(rrd_header_name(bytes, 1), "out_octets");
    assert_true(rrd_header_is_counter(bytes, 0));
    assert_false(rrd_header_is_counter(bytes, 2));
    assert_int_equal(rrd_header_heartbeat_ms(bytes, 3), 150000);
    assert_int_equal(rrd_header_last_ms(bytes, &header), FIRST.ms - 1000 - 60000);
    assert_string_equal(rrd_header_reading(bytes, &header, 0), "U");
    free(bytes);
}

struct damage {
    const char *what;
    size_t at;
    uint64_t value;
};

static void damage_is_refused(void **state)
{
    (void)state;
    size_t size;
    struct rrd_header header;
    uint8_t *bytes = good_file(&size);
    assert_int_equal(parse(bytes, size, &header), 0);
    size_t pointers = header.size - 8 * header.n_archives;
    const struct damage damages[] = {
        {"cookie", 0, 0},
        {"version", 4, UINT64_C(0x3939393939)},
        {"float cookie", 16, 1},
        {"no sources", 24, 0},
        {"2^60 sources", 24, UINT64_C(1) << 60},
        {"one source more", 24, 5},
        {"no archives", 32, 0},
        {"2^60 archives", 32, UINT64_C(1) << 60},
        {"step 0", 40, 0},
        {"step of ages", 40, UINT64_MAX},
        {"name without end", 128, UINT64_C(0x6161616161616161)},
        {"empty name", 128, 0},
        {"type", 128 + 20, UINT64_C(0x46454443)},
        {"heartbeat 0", 128 + 40, 0},
        {"function", header.rra_at, UINT64_C(0x4457534c)},
        {"rows 0", header.rra_at + 24, 0},
        {"rows 2^61", header.rra_at + 24, UINT64_C(1) << 61},
        {"pdp_cnt 0", header.rra_at + 32, 0},
        {"pdp_cnt 2^40", header.rra_at + 32, UINT64_C(1) << 40},
        {"pointer", pointers, 8640},
        {"last time", header.live_at, UINT64_MAX},
        {"microseconds", header.live_at + 8, 1000000},
        {"unknown seconds", header.pdp_at + 32, UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        uint8_t *copy = malloc(size);
        assert_non_null(copy);
        memcpy(copy, bytes, size);
        memcpy(copy + damages[i].at, &damages[i].value, 8);
        if (strcmp(damages[i].what, "name without end") == 0) {
            memset(copy + 128, 'a', 20);
        }
        if (parse(copy, size, &header) != -EBADMSG) {
            fail_msg("%s was let through", damages[i].what);
        }
        free(copy);
    }
    uint8_t *unended = malloc(size);
    assert_non_null(unended);
    memcpy(unended, bytes, size);
    assert_int_equal(parse(bytes, size, &header), 0);
    memset(unended + header.pdp_at, '1', 30);
    assert_int_equal(parse(unended, size, &header), -EBADMSG);
    free(unended);
    free(bytes);
}

/* Every shorter head is refused, and never read past its end (an exact allocation each). */
static void every_shorter_head_is_refused(void **state)
{
    (void)state;
    size_t size;
    struct rrd_header header;
    uint8_t *bytes = good_file(&size);
    assert_int_equal(parse(bytes, size, &header), 0);
    size_t head = header.size;
    for (size_t n = 0; n < head; n += n < 256 ? 1 : 37) {
        char reason[128];
        uint8_t *copy = malloc(n + 1);
        assert_non_null(copy);
        memcpy(copy + 1, bytes, n);
        assert_int_equal(rrd_header_parse(copy + 1, n, size, &header, reason, sizeof reason),
                         -EBADMSG);
        free(copy);
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_head_is_read),
        cmocka_unit_test(damage_is_refused),
        cmocka_unit_test(every_shorter_head_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
