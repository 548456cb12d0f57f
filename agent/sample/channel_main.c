/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sample/channel.h"

#include "common/log.h"
#include "common/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    /* Reports of one wake-up: other parts of the loop shall have their turn. */
    REPORTS_AT_ONCE = 16,
    /* What a dead worker can have left in the pair: far below it. */
    REPORTS_LEFT_MAX = 4096,
};

/* An object of the worker, by its number there. */
struct known_object {
    bool defined;
    uint32_t number; /* of the sink; 0: it refused the object */
    uint8_t n_metrics;
    uint64_t gauges; /* bit i: metric i is a gauge */
    bool is_traffic;
};

struct connection {
    uv_poll_t poll;
    struct channel_main *channel; /* NULL once it was dropped */
    int fd;
    struct known_object *objects; /* [number - 1] */
    uint32_t n_objects;
    struct wall last_report; /* or when it was made */
    bool ended;              /* nothing more is read */
};

struct channel_main {
    uv_loop_t *loop;
    const struct sample_sink *sink;
    char *name;
    struct connection *connection;
    void (*on_garbage)(void *context);
    void *garbage_context;
    struct channel_main_stats stats;
    uint8_t buffer[PROTO_REPORT_MAX];
};

enum reading { READ_ONE, READ_NONE, READ_END, READ_GARBAGE };

/* --- what a report says --- */

/* 0 or -EPROTO: defined before, or no number at all. */
static int take_definition(struct connection *connection, const struct object *object)
{
    const struct sample_sink *sink = connection->channel->sink;
    if (object->number == 0 || object->number > PROTO_OBJECTS_MAX ||
        object->n_metrics > PROTO_METRICS_MAX) {
        return -EPROTO;
    }
    if (object->number > connection->n_objects) {
        uint32_t room = connection->n_objects == 0 ? 64 : connection->n_objects * 2;
        room = room < object->number ? object->number : room;
        connection->objects = xreallocarray(connection->objects, room, sizeof(struct known_object));
        memset(connection->objects + connection->n_objects, 0,
               (room - connection->n_objects) * sizeof(struct known_object));
        connection->n_objects = room;
    }
    struct known_object *known = &connection->objects[object->number - 1];
    if (known->defined) {
        return -EPROTO;
    }
    known->defined = true;
    known->is_traffic = strcmp(object->kind, "traffic") == 0;
    known->n_metrics = (uint8_t)object->n_metrics;
    for (size_t i = 0; i < object->n_metrics; i++) {
        if (object->metrics[i].type == METRIC_GAUGE) {
            known->gauges |= UINT64_C(1) << i;
        }
    }
    struct object renumbered = *object;
    renumbered.number = 0;
    known->number = sink->define(sink->context, &renumbered);
    return 0;
}

static const struct known_object *find_object(const struct connection *connection, uint32_t number)
{
    if (number == 0 || number > connection->n_objects || !connection->objects[number - 1].defined) {
        return NULL;
    }
    return &connection->objects[number - 1];
}

static int expand_row(const struct known_object *known, const struct packed_row *packed,
                      union value values[PROTO_METRICS_MAX])
{
    struct metric metrics[PROTO_METRICS_MAX];
    for (size_t i = 0; i < known->n_metrics; i++) {
        bool is_gauge = (known->gauges >> i & 1) != 0;
        metrics[i] = (struct metric){
            .name = "", .unit = "", .type = is_gauge ? METRIC_GAUGE : METRIC_COUNTER};
    }
    return packed_row_expand(packed, metrics, known->n_metrics, values);
}

/* Does everything in it speak of objects that were defined, in their shape? */
static bool is_consistent(const struct connection *connection, const struct batch *batch)
{
    union value values[PROTO_METRICS_MAX];
    for (size_t i = 0; i < batch->n_rows; i++) {
        const struct known_object *known = find_object(connection, batch->rows[i].object);
        if (known == NULL || expand_row(known, &batch->rows[i], values) != 0) {
            return false;
        }
    }
    for (size_t i = 0; i < batch->n_results; i++) {
        if (find_object(connection, batch->results[i].object) == NULL) {
            return false;
        }
    }
    for (size_t i = 0; i < batch->n_talkers; i++) {
        const struct known_object *known = find_object(connection, batch->talkers[i].object);
        if (known == NULL || !known->is_traffic) {
            return false;
        }
    }
    return true;
}

