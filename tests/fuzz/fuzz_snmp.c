/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as the datagrams of a device: parsed (as SNMPv1 and v2c messages are; or, by the top
 * bit of the size, as what an SNMPv3 message had sealed in it), judged by the walk, joined into
 * tables and delivered as rows, by the plan of a shipped profile. The input is a chain of
 * datagrams, each after two bytes of size. Whatever they say, each cycle ends and rows keep to the
 * limits of what may travel. */
#include "common/log.h"
#include "gets.h"
#include "message.h"
#include "plans.h"
#include "reading.h"
#include "session.h"
#include "snmp/profile.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { OBJECTS_MAX = 1 << 16, INTERVAL_MS = 30000, SCOPED = 0x8000 };

/* --- what is delivered --- */

struct delivered {
    size_t n_objects;
    struct {
        uint64_t gauges; /* bit: metric */
        size_t n_metrics;
    } objects[OBJECTS_MAX];
};

static uint32_t check_object(void *context, const struct object *object)
{
    struct delivered *delivered = context;
    assert(name_is_valid(object->name, strlen(object->name)));
    assert(object->n_metrics <= PROTO_METRICS_MAX);
    assert(object->n_labels <= PROTO_LABELS_MAX);
    for (size_t i = 0; i < object->n_labels; i++) {
        size_t length = strlen(object->labels[i].value);
        assert(length > 0 && length <= PROTO_LABEL_MAX);
        for (size_t j = 0; j < i; j++) {
            assert(strcmp(object->labels[i].key, object->labels[j].key) != 0);
        }
    }
    if (delivered->n_objects == OBJECTS_MAX) {
        return 0;
    }
    uint64_t gauges = 0;
    for (size_t i = 0; i < object->n_metrics; i++) {
        gauges |= object->metrics[i].type == METRIC_GAUGE ? UINT64_C(1) << i : 0;
    }
    delivered->objects[delivered->n_objects].gauges = gauges;
    delivered->objects[delivered->n_objects].n_metrics = object->n_metrics;
    return (uint32_t)++delivered->n_objects;
}

static void check_row(void *context, const struct row *row)
{
    const struct delivered *delivered = context;
    assert(row->object >= 1 && row->object <= delivered->n_objects);
    size_t n = delivered->objects[row->object - 1].n_metrics;
    uint64_t gauges = delivered->objects[row->object - 1].gauges;
    assert(n == 64 || row->unknown_mask >> n == 0);
    assert((row->discontinuity_mask & (row->unknown_mask | gauges)) == 0);
    for (size_t i = 0; i < n; i++) {
        bool is_gauge = (gauges >> i & 1) != 0 && (row->unknown_mask >> i & 1) == 0;
        assert(!is_gauge || isfinite(row->values[i].gauge));
    }
}

/* --- what comes in --- */

struct input {
    const uint8_t *at;
    size_t left;
    struct message_scratch *scratch;
    uint8_t *copy; /* of the reply under way; of its own size, so that reading beyond shows */
};

static void drop_datagram(struct input *input)
{
    free(input->copy);
    input->copy = NULL;
}

/* By the path that a socket's datagram takes. */
static bool parse(const struct input *input, size_t size, bool is_scoped, struct reply *reply)
{
    struct message_head head;
    struct message_scope scope;
    int command;
    long id;
    if (is_scoped) {
        return message_parse_scoped(input->copy, size, input->scratch, &scope, &command, &id,
                                    reply) == 0;
    }
    return message_parse_head(input->copy, size, &head) == 0 &&
           (head.version == MESSAGE_V1 || head.version == MESSAGE_V2C) &&
           message_parse(head.version, input->copy, size, input->scratch, &head, reply) == 0;
}

/* The answer to a request: the next datagram that is one. False: there is no more. */
static bool next_reply(struct input *input, const struct request *request, struct reply *reply)
{
    assert(request->n_names >= 1 && request->n_names <= REQUEST_NAMES_MAX);
    assert(request->type != REQUEST_GETBULK ||
           request->repetitions * request->n_names <= REPLY_VARBINDS_MAX);
    while (input->left >= 2) {
        size_t word = (size_t)input->at[0] << 8 | input->at[1];
        size_t size = word & (SCOPED - 1);
        size = size > input->left - 2 ? input->left - 2 : size;
        input->copy = malloc(size > 0 ? size : 1);
        assert(input->copy != NULL);
        memcpy(input->copy, input->at + 2, size);
        input->at += 2 + size;
        input->left -= 2 + size;
        if (parse(input, size, (word & SCOPED) != 0, reply)) {
            reply->size_bytes = size;
            return true;
        }
        drop_datagram(input);
    }
    return false;
}

/* --- cycles --- */

struct cycle {
    struct input *input;
    struct snmp_counts *counts;
    struct reading reading;
    struct reading_step step;
};

