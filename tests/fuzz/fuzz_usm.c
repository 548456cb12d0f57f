/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as an SNMPv3 message to a session whose engine is known: its security, checked by the
 * library's model, and the ScopedPDU that was in it. The first byte chooses the user's level; the
 * corpus has messages that its keys open. What was opened is the user's own, or said not to be, and
 * all of it is within what was received; the session's own requests are sealed before and after. */
#include "common/log.h"
#include "engine.h"
#include "snmp/config.h"
#include "usm_message.h"

#include <net-snmp/net-snmp-config.h>
/* The library's own headers need the line above first. */
#include <net-snmp/net-snmp-includes.h>

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const uint8_t engine_id[] = {0x80, 0, 0x1f, 0x88, 4, 'b', 'e', 'f', 'f', 'r', 'o', 'i'};
static char user[] = "watch";
static char passphrase[] = "a passphrase of the corpus";

static struct usm *open_usm(uint8_t level)
{
    static struct usm_keys *keys;
    struct snmp_access_config access = {.present = true, .version = SNMP_CONFIG_V3, .user = user};
    struct snmp_session library;
    bool is_reset;
    if (keys == NULL) {
        keys = usm_keys_new();
    }
    access.auth = (struct snmp_key_config){
        .present = level >= 1, .protocol = SNMP_AUTH_SHA256, .passphrase = passphrase};
    access.priv = (struct snmp_key_config){
        .present = level >= 2, .protocol = SNMP_PRIV_AES128, .passphrase = passphrase};
    struct usm *usm = usm_open(keys, &access);
    assert(usm != NULL);
    snmp_sess_init(&library);
    int rc = usm_discovered(usm, &library, engine_id, sizeof engine_id, &is_reset);
    assert(rc == 0);
    free(library.securityEngineID);
    return usm;
}

/* What the session sends must always open again: no message may spoil that. */
static void check_own(struct usm *usm, struct message_scratch *scratch)
{
    static unsigned long ids[] = {1, 3, 6, 1, 2, 1, 1, 3, 0};
    const struct request request = {.type = REQUEST_GET, .n_names = 1, .names = {{ids, 9}}};
    uint8_t pdu[128];
    struct usm_sealed sealed;
    struct message_head head;
    struct usm_opened opened;
    struct message_scope scope;
    struct reply reply;
    struct snmp_session library;
    int command;
    long id;
    snmp_sess_init(&library);
    size_t pdu_size = message_build_pdu(7, &request, pdu, sizeof pdu);
    usm_enter(usm);
    int rc = usm_seal(usm, 7, "context", pdu, pdu_size, &sealed);
    assert(rc == 0);
    const uint8_t *whole = sealed.bytes + sizeof sealed.bytes - sealed.size;
    rc = message_parse_head(whole, sealed.size, &head);
    assert(rc == 0 && head.version == MESSAGE_V3 && head.id == 7);
    rc = usm_open_message(usm, &library, &head, whole, sealed.size, scratch, &opened);
    usm_leave(usm);
    assert(rc == 0 && opened.is_ours);
    rc = message_parse_scoped(opened.scoped, opened.scoped_size, scratch, &scope, &command, &id,
                              &reply);
    assert(rc == 0 && command == SNMP_MSG_GET && id == 7 && reply.n_varbinds == 1);
    assert(scope.context_size == 7 && memcmp(scope.context, "context", 7) == 0);
    assert(scope.engine_id_size == sizeof engine_id);
}

static void hear(struct usm *usm, const uint8_t *bytes, size_t size,
                 struct message_scratch *scratch)
{
    struct message_head head;
    struct usm_opened opened;
    struct message_scope scope;
    struct reply reply;
    struct snmp_session library;
    int command;
    long id;
    if (message_parse_head(bytes, size, &head) != 0 || head.version != MESSAGE_V3) {
        return;
    }
    snmp_sess_init(&library);
    usm_enter(usm);
    int rc = usm_open_message(usm, &library, &head, bytes, size, scratch, &opened);
    usm_leave(usm);
    assert(rc == 0 || rc == -EBADMSG || rc == -EACCES);
    if (rc != 0) {
        return;
    }
    assert(opened.scoped_size <= size);
    if (message_parse_scoped(opened.scoped, opened.scoped_size, scratch, &scope, &command, &id,
                             &reply) != 0) {
        return;
    }
    assert(scope.engine_id_size + scope.context_size <= opened.scoped_size);
    assert(reply.n_varbinds <= REPLY_VARBINDS_MAX);
    for (size_t i = 0; i < reply.n_varbinds; i++) {
        const struct varbind *varbind = &reply.varbinds[i];
        assert(varbind->name.n <= OID_IDS_MAX);
        assert(varbind->type != VALUE_OCTETS || varbind->n_bytes <= opened.scoped_size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct message_scratch scratch;
    if (size == 0) {
        return 0;
    }
    log_open("fuzz", LOG_LEVEL_ERROR);
    engine_library_init();
    struct usm *usm = open_usm(bytes[0] % 3);
    uint8_t *copy = malloc(size); /* of its own size, so that reading beyond shows */
    assert(copy != NULL);
    memcpy(copy, bytes + 1, size - 1);
    check_own(usm, &scratch);
    hear(usm, copy, size - 1, &scratch);
    check_own(usm, &scratch);
    free(copy);
    usm_close(usm);
    return 0;
}
