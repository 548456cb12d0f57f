/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A case's events say when a state begins; it holds until the next event, however far that is. As
 * runs: results each millisecond up to there. Samples (events_compact) become runs as they are. */
#include "cases.h"

#include "common/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int outcome;
} STATES[] = {{"up", 1}, {"degraded", 2}, {"down", 3}, {"unknown", 4}};

static bool say(char *reason, size_t reason_size, const char *what, const char *which)
{
    (void)snprintf(reason, reason_size, "%s %s", what, which);
    return false;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* A time is ISO 8601 or a number of seconds. */
static bool read_time(const json_t *value, struct wall *time)
{
    if (json_is_integer(value)) {
        time->ms = json_integer_value(value) * 1000;
        return true;
    }
    return json_is_string(value) && wall_parse(json_string_value(value), time) == 0;
}

static void print_time(FILE *out, const json_t *object, const char *from, const char *to)
{
    struct wall time;
    char text[WALL_TEXT_SIZE];
    if (read_time(json_object_get(object, from), &time)) {
        fprintf(out, ", %s: %s", to, wall_format_utc(time, text));
    }
}

/* Contract */

struct policy_key {
    const char *key;
    const char *name;
    enum { CHOICE, NUMBER, SECONDS, MEANING } kind;
};
/* Keys of MEANING say what is the rule here anyway. */
static const struct policy_key POLICY_KEYS[] = {
    {"planned", "planned", CHOICE},
    {"unknown", "unknown", CHOICE},
    {"initial_state", "initial_state", CHOICE},
    {"degraded_weight", "degraded_weight", NUMBER},
    {"sample_valid_s", "sample_valid", SECONDS},
    {"ignore_outage_shorter_s", "ignore_outages_shorter", SECONDS},
    {"min_notice_s", "minimum_notice", SECONDS},
    {"planned_quota_s", "planned_quota", SECONDS},
    {"quota_order", NULL, MEANING},
    {"length", NULL, MEANING},
    {"intervals", NULL, MEANING},
};

static bool print_policy(FILE *out, const json_t *json, char *reason, size_t reason_size)
{
    const char *key;
    const json_t *value;
    fputs("policy:\n  planned_quota_per: month\n", out);
    json_object_foreach((json_t *)json_object_get(json, "policy"), key, value)
    {
        const struct policy_key *known = NULL;
        for (size_t i = 0; i < sizeof POLICY_KEYS / sizeof *POLICY_KEYS; i++) {
            known = strcmp(POLICY_KEYS[i].key, key) == 0 ? &POLICY_KEYS[i] : known;
        }
        if (known == NULL) {
            return say(reason, reason_size, "policy", key);
        }
        if (known->kind == CHOICE) {
            fprintf(out, "  %s: %s\n", known->name, json_string_value(value));
        } else if (known->kind == NUMBER) {
            fprintf(out, "  %s: %.6f\n", known->name, json_number_value(value));
        } else if (known->kind == SECONDS) {
            fprintf(out, "  %s: %llds\n", known->name, (long long)json_integer_value(value));
        }
    }
    return true;
}

static bool print_calendar(FILE *out, const json_t *hours, char *reason, size_t reason_size)
{
    const char *holidays = text_of(hours, "holidays");
    size_t i;
    const json_t *weekly;
    fputs("calendars:\n  - name: c\n    hours:\n", out);
    json_array_foreach(json_object_get(hours, "weekly"), i, weekly)
    {
        static const char *const days[] = {"valid_from", "valid_to"};
        char *names = json_dumps(json_object_get(weekly, "days"), 0);
        fprintf(out, "      - {days: %s, from: \"%s\", to: \"%s\"", names, text_of(weekly, "from"),
                text_of(weekly, "to"));
        free(names);
        for (size_t k = 0; k < 2; k++) {
            if (text_of(weekly, days[k]) != NULL) {
                fprintf(out, ", %s: \"%s\"", days[k], text_of(weekly, days[k]));
            }
        }
        fputs("}\n", out);
    }
    if (holidays == NULL) {
        return true;
    }
    if (strcmp(holidays, "FR-metropole") == 0) {
        fputs("    holidays: france\n", out);
    } else if (strcmp(holidays, "FR-alsace-moselle") == 0) {
        fputs("    holidays: france-alsace-moselle\n", out);
    } else {
        return say(reason, reason_size, "holidays", holidays);
    }
    return true;
}

static void print_windows(FILE *out, const json_t *json)
{
    size_t i;
    const json_t *window;
    const json_t *downtimes = json_object_get(json, "downtimes");
    const json_t *exclusions = json_object_get(json, "exclusions");
    fprintf(out, "maintenance:%s\n", json_array_size(downtimes) == 0 ? " []" : "");
    json_array_foreach(downtimes, i, window)
    {
        fputs("  - {name: w", out);
        print_time(out, window, "start", "from");
        print_time(out, window, "end", "to");
        print_time(out, window, "cancelled", "cancelled");
        print_time(out, window, "announced", "announced");
        if (text_of(window, "node") != NULL) {
            fprintf(out, ", checks: [\"d/%s\"]", text_of(window, "node"));
        }
        fputs("}\n", out);
    }
    fprintf(out, "exclusions:%s\n", json_array_size(exclusions) == 0 ? " []" : "");
    json_array_foreach(exclusions, i, window)
    {
        fprintf(out, "  - {reason: \"%s\"", text_of(window, "reason"));
        print_time(out, window, "start", "from");
        print_time(out, window, "end", "to");
        print_time(out, window, "recorded", "recorded");
        fputs("}\n", out);
    }
}

static bool print_node(FILE *out, const json_t *node, char *reason, size_t reason_size)
{
    const char *op = text_of(node, "op");
    bool weighted = op != NULL && strcmp(op, "weighted") == 0;
    bool quorum = op != NULL && strcmp(op, "quorum") == 0;
    size_t i;
    const json_t *child;
    if (op == NULL) {
        fprintf(out, "{check: \"d/%s\"}", text_of(node, "leaf"));
        return true;
    }
    if (quorum || weighted) {
        const json_t *least = json_object_get(node, quorum ? "k" : "min_weight");
        fprintf(out, "{%s: {at_least: %lld, of: [", op, (long long)json_integer_value(least));
    } else if (strcmp(op, "and") == 0 || strcmp(op, "or") == 0) {
        fprintf(out, "{%s: [", op[0] == 'a' ? "all" : "any");
    } else {
        return say(reason, reason_size, "tree", op);
    }
    json_array_foreach(json_object_get(node, "children"), i, child)
    {
        fputs(i > 0 ? ", " : "", out);
        if (weighted) {
            fprintf(out, "{weight: %lld, requires: ",
                    (long long)json_integer_value(json_object_get(child, "weight")));
        }
        if (!print_node(out, child, reason, reason_size)) {
            return false;
        }
        fputs(weighted ? "}" : "", out);
    }
    fputs(quorum || weighted ? "]}}" : "]}", out);
    return true;
}

static bool print_contract(FILE *out, const json_t *json, char *reason, size_t reason_size)
{
    const json_t *hours = json_object_get(json, "service_hours");
    const json_t *tree = json_object_get(json, "tree");
    const char *target = text_of(json_object_get(json, "expected"), "target_pct");
    fprintf(out, "contract: {name: case, timezone: %s}\n", text_of(json, "timezone"));
    if (!print_policy(out, json, reason, reason_size)) {
        return false;
    }
    if (json_is_object(hours) && !print_calendar(out, hours, reason, reason_size)) {
        return false;
    }
    print_windows(out, json);
    fprintf(out,
            "services:\n  - {name: s, target: %s%s, requires: ", target != NULL ? target : "99.9",
            json_is_object(hours) ? ", hours: c" : "");
    if (tree == NULL) {
        fputs("{check: \"d/c\"}", out);
    } else if (!print_node(out, tree, reason, reason_size)) {
        return false;
    }
    fputs("}\n", out);
    return true;
}

static bool open_contract(const json_t *json, struct case_bed *bed, char *reason,
                          size_t reason_size)
{
    char *text = NULL;
    size_t size = 0;
    struct config_errors errors = {0};
    FILE *out = open_memstream(&text, &size);
    bool said = out != NULL && print_contract(out, json, reason, reason_size);
    if (out != NULL) {
        (void)fclose(out); /* memory */
    }
    if (said && sla_contract_parse("case", text, size, &bed->contract, &errors) != 0) {
        config_errors_print(stderr, &errors);
        said = say(reason, reason_size, "contract:", text);
    }
    config_errors_clear(&errors);
    free(text);
    return said;
}

/* Input */

struct event {
    const char *node;
    struct wall time;
    int outcome;
};

static int compare_events(const void *left, const void *right)
{
    const struct event *a = left;
    const struct event *b = right;
    int order = strcmp(a->node, b->node);
    return order != 0 ? order : (a->time.ms > b->time.ms) - (a->time.ms < b->time.ms);
}

static bool read_event(const json_t *json, struct event *event)
{
    const char *state = text_of(json, "state");
    const char *node = text_of(json, "node");
    event->node = node != NULL ? node : "c";
    for (size_t i = 0; state != NULL && i < sizeof STATES / sizeof *STATES; i++) {
        if (strcmp(STATES[i].name, state) == 0) {
            event->outcome = STATES[i].outcome;
            return read_time(json_object_get(json, "t"), &event->time);
        }
    }
    return false;
}

/* What had arrived by then. */
static bool is_heard(const json_t *json, const struct case_bed *bed)
{
    struct wall received;
    return !read_time(json_object_get(json, "received"), &received) || received.ms <= bed->now.ms;
}

static bool add_events(const json_t *events, struct case_bed *bed, char *reason, size_t reason_size)
{
    struct event *sorted = xcalloc(json_array_size(events) + 1, sizeof *sorted);
    size_t count = 0;
    size_t i;
    const json_t *event;
    bool good = true;
    json_array_foreach(events, i, event)
    {
        if (is_heard(event, bed) && good) {
            good = read_event(event, &sorted[count++]);
        }
    }
    qsort(sorted, count, sizeof *sorted, compare_events);
    for (i = 0; i < count && good; i++) {
        bool last = i + 1 == count || strcmp(sorted[i].node, sorted[i + 1].node) != 0;
        struct wall end = last ? (struct wall){bed->period.to.ms + 86400000} : sorted[i + 1].time;
        struct sla_run run = {.first = sorted[i].time,
                              .last = {end.ms - 1},
                              .interval_ms = 1,
                              .outcome = sorted[i].outcome};
        good = sla_input_add_run(bed->input, "d", sorted[i].node, &run) == 0;
    }
    free(sorted);
    return good || say(reason, reason_size, "events", "are of another kind");
}

static bool add_samples(const json_t *compact, struct case_bed *bed, char *reason,
                        size_t reason_size)
{
    size_t i;
    const json_t *range;
    json_array_foreach(json_object_get(compact, "ranges"), i, range)
    {
        char last[WALL_TEXT_SIZE] = "";
        struct sla_run run = {.interval_ms =
                                  json_integer_value(json_object_get(compact, "every_s")) * 1000,
                              .outcome = 1};
        const char *end = json_string_value(json_array_get(range, 1));
        const char *blank = end != NULL ? strchr(end, ' ') : NULL;
        if (blank == NULL || strcmp(blank, " inclusive") != 0 ||
            strcmp(text_of(compact, "state"), "up") != 0 ||
            !read_time(json_array_get(range, 0), &run.first)) {
            return say(reason, reason_size, "samples", "are of another kind");
        }
        (void)snprintf(last, sizeof last, "%.*s", (int)(blank - end), end);
        if (wall_parse(last, &run.last) != 0 ||
            sla_input_add_run(bed->input, "d", "c", &run) != 0) {
            return say(reason, reason_size, "sample", last);
        }
    }
    return true;
}

bool case_open(const json_t *json, struct case_bed *bed, char *reason, size_t reason_size)
{
    const json_t *period = json_object_get(json, "period");
    const json_t *compact = json_object_get(json, "events_compact");
    *bed = (struct case_bed){.input = sla_input_new()};
    if (!read_time(json_object_get(period, "start"), &bed->period.from) ||
        !read_time(json_object_get(period, "end"), &bed->period.to)) {
        return say(reason, reason_size, "period", "is absent");
    }
    if (!read_time(json_object_get(json, "asof"), &bed->now)) {
        bed->now.ms = bed->period.to.ms + INT64_C(366) * 86400000; /* all is known */
    }
    return open_contract(json, bed, reason, reason_size) &&
           add_events(json_object_get(json, "events"), bed, reason, reason_size) &&
           add_samples(compact, bed, reason, reason_size);
}

void case_close(struct case_bed *bed)
{
    sla_contract_free(bed->contract);
    sla_input_free(bed->input);
}
