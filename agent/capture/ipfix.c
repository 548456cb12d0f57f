/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ipfix.h"

#include "common/xalloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* RFC 7011, 3. */
enum {
    VERSION = 10,
    HEADER_SIZE = 16,
    SET_HEADER_SIZE = 4,
    TEMPLATE_SET = 2,
    TEMPLATE_V4 = 256, /* the first number that is free */
    TEMPLATE_V6 = 257,
    RECORD_MAX = 80,
    END_IDLE = 1,   /* flowEndReason, RFC 5102 5.11.3: here, it made room for another */
    END_ACTIVE = 2, /* it goes on */
};
static const int64_t MS_NS = 1000000;

/* Information elements by their number in IANA's registry, in the order of a record. */
struct element {
    uint16_t id;
    uint16_t size;
};
static const struct element v4_addresses[] = {{8, 4},
                                              {12, 4}}; /* source-, destinationIPv4Address */
static const struct element v6_addresses[] = {{27, 16}, {28, 16}}; /* the same of IPv6 */
static const struct element others[] = {
    {7, 2},   /* sourceTransportPort */
    {11, 2},  /* destinationTransportPort */
    {4, 1},   /* protocolIdentifier */
    {6, 1},   /* tcpControlBits, in reduced size */
    {136, 1}, /* flowEndReason */
    {1, 8},   /* octetDeltaCount */
    {2, 8},   /* packetDeltaCount */
    {152, 8}, /* flowStartMilliseconds */
    {153, 8}, /* flowEndMilliseconds */
};
enum { N_OTHERS = sizeof others / sizeof others[0], N_ELEMENTS = N_OTHERS + 2 };

struct ipfix {
    int fd;
    uint32_t domain;
    struct privacy *privacy;
    uint32_t sequence; /* data records sent before this message */
    bool has_templates;
    uint32_t templates_s; /* when they were sent last */
    size_t used;          /* of the message; 0: none begun */
    size_t set_at;        /* where its open set begins; 0: none */
    uint16_t set_id;
    uint32_t n_records; /* in the message */
    struct ipfix_stats stats;
    uint8_t message[IPFIX_MESSAGE_MAX];
};

/* --- the collector's address --- */

static int parse_port(const char *text, uint16_t *port)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || value == 0 || value > UINT16_MAX) {
        return -EINVAL;
    }
    *port = (uint16_t)value;
    return 0;
}

static socklen_t fill_v4(const char *host, uint16_t port, struct sockaddr_storage *address)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)address;
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    return inet_pton(AF_INET, host, &v4->sin_addr) == 1 ? sizeof *v4 : 0;
}

static socklen_t fill_v6(const char *host, uint16_t port, struct sockaddr_storage *address)
{
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1 ? sizeof *v6 : 0;
}

/* 0: it is none. */
static socklen_t parse_collector(const char *text, struct sockaddr_storage *address)
{
    char host[INET6_ADDRSTRLEN];
    uint16_t port = IPFIX_PORT;
    bool bracket = text[0] == '[';
    const char *begin = bracket ? text + 1 : text;
    const char *end = bracket ? strchr(begin, ']') : NULL;
    const char *colon = strchr(begin, ':');
    bool bare_v6 = !bracket && colon != NULL && strchr(colon + 1, ':') != NULL;
    if (!bracket) {
        end = colon != NULL && !bare_v6 ? colon : begin + strlen(begin);
    }
    if (end == NULL || (size_t)(end - begin) >= sizeof host) {
        return 0;
    }
    memcpy(host, begin, (size_t)(end - begin));
    host[end - begin] = '\0';
    const char *rest = bracket ? end + 1 : end;
    if (*rest != '\0' && (*rest != ':' || parse_port(rest + 1, &port) != 0)) {
        return 0;
    }
    memset(address, 0, sizeof *address);
    return bracket || bare_v6 ? fill_v6(host, port, address) : fill_v4(host, port, address);
}

int ipfix_check_collector(const char *collector, char *reason, size_t reason_size)
{
    struct sockaddr_storage address;
    if (parse_collector(collector, &address) == 0) {
        (void)snprintf(reason, reason_size,
                       "is no address and port, such as 192.0.2.1:4739 or [2001:db8::1]:4739");
        return -EINVAL;
    }
    return 0;
}

int ipfix_open(struct ipfix **out, const char *collector, uint32_t domain, struct privacy *privacy,
               char *reason, size_t reason_size)
{
    struct sockaddr_storage address;
    socklen_t size = parse_collector(collector, &address);
    if (size == 0) {
        return ipfix_check_collector(collector, reason, reason_size);
    }
    int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, size) != 0) {
        int rc = -errno;
        (void)snprintf(reason, reason_size, "flow collector %s: %s", collector, strerror(-rc));
        if (fd >= 0) {
            (void)close(fd); /* nothing was written */
        }
        return rc;
    }
    struct ipfix *ipfix = xcalloc(1, sizeof *ipfix);
    ipfix->fd = fd;
    ipfix->domain = domain;
    ipfix->privacy = privacy;
    *out = ipfix;
    return 0;
}

/* --- writing; every caller has made sure of the room --- */

static void put(struct ipfix *ipfix, uint64_t value, size_t size)
{
    for (size_t i = size; i-- > 0; value >>= 8) {
        ipfix->message[ipfix->used + i] = (uint8_t)value;
    }
    ipfix->used += size;
}

