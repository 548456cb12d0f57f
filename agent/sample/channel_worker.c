/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sample/channel.h"

#include "common/log.h"
#include "common/xalloc.h"
#include "sample/object_store.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CONFIG_WAIT_MS = 10000,
    REPORT_AGE_MS = 200,
    REPORT_TARGET = 32 * 1024,
    /* Half a minute of 100,000 interface rows: main is busy, not dead. */
    BACKLOG_MAX = 4 * 1024 * 1024,
    CLOSE_WAIT_MS = 500,
    /* A row or result is below it (64 values of ten bytes; reason and detail), and so is what the
     * report needs around its items. */
    SMALL_ITEM_MAX = 2048,
};

/* A finished report that main has not taken yet. */
struct waiting {
    struct waiting *next;
    size_t size;
    uint8_t bytes[];
};

struct channel_worker {
    uv_loop_t *loop;
    uv_poll_t poll;
    uv_timer_t timer;
    int n_open; /* handles that are not closed yet */
    bool timer_runs;
    bool main_gone;
    struct sample_sink sink;
    struct object_store *objects;
    struct batch_writer *writer;
    struct batch_writer *probe; /* measures definitions, always empty */
    struct waiting *first;
    struct waiting **last;
    size_t backlog_bytes;
    struct gap lost; /* what was dropped since main stopped reading */
    struct log_limit dropping;
};

static void on_poll(uv_poll_t *poll, int status, int events);
static void on_timer(uv_timer_t *timer);

/* --- configuration --- */

static int wait_readable(int fd, int timeout_ms)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    int rc;
    do {
        rc = poll(&wait, 1, timeout_ms);
    } while (rc < 0 && errno == EINTR);
    if (rc == 0) {
        return -ETIMEDOUT;
    }
    return rc < 0 ? -errno : 0;
}

/* The descriptor that came with the first message, or -errno. */
static int receive_descriptor(void)
{
    char byte;
    struct iovec part = {.iov_base = &byte, .iov_len = sizeof byte};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t got = recvmsg(CHANNEL_FD, &message, MSG_CMSG_CLOEXEC);
    if (got < 0) {
        return -errno;
    }
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (got == 0 || header == NULL || header->cmsg_level != SOL_SOCKET ||
        header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int))) {
        return got == 0 ? -ECONNRESET : -EPROTO;
    }
    int fd;
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

static char *read_text(int fd, size_t *size)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return NULL;
    }
    if (info.st_size < 0 || info.st_size > CHANNEL_CONFIG_MAX) {
        errno = EMSGSIZE;
        return NULL;
    }
    size_t length = (size_t)info.st_size;
    char *text = xmalloc(length + 1);
    size_t done = 0;
    while (done < length) {
        ssize_t got = pread(fd, text + done, length - done, (off_t)done);
        if (got <= 0) {
            int error = got < 0 ? errno : EPROTO;
            free(text);
            errno = error;
            return NULL;
        }
        done += (size_t)got;
    }
    text[length] = '\0';
    *size = length;
    return text;
}

char *channel_read_config(size_t *size)
{
    int rc = wait_readable(CHANNEL_FD, CONFIG_WAIT_MS);
    int fd = rc < 0 ? rc : receive_descriptor();
    if (fd < 0) {
        errno = -fd;
        return NULL;
    }
    char *text = read_text(fd, size);
    int error = errno;
    close(fd);
    errno = error;
    return text;
}

/* --- sending --- */

