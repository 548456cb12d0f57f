/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The channel with a real second process at its end: what arrives, what a dead, a lying and a
 * forsaken worker leave behind. */
#include "sample/channel.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const struct metric metrics[] = {
    {"octets", "octets", METRIC_COUNTER},
    {"ratio", "ratio", METRIC_GAUGE},
};
enum { TIME_0 = 1000000 };

static struct object make_object(const char *name)
{
    return (struct object){.device = "switch",
                           .kind = "interface",
                           .name = name,
                           .interval_ms = 1000,
                           .metrics = metrics,
                           .n_metrics = 2};
}

static struct object make_traffic(void)
{
    struct object object = make_object("eth0");
    object.kind = "traffic";
    return object;
}

static void send_talkers(const struct sample_sink *sink, uint32_t object, size_t n_items)
{
    static const struct talker_item items[] = {{"192.0.2.7", 900, 3, 100},
                                               {"192.0.2.8", 500, 2, 0}};
    const struct talker_report report = {.object = object,
                                         .from = {TIME_0},
                                         .to = {TIME_0 + 1000},
                                         .list = TALKERS_HOSTS,
                                         .total_ip_bytes = 2000,
                                         .error_bound_bytes = 50,
                                         .n_items = n_items,
                                         .items = items};
    sink->talkers(sink->context, &report);
}

/* Nothing of it is ever measured: no row comes. */
static struct object make_bare(const char *name)
{
    return (struct object){
        .device = "switch", .kind = "neighbour", .name = name, .interval_ms = 600000};
}

static void send_row(const struct sample_sink *sink, uint32_t object, int64_t time_ms,
                     uint64_t counter)
{
    const union value values[] = {{.counter = counter}, {.gauge = 0.5}};
    const struct row row = {
        .object = object, .time = {time_ms}, .status = ROW_OK, .values = values};
    sink->row(sink->context, &row);
}

/* --- the worker's side; runs in the child and returns its exit status --- */

/* Checks in the child must not jump into the parent's test runner. */
#define child_check(what)                                                                          \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "child: line %d: %s\n", __LINE__, #what);                              \
            return 99;                                                                             \
        }                                                                                          \
    } while (0)

static int work_well(void)
{
    uv_loop_t loop;
    size_t size;
    char *config = channel_read_config(&size);
    child_check(config != NULL && size == strlen(config));
    uv_loop_init(&loop);
    struct channel_worker *channel = channel_worker_open(&loop);
    child_check(channel != NULL);
    const struct sample_sink *sink = channel_worker_sink(channel);
    struct object unused = make_object("unused");
    struct object first = make_object("first");
    struct object second = make_object(config); /* shows that it came through */
    struct object broken = make_object("");
    struct object bare = make_bare("bare");
    child_check(sink->define(sink->context, &unused) == 1);
    child_check(sink->define(sink->context, &first) == 2);
    child_check(sink->define(sink->context, &second) == 3);
    child_check(sink->define(sink->context, &first) == 2);
    child_check(sink->define(sink->context, &broken) == 0);
    child_check(sink->define(sink->context, &bare) == 4);
    child_check(sink->define(sink->context, &bare) == 4);
    send_row(sink, 3, TIME_0, 7);
    send_row(sink, 2, TIME_0 + 1, UINT64_MAX);
    const struct result result = {.object = 3,
                                  .time = {TIME_0 + 2},
                                  .outcome = OUTCOME_DOWN,
                                  .reason = "timeout",
                                  .detail = "no answer"};
    sink->result(sink->context, &result);
    const struct gap gap = {.from = {TIME_0}, .to = {TIME_0 + 5}, .rows = 3, .reason = GAP_ENCODE};
    sink->gap(sink->context, &gap);
    first.interval_ms = 2000; /* another shape: another number */
    child_check(sink->define(sink->context, &first) == 5);
    struct object traffic = make_traffic();
    child_check(sink->define(sink->context, &traffic) == 6);
    send_talkers(sink, 6, 2);
    send_talkers(sink, 77, 2); /* of nothing: a gap */
    send_row(sink, 5, TIME_0 + 3, 8);
    uv_run(&loop, UV_RUN_DEFAULT); /* until main is gone */
    channel_worker_close(channel);
    uv_run(&loop, UV_RUN_DEFAULT);
    free(config);
    return uv_loop_close(&loop) == 0 ? 7 : 98;
}

