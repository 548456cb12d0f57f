/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The metering as a whole: real packets on real interfaces, in a network namespace of the test's
 * own; skipped where that is not allowed. */
#include "checks/support.h"
#include "metering.h"
#include "offload.h"
#include "sample/schedule.h"
#include "support.h"

#include "common/clock.h"
#include "common/xalloc.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_MS = 10000, INTERVAL_MS = 200 };

static bool have_namespace;

static int make_namespace(void **state)
{
    (void)state;
    have_namespace =
        enter_namespace() && run_ip("link set beffroi0 up") && run_ip("link set beffroi1 up");
    return 0;
}

static void need_namespace(void)
{
    if (!have_namespace) {
        print_message("no network namespace can be made here\n");
        skip();
    }
}

/* --- a metering and its loop --- */

struct fixture {
    struct capture_config config;
    struct watch *watch;
    struct metering *metering;
    uv_loop_t loop;
    struct book *book;
    const char *interface;
    const char *metric; /* waited for */
    uint64_t wanted;
};

static void start(struct fixture *fixture, const char *interface, const char *more)
{
    struct config_errors errors = {0};
    char reason[256] = "";
    char *text =
        xasprintf("interface: %s\ninterval: 1s\nbuffer: 1MiB\nflows: 1024\n%s", interface, more);
    fixture->interface = interface;
    fixture->book = book_new();
    assert_int_equal(
        config_parse("t", text, strlen(text), &capture_config_schema, &fixture->config, &errors),
        0);
    free(text);
    fixture->config.interval_ms = INTERVAL_MS; /* a person must wait for a second */
    fixture->config.talkers.interval_ms = INTERVAL_MS;
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    assert_int_equal(watch_open(&fixture->watch, interface), 0);
    if (metering_open(&fixture->metering, &fixture->config, interface, fixture->watch, reason,
                      sizeof reason) != 0) {
        fail_msg("%s", reason);
    }
    assert_int_equal(metering_prepare(fixture->metering), 0);
    assert_int_equal(metering_start(fixture->metering, &fixture->loop, "host", &fixture->book->sink,
                                    book_end, fixture->book),
                     0);
}

static void finish(struct fixture *fixture)
{
    metering_close(fixture->metering);
    finish_loop(&fixture->loop);
    watch_close(fixture->watch);
    config_free(&capture_config_schema, &fixture->config);
    book_free(fixture->book);
}

static bool has_arrived(void *context)
{
    const struct fixture *fixture = context;
    struct book_object *object = book_find(fixture->book, "traffic", fixture->interface);
    return object != NULL && object->n_rows > 0 &&
           book_counter(fixture->book, "traffic", fixture->interface, fixture->metric) >=
               fixture->wanted;
}

static bool has_ended(void *context)
{
    const struct fixture *fixture = context;
    return fixture->book->ended;
}

static bool has_reported(void *context)
{
    const struct fixture *fixture = context;
    return fixture->book->n_reports >= 3;
}

static void wait_for(struct fixture *fixture, const char *metric, uint64_t wanted)
{
    fixture->metric = metric;
    fixture->wanted = wanted;
    assert_true(run_until(&fixture->loop, has_arrived, fixture, MOST_MS));
}

static uint64_t counter(struct fixture *fixture, const char *metric)
{
    return book_counter(fixture->book, "traffic", fixture->interface, metric);
}

/* --- tests --- */

static void loopback_is_metered_exactly(void **state)
{
    enum { COUNT = 100, SIZE = 1000, IP = SIZE + 28, FRAME = IP + 14 };
    struct fixture fixture = {0};
    (void)state;
    need_namespace();
    start(&fixture, "lo", "own: [127.0.0.0/8]\n");
    send_datagrams(COUNT, SIZE);
    wait_for(&fixture, "udp_octets", COUNT * FRAME);
    /* The namespace is ours alone: nothing else was on it, and nothing was seen twice. */
    assert_int_equal(counter(&fixture, "udp_octets"), COUNT * FRAME);
    assert_int_equal(counter(&fixture, "udp_packets"), COUNT);
    assert_int_equal(counter(&fixture, "ip_octets"), COUNT * IP);
    assert_int_equal(counter(&fixture, "packets"), COUNT);
    assert_int_equal(counter(&fixture, "truncated"), 0);
    assert_int_equal(counter(&fixture, "dropped"), 0);
    struct book_object *object = book_find(fixture.book, "traffic", "lo");
    assert_int_equal(object->row.status, ROW_OK);
    assert_non_null(strstr(object->labels, "link=EN10MB"));
    assert_non_null(strstr(object->labels, "offload="));
    assert_null(strstr(object->labels, "offload=unknown"));
    /* On the schedule's grid. */
    assert_int_equal(object->row.time.ms % INTERVAL_MS,
                     schedule_phase_ms("capture/host/lo", INTERVAL_MS));
    assert_int_equal(book_counter(fixture.book, "traffic-flows", "lo", "added"), 1);
    assert_true(run_until(&fixture.loop, has_reported, &fixture, MOST_MS));
    assert_string_equal(fixture.book->reports[0].first_key, "127.0.0.1");
    assert_int_equal(fixture.book->reports[0].first.ip_bytes, COUNT * IP);
    assert_int_equal(fixture.book->reports[0].report.total_ip_bytes, COUNT * IP);
    send_datagrams(1, SIZE);
    wait_for(&fixture, "udp_packets", COUNT + 1);
    assert_int_equal(counter(&fixture, "udp_octets"), (COUNT + 1) * FRAME);
    finish(&fixture);
}

