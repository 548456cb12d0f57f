/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The capture as a whole: real packets on real interfaces, in a network namespace of the test's
 * own; skipped where that is not allowed. Files are read by everybody. */
#include "capture/capture.h"
#include "source.h"
#include "support.h"
#include "traffic.h"

#include "common/xalloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <sched.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

extern char **environ;

/* --- a sink that keeps the last row --- */

struct watcher {
    struct object_names {
        char device[32];
        char kind[32];
        char name[32];
    } object;
    size_t n_rows;
    struct row row;
    union value values[TRAFFIC_COUNTERS];
    uint64_t first_udp; /* octets of the first row */
    uint64_t wanted_udp;
    bool ended;
    char reason[256];
};

static uint32_t watch_define(void *context, const struct object *object)
{
    struct watcher *watcher = context;
    assert_int_equal(object->n_metrics, TRAFFIC_COUNTERS);
    (void)snprintf(watcher->object.device, sizeof watcher->object.device, "%s", object->device);
    (void)snprintf(watcher->object.kind, sizeof watcher->object.kind, "%s", object->kind);
    (void)snprintf(watcher->object.name, sizeof watcher->object.name, "%s", object->name);
    return 7;
}

static void watch_row(void *context, const struct row *row)
{
    struct watcher *watcher = context;
    watcher->row = *row;
    memcpy(watcher->values, row->values, sizeof watcher->values);
    if (watcher->n_rows++ == 0) {
        watcher->first_udp = watcher->values[TRAFFIC_UDP_OCTETS].counter;
    }
}

static void watch_end(void *context, const char *reason)
{
    struct watcher *watcher = context;
    watcher->ended = true;
    (void)snprintf(watcher->reason, sizeof watcher->reason, "%s", reason);
}

static struct sample_sink watch_sink(struct watcher *watcher)
{
    return (struct sample_sink){.context = watcher, .define = watch_define, .row = watch_row};
}

/* --- the namespace --- */

static bool run_ip(const char *const *arguments)
{
    pid_t pid;
    int status = -1;
    if (posix_spawnp(&pid, "ip", NULL, NULL, (char *const *)(uintptr_t)arguments, environ) != 0) {
        return false;
    }
    return waitpid(pid, &status, 0) == pid && status == 0;
}

static bool have_namespace;

static int enter_namespace(void **state)
{
    (void)state;
    have_namespace = geteuid() == 0 && unshare(CLONE_NEWNET) == 0 &&
                     run_ip((const char *[]){"ip", "link", "set", "lo", "up", NULL}) &&
                     run_ip((const char *[]){"ip", "link", "add", "beffroi0", "type", "veth",
                                             "peer", "name", "beffroi1", NULL}) &&
                     run_ip((const char *[]){"ip", "link", "set", "beffroi0", "up", NULL});
    return 0;
}

static void need_namespace(void)
{
    if (!have_namespace) {
        print_message("no network namespace can be made here\n");
        skip();
    }
}

