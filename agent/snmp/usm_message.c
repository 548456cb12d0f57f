/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "usm_message.h"

#include "transport.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <net-snmp/net-snmp-config.h>
/* The library's own headers need the line above first. */
#include <net-snmp/net-snmp-includes.h>
/* And this one both. */
#include <net-snmp/library/snmp_secmod.h>

enum {
    HEAD_MAX = 64, /* msgVersion and msgGlobalData */
    /* UsmSecurityParameters with names of 32 and a digest of 48, the heads of all elements, and
     * what a cipher appends: 190. The library would want to lengthen a buffer that is too small. */
    SECURITY_MAX = 256,
    USER_NAME_MAX = 32, /* RFC 3414 section 2.4; the configuration sees to it */
    /* The library's measures. */
    ENGINE_ID_ROOM = 2 * SNMP_MAX_ENG_SIZE,
    NAME_ROOM = SNMP_MAX_SEC_NAME_SIZE,
};

static struct snmp_secmod_def *model(void)
{
    struct snmp_secmod_def *usm = find_sec_mod(SNMP_SEC_MODEL_USM);
    assert(usm != NULL); /* init_snmp brings it */
    return usm;
}

static u_char *writable(const uint8_t *bytes)
{
    return (u_char *)(uintptr_t)bytes; /* the library's calls do not say what they only read */
}

/* --- to the engine --- */

static uint8_t flags_of(int level)
{
    return (uint8_t)(MESSAGE_REPORTABLE | (level != SNMP_SEC_LEVEL_NOAUTH ? MESSAGE_AUTH : 0) |
                     (level == SNMP_SEC_LEVEL_AUTHPRIV ? MESSAGE_PRIV : 0));
}

int usm_seal(const struct usm *usm, long message_id, const char *context, const uint8_t *pdu,
             size_t pdu_size, struct usm_sealed *sealed)
{
    uint8_t head[HEAD_MAX];
    uint8_t scoped[UDP_SEND_MAX];
    struct message_scope scope = {.context = (const uint8_t *)context,
                                  .context_size = strlen(context)};
    scope.engine_id = usm_engine_id(usm, &scope.engine_id_size);
    const char *name = usm_name(usm);
    int level = usm_level(usm);
    size_t head_size = message_build_v3_head(message_id, TRANSPORT_MESSAGE_MAX, flags_of(level),
                                             head, sizeof head);
    size_t scoped_size = message_build_scoped(&scope, pdu, pdu_size, scoped,
                                              sizeof scoped - HEAD_MAX - SECURITY_MAX);
    assert(strlen(name) <= USER_NAME_MAX);
    if (scoped_size == 0) {
        return -EMSGSIZE;
    }
    u_char *whole = sealed->bytes;
    size_t whole_size = sizeof sealed->bytes;
    sealed->size = scoped_size; /* where it stands when it is not encrypted */
    memcpy(whole + whole_size - scoped_size, scoped, scoped_size);
    struct snmp_secmod_outgoing_params parameters = {
        .msgProcModel = SNMP_MP_MODEL_SNMPv3,
        .globalData = head,
        .globalDataLen = head_size,
        .maxMsgSize = UDP_SEND_MAX,
        .secModel = SNMP_SEC_MODEL_USM,
        .secEngineID = writable(scope.engine_id),
        .secEngineIDLen = scope.engine_id_size,
        .secName = (char *)(uintptr_t)name,
        .secNameLen = strlen(name),
        .secLevel = level,
        .scopedPdu = scoped,
        .scopedPduLen = scoped_size,
        .wholeMsg = &whole,
        .wholeMsgLen = &whole_size,
        .wholeMsgOffset = &sealed->size,
    };
    return model()->encode_reverse(&parameters) == SNMPERR_SUCCESS ? 0 : -EPROTO;
}

/* --- from it --- */

static int level_of(int flags)
{
    return (flags & MESSAGE_AUTH) == 0   ? SNMP_SEC_LEVEL_NOAUTH
           : (flags & MESSAGE_PRIV) == 0 ? SNMP_SEC_LEVEL_AUTHNOPRIV
                                         : SNMP_SEC_LEVEL_AUTHPRIV;
}

static int fault_of(int error)
{
    if (error == SNMPERR_SUCCESS) {
        return 0;
    }
    bool is_usm = error <= SNMPERR_USM_GENERICERROR && error >= SNMPERR_USM_DECRYPTIONERROR &&
                  error != SNMPERR_USM_PARSEERROR;
    return is_usm ? -EACCES : -EBADMSG;
}

int usm_open_message(const struct usm *usm, struct snmp_session *library,
                     const struct message_head *head, const uint8_t *bytes, size_t size,
                     struct message_scratch *scratch, struct usm_opened *opened)
{
    bool is_possible = (head->flags & MESSAGE_PRIV) == 0 || (head->flags & MESSAGE_AUTH) != 0;
    if (!head->has_security || !is_possible || head->security_model != SNMP_SEC_MODEL_USM ||
        size > sizeof scratch->copy) {
        return -EBADMSG;
    }
    u_char engine_id[ENGINE_ID_ROOM];
    char name[NAME_ROOM];
    size_t engine_id_size = sizeof engine_id;
    size_t name_size = sizeof name;
    u_char *scoped = scratch->clear;
    size_t scoped_size = sizeof scratch->clear;
    size_t unused;
    void *reference = NULL;
    int level = level_of(head->flags);
    memcpy(scratch->copy, bytes, size); /* it blanks the digest */
    struct snmp_secmod_incoming_params parameters = {
        .msgProcModel = SNMP_MP_MODEL_SNMPv3,
        .maxMsgSize = TRANSPORT_MESSAGE_MAX,
        .secParams = scratch->copy + (head->security - bytes),
        .secModel = SNMP_SEC_MODEL_USM,
        .secLevel = level,
        .wholeMsg = scratch->copy,
        .wholeMsgLen = size,
        .secEngineID = engine_id,
        .secEngineIDLen = &engine_id_size,
        .secName = name,
        .secNameLen = &name_size,
        .scopedPdu = &scoped,
        .scopedPduLen = &scoped_size,
        .maxSizeResponse = &unused,
        .secStateRef = &reference,
        .sess = library,
        .msg_flags = (u_char)head->flags,
    };
    int rc = fault_of(model()->decode(&parameters));
    model()->pdu_free_state_ref(reference);
    if (rc != 0) {
        return rc;
    }
    const char *own = usm_name(usm);
    *opened = (struct usm_opened){.scoped = scoped,
                                  .scoped_size = scoped_size,
                                  .is_ours = level == usm_level(usm) && name_size == strlen(own) &&
                                             memcmp(name, own, name_size) == 0 &&
                                             usm_is_engine(usm, engine_id, engine_id_size)};
    return 0;
}
