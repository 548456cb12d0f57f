/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The present: of each check the newest run, of each device its worst check. */
#include "internal.h"

#include "common/xalloc.h"

#include <stdlib.h>
#include <string.h>

enum {
    AGENT_SILENT_MS = 2 * 60 * 1000,
    /* An agent repeats its word on each check every minute, unless it is told otherwise, and sends
     * a row with each result; both take a moment to come here. A check of which neither came for so
     * long and two intervals is not watched any more. */
    OVERDUE_MS = 60 * 1000 + 30 * 1000,
};

struct heard {
    char *agent;
    struct wall received;
};

struct reading {
    struct query_state *state;
    struct sla_input *input;
    struct wall now;
    size_t n_heard;
    struct heard *heard;
    json_t *by_device; /* device -> its JSON */
    json_t *last_rows; /* "device\ncheck" -> milliseconds; names have no control characters */
};

/* --- agents --- */

static const char *agent_state(struct wall received, struct wall now)
{
    if (received.ms == 0) {
        return "never";
    }
    return now.ms - received.ms > AGENT_SILENT_MS ? "silent" : "ok";
}

static int add_agent(struct reading *reading, const char *name, struct wall received)
{
    reading->heard = xreallocarray(reading->heard, reading->n_heard + 1, sizeof *reading->heard);
    reading->heard[reading->n_heard++] = (struct heard){xstrdup(name), received};
    json_t *age =
        received.ms == 0 ? json_null() : json_real((double)(reading->now.ms - received.ms) / 1000);
    return json_array_append_new(reading->state->agents,
                                 json_pack("{s:s, s:o, s:o, s:s}", "agent", name, "received",
                                           query_time(received), "age_s", age, "state",
                                           agent_state(received, reading->now)));
}

static int on_agent(void *context, const struct ledger_agent *agent)
{
    return add_agent(context, agent->name, agent->received);
}

static bool is_known(const struct reading *reading, const char *agent)
{
    for (size_t i = 0; i < reading->n_heard; i++) {
        if (strcmp(reading->heard[i].agent, agent) == 0) {
            return true;
        }
    }
    return false;
}

/* Those of the configuration that never sent anything. */
static int add_unheard(struct reading *reading, const char *const *agents)
{
    int rc = 0;
    for (; agents != NULL && *agents != NULL && rc == 0; agents++) {
        rc = is_known(reading, *agents) ? 0 : add_agent(reading, *agents, (struct wall){0});
    }
    return rc;
}

static struct wall heard_last(const struct reading *reading, const char *agent)
{
    for (size_t i = 0; i < reading->n_heard; i++) {
        if (strcmp(reading->heard[i].agent, agent) == 0) {
            return reading->heard[i].received;
        }
    }
    return (struct wall){0};
}

/* --- devices --- */

static json_t *device_of(struct reading *reading, const char *name)
{
    json_t *device = json_object_get(reading->by_device, name);
    if (device == NULL) {
        device = json_pack("{s:s, s:s, s:n, s:i, s:[]}", "device", name, "state", "unknown",
                           "since", "objects", 0, "checks");
        (void)json_object_set_new(reading->by_device, name, device); /* names are valid UTF-8 */
    }
    return device;
}

static int on_object(void *context, const struct ledger_object *object)
{
    struct reading *reading = context;
    json_t *device = device_of(reading, object->object.device);
    json_int_t objects = json_integer_value(json_object_get(device, "objects"));
    if (strcmp(object->object.kind, "check") == 0) {
        char *key = xasprintf("%s\n%s", object->object.device, object->object.name);
        (void)json_object_set_new(reading->last_rows, key, json_integer(object->last.ms));
        free(key);
    }
    return json_object_set_new(device, "objects", json_integer(objects + 1));
}

/* --- checks --- */

/* The newest result of the check that was heard of. A row that came after the statement says that
 * the outcome is the same: another one is stated at once, and in its order. */
static struct wall last_result(const struct reading *reading, const struct ledger_run *run)
{
    char *key = xasprintf("%s\n%s", run->device, run->check);
    json_int_t row_ms = json_integer_value(json_object_get(reading->last_rows, key));
    free(key);
    return row_ms > run->last.ms ? (struct wall){row_ms} : run->last;
}

static bool is_stale(const struct reading *reading, const struct ledger_run *run, struct wall last)
{
    return reading->now.ms > last.ms + OVERDUE_MS + 2 * run->interval_ms;
}

/* How far the run is known to hold: while its agent is heard and would have told of a change, the
 * present is as the last word had it. */
static struct wall known_until(const struct reading *reading, const struct ledger_run *run,
                               struct wall last)
{
    struct wall received = heard_last(reading, run->agent);
    bool alive = !is_stale(reading, run, last) &&
                 reading->now.ms - received.ms <= AGENT_SILENT_MS / 4 + run->interval_ms;
    return alive && reading->now.ms > last.ms ? reading->now : last;
}

/* From when the outcome is what it is, so that a change of reason does not make it look new. */
static void feed_input(struct reading *reading, const struct ledger_run *run, struct wall since,
                       struct wall last)
{
    struct sla_run copy = query_sla_run(run);
    copy.first = since;
    copy.last = known_until(reading, run, last);
    (void)sla_input_add_run(reading->input, run->device, run->check, &copy); /* from the ledger */
}

static json_t *check_json(const struct ledger_run *run, bool stale, struct wall since,
                          struct wall last)
{
    const char *outcome = stale ? outcome_name(OUTCOME_UNKNOWN) : outcome_name(run->outcome);
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:I, s:s}", "check", run->check, "outcome",
                     outcome, "reason", stale ? "no-data" : run->reason, "detail",
                     stale ? "" : run->detail, "since", query_time(since), "last", query_time(last),
                     "interval_ms", (json_int_t)run->interval_ms, "agent", run->agent);
}

