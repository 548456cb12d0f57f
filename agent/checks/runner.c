/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner.h"

#include "common/xalloc.h"
#include "confined_exec.h"
#include "orphans.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READ_SIZE = 16 * 1024, READS_PER_TURN = 8 };

/* What a program prints: a pipe, and the first bytes of what came. */
struct stream {
    uv_poll_t poll;
    int fd; /* -1: closed */
    char *bytes;
    size_t size;
    size_t room;
    size_t limit;
    uint64_t total;
};

enum { STREAMS = 2 };

struct run {
    struct runner *runner;
    struct run *next;       /* of the waiting, or of the running */
    struct run_order order; /* done is NULL: nobody wants to know any more */
    struct identity identity;
    uv_timer_t timer;
    struct stream streams[STREAMS]; /* output, errors */
    unsigned n_handles;             /* of libuv, not closed yet */
    pid_t pid;                      /* 0: not started, or ended */
    int failure;                    /* -1: closed */
    struct mono started;
    struct run_end end;
    bool is_decided; /* the end is known */
};

struct runner {
    uv_loop_t *loop;
    unsigned n_takers;
    uv_signal_t child;
    struct run *running;
    struct run *waiting; /* oldest first */
    unsigned n_running;
};

static void start_waiting(struct runner *runner);

/* --- lists --- */

static void unlink_run(struct run **list, const struct run *run)
{
    while (*list != NULL && *list != run) {
        list = &(*list)->next;
    }
    if (*list != NULL) {
        *list = run->next;
    }
}

static void append_run(struct run **list, struct run *run)
{
    while (*list != NULL) {
        list = &(*list)->next;
    }
    run->next = NULL;
    *list = run;
}

/* --- the end of a run --- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct run *run = handle->data;
    run->n_handles--;
    if (run->n_handles == 0) {
        free(run->streams[0].bytes);
        free(run->streams[1].bytes);
        free(run);
    }
}

static void close_stream(struct stream *stream)
{
    if (stream->fd >= 0) {
        uv_close((uv_handle_t *)&stream->poll, on_handle_closed); /* looks away from it at once */
        (void)close(stream->fd);                                  /* a pipe to read from */
        stream->fd = -1;
    }
}

static void close_failure(struct run *run)
{
    if (run->failure >= 0) {
        (void)close(run->failure);
        run->failure = -1;
    }
}

static void free_run(struct run *run)
{
    close_stream(&run->streams[0]);
    close_stream(&run->streams[1]);
    close_failure(run);
    uv_close((uv_handle_t *)&run->timer, on_handle_closed);
}

/* Everything that it started and that has not left its group; orphans_sweep takes the rest. */
static void kill_group(const struct run *run)
{
    if (run->pid > 0) {
        (void)kill(-run->pid, SIGKILL); /* fails if it has not come to its own session yet … */
        (void)kill(run->pid, SIGKILL);  /* … then it is alone */
    }
}

/* Tells the end, which may cost the caller's order its life. */
static void report(struct run *run)
{
    void (*done)(void *, const struct run_end *) = run->order.done;
    run->order.done = NULL;
    (void)uv_timer_stop(&run->timer);
    if (done != NULL) {
        run->end.output = run->streams[0].bytes;
        run->end.output_size = run->streams[0].size;
        run->end.errors = run->streams[1].bytes;
        run->end.errors_size = run->streams[1].size;
        done(run->order.context, &run->end);
    }
}

static void decide(struct run *run, enum run_end_kind kind, int number)
{
    if (!run->is_decided) {
        run->is_decided = true;
        run->end.kind = kind;
        run->end.number = number;
        run->end.runtime_s =
            run->started.ns > 0 ? (double)(clock_mono().ns - run->started.ns) / 1e9 : 0;
    }
}

/* --- what it prints --- */

static void keep(struct stream *stream, const char *bytes, size_t size)
{
    size_t left = stream->limit - stream->size;
    size_t taken = size < left ? size : left;
    stream->total += size;
    if (taken == 0) {
        return;
    }
    if (stream->size + taken > stream->room) {
        size_t room =
            stream->room * 2 > stream->size + taken ? stream->room * 2 : stream->size + taken;
        stream->room = room < stream->limit ? room : stream->limit;
        stream->bytes = xreallocarray(stream->bytes, stream->room, 1);
    }
    memcpy(stream->bytes + stream->size, bytes, taken);
    stream->size += taken;
}

