/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collect.h"

#include "common/log.h"
#include "common/xalloc.h"
#include "gets.h"
#include "reading.h"

#include <stdlib.h>

enum {
    DENY_MS = 24 * 3600 * 1000,
    CLEAN_CYCLES_GET = 3, /* until a GET grows by a name */
};

/* What there is only while a cycle is under way. */
struct cycle {
    struct session *session;
    struct collect_turn turn;
    struct mono deadline;
    size_t table; /* of the plan, the one under way or the next one */
    bool is_reading;
    struct reading reading;
    struct reading_step step;
    struct walk walk; /* of the step, */
    struct gets gets; /* or this */
    struct resume resumes[SHAPE_COLUMNS_MAX];
    unsigned timeouts;   /* of this request */
    unsigned confirms;   /* GETs without an answer */
    bool is_shrinking;   /* for the sake of the request under way */
    struct shape before; /* it began */
    size_t names_before;
    bool trouble; /* the shape had to change */
    bool interrupted;
    bool partial;
    bool is_starting; /* inside collect_start */
};

struct collect {
    struct collect_options options;
    const struct plan *plan;
    struct table_memory *tables; /* [plan->n_tables] */
    struct collect_answer answer;
    /* What was learnt of the device. */
    struct shape shape;
    size_t names_max; /* of a GET */
    unsigned clean_gets;
    bool warned_getnext;
    struct denials denials;
    struct cycle *cycle; /* NULL: none is under way */
};

static void ask(struct collect *collect);
static void go_on(struct collect *collect);

/* --- life --- */

struct collect *collect_new(const struct collect_options *options)
{
    struct collect *collect = xcalloc(1, sizeof *collect);
    collect->options = *options;
    collect->names_max = REQUEST_NAMES_MAX;
    shape_begin(&collect->shape, options->repetitions > 0 ? options->repetitions : 1);
    return collect;
}

static void drop_plan(struct collect *collect)
{
    for (size_t i = 0; collect->plan != NULL && i < collect->plan->n_tables; i++) {
        table_memory_clear(&collect->tables[i]);
    }
    free(collect->tables);
    denials_clear(&collect->denials); /* they point into the plan */
    collect->tables = NULL;
    collect->plan = NULL;
}

void collect_free(struct collect *collect)
{
    if (collect == NULL) {
        return;
    }
    if (collect->cycle != NULL && collect->cycle->is_reading) {
        reading_drop(&collect->cycle->reading);
    }
    free(collect->cycle);
    drop_plan(collect);
    free(collect);
}

void collect_set_plan(struct collect *collect, const struct plan *plan)
{
    if (plan == collect->plan) {
        return;
    }
    drop_plan(collect);
    collect->plan = plan;
    collect->tables = xcalloc(plan->n_tables + 1, sizeof(collect->tables[0]));
    for (size_t i = 0; i < plan->n_tables; i++) {
        table_memory_init(&collect->tables[i], &plan->tables[i]);
    }
}

void collect_set_interval(struct collect *collect, int64_t interval_ms)
{
    collect->options.interval_ms = interval_ms;
    for (size_t i = 0; collect->plan != NULL && i < collect->plan->n_tables; i++) {
        if (collect->tables[i].objects != NULL) {
            objects_set_interval(collect->tables[i].objects, interval_ms);
        }
    }
}

const struct collect_answer *collect_last_answer(const struct collect *collect)
{
    return &collect->answer;
}

static void note_answer(struct collect *collect, const struct reply *reply)
{
    collect->answer = (struct collect_answer){
        .any = true,
        .sent = reply->sent,
        .arrived = reply->arrived_mono,
        .rtt_s = (double)(reply->arrived_mono.ns - reply->sent_mono.ns) / 1e9};
}

/* --- the end --- */

static void end_cycle(struct collect *collect)
{
    struct cycle *cycle = collect->cycle;
    enum collect_end end = cycle->interrupted ? COLLECT_INTERRUPTED
                           : cycle->partial   ? COLLECT_PARTIAL
                                              : COLLECT_COMPLETE;
    if (!cycle->trouble && !cycle->interrupted) {
        shape_clean_cycle(&collect->shape);
        if (++collect->clean_gets >= CLEAN_CYCLES_GET && collect->names_max < REQUEST_NAMES_MAX) {
            collect->names_max++;
            collect->clean_gets = 0;
        }
    }
    collect->cycle = NULL;
    free(cycle);
    collect->options.done(collect->options.context, end);
}

