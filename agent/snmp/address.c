/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* 1 to 65535 in at most five digits; 0: it is none. */
static uint16_t parse_port(const char *text)
{
    unsigned long port = 0;
    size_t size = strlen(text);
    if (size == 0 || size > 5) {
        return 0;
    }
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return 0;
        }
        port = port * 10 + (unsigned long)(text[i] - '0');
    }
    return port > UINT16_MAX ? 0 : (uint16_t)port;
}

static int refuse(char *reason, size_t reason_size, const char *why)
{
    snprintf(reason, reason_size, "%s", why);
    return -EINVAL;
}

/* What follows the host: nothing, or ":" and a port. */
static bool parse_tail(const char *tail, uint16_t *port)
{
    *port = ADDRESS_PORT_DEFAULT;
    if (*tail == '\0') {
        return true;
    }
    *port = *tail == ':' ? parse_port(tail + 1) : 0;
    return *port != 0;
}

int address_parse(const char *text, struct sockaddr_storage *address, char *reason,
                  size_t reason_size)
{
    char host[INET6_ADDRSTRLEN];
    struct in6_addr v6;
    struct in_addr v4;
    uint16_t port;
    bool bracketed = text[0] == '[';
    const char *begin = bracketed ? text + 1 : text;
    size_t size = strcspn(begin, bracketed ? "]" : ":");
    if (!bracketed && strchr(begin + size, ':') != strrchr(begin, ':')) {
        return refuse(reason, reason_size, "an IPv6 address stands in brackets: [2001:db8::1]:161");
    }
    if (size >= sizeof host || (bracketed && begin[size] != ']')) {
        return refuse(reason, reason_size, "is not a numeric address");
    }
    memcpy(host, begin, size);
    host[size] = '\0';
    if (!parse_tail(begin + size + (bracketed ? 1 : 0), &port)) {
        return refuse(reason, reason_size, "its port must be 1 to 65535");
    }
    memset(address, 0, sizeof *address);
    if (bracketed && inet_pton(AF_INET6, host, &v6) == 1) {
        struct sockaddr_in6 *to = (struct sockaddr_in6 *)address;
        to->sin6_family = AF_INET6;
        to->sin6_addr = v6;
        to->sin6_port = htons(port);
        return 0;
    }
    if (!bracketed && inet_pton(AF_INET, host, &v4) == 1) {
        struct sockaddr_in *to = (struct sockaddr_in *)address;
        to->sin_family = AF_INET;
        to->sin_addr = v4;
        to->sin_port = htons(port);
        return 0;
    }
    return refuse(reason, reason_size,
                  "is not a numeric address (names are not looked up while polling)");
}

bool address_same(const struct sockaddr *a, const struct sockaddr *b)
{
    if (a->sa_family != b->sa_family) {
        return false;
    }
    if (a->sa_family == AF_INET) {
        const struct sockaddr_in *a4 = (const struct sockaddr_in *)a;
        const struct sockaddr_in *b4 = (const struct sockaddr_in *)b;
        return a4->sin_addr.s_addr == b4->sin_addr.s_addr && a4->sin_port == b4->sin_port;
    }
    if (a->sa_family == AF_INET6) {
        const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)a;
        const struct sockaddr_in6 *b6 = (const struct sockaddr_in6 *)b;
        return memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof a6->sin6_addr) == 0 &&
               a6->sin6_port == b6->sin6_port;
    }
    return false;
}
