/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What others are asked for: systemctl (a script that answers, fails, hangs, talks without end) and
 * chronyd (a socket that plays it). */
#include "chrony.h"
#include "support.h"
#include "units.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* --- systemctl --- */

struct bed {
    char root[64];
    char program[96];
    uv_loop_t loop;
    struct recorder *recorder;
    struct units *units;
};

static void make_folder(const char *root, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", root, name);
    assert_int_equal(mkdir(path, 0755), 0);
}

static void set_up(struct bed *bed, const char *script, int64_t timeout_ms)
{
    snprintf(bed->root, sizeof bed->root, "/tmp/beffroi-units-XXXXXX");
    assert_non_null(mkdtemp(bed->root));
    make_folder(bed->root, "run");
    make_folder(bed->root, "run/systemd");
    make_folder(bed->root, "run/systemd/system");
    snprintf(bed->program, sizeof bed->program, "%s/systemctl", bed->root);
    FILE *file = fopen(bed->program, "w");
    assert_non_null(file);
    fprintf(file, "#!/bin/sh\n%s\n", script);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(bed->program, 0755), 0);
    bed->recorder = recorder_new();
    uv_loop_init(&bed->loop);
    const struct units_options options = {
        .root = bed->root, .device = "me", .program = bed->program, .timeout_ms = timeout_ms};
    bed->units = units_open(&bed->loop, &options, &bed->recorder->sink);
}

static void remove_at(const char *root, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", root, name);
    assert_int_equal(remove(path), 0);
}

static void tear_down(struct bed *bed)
{
    units_close(bed->units);
    units_close(NULL);
    finish_loop(&bed->loop);
    recorder_free(bed->recorder);
    remove_at(bed->root, "run/systemd/system");
    remove_at(bed->root, "run/systemd");
    remove_at(bed->root, "run");
    remove_at(bed->root, "systemctl");
    assert_int_equal(rmdir(bed->root), 0);
}

static bool has_row(void *context)
{
    return ((const struct recorder *)context)->n_rows > 0;
}

static const struct recorded_row *ask(struct bed *bed)
{
    bed->recorder->n_rows = 0;
    units_sample(bed->units);
    assert_true(run_until(&bed->loop, has_row, bed->recorder, 10000));
    return &bed->recorder->rows[0];
}

static void failed_units_are_counted(void **state)
{
    struct bed bed;
    (void)state;
    set_up(&bed,
           "[ \"$*\" = \"list-units --failed --plain --no-legend --no-pager\" ] || exit 9\n"
           "[ \"$LC_ALL\" = C ] || exit 9\n"
           "echo 'a.service loaded failed failed A of the city'\n"
           "echo 'b.mount   loaded failed failed B'",
           10000);
    const struct recorded_row *row = ask(&bed);
    assert_int_equal(row->row.status, ROW_OK);
    assert_true(row->values[0].gauge == 2);
    assert_string_equal(bed.recorder->objects[0].kind, "units");
    /* Again, over closed handles. */
    row = ask(&bed);
    assert_true(row->values[0].gauge == 2);
    tear_down(&bed);
}

static void none_failed(void **state)
{
    struct bed bed;
    (void)state;
    set_up(&bed, ":", 10000);
    assert_true(ask(&bed)->values[0].gauge == 0);
    tear_down(&bed);
}

static void failures_are_unknown(void **state)
{
    static const char *const scripts[] = {"echo 'a.service x'; exit 1", "kill -9 $$"};
    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        struct bed bed;
        set_up(&bed, scripts[i], 10000);
        const struct recorded_row *row = ask(&bed);
        assert_int_equal(row->row.status, ROW_FAILED);
        assert_int_equal(row->row.unknown_mask, 1);
        tear_down(&bed);
    }
}

/* It hangs; it ends and leaves one that holds its output; it talks without end. */
static void slow_and_endless_answers(void **state)
{
    static const char *const scripts[] = {"exec sleep 100", "sleep 3 & exit 0",
                                          "while :; do echo 'a.service x y z'; done"};
    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        struct bed bed;
        set_up(&bed, scripts[i], 150);
        assert_int_equal(ask(&bed)->row.status, ROW_FAILED);
        tear_down(&bed);
    }
}

static void closed_while_it_runs(void **state)
{
    struct bed bed;
    (void)state;
    set_up(&bed, "exec sleep 100", 10000);
    units_sample(bed.units);
    units_sample(bed.units); /* one is under way */
    tear_down(&bed);         /* waits for all handles */
    (void)state;
}

