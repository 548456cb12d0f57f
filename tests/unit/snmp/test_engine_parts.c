/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What an engine is made of: the table of links, the pace, and the socket when the kernel takes no
 * more or refuses. sendmmsg is this file's own, and does as a test says. */
#include "index.h"
#include "pace.h"
#include "udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

/* --- the kernel --- */

static struct {
    size_t n_calls;
    size_t accepts;  /* in one call */
    uint8_t refused; /* a message that begins with it; 0: none */
    bool is_full;
} kernel;

int sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags)
{
    unsigned good = 0;
    kernel.n_calls++;
    if (kernel.is_full) {
        errno = EAGAIN;
        return -1;
    }
    while (good < n && good < kernel.accepts &&
           *(const uint8_t *)messages[good].msg_hdr.msg_iov->iov_base != kernel.refused) {
        good++;
    }
    if (good == 0 && kernel.accepts > 0) {
        errno = ENETUNREACH;
        return -1;
    }
    return (int)syscall(SYS_sendmmsg, fd, messages, good, flags);
}

/* --- the socket --- */

struct fixture {
    uv_loop_t loop;
    struct udp *udp;
    int peer;
    struct sockaddr_in to;
    size_t n_writable;
    size_t n_failed;
    void *failed;
    int error;
    size_t n_received;
};

static void on_received(void *context, const struct sockaddr *from, const uint8_t *bytes,
                        size_t size)
{
    struct fixture *fixture = context;
    assert_int_equal(from->sa_family, AF_INET);
    assert_int_equal(((const struct sockaddr_in *)from)->sin_port, fixture->to.sin_port);
    assert_int_equal(size, 3);
    assert_int_equal(bytes[0], fixture->n_received % 256);
    fixture->n_received++;
}

static void on_failed(void *context, void *owner, int error)
{
    struct fixture *fixture = context;
    fixture->n_failed++;
    fixture->failed = owner;
    fixture->error = error;
}

static void on_writable(void *context)
{
    struct fixture *fixture = context;
    fixture->n_writable++;
}

static void open_fixture(struct fixture *fixture)
{
    socklen_t size = sizeof fixture->to;
    memset(fixture, 0, sizeof *fixture);
    memset(&kernel, 0, sizeof kernel);
    kernel.accepts = UDP_BATCH;
    fixture->to = (struct sockaddr_in){.sin_family = AF_INET};
    fixture->to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fixture->peer = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fixture->peer, (struct sockaddr *)&fixture->to, size), 0);
    assert_int_equal(getsockname(fixture->peer, (struct sockaddr *)&fixture->to, &size), 0);
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    const struct udp_options options = {.loop = &fixture->loop,
                                        .family = AF_INET,
                                        .received = on_received,
                                        .failed = on_failed,
                                        .writable = on_writable,
                                        .context = fixture};
    fixture->udp = udp_open(&options);
    assert_non_null(fixture->udp);
}

static void close_fixture(struct fixture *fixture)
{
    udp_close(fixture->udp);
    while (uv_run(&fixture->loop, UV_RUN_DEFAULT) != 0) {
    }
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    close(fixture->peer);
}

static int queue(struct fixture *fixture, const char *text, void *owner)
{
    return udp_queue(fixture->udp, (const struct sockaddr *)&fixture->to, (const uint8_t *)text,
                     strlen(text), owner);
}

/* What the peer got, one letter each. */
static const char *take(struct fixture *fixture)
{
    static char got[256];
    size_t n = 0;
    char text[64];
    while (n < sizeof got - 1 && recv(fixture->peer, text, sizeof text, MSG_DONTWAIT) > 0) {
        got[n++] = text[0];
    }
    got[n] = '\0';
    return got;
}

static void batch_leaves_at_once(void **state)
{
    struct fixture fixture;
    int owners[3];
    (void)state;
    open_fixture(&fixture);
    assert_int_equal(queue(&fixture, "a", &owners[0]), 0);
    assert_int_equal(queue(&fixture, "b", &owners[1]), 0);
    assert_int_equal(queue(&fixture, "c", &owners[2]), 0);
    assert_int_equal(kernel.n_calls, 0);
    udp_withdraw(fixture.udp, &owners[1]);
    udp_flush(fixture.udp);
    udp_flush(fixture.udp);
    assert_int_equal(kernel.n_calls, 1);
    assert_string_equal(take(&fixture), "ac");
    close_fixture(&fixture);
}

static void one_refusal_loses_no_other(void **state)
{
    struct fixture fixture;
    int owners[4];
    (void)state;
    open_fixture(&fixture);
    kernel.accepts = 2;
    kernel.refused = 'c';
    for (size_t i = 0; i < 4; i++) {
        const char text[] = {(char)('a' + i), '\0'};
        assert_int_equal(queue(&fixture, text, &owners[i]), 0);
    }
    udp_flush(fixture.udp);
    assert_string_equal(take(&fixture), "abd");
    assert_int_equal(fixture.n_failed, 1);
    assert_ptr_equal(fixture.failed, &owners[2]);
    assert_int_equal(fixture.error, ENETUNREACH);
    close_fixture(&fixture);
}

