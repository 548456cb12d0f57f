/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A table of interfaces filled by hand, cycle by cycle, and the objects that it becomes. */
#ifndef TEST_OBJECTS_SUPPORT_H
#define TEST_OBJECTS_SUPPORT_H

#include "objects.h"
#include "support.h"
#include "support_plan.h"

enum { INTERVAL_MS = 30000 };
#define BIT(metric) (UINT64_C(1) << (metric))
/* Bits of the metrics that every interface has, and of its counters; of those that are of 32 bits
 * with every device. */
#define ALL_METRICS     (BIT(M_ALWAYS) - 1)
#define ALL_COUNTERS    (BIT(M_COUNTERS) - 1)
#define NARROW_COUNTERS (UINT64_C(15) << M_IN_DISCARDS)

struct fixture {
    struct snmp_counts counts;
    struct if_plan *plan;
    struct table *table;
    struct objects *objects;
    bool fixed_read;
    struct recorder *recorder;
    struct reply reply;
};

int objects_setup(void **state);
int objects_teardown(void **state);
/* With the plan as the test left it; setup did so already. */
void begin_objects(struct fixture *fixture, bool once);

/* A new cycle, an interval later, whose columns were all read to their ends. */
void next_cycle(struct fixture *fixture);
/* Likewise, without the fixed columns. */
void next_short_cycle(struct fixture *fixture);
/* Cells. */
bool put_varbind(struct fixture *fixture, size_t column, uint32_t index,
                 const struct varbind *varbind);
bool put(struct fixture *fixture, size_t column, uint32_t index, enum value_type type,
         uint64_t number);
/* In the type that the column's are. */
void number(struct fixture *fixture, size_t column, uint32_t index, uint64_t value);
void text(struct fixture *fixture, size_t column, uint32_t index, const char *bytes);
/* An Ethernet port at 1 Gbit/s with 64-bit counters. NULL: without that text. */
void port(struct fixture *fixture, uint32_t index, const char *name, const char *descr,
          uint64_t octets);
void deliver_cycle(struct fixture *fixture, bool interrupted);
void deliver(struct fixture *fixture);

const struct row *row_of(const struct fixture *fixture, const char *name);
const struct object *object_of(const struct fixture *fixture, const char *name);

#endif
