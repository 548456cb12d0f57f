/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns_text.h"

#include "checks/config.h"

#include <ares.h>
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    NAME_MAX_SIZE = 255, /* RFC 1035 section 2.3.4 */
    POINTERS_MAX = 127,  /* as many as a name can have labels */
    SOA_NUMBERS = 20,
};

uint16_t dns_get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

uint32_t dns_get32(const uint8_t *at)
{
    return (uint32_t)dns_get16(at) << 16 | dns_get16(at + 2);
}

size_t dns_name_end(const struct dns_span *message, size_t at)
{
    const uint8_t *bytes = message->bytes;
    size_t end = 0; /* behind the first pointer, once there was one */
    size_t name_size = 1;
    size_t n_pointers = 0;
    while (at < message->size && bytes[at] != 0) {
        if (bytes[at] >= 0xc0) {
            if (message->size - at < 2 || ++n_pointers > POINTERS_MAX) {
                return 0;
            }
            size_t to = dns_get16(bytes + at) & 0x3fff;
            if (to >= at) {
                return 0;
            }
            end = end == 0 ? at + 2 : end;
            at = to;
            continue;
        }
        name_size += (size_t)bytes[at] + 1;
        if (bytes[at] > 63 || name_size > NAME_MAX_SIZE) {
            return 0;
        }
        at += (size_t)bytes[at] + 1;
    }
    if (at >= message->size) {
        return 0;
    }
    return end == 0 ? at + 1 : end;
}

int dns_name_text(const struct dns_span *message, size_t at, char text[DNS_NAME_TEXT_SIZE])
{
    char *name = NULL;
    long used = 0;
    if (dns_name_end(message, at) == 0 ||
        ares_expand_name(message->bytes + at, message->bytes, (int)message->size, &name, &used) !=
            ARES_SUCCESS) {
        return -EBADMSG;
    }
    int size = snprintf(text, DNS_NAME_TEXT_SIZE, "%s.", name);
    ares_free_string(name);
    return size > 0 && size < DNS_NAME_TEXT_SIZE ? 0 : -EBADMSG;
}

/* A name that fills the data from `at` on, or is followed by `rest` more bytes of it. */
static int inner_name(const struct dns_span *message, size_t at, size_t data_end, size_t rest,
                      char text[DNS_NAME_TEXT_SIZE])
{
    size_t end = at <= data_end ? dns_name_end(message, at) : 0;
    if (end == 0 || end > data_end || data_end - end != rest) {
        return -EBADMSG;
    }
    return dns_name_text(message, at, text);
}

/* What does not fit is cut; text compared with it is not longer either. */
static int put(char text[DNS_TEXT_MAX], const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static int put(char text[DNS_TEXT_MAX], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, DNS_TEXT_MAX, format, arguments);
    va_end(arguments);
    return 0;
}

static int address_text(const struct dns_span *data, int family, char text[DNS_TEXT_MAX])
{
    size_t wanted = family == AF_INET ? 4 : 16;
    if (data->size != wanted || inet_ntop(family, data->bytes, text, DNS_TEXT_MAX) == NULL) {
        return -EBADMSG;
    }
    return 0;
}

static size_t put_character(char *text, uint8_t c)
{
    int size;
    if (c == '"' || c == '\\') {
        size = snprintf(text, 3, "\\%c", c);
    } else if (c >= ' ' && c <= '~') {
        size = snprintf(text, 2, "%c", c);
    } else {
        size = snprintf(text, 5, "\\%03u", c);
    }
    return (size_t)size;
}

/* Strings of a TXT record, each in quotes. */
static int strings_text(const struct dns_span *data, char text[DNS_TEXT_MAX])
{
    /* A character takes 4 at most; quotes, a blank and the end of the text 4 more. */
    enum { ROOM = 8 };
    size_t at = 0;
    size_t used = 0;
    text[0] = '\0';
    while (at < data->size) {
        size_t size = data->bytes[at];
        const uint8_t *string = data->bytes + at + 1;
        if (size > data->size - at - 1) {
            return -EBADMSG;
        }
        at += size + 1;
        if (used + ROOM > DNS_TEXT_MAX) {
            continue; /* cut, but looked at to its end */
        }
        used += (size_t)snprintf(text + used, 3, used > 0 ? " \"" : "\"");
        for (size_t i = 0; i < size && used + ROOM <= DNS_TEXT_MAX; i++) {
            used += put_character(text + used, string[i]);
        }
        used += (size_t)snprintf(text + used, 2, "\"");
    }
    return 0;
}

static int soa_text(const struct dns_span *message, size_t at, size_t data_end,
                    char text[DNS_TEXT_MAX])
{
    char server[DNS_NAME_TEXT_SIZE];
    char mail[DNS_NAME_TEXT_SIZE];
    size_t second = dns_name_end(message, at);
    if (second == 0 || second > data_end ||
        inner_name(message, second, data_end, SOA_NUMBERS, mail) != 0 ||
        dns_name_text(message, at, server) != 0) {
        return -EBADMSG;
    }
    const uint8_t *numbers = message->bytes + data_end - SOA_NUMBERS;
    return put(text, "%s %s %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32, server, mail,
               dns_get32(numbers), dns_get32(numbers + 4), dns_get32(numbers + 8),
               dns_get32(numbers + 12), dns_get32(numbers + 16));
}

int dns_data_text(const struct dns_span *message, unsigned type, size_t at, size_t size,
                  char text[DNS_TEXT_MAX])
{
    const struct dns_span data = {message->bytes + at, size};
    size_t data_end = at + size;
    char name[DNS_NAME_TEXT_SIZE];
    switch (type) {
    case CHECK_RECORD_A:
        return address_text(&data, AF_INET, text);
    case CHECK_RECORD_AAAA:
        return address_text(&data, AF_INET6, text);
    case CHECK_RECORD_NS:
    case CHECK_RECORD_CNAME:
    case CHECK_RECORD_PTR:
        return inner_name(message, at, data_end, 0, name) != 0 ? -EBADMSG : put(text, "%s", name);
    case CHECK_RECORD_MX:
        return inner_name(message, at + 2, data_end, 0, name) != 0
                   ? -EBADMSG
                   : put(text, "%u %s", dns_get16(data.bytes), name);
    case CHECK_RECORD_SRV:
        return inner_name(message, at + 6, data_end, 0, name) != 0
                   ? -EBADMSG
                   : put(text, "%u %u %u %s", dns_get16(data.bytes), dns_get16(data.bytes + 2),
                         dns_get16(data.bytes + 4), name);
    case CHECK_RECORD_SOA:
        return soa_text(message, at, data_end, text);
    case CHECK_RECORD_TXT:
        return strings_text(&data, text);
    default:
        return put(text, "\\# %zu", size);
    }
}