static void set_ends(struct collect *collect)
{
    struct cycle *cycle = collect->cycle;
    bool cut = false;
    for (size_t i = 0; i < cycle->step.n_columns; i++) {
        enum column_end end =
            cycle->reading.plan->is_scalar ? cycle->gets.ends[i] : cycle->walk.columns[i].end;
        table_set_end(cycle->reading.table, cycle->step.columns[i], end);
        cut = cut || end != COLUMN_COMPLETE;
    }
    collect->options.counts->n[COUNT_WALKS_CUT] += cut ? 1 : 0;
}

static void end_step(struct collect *collect)
{
    struct cycle *cycle = collect->cycle;
    set_ends(collect);
    if (!cycle->reading.plan->is_scalar && !cycle->interrupted) {
        size_t rows = walk_longest(&cycle->walk);
        cycle->reading.memory->groups[cycle->step.group].rows =
            (uint16_t)(rows < TABLE_ROWS_MAX ? rows : TABLE_ROWS_MAX);
    }
}

static void end_table(struct collect *collect)
{
    struct cycle *cycle = collect->cycle;
    const struct objects_options options = {.device = collect->options.device,
                                            .once = collect->options.once,
                                            .sink = collect->options.sink,
                                            .counts = collect->options.counts};
    bool partial =
        reading_end(&cycle->reading, &options, cycle->interrupted, collect->options.interval_ms);
    cycle->partial = cycle->partial || partial;
    cycle->is_reading = false;
    cycle->table++;
}

static void interrupt(struct collect *collect)
{
    struct cycle *cycle = collect->cycle;
    cycle->interrupted = true;
    if (cycle->is_reading) {
        if (cycle->reading.plan->is_scalar) {
            gets_cut_all(&cycle->gets);
        } else {
            walk_cut_all(&cycle->walk);
        }
        end_step(collect);
        end_table(collect);
    }
    end_cycle(collect);
}

/* --- smaller requests --- */

static void deny(struct collect *collect, size_t number, size_t after)
{
    struct cycle *cycle = collect->cycle;
    const struct plan_column *column = &cycle->reading.plan->columns[cycle->step.columns[number]];
    denials_add(&collect->denials, column, after, mono_add_ms(clock_mono(), DENY_MS));
    collect->options.counts->n[COUNT_COLUMNS_DENIED]++;
    log_warn("snmp",
             "column cannot be read, for a day: device=%s table=%s column=%s after_rows=%zu",
             collect->options.device, cycle->reading.plan->name, column->text, after);
}

/* It was that column's fault: the others are asked as before. */
static void deny_asked(struct collect *collect)
{
    struct cycle *cycle = collect->cycle;
    if (cycle->reading.plan->is_scalar) {
        for (size_t i = 0; i < cycle->gets.n_asked; i++) {
            deny(collect, cycle->gets.asked[i], 0);
        }
        gets_cut_asked(&cycle->gets);
    } else {
        for (size_t i = 0; i < cycle->walk.n_asked; i++) {
            size_t number = cycle->walk.asked[i];
            deny(collect, number, cycle->walk.columns[number].n_seen);
        }
        walk_cut_asked(&cycle->walk);
    }
    collect->shape = cycle->before;
    collect->names_max = cycle->names_before;
    cycle->is_shrinking = false;
}

/* False: the request under way was the smallest there is. */
static bool make_smaller(struct collect *collect)
{
    struct cycle *cycle = collect->cycle;
    if (!cycle->reading.plan->is_scalar) {
        return shape_shrink(&collect->shape, cycle->walk.repetitions, cycle->walk.n_asked,
                            clock_mono());
    }
    collect->clean_gets = 0;
    if (cycle->gets.n_asked > 1) {
        collect->names_max = cycle->gets.n_asked / 2;
        return true;
    }
    return false;
}

