/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Paths, layout, damage, a full disk, and the stock rrdtool as a reader of what was written. */
#include "common/xalloc.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { DISK_SIZE = 600 * 1024 };
static const int64_t START_MS = INT64_C(1767225600000); /* 2026-01-01 */

static void expect_path(const char *device, const char *kind, const char *object,
                        const char *expected)
{
    char *path = rrd_path("D", device, kind, object);
    assert_string_equal(path, expected);
    free(path);
}

static void names_stay_below_the_folder(void **state)
{
    (void)state;
    expect_path("sw-1", "interface", "Gi0/1", "D/sw-1/interface/Gi0%2F1.rrd");
    expect_path("..", ".", ".x", "D/%2E./%2E/%2Ex.rrd");
    expect_path("a:b", "-x", "h\xc3\xb4tel~", "D/a%3Ab/-x/h%C3%B4tel%7E.rrd");
    char longer[301];
    memset(longer, 'a', 300);
    longer[300] = '\0';
    char *one = rrd_path("D", "d", "k", longer);
    longer[299] = 'b';
    char *two = rrd_path("D", "d", "k", longer);
    assert_string_not_equal(one, two);
    assert_int_equal(strlen(one), strlen("D/d/k/") + 200 + strlen(".rrd"));
    assert_int_equal(one[strlen("D/d/k/") + 200 - 33], '~');
    free(two);
    free(one);
}

static void files_are_of_reasonable_size(void **state)
{
    (void)state;
    static const int64_t intervals[] = {100,   1000,  1500,   5000,   7000,    10000,   15000,
                                        60000, 77000, 300000, 420000, 3600000, 86400000};
    char *folder = make_folder();
    for (size_t i = 0; i < sizeof intervals / sizeof *intervals; i++) {
        char reason[256] = "";
        size_t size;
        struct object object = sample_object(intervals[i]);
        char *path = rrd_path(folder, "d", "k", "o");
        assert_int_equal(
            rrd_file_create(path, &object, (struct wall){START_MS}, reason, sizeof reason), 0);
        assert_int_equal(rrd_file_check(path, &object, reason, sizeof reason), 0);
        assert_int_equal(
            rrd_file_create(path, &object, (struct wall){START_MS}, reason, sizeof reason),
            -EEXIST);
        free(read_file(path, &size));
        assert_true(size / SAMPLE_METRICS <= 350 * 1024);
        assert_int_equal(unlink(path), 0);
        free(path);
    }
    remove_folder(folder);
}

static void good_files_of_other_objects_are_stale(void **state)
{
    (void)state;
    char reason[256] = "";
    char *folder = make_folder();
    char *path = rrd_path(folder, "d", "k", "o");
    struct object object = sample_object(60000);
    struct object other = sample_object(30000);
    assert_int_equal(rrd_file_check(path, &object, reason, sizeof reason), -ENOENT);
    assert_int_equal(rrd_file_create(path, &object, (struct wall){START_MS}, reason, sizeof reason),
                     0);
    assert_int_equal(rrd_file_check(path, NULL, reason, sizeof reason), 0);
    assert_int_equal(rrd_file_check(path, &other, reason, sizeof reason), -ESTALE);
    other = object;
    other.n_metrics = 3;
    assert_int_equal(rrd_file_check(path, &other, reason, sizeof reason), -ESTALE);
    struct metric metrics[SAMPLE_METRICS];
    memcpy(metrics, object.metrics, sizeof metrics);
    other = object;
    other.metrics = metrics;
    metrics[1].type = METRIC_GAUGE;
    assert_int_equal(rrd_file_check(path, &other, reason, sizeof reason), -ESTALE);
    metrics[1].type = METRIC_COUNTER;
    metrics[1].name = "out_packets";
    assert_int_equal(rrd_file_check(path, &other, reason, sizeof reason), -ESTALE);
    struct rrd_update_result result;
    struct rrd_row row = {.time = {START_MS}};
    assert_int_equal(rrd_file_update(path, &other, &row, 1, &result, reason, sizeof reason),
                     -ESTALE);
    metrics[1].name = metrics[0].name; /* two of one name: no file can hold them */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rrd_file_create(path, &other, (struct wall){START_MS}, reason, sizeof reason),
                     -EINVAL);
    free(path);
    remove_folder(folder);
}

