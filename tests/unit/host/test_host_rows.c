/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every kind of row from a machine made of files: each number stands in its own place. */
#include "host_at.h"
#include "support.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct bed {
    uv_loop_t loop;
    struct host_config config;
    struct host_place place;
    struct host *host;
    struct recorder *recorder;
};

static char *names[] = {(char[]){"sshd"}, (char[]){"nothing"}};

static void set_up(struct bed *bed, const char *root)
{
    bed->config = (struct host_config){
        .enabled = true, .interval_ms = 3600000, .processes = {.count = 2, .items = names}};
    bed->place = (struct host_place){.root = root, .systemctl = "false", .chrony_port = 1};
    bed->recorder = recorder_new();
    uv_loop_init(&bed->loop);
    bed->host = host_open_at(&bed->loop, &bed->config, "me", &bed->recorder->sink, &bed->place);
}

static void tear_down(struct bed *bed)
{
    host_close(bed->host);
    finish_loop(&bed->loop);
    recorder_free(bed->recorder);
}

/* The newest row of an object since row `from`. */
static const struct recorded_row *find_since(const struct bed *bed, size_t from, const char *kind,
                                             const char *name)
{
    for (size_t i = bed->recorder->n_rows; i > from; i--) {
        const struct recorded_row *row = &bed->recorder->rows[i - 1];
        const struct recorded_object *object = &bed->recorder->objects[row->row.object - 1];
        if (strcmp(object->kind, kind) == 0 && strcmp(object->name, name) == 0) {
            return row;
        }
    }
    return NULL;
}

static const struct recorded_row *find(const struct bed *bed, const char *kind, const char *name)
{
    const struct recorded_row *row = find_since(bed, 0, kind, name);
    assert_non_null(row);
    return row;
}

/* A value by its metric's name. */
static double value_of(const struct bed *bed, const struct recorded_row *row, const char *metric)
{
    const struct recorded_object *object = &bed->recorder->objects[row->row.object - 1];
    for (size_t i = 0; i < object->n_metrics; i++) {
        if (strcmp(object->metrics[i], metric) == 0) {
            assert_int_equal(row->row.unknown_mask >> i & 1, 0);
            return object->types[i] == METRIC_COUNTER ? (double)row->values[i].counter
                                                      : row->values[i].gauge;
        }
    }
    fail_msg("no metric %s", metric);
    return 0;
}

struct wanted {
    const char *metric;
    double value;
};

static void check(const struct bed *bed, const char *kind, const char *name,
                  const struct wanted *wanted)
{
    const struct recorded_row *row = find(bed, kind, name);
    assert_int_equal(row->row.status, ROW_OK);
    for (; wanted->metric != NULL; wanted++) {
        double value = value_of(bed, row, wanted->metric);
        if (value != wanted->value) {
            fail_msg("%s %s %s: %.9g, not %.9g", kind, name, wanted->metric, value, wanted->value);
        }
    }
}

static void system_and_paging(void **state)
{
    struct bed bed;
    double page = (double)sysconf(_SC_PAGESIZE);
    (void)state;
    set_up(&bed, TEST_DATA_DIR "/good");
    host_sample(bed.host, (struct wall){5000});
    check(&bed, "system", "system",
          (const struct wanted[]){{"uptime", 350735.47},
                                  {"processes", 4},
                                  {"threads", 389},
                                  {"open_files", 622},
                                  {"interrupts", 1462898},
                                  {"context_switches", 115315},
                                  {"forks", 6543},
                                  {"running", 3},
                                  {"blocked", 2},
                                  {NULL, 0}});
    check(&bed, "paging", "all",
          (const struct wanted[]){{"in_bytes", 1024000},
                                  {"out_bytes", 2048000},
                                  {"swap_in_bytes", 3 * page},
                                  {"swap_out_bytes", 4 * page},
                                  {"faults", 500},
                                  {"major_faults", 6},
                                  {"oom_kills", 7},
                                  {NULL, 0}});
    const struct recorded_row *row = find(&bed, "cpu", "0");
    assert_true(value_of(&bed, row, "user") == 1393280.0 * 1000 / (double)sysconf(_SC_CLK_TCK));
    assert_true(value_of(&bed, row, "guest") == 23933.0 * 1000 / (double)sysconf(_SC_CLK_TCK));
    tear_down(&bed);
}

