/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "datagram.h"

#include "common/xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Datagrams of one wake-up: a flood shall not starve the loop. */
enum { READS_AT_ONCE = 64 };

/* One question. Its socket outlives it until the loop has let go of it. */
struct question {
    uv_poll_t poll;
    struct datagram *datagram;
    unsigned number;
    size_t address;
    int fd;
    struct mono sent;
    int64_t sent_wall_ns;
};

struct datagram {
    uv_timer_t timer;
    struct datagram_order order;
    struct target target;
    struct mono start;
    unsigned n_turns; /* questions that were asked or could not be */
    unsigned n_sent;
    unsigned n_ignored; /* datagrams that were no answers */
    struct question *questions[DATAGRAM_TRIES];
    struct wall first;
    struct verdict verdict;
    bool decided;
};

static void on_timer(uv_timer_t *timer);
static void on_poll(uv_poll_t *poll, int status, int events);

/* In nanoseconds, which struct wall does not have. */
static int64_t wall_ns(const struct timespec *time)
{
    return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

static int64_t now_wall_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail */
    return wall_ns(&now);
}

/* --- sockets --- */

static void on_question_closed(uv_handle_t *handle)
{
    struct question *question = handle->data;
    close(question->fd);
    free(question);
}

static void drop_question(struct datagram *datagram, unsigned number)
{
    struct question *question = datagram->questions[number];
    if (question != NULL) {
        uv_close((uv_handle_t *)&question->poll, on_question_closed);
        datagram->questions[number] = NULL;
    }
}

static void drop_all(struct datagram *datagram)
{
    for (unsigned i = 0; i < DATAGRAM_TRIES; i++) {
        drop_question(datagram, i);
    }
}

/* A socket that hears one address only, or -errno. */
static int open_descriptor(const struct target *target, size_t address)
{
    const struct sockaddr *to = (const struct sockaddr *)&target->addresses[address];
    const int on = 1;
    int rc;
    int fd = socket(to->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    /* Without it answers are dated by when they are read. */
    (void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    if (connect(fd, to, target_address_size(target, address)) != 0) {
        rc = -errno;
        close(fd);
        return rc;
    }
    return fd;
}

static int open_question(struct datagram *datagram, unsigned number, size_t address)
{
    int fd = open_descriptor(&datagram->target, address);
    if (fd < 0) {
        return fd;
    }
    struct question *question = xcalloc(1, sizeof *question);
    int rc = uv_poll_init(datagram->timer.loop, &question->poll, fd);
    if (rc != 0) {
        free(question);
        close(fd);
        return rc;
    }
    question->poll.data = question;
    question->datagram = datagram;
    question->number = number;
    question->address = address;
    question->fd = fd;
    (void)uv_poll_start(&question->poll, UV_READABLE, on_poll); /* fails only while closing */
    datagram->questions[number] = question;
    return 0;
}

/* --- asking --- */

static int ask(struct datagram *datagram, unsigned number, size_t address)
{
    uint8_t request[DATAGRAM_REQUEST_MAX];
    size_t size = datagram->order.write(datagram->order.asker, number, request);
    if (size == 0) {
        return -ENOBUFS;
    }
    int rc = open_question(datagram, number, address);
    if (rc != 0) {
        return rc;
    }
    struct question *question = datagram->questions[number];
    question->sent = clock_mono();
    question->sent_wall_ns = now_wall_ns();
    if (send(question->fd, request, size, MSG_NOSIGNAL) < 0) {
        rc = -errno;
        drop_question(datagram, number);
    }
    return rc;
}

/* The next question, to the address whose turn it is or the next one that can be reached at all. */
static void take_turn(struct datagram *datagram)
{
    size_t n = datagram->target.n_addresses;
    unsigned number = datagram->n_turns++;
    for (size_t i = 0; i < n; i++) {
        struct verdict failure = {.time = clock_wall()};
        int rc = ask(datagram, number, (number + i) % n);
        if (rc == 0) {
            if (datagram->n_sent++ == 0) {
                datagram->first = failure.time;
            }
            return;
        }
        verdict_local(&failure, -rc);
        verdict_merge(&datagram->verdict, &failure);
    }
}

static void arm(struct datagram *datagram)
{
    int64_t due_ms = datagram->order.timeout_ms * datagram->n_turns / DATAGRAM_TRIES;
    int64_t wait_ms = due_ms - mono_elapsed_ms(datagram->start, clock_mono());
    uv_update_time(datagram->timer.loop);
    uv_timer_start(&datagram->timer, on_timer, wait_ms > 0 ? (uint64_t)wait_ms : 0, 0);
}

/* --- deciding --- */

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* The verdict is there; it is told from the loop. */
static void decide(struct datagram *datagram)
{
    datagram->decided = true;
    drop_all(datagram);
    uv_update_time(datagram->timer.loop);
    uv_timer_start(&datagram->timer, on_timer, 0, 0);
}

static void give_up(struct datagram *datagram)
{
    struct verdict *verdict = &datagram->verdict;
    if (datagram->n_sent > 0 && verdict->outcome != OUTCOME_DOWN) {
        verdict_set(verdict, OUTCOME_DOWN, "timeout",
                    datagram->n_ignored > 0
                        ? "no answer to %u questions in %lld ms, but %u datagrams that are none"
                        : "no answer to %u questions in %lld ms",
                    datagram->n_sent, (long long)datagram->order.timeout_ms, datagram->n_ignored);
    }
    if (datagram->n_sent > 0) {
        verdict->time = datagram->first;
    }
    decide(datagram);
}

/* A question came to nothing: the network or the host said no. The next one need not wait. */
static void fail(struct datagram *datagram, const struct question *question, int error)
{
    struct verdict failure = {.time = datagram->first};
    verdict_remote(&failure, error);
    verdict_merge(&datagram->verdict, &failure);
    drop_question(datagram, question->number);
    bool is_any_open = false;
    for (unsigned i = 0; i < DATAGRAM_TRIES; i++) {
        is_any_open = is_any_open || datagram->questions[i] != NULL;
    }
    if (datagram->n_turns < DATAGRAM_TRIES) {
        take_turn(datagram);
        arm(datagram);
    } else if (!is_any_open) {
        give_up(datagram);
    }
}

/* --- listening --- */

/* When the kernel took it; 0: it does not say. */
static int64_t arrival_ns(struct msghdr *message)
{
    for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at != NULL; at = CMSG_NXTHDR(message, at)) {
        if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec time;
            memcpy(&time, CMSG_DATA(at), sizeof time);
            return wall_ns(&time);
        }
    }
    return 0;
}