static bool on_cell(void *context, size_t number, struct oid_view index,
                    const struct varbind *varbind, const struct reply *reply)
{
    const struct cycle *cycle = context;
    return table_take(cycle->reading.table, cycle->step.columns[number], index, varbind, reply);
}

/* One step by as many replies as there are. */
static void walk_step(struct cycle *cycle, const struct oid_view *names)
{
    static struct walk walk;
    const struct walk_sink sink = {cycle, on_cell};
    struct request request;
    struct reply reply;
    struct shape shape = {0};
    bool more = true;
    shape_begin(&shape, 10);
    walk_begin(&walk, names, cycle->step.n_columns, TABLE_ROWS_MAX, &sink, cycle->counts);
    while (more && walk_ask(&walk, &shape, &request)) {
        more = next_reply(cycle->input, &request, &reply);
        if (more && walk_take(&walk, &reply) == WALK_TOO_BIG &&
            !shape_shrink(&shape, walk.repetitions, walk.n_asked, (struct mono){0})) {
            walk_cut_asked(&walk);
        }
        drop_datagram(cycle->input);
    }
    walk_cut_all(&walk);
    for (size_t i = 0; i < cycle->step.n_columns; i++) {
        table_set_end(cycle->reading.table, cycle->step.columns[i], walk.columns[i].end);
    }
}

static void get_step(struct cycle *cycle, const struct oid_view *names)
{
    struct gets gets;
    const struct walk_sink sink = {cycle, on_cell};
    struct request request;
    struct reply reply;
    size_t names_max = REQUEST_NAMES_MAX;
    bool more = true;
    gets_begin(&gets, names, cycle->step.n_columns, &sink, cycle->counts);
    while (more && gets_ask(&gets, names_max, &request)) {
        more = next_reply(cycle->input, &request, &reply);
        if (more && gets_take(&gets, &reply) == WALK_TOO_BIG) {
            if (gets.n_asked == 1) {
                gets_cut_asked(&gets);
            }
            names_max = gets.n_asked > 1 ? gets.n_asked / 2 : 1;
        }
        drop_datagram(cycle->input);
    }
    gets_cut_all(&gets);
    for (size_t i = 0; i < cycle->step.n_columns; i++) {
        table_set_end(cycle->reading.table, cycle->step.columns[i], gets.ends[i]);
    }
}

static void read_table(struct cycle *cycle, const struct plan_table *plan,
                       struct table_memory *memory, const struct objects_options *options,
                       struct mono now)
{
    const struct collect_turn turn = {.limit_ms = INTERVAL_MS};
    const struct denials none = {0};
    reading_begin(&cycle->reading, plan, memory, &none, &turn, cycle->counts, now);
    while (reading_next(&cycle->reading, &cycle->step)) {
        struct oid_view names[PLAN_COLUMNS_MAX];
        for (size_t i = 0; i < cycle->step.n_columns; i++) {
            names[i] = plan->columns[cycle->step.columns[i]].oid;
        }
        if (plan->is_scalar) {
            get_step(cycle, names);
        } else {
            walk_step(cycle, names);
        }
    }
    (void)reading_end(&cycle->reading, options, cycle->input->left < 2, INTERVAL_MS);
}

/* Interfaces and what a host has: tables, scalars, conditions, units. */
static const struct plan *shipped_plan(void)
{
    static struct plans *plans;
    static struct config_list profiles;
    if (plans == NULL) {
        const struct config_strings none = {0};
        struct config_errors errors = {0};
        int rc = snmp_profiles_load(&none, "/", &profiles, &errors);
        assert(rc == 0);
        plans = plans_new(&profiles);
    }
    return plans_choose(plans, "net-snmp", "", "");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct message_scratch scratch;
    static struct delivered delivered;
    const struct sample_sink sink = {
        .context = &delivered, .define = check_object, .row = check_row};
    struct snmp_counts counts = {0};
    const struct objects_options options = {.device = "device", .sink = &sink, .counts = &counts};
    struct input input = {.at = bytes, .left = size, .scratch = &scratch};
    struct cycle cycle = {.input = &input, .counts = &counts};
    struct mono now = {INTERVAL_MS};
    log_open("fuzz", LOG_LEVEL_ERROR);
    engine_library_init();
    delivered.n_objects = 0;
    const struct plan *plan = shipped_plan();
    struct table_memory *memories = calloc(plan->n_tables, sizeof *memories);
    assert(memories != NULL);
    for (size_t i = 0; i < plan->n_tables; i++) {
        table_memory_init(&memories[i], &plan->tables[i]);
    }
    do {
        for (size_t i = 0; i < plan->n_tables; i++) {
            read_table(&cycle, &plan->tables[i], &memories[i], &options, now);
        }
        now = mono_add_ms(now, INTERVAL_MS);
    } while (input.left >= 2);
    for (size_t i = 0; i < plan->n_tables; i++) {
        table_memory_clear(&memories[i]);
    }
    free(memories);
    return 0;
}