/* The names that a stock rrdtool sees are short; the object goes by its own. */
static void long_names_have_short_sources(void **state)
{
    (void)state;
    static const char *const sources[] = {"in_multicast_pckts", "out_multicast_pckts",
                                          "oper_status", "in_octets"};
    char reason[256] = "";
    char names[PROTO_METRICS_MAX][RRD_NAME_SIZE];
    size_t n = 0;
    char *folder = make_folder();
    char *path = rrd_path(folder, "sw-1", "interface", "Gi0/1");
    struct object object = sample_object(60000);
    const struct metric metrics[SAMPLE_METRICS] = {
        {"in_multicast_packets", "packets", METRIC_COUNTER},
        {"out_multicast_packets", "packets", METRIC_COUNTER},
        {"oper_status", "1", METRIC_GAUGE},
        {"in_octets", "octets", METRIC_GAUGE},
    };
    object.metrics = metrics;
    assert_int_equal(rrd_file_create(path, &object, (struct wall){START_MS}, reason, sizeof reason),
                     0);
    assert_int_equal(rrd_file_check(path, &object, reason, sizeof reason), 0);
    assert_int_equal(rrd_file_metrics(path, names, &n), 0);
    assert_int_equal(n, SAMPLE_METRICS);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(names[i], sources[i]);
    }
    struct rrd_row rows[2] = {{.time = {START_MS}}, {.time = {START_MS + 60000}}};
    rows[1].values[1].counter = 600;
    must_update(path, &object, rows, 2);
    double values[SAMPLE_METRICS];
    int64_t step_s;
    assert_int_equal(
        rrd_file_latest(path, (struct wall){START_MS + 60000}, values, SAMPLE_METRICS, &step_s), 0);
    assert_float_equal(values[1], 10, 1e-9);
    struct object other = object;
    struct metric other_metrics[SAMPLE_METRICS];
    memcpy(other_metrics, metrics, sizeof metrics);
    other.metrics = other_metrics;
    other_metrics[1].name = "out_broadcast_packets";
    assert_int_equal(rrd_file_check(path, &other, reason, sizeof reason), -ESTALE);
    free(path);
    remove_folder(folder);
}

