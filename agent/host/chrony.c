/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chrony.h"

#include "common/xalloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Layout of chrony's candm.h, protocol version 6; everything is in network order. */
enum {
    VERSION = 6,
    TYPE_REQUEST = 1,
    TYPE_REPLY = 2,
    COMMAND_TRACKING = 33,
    REPLY_TRACKING = 5,
    AT_COMMAND = 4,
    AT_REPLY = 6,
    AT_STATUS = 8,
    AT_QUESTION_SEQUENCE = 8,
    AT_SEQUENCE = 16,
    AT_DATA = 28,
    AT_STRATUM = AT_DATA + 24, /* after the reference and its address */
    AT_LEAP = AT_STRATUM + 2,
    AT_CORRECTION = AT_LEAP + 2 + 12, /* after a time */
    AT_RMS_OFFSET = AT_CORRECTION + 8,
    AT_FREQUENCY = AT_RMS_OFFSET + 4,
    AT_ROOT_DELAY = AT_FREQUENCY + 12,
    AT_ROOT_DISPERSION = AT_ROOT_DELAY + 4,
    REPLY_SIZE = 104,
    LEAP_UNSYNCHRONISED = 3,
    SILENT_MS = 60000, /* so long until one that did not answer is asked again */
};

enum chrony_value {
    CHRONY_OFFSET,
    CHRONY_FREQUENCY,
    CHRONY_SYNCHRONISED,
    CHRONY_RMS_OFFSET,
    CHRONY_ROOT_DELAY,
    CHRONY_ROOT_DISPERSION,
    CHRONY_STRATUM,
    CHRONY_VALUES,
};
static const struct metric chrony_metrics[CHRONY_VALUES] = {
    {"offset", "s", METRIC_GAUGE},       {"frequency", "ppm", METRIC_GAUGE},
    {"synchronised", "1", METRIC_GAUGE}, {"rms_offset", "s", METRIC_GAUGE},
    {"root_delay", "s", METRIC_GAUGE},   {"root_dispersion", "s", METRIC_GAUGE},
    {"stratum", "1", METRIC_GAUGE},
};
static const struct book_kind chrony_kind = {
    .kind = "clock", .metrics = chrony_metrics, .n_metrics = CHRONY_VALUES};

struct chrony {
    struct book *book;
    uv_poll_t poll;
    int socket;
    uint32_t sequence;
    bool waiting;  /* for an answer to the last question */
    bool answered; /* ever */
    bool silent;   /* since `asked` */
    struct mono asked;
};

/* --- the protocol --- */

static uint16_t read_16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static uint32_t read_32(const uint8_t *bytes)
{
    return (uint32_t)read_16(bytes) << 16 | read_16(bytes + 2);
}

