/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/stats.h"

#include "common/xalloc.h"

#include <stdlib.h>

static char *copy_or_null(const char *text)
{
    return text != NULL ? xstrdup(text) : NULL;
}

void stats_add_labelled(struct stats *stats, enum stat_type type, const char *name,
                        const char *help, const char *label_key, const char *label_value,
                        double value)
{
    stats->values = xreallocarray(stats->values, stats->count + 1, sizeof *stats->values);
    stats->values[stats->count++] = (struct stat_value){
        .name = xstrdup(name),
        .help = xstrdup(help),
        .label_key = copy_or_null(label_key),
        .label_value = copy_or_null(label_value),
        .type = type,
        .value = value,
    };
}

void stats_add(struct stats *stats, enum stat_type type, const char *name, const char *help,
               double value)
{
    stats_add_labelled(stats, type, name, help, NULL, NULL, value);
}

void stats_clear(struct stats *stats)
{
    for (size_t i = 0; i < stats->count; i++) {
        free(stats->values[i].name);
        free(stats->values[i].help);
        free(stats->values[i].label_key);
        free(stats->values[i].label_value);
    }
    free(stats->values);
    *stats = (struct stats){0};
}