static void damaged_files_are_told(void **state)
{
    (void)state;
    char reason[256] = "";
    size_t size;
    struct wall last;
    char *folder = make_folder();
    char *path = rrd_path(folder, "d", "k", "o");
    struct object object = sample_object(60000);
    assert_int_equal(rrd_file_create(path, &object, (struct wall){START_MS}, reason, sizeof reason),
                     0);
    uint8_t *bytes = read_file(path, &size);
    uint8_t *zeros = xcalloc(1, size);
    const struct {
        const void *bytes;
        size_t size;
    } cases[] = {{bytes, size - 8}, {bytes, 100}, {bytes, 0}, {zeros, size}, {zeros, 4096}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rrd_update_result result;
        struct rrd_row row = {.time = {START_MS}};
        write_file(path, cases[i].bytes, cases[i].size);
        assert_int_equal(rrd_file_check(path, &object, reason, sizeof reason), -EBADMSG);
        assert_int_equal(rrd_file_update(path, &object, &row, 1, &result, reason, sizeof reason),
                         -EBADMSG);
        assert_int_equal(rrd_file_last(path, &last), -EBADMSG);
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(rrd_file_check(path, &object, reason, sizeof reason), -EBADMSG);
    assert_int_equal(rrd_file_last(path, &last), -EBADMSG);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(rrd_file_check(path, &object, reason, sizeof reason), -EBADMSG);
    free(zeros);
    free(bytes);
    free(path);
    remove_folder(folder);
}

static void latest_is_the_newest_known(void **state)
{
    (void)state;
    char reason[256] = "";
    char *folder = make_folder();
    char *path = rrd_path(folder, "d", "k", "o");
    struct object object = sample_object(10000);
    struct rrd_row rows[10] = {0};
    for (int i = 0; i < 10; i++) {
        rows[i].time.ms = START_MS + i * 10000;
        rows[i].values[0].counter = (uint64_t)(i * i) * 10;
        rows[i].values[3].gauge = i;
        rows[i].unknown_mask = i >= 7 ? 8 : 2;
    }
    assert_int_equal(rrd_file_create(path, &object, rows[0].time, reason, sizeof reason), 0);
    must_update(path, &object, rows, 10);
    double values[SAMPLE_METRICS];
    int64_t step_s = 0;
    assert_int_equal(
        rrd_file_latest(path, (struct wall){START_MS + 91500}, values, SAMPLE_METRICS, &step_s), 0);
    assert_int_equal(step_s, 10);
    assert_true(values[0] == 17.0);
    assert_true(values[1] == 0.0); /* known from row 8 on, and never counted */
    assert_true(values[2] == 0.0);
    assert_true(values[3] == 6.0);
    assert_int_equal(
        rrd_file_latest(path, (struct wall){START_MS + 45000}, values, SAMPLE_METRICS, &step_s), 0);
    assert_true(values[0] == 7.0 && values[3] == 4.0 && isnan(values[1]));
    assert_int_equal(
        rrd_file_latest(path, (struct wall){START_MS + 600000}, values, SAMPLE_METRICS, &step_s),
        0);
    assert_true(isnan(values[0]) && isnan(values[3]));
    free(path);
    remove_folder(folder);
}

static void stock_rrdtool_reads_them(void **state)
{
    (void)state;
    char reason[256] = "";
    char *folder = make_folder();
    char *path = rrd_path(folder, "d", "k", "o");
    struct object object = sample_object(60000);
    struct rrd_row rows[120] = {0};
    for (int i = 0; i < 120; i++) {
        rows[i].time.ms = START_MS + i * 60000;
        rows[i].values[0].counter = (uint64_t)i * 6000;
        rows[i].values[3].gauge = 3.5;
    }
    assert_int_equal(rrd_file_create(path, &object, rows[0].time, reason, sizeof reason), 0);
    must_update(path, &object, rows, 120);
    char *info = run_rrdtool((const char *const[]){"rrdtool", "info", path, NULL});
    if (info == NULL) {
        remove_folder(folder);
        free(path);
        skip(); /* no rrdtool here */
    }
    assert_non_null(strstr(info, "step = 60\n"));
    assert_non_null(strstr(info, "last_update = 1767232740\n"));
    assert_non_null(strstr(info, "ds[in_octets].type = \"DERIVE\"\n"));
    assert_non_null(strstr(info, "ds[in_octets].minimal_heartbeat = 150\n"));
    assert_non_null(strstr(info, "ds[in_octets].min = 0.0000000000e+00\n"));
    assert_non_null(strstr(info, "ds[in_octets].last_ds = \"714000\"\n"));
    assert_non_null(strstr(info, "ds[level].type = \"GAUGE\"\n"));
    assert_non_null(strstr(info, "rra[2].rows = 8760\n"));
    assert_non_null(strstr(info, "rra[3].cf = \"MAX\"\n"));
    free(info);
    char *fetch =
        run_rrdtool((const char *const[]){"rrdtool", "fetch", path, "AVERAGE", "-r", "3600", "-s",
                                          "1767225600", "-e", "1767229200", NULL});
    assert_non_null(fetch);
    assert_non_null(strstr(fetch, "1767229200: 1.0000000000e+02 0.0000000000e+00 "
                                  "0.0000000000e+00 3.5000000000e+00\n"));
    free(fetch);
    free(path);
    remove_folder(folder);
}

/* On a disk that holds two and a half files. */
static int fill_the_disk(const char *folder)
{
    char reason[256] = "";
    size_t size;
    struct object object = sample_object(86400000);
    struct rrd_row row = {.time = {START_MS}};
    struct rrd_update_result result;
    char *one = rrd_path(folder, "d", "k", "one");
    char *two = rrd_path(folder, "d", "k", "two");
    char *three = rrd_path(folder, "d", "k", "three");
    assert_int_equal(rrd_file_create(one, &object, row.time, reason, sizeof reason), 0);
    assert_int_equal(rrd_file_create(two, &object, row.time, reason, sizeof reason), 0);
    assert_int_equal(rrd_file_create(three, &object, row.time, reason, sizeof reason), -ENOSPC);
    assert_int_equal(access(three, F_OK), -1);
    uint8_t *before = read_file(one, &size);
    assert_true(size * 2 < DISK_SIZE && size * 3 > DISK_SIZE);
    assert_int_equal(rrd_file_update(one, &object, &row, 1, &result, reason, sizeof reason),
                     -ENOSPC);
    assert_int_equal(result.written, 0);
    uint8_t *after = read_file(one, &size);
    assert_memory_equal(before, after, size);
    /* The failed attempts left nothing: with one file less there is room. */
    assert_int_equal(unlink(two), 0);
    assert_int_equal(rrd_file_update(one, &object, &row, 1, &result, reason, sizeof reason), 0);
    assert_int_equal(result.written, 1);
    free(after);
    free(before);
    free(three);
    free(two);
    free(one);
    return 0;
}

/* Where this process may mount, as any user. */
static bool enter_namespace(void)
{
    char *uids = xasprintf("0 %u 1", geteuid());
    char *gids = xasprintf("0 %u 1", getegid());
    bool entered = unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
    const char *const files[][2] = {{"/proc/self/setgroups", "deny"},
                                    {"/proc/self/uid_map", uids},
                                    {"/proc/self/gid_map", gids}};
    for (size_t i = 0; entered && i < 3; i++) {
        int fd = open(files[i][0], O_WRONLY | O_CLOEXEC);
        ssize_t size = (ssize_t)strlen(files[i][1]);
        entered = fd >= 0 && write(fd, files[i][1], (size_t)size) == size;
        (void)close(fd); /* nothing was buffered */
    }
    free(gids);
    free(uids);
    return entered;
}

static void a_full_disk_harms_nothing(void **state)
{
    (void)state;
    char *folder = make_folder();
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (!enter_namespace() || mount("none", folder, "tmpfs", 0, "size=600k") != 0) {
            _exit(77);
        }
        _exit(fill_the_disk(folder));
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    remove_folder(folder);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        skip(); /* no user namespaces here */
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_stay_below_the_folder),
        cmocka_unit_test(files_are_of_reasonable_size),
        cmocka_unit_test(good_files_of_other_objects_are_stale),
        cmocka_unit_test(long_names_have_short_sources),
        cmocka_unit_test(damaged_files_are_told),
        cmocka_unit_test(latest_is_the_newest_known),
        cmocka_unit_test(stock_rrdtool_reads_them),
        cmocka_unit_test(a_full_disk_harms_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