static void without_systemd_nothing_is_asked(void **state)
{
    struct bed bed;
    (void)state;
    set_up(&bed, ":", 10000);
    remove_at(bed.root, "run/systemd/system");
    units_sample(bed.units);
    for (int i = 0; i < 20; i++) {
        (void)uv_run(&bed.loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(bed.recorder->n_rows, 0);
    make_folder(bed.root, "run/systemd/system");
    tear_down(&bed);
}

static void program_that_is_missing(void **state)
{
    struct bed bed;
    (void)state;
    set_up(&bed, ":", 10000);
    remove_at(bed.root, "systemctl");
    assert_int_equal(ask(&bed)->row.status, ROW_FAILED);
    FILE *file = fopen(bed.program, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    tear_down(&bed);
}

/* --- chronyd --- */

/* An answer to `sequence` as chronyd 4.3 gives it: stratum 3, 1.5 ms slow, -12.5 ppm. */
static void make_answer(uint8_t answer[104], uint32_t sequence)
{
    static const uint8_t head[] = {6, 2, 0, 0, 0, 33, 0, 5};
    memset(answer, 0, 104);
    memcpy(answer, head, sizeof head);
    for (int i = 0; i < 4; i++) {
        answer[16 + i] = (uint8_t)(sequence >> (24 - 8 * i));
    }
    answer[53] = 3; /* stratum */
    /* 0.0015: exponent -8, coefficient 12884902, of which the value is c * 2^(e - 25). */
    static const uint8_t offset[] = {0xf0, 0xc4, 0x9b, 0xa6};
    memcpy(answer + 68, offset, sizeof offset);
    /* -12.5: exponent 5, coefficient -13107200. */
    static const uint8_t frequency[] = {0x0b, 0x38, 0x00, 0x00};
    memcpy(answer + 80, frequency, sizeof frequency);
}

static void chrony_answers(void **state)
{
    uint8_t answer[105];
    struct chrony_tracking tracking;
    (void)state;
    make_answer(answer, 0x01020304);
    assert_int_equal(chrony_decode(answer, 104, 0x01020304, &tracking), 0);
    assert_true(fabs(tracking.offset_s - 0.0015) < 1e-8);
    assert_true(tracking.frequency_ppm == -12.5);
    assert_int_equal(tracking.stratum, 3);
    assert_true(tracking.synchronised);
    answer[55] = 3; /* leap: not synchronised */
    assert_int_equal(chrony_decode(answer, 104, 0x01020304, &tracking), 0);
    assert_false(tracking.synchronised);
    assert_int_equal(chrony_decode(answer, 104, 0x01020305, &tracking), -EAGAIN);
    assert_int_equal(chrony_decode(answer, 103, 0x01020304, &tracking), -EBADMSG);
    assert_int_equal(chrony_decode(answer, 105, 0x01020304, &tracking), -EBADMSG);
    for (size_t size = 0; size < 28; size++) {
        assert_int_equal(chrony_decode(answer, size, 0x01020304, &tracking), -EBADMSG);
    }
    answer[9] = 2; /* status: refused */
    assert_int_equal(chrony_decode(answer, 104, 0x01020304, &tracking), -EBADMSG);
    make_answer(answer, 1);
    answer[0] = 5;
    assert_int_equal(chrony_decode(answer, 104, 1, &tracking), -EBADMSG);
}

static int listen_udp(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static void chrony_is_asked(void **state)
{
    struct recorder *recorder = recorder_new();
    struct book *book = book_new("me", 10000, &recorder->sink);
    uint8_t question[CHRONY_QUESTION_SIZE + 1];
    uint8_t answer[104];
    struct sockaddr_in from;
    socklen_t from_size = sizeof from;
    uint16_t port;
    uv_loop_t loop;
    int fd = listen_udp(&port);
    (void)state;
    uv_loop_init(&loop);
    struct chrony *chrony = chrony_open(&loop, port, book);
    chrony_sample(chrony, (struct wall){1000});
    assert_int_equal(
        recvfrom(fd, question, sizeof question, 0, (struct sockaddr *)&from, &from_size),
        CHRONY_QUESTION_SIZE);
    static const uint8_t head[] = {6, 1, 0, 0, 0, 33, 0, 0, 0, 0, 0, 1};
    assert_memory_equal(question, head, sizeof head);
    make_answer(answer, 7); /* not to this question */
    assert_int_equal(sendto(fd, answer, sizeof answer, 0, (struct sockaddr *)&from, from_size),
                     sizeof answer);
    make_answer(answer, 1);
    for (int i = 0; i < 2; i++) { /* said twice, taken once */
        assert_int_equal(sendto(fd, answer, sizeof answer, 0, (struct sockaddr *)&from, from_size),
                         sizeof answer);
    }
    assert_true(run_until(&loop, has_row, recorder, 10000));
    for (int i = 0; i < 20; i++) {
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(recorder->n_rows, 1);
    assert_string_equal(recorder->objects[0].name, "chrony");
    assert_int_equal(recorder->rows[0].row.status, ROW_OK);
    assert_true(fabs(recorder->rows[0].values[0].gauge - 0.0015) < 1e-8);
    /* It is asked again, and stays silent. */
    chrony_sample(chrony, (struct wall){2000});
    chrony_sample(chrony, (struct wall){3000});
    assert_int_equal(recorder->n_rows, 2);
    assert_int_equal(recorder->rows[1].row.status, ROW_FAILED);
    chrony_close(chrony);
    chrony_close(NULL);
    finish_loop(&loop);
    book_free(book);
    recorder_free(recorder);
    close(fd);
}

static void nobody_there_is_no_row(void **state)
{
    struct recorder *recorder = recorder_new();
    struct book *book = book_new("me", 10000, &recorder->sink);
    uint16_t port;
    uv_loop_t loop;
    int fd = listen_udp(&port);
    (void)state;
    close(fd); /* refused from now on */
    uv_loop_init(&loop);
    struct chrony *chrony = chrony_open(&loop, port, book);
    for (int i = 0; i < 3; i++) {
        chrony_sample(chrony, (struct wall){1000 + i});
        for (int k = 0; k < 20; k++) {
            (void)uv_run(&loop, UV_RUN_NOWAIT);
        }
    }
    assert_int_equal(recorder->n_rows, 0);
    chrony_close(chrony);
    finish_loop(&loop);
    book_free(book);
    recorder_free(recorder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failed_units_are_counted),
        cmocka_unit_test(none_failed),
        cmocka_unit_test(failures_are_unknown),
        cmocka_unit_test(slow_and_endless_answers),
        cmocka_unit_test(closed_while_it_runs),
        cmocka_unit_test(without_systemd_nothing_is_asked),
        cmocka_unit_test(program_that_is_missing),
        cmocka_unit_test(chrony_answers),
        cmocka_unit_test(chrony_is_asked),
        cmocka_unit_test(nobody_there_is_no_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
