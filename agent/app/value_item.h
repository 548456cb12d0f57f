/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One check of type value (value_check.h): judges the rows that it is given, and tells on its own
 * turns what no row tells.
 *
 * Threads: the loop's thread. */
#ifndef AGENT_VALUE_ITEM_H
#define AGENT_VALUE_ITEM_H

#include "checks/condition.h"
#include "checks/config.h"
#include "confirm.h"
#include "value_check.h"
#include "value_watch.h"

struct schedule_task;

struct value_verdict {
    enum outcome outcome;
    const char *reason;
    char detail[PROTO_DETAIL_MAX + 1];
};

struct value_item {
    const struct value_checks_options *options; /* next, find */
    char *said;                                 /* its configuration whole, and its device */
    struct check_config config;
    char *device;
    struct condition *down_unless;
    struct condition *degraded_unless;
    struct confirm confirm;
    struct schedule_task *task;
    struct mono started;
    uint32_t number; /* of the check */
    /* What it looks at. */
    uint32_t object; /* 0: not there yet */
    int64_t object_interval_ms;
    struct value_watch watch;
    struct value_verdict trouble; /* outcome 0: none */
    bool has_row;
    struct mono arrival; /* of the newest row; without one: when the object was defined */
    struct wall judged;  /* time of the newest row that was judged; 0: none */
};

/* `said` is what config_print says of it, and becomes the item's. NULL: that is no check, which the
 * schema has seen to. `options` must outlive the item. */
struct value_item *value_item_start(uv_loop_t *loop, const struct value_checks_options *options,
                                    char *said, const char *device);
/* What it looks at was defined, under that number. */
void value_item_attach(struct value_item *item, const struct object *object, uint32_t number);
/* A row of what it looks at. */
void value_item_take_row(struct value_item *item, const struct row *row);
void value_item_stop(struct value_item *item);

#endif
