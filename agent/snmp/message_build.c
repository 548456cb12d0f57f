/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "message.h"

#include <string.h>

#include <net-snmp/net-snmp-config.h>
/* The library's own headers need the line above first. */
#include <net-snmp/net-snmp-includes.h>

static const u_char sequence = ASN_SEQUENCE | ASN_CONSTRUCTOR;

struct writer {
    uint8_t *at; /* NULL: it did not fit */
    size_t left;
};

static void write_integer(struct writer *writer, long value)
{
    if (writer->at != NULL) {
        writer->at = asn_build_int(writer->at, &writer->left, ASN_INTEGER, &value, sizeof value);
    }
}

static void write_octets(struct writer *writer, const uint8_t *bytes, size_t size)
{
    if (writer->at != NULL) {
        writer->at = asn_build_string(writer->at, &writer->left, ASN_OCTET_STR, bytes, size);
    }
}

static void write_null(struct writer *writer, struct oid_view name)
{
    size_t n = name.n;
    if (writer->at != NULL) {
        writer->at = snmp_build_var_op(writer->at, (oid *)(uintptr_t)name.ids, &n, ASN_NULL, 0,
                                       NULL, &writer->left);
    }
}

/* An element whose length comes later; the library gives its head four bytes whatever it is. */
static uint8_t *begin_element(struct writer *writer, u_char tag)
{
    uint8_t *head = writer->at;
    if (head != NULL) {
        writer->at = asn_build_sequence(head, &writer->left, tag, 0);
    }
    return head;
}

static void end_element(const struct writer *writer, uint8_t *head, u_char tag)
{
    enum { HEAD_SIZE = 4 };
    size_t left = HEAD_SIZE;
    if (writer->at != NULL) {
        (void)asn_build_sequence(head, &left, tag, (size_t)(writer->at - head) - HEAD_SIZE);
    }
}

static size_t written(const struct writer *writer, const uint8_t *bytes)
{
    return writer->at != NULL ? (size_t)(writer->at - bytes) : 0;
}

static void write_pdu(struct writer *writer, long id, const struct request *request)
{
    static const u_char commands[] = {[REQUEST_GET] = SNMP_MSG_GET,
                                      [REQUEST_GETNEXT] = SNMP_MSG_GETNEXT,
                                      [REQUEST_GETBULK] = SNMP_MSG_GETBULK};
    const u_char command = commands[request->type];
    uint8_t *pdu = begin_element(writer, command);
    write_integer(writer, id);
    write_integer(writer, 0); /* error-status; non-repeaters */
    write_integer(writer, request->type == REQUEST_GETBULK ? (long)request->repetitions : 0);
    uint8_t *list = begin_element(writer, sequence);
    for (size_t i = 0; i < request->n_names; i++) {
        write_null(writer, request->names[i]);
    }
    end_element(writer, list, sequence);
    end_element(writer, pdu, command);
}

size_t message_build(long version, const uint8_t *community, size_t community_size, long id,
                     const struct request *request, uint8_t *bytes, size_t size)
{
    struct writer writer = {bytes, size};
    uint8_t *message = begin_element(&writer, sequence);
    write_integer(&writer, version);
    write_octets(&writer, community, community_size);
    write_pdu(&writer, id, request);
    end_element(&writer, message, sequence);
    return written(&writer, bytes);
}

size_t message_build_pdu(long id, const struct request *request, uint8_t *bytes, size_t size)
{
    struct writer writer = {bytes, size};
    write_pdu(&writer, id, request);
    return written(&writer, bytes);
}

size_t message_build_scoped(const struct message_scope *scope, const uint8_t *pdu, size_t pdu_size,
                            uint8_t *bytes, size_t size)
{
    struct writer writer = {bytes, size};
    uint8_t *scoped = begin_element(&writer, sequence);
    write_octets(&writer, scope->engine_id, scope->engine_id_size);
    write_octets(&writer, scope->context, scope->context_size);
    if (writer.at == NULL || pdu_size > writer.left) {
        return 0;
    }
    memcpy(writer.at, pdu, pdu_size);
    writer.at += pdu_size;
    end_element(&writer, scoped, sequence);
    return written(&writer, bytes);
}

size_t message_build_v3_head(long id, long max_size, uint8_t flags, uint8_t *bytes, size_t size)
{
    struct writer writer = {bytes, size};
    write_integer(&writer, MESSAGE_V3);
    uint8_t *head = begin_element(&writer, sequence);
    write_integer(&writer, id);
    write_integer(&writer, max_size);
    write_octets(&writer, &flags, sizeof flags);
    write_integer(&writer, SNMP_SEC_MODEL_USM);
    end_element(&writer, head, sequence);
    return written(&writer, bytes);
}