static void deliver(struct connection *connection, const struct batch *batch)
{
    const struct sample_sink *sink = connection->channel->sink;
    union value values[PROTO_METRICS_MAX];
    for (size_t i = 0; i < batch->n_rows; i++) {
        const struct packed_row *packed = &batch->rows[i];
        const struct known_object *known = find_object(connection, packed->object);
        if (known->number != 0 && expand_row(known, packed, values) == 0) {
            struct row row = {.object = known->number,
                              .time = packed->time,
                              .status = packed->status,
                              .unknown_mask = packed->unknown_mask,
                              .discontinuity_mask = packed->discontinuity_mask,
                              .values = values};
            sink->row(sink->context, &row);
        }
    }
    for (size_t i = 0; i < batch->n_results; i++) {
        struct result result = batch->results[i];
        result.object = find_object(connection, result.object)->number;
        if (result.object != 0) {
            sink->result(sink->context, &result);
        }
    }
    for (size_t i = 0; i < batch->n_talkers; i++) {
        struct talker_report report = batch->talkers[i];
        report.object = find_object(connection, report.object)->number;
        if (report.object != 0) {
            sink->talkers(sink->context, &report);
        }
    }
    for (size_t i = 0; i < batch->n_gaps; i++) {
        sink->gap(sink->context, &batch->gaps[i]);
    }
}

/* 0, or -EPROTO with a reason. Rows are delivered only when the whole report is good. */
static int take_report(struct connection *connection, const uint8_t *bytes, size_t size,
                       char *reason, size_t reason_size)
{
    int rc = 0;
    struct batch *batch = batch_decode(BATCH_WORKER_REPORT, bytes, size, reason, reason_size);
    if (batch == NULL) {
        return -EPROTO;
    }
    for (size_t i = 0; i < batch->n_definitions && rc == 0; i++) {
        rc = take_definition(connection, &batch->definitions[i]);
    }
    if (rc != 0) {
        snprintf(reason, reason_size, "an object is defined twice or has no number");
    } else if (!is_consistent(connection, batch)) {
        snprintf(reason, reason_size, "a row, result or talker report does not match its object");
        rc = -EPROTO;
    } else {
        deliver(connection, batch);
    }
    batch_free(batch);
    return rc;
}

/* --- reading --- */

static void note_garbage(struct connection *connection, const char *reason)
{
    struct channel_main *channel = connection->channel;
    channel->stats.bad_reports++;
    connection->ended = true;
    uv_poll_stop(&connection->poll);
    log_error("channel", "report refused, the worker is not believed any more: worker=%s: %s",
              channel->name, reason);
    if (channel->on_garbage != NULL) {
        channel->on_garbage(channel->garbage_context);
    }
}

static bool is_hung_up(int fd)
{
    struct pollfd state = {.fd = fd, .events = POLLIN};
    return poll(&state, 1, 0) == 1 && (state.revents & POLLHUP) != 0;
}

static enum reading read_report(struct connection *connection)
{
    struct channel_main *channel = connection->channel;
    char reason[160] = "";
    ssize_t got;
    do {
        got =
            recv(connection->fd, channel->buffer, sizeof channel->buffer, MSG_DONTWAIT | MSG_TRUNC);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return errno == EAGAIN ? READ_NONE : READ_END;
    }
    if (got == 0 && is_hung_up(connection->fd)) {
        return READ_END;
    }
    if (got == 0 || (size_t)got > sizeof channel->buffer) {
        note_garbage(connection, got == 0 ? "an empty report" : "a report over the limit");
        return READ_GARBAGE;
    }
    if (take_report(connection, channel->buffer, (size_t)got, reason, sizeof reason) != 0) {
        note_garbage(connection, reason);
        return READ_GARBAGE;
    }
    channel->stats.reports++;
    connection->last_report = clock_wall();
    return READ_ONE;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct connection *connection = poll->data;
    (void)events; /* only readable is asked for */
    enum reading reading = status < 0 ? READ_END : READ_ONE;
    for (int i = 0; i < REPORTS_AT_ONCE && reading == READ_ONE; i++) {
        reading = connection->channel == NULL ? READ_GARBAGE : read_report(connection);
    }
    if (reading == READ_END && connection->channel != NULL) {
        connection->ended = true;
        uv_poll_stop(&connection->poll); /* the owner hears of the end from the supervisor */
    }
}