static int work_and_leave(void)
{
    uv_loop_t loop;
    size_t size;
    free(channel_read_config(&size));
    uv_loop_init(&loop);
    struct channel_worker *channel = channel_worker_open(&loop);
    const struct sample_sink *sink = channel_worker_sink(channel);
    struct object object = make_object("last");
    uint32_t number = sink->define(sink->context, &object);
    for (int i = 0; i < 100; i++) {
        send_row(sink, number, TIME_0 + i, (uint64_t)i);
    }
    channel_worker_close(channel); /* at once: the timer did not run */
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return 0;
}

enum { SMALL_LABELS = 31, LARGE_LABELS = PROTO_LABELS_MAX };

/* An object with so many labels of the greatest length, and keys of that length. */
static struct object make_large(const char *name, size_t n_labels, size_t key_size)
{
    static char value[PROTO_LABEL_MAX + 1];
    static char keys[2][PROTO_LABELS_MAX][PROTO_NAME_MAX + 1];
    static struct label labels[2][PROTO_LABELS_MAX];
    size_t which = n_labels == SMALL_LABELS ? 0 : 1;
    struct object object = make_object(name);
    memset(value, 'v', sizeof value - 1);
    for (size_t i = 0; i < n_labels; i++) {
        memset(keys[which][i], 'a', key_size);
        keys[which][i][0] = (char)('A' + i);
        labels[which][i] = (struct label){keys[which][i], value};
    }
    object.labels = labels[which];
    object.n_labels = n_labels;
    return object;
}

/* Two definitions, the first below what a report is sent at, the second not: each fits a report,
 * but they do not together. */
