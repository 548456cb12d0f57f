/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A sink that knows rows by kind, name and metric; frames and files of them; and a network
 * namespace of the test's own. */
#ifndef TEST_CAPTURE_SUPPORT_H
#define TEST_CAPTURE_SUPPORT_H

#include "sample/sink.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BOOK_OBJECTS = 320, BOOK_TALKERS = 16 };

struct book_object {
    char kind[32];
    char name[64];
    char labels[160]; /* "key=value key=value" */
    size_t n_metrics;
    struct metric metrics[PROTO_METRICS_MAX];
    size_t n_rows;
    struct row row; /* the newest */
    union value values[PROTO_METRICS_MAX];
    struct wall first; /* of the first row: its time */
    uint64_t first_discontinuity;
};

struct book_report {
    struct talker_report report; /* without its items */
    struct talker_item first;
    char first_key[96];
};

struct book {
    struct sample_sink sink;
    size_t n_objects;
    struct book_object objects[BOOK_OBJECTS];
    size_t n_reports;
    struct book_report reports[BOOK_TALKERS];
    bool ended; /* for a capture's end */
    char reason[256];
};

struct book *book_new(void);
void book_free(struct book *book);
/* NULL: not defined. */
struct book_object *book_find(struct book *book, const char *kind, const char *name);
/* Fails the test if there is no such object, metric or row. */
uint64_t book_counter(struct book *book, const char *kind, const char *name, const char *metric);
double book_gauge(struct book *book, const char *kind, const char *name, const char *metric);
bool book_is_unknown(struct book *book, const char *kind, const char *name, const char *metric);
void book_end(void *context, const char *reason);

/* An Ethernet frame with IPv4 and UDP, `size` bytes of payload; returns its length. `vlan` 0: no
 * tag. */
size_t make_udp(uint8_t *frame, unsigned vlan, const char *source, const char *destination,
                uint16_t source_port, uint16_t destination_port, size_t size);

/* True: this process is alone in a namespace with lo up, and veth beffroi0 and beffroi1 down. */
bool enter_namespace(void);
/* "ip" with these arguments, split at blanks. */
bool run_ip(const char *arguments);
/* Sends frames out of an interface. */
void send_frames(const char *interface, const uint8_t *frame, size_t length, unsigned count);
/* Sends datagrams over the loopback interface. */
void send_datagrams(unsigned count, size_t size);

#endif
