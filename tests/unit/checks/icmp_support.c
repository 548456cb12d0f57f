/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "icmp_support.h"

#include "resolve.h"
#include "support.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

enum { IP_HEADER_SIZE = 20, IP6_HEADER_SIZE = 40, ICMP_HEADER_SIZE = 8 };

static const char ping_group_range[] = "/proc/sys/net/ipv4/ping_group_range";
static const char ignore_v4[] = "/proc/sys/net/ipv4/icmp_echo_ignore_all";
static const char ignore_v6[] = "/proc/sys/net/ipv6/icmp/echo_ignore_all";

void icmp_set_kernel(const char *path, const char *value)
{
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, value, strlen(value)), strlen(value));
    close(fd);
}

static bool raise_loopback(void)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    bool done = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return done;
}

int icmp_enter_namespace(void **state)
{
    static bool entered;
    entered = unshare(CLONE_NEWNET) == 0 && raise_loopback();
    if (!entered) {
        print_message("no network namespace: echo probes are not tested\n");
    }
    *state = &entered;
    return 0;
}

void icmp_need_namespace(void **state)
{
    if (!*(bool *)*state) {
        skip();
    }
    icmp_set_kernel(ping_group_range, "1 0");
    icmp_set_kernel(ignore_v4, "0");
    icmp_set_kernel(ignore_v6, "0");
}

void icmp_open_ping_sockets(void)
{
    icmp_set_kernel(ping_group_range, "0 65534");
}

void icmp_silence_kernel(void)
{
    icmp_set_kernel(ignore_v4, "1");
    icmp_set_kernel(ignore_v6, "1");
}

void icmp_on_done(void *context, const struct verdict *verdict)
{
    struct icmp_answer *answer = context;
    answer->n++;
    answer->verdict = *verdict;
    answer->took_ms = mono_elapsed_ms(answer->begin, clock_mono());
}

bool icmp_answered(void *context)
{
    return ((const struct icmp_answer *)context)->n > 0;
}

struct icmp_answer icmp_probe_host(const char *host, const char *other, int64_t timeout_ms,
                                   unsigned echoes)
{
    struct icmp_answer answer = {.begin = clock_mono()};
    struct target target;
    struct target second;
    uv_loop_t loop;
    uv_loop_init(&loop);
    struct icmp *icmp = icmp_new(&loop);
    assert_int_equal(resolve_literal(host, 0, &target), 0);
    if (other != NULL) {
        assert_int_equal(resolve_literal(other, 0, &second), 0);
        target.addresses[target.n_addresses++] = second.addresses[0];
    }
    icmp_start(icmp, &target, timeout_ms, echoes, icmp_on_done, &answer);
    assert_int_equal(answer.n, 0);
    assert_true(run_until(&loop, icmp_answered, &answer, timeout_ms + 3000));
    icmp_free(icmp);
    finish_loop(&loop);
    assert_int_equal(answer.n, 1);
    return answer;
}

/* --- the responder --- */

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void take_request(struct icmp_responder *responder, const uint8_t *bytes, size_t size)
{
    const uint8_t wanted = responder->is_v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
    if (size < ICMP_HEADER_SIZE + ICMP_TOKEN_SIZE || bytes[0] != wanted) {
        return; /* what we sent ourselves comes by too */
    }
    struct icmp_request request = {.is_v6 = responder->is_v6,
                                   .n = responder->n,
                                   .time = clock_mono(),
                                   .id = get16(bytes + 4),
                                   .sequence = get16(bytes + 6)};
    memcpy(request.token, bytes + ICMP_HEADER_SIZE, sizeof request.token);
    assert_true(responder->n < 32);
    responder->seen[responder->n++] = request;
    if (responder->script != NULL) {
        responder->script(responder, &request);
    }
}

static void on_request(uv_poll_t *poll, int status, int events)
{
    struct icmp_responder *responder = poll->data;
    uint8_t bytes[512];
    ssize_t got;
    (void)events;
    assert_int_equal(status, 0);
    while ((got = recv(responder->fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
        size_t header = responder->is_v6 ? 0 : IP_HEADER_SIZE;
        if ((size_t)got > header) {
            take_request(responder, bytes + header, (size_t)got - header);
        }
    }
}

void icmp_responder_open(struct icmp_responder *responder, uv_loop_t *loop, bool is_v6,
                         icmp_script *script)
{
    *responder = (struct icmp_responder){.is_v6 = is_v6, .script = script};
    icmp_silence_kernel();
    responder->fd = is_v6 ? socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6)
                          : socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
    assert_true(responder->fd >= 0);
    assert_int_equal(uv_poll_init(loop, &responder->poll, responder->fd), 0);
    responder->poll.data = responder;
    uv_poll_start(&responder->poll, UV_READABLE, on_request);
}

static void on_closed(uv_handle_t *handle)
{
    struct icmp_responder *responder = handle->data;
    responder->closed = true;
}

void icmp_responder_close(struct icmp_responder *responder)
{
    uv_loop_t *loop = responder->poll.loop;
    uv_close((uv_handle_t *)&responder->poll, on_closed);
    while (!responder->closed) {
        uv_run(loop, UV_RUN_NOWAIT);
    }
    close(responder->fd);
}

static void send_from(const char *from, bool is_v6, const uint8_t *bytes, size_t size)
{
    union ping_address self = {0};
    union ping_address to = {0};
    int fd;
    if (is_v6) {
        self.v6.sin6_family = to.v6.sin6_family = AF_INET6;
        assert_int_equal(inet_pton(AF_INET6, from, &self.v6.sin6_addr), 1);
        to.v6.sin6_addr = in6addr_loopback;
        fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
    } else {
        self.v4.sin_family = to.v4.sin_family = AF_INET;
        assert_int_equal(inet_pton(AF_INET, from, &self.v4.sin_addr), 1);
        to.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
    }
    socklen_t address_size = is_v6 ? sizeof self.v6 : sizeof self.v4;
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, &self.any, address_size), 0);
    assert_int_equal(sendto(fd, bytes, size, 0, &to.any, address_size), (ssize_t)size);
    close(fd);
}

