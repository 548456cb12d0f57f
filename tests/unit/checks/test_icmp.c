/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Echo probes in a network namespace of the test's own, whose kernel answers, keeps silent, has no
 * route or closes its sockets as told. Without the right to make one, only the decoder is tested.
 */
#include "icmp.h"
#include "icmp_packet.h"
#include "resolve.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char ping_group_range[] = "/proc/sys/net/ipv4/ping_group_range";
static const char ignore_v4[] = "/proc/sys/net/ipv4/icmp_echo_ignore_all";
static const char ignore_v6[] = "/proc/sys/net/ipv6/icmp/echo_ignore_all";

static void set_kernel(const char *path, const char *value)
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

static int enter_namespace(void **state)
{
    static bool entered;
    entered = unshare(CLONE_NEWNET) == 0 && raise_loopback();
    if (!entered) {
        print_message("no network namespace: echo probes are not tested\n");
    }
    *state = &entered;
    return 0;
}

static void need_namespace(void **state)
{
    if (!*(bool *)*state) {
        skip();
    }
    set_kernel(ping_group_range, "1 0");
    set_kernel(ignore_v4, "0");
    set_kernel(ignore_v6, "0");
}

struct answer {
    int n;
    struct verdict verdict;
};

static void on_done(void *context, const struct verdict *verdict)
{
    struct answer *answer = context;
    answer->n++;
    answer->verdict = *verdict;
}

static bool answered(void *context)
{
    return ((const struct answer *)context)->n > 0;
}

static struct answer probe(const char *host, const char *other, int64_t timeout_ms)
{
    struct answer answer = {0};
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
    icmp_start(icmp, &target, timeout_ms, on_done, &answer);
    assert_int_equal(answer.n, 0);
    assert_true(run_until(&loop, answered, &answer, timeout_ms + 3000));
    icmp_free(icmp);
    finish_loop(&loop);
    assert_int_equal(answer.n, 1);
    return answer;
}

static void assert_up(const struct answer *answer)
{
    assert_string_equal(answer->verdict.reason, "");
    assert_int_equal(answer->verdict.outcome, OUTCOME_UP);
    assert_int_equal(answer->verdict.known, 1);
    assert_true(answer->verdict.values[0] > 0 && answer->verdict.values[0] < 0.9);
}

static void answers_over_raw_sockets(void **state)
{
    need_namespace(state);
    struct answer answer = probe("127.0.0.1", NULL, 2000);
    assert_up(&answer);
    answer = probe("::1", NULL, 2000);
    assert_up(&answer);
}

static void answers_over_ping_sockets(void **state)
{
    need_namespace(state);
    set_kernel(ping_group_range, "0 0");
    struct answer answer = probe("127.0.0.1", NULL, 2000);
    assert_up(&answer);
    answer = probe("::1", NULL, 2000);
    assert_up(&answer);
}

static void silence_is_down(void **state)
{
    need_namespace(state);
    set_kernel(ignore_v4, "1");
    struct wall start = clock_wall();
    struct mono begin = clock_mono();
    struct answer answer = probe("127.0.0.1", NULL, 300);
    assert_in_range(mono_elapsed_ms(begin, clock_mono()), 290, 2000);
    assert_int_equal(answer.verdict.outcome, OUTCOME_DOWN);
    assert_string_equal(answer.verdict.reason, "timeout");
    assert_string_equal(answer.verdict.detail, "no answer to 3 echo requests in 300 ms");
    assert_in_range(answer.verdict.time.ms, start.ms, start.ms + 90); /* the first attempt */
    assert_int_equal(answer.verdict.known, 0);
}

static void other_address_decides(void **state)
{
    need_namespace(state);
    set_kernel(ignore_v6, "1");
    struct wall start = clock_wall();
    struct answer answer = probe("::1", "127.0.0.1", 900);
    assert_up(&answer);
    assert_true(answer.verdict.time.ms >= start.ms + 290); /* the second attempt was sent then */
}

static void no_route_is_unknown(void **state)
{
    need_namespace(state);
    struct answer answer = probe("192.0.2.1", NULL, 150);
    assert_int_equal(answer.verdict.outcome, OUTCOME_UNKNOWN);
    assert_string_equal(answer.verdict.reason, "no-route");
}

/* Run in a child, which gives its rights away. */
static int probe_as_nobody(void)
{
    if (setgid(65534) != 0 || setuid(65534) != 0) {
        return 2;
    }
    struct answer answer = probe("127.0.0.1", NULL, 3000);
    return answer.verdict.outcome == OUTCOME_UNKNOWN &&
                   strcmp(answer.verdict.reason, "no-permission") == 0
               ? 0
               : 1;
}

static int probe_as_group_member(void)
{
    if (setgid(65534) != 0 || setuid(65534) != 0) {
        return 2;
    }
    return probe("127.0.0.1", NULL, 3000).verdict.outcome == OUTCOME_UP ? 0 : 1;
}

