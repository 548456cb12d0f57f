/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collect.h"

#include "common/log.h"
#include "common/xalloc.h"

#include <stdlib.h>

enum { DENY_MS = 24 * 3600 * 1000 };

struct collect {
    struct collect_options options;
    /* What was learnt of the device. */
    struct shape shape;
    bool warned_getnext;
    struct {
        bool is_denied;
        size_t after; /* so many names */
        struct mono until;
    } denied[IF_COLUMNS];
    /* The cycle. */
    struct session *session;
    struct if_table *table;
    struct mono deadline;
    size_t group;
    enum if_column columns[SHAPE_COLUMNS_MAX]; /* of the group, without the denied ones */
    size_t n_columns;
    struct walk walk;
    unsigned timeouts;   /* of this request */
    unsigned confirms;   /* GETs without an answer */
    bool is_shrinking;   /* for the sake of the request under way */
    struct shape before; /* it began */
    bool trouble;        /* the shape had to change */
    bool interrupted;
};

static void ask(struct collect *collect);
static void next_group(struct collect *collect);

struct collect *collect_new(const struct collect_options *options)
{
    struct collect *collect = xcalloc(1, sizeof *collect);
    collect->options = *options;
    shape_begin(&collect->shape);
    return collect;
}

void collect_free(struct collect *collect)
{
    free(collect);
}

/* --- the end --- */

static void end_cycle(struct collect *collect)
{
    if (!collect->trouble && !collect->interrupted) {
        shape_clean_cycle(&collect->shape);
    }
    collect->options.done(collect->options.context,
                          collect->interrupted ? COLLECT_INTERRUPTED : COLLECT_COMPLETE);
}

static void end_group(struct collect *collect)
{
    bool cut = false;
    for (size_t i = 0; i < collect->n_columns; i++) {
        enum column_end end = collect->walk.columns[i].end;
        collect->table->ends[collect->columns[i]] = end;
        cut = cut || end != COLUMN_COMPLETE;
    }
    collect->options.counts->n[COUNT_WALKS_CUT] += cut ? 1 : 0;
}

static void interrupt(struct collect *collect)
{
    collect->interrupted = true;
    walk_cut_all(&collect->walk);
    end_group(collect);
    end_cycle(collect);
}

/* --- smaller requests --- */

/* It was that column's fault: the others are asked as before. */
static void deny_asked(struct collect *collect)
{
    struct mono now = clock_mono();
    for (size_t i = 0; i < collect->walk.n_asked; i++) {
        size_t number = collect->walk.asked[i];
        enum if_column column = collect->columns[number];
        collect->denied[column].is_denied = true;
        collect->denied[column].after = collect->walk.columns[number].n_seen;
        collect->denied[column].until = mono_add_ms(now, DENY_MS);
        collect->options.counts->n[COUNT_COLUMNS_DENIED]++;
        log_warn("snmp", "column cannot be read, for a day: device=%s column=%s after_rows=%zu",
                 collect->options.device, if_columns[column].name, collect->denied[column].after);
    }
    collect->shape = collect->before;
    collect->is_shrinking = false;
    walk_cut_asked(&collect->walk);
}

static void shrink(struct collect *collect)
{
    collect->timeouts = 0;
    collect->confirms = 0;
    collect->trouble = true;
    if (!collect->is_shrinking) {
        collect->is_shrinking = true;
        collect->before = collect->shape;
    }
    if (!shape_shrink(&collect->shape, collect->walk.repetitions, collect->walk.n_asked,
                      clock_mono())) {
        deny_asked(collect);
    }
    ask(collect);
}

static void took_answer(struct collect *collect)
{
    collect->timeouts = 0;
    collect->confirms = 0;
    if (collect->is_shrinking && collect->shape.getnext && !collect->warned_getnext) {
        collect->warned_getnext = true;
        log_warn("snmp", "GETBULK fails even for one value, GETNEXT is used for a day: device=%s",
                 collect->options.device);
    }
    collect->is_shrinking = false;
}

/* --- is it still there? --- */

static void on_confirm(void *context, const struct reply *reply);

