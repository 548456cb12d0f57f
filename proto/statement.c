/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/statement.h"

#include "beffroi.pb-c.h"
#include "item_check.h"
#include "text.h"
#include "wire.h"
#include <assert.h>
#include <errno.h>
#include <string.h>

/* What is signed begins with this, its NUL included: no other thing that this key ever signs can
 * be taken for a statement. */
static const char domain[] = "beffroi statement v1";

enum { SIGNED_SIZE_MAX = sizeof domain + STATEMENT_SIZE_MAX };

static size_t signed_text(const uint8_t *bytes, size_t size, uint8_t text[SIGNED_SIZE_MAX])
{
    memcpy(text, domain, sizeof domain);
    memcpy(text + sizeof domain, bytes, size);
    return sizeof domain + size;
}

static bool field_is_text(const char *text, size_t room)
{
    size_t size = strnlen(text, room);
    return size < room && text_is_valid(text, size, room - 1);
}

static bool field_is_name(const char *name)
{
    return name[0] != '\0' && field_is_text(name, PROTO_NAME_MAX + 1);
}

static bool statement_is_valid(const struct statement *statement)
{
    return statement->number > 0 && statement->has_previous == (statement->number > 1) &&
           field_is_name(statement->device) && field_is_name(statement->check) &&
           item_outcome_is_known(statement->outcome) &&
           field_is_text(statement->reason, sizeof statement->reason) &&
           field_is_text(statement->detail, sizeof statement->detail) &&
           item_time_is_valid(statement->first) && item_time_is_valid(statement->last) &&
           statement->first.ms <= statement->last.ms && statement->results > 0 &&
           statement->interval_ms >= PROTO_INTERVAL_MIN_MS &&
           statement->interval_ms <= PROTO_INTERVAL_MAX_MS;
}

int statement_sign(const struct statement *statement, const struct keys *keys, uint8_t *bytes,
                   size_t *size, uint8_t signature[KEYS_SIGNATURE_SIZE])
{
    if (!statement_is_valid(statement)) {
        return -EINVAL;
    }
    /* protobuf-c writes fields in the order of their numbers and leaves defaults out: one
     * statement has one encoding. */
    Beffroi__V1__Statement packed = BEFFROI__V1__STATEMENT__INIT;
    packed.stream = (ProtobufCBinaryData){PROTO_STREAM_SIZE, (uint8_t *)statement->stream};
    packed.number = statement->number;
    if (statement->has_previous) {
        packed.previous = (ProtobufCBinaryData){KEYS_HASH_SIZE, (uint8_t *)statement->previous};
    }
    packed.device = (char *)statement->device;
    packed.check = (char *)statement->check;
    packed.outcome = (Beffroi__V1__Outcome)statement->outcome;
    packed.reason = (char *)statement->reason;
    packed.first_ms = statement->first.ms;
    packed.last_ms = statement->last.ms;
    packed.results = statement->results;
    packed.interval_ms = (uint32_t)statement->interval_ms;
    packed.detail = (char *)statement->detail;
    /* The limits of its fields add up to 1,210 bytes. */
    assert(beffroi__v1__statement__get_packed_size(&packed) <= STATEMENT_SIZE_MAX);
    *size = beffroi__v1__statement__pack(&packed, bytes);

    uint8_t text[SIGNED_SIZE_MAX];
    keys_sign(keys, text, signed_text(bytes, *size, text), signature);
    return 0;
}

void statement_hash(const uint8_t *bytes, size_t size, uint8_t hash[KEYS_HASH_SIZE])
{
    keys_hash(bytes, size, hash);
}

/* The raw fields of a statement. */
struct fields {
    struct wire_bytes stream, previous, device, check, reason, detail;
    uint64_t outcome, first_ms, last_ms, interval_ms;
};

static int read_fields(const uint8_t *bytes, size_t size, struct fields *fields,
                       struct statement *statement)
{
    const struct wire_target targets[] = {
        {1, NULL, &fields->stream},       {2, &statement->number, NULL},
        {3, NULL, &fields->previous},     {4, NULL, &fields->device},
        {5, NULL, &fields->check},        {6, &fields->outcome, NULL},
        {7, NULL, &fields->reason},       {8, &fields->first_ms, NULL},
        {9, &fields->last_ms, NULL},      {10, &statement->results, NULL},
        {11, &fields->interval_ms, NULL}, {12, NULL, &fields->detail},
    };
    return wire_read(bytes, size, targets, sizeof targets / sizeof targets[0]);
}

/* False when it does not fit, or a NUL within would cut it short. */
static bool copy_text(const struct wire_bytes *from, char *text, size_t room)
{
    if (from->size >= room) {
        return false;
    }
    if (from->size > 0) {
        memcpy(text, from->at, from->size);
    }
    text[from->size] = '\0';
    return strlen(text) == from->size;
}

int statement_decode(const uint8_t *bytes, size_t size, struct statement *statement)
{
    memset(statement, 0, sizeof *statement);
    struct fields fields = {0};
    if (size > STATEMENT_SIZE_MAX || read_fields(bytes, size, &fields, statement) != 0 ||
        fields.stream.size != PROTO_STREAM_SIZE ||
        (fields.previous.size != 0 && fields.previous.size != KEYS_HASH_SIZE) ||
        !copy_text(&fields.device, statement->device, sizeof statement->device) ||
        !copy_text(&fields.check, statement->check, sizeof statement->check) ||
        !copy_text(&fields.reason, statement->reason, sizeof statement->reason) ||
        !copy_text(&fields.detail, statement->detail, sizeof statement->detail) ||
        fields.outcome > OUTCOME_UNKNOWN || fields.interval_ms > PROTO_INTERVAL_MAX_MS) {
        return -EBADMSG;
    }
    memcpy(statement->stream, fields.stream.at, sizeof statement->stream);
    if (fields.previous.size != 0) {
        statement->has_previous = true;
        memcpy(statement->previous, fields.previous.at, sizeof statement->previous);
    }
    statement->outcome = (enum outcome)fields.outcome;
    statement->first = (struct wall){(int64_t)fields.first_ms};
    statement->last = (struct wall){(int64_t)fields.last_ms};
    statement->interval_ms = (int64_t)fields.interval_ms;
    return statement_is_valid(statement) ? 0 : -EBADMSG;
}

int statement_verify(const uint8_t *bytes, size_t size,
                     const uint8_t signature[KEYS_SIGNATURE_SIZE],
                     const uint8_t sign_public[KEYS_SIGN_PUBLIC_SIZE])
{
    if (size > STATEMENT_SIZE_MAX) {
        return -EBADMSG;
    }
    uint8_t text[SIGNED_SIZE_MAX];
    return keys_verify(sign_public, text, signed_text(bytes, size, text), signature);
}
