/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plans_table.h"

#include "common/xalloc.h"
#include "plans_columns.h"
#include "profile_value.h"

#include <stdlib.h>
#include <string.h>

#define MILLION 1000000.0

static const struct plans_use fixed_number = {.keep = PLAN_KEEP_NUMBER, .when = PLAN_FIXED};
static const struct plans_use cycle_number = {.keep = PLAN_KEEP_NUMBER, .when = PLAN_EACH_CYCLE};

static struct plan_values read_values(const struct config_strings *texts)
{
    struct plan_values values = {.n = texts->count};
    for (size_t i = 0; i < texts->count; i++) {
        (void)profile_read_number(texts->items[i], &values.values[i]); /* checked */
    }
    return values;
}

static double scale_of(int64_t millionths)
{
    return millionths == 0 ? 1 : (double)millionths / MILLION;
}

/* --- labels --- */

static enum plan_format format_of(const struct profile_label_config *config)
{
    static const enum plan_format formats[] = {
        [PROFILE_FORMAT_TEXT] = PLAN_FORMAT_TEXT,     [PROFILE_FORMAT_HEX] = PLAN_FORMAT_HEX,
        [PROFILE_FORMAT_NUMBER] = PLAN_FORMAT_NUMBER, [PROFILE_FORMAT_OID] = PLAN_FORMAT_OID,
        [PROFILE_FORMAT_IP] = PLAN_FORMAT_IP,         [PROFILE_FORMAT_AUTO] = PLAN_FORMAT_AUTO,
    };
    if (config->value != NULL) {
        return PLAN_FORMAT_CONSTANT;
    }
    return config->index_part > 0 ? PLAN_FORMAT_INDEX : formats[config->format];
}

static enum plan_keep keep_of(enum plan_format format)
{
    switch (format) {
    case PLAN_FORMAT_NUMBER:
        return PLAN_KEEP_NUMBER;
    case PLAN_FORMAT_OID:
        return PLAN_KEEP_OID;
    case PLAN_FORMAT_TEXT:
    case PLAN_FORMAT_HEX:
    case PLAN_FORMAT_IP:
        return PLAN_KEEP_BYTES;
    case PLAN_FORMAT_AUTO:
    case PLAN_FORMAT_INDEX:
    case PLAN_FORMAT_CONSTANT:
        break;
    }
    return PLAN_KEEP_ANY;
}

static void make_words(struct plans_maker *maker, const struct config_list *list,
                       struct plan_label *label)
{
    const struct profile_word_config *words = list->items;
    label->n_words = list->count;
    for (size_t i = 0; i < list->count; i++) {
        label->words[i].value = words[i].value;
        label->words[i].word = plans_memory_text(maker->memory, words[i].word);
    }
}

static void make_label(struct plans_maker *maker, const struct profile_label_config *config,
                       struct plan_label *label)
{
    const struct plans_use use = {
        .keep = keep_of(format_of(config)),
        .when = PLAN_FIXED,
        .foreign = config->foreign,
        .foreign_part = (uint8_t)config->foreign_part,
    };
    struct plans_use hex_use = use;
    hex_use.keep = PLAN_KEEP_NUMBER;
    label->key = plans_memory_text(maker->memory, config->key);
    label->format = format_of(config);
    label->index_part = (uint8_t)config->index_part;
    label->value = config->value != NULL ? plans_memory_text(maker->memory, config->value) : NULL;
    label->column = plans_add_column(maker, config->place.line, "labels", config->oid, &use);
    label->hex_column =
        plans_add_column(maker, config->place.line, "labels", config->hex_for.oid, &hex_use);
    label->hex_values = read_values(&config->hex_for.values);
    make_words(maker, &config->words, label);
}

