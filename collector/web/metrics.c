/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * /metrics: what Beffroi says of itself, in the Prometheus text format 0.0.4. */
#include "metrics.h"

#include "common/stats.h"
#include "common/xalloc.h"
#include "reply.h"
#include "routes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_escaped(FILE *out, const char *text, bool quotes)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n') {
            (void)fputs("\\n", out);
        } else {
            if (*text == '\\' || (quotes && *text == '"')) {
                (void)fputc('\\', out);
            }
            (void)fputc(*text, out);
        }
    }
}

static void put_sample(FILE *out, const struct stat_value *value)
{
    (void)fputs(value->name, out);
    if (value->label_key != NULL) {
        (void)fprintf(out, "{%s=\"", value->label_key);
        put_escaped(out, value->label_value, true);
        (void)fputs("\"}", out);
    }
    if (isnan(value->value)) {
        (void)fputs(" NaN\n", out);
    } else if (isinf(value->value)) {
        (void)fputs(value->value > 0 ? " +Inf\n" : " -Inf\n", out);
    } else {
        (void)fprintf(out, " %.17g\n", value->value);
    }
}

/* All samples of a name stand together below one header, as the format demands. */
static void put_family(FILE *out, const struct stats *stats, size_t first)
{
    const struct stat_value *head = &stats->values[first];
    (void)fprintf(out, "# HELP %s ", head->name);
    put_escaped(out, head->help, false);
    (void)fprintf(out, "\n# TYPE %s %s\n", head->name,
                  head->type == STAT_COUNTER ? "counter" : "gauge");
    for (size_t i = first; i < stats->count; i++) {
        if (strcmp(stats->values[i].name, head->name) == 0) {
            put_sample(out, &stats->values[i]);
        }
    }
}

static bool is_first_of_family(const struct stats *stats, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (strcmp(stats->values[i].name, stats->values[at].name) == 0) {
            return false;
        }
    }
    return true;
}

char *metrics_text(const struct stats *stats, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    if (out == NULL) {
        abort(); /* out of memory for our own small things */
    }
    for (size_t i = 0; i < stats->count; i++) {
        if (is_first_of_family(stats, i)) {
            put_family(out, stats, i);
        }
    }
    (void)fclose(out); /* to memory */
    return text;
}

int route_metrics(struct web_request *request)
{
    struct stats stats = {0};
    size_t size = 0;
    query_stats(request->sources, &stats);
    stats_add_labelled(&stats, STAT_GAUGE, "beffroi_build_info", "The program's version.",
                       "version", BEFFROI_VERSION, 1);
    char *text = metrics_text(&stats, &size);
    stats_clear(&stats);
    return reply_text(request, text, size, "text/plain; version=0.0.4; charset=utf-8");
}
