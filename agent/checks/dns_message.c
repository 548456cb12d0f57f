/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns_message.h"

#include "checks/config.h"
#include "dns_text.h"

#include <ares.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    HEADER_SIZE = 12,
    FLAGS_AT = 2,
    QUESTIONS_AT = 4,
    ANSWERS_AT = 6,
    QUESTION_REST = 4, /* type and class */
    RECORD_HEAD = 10,  /* type, class, TTL, size */
    CLASS_IN = 1,
    ALIASES_MAX = 16, /* resolvers give up at 8 to 16 */
    RECORDS_MAX = 512,
};

static const unsigned RESPONSE = 0x8000;
static const unsigned OPCODE = 0x7800;
static const unsigned TRUNCATED = 0x0200;
static const unsigned RCODE = 0x000f;

/* --- the question --- */

int dns_query_make(const char *name, int record, struct dns_query *query)
{
    unsigned char *bytes = NULL;
    int size = 0;
    int rc = ares_create_query(name, CLASS_IN, record, 0, 1, &bytes, &size, DNS_UDP_MAX);
    if (rc != ARES_SUCCESS) {
        return rc == ARES_ENOMEM ? -ENOMEM : -EINVAL;
    }
    rc = size > HEADER_SIZE && size <= DNS_QUERY_MAX ? 0 : -EINVAL;
    if (rc == 0) {
        struct dns_span message = {bytes, (size_t)size};
        size_t end = dns_name_end(&message, HEADER_SIZE);
        memcpy(query->bytes, bytes, (size_t)size);
        query->size = (size_t)size;
        query->question_end = end + QUESTION_REST;
        query->record = record;
        rc = end == 0 || query->question_end > query->size ? -EINVAL : 0;
    }
    ares_free_string(bytes);
    return rc;
}

void dns_query_set_id(struct dns_query *query, uint16_t id)
{
    query->bytes[0] = (uint8_t)(id >> 8);
    query->bytes[1] = (uint8_t)id;
}

/* Byte by byte: in a name that is not compressed no length looks like a letter. */
static bool same_question(const uint8_t *bytes, const struct dns_query *query)
{
    for (size_t i = HEADER_SIZE; i < query->question_end; i++) {
        uint8_t a = bytes[i];
        uint8_t b = query->bytes[i];
        bool is_letter = (a | 0x20) >= 'a' && (a | 0x20) <= 'z';
        if (a != b && !(is_letter && (a | 0x20) == (b | 0x20))) {
            return false;
        }
    }
    return true;
}

bool dns_is_answer(const uint8_t *bytes, size_t size, const struct dns_query *query, uint16_t id)
{
    if (size < HEADER_SIZE || dns_get16(bytes) != id) {
        return false;
    }
    unsigned flags = dns_get16(bytes + FLAGS_AT);
    if ((flags & RESPONSE) == 0 || (flags & OPCODE) != 0) {
        return false;
    }
    unsigned n_questions = dns_get16(bytes + QUESTIONS_AT);
    if (n_questions == 0) {
        return (flags & RCODE) != 0;
    }
    return n_questions == 1 && size >= query->question_end && same_question(bytes, query);
}

/* --- the answer --- */

struct record {
    size_t owner_at;
    unsigned type;
    unsigned class;
    uint32_t ttl_s;
    size_t data_at;
    size_t data_size;
};

/* 0 and where the next one begins, or -EBADMSG. */
static int read_record(const struct dns_span *message, size_t at, struct record *record,
                       size_t *next)
{
    size_t end = dns_name_end(message, at);
    if (end == 0 || message->size - end < RECORD_HEAD) {
        return -EBADMSG;
    }
    const uint8_t *head = message->bytes + end;
    *record = (struct record){
        .owner_at = at,
        .type = dns_get16(head),
        .class = dns_get16(head + 2),
        .ttl_s = dns_get32(head + 4),
        .data_at = end + RECORD_HEAD,
        .data_size = dns_get16(head + 8),
    };
    if (record->data_size > message->size - record->data_at) {
        return -EBADMSG;
    }
    *next = record->data_at + record->data_size;
    return 0;
}

/* What is read and what is told of it. */
struct reading {
    struct dns_span message;
    int record_type;
    size_t records_at;
    size_t n_records; /* of the answer section, all of which can be read */
    dns_record_seen *seen;
    void *context;
    struct dns_answer *answer;
};

static void tell(const struct reading *reading, const struct record *record, const char *text)
{
    struct dns_answer *answer = reading->answer;
    /* RFC 2181 section 8: the highest bit makes it 0. */
    uint32_t ttl_s = record->ttl_s > INT32_MAX ? 0 : record->ttl_s;
    if (!answer->has_ttl || ttl_s < answer->ttl_s) {
        answer->ttl_s = ttl_s;
    }
    answer->has_ttl = true;
    reading->seen(reading->context, text);
}

