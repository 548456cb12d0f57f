/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * IPFIX messages, read back from a socket by the rules of RFC 7011. */
#include "ipfix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RECORDS_MAX = 4096, ELEMENTS_MAX = 32, TEMPLATES_MAX = 4, DEADLINE_MS = 2000 };

struct record {
    uint16_t template;
    uint8_t source[16];
    uint8_t destination[16];
    uint64_t values[512]; /* by element */
};

struct reader {
    int fd;
    char collector[32];
    size_t n_messages;
    size_t n_templates;
    struct {
        uint16_t id;
        size_t n;
        uint16_t element[ELEMENTS_MAX];
        uint16_t size[ELEMENTS_MAX];
    } templates[TEMPLATES_MAX];
    size_t n_template_sets;
    uint32_t next_sequence;
    uint32_t last_export_s;
    uint32_t domain;
    size_t n_records;
    struct record records[RECORDS_MAX];
};

static void open_reader(struct reader *reader)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int room = 4 * 1024 * 1024;
    memset(reader, 0, sizeof *reader);
    reader->fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_true(reader->fd >= 0);
    assert_int_equal(setsockopt(reader->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) == 0 ||
                         setsockopt(reader->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room) == 0,
                     1);
    assert_int_equal(bind(reader->fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(reader->fd, (struct sockaddr *)&address, &size), 0);
    snprintf(reader->collector, sizeof reader->collector, "127.0.0.1:%u", ntohs(address.sin_port));
}

static uint64_t number(const uint8_t *at, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        value = value << 8 | at[i];
    }
    return value;
}

static void read_templates(struct reader *reader, const uint8_t *at, const uint8_t *end)
{
    reader->n_template_sets++;
    reader->n_templates = 0;
    while (end - at >= 4) {
        size_t n = number(at + 2, 2);
        assert_true(reader->n_templates < TEMPLATES_MAX && n <= ELEMENTS_MAX);
        reader->templates[reader->n_templates].id = (uint16_t)number(at, 2);
        reader->templates[reader->n_templates].n = n;
        at += 4;
        assert_true((size_t)(end - at) >= n * 4);
        for (size_t i = 0; i < n; i++, at += 4) {
            reader->templates[reader->n_templates].element[i] = (uint16_t)number(at, 2);
            reader->templates[reader->n_templates].size[i] = (uint16_t)number(at + 2, 2);
        }
        reader->n_templates++;
    }
    assert_ptr_equal(at, end);
}

static void read_records(struct reader *reader, uint16_t id, const uint8_t *at, const uint8_t *end)
{
    size_t t = 0;
    while (t < reader->n_templates && reader->templates[t].id != id) {
        t++;
    }
    assert_true(t < reader->n_templates); /* data of a template that was sent before */
    while (at < end) {
        assert_true(reader->n_records < RECORDS_MAX);
        struct record *record = &reader->records[reader->n_records++];
        record->template = id;
        for (size_t i = 0; i < reader->templates[t].n; i++) {
            uint16_t element = reader->templates[t].element[i];
            size_t size = reader->templates[t].size[i];
            assert_true((size_t)(end - at) >= size && element < 512);
            if (element == 8 || element == 27) {
                memcpy(record->source, at, size);
            } else if (element == 12 || element == 28) {
                memcpy(record->destination, at, size);
            } else {
                record->values[element] = number(at, size);
            }
            at += size;
        }
    }
    assert_ptr_equal(at, end); /* no padding: our records need none */
}

static void read_message(struct reader *reader)
{
    uint8_t message[2048];
    ssize_t n = recv(reader->fd, message, sizeof message, 0);
    assert_true(n >= 16 && n <= IPFIX_MESSAGE_MAX);
    assert_int_equal(number(message, 2), 10);
    assert_int_equal(number(message + 2, 2), n);
    reader->last_export_s = (uint32_t)number(message + 4, 4);
    assert_int_equal(number(message + 8, 4), reader->next_sequence);
    reader->domain = (uint32_t)number(message + 12, 4);
    size_t before = reader->n_records;
    for (const uint8_t *at = message + 16; at < message + n;) {
        uint16_t id = (uint16_t)number(at, 2);
        size_t size = number(at + 2, 2);
        assert_true(size >= 4 && size <= (size_t)(message + n - at));
        if (id == 2) {
            read_templates(reader, at + 4, at + size);
        } else {
            read_records(reader, id, at + 4, at + size);
        }
        at += size;
    }
    reader->next_sequence += (uint32_t)(reader->n_records - before);
    reader->n_messages++;
}