static int work_with_large_objects(void)
{
    uv_loop_t loop;
    size_t size;
    char longest[PROTO_NAME_MAX + 1];
    free(channel_read_config(&size));
    uv_loop_init(&loop);
    struct channel_worker *channel = channel_worker_open(&loop);
    const struct sample_sink *sink = channel_worker_sink(channel);
    struct object large[2] = {make_large("one", SMALL_LABELS, 1),
                              make_large("two", LARGE_LABELS, PROTO_NAME_MAX)};
    memset(longest, 'd', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    large[1].device = longest;
    large[1].kind = longest;
    for (size_t i = 0; i < 2; i++) {
        send_row(sink, sink->define(sink->context, &large[i]), TIME_0 + (int64_t)i, i);
    }
    channel_worker_close(channel);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return 0;
}

static int work_until_killed(void)
{
    uv_loop_t loop;
    size_t size;
    free(channel_read_config(&size));
    uv_loop_init(&loop);
    struct channel_worker *channel = channel_worker_open(&loop);
    const struct sample_sink *sink = channel_worker_sink(channel);
    struct object object = make_object("a");
    send_row(sink, sink->define(sink->context, &object), TIME_0, 1);
    uv_run(&loop, UV_RUN_DEFAULT);
    return 1;
}

static int send_garbage(void)
{
    char garbage[300];
    memset(garbage, 0xa5, sizeof garbage);
    if (send(CHANNEL_FD, garbage, sizeof garbage, 0) != sizeof garbage) {
        return 1;
    }
    pause();
    return 1;
}

static int send_too_much(void)
{
    char *much = calloc(1, PROTO_REPORT_MAX + 1);
    ssize_t sent = send(CHANNEL_FD, much, PROTO_REPORT_MAX + 1, 0);
    free(much);
    if (sent < 0) {
        return 1;
    }
    pause();
    return 1;
}

static int send_nothing(void)
{
    if (send(CHANNEL_FD, "", 0, 0) < 0) {
        return 1;
    }
    pause();
    return 1;
}

/* A report that decodes and speaks of an object nobody defined. */
static int send_unknown_object(void)
{
    struct batch_writer *writer = batch_writer_new(BATCH_WORKER_REPORT);
    struct object object = make_object("x");
    object.number = 5;
    const union value values[] = {{.counter = 1}, {.gauge = 1}};
    const struct row row = {.object = 5, .time = {TIME_0}, .status = ROW_OK, .values = values};
    size_t size;
    child_check(batch_add_row(writer, &object, &row) == 0);
    const uint8_t *bytes = batch_writer_finish(writer, NULL, &size);
    child_check(send(CHANNEL_FD, bytes, size, 0) == (ssize_t)size);
    batch_writer_free(writer);
    pause();
    return 1;
}

/* The same of an object whose traffic was never metered. */
static int send_foreign_talkers(void)
{
    struct batch_writer *writer = batch_writer_new(BATCH_WORKER_REPORT);
    struct object object = make_object("x");
    const struct talker_report report = {
        .object = 5, .from = {1}, .to = {2}, .list = TALKERS_PREFIXES};
    const uint8_t *bytes;
    size_t size;
    object.number = 5;
    child_check(batch_add_definition(writer, &object) == 0);
    bytes = batch_writer_finish(writer, NULL, &size); /* else the decoder would see it */
    child_check(send(CHANNEL_FD, bytes, size, 0) == (ssize_t)size);
    child_check(batch_add_talkers(writer, &report) == 0);
    bytes = batch_writer_finish(writer, NULL, &size);
    child_check(send(CHANNEL_FD, bytes, size, 0) == (ssize_t)size);
    batch_writer_free(writer);
    pause();
    return 1;
}

/* --- news, and what is none --- */

enum { STEP_MS = 120 }; /* over twice what news may wait, and far below what the rest does */

struct teller {
    struct channel_worker *channel;
    uv_timer_t timer;
    uint32_t object;
    size_t step;
};

static void tell_next(uv_timer_t *timer)
{
    static const enum outcome outcomes[] = {OUTCOME_UP, OUTCOME_DOWN, OUTCOME_UP, OUTCOME_UP};
    struct teller *teller = timer->data;
    if (teller->step == sizeof outcomes / sizeof outcomes[0]) {
        uv_stop(timer->loop);
        return;
    }
    const struct sample_sink *sink = channel_worker_sink(teller->channel);
    const struct result result = {.object = teller->object,
                                  .time = {TIME_0 + (int64_t)teller->step},
                                  .outcome = outcomes[teller->step],
                                  .reason = "",
                                  .detail = ""};
    sink->result(sink->context, &result);
    teller->step++;
    uv_update_time(timer->loop);
    uv_timer_start(timer, tell_next, STEP_MS, 0);
}

static int tell_news(void)
{
    uv_loop_t loop;
    size_t size;
    struct teller teller = {0};
    free(channel_read_config(&size));
    uv_loop_init(&loop);
    teller.channel = channel_worker_open(&loop);
    const struct sample_sink *sink = channel_worker_sink(teller.channel);
    struct object object = make_object("check");
    for (int i = 0; i < 20; i++) { /* so that its number is not among the first eight */
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        struct object other = make_object(name);
        sink->define(sink->context, &other);
    }
    teller.object = sink->define(sink->context, &object);
    uv_timer_init(&loop, &teller.timer);
    teller.timer.data = &teller;
    tell_next(&teller.timer);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&teller.timer, NULL);
    channel_worker_close(teller.channel);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return 0;
}

enum { FLOOD_ROWS = 600000 };

/* Main is stopped meanwhile (it does not run its loop): most rows are lost, and said to be. */
static int flood(void)
{
    uv_loop_t loop;
    size_t size;
    free(channel_read_config(&size));
    uv_loop_init(&loop);
    struct channel_worker *channel = channel_worker_open(&loop);
    const struct sample_sink *sink = channel_worker_sink(channel);
    struct object object = make_object("flood");
    struct object late = make_object("late");
    uint32_t number = sink->define(sink->context, &object);
    for (int i = 0; i < FLOOD_ROWS; i++) {
        send_row(sink, number, TIME_0 + i, (uint64_t)i * 1000003);
    }
    number = sink->define(sink->context, &late); /* while nothing can be sent */
    struct object bare[] = {make_bare("bare"), make_bare("bare as well")};
    child_check(sink->define(sink->context, &bare[0]) == 3);
    child_check(sink->define(sink->context, &bare[1]) == 4);
    send_row(sink, number, TIME_0 + FLOOD_ROWS, 1);
    struct object traffic = make_traffic();
    send_talkers(sink, sink->define(sink->context, &traffic), 1); /* within what is lost anyway */
    kill(getppid(), SIGUSR1); /* all is written: main may read */
    uv_run(&loop, UV_RUN_DEFAULT);
    channel_worker_close(channel);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return 0;
}

