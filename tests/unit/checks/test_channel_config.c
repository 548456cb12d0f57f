/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Configurations that follow the first one, to a real second process: each arrives whole and in
 * order, nothing else is listened to, and a worker that does not read holds nobody up. */
#include "sample/channel.h"
#include "support.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEADLINE_MS = 10000, LARGE = 3 * 1024 * 1024, FLOOD_MAX = 100000 };

/* --- the worker's side: for each configuration an object that is named after it --- */

struct worker {
    uv_loop_t loop;
    const struct sample_sink *sink;
};

static void say(struct worker *worker, const char *text, size_t size)
{
    static const struct metric metric = {"size", "bytes", METRIC_COUNTER};
    char name[33];
    snprintf(name, sizeof name, "%.32s", text);
    const struct object object = {.device = "worker",
                                  .kind = "configuration",
                                  .name = name,
                                  .interval_ms = 1000,
                                  .metrics = &metric,
                                  .n_metrics = 1};
    const union value value = {.counter = size};
    const struct row row = {.object = worker->sink->define(worker->sink->context, &object),
                            .time = {1000},
                            .status = ROW_OK,
                            .values = &value};
    worker->sink->row(worker->sink->context, &row);
}

static void on_config(void *context, char *text, size_t size)
{
    say(context, text, strlen(text) == size ? size : 0);
    free(text);
}

static int work(bool listens_late)
{
    struct worker worker;
    size_t size;
    char *text = channel_read_config(&size);
    if (text == NULL || uv_loop_init(&worker.loop) != 0) {
        return 99;
    }
    struct channel_worker *channel = channel_worker_open(&worker.loop);
    worker.sink = channel_worker_sink(channel);
    say(&worker, text, size);
    if (listens_late) { /* what comes meanwhile is read and kept: the newest of it */
        raise(SIGSTOP);
        for (int i = 0; i < 2; i++) {
            uv_run(&worker.loop, UV_RUN_NOWAIT);
        }
    }
    channel_worker_on_config(channel, on_config, &worker);
    uv_run(&worker.loop, UV_RUN_DEFAULT);
    channel_worker_close(channel);
    uv_run(&worker.loop, UV_RUN_DEFAULT);
    free(text);
    return uv_loop_close(&worker.loop) == 0 ? 7 : 98;
}

static int work_at_once(void)
{
    return work(false);
}

static int work_late(void)
{
    return work(true);
}

static int read_nothing(void)
{
    while (pause() != 0) {
        /* until it is killed */
    }
    return 96;
}

/* --- main's side --- */

struct scene {
    uv_loop_t loop;
    struct recorder *recorder;
    struct channel_main *channel;
    pid_t pid;
    size_t wanted_rows;
};

static void start_worker(struct scene *scene, int (*role)(void), const char *config)
{
    memset(scene, 0, sizeof *scene);
    uv_loop_init(&scene->loop);
    scene->recorder = recorder_new();
    scene->channel = channel_main_new(&scene->loop, &scene->recorder->sink, "test");
    int fd = channel_main_connect(scene->channel, config, strlen(config));
    assert_true(fd >= 0);
    scene->pid = fork();
    assert_true(scene->pid >= 0);
    if (scene->pid == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || dup2(fd, CHANNEL_FD) != CHANNEL_FD) {
            _exit(97);
        }
        for (int other = CHANNEL_FD + 1; other < 64; other++) {
            close(other); /* as exec does */
        }
        _exit(role());
    }
    close(fd);
}

static int end_worker(struct scene *scene, bool kill_it)
{
    int status;
    channel_main_free(scene->channel); /* the worker's loop stops then */
    if (kill_it) {
        kill(scene->pid, SIGKILL);
    }
    finish_loop(&scene->loop);
    assert_int_equal(waitpid(scene->pid, &status, 0), scene->pid);
    recorder_free(scene->recorder);
    return status;
}

static int configure(struct scene *scene, const char *text)
{
    return channel_main_configure(scene->channel, text, strlen(text));
}

static bool has_rows(void *context)
{
    const struct scene *scene = context;
    return scene->recorder->n_rows >= scene->wanted_rows;
}