static void shrink(struct collect *collect)
{
    struct cycle *cycle = collect->cycle;
    cycle->timeouts = 0;
    cycle->confirms = 0;
    cycle->trouble = true;
    if (!cycle->is_shrinking) {
        cycle->is_shrinking = true;
        cycle->before = collect->shape;
        cycle->names_before = collect->names_max;
    }
    if (!make_smaller(collect)) {
        deny_asked(collect);
    }
    ask(collect);
}

static void took_answer(struct collect *collect, const struct reply *reply)
{
    struct cycle *cycle = collect->cycle;
    cycle->timeouts = 0;
    cycle->confirms = 0;
    if (cycle->is_shrinking && collect->shape.getnext && !collect->warned_getnext) {
        collect->warned_getnext = true;
        log_warn("snmp", "GETBULK fails even for one value, GETNEXT is used for a day: device=%s",
                 collect->options.device);
    }
    cycle->is_shrinking = false;
    if (!cycle->reading.plan->is_scalar && reply->error_status == ERROR_STATUS_NONE) {
        struct group_memory *memory = &cycle->reading.memory->groups[cycle->step.group];
        memory->varbind_bytes = (uint16_t)shape_learn_bytes(
            memory->varbind_bytes, reply->size_bytes, reply->n_varbinds + reply->n_dropped);
        shape_answered(&collect->shape, cycle->walk.is_bounded);
    }
}

/* --- is it still there? --- */

static void ask_uptime(struct collect *collect, session_done *done)
{
    static const unsigned long uptime[] = {1, 3, 6, 1, 2, 1, 1, 3, 0};
    const struct request request = {
        .type = REQUEST_GET, .n_names = 1, .names = {{uptime, sizeof uptime / sizeof uptime[0]}}};
    session_ask(collect->cycle->session, &request, collect->options.timeout_ms, done, collect);
}

static void on_confirm(void *context, const struct reply *reply)
{
    struct collect *collect = context;
    if (reply->status == REPLY_ANSWERED) {
        note_answer(collect, reply);
        shrink(collect);
    } else if (reply->status == REPLY_TIMED_OUT &&
               (int64_t)++collect->cycle->confirms <= collect->options.retries) {
        ask_uptime(collect, on_confirm);
    } else {
        interrupt(collect);
    }
}

/* Nothing was due in this cycle: the answer, or that there is none, is all that it brings. */
static void on_idle(void *context, const struct reply *reply)
{
    struct collect *collect = context;
    if (reply->status == REPLY_ANSWERED) {
        note_answer(collect, reply);
    } else if (reply->status == REPLY_TIMED_OUT &&
               (int64_t)++collect->cycle->confirms <= collect->options.retries) {
        ask_uptime(collect, on_idle);
        return;
    } else {
        collect->cycle->interrupted = true;
    }
    end_cycle(collect);
}

/* --- requests --- */

static void take_answer(struct collect *collect, const struct reply *reply)
{
    struct cycle *cycle = collect->cycle;
    bool is_scalar = cycle->reading.plan->is_scalar;
    note_answer(collect, reply);
    enum walk_step step =
        is_scalar ? gets_take(&cycle->gets, reply) : walk_take(&cycle->walk, reply);
    if (step == WALK_TOO_BIG) {
        shrink(collect);
        return;
    }
    took_answer(collect, reply);
    ask(collect);
}

static void on_reply(void *context, const struct reply *reply)
{
    struct collect *collect = context;
    switch (reply->status) {
    case REPLY_NOT_SENT:
    case REPLY_REFUSED:
        interrupt(collect);
        return;
    case REPLY_TIMED_OUT:
        /* One lost datagram is not yet a reason to ask for less. */
        if (++collect->cycle->timeouts > 1 || collect->options.retries == 0) {
            ask_uptime(collect, on_confirm);
        } else {
            ask(collect);
        }
        return;
    case REPLY_ANSWERED:
        take_answer(collect, reply);
        return;
    }
}

static bool next_request(struct collect *collect, struct request *request)
{
    struct cycle *cycle = collect->cycle;
    if (cycle->reading.plan->is_scalar) {
        return gets_ask(&cycle->gets, collect->names_max, request);
    }
    return walk_ask(&cycle->walk, &collect->shape, request) ||
           (reading_resume(&cycle->reading, &cycle->step, &cycle->walk, cycle->resumes) &&
            walk_ask(&cycle->walk, &collect->shape, request));
}

