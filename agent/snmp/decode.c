/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session.h"

#include "message.h"

#include <net-snmp/net-snmp-config.h>
/* The library's own headers need the line above first. */
#include <net-snmp/net-snmp-includes.h>

/* A value without the length its type must have is of no type. */
static void decode_value(const netsnmp_variable_list *from, struct varbind *to)
{
    bool good = true;
    switch (to->type) {
    case VALUE_INTEGER:
        good = from->val.integer != NULL && from->val_len == sizeof *from->val.integer;
        to->number = good ? (uint64_t)*from->val.integer : 0;
        break;
    case VALUE_COUNTER32:
    case VALUE_GAUGE32:
    case VALUE_TIMETICKS:
        good = from->val.integer != NULL && from->val_len == sizeof *from->val.integer &&
               (u_long)*from->val.integer <= UINT32_MAX;
        to->number = good ? (uint64_t)*from->val.integer : 0;
        break;
    case VALUE_COUNTER64:
        good = from->val.counter64 != NULL && from->val_len == sizeof *from->val.counter64 &&
               from->val.counter64->high <= UINT32_MAX && from->val.counter64->low <= UINT32_MAX;
        to->number =
            good ? (uint64_t)from->val.counter64->high << 32 | from->val.counter64->low : 0;
        break;
    case VALUE_OCTETS:
        good = from->val.string != NULL || from->val_len == 0;
        to->bytes = from->val.string;
        to->n_bytes = from->val_len;
        break;
    case VALUE_OID:
        good = from->val.objid != NULL && from->val_len % sizeof *from->val.objid == 0 &&
               from->val_len <= OID_IDS_MAX * sizeof *from->val.objid;
        to->oid = good ? (struct oid_view){from->val.objid, from->val_len / sizeof *from->val.objid}
                       : (struct oid_view){0};
        break;
    case VALUE_NO_SUCH:
    case VALUE_END_OF_MIB:
    case VALUE_OTHER:
        break;
    }
    if (!good) {
        to->type = VALUE_OTHER;
    }
}

void session_decode(const netsnmp_pdu *pdu, struct varbind varbinds[REPLY_VARBINDS_MAX],
                    struct reply *reply)
{
    *reply = (struct reply){.status = REPLY_ANSWERED,
                            .error_status = pdu->errstat,
                            .error_index = pdu->errindex,
                            .varbinds = varbinds};
    for (const netsnmp_variable_list *from = pdu->variables; from != NULL;
         from = from->next_variable) {
        if (reply->n_varbinds == REPLY_VARBINDS_MAX) {
            reply->n_dropped++;
            continue;
        }
        struct varbind *to = &varbinds[reply->n_varbinds++];
        *to = (struct varbind){.name = {from->name, from->name_length},
                               .type = message_value_type(from->type)};
        decode_value(from, to);
    }
}
