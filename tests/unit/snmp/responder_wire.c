/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "responder_wire.h"

#include "responder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* --- reading a question: the client is ours and well formed --- */

static const uint8_t *open_tag(const uint8_t *p, uint8_t *tag, size_t *size)
{
    *tag = *p++;
    *size = *p++;
    if (*size >= 0x80) {
        size_t n = *size & 0x7f;
        *size = 0;
        while (n-- > 0) {
            *size = *size << 8 | *p++;
        }
    }
    return p;
}

static const uint8_t *read_integer(const uint8_t *p, long *value)
{
    uint8_t tag;
    size_t size;
    p = open_tag(p, &tag, &size);
    assert_int_equal(tag, TAG_INTEGER);
    unsigned long bits = *p >= 0x80 ? ~0UL : 0;
    while (size-- > 0) {
        bits = bits << 8 | *p++;
    }
    *value = (long)bits;
    return p;
}

static const uint8_t *read_name(const uint8_t *p, struct name *name)
{
    uint8_t tag;
    size_t size;
    p = open_tag(p, &tag, &size);
    assert_int_equal(tag, TAG_OID);
    const uint8_t *end = p + size;
    *name = (struct name){.n = 2, .ids = {*p / 40, *p % 40}};
    for (p++; p < end;) {
        unsigned long id = 0;
        do {
            id = id << 7 | (*p & 0x7f);
        } while (*p++ >= 0x80);
        assert_true(name->n < IDS_MAX);
        name->ids[name->n++] = id;
    }
    return p;
}

static const uint8_t *read_bytes(const uint8_t *p, struct bytes *bytes)
{
    uint8_t tag;
    p = open_tag(p, &tag, &bytes->size);
    assert_int_equal(tag, TAG_OCTETS);
    assert_true(bytes->size <= sizeof bytes->bytes);
    memcpy(bytes->bytes, p, bytes->size);
    return p + bytes->size;
}

static const uint8_t *read_security(const uint8_t *p, struct security *security)
{
    uint8_t tag;
    size_t size;
    struct bytes ignored;
    long number;
    p = open_tag(p, &tag, &size); /* msgGlobalData */
    p = read_integer(p, &security->message_id);
    p = read_integer(p, &number); /* msgMaxSize */
    assert_true(number >= 484);
    p = read_bytes(p, &ignored);                             /* msgFlags */
    assert_true(ignored.size == 1 && ignored.bytes[0] == 4); /* reportable, no authentication */
    p = read_integer(p, &number);
    assert_int_equal(number, 3);  /* USM */
    p = open_tag(p, &tag, &size); /* msgSecurityParameters */
    p = open_tag(p, &tag, &size);
    p = read_bytes(p, &security->engine_id);
    p = read_integer(p, &security->boots);
    p = read_integer(p, &security->time_s);
    p = read_bytes(p, &security->user);
    p = read_bytes(p, &ignored);
    p = read_bytes(p, &ignored);
    p = open_tag(p, &tag, &size); /* ScopedPDU */
    p = read_bytes(p, &security->context_engine_id);
    return read_bytes(p, &security->context);
}

void read_question(const uint8_t *p, struct question *question)
{
    uint8_t tag;
    size_t size;
    long ignored;
    p = open_tag(p, &tag, &size); /* the message */
    p = read_integer(p, &question->version);
    if (question->version == 3) {
        p = read_security(p, &question->security);
    } else {
        p = open_tag(p, &tag, &size);
        assert_true(size == 6 && memcmp(p, "secret", 6) == 0);
        p += size;
    }
    p = open_tag(p, &question->tag, &size);
    assert_true(question->version != 0 || question->tag != TAG_GETBULK);
    p = read_integer(p, &question->id);
    p = read_integer(p, &ignored);
    p = read_integer(p, &question->repetitions);
    p = open_tag(p, &tag, &size);
    const uint8_t *end = p + size;
    for (question->n = 0; p < end; question->n++) {
        assert_true(question->n < ASKED_MAX);
        p = open_tag(p, &tag, &size);
        p = read_name(p, &question->names[question->n]);
        p = open_tag(p, &tag, &size); /* NULL */
    }
}