static void ask(struct collect *collect)
{
    struct cycle *cycle = collect->cycle;
    struct request request;
    if (!cycle->is_starting && mono_elapsed_ms(clock_mono(), cycle->deadline) <= 0) {
        interrupt(collect);
        return;
    }
    if (next_request(collect, &request)) {
        session_ask(cycle->session, &request, collect->options.timeout_ms, on_reply, collect);
        return;
    }
    end_step(collect);
    go_on(collect);
}

/* --- steps and tables --- */

static bool on_cell(void *context, size_t number, struct oid_view index,
                    const struct varbind *varbind, const struct reply *reply)
{
    struct cycle *cycle = context;
    return table_take(cycle->reading.table, cycle->step.columns[number], index, varbind, reply);
}

static void begin_step(struct collect *collect)
{
    struct cycle *cycle = collect->cycle;
    const struct reading_step *step = &cycle->step;
    const struct plan_table *plan = cycle->reading.plan;
    const struct walk_sink sink = {cycle, on_cell};
    struct oid_view names[PLAN_COLUMNS_MAX];
    for (size_t i = 0; i < step->n_columns; i++) {
        names[i] = plan->columns[step->columns[i]].oid;
    }
    cycle->timeouts = 0;
    cycle->confirms = 0;
    if (plan->is_scalar) {
        gets_begin(&cycle->gets, names, step->n_columns, &sink, collect->options.counts);
        return;
    }
    const struct group_memory *memory = &cycle->reading.memory->groups[step->group];
    walk_begin(&cycle->walk, names, step->n_columns, TABLE_ROWS_MAX, &sink,
               collect->options.counts);
    walk_expect(&cycle->walk, memory->rows, memory->varbind_bytes);
    for (size_t i = 0; i < step->n_columns; i++) {
        const struct denial *denial =
            denials_find(&collect->denials, &plan->columns[step->columns[i]], cycle->reading.now);
        if (denial != NULL) {
            walk_limit(&cycle->walk, i, denial->after);
        }
        cycle->resumes[i] = (struct resume){0};
    }
}

/* The next table that is due. False: there is none. */
static bool begin_table(struct collect *collect)
{
    struct cycle *cycle = collect->cycle;
    struct mono now = clock_mono();
    for (; cycle->table < collect->plan->n_tables; cycle->table++) {
        const struct plan_table *plan = &collect->plan->tables[cycle->table];
        struct table_memory *memory = &collect->tables[cycle->table];
        if (table_memory_is_due(memory, plan, collect->options.interval_ms, now)) {
            reading_begin(&cycle->reading, plan, memory, &collect->denials, &cycle->turn,
                          collect->options.counts, now);
            cycle->is_reading = true;
            return true;
        }
    }
    return false;
}

/* To the next request, of this table or another one, or to the end. */
static void go_on(struct collect *collect)
{
    struct cycle *cycle = collect->cycle;
    for (;;) {
        if (cycle->is_reading && reading_next(&cycle->reading, &cycle->step)) {
            begin_step(collect);
            ask(collect);
            return;
        }
        if (cycle->is_reading) {
            end_table(collect);
        }
        if (!begin_table(collect)) {
            break;
        }
    }
    if (cycle->is_starting) {
        ask_uptime(collect, on_idle);
    } else {
        end_cycle(collect);
    }
}

void collect_start(struct collect *collect, struct session *session,
                   const struct collect_turn *turn)
{
    struct mono now = clock_mono();
    struct cycle *cycle = xcalloc(1, sizeof *cycle);
    cycle->session = session;
    cycle->turn = *turn;
    cycle->deadline = mono_add_ms(now, turn->limit_ms);
    cycle->is_starting = true;
    collect->cycle = cycle;
    collect->shape.no_bulk = !session_has_bulk(session);
    shape_refresh(&collect->shape, now);
    for (size_t i = 0; turn->restarted && i < collect->plan->n_tables; i++) {
        table_memory_restarted(&collect->tables[i]);
    }
    go_on(collect);
    cycle->is_starting = false;
}