static void wait_for_rows(struct scene *scene, size_t count)
{
    scene->wanted_rows = count;
    assert_true(run_until(&scene->loop, has_rows, scene, DEADLINE_MS));
    assert_int_equal(scene->recorder->n_rows, count);
}

static const char *name_of(const struct scene *scene, size_t row)
{
    return scene->recorder->objects[scene->recorder->rows[row].row.object - 1].name;
}

static void each_arrives_whole_and_in_order(void **state)
{
    struct scene scene;
    char *large = calloc(1, LARGE + 1);
    (void)state;
    memset(large, 'x', LARGE);
    start_worker(&scene, work_at_once, "first");
    assert_int_equal(configure(&scene, "second"), 0); /* it may not have read the first one yet */
    assert_int_equal(configure(&scene, large), 0);
    assert_int_equal(configure(&scene, "last"), 0);
    wait_for_rows(&scene, 4);
    assert_string_equal(name_of(&scene, 0), "first");
    assert_string_equal(name_of(&scene, 1), "second");
    assert_true(scene.recorder->rows[2].values[0].counter == LARGE);
    assert_string_equal(name_of(&scene, 3), "last");
    assert_int_equal(configure(&scene, "later"), 0);
    wait_for_rows(&scene, 5);
    assert_string_equal(name_of(&scene, 4), "later");
    int status = end_worker(&scene, false);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
    free(large);
}

static void the_newest_waits_for_a_listener(void **state)
{
    struct scene scene;
    int status;
    (void)state;
    start_worker(&scene, work_late, "first");
    assert_int_equal(waitpid(scene.pid, &status, WUNTRACED), scene.pid);
    assert_true(WIFSTOPPED(status));
    assert_int_equal(configure(&scene, "old"), 0);
    assert_int_equal(configure(&scene, "new"), 0);
    assert_int_equal(kill(scene.pid, SIGCONT), 0);
    wait_for_rows(&scene, 2);
    assert_string_equal(name_of(&scene, 1), "new");
    status = end_worker(&scene, false);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static void something_else_stops_the_worker(void **state)
{
    struct scene scene;
    int pair[2];
    int status;
    (void)state;
    /* By hand, as no main does it: a message without a file. */
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    memset(&scene, 0, sizeof scene);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || dup2(pair[1], CHANNEL_FD) != CHANNEL_FD) {
            _exit(97);
        }
        for (int other = CHANNEL_FD + 1; other < 64; other++) {
            close(other);
        }
        uv_loop_t loop;
        uv_loop_init(&loop);
        struct channel_worker *channel = channel_worker_open(&loop);
        uv_run(&loop, UV_RUN_DEFAULT);
        channel_worker_close(channel);
        uv_run(&loop, UV_RUN_DEFAULT);
        _exit(7);
    }
    close(pair[1]);
    assert_int_equal(send(pair[0], "x", 1, 0), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    close(pair[0]);
}

static void who_does_not_read_is_told_of(void **state)
{
    struct scene scene;
    char *large = calloc(1, CHANNEL_CONFIG_MAX + 2);
    int rc = 0;
    (void)state;
    memset(large, 'x', CHANNEL_CONFIG_MAX + 1);
    start_worker(&scene, read_nothing, "first");
    for (int i = 0; i < FLOOD_MAX && rc == 0; i++) {
        rc = configure(&scene, "another");
    }
    /* The pair is full, or so are the files under way (RLIMIT_NOFILE): an error, at once. */
    assert_true(rc == -EAGAIN || rc == -ETOOMANYREFS || rc == -ENOBUFS);
    assert_int_equal(configure(&scene, large), -EMSGSIZE);
    channel_main_disconnect(scene.channel, true);
    assert_int_equal(configure(&scene, "another"), -ENOTCONN);
    int status = end_worker(&scene, true);
    assert_true(WIFSIGNALED(status));
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_arrives_whole_and_in_order),
        cmocka_unit_test(the_newest_waits_for_a_listener),
        cmocka_unit_test(something_else_stops_the_worker),
        cmocka_unit_test(who_does_not_read_is_told_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