static void note_problem(struct reading *reading, const char *device, json_t *check,
                         struct wall since)
{
    json_int_t duration_s = since.ms < reading->now.ms ? (reading->now.ms - since.ms) / 1000 : 0;
    json_t *problem = json_pack(
        "{s:s, s:O, s:O, s:O, s:O, s:O, s:I}", "device", device, "check",
        json_object_get(check, "check"), "outcome", json_object_get(check, "outcome"), "reason",
        json_object_get(check, "reason"), "detail", json_object_get(check, "detail"), "since",
        json_object_get(check, "since"), "duration_s", duration_s);
    (void)json_array_append_new(reading->state->problems, problem); /* not NULL: all are set */
}

/* The device is as its worst check; since the oldest of those. */
static void take_worst(json_t *device, json_t *check)
{
    const char *outcome = json_string_value(json_object_get(check, "outcome"));
    const char *state = json_string_value(json_object_get(device, "state"));
    json_t *since = json_object_get(check, "since");
    const json_t *old = json_object_get(device, "since");
    int order = json_array_size(json_object_get(device, "checks")) == 0
                    ? -1
                    : query_compare_outcomes(outcome, state);
    bool older =
        order == 0 && json_is_string(since) &&
        (!json_is_string(old) || strcmp(json_string_value(since), json_string_value(old)) < 0);
    if (order < 0) {
        (void)json_object_set_new(device, "state", json_string(outcome));
    }
    if (order < 0 || older) {
        (void)json_object_set(device, "since", since);
    }
}

static int on_run(void *context, const struct ledger_run *run, struct wall since)
{
    struct reading *reading = context;
    json_t *device = device_of(reading, run->device);
    struct wall last = last_result(reading, run);
    bool stale = is_stale(reading, run, last);
    struct wall shown_since = stale ? last : since;
    json_t *check = check_json(run, stale, shown_since, last);
    if (check == NULL) {
        return -1;
    }
    if (reading->input != NULL) {
        feed_input(reading, run, since, last);
    }
    take_worst(device, check);
    if (strcmp(json_string_value(json_object_get(check, "outcome")), "up") != 0) {
        note_problem(reading, run->device, check, shown_since);
    }
    return json_array_append_new(json_object_get(device, "checks"), check);
}

/* --- in order --- */

static int by_name(const json_t *a, const json_t *b)
{
    return strcmp(json_string_value(json_object_get(a, "device")),
                  json_string_value(json_object_get(b, "device")));
}

static int by_urgency(const json_t *a, const json_t *b)
{
    int order = query_compare_outcomes(json_string_value(json_object_get(a, "outcome")),
                                       json_string_value(json_object_get(b, "outcome")));
    json_int_t left = json_integer_value(json_object_get(a, "duration_s"));
    json_int_t right = json_integer_value(json_object_get(b, "duration_s"));
    return order != 0 ? order : (left < right) - (left > right);
}

static int compare_by_name(const void *a, const void *b)
{
    return by_name(*(json_t *const *)a, *(json_t *const *)b);
}

static int compare_by_urgency(const void *a, const void *b)
{
    return by_urgency(*(json_t *const *)a, *(json_t *const *)b);
}

static json_t *sorted(json_t *array, int (*compare)(const void *, const void *))
{
    size_t n = json_array_size(array);
    json_t **items = xcalloc(n + 1, sizeof(json_t *));
    for (size_t i = 0; i < n; i++) {
        items[i] = json_array_get(array, i);
    }
    qsort(items, n, sizeof(json_t *), compare);
    json_t *result = json_array();
    for (size_t i = 0; i < n; i++) {
        (void)json_array_append(result, items[i]); /* both are there */
    }
    free(items);
    json_decref(array);
    return result;
}

static json_t *values_of(json_t *object)
{
    json_t *array = json_array();
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        (void)json_array_append(array, value);
    }
    json_decref(object);
    return array;
}

static int read_ledger(struct ledger_view *view, struct reading *reading)
{
    int rc = 0;
    if (view != NULL) {
        rc = ledger_view_agents(view, on_agent, reading);
        rc = rc != 0 ? rc : ledger_view_objects(view, NULL, NULL, on_object, reading);
        rc = rc != 0 ? rc : ledger_view_current(view, on_run, reading);
    }
    return rc;
}

int query_state_read(struct ledger_view *view, const char *const *agents, struct wall now,
                     struct query_state *state, struct sla_input *input,
                     struct query_failure *failure)
{
    *state = (struct query_state){NULL, json_array(), json_array()};
    struct reading reading = {.state = state,
                              .input = input,
                              .now = now,
                              .by_device = json_object(),
                              .last_rows = json_object()};
    int rc = read_ledger(view, &reading);
    if (rc == 0) {
        rc = add_unheard(&reading, agents);
    }
    for (size_t i = 0; i < reading.n_heard; i++) {
        free(reading.heard[i].agent);
    }
    free(reading.heard);
    json_decref(reading.last_rows);
    state->devices = sorted(values_of(reading.by_device), compare_by_name);
    state->problems = sorted(state->problems, compare_by_urgency);
    if (rc != 0) {
        query_state_clear(state);
        (void)query_fail(failure, QUERY_UNAVAILABLE, "the ledger cannot be read now");
        return -1;
    }
    return 0;
}

void query_state_clear(struct query_state *state)
{
    json_decref(state->devices);
    json_decref(state->problems);
    json_decref(state->agents);
    *state = (struct query_state){0};
}
