/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Echo probes in a network namespace of the test's own, whose kernel answers, keeps silent, has no
 * route, is behind a router that has none, or closes its sockets as told. */
#include "icmp_support.h"
#include "resolve.h"
#include "support.h"

#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_up(const struct icmp_answer *answer)
{
    const struct verdict *verdict = &answer->verdict;
    assert_string_equal(verdict->reason, "");
    assert_int_equal(verdict->outcome, OUTCOME_UP);
    assert_int_equal(verdict->known, 0x1f);
    assert_true(verdict->values[ICMP_RTT_MIN] > 0);
    assert_true(verdict->values[ICMP_RTT] >= verdict->values[ICMP_RTT_MIN]);
    assert_true(verdict->values[ICMP_RTT_MAX] >= verdict->values[ICMP_RTT]);
    assert_true(verdict->values[ICMP_RTT_MAX] < 0.9);
    assert_true(verdict->values[ICMP_JITTER] >= 0);
    assert_true(verdict->values[ICMP_LOSS] == 0);
}

/* Three echoes, each when the one before is answered, and no waiting for the timeout. */
static void both_families_answer(void)
{
    static const char *const hosts[] = {"127.0.0.1", "::1"};
    for (size_t i = 0; i < 2; i++) {
        struct wall start = clock_wall();
        struct icmp_answer answer = icmp_probe_host(hosts[i], NULL, 20000, 3);
        assert_up(&answer);
        assert_in_range(answer.took_ms, 0, 5000);
        assert_true(answer.verdict.time.ms >= start.ms);
    }
}

static void answers_over_raw_sockets(void **state)
{
    icmp_need_namespace(state);
    both_families_answer();
}

static void answers_over_ping_sockets(void **state)
{
    icmp_need_namespace(state);
    icmp_open_ping_sockets();
    both_families_answer();
}

static void one_echo_has_no_jitter(void **state)
{
    icmp_need_namespace(state);
    struct icmp_answer answer = icmp_probe_host("127.0.0.1", NULL, 2000, 1);
    assert_int_equal(answer.verdict.outcome, OUTCOME_UP);
    assert_int_equal(answer.verdict.known, 0x17);
    assert_true(answer.verdict.values[ICMP_RTT_MIN] == answer.verdict.values[ICMP_RTT_MAX]);
}

static void twenty_echoes_fit_into_a_short_timeout(void **state)
{
    icmp_need_namespace(state);
    struct icmp_answer answer = icmp_probe_host("127.0.0.1", NULL, 400, ICMP_ECHOES_MAX);
    assert_up(&answer);
    assert_in_range(answer.took_ms, 0, 400);
}

static void silence_is_down(void **state)
{
    icmp_need_namespace(state);
    icmp_silence_kernel();
    struct wall start = clock_wall();
    struct icmp_answer answer = icmp_probe_host("127.0.0.1", NULL, 300, 3);
    assert_in_range(answer.took_ms, 300, 2000);
    assert_int_equal(answer.verdict.outcome, OUTCOME_DOWN);
    assert_string_equal(answer.verdict.reason, "timeout");
    assert_string_equal(answer.verdict.detail, "no answer to 3 echo requests in 300 ms");
    assert_in_range(answer.verdict.time.ms, start.ms, start.ms + 45); /* the first attempt */
    assert_int_equal(answer.verdict.known, 1 << ICMP_LOSS);
    assert_true(answer.verdict.values[ICMP_LOSS] == 1);
}

static void other_address_decides(void **state)
{
    icmp_need_namespace(state);
    icmp_silence_kernel();
    icmp_set_kernel("/proc/sys/net/ipv4/icmp_echo_ignore_all", "0");
    struct wall start = clock_wall();
    struct icmp_answer answer = icmp_probe_host("::1", "127.0.0.1", 600, 2);
    assert_int_equal(answer.verdict.outcome, OUTCOME_UP);
    assert_true(answer.verdict.values[ICMP_LOSS] == 0.5);
    assert_true(answer.verdict.time.ms >= start.ms + 149); /* the second attempt was sent then */
}

static void unreachable_address_is_passed_over(void **state)
{
    icmp_need_namespace(state);
    struct icmp_answer answer = icmp_probe_host("192.0.2.1", "::1", 20000, 3);
    assert_up(&answer);
    assert_in_range(answer.took_ms, 0, 5000);
}

static void no_route_is_unknown(void **state)
{
    icmp_need_namespace(state);
    struct icmp_answer answer = icmp_probe_host("192.0.2.1", NULL, 20000, 3);
    assert_int_equal(answer.verdict.outcome, OUTCOME_UNKNOWN);
    assert_string_equal(answer.verdict.reason, "no-route");
    assert_int_equal(answer.verdict.known, 0);
    assert_in_range(answer.took_ms, 0, 5000);
}

/* Run in a child, which gives its rights away. */
static int probe_as_nobody(void)
{
    if (setgid(65534) != 0 || setuid(65534) != 0) {
        return 2;
    }
    struct icmp_answer answer = icmp_probe_host("127.0.0.1", NULL, 3000, 2);
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
    return icmp_probe_host("127.0.0.1", NULL, 3000, 2).verdict.outcome == OUTCOME_UP ? 0 : 1;
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
    icmp_need_namespace(state);
    assert_int_equal(in_child(probe_as_nobody), 0);
    icmp_open_ping_sockets();
    assert_int_equal(in_child(probe_as_group_member), 0);
}