static void read_until(struct reader *reader, size_t n_records)
{
    while (reader->n_records < n_records) {
        struct pollfd poll_fd = {reader->fd, POLLIN, 0};
        assert_int_equal(poll(&poll_fd, 1, DEADLINE_MS), 1);
        read_message(reader);
    }
}

static struct flow_report make_report(bool v4, uint8_t host)
{
    struct flow_report report = {
        .source_port = 40000,
        .destination_port = 443,
        .protocol = 6,
        .tcp_flags = 0x1b,
        .ip_bytes = UINT64_C(0x123456789a),
        .packets = 77,
        .first_ns = INT64_C(1700000000123456789),
        .last_ns = INT64_C(1700000009987654321),
    };
    uint8_t *addresses[] = {report.source, report.destination};
    for (uint8_t i = 0; i < 2; i++) {
        if (v4) {
            memset(addresses[i] + 10, 0xff, 2);
            memcpy(addresses[i] + 12, (const uint8_t[]){192, 0, (uint8_t)(2 + i), host}, 4);
        } else {
            memcpy(addresses[i], (const uint8_t[]){0x20, 1, 0x0d, 0xb8, 0, i, 9, 9}, 8);
            addresses[i][15] = host;
        }
    }
    return report;
}

static void collectors(void **state)
{
    static const char *const right[] = {"192.0.2.1:4739", "192.0.2.1", "[2001:db8::1]:9995",
                                        "[2001:db8::1]", "2001:db8::1"};
    static const char *const wrong[] = {"",
                                        "host:4739",
                                        "192.0.2.1:",
                                        "192.0.2.1:0",
                                        "192.0.2.1:65536",
                                        "192.0.2.1:12x",
                                        "[2001:db8::1",
                                        "[192.0.2.1]:1",
                                        "192.0.2.256",
                                        "[::1]x",
                                        "1.2.3.4:5:6"};
    char reason[128];
    (void)state;
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        assert_int_equal(ipfix_check_collector(right[i], reason, sizeof reason), 0);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct ipfix *ipfix = NULL;
        reason[0] = '\0';
        assert_int_equal(ipfix_check_collector(wrong[i], reason, sizeof reason), -EINVAL);
        assert_non_null(strstr(reason, "192.0.2.1:4739"));
        assert_int_equal(ipfix_open(&ipfix, wrong[i], 0, NULL, reason, sizeof reason), -EINVAL);
        assert_null(ipfix);
    }
}

static struct ipfix *open_ipfix(const struct reader *reader, struct privacy *privacy)
{
    struct ipfix *ipfix = NULL;
    char reason[128] = "";
    assert_int_equal(ipfix_open(&ipfix, reader->collector, 4711, privacy, reason, sizeof reason),
                     0);
    return ipfix;
}

static void a_record_holds_what_was_metered(void **state)
{
    static struct reader reader;
    (void)state;
    open_reader(&reader);
    struct privacy *privacy = privacy_new(PRIVACY_FULL, NULL, 0);
    struct ipfix *ipfix = open_ipfix(&reader, privacy);
    struct flow_report v4 = make_report(true, 7);
    struct flow_report v6 = make_report(false, 8);
    v6.ended = true;
    ipfix_add(ipfix, &v4, 1700000010);
    ipfix_add(ipfix, &v6, 1700000010);
    ipfix_flush(ipfix, 1700000011);
    ipfix_flush(ipfix, 1700000012); /* nothing left: nothing sent */
    read_until(&reader, 2);
    assert_int_equal(reader.n_messages, 1);
    assert_int_equal(reader.last_export_s, 1700000011);
    assert_int_equal(reader.domain, 4711);
    for (size_t i = 0; i < 2; i++) {
        const struct record *record = &reader.records[i];
        assert_int_equal(record->values[7], 40000);
        assert_int_equal(record->values[11], 443);
        assert_int_equal(record->values[4], 6);
        assert_int_equal(record->values[6], 0x1b);
        assert_int_equal(record->values[136], i == 0 ? 2 : 1);
        assert_int_equal(record->values[1], UINT64_C(0x123456789a));
        assert_int_equal(record->values[2], 77);
        assert_int_equal(record->values[152], UINT64_C(1700000000123));
        assert_int_equal(record->values[153], UINT64_C(1700000009987));
    }
    assert_int_equal(reader.records[0].template, 256);
    assert_memory_equal(reader.records[0].source, v4.source + 12, 4);
    assert_memory_equal(reader.records[0].destination, v4.destination + 12, 4);
    assert_int_equal(reader.records[1].template, 257);
    assert_memory_equal(reader.records[1].source, v6.source, 16);
    assert_memory_equal(reader.records[1].destination, v6.destination, 16);
    assert_int_equal(ipfix_stats(ipfix)->records, 2);
    assert_int_equal(ipfix_stats(ipfix)->messages, 1);
    ipfix_close(ipfix);
    privacy_free(privacy);
    close(reader.fd);
}