/* At most so many reads: a flood must not keep the loop from everything else. */
static void read_stream(struct stream *stream, unsigned n_reads)
{
    char bytes[READ_SIZE];
    for (unsigned i = 0; i < n_reads && stream->fd >= 0; i++) {
        ssize_t size = read(stream->fd, bytes, sizeof bytes);
        if (size > 0) {
            keep(stream, bytes, (size_t)size);
        } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
            close_stream(stream);
        } else {
            return;
        }
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct run *run = poll->data;
    struct stream *stream = poll == &run->streams[0].poll ? &run->streams[0] : &run->streams[1];
    (void)events; /* nothing else was asked for */
    (void)status; /* reading tells */
    read_stream(stream, READS_PER_TURN);
    if (stream->total > RUNNER_OUTPUT_FLOOD && !run->is_decided) {
        decide(run, RUN_FLOODED, 0);
        kill_group(run);
        report(run);
    }
}

/* --- starting --- */

static void watch(struct run *run, size_t i, int fd)
{
    struct stream *stream = &run->streams[i];
    if (uv_poll_init(run->runner->loop, &stream->poll, fd) != 0) { /* epoll's memory */
        (void)close(fd);
        return;
    }
    run->n_handles++;
    stream->fd = fd;
    stream->poll.data = run;
    (void)uv_poll_start(&stream->poll, UV_READABLE, on_readable); /* as above */
}

/* Fails through the timer. */
static void launch(struct run *run)
{
    struct confined_child child;
    const struct confined_order order = {
        .argv = run->order.argv,
        .identity = &run->identity,
        .memory_max_bytes = run->order.memory_max_bytes,
        .cpu_max_s = (uint64_t)run->order.timeout_ms / 1000 + 1,
    };
    run->started = clock_mono();
    run->end.started = clock_wall();
    int rc = run->order.refusal != 0 ? -run->order.refusal : confined_start(&order, &child);
    if (rc != 0) {
        decide(run, RUN_NOT_STARTED, -rc);
        return;
    }
    run->pid = child.pid;
    run->failure = child.failure;
    watch(run, 0, child.output);
    watch(run, 1, child.errors);
}

static void on_timer(uv_timer_t *timer);

static void start_run(struct run *run)
{
    struct runner *runner = run->runner;
    launch(run);
    append_run(&runner->running, run);
    runner->n_running++;
    if (run->is_decided) {
        uv_update_time(runner->loop);
        (void)uv_timer_start(&run->timer, on_timer, 0, 0); /* cannot fail */
    }
}

static void start_waiting(struct runner *runner)
{
    while (runner->waiting != NULL && runner->n_running < RUNNER_MAX) {
        struct run *run = runner->waiting;
        runner->waiting = run->next;
        start_run(run);
    }
}

/* It is gone and nobody waits for it: its place is free. */
static void retire(struct run *run)
{
    struct runner *runner = run->runner;
    unlink_run(&runner->running, run);
    runner->n_running--;
    free_run(run);
}

static void on_timer(uv_timer_t *timer)
{
    struct run *run = timer->data;
    struct runner *runner = run->runner;
    if (run->is_decided) { /* it was never started */
        report(run);
        retire(run);
        start_waiting(runner);
    } else if (run->pid == 0) {
        decide(run, RUN_NO_TURN, 0);
        unlink_run(&runner->waiting, run);
        report(run);
        free_run(run);
    } else {
        decide(run, RUN_TIMED_OUT, 0);
        kill_group(run);
        report(run); /* whoever cannot be killed at once keeps his place until he is gone */
    }
}

/* --- ends of processes --- */

/* What the program's process said before it became the program. */
static bool take_failure(struct run *run)
{
    struct confined_failure failure;
    if (!confined_take_failure(run->failure, &failure)) {
        return false;
    }
    bool is_ours = !failure.is_program || failure.error == EAGAIN || failure.error == ENOMEM;
    decide(run, is_ours ? RUN_NOT_STARTED : RUN_NOT_FOUND, failure.error);
    return true;
}