static void make_labels(struct plans_maker *maker, const struct config_list *list)
{
    struct plan_table *table = maker->table;
    const struct profile_label_config *configs = list->items;
    table->labels = plans_memory_take(maker->memory, list->count, sizeof *table->labels);
    table->n_labels = list->count;
    for (size_t i = 0; i < list->count; i++) {
        const struct profile_label_config *config = &configs[i];
        size_t same = 0;
        while (strcmp(configs[same].key, config->key) != 0) {
            same++;
        }
        if (same < i || strcmp(config->key, "index") == 0 ||
            (table->index_label != NULL && strcmp(config->key, table->index_label) == 0)) {
            plans_refuse(maker, config->place.line, "labels", config->key,
                         xstrdup(same < i ? "another label of this table has this key"
                                          : "this key is that of the row's index"));
        }
        if (table->is_scalar && (config->foreign || config->index_part > 0)) {
            plans_refuse(maker, config->place.line, "labels", config->key,
                         xstrdup("scalars have no index: neither foreign nor index_part"));
        }
        if (table->index_parts > 0 && ((size_t)config->index_part > table->index_parts ||
                                       (size_t)config->foreign_part > table->index_parts)) {
            plans_refuse(maker, config->place.line, "labels", config->key,
                         xstrdup("the index has not so many parts (index_parts)"));
        }
        make_label(maker, config, &table->labels[i]);
    }
}

/* --- metrics --- */

static void make_source(struct plans_maker *maker, const struct profile_source_config *config,
                        uint8_t rank, struct plan_metric *metric)
{
    struct plans_use use = cycle_number;
    use.rank = rank;
    metric->sources[metric->n_sources++] = (struct plan_source){
        .column = plans_add_column(maker, config->place.line, "metrics", config->oid, &use),
        .scale = scale_of(config->scale_millionths),
        .unknown = read_values(&config->unknown),
        .rounded = config->rounded,
    };
}

static void make_sources(struct plans_maker *maker, const struct profile_metric_config *config,
                         struct plan_metric *metric)
{
    const struct profile_source_config *sources = config->sources.items;
    const struct profile_source_config only = {
        .place = config->place,
        .oid = config->oid,
        .scale_millionths = config->scale_millionths,
        .unknown = config->unknown,
    };
    if (config->oid != NULL) {
        make_source(maker, &only, 0, metric);
    }
    for (size_t i = 0; i < config->sources.count; i++) {
        /* What is rounded wants the exact value beside it, each time. */
        make_source(maker, &sources[i], sources[0].rounded ? 0 : (uint8_t)i, metric);
    }
}

static void make_units(struct plans_maker *maker, const struct profile_units_config *config,
                       struct plan_metric *metric)
{
    const struct profile_unit_config *units = config->values.items;
    metric->unit_column =
        plans_add_column(maker, config->place.line, "metrics", config->oid, &fixed_number);
    metric->n_units = config->values.count;
    for (size_t i = 0; i < metric->n_units; i++) {
        metric->units[i].value = units[i].value;
        metric->units[i].unit = plans_memory_text(maker->memory, units[i].unit);
        metric->units[i].scale = scale_of(units[i].scale_millionths);
    }
}

static void make_metric(struct plans_maker *maker, const struct profile_metric_config *config,
                        struct plan_metric *metric)
{
    int line = config->place.line;
    bool counts = config->type == PROFILE_COUNTER;
    metric->metric = (struct metric){
        .name = plans_memory_text(maker->memory, config->name),
        .unit = plans_memory_text(maker->memory, config->unit),
        .type = counts ? METRIC_COUNTER : METRIC_GAUGE,
    };
    maker->table->n_counters += counts ? 1 : 0;
    metric->optional = config->optional;
    metric->is_signed = config->is_signed;
    make_sources(maker, config, metric);
    metric->multiply = plans_add_column(maker, line, "metrics", config->multiply, &fixed_number);
    metric->decimals = plans_add_column(maker, line, "metrics", config->decimals, &fixed_number);
    metric->prefix = plans_add_column(maker, line, "metrics", config->prefix, &fixed_number);
    make_units(maker, &config->units, metric);
    metric->valid_column =
        plans_add_column(maker, line, "metrics", config->only_if.oid, &cycle_number);
    metric->valid_values = read_values(&config->only_if.values);
}

static void make_metrics(struct plans_maker *maker, const struct config_list *list)
{
    struct plan_table *table = maker->table;
    const struct profile_metric_config *configs = list->items;
    table->metrics = plans_memory_take(maker->memory, list->count, sizeof *table->metrics);
    table->n_metrics = list->count;
    for (size_t i = 0; i < list->count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (strcmp(configs[k].name, configs[i].name) == 0) {
                plans_refuse(maker, configs[i].place.line, "metrics", configs[i].name,
                             xstrdup("another metric of this table has this name"));
                break;
            }
        }
        make_metric(maker, &configs[i], &table->metrics[i]);
    }
}

/* --- what rows there are --- */

