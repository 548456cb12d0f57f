/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The worker as a process of its own: takes its configuration from the channel, gives up its power,
 * polls, reports, and ends when it is told to. */
#include "responder.h"
#include "sample/channel.h"
#include "snmp/profile.h"
#include "snmp/snmp.h"
#include "support.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { LIMIT_MS = 15000 };

struct fixture {
    uv_loop_t loop;
    struct recorder *recorder;
    struct responder *responder;
    struct channel_main *channel;
    pid_t worker;
    int status;
    size_t goal; /* results */
};

/* What main sends: the devices of this text, and the shipped profiles. */
static char *share_text(const char *devices)
{
    struct snmp_share share;
    struct config_list profiles;
    struct config_errors errors = {0};
    const struct config_strings none = {0};
    char *text;
    size_t size;
    assert_int_equal(
        config_parse("test", devices, strlen(devices), &snmp_share_schema, &share, &errors), 0);
    assert_int_equal(snmp_profiles_load(&none, "/", &profiles, &errors), 0);
    share.profiles = profiles;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    config_print(out, &snmp_share_schema, &share);
    assert_int_equal(fclose(out), 0);
    config_free(&snmp_share_schema, &share);
    return text;
}

/* This program again, as the worker, with its end of the channel as descriptor 3. */
static void start_worker(struct fixture *fixture, const char *config)
{
    int fd = channel_main_connect(fixture->channel, config, strlen(config));
    assert_true(fd >= 0);
    fixture->worker = fork();
    assert_true(fixture->worker >= 0);
    if (fixture->worker == 0) {
        int high = fcntl(fd, F_DUPFD, 64); /* descriptor 3 may be `fd` itself, closed on exec */
        if (high < 0 || dup2(high, CHANNEL_FD) != CHANNEL_FD) {
            _exit(126);
        }
        close(high);
        /* The leak check at exit reads /proc, which a confined process cannot. */
        setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
        execl("/proc/self/exe", "test_snmp_worker", "--worker", (char *)NULL);
        _exit(127);
    }
    close(fd);
}

static void open_fixture(struct fixture *fixture)
{
    memset(fixture, 0, sizeof *fixture);
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    fixture->recorder = recorder_new();
    fixture->responder = responder_new(&fixture->loop, AF_INET);
    responder_fill(fixture->responder, 2, 100000);
    fixture->channel = channel_main_new(&fixture->loop, &fixture->recorder->sink, "snmp");
    assert_non_null(fixture->channel);
}

static void close_fixture(struct fixture *fixture)
{
    channel_main_free(fixture->channel);
    responder_close(fixture->responder);
    finish_loop(&fixture->loop);
    recorder_free(fixture->recorder);
}

static bool has_port(void *context)
{
    const struct fixture *fixture = context;
    return recorder_row(fixture->recorder, "interface", "port2") != NULL;
}

static bool has_ended(void *context)
{
    struct fixture *fixture = context;
    return waitpid(fixture->worker, &fixture->status, WNOHANG) == fixture->worker;
}

/* A line of /proc/PID/status, its value without blanks before it. */
static void read_status(pid_t pid, const char *key, char *value, size_t size)
{
    char path[64];
    char line[256];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    value[0] = '\0';
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0) {
            snprintf(value, size, "%s", line + strlen(key) + strspn(line + strlen(key), ": \t"));
            value[strcspn(value, "\n")] = '\0';
        }
    }
    fclose(file);
}

static void worker_polls_confined(void **state)
{
    struct fixture fixture;
    char config[512];
    char value[128];
    (void)state;
    open_fixture(&fixture);
    snprintf(config, sizeof config,
             "user: nobody\ndevices:\n  - name: sw-1\n    address: 127.0.0.1:%u\n"
             "    snmp: {community: secret, interval: 1s, timeout: 200ms}\n",
             responder_port(fixture.responder));
    char *share = share_text(config);
    start_worker(&fixture, share);
    free(share);
    assert_true(run_until(&fixture.loop, has_port, &fixture, LIMIT_MS));
    assert_int_equal(recorder_row(fixture.recorder, "interface", "port2")->values[0].counter, 2000);
    assert_non_null(recorder_object(fixture.recorder, "device", "system"));
    assert_true(fixture.recorder->n_results > 0);
    assert_int_equal(fixture.recorder->results[0].result.outcome, OUTCOME_UP);
    assert_int_equal(channel_main_stats(fixture.channel)->bad_reports, 0);
    read_status(fixture.worker, "NoNewPrivs", value, sizeof value);
    assert_string_equal(value, "1");
    read_status(fixture.worker, "CapEff", value, sizeof value);
    assert_string_equal(value, "0000000000000000");
    read_status(fixture.worker, "Uid", value, sizeof value);
    assert_true(geteuid() != 0 || value[0] != '0');
    assert_int_equal(kill(fixture.worker, SIGTERM), 0);
    assert_true(run_until(&fixture.loop, has_ended, &fixture, LIMIT_MS));
    assert_true(WIFEXITED(fixture.status));
    assert_int_equal(WEXITSTATUS(fixture.status), 0);
    channel_main_disconnect(fixture.channel, true);
    close_fixture(&fixture);
}

