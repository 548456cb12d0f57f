/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "message.h"

#include "message_plain.h"

#include <errno.h>
#include <string.h>

#include <net-snmp/net-snmp-config.h>
/* The library's own headers need the line above first. */
#include <net-snmp/net-snmp-includes.h>

/* The library's readers take pointers to what they do not write to. */
static u_char *readable(const uint8_t *bytes)
{
    return (u_char *)(uintptr_t)bytes;
}

/* --- elements, one after the other --- */

struct reader {
    const uint8_t *at; /* NULL: an element was not what was expected */
    size_t left;
};

static void read_integer(struct reader *reader, long *value)
{
    u_char type;
    if (reader->at == NULL) {
        return;
    }
    size_t plain = plain_integer(reader->at, reader->left, value);
    if (plain > 0) {
        reader->at += plain;
        reader->left -= plain;
        return;
    }
    reader->at = asn_parse_int(readable(reader->at), &reader->left, &type, value, sizeof *value);
}

/* Steps behind an element of any type; its contents are `inside`. */
static void read_element(struct reader *reader, int *tag, struct reader *inside)
{
    u_char type = 0;
    size_t size = reader->left;
    *inside = (struct reader){0};
    if (reader->at == NULL) {
        return;
    }
    const uint8_t *content = asn_parse_header(readable(reader->at), &size, &type);
    *tag = type;
    if (content == NULL || size > reader->left - (size_t)(content - reader->at)) {
        reader->at = NULL;
        return;
    }
    *inside = (struct reader){content, size};
    reader->left -= (size_t)(content - reader->at) + size;
    reader->at = content + size;
}

static void read_tagged(struct reader *reader, int tag, struct reader *inside)
{
    int got = -1;
    read_element(reader, &got, inside);
    if (got != tag) {
        reader->at = NULL;
        *inside = (struct reader){0};
    }
}

/* --- heads --- */

/* UsmSecurityParameters (RFC 3414 section 2.4). */
static void read_engine_id(struct reader *security, struct message_head *head)
{
    struct reader sequence;
    struct reader engine_id;
    read_tagged(security, ASN_SEQUENCE | ASN_CONSTRUCTOR, &sequence);
    read_tagged(&sequence, ASN_OCTET_STR, &engine_id);
    head->engine_id = engine_id.at;
    head->engine_id_size = engine_id.left;
}

/* What follows msgID in HeaderData. */
static void read_security(struct reader *header, struct message_head *head)
{
    enum { SIZE_MIN = 484 }; /* the least msgMaxSize */
    struct reader flags;
    long max_size = 0;
    read_integer(header, &max_size);
    read_tagged(header, ASN_OCTET_STR, &flags);
    read_integer(header, &head->security_model);
    head->has_security = header->at != NULL && flags.left == 1 && max_size >= SIZE_MIN &&
                         max_size <= INT32_MAX && head->security_model >= 1;
    head->flags = head->has_security ? flags.at[0] : 0;
}

/* HeaderData and msgSecurityParameters (RFC 3412 section 6). */
static int parse_v3_head(struct reader *message, struct message_head *head)
{
    struct reader header;
    struct reader security;
    read_tagged(message, ASN_SEQUENCE | ASN_CONSTRUCTOR, &header);
    read_integer(&header, &head->id);
    head->security = message->at;
    read_tagged(message, ASN_OCTET_STR, &security);
    if (header.at == NULL || message->at == NULL) {
        return -EBADMSG;
    }
    head->has_id = true;
    read_security(&header, head);
    read_engine_id(&security, head);
    return 0;
}

static int parse_community_head(struct reader *message, struct message_head *head)
{
    struct reader community;
    struct reader pdu;
    read_tagged(message, ASN_OCTET_STR, &community);
    read_element(message, &head->command, &pdu);
    if (message->at == NULL) {
        return -EBADMSG;
    }
    head->community = community.at;
    head->community_size = community.left;
    head->pdu = pdu.at;
    head->pdu_size = pdu.left;
    if (head->command != SNMP_MSG_TRAP) {
        read_integer(&pdu, &head->id);
        head->has_id = pdu.at != NULL;
    }
    return head->has_id || head->command == SNMP_MSG_TRAP ? 0 : -EBADMSG;
}

int message_parse_head(const uint8_t *bytes, size_t size, struct message_head *head)
{
    struct reader whole = {bytes, size};
    struct reader message;
    *head = (struct message_head){.version = -1};
    read_tagged(&whole, ASN_SEQUENCE | ASN_CONSTRUCTOR, &message);
    read_integer(&message, &head->version);
    if (message.at == NULL) {
        return -EBADMSG;
    }
    switch (head->version) {
    case MESSAGE_V1:
    case MESSAGE_V2C:
        return parse_community_head(&message, head);
    case MESSAGE_V3:
        return parse_v3_head(&message, head);
    default: /* any number at all */
        return -EBADMSG;
    }
}