static void pressure(void **state)
{
    struct bed bed;
    (void)state;
    set_up(&bed, TEST_DATA_DIR "/good");
    host_sample(bed.host, (struct wall){5000});
    check(&bed, "pressure", "cpu",
          (const struct wanted[]){{"some_avg10", 0.5},
                                  {"some_avg60", 0.25},
                                  {"some_avg300", 0.125},
                                  {"some_time", 9017955058.0},
                                  {NULL, 0}});
    assert_int_equal(find(&bed, "pressure", "cpu")->row.unknown_mask, 0xf0);
    check(&bed, "pressure", "irq",
          (const struct wanted[]){{"full_avg10", 0.01}, {"full_time", 99}, {NULL, 0}});
    assert_null(find_since(&bed, 0, "pressure", "memory")); /* the kernel does not have it */
    tear_down(&bed);
}

static void network(void **state)
{
    struct bed bed;
    double page = (double)sysconf(_SC_PAGESIZE);
    (void)state;
    set_up(&bed, TEST_DATA_DIR "/good");
    host_sample(bed.host, (struct wall){5000});
    check(&bed, "ip", "ipv4",
          (const struct wanted[]){{"in_packets", 101},
                                  {"in_header_errors", 102},
                                  {"in_address_errors", 103},
                                  {"forwarded", 104},
                                  {"in_discards", 106},
                                  {"in_delivered", 107},
                                  {"out_packets", 108},
                                  {"out_discards", 109},
                                  {"out_no_routes", 110},
                                  {"reassembly_fragments", 112},
                                  {"reassembly_failures", 114},
                                  {"fragmentation_failures", 116},
                                  {"fragments_created", 117},
                                  {"in_octets", 602},
                                  {"out_octets", 603},
                                  {NULL, 0}});
    check(&bed, "ip", "ipv6",
          (const struct wanted[]){{"in_packets", 701},
                                  {"in_header_errors", 702},
                                  {"in_address_errors", 704},
                                  {"forwarded", 707},
                                  {"in_discards", 705},
                                  {"in_delivered", 706},
                                  {"out_packets", 708},
                                  {"out_discards", 709},
                                  {"out_no_routes", 710},
                                  {"reassembly_fragments", 711},
                                  {"reassembly_failures", 712},
                                  {"fragmentation_failures", 713},
                                  {"fragments_created", 714},
                                  {"in_octets", 715},
                                  {"out_octets", 716},
                                  {NULL, 0}});
    check(&bed, "icmp", "ipv4",
          (const struct wanted[]){{"in_packets", 201},
                                  {"in_errors", 202},
                                  {"in_unreachable", 204},
                                  {"out_packets", 205},
                                  {"out_errors", 206},
                                  {"out_unreachable", 208},
                                  {NULL, 0}});
    check(&bed, "icmp", "ipv6",
          (const struct wanted[]){{"in_packets", 801},
                                  {"in_errors", 802},
                                  {"in_unreachable", 805},
                                  {"out_packets", 803},
                                  {"out_errors", 804},
                                  {"out_unreachable", 806},
                                  {NULL, 0}});
    check(&bed, "tcp", "all",
          (const struct wanted[]){{"active_opens", 301},
                                  {"passive_opens", 302},
                                  {"attempt_failures", 303},
                                  {"established_resets", 304},
                                  {"established", 305},
                                  {"in_segments", 306},
                                  {"out_segments", 307},
                                  {"retransmitted", 308},
                                  {"in_errors", 309},
                                  {"out_resets", 310},
                                  {"syn_cookies_sent", 501},
                                  {"listen_overflows", 503},
                                  {"listen_drops", 504},
                                  {"timeouts", 505},
                                  {"syn_retransmitted", 506},
                                  {NULL, 0}});
    check(&bed, "udp", "ipv4",
          (const struct wanted[]){{"in_datagrams", 401},
                                  {"no_ports", 402},
                                  {"in_errors", 403},
                                  {"out_datagrams", 404},
                                  {"receive_buffer_errors", 405},
                                  {"send_buffer_errors", 406},
                                  {"checksum_errors", 407},
                                  {NULL, 0}});
    check(&bed, "udp", "ipv6",
          (const struct wanted[]){{"in_datagrams", 901}, {"checksum_errors", 907}, {NULL, 0}});
    check(&bed, "sockets", "all",
          (const struct wanted[]){{"used", 16},
                                  {"tcp", 1},
                                  {"tcp_orphaned", 2},
                                  {"tcp_time_wait", 131},
                                  {"tcp_allocated", 3},
                                  {"tcp_memory", 205 * page},
                                  {"udp", 4},
                                  {"udp_memory", 132 * page},
                                  {"raw", 5},
                                  {"fragments", 6},
                                  {"fragments_memory", 7},
                                  {NULL, 0}});
    /* Without sockstat6: unknown, which is not zero. */
    assert_int_equal(find(&bed, "sockets", "all")->row.unknown_mask, 7 << 11);
    tear_down(&bed);
}

