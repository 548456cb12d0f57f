/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Names and records of a DNS message as the text that `dig +short` shows. Pure. */
#ifndef CHECKS_DNS_TEXT_H
#define CHECKS_DNS_TEXT_H

#include <stddef.h>
#include <stdint.h>

enum {
    /* 255 bytes, each of which may be written as "\255", and the last dot. */
    DNS_NAME_TEXT_SIZE = 1032,
    DNS_TEXT_MAX = 2200, /* of a record: two names and numbers; longer texts are cut */
};

struct dns_span {
    const uint8_t *bytes;
    size_t size;
};

uint16_t dns_get16(const uint8_t *at);
uint32_t dns_get32(const uint8_t *at);

/* Behind the name at `at`; 0: it has no end within the message, is longer than 255 bytes, or has a
 * pointer to anything but before itself. */
size_t dns_name_end(const struct dns_span *message, size_t at);
/* The name with its last dot, bytes that are no plain characters escaped. 0 or -EBADMSG. */
int dns_name_text(const struct dns_span *message, size_t at, char text[DNS_NAME_TEXT_SIZE]);
/* A record's data, which lies within the message. A type that is not one of enum check_record is
 * shown as RFC 3597 does, without its bytes. 0 or -EBADMSG. */
int dns_data_text(const struct dns_span *message, unsigned type, size_t at, size_t size,
                  char text[DNS_TEXT_MAX]);

#endif