/* --- life --- */

static void on_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    close(connection->fd);
    free(connection);
}

static void drop_connection(struct channel_main *channel)
{
    struct connection *connection = channel->connection;
    if (connection != NULL) {
        channel->connection = NULL;
        connection->channel = NULL;
        free(connection->objects);
        connection->objects = NULL;
        uv_close((uv_handle_t *)&connection->poll, on_closed);
    }
}

/* The text in a memory file that nobody can change any more, or -errno. */
static int seal_config(const char *config, size_t size)
{
    int fd = memfd_create("beffroi-config", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) {
        return -errno;
    }
    size_t done = 0;
    int rc = 0;
    while (done < size && rc == 0) {
        ssize_t put = write(fd, config + done, size - done);
        if (put > 0) {
            done += (size_t)put;
        } else if (put == 0 || errno != EINTR) {
            rc = put == 0 ? -EIO : -errno;
        }
    }
    if (rc == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0) {
        rc = -errno;
    }
    if (rc != 0) {
        close(fd);
        return rc;
    }
    return fd;
}

static int send_config(int socket, const char *config, size_t size)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    char byte = 0;
    struct iovec part = {.iov_base = &byte, .iov_len = sizeof byte};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    int file = seal_config(config, size);
    if (file < 0) {
        return file;
    }
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &file, sizeof file);
    int rc = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 ? 0 : -errno;
    close(file);
    return rc;
}

struct channel_main *channel_main_new(uv_loop_t *loop, const struct sample_sink *sink,
                                      const char *worker_name)
{
    struct channel_main *channel = xcalloc(1, sizeof *channel);
    channel->loop = loop;
    channel->sink = sink;
    channel->name = xstrdup(worker_name);
    return channel;
}

int channel_main_connect(struct channel_main *channel, const char *config, size_t config_size)
{
    int pair[2];
    int rc;
    if (config_size > CHANNEL_CONFIG_MAX) {
        return -EMSGSIZE;
    }
    drop_connection(channel);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
        return -errno;
    }
    struct connection *connection = xcalloc(1, sizeof *connection);
    rc = send_config(pair[0], config, config_size);
    if (rc != 0) {
        goto failed;
    }
    rc = uv_poll_init(channel->loop, &connection->poll, pair[0]);
    if (rc != 0) {
        goto failed;
    }
    connection->poll.data = connection;
    connection->channel = channel;
    connection->fd = pair[0];
    connection->last_report = clock_wall();
    channel->connection = connection;
    uv_poll_start(&connection->poll, UV_READABLE, on_poll);
    return pair[1];
failed:
    free(connection);
    close(pair[0]);
    close(pair[1]);
    return rc;
}

int channel_main_configure(struct channel_main *channel, const char *config, size_t config_size)
{
    if (channel->connection == NULL || channel->connection->ended) {
        return -ENOTCONN;
    }
    if (config_size > CHANNEL_CONFIG_MAX) {
        return -EMSGSIZE;
    }
    return send_config(channel->connection->fd, config, config_size);
}

void channel_main_disconnect(struct channel_main *channel, bool requested)
{
    struct connection *connection = channel->connection;
    if (connection == NULL) {
        return;
    }
    for (int i = 0; i < REPORTS_LEFT_MAX && !connection->ended; i++) {
        if (read_report(connection) != READ_ONE) {
            break;
        }
    }
    if (channel->connection != connection) {
        return; /* the owner did it from on_garbage */
    }
    if (!requested) {
        struct gap gap = {
            .from = connection->last_report, .to = clock_wall(), .reason = GAP_WORKER_LOST};
        if (gap.to.ms <= gap.from.ms) {
            gap.to.ms = gap.from.ms + 1; /* at once, or the clock was stepped back */
        }
        channel->sink->gap(channel->sink->context, &gap);
    }
    drop_connection(channel);
}

void channel_main_on_garbage(struct channel_main *channel, void (*on_garbage)(void *context),
                             void *context)
{
    channel->on_garbage = on_garbage;
    channel->garbage_context = context;
}

const struct channel_main_stats *channel_main_stats(const struct channel_main *channel)
{
    return &channel->stats;
}

void channel_main_free(struct channel_main *channel)
{
    if (channel == NULL) {
        return;
    }
    drop_connection(channel);
    free(channel->name);
    free(channel);
}
