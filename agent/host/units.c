/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "units.h"

#include "book.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "sample/schedule.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    NAMES_SIZE = 512, /* as many of their names as fit are logged */
    CHUNK_SIZE = 1024,
    OUTPUT_MAX = 1024 * 1024, /* bytes: 10,000 units */
};

static const struct metric units_metrics[] = {{"failed", "1", METRIC_GAUGE}};
static const struct book_kind units_kind = {
    .kind = "units", .metrics = units_metrics, .n_metrics = 1};

/* One run of systemctl. */
struct run {
    bool active;
    bool ended;  /* the process */
    bool closed; /* its output */
    bool refused;
    int64_t status;
    int term_signal;
    uint64_t n_lines;
    size_t n_bytes; /* of all */
    size_t column;
    bool in_name; /* still in the first word of a line */
    char names[NAMES_SIZE];
    size_t names_used;
    bool names_cut;
};

struct units {
    struct units_options options;
    uv_loop_t *loop;
    struct book *book;
    struct schedule_task *task;
    uv_process_t process;
    uv_pipe_t output;
    uv_timer_t timer;
    unsigned int open_handles;
    bool closing;
    struct run run;
    char chunk[CHUNK_SIZE];
    char told[NAMES_SIZE]; /* what was logged last */
};

static void on_closed(uv_handle_t *handle)
{
    struct units *units = handle->data;
    if (--units->open_handles == 0 && units->closing) {
        book_free(units->book);
        free(units);
    }
}

static void close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle)) {
        uv_close(handle, on_closed);
    }
}

/* --- what it prints: a unit a line, its name first --- */

static void put_name(struct run *run, char c)
{
    if (run->names_used + 1 < sizeof run->names) {
        run->names[run->names_used++] = c;
    } else {
        run->names_cut = true;
    }
}

static void take_byte(struct run *run, char c)
{
    if (c == '\n') {
        run->in_name = true;
    } else if (c == ' ') {
        run->in_name = false;
    } else if (run->in_name) {
        if (run->column == 0 && run->n_lines++ > 0) {
            put_name(run, ' ');
        }
        put_name(run, c);
    }
    run->column = c == '\n' ? 0 : run->column + 1;
}

static void finish(struct units *units);

static void on_allocate(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    struct units *units = handle->data;
    (void)wanted;
    *buffer = uv_buf_init(units->chunk, sizeof units->chunk);
}

static void on_output(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct units *units = stream->data;
    for (ssize_t i = 0; i < size; i++) {
        take_byte(&units->run, buffer->base[i]);
    }
    if (size < 0) {
        units->run.closed = true;
        close_handle((uv_handle_t *)stream);
        finish(units);
        return;
    }
    units->run.n_bytes += (size_t)size;
    if (units->run.n_bytes > OUTPUT_MAX && !units->run.refused) {
        units->run.refused = true;
        (void)uv_process_kill(&units->process, SIGKILL); /* it may have ended */
    }
}

static void on_ended(uv_process_t *process, int64_t status, int term_signal)
{
    struct units *units = process->data;
    units->run.ended = true;
    units->run.status = status;
    units->run.term_signal = term_signal;
    close_handle((uv_handle_t *)process);
    finish(units);
}

static void on_timeout(uv_timer_t *timer)
{
    struct units *units = timer->data;
    (void)uv_process_kill(&units->process, SIGKILL); /* it may have ended */
    units->run.refused = true;
    if (!units->run.closed) { /* a child of its own may hold it open */
        units->run.closed = true;
        close_handle((uv_handle_t *)&units->output);
    }
    finish(units);
}

/* --- an answer --- */

static void log_change(struct units *units)
{
    const struct run *run = &units->run;
    if (strcmp(run->names, units->told) == 0) {
        return;
    }
    if (run->n_lines == 0) {
        log_info("host", "no unit is in failed state any more");
    } else {
        log_info("host", "units in failed state: n=%llu names=\"%s%s\"",
                 (unsigned long long)run->n_lines, run->names, run->names_cut ? "..." : "");
    }
    memcpy(units->told, run->names, sizeof units->told);
}