/* Many flows over several lanes: each frame in exactly one of them. */
static void lanes_share_frames(void **state)
{
    enum { FLOWS = 200, EACH = 5, SIZE = 60, FRAME = SIZE + 28 + 18 };
    struct fixture fixture = {0};
    uint8_t frame[256];
    (void)state;
    need_namespace();
    start(&fixture, "beffroi1", "workers: 4\nfilter: vlan 42\n");
    for (unsigned i = 0; i < FLOWS; i++) {
        size_t length =
            make_udp(frame, 42, "192.0.2.1", "192.0.2.2", (uint16_t)(1000 + i), 53000, SIZE);
        send_frames("beffroi0", frame, length, EACH);
        length = make_udp(frame, 41, "192.0.2.1", "192.0.2.2", (uint16_t)(1000 + i), 53000, SIZE);
        send_frames("beffroi0", frame, length, 1); /* not of the filter */
    }
    wait_for(&fixture, "udp_packets", FLOWS * EACH);
    assert_int_equal(counter(&fixture, "udp_packets"), FLOWS * EACH);
    assert_int_equal(counter(&fixture, "octets"), FLOWS * EACH * FRAME);
    assert_int_equal(counter(&fixture, "vlan_packets"), FLOWS * EACH);
    assert_int_equal(book_counter(fixture.book, "traffic-vlan", "beffroi1/42", "packets"),
                     FLOWS * EACH);
    assert_null(book_find(fixture.book, "traffic-vlan", "beffroi1/41"));
    assert_int_equal(book_counter(fixture.book, "traffic-flows", "beffroi1", "added"), FLOWS);
    finish(&fixture);
}

/* A ring of four blocks and a burst: what is lost is told, and the row says that it is doubtful. */
static void drops_are_told(void **state)
{
    enum { COUNT = 60000 };
    struct fixture fixture = {0};
    uint8_t frame[256];
    (void)state;
    need_namespace();
    size_t length = make_udp(frame, 0, "192.0.2.1", "192.0.2.2", 1000, 2000, 150);
    struct config_errors errors = {0};
    char reason[256] = "";
    static const char text[] = "interface: beffroi1\ninterval: 1s\nbuffer: 1MiB\nflows: 1024\n"
                               "filter: src port 1000\n";
    fixture.interface = "beffroi1";
    fixture.book = book_new();
    assert_int_equal(
        config_parse("t", text, sizeof text - 1, &capture_config_schema, &fixture.config, &errors),
        0);
    assert_int_equal(uv_loop_init(&fixture.loop), 0);
    assert_int_equal(watch_open(&fixture.watch, "beffroi1"), 0);
    assert_int_equal(metering_open(&fixture.metering, &fixture.config, "beffroi1", fixture.watch,
                                   reason, sizeof reason),
                     0);
    send_frames("beffroi0", frame, length, COUNT); /* nobody reads yet */
    assert_int_equal(metering_start(fixture.metering, &fixture.loop, "host", &fixture.book->sink,
                                    book_end, fixture.book),
                     0);
    wait_for(&fixture, "dropped", 1);
    assert_int_equal(counter(&fixture, "packets") + counter(&fixture, "dropped"), COUNT);
    assert_int_equal(book_find(fixture.book, "traffic", "beffroi1")->row.status, ROW_DEGRADED);
    assert_true(book_gauge(fixture.book, "traffic", "beffroi1", "drop_ratio") > 0.01);
    assert_int_equal(counter(&fixture, "interface_dropped"), 0);
    finish(&fixture);
}

