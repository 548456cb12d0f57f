/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "value_item.h"

#include "common/xalloc.h"
#include "sample/schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the order of its metrics (checks/config.c). */
enum { VALUE_VALUE, VALUE_AGE, VALUES };

enum {
    STALE_INTERVALS = 2,
    STALE_SLACK_MS = 1000, /* a worker's rows come within a second */
    /* A device may be polled less often than it is looked at, and is first explored. */
    ABSENT_INTERVALS = 2,
    ABSENT_MIN_MS = 60000,
};

/* --- judging --- */

static void set_verdict(struct value_verdict *verdict, enum outcome outcome, const char *reason,
                        const char *detail)
{
    verdict->outcome = outcome;
    verdict->reason = reason;
    (void)text_sanitize((const uint8_t *)detail, strlen(detail), verdict->detail,
                        sizeof verdict->detail);
}

/* The check's metrics, the value's in the unit of what is polled. */
static void fill_metrics(const struct value_item *item, struct metric metrics[VALUES])
{
    memcpy(metrics, check_facts(CHECK_VALUE)->metrics, VALUES * sizeof metrics[0]);
    metrics[VALUE_VALUE].unit = item->watch.unit;
}

static const struct condition *first_broken(const struct condition *conditions, size_t n,
                                            const double values[VALUES])
{
    for (size_t i = 0; i < n; i++) {
        if (!condition_holds(&conditions[i], values[conditions[i].metric])) {
            return &conditions[i];
        }
    }
    return NULL;
}

static void judge_value(const struct value_item *item, const double values[VALUES],
                        struct value_verdict *verdict)
{
    enum outcome outcome = OUTCOME_DOWN;
    const struct condition *broken =
        first_broken(item->down_unless, item->config.down_unless.count, values);
    if (broken == NULL) {
        outcome = OUTCOME_DEGRADED;
        broken = first_broken(item->degraded_unless, item->config.degraded_unless.count, values);
    }
    if (broken == NULL) {
        set_verdict(verdict, OUTCOME_UP, "", "");
        return;
    }
    char text[PROTO_DETAIL_MAX + 1];
    struct metric metrics[VALUES];
    fill_metrics(item, metrics);
    condition_describe(broken, metrics, values[broken->metric], text, sizeof text);
    set_verdict(verdict, outcome, "condition", text);
}

/* --- telling --- */

static void deliver(struct value_item *item, struct wall time, const struct value_verdict *verdict,
                    const double *value, const double *age)
{
    const struct sample_sink *next = item->options->next;
    union value values[VALUES + 1] = {{.gauge = value != NULL ? *value : 0},
                                      {.gauge = age != NULL ? *age : 0}};
    if (item->number == 0) {
        return; /* refused, which the sink has logged */
    }
    if (confirm_is_wanted(&item->confirm)) {
        values[VALUES].gauge = confirm_take(&item->confirm, verdict->outcome) ? 1 : 0;
    }
    const struct row row = {
        .object = item->number,
        .time = time,
        .status = value != NULL ? ROW_OK
                  : age != NULL ? ROW_PARTIAL
                                : ROW_FAILED,
        .unknown_mask =
            (value == NULL ? 1U << VALUE_VALUE : 0) | (age == NULL ? 1U << VALUE_AGE : 0),
        .values = values,
    };
    const struct result result = {.object = item->number,
                                  .time = time,
                                  .outcome = verdict->outcome,
                                  .reason = verdict->reason,
                                  .detail = verdict->detail};
    next->row(next->context, &row);
    next->result(next->context, &result);
}

/* One row for each interval of the check: the first that comes about one after the last. */
static bool is_due(const struct value_item *item, struct wall time)
{
    int64_t since_ms = time.ms - item->judged.ms;
    return since_ms < 0 || since_ms >= item->config.interval_ms - item->object_interval_ms / 2;
}

void value_item_take_row(struct value_item *item, const struct row *row)
{
    static const double fresh = 0;
    struct mono now = clock_mono();
    struct value_verdict verdict = {0};
    double value = 0;
    item->has_row = true;
    item->arrival = now;
    if (item->trouble.outcome != 0) {
        return; /* told once per interval */
    }
    enum value_state state = value_watch_take(&item->watch, row, now, &value);
    if (!is_due(item, row->time)) {
        return;
    }
    switch (state) {
    case VALUE_FIRST:
        return;
    case VALUE_KNOWN: {
        const double values[VALUES] = {value, fresh};
        judge_value(item, values, &verdict);
        break;
    }
    case VALUE_DISCONTINUOUS:
        set_verdict(&verdict, OUTCOME_UNKNOWN, "discontinuity",
                    "the counter began anew, or the clock was stepped");
        break;
    case VALUE_MISSING:
        set_verdict(&verdict, OUTCOME_UNKNOWN, "no-value", "it was not measured");
        break;
    }
    item->judged = row->time;
    deliver(item, row->time, &verdict, state == VALUE_KNOWN ? &value : NULL, &fresh);
}

static bool is_absent(const struct value_item *item, struct mono now)
{
    int64_t since_ms = mono_elapsed_ms(item->started, now);
    return since_ms >= ABSENT_MIN_MS && since_ms >= ABSENT_INTERVALS * item->config.interval_ms;
}