static void confirm(struct collect *collect)
{
    static const unsigned long uptime[] = {1, 3, 6, 1, 2, 1, 1, 3, 0};
    const struct request request = {
        .type = REQUEST_GET, .n_names = 1, .names = {{uptime, sizeof uptime / sizeof uptime[0]}}};
    session_ask(collect->session, &request, collect->options.timeout_ms, on_confirm, collect);
}

static void on_confirm(void *context, const struct reply *reply)
{
    struct collect *collect = context;
    if (reply->status == REPLY_ANSWERED) {
        shrink(collect);
    } else if (reply->status == REPLY_TIMED_OUT &&
               (int64_t)++collect->confirms <= collect->options.retries) {
        confirm(collect);
    } else {
        interrupt(collect);
    }
}

/* --- the walk --- */

static void on_reply(void *context, const struct reply *reply)
{
    struct collect *collect = context;
    switch (reply->status) {
    case REPLY_NOT_SENT:
        interrupt(collect);
        return;
    case REPLY_TIMED_OUT:
        /* One lost datagram is not yet a reason to ask for less. */
        if (++collect->timeouts > 1 || collect->options.retries == 0) {
            confirm(collect);
        } else {
            ask(collect);
        }
        return;
    case REPLY_ANSWERED:
        if (walk_take(&collect->walk, reply) == WALK_TOO_BIG) {
            shrink(collect);
            return;
        }
        took_answer(collect);
        ask(collect);
        return;
    }
}

static void ask(struct collect *collect)
{
    struct request request;
    if (mono_elapsed_ms(clock_mono(), collect->deadline) <= 0) {
        interrupt(collect);
        return;
    }
    if (walk_ask(&collect->walk, &collect->shape, &request)) {
        session_ask(collect->session, &request, collect->options.timeout_ms, on_reply, collect);
        return;
    }
    end_group(collect);
    collect->group++;
    next_group(collect);
}

static bool on_cell(void *context, size_t column, uint32_t index, const struct varbind *varbind,
                    const struct reply *reply)
{
    struct collect *collect = context;
    return if_table_cell(collect->table, collect->columns[column], index, varbind, reply);
}

static bool is_denied(struct collect *collect, enum if_column column)
{
    if (collect->denied[column].is_denied && clock_mono().ns >= collect->denied[column].until.ns) {
        collect->denied[column].is_denied = false;
    }
    return collect->denied[column].is_denied;
}

/* Sets up the walk of a group. False: nothing of it is wanted. */
static bool begin_group(struct collect *collect, const struct if_group *group)
{
    const struct walk_sink sink = {collect, on_cell};
    struct oid_view prefixes[SHAPE_COLUMNS_MAX];
    collect->n_columns = 0;
    if (!if_table_wants(collect->table, group)) {
        return false;
    }
    for (size_t i = 0; i < group->n_columns; i++) {
        enum if_column column = group->columns[i];
        if (!is_denied(collect, column) || collect->denied[column].after > 0) {
            prefixes[collect->n_columns] = if_columns[column].prefix;
            collect->columns[collect->n_columns++] = column;
        }
    }
    if (collect->n_columns == 0) {
        return false;
    }
    walk_begin(&collect->walk, prefixes, collect->n_columns, IFTABLE_ROWS_MAX, &sink,
               collect->options.counts);
    for (size_t i = 0; i < collect->n_columns; i++) {
        if (collect->denied[collect->columns[i]].is_denied) {
            walk_limit(&collect->walk, i, collect->denied[collect->columns[i]].after);
        }
    }
    return true;
}

static void next_group(struct collect *collect)
{
    while (collect->group < IF_GROUPS && !begin_group(collect, &if_groups[collect->group])) {
        collect->group++;
    }
    if (collect->group == IF_GROUPS) {
        end_cycle(collect);
        return;
    }
    collect->timeouts = 0;
    collect->confirms = 0;
    ask(collect);
}

void collect_start(struct collect *collect, struct session *session, struct if_table *table)
{
    struct mono now = clock_mono();
    collect->session = session;
    collect->table = table;
    collect->deadline = mono_add_ms(now, collect->options.limit_ms);
    collect->group = 0;
    collect->trouble = false;
    collect->is_shrinking = false;
    collect->interrupted = false;
    if_table_clear(table);
    shape_refresh(&collect->shape, now);
    next_group(collect);
}