static void reaped(struct run *run, int status)
{
    run->pid = 0;
    if (!run->is_decided && !take_failure(run)) {
        /* What it printed is in the pipes, whoever else still holds them. */
        unsigned enough = RUNNER_OUTPUT_FLOOD / READ_SIZE;
        read_stream(&run->streams[0], enough);
        read_stream(&run->streams[1], enough);
        bool is_signal = WIFSIGNALED(status);
        decide(run, is_signal ? RUN_SIGNALLED : RUN_EXITED,
               is_signal ? WTERMSIG(status) : WEXITSTATUS(status));
    }
    report(run);
    retire(run);
}

/* Its group is killed while its number cannot be another's yet. */
static bool reap(struct run *run, int *status)
{
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)run->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        info.si_pid == 0) {
        return false;
    }
    kill_group(run);
    return waitpid(run->pid, status, 0) == run->pid;
}

static bool is_running(void *context, pid_t pid)
{
    const struct runner *runner = context;
    for (const struct run *run = runner->running; run != NULL; run = run->next) {
        if (run->pid == pid) {
            return true;
        }
    }
    return false;
}

static void on_child(uv_signal_t *signal, int number)
{
    struct runner *runner = signal->data;
    struct run *next;
    (void)number;
    for (struct run *run = runner->running; run != NULL; run = next) {
        int status;
        next = run->next;
        if (run->pid > 0 && reap(run, &status)) {
            reaped(run, status);
        }
    }
    orphans_sweep(is_running, runner);
    start_waiting(runner);
}

/* --- the public functions --- */

static void on_runner_closed(uv_handle_t *handle)
{
    free(handle->data);
}

struct runner *runner_acquire(uv_loop_t *loop)
{
    struct runner *runner = loop->data;
    if (runner != NULL) {
        runner->n_takers++;
        return runner;
    }
    runner = xcalloc(1, sizeof *runner);
    runner->loop = loop;
    runner->n_takers = 1;
    int rc = uv_signal_init(loop, &runner->child);
    if (rc != 0) {
        free(runner);
        errno = -rc;
        return NULL;
    }
    runner->child.data = runner;
    rc = uv_signal_start(&runner->child, on_child, SIGCHLD);
    if (rc != 0) {
        uv_close((uv_handle_t *)&runner->child, on_runner_closed);
        errno = -rc;
        return NULL;
    }
    /* Who is left over comes to us, not to the agent or to init. */
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1UL, 0UL, 0UL, 0UL); /* Linux 3.4 */
    loop->data = runner;
    return runner;
}

void runner_release(struct runner *runner)
{
    if (--runner->n_takers > 0) {
        return;
    }
    while (runner->running != NULL) {
        struct run *run = runner->running;
        runner->running = run->next;
        kill_group(run);
        free_run(run);
    }
    while (runner->waiting != NULL) {
        struct run *run = runner->waiting;
        runner->waiting = run->next;
        free_run(run);
    }
    orphans_end(); /* nobody would look for them later */
    runner->loop->data = NULL;
    uv_close((uv_handle_t *)&runner->child, on_runner_closed);
}

struct run *runner_start(struct runner *runner, const struct run_order *order)
{
    struct run *run = xcalloc(1, sizeof *run);
    run->runner = runner;
    run->order = *order;
    run->identity = *order->identity;
    run->failure = -1;
    run->end.started = clock_wall();
    for (size_t i = 0; i < STREAMS; i++) {
        run->streams[i].fd = -1;
        run->streams[i].limit = i == 0 ? RUNNER_OUTPUT_MAX : RUNNER_ERRORS_MAX;
    }
    (void)uv_timer_init(runner->loop, &run->timer); /* cannot fail */
    run->n_handles = 1;
    run->timer.data = run;
    uv_update_time(runner->loop);
    (void)uv_timer_start(&run->timer, on_timer, (uint64_t)order->timeout_ms, 0); /* likewise */
    append_run(&runner->waiting, run);
    start_waiting(runner);
    return run;
}

void runner_cancel(struct run *run)
{
    struct runner *runner = run->runner;
    run->order.done = NULL;
    if (run->pid > 0) {
        decide(run, RUN_TIMED_OUT, 0);
        (void)uv_timer_stop(&run->timer);
        kill_group(run); /* its end frees it */
    } else if (run->is_decided) {
        (void)uv_timer_stop(&run->timer);
        retire(run);
        start_waiting(runner);
    } else {
        unlink_run(&runner->waiting, run);
        free_run(run);
    }
}
