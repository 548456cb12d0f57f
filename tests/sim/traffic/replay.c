/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * beffroi-replay-traffic: sends a capture's frames into an interface, as evenly as a given rate
 * asks for, for the live half of the traffic benchmark and its tests. One call of the kernel for
 * many frames: it leaves the processor to who is measured. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 32, FILE_HEADER = 24, RECORD_HEADER = 16, ETHERNET = 1, FILE_MAX = 1 << 30 };

static const int64_t SECOND_NS = 1000000000;

static const char usage[] =
    "usage: beffroi-replay-traffic [OPTION …] FILE INTERFACE\n"
    "Sends the frames of a pcap file of Ethernet, of this machine's byte order.\n"
    "\n"
    "  --pps N      frames per second (1000)\n"
    "  --loops N    the whole file so often (1)\n"
    "\n"
    "Says how many frames it sent in how many seconds. Frames that the interface does not take "
    "are\n"
    "tried again.\n";

struct replay {
    const uint8_t *file;
    size_t size;
    struct iovec *frames;
    size_t n;
    int socket;
    uint64_t pps;
    uint64_t loops;
};

static _Noreturn void fail(const char *what, const char *reason)
{
    (void)fprintf(stderr, "beffroi-replay-traffic: %s: %s\n", what, reason);
    exit(1);
}

static uint32_t word(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static void map_file(struct replay *replay, const char *path)
{
    FILE *file = fopen(path, "re");
    struct stat status;
    if (file == NULL || fstat(fileno(file), &status) != 0) {
        fail(path, strerror(errno));
    }
    if (status.st_size < FILE_HEADER || status.st_size > FILE_MAX) {
        fail(path, "not a capture, or too large");
    }
    replay->size = (size_t)status.st_size;
    void *bytes = mmap(NULL, replay->size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fileno(file), 0);
    if (bytes == MAP_FAILED) {
        fail(path, strerror(errno));
    }
    replay->file = bytes;
    (void)fclose(file); /* the mapping stays */
    uint32_t magic = word(replay->file);
    if ((magic != 0xa1b2c3d4 && magic != 0xa1b23c4d) || word(replay->file + 20) != ETHERNET) {
        fail(path, "not a pcap file of Ethernet");
    }
}

/* The frames, where they stand in the file. */
static void find_frames(struct replay *replay, const char *path)
{
    size_t room = replay->size / RECORD_HEADER;
    replay->frames = calloc(room + 1, sizeof *replay->frames);
    if (replay->frames == NULL) {
        fail("memory", strerror(errno));
    }
    for (size_t at = FILE_HEADER; at < replay->size;) {
        size_t left = replay->size - at;
        uint32_t captured = left > RECORD_HEADER ? word(replay->file + at + 8) : UINT32_MAX;
        if (captured > left - RECORD_HEADER || left <= RECORD_HEADER) {
            fail(path, "ends within a packet");
        }
        replay->frames[replay->n++] =
            (struct iovec){(void *)(replay->file + at + RECORD_HEADER), captured};
        at += RECORD_HEADER + captured;
    }
}

static void open_socket(struct replay *replay, const char *interface)
{
    struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                  .sll_ifindex = (int)if_nametoindex(interface)};
    int on = 1;
    /* Protocol 0: it receives nothing. */
    replay->socket = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (address.sll_ifindex == 0 || replay->socket < 0 ||
        bind(replay->socket, (const struct sockaddr *)&address, sizeof address) != 0) {
        fail(interface, strerror(errno));
    }
    /* Past the queues, which would only cost time; an old kernel does without. */
    (void)setsockopt(replay->socket, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on);
}

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
    return now.tv_sec * SECOND_NS + now.tv_nsec;
}

static void sleep_until(int64_t moment_ns)
{
    struct timespec moment = {.tv_sec = moment_ns / SECOND_NS, .tv_nsec = moment_ns % SECOND_NS};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, NULL) == EINTR) {
    }
}

static void send_batch(struct replay *replay, uint64_t first, unsigned n)
{
    struct mmsghdr messages[BATCH] = {0};
    for (unsigned i = 0; i < n; i++) {
        messages[i].msg_hdr.msg_iov = &replay->frames[(first + i) % replay->n];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    for (unsigned sent = 0; sent < n;) {
        int rc = sendmmsg(replay->socket, messages + sent, n - sent, 0);
        if (rc > 0) {
            sent += (unsigned)rc;
        } else if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR) {
            fail("sending", strerror(errno));
        }
    }
}

static void run(struct replay *replay)
{
    uint64_t total = replay->n * replay->loops;
    int64_t began = now_ns();
    for (uint64_t sent = 0; sent < total;) {
        unsigned n = total - sent < BATCH ? (unsigned)(total - sent) : BATCH;
        int64_t due = began + (int64_t)((double)sent / (double)replay->pps * (double)SECOND_NS);
        if (due > now_ns()) {
            sleep_until(due);
        }
        send_batch(replay, sent, n);
        sent += n;
    }
    (void)printf("%" PRIu64 " %.6f\n", total, (double)(now_ns() - began) / (double)SECOND_NS);
}

static uint64_t number(const char *text)
{
    char *end = NULL;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || value < 1 || value > 1000000000) {
        fail(text, "not a number in its range");
    }
    return value;
}

int main(int argc, char *argv[])
{
    static const struct option long_options[] = {{"pps", required_argument, NULL, 'p'},
                                                 {"loops", required_argument, NULL, 'l'},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {0}};
    struct replay replay = {.pps = 1000, .loops = 1};
    for (int option; (option = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        if (option == 'p') {
            replay.pps = number(optarg);
        } else if (option == 'l') {
            replay.loops = number(optarg);
        } else {
            (void)fputs(usage, option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    if (optind + 2 != argc) {
        (void)fputs(usage, stderr);
        return 2;
    }
    map_file(&replay, argv[optind]);
    find_frames(&replay, argv[optind]);
    if (replay.n == 0) {
        fail(argv[optind], "has no packet");
    }
    open_socket(&replay, argv[optind + 1]);
    run(&replay);
    free(replay.frames);
    return 0;
}
