/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the parts of objects.h share: the memory of a table of a device, and one cycle's delivery
 * of it. */
#ifndef SNMP_OBJECTS_PRIVATE_H
#define SNMP_OBJECTS_PRIVATE_H

#include "entries.h"
#include "meter.h"
#include "objects.h"
#include "rowtext.h"

#include <sodium.h>

enum { WAY_NONE = 255 };

struct objects {
    struct objects_options options;
    unsigned char key[crypto_shorthash_KEYBYTES]; /* of all hashes: devices choose what is hashed */
    struct entries entries;
    uint64_t *left_out; /* indexes of rows that are no objects, in the table's order */
    size_t n_left_out;
    uint64_t active; /* bit: metric of the plan that objects have */
    struct mono birth;
    int64_t interval_ms;         /* of the objects */
    int64_t defined_interval_ms; /* 0: nothing is defined yet */
    uint32_t cycle;
    uint32_t sure_cycle; /* the last one that was read completely */
    uint16_t generation; /* of the device: its restarts */
    uint8_t way;         /* place among the plan's names */
    uint8_t tries;       /* to choose a way */
    bool delivered;      /* a cycle before this one */
    bool wants_fixed;    /* something can only be told with the fixed columns */
    bool partial;        /* the last cycle */
    bool distrusts_changes;
};

struct definition; /* objects_define.c */

struct delivery {
    struct objects *objects;
    const struct plan_table *plan;
    const struct table *table;
    const struct objects_cycle *cycle;
    struct layout layout;
    struct meter meter;
    struct finder finder;
    bool is_cut;     /* a column of it, or all of it */
    bool redefine;   /* whatever an object was defined with */
    uint32_t *order; /* entries in the order of the rows */
    size_t n_order;
    struct definition *definition; /* NULL: the fixed columns were not read */
    char name[NAME_TEXT_SIZE];     /* of the row under way; "": not known */
};

uint64_t objects_hash(const struct objects *objects, const void *bytes, size_t size);
/* Of a row's index, never the same for an index of one part and one of several. */
uint64_t objects_index(const struct objects *objects, const struct table_row *row);

/* objects_names.c */

/* False: not yet, the next cycle will tell more. */
bool objects_choose_way(struct delivery *delivery);
/* The entry of a row, or SIZE_MAX when no name is surely its own: two rows of one name in one cycle
 * must not become one object. */
size_t objects_find(struct delivery *delivery, const struct table_row *row, uint64_t index);
/* Were all columns of that way read to their end? */
bool objects_way_is_complete(const struct plan_table *plan, const struct table *table, size_t way);

/* objects_define.c */

struct definition *definition_new(void);
/* Defines the object if it is not what it was defined with, and all of that could be read; or, by
 * `force`, from what there is. */
void objects_define(struct delivery *delivery, struct entry *entry, const struct table_row *row,
                    bool force);

#endif