/* An idle ring wakes nobody: the end must not wait for a frame. */
static void an_idle_link_ends_at_once(void **state)
{
    struct fixture fixture = {0};
    (void)state;
    need_namespace();
    start(&fixture, "beffroi1", "workers: 2\n");
    uv_run(&fixture.loop, UV_RUN_NOWAIT);
    struct mono before = clock_mono();
    finish(&fixture);
    assert_true(mono_elapsed_ms(before, clock_mono()) < 1000);
}

/* What happens to the interface, and the words for it. */
static void the_interface_goes(void **state)
{
    static const struct {
        const char *commands[2];
        const char *words;
    } cases[] = {
        {{"link set beffroi2 down", NULL}, "went down"},
        {{"link set beffroi2 down", "link set beffroi2 name renamed"}, "no interface of this name"},
        {{"link del beffroi2", NULL}, "no interface of this name"},
        {{"link del beffroi2", "link add beffroi2 type veth peer name beffroi3"},
         "another interface"},
    };
    (void)state;
    need_namespace();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture fixture = {0};
        assert_true(run_ip("link add beffroi2 type veth peer name beffroi3"));
        assert_true(run_ip("link set beffroi2 up"));
        start(&fixture, "beffroi2", "");
        for (size_t k = 0; k < 2 && cases[i].commands[k] != NULL; k++) {
            assert_true(run_ip(cases[i].commands[k]));
        }
        struct mono before = clock_mono();
        assert_true(run_until(&fixture.loop, has_ended, &fixture, MOST_MS));
        assert_true(mono_elapsed_ms(before, clock_mono()) < 2000);
        /* libpcap may be the first to see it, in its own words. */
        if (strstr(fixture.book->reason, cases[i].words) == NULL &&
            strstr(fixture.book->reason, "disappeared") == NULL &&
            strstr(fixture.book->reason, "went down") == NULL) {
            fail_msg("%zu: %s", i, fixture.book->reason);
        }
        finish(&fixture);
        (void)run_ip("link del beffroi3");
    }
}

static void what_cannot_be_opened_is_named(void **state)
{
    struct capture_config config;
    struct config_errors errors = {0};
    struct watch *watch = NULL;
    struct metering *metering = NULL;
    char reason[256] = "";
    (void)state;
    need_namespace();
    static const char text[] = "interface: beffroi9\n";
    assert_int_equal(
        config_parse("t", text, sizeof text - 1, &capture_config_schema, &config, &errors), 0);
    assert_int_equal(watch_open(&watch, "beffroi9"), 0);
    assert_int_equal(watch_look(watch), WATCH_GONE);
    assert_int_equal(watch_bind(watch), -ENODEV);
    assert_int_equal(metering_open(&metering, &config, "beffroi9", watch, reason, sizeof reason),
                     -ENODEV);
    assert_non_null(strstr(reason, "beffroi9"));
    watch_close(watch);
    assert_true(run_ip("link add beffroi4 type veth peer name beffroi5"));
    assert_int_equal(watch_open(&watch, "beffroi4"), 0);
    assert_int_equal(watch_look(watch), WATCH_DOWN);
    assert_int_equal(metering_open(&metering, &config, "beffroi4", watch, reason, sizeof reason),
                     -ENETDOWN);
    assert_non_null(strstr(reason, "beffroi4 is down"));
    config.filter = xstrdup("no filter at all");
    assert_int_equal(metering_open(&metering, &config, "lo", watch, reason, sizeof reason),
                     -EINVAL);
    assert_non_null(strstr(reason, "filter"));
    assert_null(metering);
    metering_close(NULL);
    watch_close(watch);
    watch_close(NULL);
    config_free(&capture_config_schema, &config);
    assert_true(run_ip("link del beffroi4"));
}

static void offload_is_read(void **state)
{
    struct offload offload;
    (void)state;
    need_namespace();
    assert_true(run_ip("link set beffroi0 mtu 1400"));
    offload_read("beffroi0", &offload);
    assert_int_equal(offload.mtu_bytes, 1400);
    assert_non_null(strstr(offload.text, "tso")); /* a veth has it from the start */
    assert_non_null(strstr(offload.text, "gso"));
    assert_null(strstr(offload.text, "lro"));
    offload_read("beffroi9", &offload);
    assert_int_equal(offload.mtu_bytes, 0);
    assert_string_equal(offload.text, "unknown");
    assert_true(run_ip("link set beffroi0 mtu 1500"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loopback_is_metered_exactly),
        cmocka_unit_test(lanes_share_frames),
        cmocka_unit_test(drops_are_told),
        cmocka_unit_test(an_idle_link_ends_at_once),
        cmocka_unit_test(the_interface_goes),
        cmocka_unit_test(what_cannot_be_opened_is_named),
        cmocka_unit_test(offload_is_read),
    };
    return cmocka_run_group_tests(tests, make_namespace, NULL);
}