/* --- values --- */

/* VALUE_OTHER also for the types that nothing here asks for. */
static enum value_type value_type(int tag)
{
    switch (tag) {
    case ASN_INTEGER:
        return VALUE_INTEGER;
    case ASN_COUNTER:
        return VALUE_COUNTER32;
    case ASN_GAUGE:
        return VALUE_GAUGE32;
    case ASN_TIMETICKS:
        return VALUE_TIMETICKS;
    case ASN_COUNTER64:
        return VALUE_COUNTER64;
    case ASN_OCTET_STR:
    case ASN_IPADDRESS: /* four octets: a label with `format: ip` shows them */
        return VALUE_OCTETS;
    case ASN_OBJECT_ID:
        return VALUE_OID;
    case SNMP_NOSUCHOBJECT:
    case SNMP_NOSUCHINSTANCE:
    case ASN_NULL:
        return VALUE_NO_SUCH;
    case SNMP_ENDOFMIBVIEW:
        return VALUE_END_OF_MIB;
    default:
        return VALUE_OTHER;
    }
}

/* Types that the library knows, and nothing here asks for. */
static bool is_other_known(int tag)
{
    static const u_char known[] = {ASN_OPAQUE,     ASN_NSAP,         ASN_UINTEGER,
                                   ASN_BIT_STR,    ASN_OPAQUE_FLOAT, ASN_OPAQUE_DOUBLE,
                                   ASN_OPAQUE_I64, ASN_OPAQUE_U64,   ASN_OPAQUE_COUNTER64};
    return tag != 0 && memchr(known, tag, sizeof known) != NULL;
}

/* An element inside a varbind. */
struct value {
    const uint8_t *element;
    const uint8_t *content;
    size_t content_size;
};

/* Do the bytes before the last four only repeat the sign? (The library cuts them off.) */
static bool fits_32_bits(const struct value *value, bool is_signed)
{
    size_t extra = value->content_size > 4 ? value->content_size - 4 : 0;
    uint8_t fill = is_signed && value->content[0] >= 0x80 ? 0xff : 0;
    for (size_t i = 0; i < extra; i++) {
        if (value->content[i] != fill) {
            return false;
        }
    }
    return extra == 0 || !is_signed || (value->content[extra] >= 0x80) == (fill == 0xff);
}

static size_t element_size(const struct value *value)
{
    return (size_t)(value->content - value->element) + value->content_size;
}

static int decode_integer(const struct value *value, struct varbind *varbind)
{
    size_t size = element_size(value);
    u_char type;
    long number;
    if (asn_parse_int(readable(value->element), &size, &type, &number, sizeof number) == NULL) {
        return -EBADMSG;
    }
    varbind->number = (uint64_t)number;
    varbind->type = fits_32_bits(value, true) ? VALUE_INTEGER : VALUE_OTHER;
    return 0;
}

static int decode_unsigned(const struct value *value, struct varbind *varbind)
{
    size_t size = element_size(value);
    u_char type;
    u_long number;
    if (asn_parse_unsigned_int(readable(value->element), &size, &type, &number, sizeof number) ==
        NULL) {
        return -EBADMSG;
    }
    varbind->number = number;
    varbind->type = fits_32_bits(value, false) ? varbind->type : VALUE_OTHER;
    return 0;
}

static int decode_counter64(const struct value *value, struct varbind *varbind)
{
    size_t size = element_size(value);
    u_char type;
    struct counter64 number;
    if (value->content_size == 0 || /* the library makes 0 of it */
        asn_parse_unsigned_int64(readable(value->element), &size, &type, &number, sizeof number) ==
            NULL) {
        return -EBADMSG;
    }
    varbind->number = (uint64_t)number.high << 32 | number.low;
    return 0;
}

static int decode_oid(const struct value *value, unsigned long *ids, struct varbind *varbind)
{
    size_t size = element_size(value);
    size_t n = OID_IDS_MAX;
    u_char type;
    if (asn_parse_objid(readable(value->element), &size, &type, ids, &n) == NULL) {
        return -EBADMSG;
    }
    varbind->oid = (struct oid_view){ids, n};
    return 0;
}