static void bad_configuration_ends_it(void **state)
{
    static const char *const configs[] = {
        "devices: 1\n",
        "devices:\n  - {name: a, address: x, snmp: {community: c}}\n",
        ("devices:\n  - {name: a, address: 192.0.2.1, snmp: {community: c}}\n"
         "  - {name: a, address: 192.0.2.1, snmp: {community: c}}\n"),
    };
    (void)state;
    for (size_t i = 0; i < sizeof configs / sizeof configs[0]; i++) {
        struct fixture fixture;
        open_fixture(&fixture);
        start_worker(&fixture, configs[i]);
        assert_true(run_until(&fixture.loop, has_ended, &fixture, LIMIT_MS));
        assert_true(WIFEXITED(fixture.status));
        assert_int_equal(WEXITSTATUS(fixture.status), 1);
        channel_main_disconnect(fixture.channel, true);
        close_fixture(&fixture);
    }
}

static bool has_second_device(void *context)
{
    const struct fixture *fixture = context;
    for (size_t i = 0; i < fixture->recorder->n_objects; i++) {
        const struct object *object = &fixture->recorder->objects[i];
        if (strcmp(object->device, "sw-2") == 0 && strcmp(object->kind, "interface") == 0) {
            return true;
        }
    }
    return false;
}

static bool has_goal(void *context)
{
    const struct fixture *fixture = context;
    return fixture->recorder->n_results >= fixture->goal;
}

/* Another configuration while it runs: one device goes on, another one begins. */
static void worker_goes_over_to_another_configuration(void **state)
{
    struct fixture fixture;
    char config[512];
    (void)state;
    open_fixture(&fixture);
    unsigned port = responder_port(fixture.responder);
    snprintf(config, sizeof config,
             "devices:\n  - name: sw-1\n    address: 127.0.0.1:%u\n"
             "    snmp: {community: secret, interval: 1s, timeout: 200ms}\n",
             port);
    char *share = share_text(config);
    start_worker(&fixture, share);
    free(share);
    assert_true(run_until(&fixture.loop, has_port, &fixture, LIMIT_MS));
    size_t n_objects = fixture.recorder->n_objects;
    size_t n_rows = fixture.recorder->n_rows; /* the first reading of a 32-bit counter is a break */
    snprintf(config, sizeof config,
             "devices:\n"
             "  - {name: sw-2, address: \"127.0.0.1:%u\",\n"
             "     snmp: {community: secret, interval: 1s, timeout: 200ms}}\n"
             "  - {name: sw-1, address: \"127.0.0.1:%u\",\n"
             "     snmp: {community: secret, interval: 1s, timeout: 200ms}}\n",
             port, port);
    share = share_text(config);
    assert_int_equal(channel_main_configure(fixture.channel, share, strlen(share)), 0);
    assert_true(run_until(&fixture.loop, has_second_device, &fixture, LIMIT_MS));
    fixture.goal = fixture.recorder->n_results + 4; /* of both */
    assert_true(run_until(&fixture.loop, has_goal, &fixture, LIMIT_MS));
    /* The one that goes on has no object anew, and its counters no break. */
    for (size_t i = n_objects; i < fixture.recorder->n_objects; i++) {
        assert_string_equal(fixture.recorder->objects[i].device, "sw-2");
    }
    assert_true(fixture.recorder->n_rows > n_rows);
    for (size_t i = n_rows; i < fixture.recorder->n_rows; i++) {
        const struct row *row = &fixture.recorder->rows[i].row;
        assert_true(row->object > n_objects || row->discontinuity_mask == 0);
    }
    free(share);
    assert_int_equal(kill(fixture.worker, SIGTERM), 0);
    assert_true(run_until(&fixture.loop, has_ended, &fixture, LIMIT_MS));
    assert_int_equal(WEXITSTATUS(fixture.status), 0);
    channel_main_disconnect(fixture.channel, true);
    close_fixture(&fixture);
}

/* Main is gone: the worker does not stay behind. */
static void worker_ends_with_main(void **state)
{
    struct fixture fixture;
    char config[256];
    (void)state;
    open_fixture(&fixture);
    snprintf(config, sizeof config,
             "devices:\n  - name: sw-1\n    address: 127.0.0.1:%u\n"
             "    snmp: {community: secret, interval: 1s, timeout: 200ms}\n",
             responder_port(fixture.responder));
    char *share = share_text(config);
    start_worker(&fixture, share);
    free(share);
    assert_true(run_until(&fixture.loop, has_port, &fixture, LIMIT_MS));
    channel_main_disconnect(fixture.channel, true);
    assert_true(run_until(&fixture.loop, has_ended, &fixture, LIMIT_MS));
    assert_true(WIFEXITED(fixture.status));
    close_fixture(&fixture);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--worker") == 0) {
        return snmp_worker_main();
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worker_polls_confined),
        cmocka_unit_test(bad_configuration_ends_it),
        cmocka_unit_test(worker_goes_over_to_another_configuration),
        cmocka_unit_test(worker_ends_with_main),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
