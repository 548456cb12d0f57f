/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lane.h"

#include "common/clock.h"
#include "common/xalloc.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    FRAMES_AT_ONCE = 1024, /* a millisecond or less: then a request has its turn */
    /* What waits when an interval is asked for still belongs to it: at most so many batches. */
    BATCHES_OF_INTERVAL = 64,
    WAIT_MS = 1000,
    QUIET_MS = 20, /* after an error of the descriptor that libpcap does not see as one */
    SEED_SIZE = 16,
    MS_IN_S = 1000,
};

struct lane {
    struct lanes *lanes;
    pthread_t thread;
    bool started;
    struct source *source;
    struct meter *meter;
    struct ipfix *ipfix;
    uint32_t now_s; /* for ipfix: at the last batch */
    int wake_fd;    /* from the owner */
    /* Written by the lane before `answered` or `ended`, read by the owner after them. */
    const struct summary *summary;
    uint64_t dropped;
    struct ipfix_stats ipfix_stats;
    int end;
    char reason[256];
    atomic_uint asked; /* how many intervals */
    atomic_uint answered;
    atomic_bool ended;
    atomic_bool stop;
};

struct lanes {
    size_t count;
    struct lane **lane;
    int answer_fd;
    unsigned asked;
    bool pending;           /* an interval is asked for and not taken yet */
    struct summary *merged; /* of more than one */
    size_t hosts, prefixes, services;
    pthread_mutex_t gate_lock;
    pthread_cond_t gate_moved;
    size_t at_gate;
    bool gate_open;
};

/* --- what a lane does --- */

static void signal_fd(int fd)
{
    static const uint64_t one = 1;
    ssize_t n = write(fd, &one, sizeof one);
    (void)n; /* fails only when it is full, and so readable */
}

static void clear_fd(int fd)
{
    uint64_t count;
    ssize_t n = read(fd, &count, sizeof count);
    (void)n; /* not readable: nothing to clear */
}

static void wait_at_gate(struct lanes *lanes)
{
    (void)pthread_mutex_lock(&lanes->gate_lock); /* none of these fails on a good mutex */
    lanes->at_gate++;
    (void)pthread_cond_broadcast(&lanes->gate_moved);
    while (!lanes->gate_open) {
        (void)pthread_cond_wait(&lanes->gate_moved, &lanes->gate_lock);
    }
    (void)pthread_mutex_unlock(&lanes->gate_lock);
}

static void tell_flow(void *context, const struct flow_report *report)
{
    struct lane *lane = context;
    ipfix_add(lane->ipfix, report, lane->now_s);
}

static int read_batch(struct lane *lane)
{
    if (lane->ipfix != NULL) {
        lane->now_s = (uint32_t)(clock_wall().ms / MS_IN_S);
    }
    return source_read(lane->source, lane->meter, FRAMES_AT_ONCE, lane->reason,
                       sizeof lane->reason);
}

/* The interval up to now. Below 0: the source's end. */
static int answer(struct lane *lane, unsigned asked)
{
    int n = 1;
    for (int i = 0; i < BATCHES_OF_INTERVAL && n > 0; i++) {
        n = read_batch(lane);
    }
    if (n < 0) {
        return n;
    }
    lane->summary = meter_take(lane->meter, false);
    lane->dropped = source_dropped(lane->source);
    if (lane->ipfix != NULL) {
        ipfix_flush(lane->ipfix, lane->now_s);
        lane->ipfix_stats = *ipfix_stats(lane->ipfix);
    }
    atomic_store_explicit(&lane->answered, asked, memory_order_release);
    signal_fd(lane->lanes->answer_fd);
    return 0;
}

/* libpcap's own time-out is no use: an idle ring does not wake by it. */
static void wait_for_more(struct lane *lane)
{
    struct pollfd fds[] = {{.fd = lane->wake_fd, .events = POLLIN},
                           {.fd = source_fd(lane->source), .events = POLLIN}};
    if (poll(fds, 2, WAIT_MS) <= 0) {
        return;
    }
    if ((fds[1].revents & (POLLERR | POLLHUP)) != 0) {
        /* The next read tells what it is; if that is nothing, do not turn in circles. */
        (void)poll(fds, 1, QUIET_MS);
    }
    if (fds[0].revents != 0) {
        clear_fd(lane->wake_fd);
    }
}

static void run_lane(struct lane *lane)
{
    unsigned answered = 0;
    int n = 0;
    while (n >= 0 && !atomic_load_explicit(&lane->stop, memory_order_acquire)) {
        unsigned asked = atomic_load_explicit(&lane->asked, memory_order_acquire);
        if (asked != answered) {
            answered = asked;
            n = answer(lane, asked);
            continue;
        }
        n = read_batch(lane);
        if (n == 0) {
            wait_for_more(lane);
        }
    }
    lane->end = n;
}

static void *lane_main(void *context)
{
    struct lane *lane = context;
    wait_at_gate(lane->lanes);
    run_lane(lane);
    atomic_store_explicit(&lane->ended, true, memory_order_release);
    signal_fd(lane->lanes->answer_fd);
    return NULL;
}

/* --- making them --- */

int lanes_new(struct lanes **out)
{
    struct lanes *lanes = xcalloc(1, sizeof *lanes);
    lanes->answer_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (lanes->answer_fd < 0) {
        int rc = -errno;
        free(lanes);
        return rc;
    }
    (void)pthread_mutex_init(&lanes->gate_lock, NULL); /* neither fails without attributes */
    (void)pthread_cond_init(&lanes->gate_moved, NULL);
    *out = lanes;
    return 0;
}