static void disks(void **state)
{
    struct bed bed;
    (void)state;
    set_up(&bed, TEST_DATA_DIR "/good");
    host_sample(bed.host, (struct wall){5000});
    check(&bed, "disk", "sda",
          (const struct wanted[]){{"read_time", 300},
                                  {"write_time", 500},
                                  {"reads_merged", 20},
                                  {"writes_merged", 40},
                                  {"queue", 1},
                                  {"discards", 0},
                                  {"discard_bytes", 0},
                                  {"flushes", 3},
                                  {NULL, 0}});
    /* An old kernel: unknown, and the row is whole. */
    assert_int_equal(find(&bed, "disk", "loop1")->row.unknown_mask, 7 << 11);
    assert_int_equal(find(&bed, "disk", "loop1")->row.status, ROW_OK);
    tear_down(&bed);
}

static void sensors(void **state)
{
    struct bed bed;
    (void)state;
    set_up(&bed, TEST_DATA_DIR "/good");
    for (int i = 0; i < 2; i++) { /* from files that stay open */
        size_t from = bed.recorder->n_rows;
        host_sample(bed.host, (struct wall){5000 + i});
        const struct recorded_row *row =
            find_since(&bed, from, "sensor", "temperature coretemp.0/temp1");
        assert_non_null(row);
        assert_true(row->values[0].gauge == 42.5);
        assert_string_equal(bed.recorder->objects[row->row.object - 1].label,
                            "sensor_type=temperature sensor_name=Package id 0 chip=coretemp");
        row = find_since(&bed, from, "sensor", "fan coretemp.0/fan1");
        assert_true(row->values[0].gauge == 1200);
        row = find_since(&bed, from, "sensor", "temperature coretemp.0/temp2");
        assert_int_equal(row->row.status, ROW_FAILED); /* "junk" */
        /* Two chips of one name and no device: each has its own. */
        uint32_t objects[8];
        size_t n = 0;
        for (size_t k = from; k < bed.recorder->n_rows; k++) {
            row = &bed.recorder->rows[k];
            const char *name = bed.recorder->objects[row->row.object - 1].name;
            if (strncmp(name, "temperature acpitz", 18) == 0 && n < 8) {
                objects[n++] = row->row.object;
            }
        }
        assert_int_equal(n, 2);
        assert_int_not_equal(objects[0], objects[1]);
    }
    tear_down(&bed);
}

static void named_processes(void **state)
{
    struct bed bed;
    double page = (double)sysconf(_SC_PAGESIZE);
    double tick = 1000 / (double)sysconf(_SC_CLK_TCK);
    (void)state;
    set_up(&bed, TEST_DATA_DIR "/good");
    host_sample(bed.host, (struct wall){5000});
    check(&bed, "process", "sshd",
          (const struct wanted[]){{"count", 2},
                                  {"rss", 300 * page},
                                  {"cpu_time", 110 * tick},
                                  {"threads", 3},
                                  {NULL, 0}});
    check(&bed, "process", "nothing", (const struct wanted[]){{"count", 0}, {"rss", 0}, {NULL, 0}});
    tear_down(&bed);
}

static void what_is_not_there_gives_no_zero(void **state)
{
    struct bed bed;
    (void)state;
    set_up(&bed, TEST_DATA_DIR "/odd");
    host_sample(bed.host, (struct wall){5000});
    for (size_t i = 0; i < bed.recorder->n_rows; i++) {
        const struct row *row = &bed.recorder->rows[i].row;
        const struct recorded_object *object = &bed.recorder->objects[row->object - 1];
        if (strcmp(object->kind, "interface") == 0 || strcmp(object->kind, "clock") == 0 ||
            strcmp(object->kind, "memory") == 0) {
            continue; /* of the real machine; partly there */
        }
        if (row->unknown_mask != (UINT64_C(1) << object->n_metrics) - 1) {
            fail_msg("%s %s has values", object->kind, object->name);
        }
    }
    assert_int_equal(find(&bed, "process", "sshd")->row.status, ROW_FAILED);
    assert_null(find_since(&bed, 0, "pressure", "cpu"));
    assert_null(find_since(&bed, 0, "ip", "ipv4"));
    assert_null(find_since(&bed, 0, "disk", "sda"));
    tear_down(&bed);
}

static void speed_of_an_interface(void **state)
{
    enum { SPEED = 11 };
    struct bed bed;
    (void)state;
    set_up(&bed, TEST_DATA_DIR "/good");
    host_sample(bed.host, (struct wall){5000});
    assert_true(value_of(&bed, find(&bed, "interface", "lo"), "speed_bps") == 1e9);
    tear_down(&bed);
    set_up(&bed, TEST_DATA_DIR "/odd"); /* says nothing of it */
    host_sample(bed.host, (struct wall){5000});
    assert_int_equal(find(&bed, "interface", "lo")->row.unknown_mask, 1 << SPEED);
    tear_down(&bed);
}