/* --- main's side --- */

struct scene {
    uv_loop_t loop;
    struct recorder *recorder;
    struct channel_main *channel;
    pid_t pid;
    int n_garbage;
    size_t wanted_rows;
    size_t wanted_gaps;
};

static void on_garbage(void *context)
{
    struct scene *scene = context;
    scene->n_garbage++;
}

static void start_worker(struct scene *scene, int (*work)(void), const char *config)
{
    int fd = channel_main_connect(scene->channel, config, strlen(config));
    assert_true(fd >= 0);
    scene->pid = fork();
    assert_true(scene->pid >= 0);
    if (scene->pid == 0) {
        /* A test that fails leaves nobody behind. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || dup2(fd, CHANNEL_FD) != CHANNEL_FD) {
            _exit(97);
        }
        for (int other = CHANNEL_FD + 1; other < 64; other++) {
            close(other); /* as exec does */
        }
        _exit(work());
    }
    close(fd);
}

static int wait_worker(struct scene *scene)
{
    int status;
    assert_int_equal(waitpid(scene->pid, &status, 0), scene->pid);
    return status;
}

static void open_scene(struct scene *scene)
{
    memset(scene, 0, sizeof *scene);
    uv_loop_init(&scene->loop);
    scene->recorder = recorder_new();
    /* A number is taken already: the worker's numbers are not ours. */
    struct object other = make_object("of another worker");
    scene->recorder->sink.define(scene->recorder, &other);
    scene->channel = channel_main_new(&scene->loop, &scene->recorder->sink, "test");
    channel_main_on_garbage(scene->channel, on_garbage, scene);
}

static void close_scene(struct scene *scene)
{
    channel_main_free(scene->channel);
    finish_loop(&scene->loop);
    recorder_free(scene->recorder);
}

static bool has_rows(void *context)
{
    const struct scene *scene = context;
    return scene->recorder->n_rows >= scene->wanted_rows &&
           scene->recorder->n_gaps >= scene->wanted_gaps;
}