static void finish(struct units *units)
{
    struct run *run = &units->run;
    if (!run->active || !run->ended || !run->closed) {
        return;
    }
    run->active = false;
    (void)uv_timer_stop(&units->timer); /* cannot fail */
    if (units->closing) {
        return;
    }
    if (run->refused || run->status != 0 || run->term_signal != 0) {
        book_failed(units->book, &units_kind, "systemd", clock_wall(),
                    run->refused ? ETIMEDOUT : EIO);
        return;
    }
    const union value value = {.gauge = (double)run->n_lines};
    book_row(units->book, &units_kind, "systemd", NULL, clock_wall(), &value, 0);
    log_change(units);
}

/* --- a question --- */

static bool has_systemd(const char *root)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/run/systemd/system", root);
    return length > 0 && (size_t)length < sizeof path && access(path, F_OK) == 0;
}

static int spawn(struct units *units)
{
    char program[] = "systemctl";
    char list[] = "list-units";
    char failed[] = "--failed";
    char plain[] = "--plain";
    char legend[] = "--no-legend";
    char pager[] = "--no-pager";
    char *arguments[] = {program, list, failed, plain, legend, pager, NULL};
    char path[PATH_MAX];
    char locale[] = "LC_ALL=C";
    char *environment[] = {path, locale, NULL};
    const char *own_path = getenv("PATH");
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&units->output},
        {.flags = UV_IGNORE}};
    uv_process_options_t options = {.file = units->options.program,
                                    .args = arguments,
                                    .env = environment,
                                    .exit_cb = on_ended,
                                    .stdio = stdio,
                                    .stdio_count = 3};
    snprintf(path, sizeof path, "PATH=%s", own_path != NULL ? own_path : "/usr/bin:/bin");
    (void)uv_pipe_init(units->loop, &units->output, 0); /* cannot fail */
    units->output.data = units;
    units->process.data = units;
    units->open_handles += 2;
    int rc = uv_spawn(units->loop, &units->process, &options);
    if (rc == 0) {
        rc = uv_read_start((uv_stream_t *)&units->output, on_allocate, on_output);
        if (rc != 0) {
            (void)uv_process_kill(&units->process, SIGKILL); /* it may have ended */
            units->run.closed = true;
            units->run.refused = true;
            close_handle((uv_handle_t *)&units->output);
        }
        return 0;
    }
    close_handle((uv_handle_t *)&units->output);
    close_handle((uv_handle_t *)&units->process);
    return rc;
}

void units_sample(struct units *units)
{
    /* The handles of the run before may be closing still. */
    if (units->run.active || units->open_handles > 1 || !has_systemd(units->options.root)) {
        return;
    }
    units->run = (struct run){.active = true, .in_name = true};
    int rc = spawn(units);
    if (rc != 0) {
        units->run.active = false;
        book_failed(units->book, &units_kind, "systemd", clock_wall(), -rc);
        return;
    }
    /* Cannot fail. */
    (void)uv_timer_start(&units->timer, on_timeout, (uint64_t)units->options.timeout_ms, 0);
}

static void on_turn(void *context, struct wall due)
{
    (void)due; /* the answer has its own time */
    units_sample(context);
}

struct units *units_open(uv_loop_t *loop, const struct units_options *options,
                         const struct sample_sink *sink)
{
    struct units *units = xcalloc(1, sizeof *units);
    char *name = xasprintf("units/%s", options->device);
    units->options = *options;
    units->loop = loop;
    units->book = book_new(options->device, UNITS_INTERVAL_MS, sink);
    (void)uv_timer_init(loop, &units->timer); /* cannot fail */
    units->timer.data = units;
    units->open_handles = 1;
    units->task = schedule_start(loop, name, UNITS_INTERVAL_MS, on_turn, units);
    free(name);
    return units;
}

void units_close(struct units *units)
{
    if (units == NULL) {
        return;
    }
    units->closing = true;
    schedule_stop(units->task);
    if (units->run.active) {
        if (!units->run.ended) {
            (void)uv_process_kill(&units->process, SIGKILL); /* on_ended closes the handle */
        }
        if (!units->run.closed) {
            units->run.closed = true;
            close_handle((uv_handle_t *)&units->output);
        }
    }
    close_handle((uv_handle_t *)&units->timer);
}
