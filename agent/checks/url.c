/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "url.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_name_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '.' || byte == '-' || byte == '_';
}

/* Where the host begins; NULL: neither http nor https. */
static const char *skip_scheme(const char *url, uint16_t *port)
{
    static const struct {
        const char *text;
        uint16_t port;
    } schemes[] = {{"http://", 80}, {"https://", 443}};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t size = strlen(schemes[i].text);
        if (strncasecmp(url, schemes[i].text, size) == 0) {
            *port = schemes[i].port;
            return url + size;
        }
    }
    return NULL;
}

/* Behind the host; NULL: it is none. */
static const char *take_host(const char *at, char host[URL_HOST_MAX + 1])
{
    struct in6_addr address;
    bool is_bracketed = *at == '[';
    const char *begin = is_bracketed ? at + 1 : at;
    size_t size = is_bracketed ? strcspn(begin, "]") : 0;
    while (!is_bracketed && is_name_byte(begin[size])) {
        size++;
    }
    if (size == 0 || size > URL_HOST_MAX) {
        return NULL;
    }
    memcpy(host, begin, size);
    host[size] = '\0';
    if (is_bracketed && (begin[size] != ']' || inet_pton(AF_INET6, host, &address) != 1)) {
        return NULL;
    }
    return begin + size + (is_bracketed ? 1 : 0);
}

/* Behind the port, or there already; NULL: it is none. */
static const char *take_port(const char *at, uint16_t *port)
{
    unsigned number = 0;
    if (*at != ':') {
        return at;
    }
    size_t digits = strspn(at + 1, "0123456789");
    for (size_t i = 1; i <= digits && number <= UINT16_MAX; i++) {
        number = number * 10 + (unsigned)(at[i] - '0');
    }
    if (digits == 0 || number == 0 || number > UINT16_MAX) {
        return NULL;
    }
    *port = (uint16_t)number;
    return at + 1 + digits;
}

int url_split(const char *url, char host[URL_HOST_MAX + 1], uint16_t *port, char *reason,
              size_t reason_size)
{
    const char *fault = NULL;
    const char *at = skip_scheme(url, port);
    if (at == NULL) {
        fault = "must begin with http:// or https://";
    } else if (memchr(at, '@', strcspn(at, "/?#")) != NULL) {
        fault = "must not hold a user name or password: addresses are shown to everyone";
    } else if ((at = take_host(at, host)) == NULL) {
        fault = "needs a host: a name in ASCII (an international one in its xn-- form), an IPv4 "
                "address, or an IPv6 address in brackets";
    } else if ((at = take_port(at, port)) == NULL) {
        fault = "has a port that is not 1 to 65535";
    } else if (*at != '\0' && strchr("/?#", *at) == NULL) {
        fault = "has something else than a port or a path after its host";
    }
    for (; fault == NULL && *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~' || *at == '\\') {
            fault = "must be printable ASCII without blanks or backslashes (others as %XX)";
        }
    }
    if (fault != NULL) {
        (void)snprintf(reason, reason_size, "%s", fault);
        return -EINVAL;
    }
    return 0;
}