static void many_probes_share_a_socket(void **state)
{
    enum { PROBES = 400 };
    struct icmp_answer *answers = calloc(PROBES, sizeof *answers);
    struct target target;
    uv_loop_t loop;
    icmp_need_namespace(state);
    uv_loop_init(&loop);
    struct icmp *icmp = icmp_new(&loop);
    assert_int_equal(resolve_literal("127.0.0.1", 0, &target), 0);
    for (size_t i = 0; i < PROBES; i++) {
        icmp_start(icmp, &target, 3000, 3, icmp_on_done, &answers[i]);
    }
    for (size_t i = 0; i < PROBES; i++) {
        assert_true(run_until(&loop, icmp_answered, &answers[i], 5000));
        assert_up(&answers[i]);
    }
    icmp_free(icmp);
    finish_loop(&loop);
    free(answers);
}

/* Before its first echo has left, while it is waited for, and between two. */
static void cancelled_probes_are_silent(void **state)
{
    struct icmp_answer answer = {0};
    struct icmp_answer other = {0};
    struct target target;
    uv_loop_t loop;
    icmp_need_namespace(state);
    icmp_silence_kernel();
    uv_loop_init(&loop);
    struct icmp *icmp = icmp_new(&loop);
    assert_int_equal(resolve_literal("127.0.0.1", 0, &target), 0);
    icmp_cancel(icmp_start(icmp, &target, 100, 3, icmp_on_done, &answer));
    struct icmp_probe *probe = icmp_start(icmp, &target, 100, 3, icmp_on_done, &answer);
    icmp_start(icmp, &target, 40, 1, icmp_on_done, &other);
    assert_true(run_until(&loop, icmp_answered, &other, 2000));
    icmp_cancel(probe);
    other = (struct icmp_answer){0};
    icmp_start(icmp, &target, 200, 1, icmp_on_done, &other);
    assert_true(run_until(&loop, icmp_answered, &other, 2000));
    icmp_free(icmp);
    finish_loop(&loop);
    assert_int_equal(answer.n, 0);
}

/* --- a router that has no way on --- */

static void run_command(const char *command)
{
    if (system(command) != 0) {
        fail_msg("failed: %s", command);
    }
}

/* The router's side of a pair of interfaces, in a namespace of its own, until it is ended. */
static pid_t start_router(void)
{
    int ready[2];
    char byte = 0;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test leaves nobody behind */
        byte = unshare(CLONE_NEWNET) == 0 ? 'y' : 'n';
        (void)!write(ready[1], &byte, 1);
        for (;;) {
            pause();
        }
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void set_up_router(pid_t pid)
{
    char command[1024];
    snprintf(command, sizeof command,
             "ip link add here type veth peer name there netns %d && ip addr add 10.9.0.1/24 dev "
             "here && ip addr add fd09::1/64 dev here nodad && ip link set here up && ip route add "
             "10.0.0.0/8 via 10.9.0.2 && ip -6 route add fd00::/8 via fd09::2",
             (int)pid);
    run_command(command);
    snprintf(command, sizeof command,
             "nsenter -t %d -n sh -ec 'ip addr add 10.9.0.2/24 dev there; ip addr add fd09::2/64 "
             "dev there nodad; ip link set there up; ip link set lo up; echo 0 "
             ">/proc/sys/net/ipv4/icmp_ratelimit; echo 0 >/proc/sys/net/ipv6/icmp/ratelimit; echo "
             "1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding; ip "
             "route add unreachable 10.8.0.0/16; ip route add prohibit 10.7.0.0/16; ip -6 route "
             "add prohibit fd07::/16'",
             (int)pid);
    run_command(command);
}

/* One echo: a Linux router says no to a host five times, then once a second. */
static void assert_refused(const char *host, const char *reason, const char *detail)
{
    struct wall start = clock_wall();
    struct icmp_answer answer = icmp_probe_host(host, NULL, 20000, 1);
    assert_string_equal(answer.verdict.detail, detail);
    assert_string_equal(answer.verdict.reason, reason);
    assert_int_equal(answer.verdict.outcome, OUTCOME_DOWN);
    assert_int_equal(answer.verdict.known, 1 << ICMP_LOSS);
    assert_in_range(answer.took_ms, 0, 5000); /* long before the timeout */
    assert_in_range(answer.verdict.time.ms, start.ms, start.ms + 90);
}

static void router_says_no(void)
{
    assert_refused("10.8.0.1", "host-unreachable", "10.9.0.2 says: host unreachable");
    assert_refused("fd06::1", "network-unreachable", "fd09::2 says: no route");
}

static void router_forbids(void)
{
    assert_refused("10.7.0.1", "host-unreachable", "10.9.0.2 says: prohibited by a filter");
    assert_refused("10.6.0.1", "network-unreachable", "10.9.0.2 says: network unreachable");
    assert_refused("fd07::1", "host-unreachable", "fd09::2 says: prohibited by a filter");
}

static void routers_errors_are_told_at_once(void **state)
{
    icmp_need_namespace(state);
    if (system("ip -V >/dev/null 2>&1") != 0) {
        print_message("no ip: a router's errors are not tested\n");
        skip();
    }
    pid_t pid = start_router();
    set_up_router(pid);
    router_says_no();
    router_forbids();
    icmp_open_ping_sockets();
    router_says_no();
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_over_raw_sockets),
        cmocka_unit_test(answers_over_ping_sockets),
        cmocka_unit_test(one_echo_has_no_jitter),
        cmocka_unit_test(twenty_echoes_fit_into_a_short_timeout),
        cmocka_unit_test(silence_is_down),
        cmocka_unit_test(other_address_decides),
        cmocka_unit_test(unreachable_address_is_passed_over),
        cmocka_unit_test(no_route_is_unknown),
        cmocka_unit_test(closed_sockets_are_unknown),
        cmocka_unit_test(many_probes_share_a_socket),
        cmocka_unit_test(cancelled_probes_are_silent),
        cmocka_unit_test(routers_errors_are_told_at_once),
    };
    return cmocka_run_group_tests(tests, icmp_enter_namespace, NULL);
}