static void clients_are_told_as_their_network(void **state)
{
    static const enum privacy_mode modes[] = {PRIVACY_TRUNCATE, PRIVACY_HASH};
    static struct reader reader;
    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        open_reader(&reader);
        struct privacy *privacy = privacy_new(modes[i], NULL, 0);
        struct ipfix *ipfix = open_ipfix(&reader, privacy);
        struct flow_report v4 = make_report(true, 7);
        struct flow_report v6 = make_report(false, 8);
        ipfix_add(ipfix, &v4, 1700000010);
        ipfix_add(ipfix, &v6, 1700000010);
        ipfix_flush(ipfix, 1700000010);
        read_until(&reader, 2);
        assert_memory_equal(reader.records[0].source, ((const uint8_t[]){192, 0, 2, 0}), 4);
        assert_memory_equal(reader.records[0].destination, ((const uint8_t[]){192, 0, 3, 0}), 4);
        assert_memory_equal(reader.records[1].source,
                            ((const uint8_t[16]){0x20, 1, 0x0d, 0xb8, 0, 0}), 16);
        ipfix_close(ipfix);
        privacy_free(privacy);
        close(reader.fd);
    }
}

static void many_records_and_templates_again(void **state)
{
    enum { MANY = 2000 };
    static struct reader reader;
    (void)state;
    open_reader(&reader);
    struct privacy *privacy = privacy_new(PRIVACY_FULL, NULL, 0);
    struct ipfix *ipfix = open_ipfix(&reader, privacy);
    for (uint32_t i = 0; i < MANY; i++) {
        struct flow_report report = make_report(i % 3 != 0, (uint8_t)i);
        report.packets = i;
        ipfix_add(ipfix, &report, 1700000000);
        read_until(&reader, (size_t)ipfix_stats(ipfix)->records);
    }
    assert_int_equal(reader.n_template_sets, 1);
    ipfix_add(ipfix, &(struct flow_report){0}, 1700000000);
    ipfix_flush(ipfix, 1700000000);
    ipfix_add(ipfix, &(struct flow_report){0}, 1700000000 + IPFIX_TEMPLATE_S);
    ipfix_flush(ipfix, 1700000000 + IPFIX_TEMPLATE_S);
    read_until(&reader, MANY + 2);
    assert_int_equal(reader.n_template_sets, 2);
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(reader.records[i].values[2], i);
        assert_int_equal(reader.records[i].template, i % 3 != 0 ? 256 : 257);
    }
    ipfix_close(ipfix);
    privacy_free(privacy);
    close(reader.fd);
}

/* Nobody listens: records are lost, counted, and seen missing by who comes later. */
static void what_cannot_be_sent_is_counted(void **state)
{
    static struct reader reader;
    (void)state;
    open_reader(&reader);
    struct privacy *privacy = privacy_new(PRIVACY_FULL, NULL, 0);
    struct ipfix *ipfix = open_ipfix(&reader, privacy);
    close(reader.fd);
    struct flow_report report = make_report(true, 7);
    for (int i = 0; i < 10; i++) {
        ipfix_add(ipfix, &report, 1700000000);
        ipfix_flush(ipfix, 1700000000);
    }
    const struct ipfix_stats *stats = ipfix_stats(ipfix);
    assert_int_equal(stats->records + stats->dropped_records, 10);
    ipfix_close(ipfix);
    ipfix_close(NULL);
    privacy_free(privacy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(collectors),
        cmocka_unit_test(a_record_holds_what_was_metered),
        cmocka_unit_test(clients_are_told_as_their_network),
        cmocka_unit_test(many_records_and_templates_again),
        cmocka_unit_test(what_cannot_be_sent_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
