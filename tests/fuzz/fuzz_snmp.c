/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as the datagrams of a device: parsed by net-snmp, judged by the walk, joined into a
 * table and delivered as rows. The input is a chain of datagrams, each after two bytes of size.
 * Whatever they say, the walk ends and rows keep to the limits of what may travel. */
#include "collect.h"
#include "common/log.h"
#include "interface.h"
#include "session.h"

#include <net-snmp/net-snmp-config.h>
/* The library's own headers need the line above first. */
#include <net-snmp/net-snmp-includes.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static uint32_t check_object(void *context, const struct object *object)
{
    (void)context;
    assert(name_is_valid(object->name, strlen(object->name)));
    assert(object->n_labels <= PROTO_LABELS_MAX);
    for (size_t i = 0; i < object->n_labels; i++) {
        size_t length = strlen(object->labels[i].value);
        assert(length > 0 && length <= PROTO_LABEL_MAX);
    }
    return 1;
}

static void check_row(void *context, const struct row *row)
{
    (void)context;
    assert((row->unknown_mask >> 11) == 0);
    assert((row->discontinuity_mask & row->unknown_mask) == 0);
}

struct input {
    const uint8_t *at;
    size_t left;
};

/* The next datagram as a reply, by the path that a socket's takes. False: there is no more. */
static bool next_reply(struct input *input, netsnmp_session *session, netsnmp_pdu *pdu,
                       struct varbind varbinds[REPLY_VARBINDS_MAX], struct reply *reply)
{
    while (input->left >= 2) {
        size_t size = (size_t)input->at[0] << 8 | input->at[1];
        size = size > input->left - 2 ? input->left - 2 : size;
        u_char *copy = malloc(size + 1); /* of its own size, so that reading beyond shows */
        memcpy(copy, input->at + 2, size);
        input->at += 2 + size;
        input->left -= 2 + size;
        int rc = snmp_parse(NULL, session, pdu, copy, size);
        free(copy);
        if (rc == SNMP_ERR_NOERROR) {
            session_decode(pdu, varbinds, reply);
            return true;
        }
        snmp_free_varbind(pdu->variables);
        pdu->variables = NULL;
    }
    return false;
}

struct target {
    struct if_table *table;
    const struct if_group *group;
};

static bool on_cell(void *context, size_t column, uint32_t index, const struct varbind *varbind,
                    const struct reply *reply)
{
    const struct target *target = context;
    return if_table_cell(target->table, target->group->columns[column], index, varbind, reply);
}

/* One group by as many replies as there are. */
static void walk_group(struct input *input, netsnmp_session *session, struct target *target,
                       struct snmp_counts *counts)
{
    static struct walk walk;
    static struct varbind varbinds[REPLY_VARBINDS_MAX];
    const struct walk_sink sink = {target, on_cell};
    struct oid_view prefixes[SHAPE_COLUMNS_MAX];
    struct request request;
    struct shape shape;
    bool more = true;
    shape_begin(&shape);
    for (size_t i = 0; i < target->group->n_columns; i++) {
        prefixes[i] = if_columns[target->group->columns[i]].prefix;
    }
    walk_begin(&walk, prefixes, target->group->n_columns, IFTABLE_ROWS_MAX, &sink, counts);
    while (more && walk_ask(&walk, &shape, &request)) {
        struct reply reply;
        netsnmp_pdu *pdu = snmp_pdu_create(SNMP_MSG_RESPONSE);
        more = next_reply(input, session, pdu, varbinds, &reply);
        if (more && walk_take(&walk, &reply) == WALK_TOO_BIG &&
            !shape_shrink(&shape, walk.repetitions, walk.n_asked, (struct mono){0})) {
            walk_cut_asked(&walk);
        }
        snmp_free_pdu(pdu);
    }
    walk_cut_all(&walk);
    for (size_t i = 0; i < target->group->n_columns; i++) {
        target->table->ends[target->group->columns[i]] = walk.columns[i].end;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct sample_sink sink = {.define = check_object, .row = check_row};
    struct snmp_counts counts = {0};
    struct if_table table;
    struct input input = {bytes, size};
    netsnmp_session session;
    log_open("fuzz", LOG_LEVEL_ERROR);
    session_library_init();
    snmp_sess_init(&session);
    session.version = SNMP_VERSION_2c;
    if_table_init(&table, &counts);
    struct interfaces *interfaces = interfaces_new("device", 30000, &sink, &counts);
    do {
        if_table_clear(&table);
        for (size_t i = 0; i < IF_GROUPS; i++) {
            struct target target = {&table, &if_groups[i]};
            if (if_table_wants(&table, &if_groups[i])) {
                walk_group(&input, &session, &target, &counts);
            }
        }
        interfaces_deliver(interfaces, &table, false);
    } while (input.left >= 2);
    interfaces_free(interfaces);
    if_table_free(&table);
    return 0;
}
