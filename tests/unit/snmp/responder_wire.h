/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The responder's own BER: questions read, answers written. SNMPv3 without authentication, which is
 * enough to answer a discovery and to send reports. */
#ifndef TEST_SNMP_RESPONDER_WIRE_H
#define TEST_SNMP_RESPONDER_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { IDS_MAX = 32, ASKED_MAX = 16, ANSWER_MAX = 64 * 1024, VARBINDS_MAX = 300, TEXT_MAX = 64 };

struct name {
    size_t n;
    unsigned long ids[IDS_MAX];
};

struct variable {
    struct name name;
    uint8_t tag;
    uint8_t *content;
    size_t size;
};

struct bytes {
    uint8_t bytes[TEXT_MAX];
    size_t size;
};

/* What an SNMPv3 message has besides its PDU. */
struct security {
    long message_id;
    struct bytes engine_id;
    long boots;
    long time_s;
    struct bytes user;
    struct bytes context_engine_id;
    struct bytes context;
};

struct question {
    long version; /* as on the wire: 0, 1, 3 */
    uint8_t tag;
    long id;
    long repetitions;
    size_t n;
    struct name names[ASKED_MAX];
    struct security security;
    struct sockaddr_storage from;
    socklen_t from_size;
};

struct answer {
    uint8_t tag;
    long version;
    const char *community;
    struct security security;
    long id;
    long error_status;
    long error_index;
    size_t n;
    struct variable vars[VARBINDS_MAX]; /* contents belong to the objects */
};

struct writer {
    uint8_t bytes[ANSWER_MAX];
    size_t at;
};

/* The client is ours and well formed. */
void read_question(const uint8_t *bytes, struct question *question);
/* From its end to its beginning: `at` is where it begins. */
void write_answer(const struct answer *answer, struct writer *writer);

#endif