static int send_report(const uint8_t *bytes, size_t size)
{
    ssize_t sent;
    do {
        sent = send(CHANNEL_FD, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0) {
        return 0;
    }
    return errno == ENOBUFS || errno == ENOMEM ? -EAGAIN : -errno;
}

static void note_main_gone(struct channel_worker *channel)
{
    if (!channel->main_gone) {
        channel->main_gone = true;
        uv_poll_stop(&channel->poll);
        uv_stop(channel->loop);
    }
}

static void watch(struct channel_worker *channel)
{
    if (!channel->main_gone) {
        uv_poll_start(&channel->poll, UV_READABLE | (channel->first != NULL ? UV_WRITABLE : 0),
                      on_poll);
    }
}

static bool is_full(const struct channel_worker *channel)
{
    return channel->backlog_bytes >= BACKLOG_MAX;
}

static void send_or_keep(struct channel_worker *channel, const uint8_t *bytes, size_t size)
{
    int rc = channel->first == NULL ? send_report(bytes, size) : -EAGAIN;
    if (rc == 0 || channel->main_gone) {
        return;
    }
    if (rc != -EAGAIN) {
        note_main_gone(channel);
        return;
    }
    struct waiting *waiting = xmalloc(sizeof *waiting + size);
    waiting->next = NULL;
    waiting->size = size;
    memcpy(waiting->bytes, bytes, size);
    *channel->last = waiting;
    channel->last = &waiting->next;
    channel->backlog_bytes += size;
    watch(channel);
}

static void flush(struct channel_worker *channel)
{
    if (channel->timer_runs) {
        uv_timer_stop(&channel->timer);
        channel->timer_runs = false;
    }
    if (batch_writer_items(channel->writer) > 0) {
        size_t size;
        const uint8_t *bytes = batch_writer_finish(channel->writer, NULL, &size);
        send_or_keep(channel, bytes, size);
    }
}

/* Something was added: send it soon. */
static void touch(struct channel_worker *channel)
{
    if (batch_writer_size(channel->writer) >= REPORT_TARGET) {
        flush(channel);
    } else if (!channel->timer_runs) {
        uv_timer_start(&channel->timer, on_timer, REPORT_AGE_MS, 0);
        channel->timer_runs = true;
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct channel_worker *channel = timer->data;
    channel->timer_runs = false;
    flush(channel);
}

/* Main reads again: tell what it missed meanwhile. */
static void report_lost(struct channel_worker *channel)
{
    if (channel->lost.from.ms != 0 && !is_full(channel)) {
        log_info("channel", "main reads again: rows_dropped=%llu results_dropped=%llu",
                 (unsigned long long)channel->lost.rows,
                 (unsigned long long)channel->lost.observations);
        channel->lost.to.ms++; /* [from, to) holds the last one too */
        if (batch_add_gap(channel->writer, &channel->lost) != 0) {
            log_error("channel", "a gap could not be reported");
        }
        channel->lost = (struct gap){0};
        touch(channel);
    }
}

static void drain(struct channel_worker *channel)
{
    while (channel->first != NULL) {
        struct waiting *waiting = channel->first;
        int rc = send_report(waiting->bytes, waiting->size);
        if (rc == -EAGAIN) {
            break;
        }
        if (rc != 0) {
            note_main_gone(channel);
            break;
        }
        channel->first = waiting->next;
        if (channel->first == NULL) {
            channel->last = &channel->first;
        }
        channel->backlog_bytes -= waiting->size;
        free(waiting);
    }
    report_lost(channel);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct channel_worker *channel = poll->data;
    if (status < 0) {
        note_main_gone(channel);
        return;
    }
    if (events & UV_READABLE) {
        /* Main says nothing after the configuration: what can be read is its end. */
        char byte;
        ssize_t got = recv(CHANNEL_FD, &byte, sizeof byte, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
            note_main_gone(channel);
            return;
        }
    }
    if (events & UV_WRITABLE) {
        drain(channel);
    }
    watch(channel);
}

/* --- the sink --- */

static uint32_t sink_define(void *context, const struct object *object)
{
    struct channel_worker *channel = context;
    struct stored_object *stored = object_store_find(channel->objects, object);
    if (stored != NULL) {
        return stored->object.number;
    }
    /* Would it travel? Number 1 is only for the question. */
    struct object trial = *object;
    trial.number = 1;
    if (batch_add_definition(channel->probe, &trial) != 0) {
        log_warn("channel", "object refused: it breaks a limit: device=%.64s kind=%.32s name=%.64s",
                 object->device, object->kind, object->name);
        return 0;
    }
    size_t size = batch_writer_size(channel->probe);
    size_t finished;
    (void)batch_writer_finish(channel->probe, NULL, &finished); /* empties it */
    if (size + 2 * SMALL_ITEM_MAX > PROTO_REPORT_MAX) {
        log_warn("channel", "object refused: too large for a report: device=%.64s name=%.64s",
                 object->device, object->name);
        return 0;
    }
    stored = object_store_add(channel->objects, object);
    if (stored == NULL) {
        log_error("channel", "object refused: all %d numbers are used", PROTO_OBJECTS_MAX);
        return 0;
    }
    stored->encoded_size = size;
    return stored->object.number;
}

static void note_dropped(struct channel_worker *channel, struct wall time)
{
    uint64_t held;
    if (channel->lost.from.ms == 0) {
        channel->lost.from = time;
        channel->lost.to = time;
        channel->lost.reason = GAP_WORKER_LOST;
    }
    channel->lost.from.ms = time.ms < channel->lost.from.ms ? time.ms : channel->lost.from.ms;
    channel->lost.to.ms = time.ms > channel->lost.to.ms ? time.ms : channel->lost.to.ms;
    if (log_limit_allow(&channel->dropping, 60000, &held)) {
        log_warn("channel", "main does not read: rows are dropped: backlog_bytes=%zu",
                 channel->backlog_bytes);
    }
}

/* The object of a row or result, its definition put before it. A definition travels only with the
 * first row that does, so that a dropped row never takes one along. NULL: not announced. */
static const struct object *announced(struct channel_worker *channel, uint32_t number)
{
    struct stored_object *stored = object_store_get(channel->objects, number);
    if (stored == NULL) {
        return NULL;
    }
    if (!stored->announced) {
        if (batch_writer_size(channel->writer) + stored->encoded_size + SMALL_ITEM_MAX >
            PROTO_REPORT_MAX) {
            flush(channel);
        }
        stored->announced = batch_add_definition(channel->writer, &stored->object) == 0;
    }
    return stored->announced ? &stored->object : NULL;
}

/* `rc` of adding an item to the report; a refused one is our sampler's bug, and a gap. */
static void added(struct channel_worker *channel, int rc, struct wall time, bool is_row)
{
    if (rc != 0) {
        struct gap gap = {.from = time,
                          .to = {time.ms + 1},
                          .rows = is_row ? 1 : 0,
                          .observations = is_row ? 0 : 1,
                          .reason = GAP_ENCODE};
        log_warn("channel", "a %s breaks a limit and was dropped", is_row ? "row" : "result");
        (void)batch_add_gap(channel->writer, &gap); /* -EINVAL: even its time is nonsense */
    }
    touch(channel);
}

static void sink_row(void *context, const struct row *row)
{
    struct channel_worker *channel = context;
    if (is_full(channel)) {
        note_dropped(channel, row->time);
        channel->lost.rows++;
        return;
    }
    const struct object *object = announced(channel, row->object);
    added(channel, object == NULL ? -EINVAL : batch_add_row(channel->writer, object, row),
          row->time, true);
}

static void sink_result(void *context, const struct result *result)
{
    struct channel_worker *channel = context;
    if (is_full(channel)) {
        note_dropped(channel, result->time);
        channel->lost.observations++;
        return;
    }
    const struct object *object = announced(channel, result->object);
    added(channel, object == NULL ? -EINVAL : batch_add_result(channel->writer, result),
          result->time, false);
}

static void sink_gap(void *context, const struct gap *gap)
{
    struct channel_worker *channel = context;
    if (is_full(channel)) {
        note_dropped(channel, gap->from);
        note_dropped(channel, gap->to);
        channel->lost.rows += gap->rows;
        channel->lost.observations += gap->observations;
        return;
    }
    if (batch_add_gap(channel->writer, gap) != 0) {
        log_warn("channel", "a gap breaks a limit and was dropped");
        return;
    }
    touch(channel);
}

/* --- life --- */

struct channel_worker *channel_worker_open(uv_loop_t *loop)
{
    struct channel_worker *channel = xcalloc(1, sizeof *channel);
    channel->loop = loop;
    int rc = uv_poll_init(loop, &channel->poll, CHANNEL_FD);
    if (rc != 0) {
        free(channel);
        errno = -rc;
        return NULL;
    }
    channel->poll.data = channel;
    uv_timer_init(loop, &channel->timer);
    channel->timer.data = channel;
    channel->n_open = 2;
    channel->last = &channel->first;
    channel->objects = object_store_new();
    channel->writer = batch_writer_new(BATCH_WORKER_REPORT);
    channel->probe = batch_writer_new(BATCH_WORKER_REPORT);
    channel->sink = (struct sample_sink){.context = channel,
                                         .define = sink_define,
                                         .row = sink_row,
                                         .result = sink_result,
                                         .gap = sink_gap};
    watch(channel);
    return channel;
}

const struct sample_sink *channel_worker_sink(struct channel_worker *channel)
{
    return &channel->sink;
}

static void send_rest(struct channel_worker *channel)
{
    struct mono end = mono_add_ms(clock_mono(), CLOSE_WAIT_MS);
    flush(channel);
    while ((channel->first != NULL || channel->lost.from.ms != 0) && !channel->main_gone) {
        int64_t left_ms = mono_elapsed_ms(clock_mono(), end);
        struct pollfd wait = {.fd = CHANNEL_FD, .events = POLLOUT};
        if (left_ms <= 0 || poll(&wait, 1, (int)left_ms) < 0) {
            break;
        }
        drain(channel);
        flush(channel);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct channel_worker *channel = handle->data;
    if (--channel->n_open == 0) {
        close(CHANNEL_FD);
        free(channel);
    }
}

void channel_worker_close(struct channel_worker *channel)
{
    if (channel == NULL) {
        return;
    }
    send_rest(channel);
    while (channel->first != NULL) {
        struct waiting *waiting = channel->first;
        channel->first = waiting->next;
        free(waiting);
    }
    batch_writer_free(channel->writer);
    batch_writer_free(channel->probe);
    object_store_free(channel->objects);
    uv_close((uv_handle_t *)&channel->poll, on_closed);
    uv_close((uv_handle_t *)&channel->timer, on_closed);
}