static void make_rows(struct plans_maker *maker, const struct profile_table_config *config)
{
    /* Whatever type it has: only its index is of interest. */
    const struct plans_use use = {.keep = PLAN_KEEP_ANY, .when = PLAN_FIXED};
    for (size_t i = 0; i < config->rows.count; i++) {
        (void)plans_add_column(maker, config->place.line, "rows", config->rows.items[i], &use);
    }
}

static void make_conditions(struct plans_maker *maker, const struct config_list *list)
{
    struct plan_table *table = maker->table;
    const struct profile_where_config *configs = list->items;
    table->n_conditions = list->count;
    for (size_t i = 0; i < list->count; i++) {
        const struct profile_where_config *config = &configs[i];
        struct plan_condition *condition = &table->conditions[i];
        const struct plans_use use = {
            .keep = config->texts.count > 0 ? PLAN_KEEP_ANY : PLAN_KEEP_NUMBER,
            .when = PLAN_FIXED,
        };
        condition->column = plans_add_column(maker, config->place.line, "where", config->oid, &use);
        condition->except = config->except;
        condition->values = read_values(&config->values);
        condition->n_texts = config->texts.count;
        for (size_t k = 0; k < config->texts.count; k++) {
            condition->texts[k] = plans_memory_text(maker->memory, config->texts.items[k]);
        }
    }
}

/* --- names --- */

/* Columns that a name's text depends on. */
static void need_column(struct plans_maker *maker, int line, const char *template,
                        struct plan_name *name, uint8_t column)
{
    if (column == PLAN_NO_COLUMN || memchr(name->columns, column, name->n_columns) != NULL) {
        return;
    }
    if (maker->table->columns[column].when != PLAN_FIXED) {
        plans_refuse(maker, line, "names", template,
                     xasprintf("a name must not hold what is also measured (%s)",
                               maker->table->columns[column].text));
    } else if (name->n_columns == PLAN_GROUP_COLUMNS) {
        plans_refuse(maker, line, "names", template,
                     xasprintf("needs more than %d columns", PLAN_GROUP_COLUMNS));
    } else {
        name->columns[name->n_columns++] = column;
    }
}

static void need_label(struct plans_maker *maker, int line, const char *template,
                       struct plan_name *name, const char *key, size_t key_size)
{
    const struct plan_table *table = maker->table;
    for (size_t i = 0; i < table->n_labels; i++) {
        const struct plan_label *label = &table->labels[i];
        if (strlen(label->key) == key_size && memcmp(label->key, key, key_size) == 0) {
            need_column(maker, line, template, name, label->column);
            need_column(maker, line, template, name, label->hex_column);
            return;
        }
    }
    if ((key_size == 5 && memcmp(key, "index", 5) == 0) ||
        (strlen(table->index_label) == key_size &&
         memcmp(table->index_label, key, key_size) == 0)) {
        return;
    }
    plans_refuse(maker, line, "names", template,
                 xasprintf("this table has no label \"%.*s\"", (int)key_size, key));
}

static void make_names(struct plans_maker *maker, const struct profile_table_config *config)
{
    struct plan_table *table = maker->table;
    table->n_names = config->names.count;
    for (size_t i = 0; i < table->n_names; i++) {
        const char *template = config->names.items[i];
        const char *at = template;
        const char *key;
        size_t key_size;
        struct plan_name *name = &table->names[i];
        name->template = plans_memory_text(maker->memory, template);
        while (profile_next_key(&at, &key, &key_size) == 1) {
            need_label(maker, config->place.line, template, name, key, key_size);
        }
        if (i + 1 == table->n_names && name->n_columns > 0) {
            plans_refuse(maker, config->place.line, "names", template,
                         xstrdup("the last way must do with the index alone, for devices that "
                                 "have no texts: add one such as \"row {index}\""));
        }
    }
}

/* Only the row's index tells rows apart where nothing else does. */
static void check_last_name(struct plans_maker *maker, const struct profile_table_config *config)
{
    const char *last = config->names.items[config->names.count - 1];
    const struct plan_table *table = maker->table;
    if (table->names[table->n_names - 1].n_columns > 0) {
        return; /* told already */
    }
    char *index_key = xasprintf("{%s}", config->index_label);
    if (strstr(last, "{index}") == NULL && strstr(last, index_key) == NULL) {
        plans_refuse(maker, config->place.line, "names", last,
                     xstrdup("the last way must hold {index}, or two rows would have one name"));
    }
    free(index_key);
}