static void write_16(uint8_t *bytes, uint16_t value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

/* A signed exponent of seven bits and a signed coefficient of 25. */
static double read_float(const uint8_t *bytes)
{
    uint32_t bits = read_32(bytes);
    int32_t exponent = (int32_t)(bits >> 25);
    int32_t coefficient = (int32_t)(bits & 0x1ffffff);
    exponent -= exponent >= 64 ? 128 : 0;
    coefficient -= coefficient >= 1 << 24 ? 1 << 25 : 0;
    return ldexp(coefficient, exponent - 25);
}

void chrony_ask(uint32_t sequence, uint8_t question[CHRONY_QUESTION_SIZE])
{
    memset(question, 0, CHRONY_QUESTION_SIZE); /* no shorter than the answer, or it is ignored */
    question[0] = VERSION;
    question[1] = TYPE_REQUEST;
    write_16(question + AT_COMMAND, COMMAND_TRACKING);
    write_16(question + AT_QUESTION_SEQUENCE, (uint16_t)(sequence >> 16));
    write_16(question + AT_QUESTION_SEQUENCE + 2, (uint16_t)sequence);
}

int chrony_decode(const uint8_t *bytes, size_t size, uint32_t sequence,
                  struct chrony_tracking *tracking)
{
    if (size < AT_DATA || bytes[0] != VERSION || bytes[1] != TYPE_REPLY) {
        return -EBADMSG;
    }
    if (read_16(bytes + AT_COMMAND) != COMMAND_TRACKING ||
        read_32(bytes + AT_SEQUENCE) != sequence) {
        return -EAGAIN;
    }
    if (size != REPLY_SIZE || read_16(bytes + AT_REPLY) != REPLY_TRACKING ||
        read_16(bytes + AT_STATUS) != 0) {
        return -EBADMSG;
    }
    *tracking = (struct chrony_tracking){
        .offset_s = read_float(bytes + AT_CORRECTION),
        .rms_offset_s = read_float(bytes + AT_RMS_OFFSET),
        .frequency_ppm = read_float(bytes + AT_FREQUENCY),
        .root_delay_s = read_float(bytes + AT_ROOT_DELAY),
        .root_dispersion_s = read_float(bytes + AT_ROOT_DISPERSION),
        .stratum = read_16(bytes + AT_STRATUM),
        .synchronised = read_16(bytes + AT_LEAP) != LEAP_UNSYNCHRONISED,
    };
    return 0;
}

/* --- the socket --- */

static void tell(struct chrony *chrony, const struct chrony_tracking *tracking)
{
    const union value values[CHRONY_VALUES] = {
        [CHRONY_OFFSET] = {.gauge = tracking->offset_s},
        [CHRONY_FREQUENCY] = {.gauge = tracking->frequency_ppm},
        [CHRONY_SYNCHRONISED] = {.gauge = tracking->synchronised ? 1 : 0},
        [CHRONY_RMS_OFFSET] = {.gauge = tracking->rms_offset_s},
        [CHRONY_ROOT_DELAY] = {.gauge = tracking->root_delay_s},
        [CHRONY_ROOT_DISPERSION] = {.gauge = tracking->root_dispersion_s},
        [CHRONY_STRATUM] = {.gauge = tracking->stratum},
    };
    chrony->answered = true;
    book_row(chrony->book, &chrony_kind, "chrony", NULL, clock_wall(), values, 0);
}

/* One that never answered is not there: no row. */
static void tell_failure(struct chrony *chrony, struct wall time, int error)
{
    chrony->waiting = false;
    chrony->silent = true;
    if (chrony->answered) {
        book_failed(chrony->book, &chrony_kind, "chrony", time, error);
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct chrony *chrony = poll->data;
    uint8_t bytes[REPLY_SIZE + 1]; /* a longer one shows */
    struct chrony_tracking tracking;
    (void)status; /* an error of the socket is told by recv */
    (void)events;
    ssize_t size = recv(chrony->socket, bytes, sizeof bytes, MSG_DONTWAIT);
    if (size < 0) {
        if (errno != EAGAIN && errno != EINTR && chrony->waiting) {
            tell_failure(chrony, clock_wall(), errno);
        }
        return;
    }
    int rc = chrony_decode(bytes, (size_t)size, chrony->sequence, &tracking);
    if (!chrony->waiting || rc == -EAGAIN) {
        return; /* late, or said twice */
    }
    if (rc != 0) {
        tell_failure(chrony, clock_wall(), -rc);
        return;
    }
    chrony->waiting = false;
    chrony->silent = false;
    tell(chrony, &tracking);
}

struct chrony *chrony_open(uv_loop_t *loop, uint16_t port, struct book *book)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return NULL; /* a kernel without IPv4 */
    }
    struct chrony *chrony = xcalloc(1, sizeof *chrony);
    chrony->book = book;
    chrony->socket = fd;
    chrony->poll.data = chrony;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        uv_poll_init(loop, &chrony->poll, fd) != 0) {
        (void)close(fd); /* nothing was written */
        free(chrony);
        return NULL;
    }
    (void)uv_poll_start(&chrony->poll, UV_READABLE, on_readable); /* cannot fail */
    return chrony;
}

void chrony_sample(struct chrony *chrony, struct wall time)
{
    uint8_t question[CHRONY_QUESTION_SIZE];
    struct mono now = clock_mono();
    if (chrony == NULL) {
        return;
    }
    if (chrony->waiting) { /* since the sample before */
        tell_failure(chrony, time, ETIMEDOUT);
    } else if (chrony->silent && chrony->answered) {
        tell_failure(chrony, time, ECONNREFUSED);
    }
    if (chrony->silent && mono_elapsed_ms(chrony->asked, now) < SILENT_MS) {
        return;
    }
    chrony->sequence++;
    chrony->asked = now;
    chrony->waiting = true;
    chrony_ask(chrony->sequence, question);
    if (send(chrony->socket, question, sizeof question, MSG_NOSIGNAL) < 0) {
        tell_failure(chrony, time, errno);
    }
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void chrony_close(struct chrony *chrony)
{
    if (chrony == NULL) {
        return;
    }
    (void)uv_poll_stop(&chrony->poll); /* cannot fail */
    (void)close(chrony->socket);       /* nothing is pending */
    uv_close((uv_handle_t *)&chrony->poll, on_closed);
}
