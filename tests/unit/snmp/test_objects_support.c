/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test_objects_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void begin_objects(struct fixture *fixture, bool once)
{
    const struct objects_options options = {.device = "sw-1",
                                            .plan = &fixture->plan->table,
                                            .interval_ms = INTERVAL_MS,
                                            .once = once,
                                            .sink = &fixture->recorder->sink,
                                            .counts = &fixture->counts};
    objects_free(fixture->objects);
    fixture->objects = objects_new(&options);
}

int objects_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->recorder = recorder_new();
    fixture->plan = if_plan_new();
    fixture->fixed_read = true;
    begin_objects(fixture, false);
    fixture->reply.arrived.ms = 1000000;
    fixture->reply.arrived_mono.ns = 1000000000;
    *state = fixture;
    return 0;
}

int objects_teardown(void **state)
{
    struct fixture *fixture = *state;
    table_free(fixture->table);
    objects_free(fixture->objects);
    if_plan_free(fixture->plan);
    recorder_free(fixture->recorder);
    free(fixture);
    return 0;
}

bool put_varbind(struct fixture *fixture, size_t column, uint32_t index,
                 const struct varbind *varbind)
{
    const unsigned long id = index;
    return table_take(fixture->table, column, (struct oid_view){&id, 1}, varbind, &fixture->reply);
}

bool put(struct fixture *fixture, size_t column, uint32_t index, enum value_type type,
         uint64_t number)
{
    const struct varbind varbind = {.type = type, .number = number};
    return put_varbind(fixture, column, index, &varbind);
}

void number(struct fixture *fixture, size_t column, uint32_t index, uint64_t value)
{
    bool wide = column == IF_HC_IN_OCTETS || column == IF_HC_OUT_OCTETS ||
                (column >= IF_HC_IN_UCAST && column <= IF_HC_OUT_BCAST);
    bool gauge = column == IF_SPEED || column == IF_HIGH_SPEED;
    bool integer = column == IF_TYPE || column == IF_ADMIN_STATUS || column == IF_OPER_STATUS ||
                   column == IF_MTU;
    enum value_type type = wide                  ? VALUE_COUNTER64
                           : gauge               ? VALUE_GAUGE32
                           : integer             ? VALUE_INTEGER
                           : column == IF_CHANGE ? VALUE_TIMETICKS
                                                 : VALUE_COUNTER32;
    assert_true(put(fixture, column, index, type, value));
}

void text(struct fixture *fixture, size_t column, uint32_t index, const char *bytes)
{
    const struct varbind varbind = {
        .type = VALUE_OCTETS, .bytes = (const uint8_t *)bytes, .n_bytes = strlen(bytes)};
    assert_true(put_varbind(fixture, column, index, &varbind));
}

static void end_columns(struct fixture *fixture)
{
    for (size_t i = 0; i < fixture->plan->table.n_columns; i++) {
        bool is_fixed = fixture->plan->columns[i].when == PLAN_FIXED;
        if (!is_fixed || fixture->fixed_read) {
            table_set_end(fixture->table, i, COLUMN_COMPLETE);
        }
    }
}

void next_cycle(struct fixture *fixture)
{
    table_free(fixture->table);
    fixture->table = table_new(&fixture->plan->table, &fixture->counts);
    end_columns(fixture);
    fixture->reply.arrived.ms += INTERVAL_MS;
    fixture->reply.arrived_mono = mono_add_ms(fixture->reply.arrived_mono, INTERVAL_MS);
}

void next_short_cycle(struct fixture *fixture)
{
    fixture->fixed_read = false;
    next_cycle(fixture);
}

void port(struct fixture *fixture, uint32_t index, const char *name, const char *descr,
          uint64_t octets)
{
    if (name != NULL) {
        text(fixture, IF_NAME, index, name);
    }
    if (descr != NULL) {
        text(fixture, IF_DESCR, index, descr);
    }
    if (fixture->fixed_read) {
        number(fixture, IF_TYPE, index, 6);
    }
    number(fixture, IF_ADMIN_STATUS, index, 1);
    number(fixture, IF_OPER_STATUS, index, 1);
    number(fixture, IF_SPEED, index, 1000000000);
    number(fixture, IF_HIGH_SPEED, index, 1000);
    number(fixture, IF_HC_IN_OCTETS, index, octets);
    number(fixture, IF_HC_OUT_OCTETS, index, octets + 1);
    for (enum if_column column = IF_HC_IN_UCAST; column <= IF_HC_OUT_BCAST; column++) {
        number(fixture, column, index, 10 + (uint64_t)column);
    }
    for (enum if_column column = IF_IN_DISCARDS; column <= IF_OUT_ERRORS; column++) {
        number(fixture, column, index, (uint64_t)column);
    }
}

void deliver_cycle(struct fixture *fixture, bool interrupted)
{
    const struct objects_cycle cycle = {fixture->fixed_read, interrupted};
    objects_deliver(fixture->objects, fixture->table, &cycle);
}

void deliver(struct fixture *fixture)
{
    deliver_cycle(fixture, false);
}

const struct row *row_of(const struct fixture *fixture, const char *name)
{
    return recorder_row(fixture->recorder, "interface", name);
}

const struct object *object_of(const struct fixture *fixture, const char *name)
{
    return recorder_object(fixture->recorder, "interface", name);
}
