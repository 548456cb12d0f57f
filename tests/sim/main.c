/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * beffroi-simulate-devices: thousands of SNMP devices in one process, for tests and benchmarks.
 * README.md of this folder tells what they answer. */
#include "answer.h"
#include "net.h"
#include "options.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

/* A reply that waits for its time. */
struct late {
    struct late *next;
    int64_t due_ns;
    struct net_peer peer;
    size_t n;
    uint8_t bytes[];
};

struct simulator {
    struct options options;
    struct agent agent;
    struct net *net;
    int64_t began_ns;
    uint64_t dice;
    struct late *late_first;
    struct late **late_last;
    FILE *log;
    uint64_t requests[ANSWER_KINDS];
    uint64_t dead;
    uint64_t lost;
    uint64_t replies;
    uint64_t varbinds;
    uint64_t too_big;
    uint64_t bytes_in;
    uint64_t bytes_out;
};

static int64_t now_ns(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now); /* cannot fail with these clocks */
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* --- one request --- */

/* So that exactly dead_percent of the devices, rounded down, are dead, evenly spread. */
static bool is_dead(const struct simulator *simulator, uint32_t device)
{
    uint64_t percent = simulator->options.dead_percent;
    return (device + UINT64_C(1)) * percent / 100 != device * percent / 100;
}

/* xorshift64 */
static bool is_lost(struct simulator *simulator)
{
    simulator->dice ^= simulator->dice << 13;
    simulator->dice ^= simulator->dice >> 7;
    simulator->dice ^= simulator->dice << 17;
    return simulator->dice % 100 < simulator->options.loss_percent;
}

static void write_log(struct simulator *simulator, uint32_t device, const char *kind,
                      const struct answer *answer)
{
    if (simulator->log == NULL) {
        return;
    }
    int64_t now_us = now_ns(CLOCK_REALTIME) / 1000;
    if (answer == NULL || answer->n_bytes == 0) {
        (void)fprintf(simulator->log, "%" PRId64 " %" PRIu32 " %s -\n", now_us, device, kind);
    } else {
        (void)fprintf(simulator->log, "%" PRId64 " %" PRIu32 " %s %zu\n", now_us, device, kind,
                      answer->n_varbinds);
    }
}

static void keep_for_later(struct simulator *simulator, const struct net_peer *peer,
                           const uint8_t *reply, size_t n)
{
    struct late *late = malloc(sizeof *late + n);
    if (late == NULL) {
        simulator->lost++;
        return;
    }
    late->next = NULL;
    late->due_ns = now_ns(CLOCK_MONOTONIC) + simulator->options.delay_ms * INT64_C(1000000);
    late->peer = *peer;
    late->n = n;
    memcpy(late->bytes, reply, n);
    *simulator->late_last = late;
    simulator->late_last = &late->next;
}

static void on_request(void *context, const struct net_peer *peer, uint8_t *request, size_t n)
{
    struct simulator *simulator = context;
    struct answer answer;
    simulator->bytes_in += n;
    if (is_dead(simulator, peer->device)) {
        simulator->dead++;
        write_log(simulator, peer->device, "dead", NULL);
        return;
    }
    if (simulator->options.loss_percent > 0 && is_lost(simulator)) {
        simulator->lost++;
        write_log(simulator, peer->device, "lost", NULL);
        return;
    }
    int64_t running_ms = (now_ns(CLOCK_MONOTONIC) - simulator->began_ns) / 1000000;
    const struct mib_moment moment = {.device = peer->device,
                                      .running_ms = running_ms,
                                      .counting_ms = simulator->options.frozen ? 0 : running_ms};
    uint8_t *reply = net_room(simulator->net);
    answer_request(&simulator->agent, &moment, request, n, reply, &answer);
    simulator->requests[answer.kind]++;
    write_log(simulator, peer->device, answer_kind_name(answer.kind), &answer);
    if (answer.n_bytes == 0) {
        return;
    }
    simulator->replies++;
    simulator->varbinds += answer.n_varbinds;
    simulator->too_big += answer.too_big;
    simulator->bytes_out += answer.n_bytes;
    if (simulator->options.delay_ms > 0) {
        keep_for_later(simulator, peer, reply, answer.n_bytes);
    } else {
        net_reply(simulator->net, peer, answer.n_bytes);
    }
}

/* --- the loop --- */

/* Sends what is due; milliseconds until the next one is, -1: none waits. */
static int send_late(struct simulator *simulator)
{
    int64_t now = now_ns(CLOCK_MONOTONIC);
    struct late *late;
    while ((late = simulator->late_first) != NULL && late->due_ns <= now) {
        memcpy(net_room(simulator->net), late->bytes, late->n);
        net_reply(simulator->net, &late->peer, late->n);
        simulator->late_first = late->next;
        free(late);
    }
    net_flush(simulator->net);
    if (late == NULL) {
        simulator->late_last = &simulator->late_first;
        return -1;
    }
    return (int)((late->due_ns - now) / 1000000) + 1;
}