static void lane_free(struct lane *lane)
{
    meter_free(lane->meter);
    source_close(lane->source);
    ipfix_close(lane->ipfix);
    if (lane->wake_fd >= 0) {
        (void)close(lane->wake_fd); /* nothing was written to disk */
    }
    free(lane);
}

int lanes_add(struct lanes *lanes, struct source *source, struct ipfix *ipfix,
              const struct meter_options *options)
{
    struct meter_options own = *options;
    struct lane *lane = xcalloc(1, sizeof *lane);
    lane->lanes = lanes;
    lane->source = source;
    lane->ipfix = ipfix;
    own.on_flow = ipfix != NULL ? tell_flow : NULL;
    own.context = lane;
    lane->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int rc = lane->wake_fd < 0 ? -errno : 0;
    if (rc == 0) {
        lane->meter = meter_new(&own);
        rc = lane->meter == NULL ? -errno : 0;
    }
    if (rc != 0) {
        lane_free(lane);
        return rc;
    }
    lanes->lane = xreallocarray(lanes->lane, lanes->count + 1, sizeof(lanes->lane[0]));
    lanes->lane[lanes->count++] = lane;
    lanes->hosts = options->hosts;
    lanes->prefixes = options->prefixes;
    lanes->services = options->services;
    return 0;
}

/* Signals are for the owner's thread. */
static int start_thread(struct lane *lane)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all); /* none of these fails with good arguments */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = -pthread_create(&lane->thread, NULL, lane_main, lane);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    lane->started = rc == 0;
    return rc;
}

int lanes_start(struct lanes *lanes)
{
    int rc = 0;
    if (lanes->count > 1) {
        uint8_t seed[SEED_SIZE];
        randombytes_buf(seed, sizeof seed);
        lanes->merged = summary_new(lanes->hosts, lanes->prefixes, lanes->services, seed);
    }
    for (size_t i = 0; rc == 0 && i < lanes->count; i++) {
        rc = start_thread(lanes->lane[i]);
    }
    (void)pthread_mutex_lock(&lanes->gate_lock);
    while (rc == 0 && lanes->at_gate < lanes->count) {
        (void)pthread_cond_wait(&lanes->gate_moved, &lanes->gate_lock);
    }
    (void)pthread_mutex_unlock(&lanes->gate_lock);
    return rc;
}

void lanes_go(struct lanes *lanes)
{
    (void)pthread_mutex_lock(&lanes->gate_lock);
    lanes->gate_open = true;
    (void)pthread_cond_broadcast(&lanes->gate_moved);
    (void)pthread_mutex_unlock(&lanes->gate_lock);
}

/* --- intervals --- */

int lanes_fd(const struct lanes *lanes)
{
    return lanes->answer_fd;
}

bool lanes_ask(struct lanes *lanes)
{
    if (lanes->pending) {
        return false;
    }
    lanes->pending = true;
    lanes->asked++;
    for (size_t i = 0; i < lanes->count; i++) {
        atomic_store_explicit(&lanes->lane[i]->asked, lanes->asked, memory_order_release);
        signal_fd(lanes->lane[i]->wake_fd);
    }
    return true;
}

static void add_lane(struct lanes *lanes, const struct lane *lane, struct lanes_interval *interval)
{
    if (lanes->merged != NULL) {
        summary_merge(lanes->merged, lane->summary);
        interval->summary = lanes->merged;
    } else {
        interval->summary = lane->summary;
    }
    interval->dropped += lane->dropped;
    interval->ipfix.records += lane->ipfix_stats.records;
    interval->ipfix.messages += lane->ipfix_stats.messages;
    interval->ipfix.dropped_records += lane->ipfix_stats.dropped_records;
}

int lanes_look(struct lanes *lanes, struct lanes_interval *interval, char *reason,
               size_t reason_size)
{
    bool complete = lanes->pending;
    clear_fd(lanes->answer_fd);
    for (size_t i = 0; i < lanes->count; i++) {
        struct lane *lane = lanes->lane[i];
        if (atomic_load_explicit(&lane->ended, memory_order_acquire)) {
            (void)snprintf(reason, reason_size, "%s", lane->reason);
            return lane->end < 0 ? lane->end : -ECANCELED;
        }
        complete =
            complete && atomic_load_explicit(&lane->answered, memory_order_acquire) == lanes->asked;
    }
    if (!complete) {
        return 0;
    }
    lanes->pending = false;
    *interval = (struct lanes_interval){0};
    if (lanes->merged != NULL) {
        summary_clear(lanes->merged);
    }
    for (size_t i = 0; i < lanes->count; i++) {
        add_lane(lanes, lanes->lane[i], interval);
    }
    return 1;
}

/* --- the end --- */

void lanes_free(struct lanes *lanes)
{
    if (lanes == NULL) {
        return;
    }
    for (size_t i = 0; i < lanes->count; i++) {
        atomic_store_explicit(&lanes->lane[i]->stop, true, memory_order_release);
        signal_fd(lanes->lane[i]->wake_fd);
    }
    lanes_go(lanes);
    for (size_t i = 0; i < lanes->count; i++) {
        if (lanes->lane[i]->started) {
            (void)pthread_join(lanes->lane[i]->thread, NULL); /* it is ours and was not joined */
        }
    }
    for (size_t i = 0; i < lanes->count; i++) {
        lane_free(lanes->lane[i]);
    }
    summary_free(lanes->merged);
    (void)pthread_mutex_destroy(&lanes->gate_lock); /* nobody holds it */
    (void)pthread_cond_destroy(&lanes->gate_moved);
    (void)close(lanes->answer_fd); /* nothing was written to disk */
    free(lanes->lane);
    free(lanes);
}
