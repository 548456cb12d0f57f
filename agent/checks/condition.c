/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "checks/condition.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum dimension { DIMENSION_NONE, TIME, SIZE, RATIO, RATE };

struct unit {
    const char *name;
    enum dimension dimension;
    double factor; /* to the dimension's base: s, bytes, 1, bit/s */
};

/* Of conditions and of metrics. */
static const struct unit units[] = {
    {"us", TIME, 1e-6},
    {"ms", TIME, 1e-3},
    {"s", TIME, 1},
    {"min", TIME, 60},
    {"h", TIME, 3600},
    {"d", TIME, 86400},
    {"B", SIZE, 1},
    {"bytes", SIZE, 1},
    {"octets", SIZE, 1},
    {"KiB", SIZE, 1024},
    {"MiB", SIZE, 1024.0 * 1024},
    {"GiB", SIZE, 1024.0 * 1024 * 1024},
    {"TiB", SIZE, 1024.0 * 1024 * 1024 * 1024},
    {"%", RATIO, 0.01},
    {"ratio", RATIO, 1},
    {"bit/s", RATE, 1},
    {"kbit/s", RATE, 1e3},
    {"Mbit/s", RATE, 1e6},
    {"Gbit/s", RATE, 1e9},
    {"B/s", RATE, 8},
    {"bytes/s", RATE, 8},
    {"octets/s", RATE, 8},
    {"KiB/s", RATE, 8 * 1024.0},
    {"MiB/s", RATE, 8 * 1024.0 * 1024},
    {"GiB/s", RATE, 8 * 1024.0 * 1024 * 1024},
};

static const struct {
    const char *text; /* longer ones first */
    enum condition_operator operator;
} operators[] = {
    {"<=", CONDITION_LESS_EQUAL}, {">=", CONDITION_GREATER_EQUAL}, {"==", CONDITION_EQUAL},
    {"!=", CONDITION_NOT_EQUAL},  {"<", CONDITION_LESS},           {">", CONDITION_GREATER},
};

static const struct unit *find_unit(const char *name)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(units[i].name, name) == 0) {
            return &units[i];
        }
    }
    return NULL;
}

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " ");
}

static int fail_metric(const char *name, size_t size, const struct metric *metrics,
                       size_t n_metrics, char *reason, size_t reason_size)
{
    int used = snprintf(reason, reason_size, "there is no \"%.*s\" here, only",
                        size < 32 ? (int)size : 32, name);
    for (size_t i = 0; i < n_metrics && used > 0 && (size_t)used < reason_size; i++) {
        used += snprintf(reason + used, reason_size - (size_t)used, "%s %s", i > 0 ? "," : "",
                         metrics[i].name);
    }
    return -EINVAL;
}

/* Behind the metric's name; NULL: there is none of that name. */
static const char *take_metric(const char *at, const struct metric *metrics, size_t n_metrics,
                               struct condition *condition, char *reason, size_t reason_size)
{
    size_t size = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789_");
    bool is_response = size == strlen("response") && strncmp(at, "response", size) == 0;
    for (size_t i = 0; i < n_metrics; i++) {
        if (strlen(metrics[i].name) == size && strncmp(at, metrics[i].name, size) == 0) {
            condition->metric = i;
            return skip_blanks(at + size);
        }
    }
    if (is_response && n_metrics > 0 && metrics[0].unit != NULL &&
        strcmp(metrics[0].unit, "s") == 0) {
        condition->metric = 0;
        return skip_blanks(at + size);
    }
    if (size == 0) {
        (void)snprintf(reason, reason_size, "must be like \"response < 800 ms\"");
        return NULL;
    }
    (void)fail_metric(at, size, metrics, n_metrics, reason, reason_size);
    return NULL;
}

static const char *take_operator(const char *at, struct condition *condition)
{
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        size_t size = strlen(operators[i].text);
        if (strncmp(at, operators[i].text, size) == 0) {
            condition->operator= operators[i].operator;
            return skip_blanks(at + size);
        }
    }
    return NULL;
}

static int scale(struct condition *condition, const char *unit_name, const struct metric *metric,
                 char *reason, size_t reason_size)
{
    const struct unit *from = find_unit(unit_name);
    if (from == NULL) {
        (void)snprintf(reason, reason_size,
                       "\"%.16s\" is no unit: us, ms, s, min, h, d, B, KiB, MiB, GiB, TiB, %%, "
                       "bit/s, kbit/s, Mbit/s, Gbit/s, B/s, KiB/s, MiB/s or GiB/s",
                       unit_name);
        return -EINVAL;
    }
    if (metric->unit == NULL) {
        return 0;
    }
    const struct unit *to = find_unit(metric->unit);
    if (from->dimension == RATIO && strcmp(metric->unit, "1") == 0) {
        condition->threshold *= from->factor;
        return 0;
    }
    if (to == NULL || to->dimension != from->dimension) {
        (void)snprintf(reason, reason_size, "%s is in %s, which %s is not", metric->name,
                       metric->unit, unit_name);
        return -EINVAL;
    }
    condition->threshold = condition->threshold * from->factor / to->factor;
    return 0;
}

int condition_parse(const char *text, const struct metric *metrics, size_t n_metrics,
                    struct condition *condition, char *reason, size_t reason_size)
{
    *condition = (struct condition){.text = text};
    const char *at =
        take_metric(skip_blanks(text), metrics, n_metrics, condition, reason, reason_size);
    if (at == NULL) {
        return -EINVAL;
    }
    at = take_operator(at, condition);
    if (at == NULL) {
        (void)snprintf(reason, reason_size, "needs one of <, <=, >, >=, ==, != after the name");
        return -EINVAL;
    }
    /* No hexadecimal number, no "inf". */
    size_t digits = strspn(at, "0123456789.-+");
    char *end = NULL;
    condition->threshold = digits > 0 ? strtod(at, &end) : 0;
    if (end == NULL || end == at || (size_t)(end - at) > digits ||
        !isfinite(condition->threshold)) {
        (void)snprintf(reason, reason_size, "needs a number after the operator");
        return -EINVAL;
    }
    const char *unit = skip_blanks(end);
    size_t unit_size = strcspn(unit, " ");
    char unit_name[24] = "";
    if (unit_size >= sizeof unit_name || *skip_blanks(unit + unit_size) != '\0') {
        (void)snprintf(reason, reason_size, "has something after the unit");
        return -EINVAL;
    }
    memcpy(unit_name, unit, unit_size);
    return unit_size == 0
               ? 0
               : scale(condition, unit_name, &metrics[condition->metric], reason, reason_size);
}

bool condition_holds(const struct condition *condition, double value)
{
    switch (condition->operator) {
    case CONDITION_LESS:
        return value < condition->threshold;
    case CONDITION_LESS_EQUAL:
        return value <= condition->threshold;
    case CONDITION_GREATER:
        return value > condition->threshold;
    case CONDITION_GREATER_EQUAL:
        return value >= condition->threshold;
    case CONDITION_EQUAL:
        return value >= condition->threshold && value <= condition->threshold;
    case CONDITION_NOT_EQUAL:
        return value < condition->threshold || value > condition->threshold;
    }
    return false;
}

void condition_describe(const struct condition *condition, const struct metric *metrics,
                        double value, char *text, size_t text_size)
{
    const struct metric *metric = &metrics[condition->metric];
    bool has_unit = strcmp(metric->unit, "1") != 0;
    (void)snprintf(text, text_size, "%s is %.6g%s%s, not %s", metric->name, value,
                   has_unit ? " " : "", has_unit ? metric->unit : "", condition->text);
}