static double cpu_s(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage); /* cannot fail */
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void print_counts(const struct simulator *simulator)
{
    uint64_t requests = simulator->dead + simulator->lost;
    for (size_t kind = 0; kind < ANSWER_KINDS; kind++) {
        requests += simulator->requests[kind];
    }
    (void)printf("{\"requests\":%" PRIu64 ",\"replies\":%" PRIu64 ",\"varbinds\":%" PRIu64,
                 requests, simulator->replies, simulator->varbinds);
    for (size_t kind = 0; kind < ANSWER_KINDS; kind++) {
        (void)printf(",\"%s\":%" PRIu64, answer_kind_name((enum answer_kind)kind),
                     simulator->requests[kind]);
    }
    (void)printf(",\"too_big\":%" PRIu64 ",\"dead\":%" PRIu64 ",\"lost\":%" PRIu64
                 ",\"unsent\":%" PRIu64 ",\"bytes_in\":%" PRIu64 ",\"bytes_out\":%" PRIu64
                 ",\"cpu_s\":%.6f}\n",
                 simulator->too_big, simulator->dead, simulator->lost, net_unsent(simulator->net),
                 simulator->bytes_in, simulator->bytes_out, cpu_s());
    (void)fflush(stdout);
    if (simulator->log != NULL) {
        (void)fflush(simulator->log); /* what it says so far may be read now */
    }
}

/* False: it is time to end. */
static bool take_signal(struct simulator *simulator, int signals)
{
    struct signalfd_siginfo info;
    if (read(signals, &info, sizeof info) != sizeof info) {
        return true;
    }
    print_counts(simulator);
    return info.ssi_signo == SIGUSR1;
}

static void run(struct simulator *simulator, int signals)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = net_fd(simulator->net), .events = POLLIN},
                               {.fd = signals, .events = POLLIN}};
        if (poll(fds, 2, send_late(simulator)) < 0 && errno != EINTR) {
            return;
        }
        if (fds[1].revents != 0 && !take_signal(simulator, signals)) {
            return;
        }
        if (fds[0].revents != 0) {
            net_receive(simulator->net);
        }
    }
}

/* --- the process --- */

static _Noreturn void fail(const char *what, const char *reason)
{
    (void)fprintf(stderr, "beffroi-simulate-devices: %s: %s\n", what, reason);
    exit(1);
}

static void allow_sockets(uint32_t n_devices)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < n_devices + 64) {
        limit.rlim_cur = n_devices + 64;
        if (limit.rlim_max < limit.rlim_cur) {
            limit.rlim_max = limit.rlim_cur; /* with privilege; else socket() will tell */
        }
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void open_agent(struct simulator *simulator)
{
    const struct options *options = &simulator->options;
    struct usm_options usm = {.user = options->user,
                              .auth = options->auth,
                              .auth_passphrase = options->auth_passphrase,
                              .priv = options->priv,
                              .priv_passphrase = options->priv_passphrase,
                              .n_devices = options->n_devices};
    simulator->agent = (struct agent){
        .mib = mib_new(options->n_ports, options->seed),
        .usm = options->user != NULL ? usm_new(&usm) : NULL,
        .community = options->community[0] != '\0' ? options->community : NULL,
        .max_size = options->max_size,
    };
    if (simulator->agent.mib == NULL) {
        fail("the devices", strerror(ENOMEM));
    }
    if (options->user != NULL && simulator->agent.usm == NULL) {
        fail("--auth, --priv", "no such protocol, or its passphrase is missing");
    }
}

int main(int argc, char *argv[])
{
    static struct simulator simulator;
    sigset_t mask;
    options_read(argc, argv, &simulator.options);
    simulator.late_last = &simulator.late_first;
    simulator.dice = simulator.options.seed * 2 + 1; /* never 0 */
    simulator.began_ns = now_ns(CLOCK_MONOTONIC);
    open_agent(&simulator);
    if (simulator.options.log != NULL &&
        (simulator.log = fopen(simulator.options.log, "we")) == NULL) {
        fail(simulator.options.log, strerror(errno));
    }
    (void)sigemptyset(&mask); /* none of these three can fail */
    (void)sigaddset(&mask, SIGUSR1);
    (void)sigaddset(&mask, SIGTERM);
    (void)sigaddset(&mask, SIGINT);
    int signals = sigprocmask(SIG_BLOCK, &mask, NULL) == 0 ? signalfd(-1, &mask, SFD_CLOEXEC) : -1;
    if (signals < 0) {
        fail("signals", strerror(errno));
    }
    allow_sockets(simulator.options.n_devices);
    simulator.net = net_open(&simulator.options, on_request, &simulator);
    if (simulator.net == NULL) {
        fail("sockets", strerror(errno));
    }
    (void)printf("ready\n");
    (void)fflush(stdout);
    run(&simulator, signals);
    net_close(simulator.net);
    usm_free(simulator.agent.usm);
    mib_free(simulator.agent.mib);
    while (simulator.late_first != NULL) {
        struct late *late = simulator.late_first;
        simulator.late_first = late->next;
        free(late);
    }
    return simulator.log != NULL && fclose(simulator.log) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