static bool has_object(const struct recorder *recorder, const char *name)
{
    for (size_t i = 0; i < recorder->n_objects; i++) {
        if (strcmp(recorder->objects[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_garbage(void *context)
{
    return ((const struct scene *)context)->n_garbage > 0;
}

static void everything_arrives_renumbered(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene);
    start_worker(&scene, work_well, "name from the configuration");
    scene.wanted_rows = 3;
    scene.wanted_gaps = 2;
    assert_true(run_until(&scene.loop, has_rows, &scene, 10000));
    const struct recorder *got = scene.recorder;
    assert_int_equal(got->n_objects, 5);     /* ours and four: "unused" has no row */
    assert_int_equal(got->n_defines, 1 + 5); /* "first" twice */
    assert_int_equal(got->n_talkers, 1);
    assert_string_equal(got->objects[got->talkers[0].object - 1].name, "eth0");
    assert_int_equal(got->talkers[0].from.ms, TIME_0);
    assert_int_equal(got->talkers[0].to.ms, TIME_0 + 1000);
    assert_int_equal(got->talkers[0].list, TALKERS_HOSTS);
    assert_int_equal(got->talkers[0].total_ip_bytes, 2000);
    assert_int_equal(got->talkers[0].error_bound_bytes, 50);
    assert_int_equal(got->talkers[0].n_items, 2);
    assert_string_equal(got->first.key, "192.0.2.7");
    assert_int_equal(got->first.ip_bytes, 900);
    assert_int_equal(got->first.packets, 3);
    assert_int_equal(got->first.error_bytes, 100);
    assert_int_equal(got->gaps[1].rows, 1);
    assert_int_equal(got->gaps[1].from.ms, TIME_0);
    assert_int_equal(got->gaps[1].reason, GAP_ENCODE);
    assert_true(has_object(got, "bare")); /* though it has none either */
    const struct recorded_object *named = &got->objects[got->rows[0].row.object - 1];
    assert_string_equal(named->name, "name from the configuration");
    assert_string_equal(named->device, "switch");
    assert_int_equal(got->rows[0].row.time.ms, TIME_0);
    assert_true(got->rows[0].values[0].counter == 7);
    assert_true(got->rows[0].values[1].gauge == 0.5);
    assert_true(got->rows[1].values[0].counter == UINT64_MAX);
    assert_string_equal(got->objects[got->rows[1].row.object - 1].name, "first");
    assert_int_equal(got->n_results, 1);
    assert_int_equal(got->results[0].result.object, got->rows[0].row.object);
    assert_int_equal(got->results[0].result.outcome, OUTCOME_DOWN);
    assert_string_equal(got->results[0].reason, "timeout");
    assert_string_equal(got->results[0].detail, "no answer");
    assert_int_equal(got->gaps[0].rows, 3);
    assert_int_equal(got->gaps[0].reason, GAP_ENCODE);
    assert_int_equal(channel_main_stats(scene.channel)->bad_reports, 0);
    /* Main goes away: the worker's loop stops, and it can leave in order. */
    pid_t pid = scene.pid;
    close_scene(&scene);
    scene.pid = pid;
    int status = wait_worker(&scene);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

static void large_configuration_arrives(void **state)
{
    struct scene scene;
    char *large = malloc(CHANNEL_CONFIG_MAX + 2);
    (void)state;
    open_scene(&scene);
    memset(large, 'x', CHANNEL_CONFIG_MAX + 1);
    large[CHANNEL_CONFIG_MAX + 1] = '\0';
    assert_int_equal(channel_main_connect(scene.channel, large, CHANNEL_CONFIG_MAX + 1), -EMSGSIZE);
    large[CHANNEL_CONFIG_MAX] = '\0';
    start_worker(&scene, work_and_leave, large);
    assert_int_equal(wait_worker(&scene), 0);
    channel_main_disconnect(scene.channel, true);
    assert_int_equal(scene.recorder->n_rows, 100);
    close_scene(&scene);
    free(large);
}

static void large_definitions_are_split(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene);
    start_worker(&scene, work_with_large_objects, "");
    assert_int_equal(wait_worker(&scene), 0);
    channel_main_disconnect(scene.channel, true);
    assert_int_equal(channel_main_stats(scene.channel)->bad_reports, 0);
    assert_int_equal(channel_main_stats(scene.channel)->reports, 3); /* a row more */
    assert_int_equal(scene.recorder->n_rows, 2);
    assert_int_equal(scene.recorder->n_gaps, 0);
    assert_true(has_object(scene.recorder, "one") && has_object(scene.recorder, "two"));
    close_scene(&scene);
}

static void last_words_are_read_and_no_gap_follows_a_request(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene);
    start_worker(&scene, work_and_leave, "");
    assert_int_equal(wait_worker(&scene), 0); /* our loop has not run yet */
    assert_int_equal(scene.recorder->n_rows, 0);
    channel_main_disconnect(scene.channel, true);
    assert_int_equal(scene.recorder->n_rows, 100);
    assert_int_equal(scene.recorder->n_gaps, 0);
    channel_main_disconnect(scene.channel, false); /* nothing is connected: nothing happens */
    assert_int_equal(scene.recorder->n_gaps, 0);
    close_scene(&scene);
}

static void only_news_is_sent_at_once(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene);
    start_worker(&scene, tell_news, "");
    assert_int_equal(wait_worker(&scene), 0);
    channel_main_disconnect(scene.channel, true);
    assert_int_equal(scene.recorder->n_results, 4);
    /* What is well waits for company and goes with the failure; the recovery; and at the end, that
     * it is still well. */
    assert_int_equal(channel_main_stats(scene.channel)->reports, 3);
    close_scene(&scene);
}

static void killed_worker_leaves_a_gap_and_can_come_again(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene);
    struct wall before = clock_wall();
    start_worker(&scene, work_until_killed, "c");
    scene.wanted_rows = 1;
    assert_true(run_until(&scene.loop, has_rows, &scene, 10000));
    uint32_t number = scene.recorder->rows[0].row.object;
    assert_int_equal(kill(scene.pid, SIGKILL), 0);
    wait_worker(&scene);
    channel_main_disconnect(scene.channel, false);
    assert_int_equal(scene.recorder->n_gaps, 1);
    const struct gap *gap = &scene.recorder->gaps[0];
    assert_int_equal(gap->reason, GAP_WORKER_LOST);
    assert_true(gap->from.ms >= before.ms && gap->from.ms < gap->to.ms);
    assert_true(gap->to.ms <= clock_wall().ms + 1);

    start_worker(&scene, work_and_leave, "c");
    assert_int_equal(wait_worker(&scene), 0);
    channel_main_disconnect(scene.channel, true);
    assert_int_equal(scene.recorder->n_rows, 101);
    assert_int_equal(scene.recorder->rows[0].row.object, number);
    close_scene(&scene);
}

static void expect_garbage(int (*work)(void), uint64_t good_reports)
{
    struct scene scene;
    open_scene(&scene);
    start_worker(&scene, work, "");
    assert_true(run_until(&scene.loop, has_garbage, &scene, 10000));
    assert_int_equal(channel_main_stats(scene.channel)->bad_reports, 1);
    assert_int_equal(channel_main_stats(scene.channel)->reports, good_reports);
    assert_int_equal(scene.recorder->n_rows, 0);
    assert_int_equal(scene.recorder->n_talkers, 0);
    kill(scene.pid, SIGKILL); /* the owner ends it */
    wait_worker(&scene);
    channel_main_disconnect(scene.channel, false);
    assert_int_equal(scene.recorder->n_gaps, 1);
    assert_int_equal(scene.n_garbage, 1);
    close_scene(&scene);
}

static void garbage_is_not_believed(void **state)
{
    (void)state;
    expect_garbage(send_garbage, 0);
    expect_garbage(send_too_much, 0);
    expect_garbage(send_nothing, 0);
    expect_garbage(send_unknown_object, 0);
    expect_garbage(send_foreign_talkers, 1);
}

static bool has_bare(void *context)
{
    const struct scene *scene = context;
    return has_rows(context) && has_object(scene->recorder, "bare") &&
           has_object(scene->recorder, "bare as well");
}

static void unread_rows_become_a_gap(void **state)
{
    struct scene scene;
    sigset_t set;
    struct timespec limit = {.tv_sec = 30};
    (void)state;
    open_scene(&scene);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    start_worker(&scene, flood, "");
    assert_int_equal(sigtimedwait(&set, NULL, &limit), SIGUSR1);
    scene.wanted_gaps = 1;
    /* What has no rows could wait for ever: it comes as soon as there is room. */
    assert_true(run_until(&scene.loop, has_bare, &scene, 30000));
    assert_false(has_object(scene.recorder, "late")); /* its row was dropped */
    const struct gap *gap = &scene.recorder->gaps[0];
    size_t kept = scene.recorder->n_rows;
    print_message("rows kept %zu, lost %llu\n", kept, (unsigned long long)gap->rows);
    assert_int_equal(gap->reason, GAP_WORKER_LOST);
    /* Not one is neither kept nor said to be lost. */
    assert_int_equal(kept + gap->rows, FLOOD_ROWS + 2);
    assert_int_equal(scene.recorder->n_talkers, 0);
    assert_true(gap->rows > 0 && kept > 10000);
    assert_int_equal(gap->to.ms, TIME_0 + FLOOD_ROWS + 1);
    assert_int_equal(gap->from.ms, TIME_0); /* the talkers' interval began before */
    close_scene(&scene);
    assert_int_equal(wait_worker(&scene), 0);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_arrives_renumbered),
        cmocka_unit_test(large_configuration_arrives),
        cmocka_unit_test(large_definitions_are_split),
        cmocka_unit_test(last_words_are_read_and_no_gap_follows_a_request),
        cmocka_unit_test(only_news_is_sent_at_once),
        cmocka_unit_test(killed_worker_leaves_a_gap_and_can_come_again),
        cmocka_unit_test(garbage_is_not_believed),
        cmocka_unit_test(unread_rows_become_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