/* --- what bounds and breaks counters --- */

static void make_rate(struct plans_maker *maker, const struct profile_rate_config *config)
{
    struct plan_table *table = maker->table;
    int line = config->place.line;
    table->rate_metric = SIZE_MAX;
    table->rate_column = PLAN_NO_COLUMN;
    if (!config->present) {
        return;
    }
    table->rate_column = plans_add_column(maker, line, "rate", config->real_for.oid, &fixed_number);
    table->rate_values = read_values(&config->real_for.values);
    for (size_t i = 0; i < table->n_metrics; i++) {
        const struct metric *metric = &table->metrics[i].metric;
        if (strcmp(metric->name, config->metric) == 0) {
            table->rate_metric = i;
            if (metric->type != METRIC_GAUGE || strcmp(metric->unit, "bit/s") != 0) {
                plans_refuse(maker, line, "rate.metric", config->metric,
                             xstrdup("must be a gauge in bit/s"));
            }
            return;
        }
    }
    plans_refuse(maker, line, "rate.metric", config->metric,
                 xstrdup("this table has no such metric"));
}

/* --- the whole --- */

static struct plans_maker begin(struct plans_memory *memory, struct config_error_sink *errors,
                                struct plan_table *table)
{
    *table = (struct plan_table){
        .rate_metric = SIZE_MAX,
        .rate_column = PLAN_NO_COLUMN,
        .discontinuity = PLAN_NO_COLUMN,
        .last_change = SIZE_MAX,
        .columns = plans_memory_take(memory, PLAN_COLUMNS_MAX, sizeof *table->columns),
    };
    return (struct plans_maker){.table = table, .memory = memory, .errors = errors};
}

static bool finish(struct plans_maker *maker)
{
    struct plan_table *table = maker->table;
    bool measured = false;
    for (size_t i = 0; i < table->n_columns; i++) {
        measured = measured || table->columns[i].when == PLAN_EACH_CYCLE;
    }
    if (table->n_columns == 0) {
        plans_refuse(maker, 0, "", NULL,
                     xstrdup("nothing of the device is read: it has neither "
                             "metrics nor labels with an oid"));
    }
    if (!measured) {
        table->reread_ms = 0; /* labels are all that its cycles are for */
    }
    if (!maker->failed) {
        plans_make_groups(maker);
    }
    return !maker->failed;
}

bool plans_make_table(const struct profile_table_config *config, const char *profile,
                      struct plans_memory *memory, struct config_error_sink *errors,
                      struct plan_table *table, struct oid_view *last_change)
{
    struct plans_maker maker = begin(memory, errors, table);
    table->name = plans_memory_adopt(memory, xasprintf("%s/%s", profile, config->name));
    table->kind = plans_memory_text(memory, config->kind);
    table->every_ms = config->every_ms;
    table->reread_ms = config->reread_ms;
    table->index_parts = (size_t)config->index_parts;
    table->index_label = plans_memory_text(memory, config->index_label);
    *last_change = config->last_change != NULL ? plans_copy_oid(memory, config->last_change)
                                               : (struct oid_view){NULL, 0};
    make_rows(&maker, config);
    make_labels(&maker, &config->labels);
    make_conditions(&maker, &config->where);
    make_metrics(&maker, &config->metrics);
    make_rate(&maker, &config->rate);
    table->discontinuity = plans_add_column(&maker, config->place.line, "discontinuity",
                                            config->discontinuity, &cycle_number);
    make_names(&maker, config);
    check_last_name(&maker, config);
    return finish(&maker);
}

bool plans_make_scalar(const struct profile_scalar_config *config, const char *profile,
                       struct plans_memory *memory, struct config_error_sink *errors,
                       struct plan_table *table)
{
    struct plans_maker maker = begin(memory, errors, table);
    table->name = plans_memory_adopt(memory, xasprintf("%s/%s", profile, config->name));
    table->kind = plans_memory_text(memory, config->kind);
    table->is_scalar = true;
    table->every_ms = config->every_ms;
    table->reread_ms = config->reread_ms;
    make_labels(&maker, &config->labels);
    make_metrics(&maker, &config->metrics);
    table->n_names = 1;
    table->names[0].template = plans_memory_text(memory, config->object);
    return finish(&maker);
}