/* From sending to arrival, on the monotonic clock; what lay in the socket meanwhile is told by the
 * wall clock, which is believed unless it was set in that time. */
static double elapsed_s(const struct question *question, int64_t arrived_ns)
{
    int64_t passed_ns = clock_mono().ns - question->sent.ns;
    int64_t waited_ns = arrived_ns != 0 ? now_wall_ns() - arrived_ns : 0;
    bool is_possible = waited_ns >= 0 && waited_ns <= passed_ns;
    return (double)(passed_ns - (is_possible ? waited_ns : 0)) / 1e9;
}

static void take(const struct question *question, const uint8_t *bytes, size_t size,
                 int64_t arrived_ns)
{
    struct datagram *datagram = question->datagram;
    struct verdict verdict = {.time = {question->sent_wall_ns / 1000000}};
    const struct datagram_answer answer = {
        .bytes = bytes,
        .size = size,
        .number = question->number,
        .address = question->address,
        .sent_wall_ns = question->sent_wall_ns,
        .elapsed_s = elapsed_s(question, arrived_ns),
    };
    if (!datagram->order.judge(datagram->order.asker, &answer, &verdict)) {
        datagram->n_ignored++;
        return;
    }
    datagram->verdict = verdict;
    decide(datagram);
}

static void listen_to(const struct question *question)
{
    struct datagram *datagram = question->datagram;
    unsigned number = question->number;
    uint8_t bytes[DATAGRAM_SIZE_MAX];
    for (int i = 0; i < READS_AT_ONCE && datagram->questions[number] == question; i++) {
        union {
            struct cmsghdr header; /* for its alignment */
            uint8_t bytes[CMSG_SPACE(sizeof(struct timespec))];
        } control;
        struct iovec into = {.iov_base = bytes, .iov_len = sizeof bytes};
        struct msghdr message = {.msg_iov = &into,
                                 .msg_iovlen = 1,
                                 .msg_control = &control,
                                 .msg_controllen = sizeof control};
        ssize_t got = recvmsg(question->fd, &message, MSG_DONTWAIT);
        if (got >= 0) {
            take(question, bytes, (size_t)got, arrival_ns(&message));
        } else if (errno != EAGAIN && errno != EINTR) {
            fail(datagram, question, errno);
            return;
        } else {
            return;
        }
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status; /* an error of the socket is read away */
    (void)events;
    listen_to(poll->data);
}

static void on_timer(uv_timer_t *timer)
{
    struct datagram *datagram = timer->data;
    if (datagram->decided) {
        uv_close((uv_handle_t *)timer, on_closed);
        datagram->order.done(datagram->order.context, &datagram->verdict);
        return;
    }
    if (datagram->n_turns < DATAGRAM_TRIES) {
        take_turn(datagram);
        arm(datagram);
        return;
    }
    /* An answer may have come while we were late. */
    for (unsigned i = 0; i < DATAGRAM_TRIES && !datagram->decided; i++) {
        if (datagram->questions[i] != NULL) {
            listen_to(datagram->questions[i]);
        }
    }
    if (!datagram->decided) {
        give_up(datagram);
    }
}

struct datagram *datagram_start(const struct datagram_order *order)
{
    struct datagram *datagram = xcalloc(1, sizeof *datagram);
    datagram->order = *order;
    datagram->target = *order->target;
    datagram->order.target = NULL; /* the caller's may be gone */
    datagram->start = clock_mono();
    (void)uv_timer_init(order->loop, &datagram->timer); /* cannot fail */
    datagram->timer.data = datagram;
    take_turn(datagram);
    arm(datagram);
    return datagram;
}

void datagram_cancel(struct datagram *datagram)
{
    drop_all(datagram);
    uv_close((uv_handle_t *)&datagram->timer, on_closed);
}
