/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support.h"

#include "common/xalloc.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

extern char **environ;

/* --- the book --- */

static uint32_t book_define(void *context, const struct object *object)
{
    struct book *book = context;
    assert_true(book->n_objects < BOOK_OBJECTS);
    assert_true(object->n_metrics <= PROTO_METRICS_MAX);
    assert_string_equal(object->device, "host");
    struct book_object *entry = &book->objects[book->n_objects++];
    (void)snprintf(entry->kind, sizeof entry->kind, "%s", object->kind);
    (void)snprintf(entry->name, sizeof entry->name, "%s", object->name);
    entry->n_metrics = object->n_metrics;
    for (size_t i = 0; i < object->n_metrics; i++) {
        entry->metrics[i] = object->metrics[i];
    }
    for (size_t i = 0; i < object->n_labels; i++) {
        size_t used = strlen(entry->labels);
        (void)snprintf(entry->labels + used, sizeof entry->labels - used, "%s%s=%s",
                       i > 0 ? " " : "", object->labels[i].key, object->labels[i].value);
    }
    return (uint32_t)book->n_objects;
}

static void book_row(void *context, const struct row *row)
{
    struct book *book = context;
    assert_true(row->object >= 1 && row->object <= book->n_objects);
    struct book_object *entry = &book->objects[row->object - 1];
    if (entry->n_rows++ == 0) {
        entry->first = row->time;
        entry->first_discontinuity = row->discontinuity_mask;
    }
    entry->row = *row;
    memcpy(entry->values, row->values, entry->n_metrics * sizeof entry->values[0]);
}

static void book_talkers(void *context, const struct talker_report *report)
{
    struct book *book = context;
    assert_true(book->n_reports < BOOK_TALKERS);
    assert_true(report->object >= 1 && report->object <= book->n_objects);
    assert_string_equal(book->objects[report->object - 1].kind, "traffic");
    struct book_report *entry = &book->reports[book->n_reports++];
    entry->report = *report;
    entry->first = report->items[0];
    (void)snprintf(entry->first_key, sizeof entry->first_key, "%s", report->items[0].key);
    for (size_t i = 0; i < report->n_items; i++) {
        assert_true(name_is_valid(report->items[i].key, strlen(report->items[i].key)));
    }
}

struct book *book_new(void)
{
    struct book *book = xcalloc(1, sizeof *book);
    book->sink = (struct sample_sink){
        .context = book, .define = book_define, .row = book_row, .talkers = book_talkers};
    return book;
}

void book_free(struct book *book)
{
    free(book);
}

struct book_object *book_find(struct book *book, const char *kind, const char *name)
{
    for (size_t i = 0; i < book->n_objects; i++) {
        if (strcmp(book->objects[i].kind, kind) == 0 && strcmp(book->objects[i].name, name) == 0) {
            return &book->objects[i];
        }
    }
    return NULL;
}

static size_t find_metric(struct book *book, const char *kind, const char *name, const char *metric,
                          struct book_object **object)
{
    *object = book_find(book, kind, name);
    if (*object == NULL || (*object)->n_rows == 0) {
        fail_msg("there is no row of %s %s", kind, name);
    }
    for (size_t i = 0; i < (*object)->n_metrics; i++) {
        if (strcmp((*object)->metrics[i].name, metric) == 0) {
            return i;
        }
    }
    fail_msg("%s has no metric %s", kind, metric);
    return 0;
}

uint64_t book_counter(struct book *book, const char *kind, const char *name, const char *metric)
{
    struct book_object *object;
    size_t i = find_metric(book, kind, name, metric, &object);
    assert_int_equal(object->metrics[i].type, METRIC_COUNTER);
    assert_false(object->row.unknown_mask >> i & 1);
    return object->values[i].counter;
}

double book_gauge(struct book *book, const char *kind, const char *name, const char *metric)
{
    struct book_object *object;
    size_t i = find_metric(book, kind, name, metric, &object);
    assert_int_equal(object->metrics[i].type, METRIC_GAUGE);
    assert_false(object->row.unknown_mask >> i & 1);
    return object->values[i].gauge;
}

bool book_is_unknown(struct book *book, const char *kind, const char *name, const char *metric)
{
    struct book_object *object;
    size_t i = find_metric(book, kind, name, metric, &object);
    return (object->row.unknown_mask >> i & 1) != 0;
}

void book_end(void *context, const char *reason)
{
    struct book *book = context;
    assert_false(book->ended);
    book->ended = true;
    (void)snprintf(book->reason, sizeof book->reason, "%s", reason);
}

/* --- frames --- */

static size_t put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
    return 2;
}

size_t make_udp(uint8_t *frame, unsigned vlan, const char *source, const char *destination,
                uint16_t source_port, uint16_t destination_port, size_t size)
{
    size_t at = 12;
    memset(frame, 2, at);
    if (vlan != 0) {
        at += put16(frame + at, 0x8100);
        at += put16(frame + at, vlan);
    }
    at += put16(frame + at, 0x0800);
    memset(frame + at, 0, 28 + size);
    frame[at] = 0x45;
    (void)put16(frame + at + 2, (unsigned)(28 + size));
    frame[at + 8] = 64;
    frame[at + 9] = IPPROTO_UDP;
    assert_int_equal(inet_pton(AF_INET, source, frame + at + 12), 1);
    assert_int_equal(inet_pton(AF_INET, destination, frame + at + 16), 1);
    at += 20;
    (void)put16(frame + at, source_port);
    (void)put16(frame + at + 2, destination_port);
    (void)put16(frame + at + 4, (unsigned)(8 + size));
    return at + 8 + size;
}

/* --- the network --- */

bool run_ip(const char *arguments)
{
    enum { MOST = 24 };
    char *argv[MOST] = {(char[]){"ip"}};
    char *text = xstrdup(arguments);
    char *rest = text;
    int count = 1;
    for (char *word; count < MOST - 1 && (word = strtok_r(rest, " ", &rest)) != NULL;) {
        argv[count++] = word;
    }
    pid_t pid;
    int status = -1;
    bool done = posix_spawnp(&pid, "ip", NULL, NULL, argv, environ) == 0 &&
                waitpid(pid, &status, 0) == pid && status == 0;
    free(text);
    return done;
}

bool enter_namespace(void)
{
    return geteuid() == 0 && unshare(CLONE_NEWNET) == 0 && run_ip("link set lo up") &&
           run_ip("link add beffroi0 type veth peer name beffroi1");
}

void send_frames(const char *interface, const uint8_t *frame, size_t length, unsigned count)
{
    struct sockaddr_ll to = {.sll_family = AF_PACKET,
                             .sll_protocol = htons(ETH_P_IP),
                             .sll_ifindex = (int)if_nametoindex(interface),
                             .sll_halen = 6};
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(sendto(fd, frame, length, 0, (struct sockaddr *)&to, sizeof to), length);
    }
    (void)close(fd);
}

void send_datagrams(unsigned count, size_t size)
{
    char payload[2048] = {0};
    int receiver = socket(AF_INET, SOCK_DGRAM, 0);
    int sender = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof to;
    assert_int_equal(bind(receiver, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(getsockname(receiver, (struct sockaddr *)&to, &length), 0);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(sendto(sender, payload, size, 0, (struct sockaddr *)&to, sizeof to), size);
    }
    (void)close(sender);
    (void)close(receiver);
}
