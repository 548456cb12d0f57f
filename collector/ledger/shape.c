/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "shape.h"

#include "common/xalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char counter_name[] = "counter";
static const char gauge_name[] = "gauge";

char *shape_format(const struct metric *metrics, size_t n_metrics)
{
    size_t size = 1;
    for (size_t i = 0; i < n_metrics; i++) {
        if (strpbrk(metrics[i].name, "\t\n") != NULL || strpbrk(metrics[i].unit, "\t\n") != NULL) {
            return NULL;
        }
        size += strlen(metrics[i].name) + strlen(metrics[i].unit) + sizeof counter_name + 2;
    }
    char *text = xmalloc(size);
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < n_metrics; i++) {
        int n = snprintf(text + used, size - used, "%s\t%s\t%s\n", metrics[i].name, metrics[i].unit,
                         metrics[i].type == METRIC_COUNTER ? counter_name : gauge_name);
        used += (size_t)n;
    }
    return text;
}

static int parse_line(char *line, struct metric *metric)
{
    char *unit = strchr(line, '\t');
    char *type = unit == NULL ? NULL : strchr(unit + 1, '\t');
    if (type == NULL) {
        return -EBADMSG;
    }
    *unit++ = '\0';
    *type++ = '\0';
    metric->name = line;
    metric->unit = unit;
    metric->type = strcmp(type, counter_name) == 0 ? METRIC_COUNTER : METRIC_GAUGE;
    return metric->type == METRIC_COUNTER || strcmp(type, gauge_name) == 0 ? 0 : -EBADMSG;
}

int shape_parse(const char *text, struct shape *shape)
{
    memset(shape, 0, sizeof *shape);
    shape->text = xstrdup(text);
    char *line = shape->text;
    int error = 0;
    while (error == 0 && *line != '\0') {
        char *end = strchr(line, '\n');
        if (end == NULL || shape->n_metrics == PROTO_METRICS_MAX) {
            error = -EBADMSG;
            break;
        }
        *end = '\0';
        error = parse_line(line, &shape->metrics[shape->n_metrics++]);
        line = end + 1;
    }
    if (error != 0) {
        shape_clear(shape);
    }
    return error;
}

void shape_clear(struct shape *shape)
{
    free(shape->text);
    memset(shape, 0, sizeof *shape);
}