/* `ids`: room for OID_IDS_MAX. */
static int decode_value(int tag, const struct value *value, unsigned long *ids,
                        struct varbind *varbind)
{
    varbind->type = value_type(tag);
    switch (varbind->type) {
    case VALUE_INTEGER:
        return decode_integer(value, varbind);
    case VALUE_COUNTER32:
    case VALUE_GAUGE32:
    case VALUE_TIMETICKS:
        return decode_unsigned(value, varbind);
    case VALUE_COUNTER64:
        return decode_counter64(value, varbind);
    case VALUE_OCTETS:
        varbind->bytes = value->content;
        varbind->n_bytes = value->content_size;
        return 0;
    case VALUE_OID:
        return decode_oid(value, ids, varbind);
    case VALUE_NO_SUCH:
    case VALUE_END_OF_MIB:
        return 0;
    case VALUE_OTHER:
        return is_other_known(tag) ? 0 : -EBADMSG;
    }
    return -EBADMSG;
}

/* --- varbinds --- */

static int read_odd_varbind(struct reader *list, unsigned long **ids, struct varbind *varbind)
{
    size_t n = OID_IDS_MAX;
    u_char tag;
    u_char *element;
    size_t content_size;
    const uint8_t *end =
        snmp_parse_var_op(readable(list->at), *ids, &n, &tag, &content_size, &element, &list->left);
    if (end == NULL) {
        return -EBADMSG;
    }
    *varbind = (struct varbind){.name = {*ids, n}};
    *ids += n;
    list->at = end;
    struct value value = {element, end - content_size, content_size};
    if (decode_value(tag, &value, *ids, varbind) != 0) {
        return -EBADMSG;
    }
    *ids += varbind->type == VALUE_OID ? varbind->oid.n : 0;
    return 0;
}

/* One varbind; *ids moves behind what it took. */
static int read_varbind(struct reader *list, unsigned long **ids, struct varbind *varbind)
{
    size_t plain = plain_varbind(list->at, list->left, *ids, varbind);
    if (plain == 0) {
        return read_odd_varbind(list, ids, varbind);
    }
    *ids += varbind->name.n;
    list->at += plain;
    list->left -= plain;
    return 0;
}

static int read_varbinds(struct reader *list, struct message_scratch *scratch, struct reply *reply)
{
    unsigned long *ids = scratch->ids;
    int rc = 0;
    while (rc == 0 && list->left > 0 && reply->n_varbinds < REPLY_VARBINDS_MAX) {
        rc = read_varbind(list, &ids, &scratch->varbinds[reply->n_varbinds]);
        reply->n_varbinds++;
    }
    while (rc == 0 && list->left > 0) {
        struct varbind extra;
        unsigned long *spare = ids;
        rc = read_varbind(list, &spare, &extra);
        reply->n_dropped++;
    }
    return rc;
}

/* error-status, error-index and what is bound, after the request-id. */
static int read_answer(struct reader *pdu, struct message_scratch *scratch, struct reply *reply)
{
    struct reader list;
    read_integer(pdu, &reply->error_status);
    read_integer(pdu, &reply->error_index);
    read_tagged(pdu, ASN_SEQUENCE | ASN_CONSTRUCTOR, &list);
    return pdu->at != NULL ? read_varbinds(&list, scratch, reply) : -EBADMSG;
}

int message_parse(long version, const uint8_t *bytes, size_t size, struct message_scratch *scratch,
                  struct message_head *head, struct reply *reply)
{
    long id;
    *reply =
        (struct reply){.status = REPLY_ANSWERED, .varbinds = scratch->varbinds, .size_bytes = size};
    int rc = message_parse_head(bytes, size, head);
    if (rc != 0 || head->version != version || head->version == MESSAGE_V3 || !head->has_id) {
        return -EBADMSG;
    }
    struct reader pdu = {head->pdu, head->pdu_size};
    read_integer(&pdu, &id);
    return read_answer(&pdu, scratch, reply);
}

int message_parse_scoped(const uint8_t *bytes, size_t size, struct message_scratch *scratch,
                         struct message_scope *scope, int *command, long *id, struct reply *reply)
{
    struct reader whole = {bytes, size};
    struct reader inside;
    struct reader engine_id;
    struct reader context;
    struct reader pdu;
    *reply =
        (struct reply){.status = REPLY_ANSWERED, .varbinds = scratch->varbinds, .size_bytes = size};
    *command = 0;
    *id = 0;
    read_tagged(&whole, ASN_SEQUENCE | ASN_CONSTRUCTOR, &inside);
    read_tagged(&inside, ASN_OCTET_STR, &engine_id);
    read_tagged(&inside, ASN_OCTET_STR, &context);
    read_element(&inside, command, &pdu);
    *scope = (struct message_scope){engine_id.at, engine_id.left, context.at, context.left};
    read_integer(&pdu, id);
    return read_answer(&pdu, scratch, reply);
}