static int in_child(int (*run)(void))
{
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(run());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void closed_sockets_are_unknown(void **state)
{
    need_namespace(state);
    assert_int_equal(in_child(probe_as_nobody), 0);
    set_kernel(ping_group_range, "65534 65534");
    assert_int_equal(in_child(probe_as_group_member), 0);
}

static void many_probes_share_a_socket(void **state)
{
    enum { PROBES = 200 };
    struct answer answers[PROBES] = {0};
    struct target target;
    uv_loop_t loop;
    need_namespace(state);
    uv_loop_init(&loop);
    struct icmp *icmp = icmp_new(&loop);
    assert_int_equal(resolve_literal("127.0.0.1", 0, &target), 0);
    for (size_t i = 0; i < PROBES; i++) {
        icmp_start(icmp, &target, 3000, on_done, &answers[i]);
    }
    struct answer cancelled = {0};
    icmp_cancel(icmp_start(icmp, &target, 3000, on_done, &cancelled));
    for (size_t i = 0; i < PROBES; i++) {
        assert_true(run_until(&loop, answered, &answers[i], 5000));
        assert_up(&answers[i]);
    }
    icmp_free(icmp);
    finish_loop(&loop);
    assert_int_equal(cancelled.n, 0);
}

/* A host that answers every echo with the right number and the wrong token is not believed. */
static void forged_replies_are_passed_over(void **state)
{
    struct answer answer = {0};
    struct target target;
    uv_loop_t loop;
    need_namespace(state);
    set_kernel(ignore_v4, "1");
    int forger = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    assert_true(forger >= 0);
    uv_loop_init(&loop);
    struct icmp *icmp = icmp_new(&loop);
    assert_int_equal(resolve_literal("127.0.0.1", 0, &target), 0);
    icmp_start(icmp, &target, 200, on_done, &answer);
    for (unsigned sequence = 0; sequence < 1000; sequence++) {
        uint8_t token[ICMP_TOKEN_SIZE] = {0};
        uint8_t packet[ICMP_PACKET_SIZE];
        icmp_encode(ICMP_FORM_V4, (uint16_t)getpid(), (uint16_t)sequence, token, packet);
        packet[0] = 0; /* a reply; nobody checks its sum on the way to a raw socket */
        (void)sendto(forger, packet, sizeof packet, 0, (struct sockaddr *)&target.addresses[0],
                     sizeof(struct sockaddr_in));
    }
    assert_true(run_until(&loop, answered, &answer, 3000));
    assert_int_equal(answer.verdict.outcome, OUTCOME_DOWN);
    close(forger);
    icmp_free(icmp);
    finish_loop(&loop);
}

static void packets_are_read_within_bounds(void **state)
{
    uint8_t token[ICMP_TOKEN_SIZE] = "0123456789abcde";
    uint8_t packet[20 + ICMP_PACKET_SIZE] = {0x45};
    struct icmp_reply reply;
    (void)state;
    packet[9] = IPPROTO_ICMP;
    icmp_encode(ICMP_FORM_V4, 7, 513, token, packet + 20);
    assert_int_equal(packet[20], 8);
    uint32_t sum = 0; /* RFC 1071: with its checksum in place, a message sums up to all ones */
    for (size_t i = 20; i < sizeof packet; i += 2) {
        sum += (uint32_t)(packet[i] << 8 | packet[i + 1]);
    }
    assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
    assert_int_equal(icmp_decode(ICMP_FORM_V4_IP, packet, sizeof packet, &reply), -EBADMSG);
    packet[20] = 0;
    assert_int_equal(icmp_decode(ICMP_FORM_V4_IP, packet, sizeof packet, &reply), 0);
    assert_int_equal(reply.sequence, 513);
    assert_memory_equal(reply.token, token, sizeof token);
    assert_int_equal(icmp_decode(ICMP_FORM_V4, packet + 20, ICMP_PACKET_SIZE, &reply), 0);
    packet[20] = 129;
    assert_int_equal(icmp_decode(ICMP_FORM_V6, packet + 20, ICMP_PACKET_SIZE, &reply), 0);
    packet[20] = 0;
    for (size_t size = 0; size < 20 + 8 + ICMP_TOKEN_SIZE; size++) {
        uint8_t *exact = malloc(size + 1);
        memcpy(exact, packet, size);
        assert_int_equal(icmp_decode(ICMP_FORM_V4_IP, exact, size, &reply), -EBADMSG);
        free(exact);
    }
    packet[0] = 0x4f; /* options up to byte 60: too short for the rest */
    assert_int_equal(icmp_decode(ICMP_FORM_V4_IP, packet, 59, &reply), -EBADMSG);
    packet[0] = 0x44;
    assert_int_equal(icmp_decode(ICMP_FORM_V4_IP, packet, sizeof packet, &reply), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_over_raw_sockets),
        cmocka_unit_test(answers_over_ping_sockets),
        cmocka_unit_test(silence_is_down),
        cmocka_unit_test(other_address_decides),
        cmocka_unit_test(no_route_is_unknown),
        cmocka_unit_test(closed_sockets_are_unknown),
        cmocka_unit_test(many_probes_share_a_socket),
        cmocka_unit_test(forged_replies_are_passed_over),
        cmocka_unit_test(packets_are_read_within_bounds),
    };
    return cmocka_run_group_tests(tests, enter_namespace, NULL);
}