static void full_kernel_is_waited_for(void **state)
{
    struct fixture fixture;
    int owner;
    (void)state;
    open_fixture(&fixture);
    kernel.is_full = true;
    for (size_t i = 0; i < UDP_BATCH; i++) {
        assert_false(udp_is_full(fixture.udp));
        assert_int_equal(queue(&fixture, "x", &owner), 0);
        if (i == 9) {
            udp_flush(fixture.udp);
        }
    }
    assert_true(udp_is_full(fixture.udp));
    assert_int_equal(queue(&fixture, "y", &owner), -EAGAIN);
    assert_string_equal(take(&fixture), "");
    assert_int_equal(fixture.n_failed, 0);
    kernel.is_full = false; /* and the loop sees it */
    while (fixture.n_writable == 0) {
        uv_run(&fixture.loop, UV_RUN_ONCE);
    }
    assert_false(udp_is_full(fixture.udp));
    assert_int_equal(strlen(take(&fixture)), UDP_BATCH);
    uv_run(&fixture.loop, UV_RUN_NOWAIT);
    assert_int_equal(fixture.n_writable, 1); /* it does not look for room any more */
    close_fixture(&fixture);
}

static void sizes_have_bounds(void **state)
{
    static uint8_t big[UDP_SEND_MAX + 1];
    struct fixture fixture;
    int owner;
    size_t n = 0;
    (void)state;
    open_fixture(&fixture);
    big[0] = 'b';
    const struct sockaddr *to = (const struct sockaddr *)&fixture.to;
    assert_int_equal(udp_queue(fixture.udp, to, big, sizeof big, &owner), -EMSGSIZE);
    while (udp_queue(fixture.udp, to, big, UDP_SEND_MAX, &owner) == 0) {
        n++;
    }
    assert_in_range(n, 4, UDP_BATCH - 1);
    udp_send_full_batch(fixture.udp);
    assert_int_equal(strlen(take(&fixture)), n);
    assert_int_equal(queue(&fixture, "x", &owner), 0);
    close_fixture(&fixture);
}

static void many_arrive_in_order(void **state)
{
    enum { MANY = 200 };
    struct fixture fixture;
    struct sockaddr_in own;
    socklen_t size = sizeof own;
    int owner;
    (void)state;
    open_fixture(&fixture);
    assert_int_equal(queue(&fixture, "x", &owner), 0);
    udp_flush(fixture.udp); /* it has a port now */
    assert_int_equal(getsockname(udp_fd(fixture.udp), (struct sockaddr *)&own, &size), 0);
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (size_t i = 0; i < MANY; i++) {
        const uint8_t bytes[3] = {(uint8_t)i, 1, 2};
        assert_int_equal(
            sendto(fixture.peer, bytes, sizeof bytes, 0, (struct sockaddr *)&own, sizeof own), 3);
    }
    while (fixture.n_received < MANY) {
        assert_true(uv_run(&fixture.loop, UV_RUN_ONCE) != 0);
    }
    close_fixture(&fixture);
}

/* --- the table --- */

struct thing {
    struct index_link link;
    uint64_t key;
};

static bool is_found(const struct index *index, const struct thing *thing)
{
    struct index_link *link = index_first(index, index_hash(&thing->key, sizeof thing->key));
    while (link != NULL && link != &thing->link) {
        link = index_next(link);
    }
    return link != NULL;
}

static void links_are_found_until_removed(void **state)
{
    enum { THINGS = 1000 };
    static struct thing things[THINGS];
    struct index index = {0};
    (void)state;
    assert_false(is_found(&index, &things[0]));
    for (size_t i = 0; i < THINGS; i++) {
        things[i].key = i / 2; /* each key twice */
        index_insert(&index, &things[i].link, index_hash(&things[i].key, sizeof things[i].key));
    }
    for (size_t i = 0; i < THINGS; i += 3) {
        index_remove(&index, &things[i].link);
        index_remove(&index, &things[i].link);
    }
    for (size_t i = 0; i < THINGS; i++) {
        assert_int_equal(is_found(&index, &things[i]), i % 3 != 0);
    }
    assert_int_equal(index.n, THINGS - (THINGS + 2) / 3);
    index_clear(&index);
    assert_null(index_first(&index, 1));
}

/* --- the pace --- */

static size_t count_in_a_second(int64_t per_second)
{
    struct pace pace = {0};
    struct mono now = {INT64_C(5000000000)};
    size_t n = 0;
    pace_set_rate(&pace, per_second);
    for (int64_t end = now.ns + 1000000000; now.ns < end; now.ns += 1000000) {
        while (pace_take(&pace, now)) {
            n++;
        }
        assert_true(pace_wait_ms(&pace, now) >= 1);
    }
    return n;
}

static void pace_is_kept(void **state)
{
    struct pace pace = {0};
    const struct mono now = {INT64_C(5000000000)};
    (void)state;
    assert_int_equal(count_in_a_second(1), 1);
    assert_int_equal(count_in_a_second(50), 50);
    assert_in_range(count_in_a_second(1000), 1000, 1011);
    assert_in_range(count_in_a_second(20000), 20000, 20202);
    pace_set_rate(&pace, 10);
    assert_int_equal(pace_wait_ms(&pace, now), 0);
    assert_true(pace_take(&pace, now));
    assert_false(pace_take(&pace, now));
    assert_int_equal(pace_wait_ms(&pace, now), 100);
    pace_charge(&pace, now); /* out of turn: the others wait longer */
    assert_int_equal(pace_wait_ms(&pace, now), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_leaves_at_once),
        cmocka_unit_test(one_refusal_loses_no_other),
        cmocka_unit_test(full_kernel_is_waited_for),
        cmocka_unit_test(sizes_have_bounds),
        cmocka_unit_test(many_arrive_in_order),
        cmocka_unit_test(links_are_found_until_removed),
        cmocka_unit_test(pace_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