/* --- writing an answer, from its end to its beginning --- */

static void put(struct writer *writer, const void *bytes, size_t size)
{
    assert_true(size <= writer->at);
    writer->at -= size;
    if (size > 0) {
        memcpy(writer->bytes + writer->at, bytes, size);
    }
}

static void put_byte(struct writer *writer, unsigned long byte)
{
    uint8_t one = (uint8_t)byte;
    put(writer, &one, 1);
}

static void put_head(struct writer *writer, uint8_t tag, size_t end)
{
    size_t size = end - writer->at;
    put_byte(writer, size & 0xff);
    put_byte(writer, size >> 8);
    put_byte(writer, 0x82);
    put_byte(writer, tag);
}

static void put_integer(struct writer *writer, long value)
{
    size_t end = writer->at;
    for (int i = 0; i < 4; i++) {
        put_byte(writer, (unsigned long)value >> (8 * i) & 0xff);
    }
    put_head(writer, TAG_INTEGER, end);
}

static void put_name(struct writer *writer, const struct name *name)
{
    size_t end = writer->at;
    for (size_t i = name->n; i > 2; i--) {
        unsigned long id = name->ids[i - 1];
        put_byte(writer, id & 0x7f);
        while ((id >>= 7) != 0) {
            put_byte(writer, 0x80 | (id & 0x7f));
        }
    }
    put_byte(writer, name->ids[0] * 40 + name->ids[1]);
    put_head(writer, TAG_OID, end);
}

static void put_varbind(struct writer *writer, const struct name *name, uint8_t tag,
                        const void *content, size_t size)
{
    size_t end = writer->at;
    size_t value_end = writer->at;
    put(writer, content, size);
    put_head(writer, tag, value_end);
    put_name(writer, name);
    put_head(writer, 0x30, end);
}

static void put_bytes(struct writer *writer, const void *bytes, size_t size)
{
    size_t end = writer->at;
    put(writer, bytes, size);
    put_head(writer, TAG_OCTETS, end);
}

static void put_security(struct writer *writer, const struct security *security)
{
    const uint8_t no_flags = 0;
    put_bytes(writer, security->context.bytes, security->context.size);
    put_bytes(writer, security->context_engine_id.bytes, security->context_engine_id.size);
    put_head(writer, 0x30, sizeof writer->bytes);
    size_t end = writer->at;
    put_bytes(writer, NULL, 0);
    put_bytes(writer, NULL, 0);
    put_bytes(writer, security->user.bytes, security->user.size);
    put_integer(writer, security->time_s);
    put_integer(writer, security->boots);
    put_bytes(writer, security->engine_id.bytes, security->engine_id.size);
    put_head(writer, 0x30, end);
    put_head(writer, TAG_OCTETS, end);
    end = writer->at;
    put_integer(writer, 3); /* USM */
    put_bytes(writer, &no_flags, 1);
    put_integer(writer, 65507);
    put_integer(writer, security->message_id);
    put_head(writer, 0x30, end);
}

void write_answer(const struct answer *answer, struct writer *writer)
{
    writer->at = sizeof writer->bytes;
    for (size_t i = answer->n; i > 0; i--) {
        const struct variable *from = &answer->vars[i - 1];
        put_varbind(writer, &from->name, from->tag, from->content, from->size);
    }
    put_head(writer, 0x30, sizeof writer->bytes);
    put_integer(writer, answer->error_index);
    put_integer(writer, answer->error_status);
    put_integer(writer, answer->id);
    put_head(writer, answer->tag, sizeof writer->bytes);
    if (answer->version == 3) {
        put_security(writer, &answer->security);
    } else {
        put_bytes(writer, answer->community, strlen(answer->community));
    }
    put_integer(writer, answer->version);
    put_head(writer, 0x30, sizeof writer->bytes);
}
