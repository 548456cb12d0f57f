/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One DNS question and what comes back, as bytes (RFC 1035 section 4, EDNS of RFC 6891): records as
 * `dig +short` shows them, along the chain of aliases that leads from the name that was asked for.
 * Names are read by c-ares once it is sure that they end. Pure.
 *
 * Limits: a name 127 pointers, each to before itself; 16 aliases; 512 records of the answer. */
#ifndef CHECKS_DNS_MESSAGE_H
#define CHECKS_DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DNS_QUERY_MAX = 512,
    DNS_UDP_MAX = 1232, /* what fits every path (DNS flag day 2020); we tell the server so */
    DNS_TCP_MAX = 65535,
};

struct dns_query {
    uint8_t bytes[DNS_QUERY_MAX];
    size_t size;
    size_t question_end;
    int record;
};

/* Recursion desired, id 0. 0, -EINVAL (no such name can be asked for) or -ENOMEM. `record` is the
 * type's number. */
int dns_query_make(const char *name, int record, struct dns_query *query);
void dns_query_set_id(struct dns_query *query, uint16_t id);

/* Is it the answer to that question with that id? One without a question is where its response
 * code says why. */
bool dns_is_answer(const uint8_t *bytes, size_t size, const struct dns_query *query, uint16_t id);

struct dns_answer {
    unsigned rcode;
    bool is_truncated;
    size_t n_records; /* of the type that was asked for, of the name that the chain leads to */
    bool has_ttl;
    uint32_t ttl_s; /* the smallest of the chain and the records */
};
/* An alias or a record, "10 mail.example.org."; the text is gone after the call. */
typedef void dns_record_seen(void *context, const char *text);
/* 0; -EBADMSG with what is wrong of the bytes; -ELOOP: aliases lead nowhere. What was seen before
 * the fault has been told. */
int dns_read_answer(const uint8_t *bytes, size_t size, const struct dns_query *query,
                    dns_record_seen *seen, void *context, struct dns_answer *answer,
                    const char **fault);

/* "NXDOMAIN"; "RCODE23" where it has no name. */
enum { DNS_RCODE_TEXT_SIZE = 16 };
const char *dns_rcode_name(unsigned rcode, char text[DNS_RCODE_TEXT_SIZE]);

#endif