/* RFC 1071. */
static void put_sum(uint8_t *bytes, size_t size)
{
    uint32_t sum = 0;
    put16(bytes + 2, 0);
    for (size_t i = 0; i + 1 < size; i += 2) {
        sum += get16(bytes + i);
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    put16(bytes + 2, (uint16_t)~sum);
}

void icmp_respond(const struct icmp_responder *responder, const char *from,
                  const struct icmp_request *request)
{
    uint8_t bytes[ICMP_PACKET_SIZE];
    icmp_encode(responder->is_v6 ? ICMP_FORM_V6 : ICMP_FORM_V4, request->id, request->sequence,
                request->token, bytes);
    bytes[0] = responder->is_v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY;
    if (!responder->is_v6) {
        put_sum(bytes, sizeof bytes);
    }
    send_from(from, responder->is_v6, bytes, sizeof bytes);
}

void icmp_respond_error(const struct icmp_responder *responder, uint8_t type, uint8_t code,
                        const char *to, const struct icmp_request *request, size_t token_size)
{
    uint8_t bytes[ICMP_HEADER_SIZE + IP6_HEADER_SIZE + ICMP_PACKET_SIZE] = {type, code};
    uint8_t echo[ICMP_PACKET_SIZE];
    uint8_t *ip = bytes + ICMP_HEADER_SIZE;
    size_t ip_size = responder->is_v6 ? IP6_HEADER_SIZE : IP_HEADER_SIZE;
    if (responder->is_v6) {
        ip[0] = 0x60;
        put16(ip + 4, ICMP_PACKET_SIZE);
        ip[6] = IPPROTO_ICMPV6;
        ip[7] = 64;
        memcpy(ip + 8, &in6addr_loopback, 16);
        assert_int_equal(inet_pton(AF_INET6, to, ip + 24), 1);
    } else {
        ip[0] = 0x45;
        put16(ip + 2, IP_HEADER_SIZE + ICMP_PACKET_SIZE);
        ip[8] = 64;
        ip[9] = IPPROTO_ICMP;
        assert_int_equal(inet_pton(AF_INET, "127.0.0.1", ip + 12), 1);
        assert_int_equal(inet_pton(AF_INET, to, ip + 16), 1);
    }
    icmp_encode(responder->is_v6 ? ICMP_FORM_V6 : ICMP_FORM_V4, request->id, request->sequence,
                request->token, echo);
    memcpy(ip + ip_size, echo, ICMP_HEADER_SIZE + token_size);
    size_t size = ICMP_HEADER_SIZE + ip_size + ICMP_HEADER_SIZE + token_size;
    if (!responder->is_v6) {
        put_sum(bytes, size);
    }
    send_from(responder->is_v6 ? "::1" : "127.0.0.1", responder->is_v6, bytes, size);
}

struct icmp_answer icmp_probe_script(icmp_script *script, bool is_v6, int64_t timeout_ms,
                                     unsigned echoes, struct icmp_responder *responder,
                                     struct icmp_ignored *ignored)
{
    struct icmp_answer answer = {.begin = clock_mono()};
    struct target target;
    uv_loop_t loop;
    uv_loop_init(&loop);
    icmp_responder_open(responder, &loop, is_v6, script);
    struct icmp *icmp = icmp_new(&loop);
    assert_int_equal(resolve_literal(is_v6 ? "::1" : "127.0.0.1", 0, &target), 0);
    icmp_start(icmp, &target, timeout_ms, echoes, icmp_on_done, &answer);
    assert_true(run_until(&loop, icmp_answered, &answer, timeout_ms + 3000));
    *ignored = icmp_ignored(icmp);
    icmp_responder_close(responder);
    icmp_free(icmp);
    finish_loop(&loop);
    assert_int_equal(answer.n, 1);
    return answer;
}