static void put_at(struct ipfix *ipfix, size_t at, uint16_t value)
{
    ipfix->message[at] = (uint8_t)(value >> 8);
    ipfix->message[at + 1] = (uint8_t)value;
}

static void close_set(struct ipfix *ipfix)
{
    if (ipfix->set_at != 0) {
        put_at(ipfix, ipfix->set_at + 2, (uint16_t)(ipfix->used - ipfix->set_at));
        ipfix->set_at = 0;
    }
}

static void open_set(struct ipfix *ipfix, uint16_t id)
{
    close_set(ipfix);
    ipfix->set_at = ipfix->used;
    ipfix->set_id = id;
    put(ipfix, id, 2);
    put(ipfix, 0, 2); /* its length, once it is closed */
}

static void put_template(struct ipfix *ipfix, uint16_t id, const struct element addresses[2])
{
    put(ipfix, id, 2);
    put(ipfix, N_ELEMENTS, 2);
    for (size_t i = 0; i < N_ELEMENTS; i++) {
        const struct element *element = i < 2 ? &addresses[i] : &others[i - 2];
        put(ipfix, element->id, 2);
        put(ipfix, element->size, 2);
    }
}

static void begin_message(struct ipfix *ipfix, uint32_t export_s)
{
    ipfix->used = 0;
    put(ipfix, VERSION, 2);
    put(ipfix, 0, 2); /* length and time when it is sent */
    put(ipfix, 0, 4);
    put(ipfix, ipfix->sequence, 4);
    put(ipfix, ipfix->domain, 4);
    if (!ipfix->has_templates || export_s - ipfix->templates_s >= IPFIX_TEMPLATE_S) {
        open_set(ipfix, TEMPLATE_SET);
        put_template(ipfix, TEMPLATE_V4, v4_addresses);
        put_template(ipfix, TEMPLATE_V6, v6_addresses);
        close_set(ipfix);
        ipfix->has_templates = true;
        ipfix->templates_s = export_s;
    }
}

void ipfix_flush(struct ipfix *ipfix, uint32_t export_s)
{
    if (ipfix->used == 0) {
        return;
    }
    close_set(ipfix);
    put_at(ipfix, 2, (uint16_t)ipfix->used);
    put_at(ipfix, 4, (uint16_t)(export_s >> 16));
    put_at(ipfix, 6, (uint16_t)export_s);
    /* ECONNREFUSED is of the message before: this one is tried once more. */
    ssize_t n = send(ipfix->fd, ipfix->message, ipfix->used, MSG_NOSIGNAL);
    if (n < 0 && errno == ECONNREFUSED) {
        n = send(ipfix->fd, ipfix->message, ipfix->used, MSG_NOSIGNAL);
    }
    if (n < 0) {
        ipfix->stats.dropped_records += ipfix->n_records;
        ipfix->has_templates = false; /* they may have been in it */
    } else {
        ipfix->stats.messages++;
        ipfix->stats.records += ipfix->n_records;
    }
    /* Also of a lost message: the collector sees by it that records are missing. */
    ipfix->sequence += ipfix->n_records;
    ipfix->n_records = 0;
    ipfix->used = 0;
}

/* --- records --- */

static bool is_v4(const uint8_t address[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(address, mapped, sizeof mapped) == 0;
}

static void put_address(struct ipfix *ipfix, const uint8_t address[16], int64_t time_ns, bool v4)
{
    enum { V4_AT = 12 };
    struct talker_key key;
    privacy_key(ipfix->privacy, time_ns / (1000 * MS_NS), address, &key);
    if (key.kind == TALKER_HASH) {
        privacy_prefix(address, &key);
    }
    const uint8_t *bytes = v4 ? key.bytes + V4_AT : key.bytes;
    size_t size = v4 ? sizeof key.bytes - V4_AT : sizeof key.bytes;
    memcpy(ipfix->message + ipfix->used, bytes, size);
    ipfix->used += size;
}

void ipfix_add(struct ipfix *ipfix, const struct flow_report *report, uint32_t export_s)
{
    bool v4 = is_v4(report->source) && is_v4(report->destination);
    uint16_t id = v4 ? TEMPLATE_V4 : TEMPLATE_V6;
    if (ipfix->used + SET_HEADER_SIZE + RECORD_MAX > sizeof ipfix->message) {
        ipfix_flush(ipfix, export_s);
    }
    if (ipfix->used == 0) {
        begin_message(ipfix, export_s);
    }
    if (ipfix->set_at == 0 || ipfix->set_id != id) {
        open_set(ipfix, id);
    }
    put_address(ipfix, report->source, report->last_ns, v4);
    put_address(ipfix, report->destination, report->last_ns, v4);
    put(ipfix, report->source_port, 2);
    put(ipfix, report->destination_port, 2);
    put(ipfix, report->protocol, 1);
    put(ipfix, report->tcp_flags, 1);
    put(ipfix, report->ended ? END_IDLE : END_ACTIVE, 1);
    put(ipfix, report->ip_bytes, 8);
    put(ipfix, report->packets, 8);
    put(ipfix, (uint64_t)(report->first_ns / MS_NS), 8);
    put(ipfix, (uint64_t)(report->last_ns / MS_NS), 8);
    ipfix->n_records++;
}

const struct ipfix_stats *ipfix_stats(const struct ipfix *ipfix)
{
    return &ipfix->stats;
}

void ipfix_close(struct ipfix *ipfix)
{
    if (ipfix != NULL) {
        (void)close(ipfix->fd); /* a datagram is sent or not */
        free(ipfix);
    }
}