/* --- a machine that changes --- */

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    for (char *at = strchr(path + strlen(folder) + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        (void)mkdir(path, 0755); /* may be there */
        *at = '/';
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void write_process(const char *folder, int pid, const char *name, uint64_t cpu,
                          uint64_t start)
{
    char path[32];
    char text[256];
    snprintf(path, sizeof path, "proc/%d/stat", pid);
    snprintf(text, sizeof text, "%d (%s) S 0 0 0 0 -1 0 0 0 0 0 %llu 0 0 0 20 0 1 0 %llu 0 1 0\n",
             pid, name, (unsigned long long)cpu, (unsigned long long)start);
    write_file(folder, path, text);
}

static void remove_process(const char *folder, int pid)
{
    char path[300];
    snprintf(path, sizeof path, "%s/proc/%d/stat", folder, pid);
    assert_int_equal(unlink(path), 0);
    *strrchr(path, '/') = '\0';
    assert_int_equal(rmdir(path), 0);
}

static double cpu_of_sshd(struct bed *bed)
{
    host_sample(bed->host, (struct wall){5000});
    return value_of(bed, find(bed, "process", "sshd"), "cpu_time") * (double)sysconf(_SC_CLK_TCK) /
           1000;
}

static void time_of_processes_adds_up(void **state)
{
    char folder[] = "/tmp/beffroi-host-XXXXXX";
    struct bed bed;
    struct timespec now;
    (void)state;
    assert_non_null(mkdtemp(folder));
    clock_gettime(CLOCK_BOOTTIME, &now);
    uint64_t later = ((uint64_t)now.tv_sec + 1000) * (uint64_t)sysconf(_SC_CLK_TCK);
    write_process(folder, 1, "init", 1, 1);
    write_process(folder, 20, "sshd", 100, 1);
    set_up(&bed, folder);
    assert_true(cpu_of_sshd(&bed) == 100);
    write_process(folder, 20, "sshd", 130, 1);
    assert_true(cpu_of_sshd(&bed) == 130);
    write_process(folder, 30, "sshd", 7, later); /* born since */
    assert_true(cpu_of_sshd(&bed) == 137);
    write_process(folder, 40, "sshd", 5000, 1); /* an old one that takes the name */
    assert_true(cpu_of_sshd(&bed) == 137);
    write_process(folder, 40, "sshd", 5001, 1);
    assert_true(cpu_of_sshd(&bed) == 138);
    remove_process(folder, 20); /* what it used is not taken back */
    assert_true(cpu_of_sshd(&bed) == 138);
    write_process(folder, 30, "sshd", 4, later + 1); /* another one under its number */
    assert_true(cpu_of_sshd(&bed) == 142);
    assert_int_equal(find(&bed, "process", "sshd")->row.discontinuity_mask, 0);
    remove_process(folder, 1); /* hidden from us, as all others may be */
    host_sample(bed.host, (struct wall){5000});
    assert_int_equal(find(&bed, "process", "sshd")->row.status, ROW_FAILED);
    tear_down(&bed);
    remove_process(folder, 30);
    remove_process(folder, 40);
    char path[64];
    snprintf(path, sizeof path, "%s/proc", folder);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* A name is found once a process took it, however old it is. */
static void renamed_process_is_found(void **state)
{
    char folder[] = "/tmp/beffroi-host-XXXXXX";
    struct bed bed;
    int turns = 0;
    (void)state;
    assert_non_null(mkdtemp(folder));
    write_process(folder, 1, "init", 1, 1);
    write_process(folder, 20, "sh", 100, 1);
    set_up(&bed, folder);
    for (int i = 0; i < 10; i++) {
        host_sample(bed.host, (struct wall){5000});
    }
    write_process(folder, 20, "sshd", 100, 1);
    do {
        host_sample(bed.host, (struct wall){5000});
        turns++;
    } while (value_of(&bed, find(&bed, "process", "sshd"), "count") == 0 && turns < 100);
    assert_in_range(turns, 1, 32);
    tear_down(&bed);
    remove_process(folder, 20);
    remove_process(folder, 1);
    char path[64];
    snprintf(path, sizeof path, "%s/proc", folder);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(system_and_paging),
        cmocka_unit_test(pressure),
        cmocka_unit_test(network),
        cmocka_unit_test(disks),
        cmocka_unit_test(sensors),
        cmocka_unit_test(named_processes),
        cmocka_unit_test(speed_of_an_interface),
        cmocka_unit_test(what_is_not_there_gives_no_zero),
        cmocka_unit_test(time_of_processes_adds_up),
        cmocka_unit_test(renamed_process_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