static void send_datagrams(int count, size_t size)
{
    char payload[2048] = {0};
    int receiver = socket(AF_INET, SOCK_DGRAM, 0);
    int sender = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof to;
    assert_int_equal(bind(receiver, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(getsockname(receiver, (struct sockaddr *)&to, &length), 0);
    for (int i = 0; i < count; i++) {
        assert_int_equal(sendto(sender, payload, size, 0, (struct sockaddr *)&to, sizeof to), size);
    }
    (void)close(sender);
    (void)close(receiver);
}

static bool udp_arrived(void *context)
{
    const struct watcher *watcher = context;
    return watcher->n_rows > 0 &&
           watcher->values[TRAFFIC_UDP_OCTETS].counter >= watcher->wanted_udp;
}

static bool has_ended(void *context)
{
    const struct watcher *watcher = context;
    return watcher->ended;
}

/* --- tests --- */

static void loopback_is_metered_exactly(void **state)
{
    enum { COUNT = 100, SIZE = 1000, FRAME = SIZE + 8 + 20 + 14 };
    struct capture_config config = {
        .interface = (char[]){"lo"}, .interval_ms = 1000, .buffer_bytes = 1024 * 1024};
    struct watcher watcher = {.wanted_udp = COUNT * FRAME};
    struct sample_sink sink = watch_sink(&watcher);
    struct capture *capture = NULL;
    char reason[256] = "";
    uv_loop_t loop;
    (void)state;
    need_namespace();
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(capture_open(&capture, &config, reason, sizeof reason), 0);
    assert_int_equal(capture_start(capture, &loop, "host", &sink, watch_end, &watcher), 0);
    send_datagrams(COUNT, SIZE);
    assert_true(run_until(&loop, udp_arrived, &watcher, 10000));
    assert_string_equal(watcher.object.kind, "traffic");
    assert_string_equal(watcher.object.name, "lo");
    assert_string_equal(watcher.object.device, "host");
    assert_int_equal(watcher.row.object, 7);
    assert_int_equal(watcher.row.status, ROW_OK);
    /* The namespace is ours alone: nothing else was on it, and nothing was seen twice. */
    assert_int_equal(watcher.values[TRAFFIC_UDP_OCTETS].counter, COUNT * FRAME);
    assert_int_equal(watcher.values[TRAFFIC_UDP_PACKETS].counter, COUNT);
    assert_int_equal(watcher.values[TRAFFIC_IPV4_OCTETS].counter, COUNT * FRAME);
    assert_int_equal(watcher.values[TRAFFIC_DROPPED].counter, 0);
    assert_int_equal(watcher.values[TRAFFIC_MALFORMED].counter, 0);
    capture_close(capture);
    finish_loop(&loop);
}

static void deleted_interface_ends_the_capture(void **state)
{
    struct capture_config config = {
        .interface = (char[]){"beffroi0"}, .interval_ms = 1000, .buffer_bytes = 1024 * 1024};
    struct watcher watcher = {.n_rows = 0};
    struct sample_sink sink = watch_sink(&watcher);
    struct capture *capture = NULL;
    char reason[256] = "";
    uv_loop_t loop;
    (void)state;
    need_namespace();
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(capture_open(&capture, &config, reason, sizeof reason), 0);
    assert_int_equal(capture_start(capture, &loop, "host", &sink, watch_end, &watcher), 0);
    assert_true(run_ip((const char *[]){"ip", "link", "delete", "beffroi0", NULL}));
    assert_true(run_until(&loop, has_ended, &watcher, 10000));
    assert_true(watcher.reason[0] != '\0');
    capture_close(capture);
    finish_loop(&loop);
}

static void missing_interface_is_named(void **state)
{
    struct capture_config config = {
        .interface = (char[]){"no-such-if"}, .interval_ms = 1000, .buffer_bytes = 1024 * 1024};
    struct capture *capture = NULL;
    char reason[256] = "";
    (void)state;
    need_namespace();
    assert_int_equal(capture_open(&capture, &config, reason, sizeof reason), -ENODEV);
    assert_non_null(strstr(reason, "no-such-if"));
}

static void count_octets(void *context, enum decode_link link, const uint8_t *frame,
                         size_t captured, size_t length)
{
    uint64_t *sums = context;
    (void)frame;
    assert_int_equal(link, DECODE_ETHERNET);
    sums[0]++;
    sums[1] += captured;
    sums[2] += length;
}

static void file_is_read_to_its_end(void **state)
{
    char path[] = "/tmp/beffroi-capture-XXXXXX";
    char reason[256] = "";
    uint8_t frame[200] = {0};
    uint64_t sums[3] = {0};
    struct source *source = NULL;
    (void)state;
    (void)close(mkstemp(path));
    pcap_t *dead = pcap_open_dead(DLT_EN10MB, 100);
    pcap_dumper_t *dump = pcap_dump_open(dead, path);
    assert_non_null(dump);
    for (unsigned i = 0; i < 10; i++) {
        struct pcap_pkthdr header = {.caplen = 100, .len = 100 + i * 1000};
        pcap_dump((u_char *)dump, &header, frame);
    }
    pcap_dump_close(dump);
    pcap_close(dead);
    assert_int_equal(source_open_file(&source, path, reason, sizeof reason), 0);
    int n;
    while ((n = source_read(source, 3, count_octets, sums, reason, sizeof reason)) > 0) {
        assert_true(n <= 3);
    }
    assert_int_equal(n, -ENODATA);
    assert_int_equal(sums[0], 10);
    assert_int_equal(sums[1], 1000);
    assert_int_equal(sums[2], 10 * 100 + 45 * 1000);
    assert_int_equal(source_dropped(source), 0);
    source_close(source);

    assert_int_equal(truncate(path, 100), 0); /* in the middle of the first frame */
    assert_int_equal(source_open_file(&source, path, reason, sizeof reason), 0);
    assert_int_equal(source_read(source, 3, count_octets, sums, reason, sizeof reason), -EIO);
    assert_true(reason[0] != '\0');
    source_close(source);
    assert_int_equal(truncate(path, 10), 0);
    assert_int_equal(source_open_file(&source, path, reason, sizeof reason), -EBADMSG);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(source_open_file(&source, path, reason, sizeof reason), -ENOENT);
    assert_non_null(strstr(reason, path));
}

static void configuration_is_checked(void **state)
{
    struct capture_config config;
    struct config_errors errors = {0};
    (void)state;
    static const char good[] = "interface: eth0\ninterval: 5s\n";
    assert_int_equal(
        config_parse("t", good, strlen(good), &capture_config_schema, &config, &errors), 0);
    assert_int_equal(config.interval_ms, 5000);
    assert_false(config.promiscuous);
    assert_int_equal(config.buffer_bytes, 16 * 1024 * 1024);
    config_free(&capture_config_schema, &config);
    static const char bad[] = "interface: ../eth0\ninterval: 1ms\nbuffer: 1kB\n";
    assert_int_equal(config_parse("t", bad, strlen(bad), &capture_config_schema, &config, &errors),
                     -EINVAL);
    assert_int_equal(errors.count, 3);
    config_errors_clear(&errors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loopback_is_metered_exactly),
        cmocka_unit_test(deleted_interface_ends_the_capture),
        cmocka_unit_test(missing_interface_is_named),
        cmocka_unit_test(file_is_read_to_its_end),
        cmocka_unit_test(configuration_is_checked),
    };
    return cmocka_run_group_tests(tests, enter_namespace, NULL);
}