/* Tells the records of a name; `name` becomes the one that it is an alias of, and *is_alias says
 * so. */
static int read_name(const struct reading *reading, char name[DNS_NAME_TEXT_SIZE], bool *is_alias)
{
    char target[DNS_NAME_TEXT_SIZE] = "";
    char owner[DNS_NAME_TEXT_SIZE];
    char text[DNS_TEXT_MAX];
    size_t at = reading->records_at;
    *is_alias = false;
    for (size_t i = 0; i < reading->n_records; i++) {
        struct record record;
        if (read_record(&reading->message, at, &record, &at) != 0 ||
            dns_name_text(&reading->message, record.owner_at, owner) != 0) {
            return -EBADMSG;
        }
        bool is_wanted = record.type == (unsigned)reading->record_type;
        bool is_chain = record.type == CHECK_RECORD_CNAME && !*is_alias;
        if (record.class != CLASS_IN || (!is_wanted && !is_chain) || strcasecmp(owner, name) != 0) {
            continue;
        }
        if (dns_data_text(&reading->message, record.type, record.data_at, record.data_size, text) !=
            0) {
            return -EBADMSG;
        }
        tell(reading, &record, text);
        if (is_wanted) {
            reading->answer->n_records++;
        } else {
            *is_alias = dns_name_text(&reading->message, record.data_at, target) == 0;
        }
    }
    if (*is_alias) {
        memcpy(name, target, sizeof target);
    }
    return 0;
}

static int read_chain(const struct reading *reading, char name[DNS_NAME_TEXT_SIZE],
                      const char **fault)
{
    bool is_alias = true;
    for (int i = 0; is_alias; i++) {
        if (i > ALIASES_MAX) {
            *fault = "the aliases go in a circle, or there are more than 16";
            return -ELOOP;
        }
        if (read_name(reading, name, &is_alias) != 0) {
            *fault = "a record cannot be read";
            return -EBADMSG;
        }
        /* A name with records of its own ends the chain, whatever else is said of it. */
        is_alias = is_alias && reading->answer->n_records == 0;
    }
    return 0;
}

/* The whole section can be walked before anything of it is believed. */
static int count_records(const struct dns_span *message, size_t at, size_t n, const char **fault)
{
    struct record record;
    if (n > RECORDS_MAX) {
        *fault = "more than 512 records";
        return -EBADMSG;
    }
    for (size_t i = 0; i < n; i++) {
        if (read_record(message, at, &record, &at) != 0) {
            *fault = "it ends before its records do, or a name has no end";
            return -EBADMSG;
        }
    }
    return 0;
}

int dns_read_answer(const uint8_t *bytes, size_t size, const struct dns_query *query,
                    dns_record_seen *seen, void *context, struct dns_answer *answer,
                    const char **fault)
{
    char name[DNS_NAME_TEXT_SIZE];
    const struct dns_span asked = {query->bytes, query->size};
    struct reading reading = {
        .message = {bytes, size},
        .record_type = query->record,
        .records_at = query->question_end,
        .seen = seen,
        .context = context,
        .answer = answer,
    };
    *answer = (struct dns_answer){0};
    *fault = "";
    if (size < HEADER_SIZE) {
        *fault = "no header";
        return -EBADMSG;
    }
    unsigned flags = dns_get16(bytes + FLAGS_AT);
    answer->rcode = flags & RCODE;
    answer->is_truncated = (flags & TRUNCATED) != 0;
    if (answer->is_truncated || dns_get16(bytes + QUESTIONS_AT) == 0) {
        return 0; /* the rest is asked for again, or there is none */
    }
    reading.n_records = dns_get16(bytes + ANSWERS_AT);
    int rc = count_records(&reading.message, reading.records_at, reading.n_records, fault);
    if (rc == 0 && dns_name_text(&asked, HEADER_SIZE, name) != 0) {
        *fault = "no name";
        rc = -EBADMSG;
    }
    return rc == 0 ? read_chain(&reading, name, fault) : rc;
}

const char *dns_rcode_name(unsigned rcode, char text[DNS_RCODE_TEXT_SIZE])
{
    static const char *const names[] = {"NOERROR",  "FORMERR", "SERVFAIL",
                                        "NXDOMAIN", "NOTIMP",  "REFUSED"};
    if (rcode < sizeof names / sizeof names[0]) {
        return names[rcode];
    }
    (void)snprintf(text, DNS_RCODE_TEXT_SIZE, "RCODE%u", rcode);
    return text;
}