/* Tells what no row tells. */
static void on_turn(void *context, struct wall due)
{
    struct value_item *item = context;
    struct mono now = clock_mono();
    struct value_verdict verdict = {0};
    int64_t age_ms = mono_elapsed_ms(item->arrival, now);
    double age_s = (double)age_ms / 1e3;
    bool is_stale = age_ms > STALE_INTERVALS * item->object_interval_ms + STALE_SLACK_MS;
    (void)due; /* it is so now */
    if (item->object == 0) {
        if (is_absent(item, now)) {
            set_verdict(&verdict, OUTCOME_UNKNOWN, "no-object",
                        "nothing of that kind and name was sampled");
            deliver(item, clock_wall(), &verdict, NULL, NULL);
        }
    } else if (is_stale) {
        char text[128];
        (void)snprintf(text, sizeof text, "no sample for %.1f s, where one is due each %.1f s",
                       age_s, (double)item->object_interval_ms / 1e3);
        set_verdict(&verdict, OUTCOME_UNKNOWN, "stale", text);
        item->watch.has_last = false; /* the rate over the silence says nothing of either end */
        deliver(item, clock_wall(), &verdict, NULL, item->has_row ? &age_s : NULL);
    } else if (item->trouble.outcome != 0) {
        deliver(item, clock_wall(), &item->trouble, NULL, NULL);
    }
}

/* --- what is looked at --- */

static bool parse_all(struct value_item *item, const struct config_strings *texts,
                      struct condition *conditions, char *reason, size_t reason_size)
{
    struct metric metrics[VALUES];
    fill_metrics(item, metrics);
    for (size_t i = 0; i < texts->count; i++) {
        if (condition_parse(texts->items[i], metrics, VALUES, &conditions[i], reason,
                            reason_size) != 0) {
            return false;
        }
    }
    return true;
}

void value_item_attach(struct value_item *item, const struct object *object, uint32_t number)
{
    char reason[256] = "";
    item->object = number;
    item->object_interval_ms = object->interval_ms;
    if (!item->has_row) {
        item->arrival = clock_mono();
    }
    item->trouble = (struct value_verdict){0};
    if (value_watch_set(&item->watch, object, item->config.metric) != 0) {
        (void)snprintf(reason, sizeof reason, "the %.32s has no metric %.64s", object->kind,
                       item->config.metric);
        set_verdict(&item->trouble, OUTCOME_UNKNOWN, "no-metric", reason);
    } else if (!parse_all(item, &item->config.down_unless, item->down_unless, reason,
                          sizeof reason) ||
               !parse_all(item, &item->config.degraded_unless, item->degraded_unless, reason,
                          sizeof reason)) {
        set_verdict(&item->trouble, OUTCOME_UNKNOWN, "unit-mismatch", reason);
    }
}

/* --- life --- */

static void define(struct value_item *item)
{
    const struct check_config *config = &item->config;
    const struct sample_sink *next = item->options->next;
    char *target = xasprintf("%s %s %s", config->kind, config->object, config->metric);
    bool is_confirmed = confirm_is_wanted(&item->confirm);
    struct metric metrics[VALUES + 1] = {[VALUES] = {"confirmed", "1", METRIC_GAUGE}};
    memcpy(metrics, check_facts(CHECK_VALUE)->metrics, VALUES * sizeof metrics[0]);
    const struct label labels[] = {
        {"type", "value"}, {"target", target}, {"confirm", config->confirm}};
    const struct object object = {
        .device = item->device,
        .kind = "check",
        .name = config->name,
        .interval_ms = config->interval_ms,
        .metrics = metrics,
        .n_metrics = VALUES + (is_confirmed ? 1 : 0),
        .labels = labels,
        .n_labels = is_confirmed ? 3 : 2,
    };
    item->number = next->define(next->context, &object);
    free(target);
}

struct value_item *value_item_start(uv_loop_t *loop, const struct value_checks_options *options,
                                    char *said, const char *device)
{
    struct config_errors errors = {0};
    struct value_item *item = xcalloc(1, sizeof *item);
    int rc = config_parse("value check", said, strlen(said), &check_config_schema, &item->config,
                          &errors);
    config_errors_clear(&errors);
    if (rc != 0) {
        free(item);
        free(said);
        return NULL;
    }
    item->options = options;
    item->said = said;
    item->device = xstrdup(device);
    item->started = clock_mono();
    item->down_unless = xcalloc(item->config.down_unless.count + 1, sizeof item->down_unless[0]);
    item->degraded_unless =
        xcalloc(item->config.degraded_unless.count + 1, sizeof item->degraded_unless[0]);
    confirm_begin(&item->confirm, item->config.confirm);
    define(item);
    const struct object *object =
        options->find(options->context, device, item->config.kind, item->config.object);
    if (object != NULL) {
        value_item_attach(item, object, object->number);
    }
    char *name = xasprintf("check/%s/%s", device, item->config.name);
    item->task = schedule_start(loop, name, item->config.interval_ms, on_turn, item);
    free(name);
    return item;
}

void value_item_stop(struct value_item *item)
{
    schedule_stop(item->task);
    config_free(&check_config_schema, &item->config);
    free(item->down_unless);
    free(item->degraded_unless);
    free(item->device);
    free(item->said);
    free(item);
}
