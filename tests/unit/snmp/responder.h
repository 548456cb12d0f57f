/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An SNMP agent on the loopback that holds a few objects, and answers as badly as it is told to: in
 * the version that it is asked in, SNMPv3 without authentication. It has its own BER, so that
 * nothing under test checks itself. */
#ifndef TEST_SNMP_RESPONDER_H
#define TEST_SNMP_RESPONDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

enum { /* BER tags */
       TAG_INTEGER = 0x02,
       TAG_OCTETS = 0x04,
       TAG_NULL = 0x05,
       TAG_OID = 0x06,
       TAG_COUNTER32 = 0x41,
       TAG_GAUGE32 = 0x42,
       TAG_TIMETICKS = 0x43,
       TAG_COUNTER64 = 0x46,
       TAG_NO_SUCH_INSTANCE = 0x81,
       TAG_END_OF_MIB = 0x82,
       TAG_GET = 0xa0,
       TAG_GETNEXT = 0xa1,
       TAG_RESPONSE = 0xa2,
       TAG_GETBULK = 0xa5,
       TAG_TRAP2 = 0xa7,
       TAG_REPORT = 0xa8,
};

enum { /* usmStats (RFC 3414 section 5), besides which any number is one */
       REPORT_LEVEL = 1,
       REPORT_TIME = 2,
       REPORT_USER = 3,
       REPORT_ENGINE_ID = 4,
       REPORT_DIGEST = 5,
       REPORT_DECRYPTION = 6,
};

enum trick {
    TRICK_NONE,
    TRICK_SILENT,
    TRICK_WRONG_SOURCE_FIRST, /* from 127.0.0.2 with wrong values, then the good answer */
    TRICK_WRONG_SOURCE_ONLY,
    TRICK_WRONG_COMMUNITY_FIRST,
    TRICK_WRONG_COMMUNITY_ONLY,
    TRICK_VERSION_1, /* SNMPv1 to SNMPv2c, and the other way round */
    TRICK_OTHER_OID,
    TRICK_EMPTY,
    TRICK_EXTRA,
    TRICK_ERROR_INDEX_99,
    TRICK_ERROR_INDEX_NEGATIVE,
    TRICK_ERROR_STATUS_250,
    TRICK_TOO_BIG,        /* more varbinds than `most` */
    TRICK_TOO_BIG_SILENT, /* likewise, without an answer */
    TRICK_GARBAGE_FIRST,
    TRICK_WRONG_ID_FIRST,
    TRICK_THRICE,
    TRICK_LATE, /* keeps the first answer back until the next request */
    TRICK_TRAP,
    TRICK_NO_BULK,
    TRICK_SAME_NAME,
    TRICK_DECREASING,
    TRICK_MALFORMED_VALUE, /* values of `bad_prefix` are nine-byte Counter32s */
    TRICK_EMPTY_INTEGER,   /* likewise … */
    TRICK_UNKNOWN_TAG,
    TRICK_LONG_OID, /* of 202 sub-identifiers */
    TRICK_TRUNCATED,
    TRICK_BAD_LENGTH,
};

/* As an SNMPv3 engine. */
/* What of an SNMPv3 answer is not the question's. */
enum foreign {
    FOREIGN_NONE,
    FOREIGN_CONTEXT,
    FOREIGN_CONTEXT_ENGINE,
    FOREIGN_USER,
    FOREIGN_ID, /* the request-id */
    FOREIGN_TAG,
    FOREIGN_N,
};

struct responder_engine {
    const char *id;
    size_t id_size;
    const char *user;
    long boots;
    long time_s;
    enum foreign foreign;  /* in an answer that is no report */
    unsigned long report;  /* to everything but a discovery; 0: none */
    size_t n_time_reports; /* that are still to be given when boots are not ours */
    size_t n_discoveries;
    long last_boots; /* of the last question to this engine */
    long last_time_s;
    char last_context[64];
};

struct responder;

/* What it saw and how it behaves; a test may write the second half at any time. */
struct responder_state {
    size_t n_gets;
    size_t n_getnexts;
    size_t n_bulks;
    unsigned long last_repetitions;
    size_t last_names;
    int64_t shortest_gap_ns; /* from an answer to the next question; 0: none yet */
    size_t n_overlaps;       /* questions that came before the answer to the last one was out */
    enum trick get_trick;
    enum trick walk_trick;
    unsigned delay_ms; /* of every answer that is right */
    size_t most;
    const char *bad_prefix;
    struct responder_engine engine;
};

struct responder *responder_new(uv_loop_t *loop, int family);
void responder_close(struct responder *responder);
uint16_t responder_port(const struct responder *responder);
struct responder_state *responder_state(struct responder *responder);

/* "1.3.6.1.2.1.1.3.0" */
void responder_set_number(struct responder *responder, const char *oid, uint8_t tag,
                          uint64_t value);
void responder_set_bytes(struct responder *responder, const char *oid, const void *bytes,
                         size_t size);
/* What begins with the prefix; "" for all. */
void responder_remove(struct responder *responder, const char *prefix);

/* The system group and `n` Ethernet ports "portN" with 64-bit counters: octets in are 1000 × index,
 * out 2000 × index; packets 10, 20 and 30 × index in, twice that out. */
void responder_fill(struct responder *responder, uint32_t n, uint32_t uptime_ticks);

#endif
