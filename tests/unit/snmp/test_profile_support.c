/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test_profile_support.h"

#include "common/xalloc.h"
#include "profile_value.h"

#include <string.h>

/* --- promises --- */

#define WANT(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            return #condition;                                                                     \
        }                                                                                          \
    } while (0)

static bool is_column(const struct plan_table *table, uint8_t column)
{
    return column < table->n_columns;
}

static bool is_optional_column(const struct plan_table *table, uint8_t column)
{
    return column == PLAN_NO_COLUMN || is_column(table, column);
}

static const char *columns_fault(const struct plan_table *table)
{
    WANT(table->n_columns > 0 && table->n_columns <= PLAN_COLUMNS_MAX);
    for (size_t i = 0; i < table->n_columns; i++) {
        const struct plan_column *column = &table->columns[i];
        unsigned long ids[PROFILE_OID_IDS_MAX];
        size_t n = 0;
        WANT(profile_read_oid(column->text, ids, &n) == NULL && column->text[0] != '.');
        WANT(n == column->oid.n && memcmp(ids, column->oid.ids, n * sizeof *ids) == 0);
        WANT(!column->foreign || column->when == PLAN_FIXED);
        WANT(column->foreign || column->foreign_part == 0);
        WANT(column->when == PLAN_EACH_CYCLE || column->rank == 0);
        for (size_t k = 0; k < table->n_columns; k++) {
            WANT(k == i || !profile_oid_is_under(column->oid, table->columns[k].oid));
        }
    }
    return NULL;
}

/* Where a class stands in the order of groups. */
static int class_of(bool foreign, enum plan_when when, uint8_t rank)
{
    return (foreign ? 100 : 0) + (when == PLAN_EACH_CYCLE ? 10 + rank : 0);
}

static const char *groups_fault(const struct plan_table *table)
{
    unsigned seen[PLAN_COLUMNS_MAX] = {0};
    int before = 0;
    bool first_cycle = true;
    for (size_t i = 0; i < table->n_groups; i++) {
        const struct plan_group *group = &table->groups[i];
        int class = class_of(group->foreign, group->when, group->rank);
        bool discontinuity = false;
        WANT(class >= before);
        WANT(group->n_columns > 0 && group->n_columns <= PLAN_GROUP_COLUMNS);
        for (size_t k = 0; k < group->n_columns; k++) {
            WANT(is_column(table, group->columns[k]));
            const struct plan_column *column = &table->columns[group->columns[k]];
            WANT(class_of(column->foreign, column->when, column->rank) == class);
            seen[group->columns[k]]++;
            discontinuity = discontinuity || group->columns[k] == table->discontinuity;
        }
        if (group->when == PLAN_EACH_CYCLE && first_cycle) {
            WANT(table->discontinuity == PLAN_NO_COLUMN || discontinuity);
            first_cycle = false;
        }
        before = class;
    }
    for (size_t i = 0; i < table->n_columns; i++) {
        WANT(seen[i] == 1);
    }
    return NULL;
}

static const char *metric_fault(const struct plan_table *table, const struct plan_metric *metric)
{
    WANT(profile_is_name(metric->metric.name, PROTO_METRIC_NAME_MAX));
    WANT(metric->metric.unit[0] != '\0');
    WANT(metric->n_sources > 0 && metric->n_sources <= PLAN_SOURCES_MAX);
    for (size_t i = 0; i < metric->n_sources; i++) {
        const struct plan_source *source = &metric->sources[i];
        WANT(is_column(table, source->column));
        const struct plan_column *column = &table->columns[source->column];
        WANT(column->when == PLAN_EACH_CYCLE && !column->foreign);
        WANT(column->rank <= i && (i > 0 || column->rank == 0));
        WANT(column->keep == PLAN_KEEP_NUMBER || column->keep == PLAN_KEEP_ANY);
        WANT(source->scale > 0 && source->unknown.n <= PLAN_VALUES_MAX);
        WANT(!source->rounded || (i == 0 && metric->n_sources > 1));
        WANT(!metric->sources[0].rounded || column->rank == 0);
    }
    WANT(is_optional_column(table, metric->multiply));
    WANT(is_optional_column(table, metric->decimals));
    WANT(is_optional_column(table, metric->prefix));
    WANT(is_optional_column(table, metric->valid_column));
    WANT(metric->valid_column == PLAN_NO_COLUMN ||
         (metric->valid_values.n > 0 &&
          table->columns[metric->valid_column].when == PLAN_EACH_CYCLE));
    WANT(is_optional_column(table, metric->unit_column));
    WANT((metric->n_units > 0) == (metric->unit_column != PLAN_NO_COLUMN));
    WANT(metric->metric.type == METRIC_GAUGE ||
         (metric->multiply == PLAN_NO_COLUMN && metric->n_units == 0 && !metric->is_signed &&
          metric->sources[0].scale == 1));
    return NULL;
}

static const char *metrics_fault(const struct plan_table *table)
{
    size_t n_counters = 0;
    WANT(table->n_metrics <= PLAN_METRICS_MAX);
    for (size_t i = 0; i < table->n_metrics; i++) {
        const char *fault = metric_fault(table, &table->metrics[i]);
        if (fault != NULL) {
            return fault;
        }
        n_counters += table->metrics[i].metric.type == METRIC_COUNTER ? 1 : 0;
        for (size_t k = 0; k < i; k++) {
            WANT(strcmp(table->metrics[i].metric.name, table->metrics[k].metric.name) != 0);
        }
    }
    WANT(table->n_counters == n_counters);
    WANT(table->rate_metric == SIZE_MAX || table->rate_metric < table->n_metrics);
    WANT(is_optional_column(table, table->rate_column));
    WANT(is_optional_column(table, table->discontinuity));
    return NULL;
}

static const char *labels_fault(const struct plan_table *table)
{
    WANT(table->n_labels <= PLAN_LABELS_MAX);
    for (size_t i = 0; i < table->n_labels; i++) {
        const struct plan_label *label = &table->labels[i];
        bool column = label->format != PLAN_FORMAT_INDEX && label->format != PLAN_FORMAT_CONSTANT;
        WANT(column ? is_column(table, label->column) : label->column == PLAN_NO_COLUMN);
        WANT((label->format == PLAN_FORMAT_INDEX) == (label->index_part > 0));
        WANT((label->format == PLAN_FORMAT_CONSTANT) == (label->value != NULL));
        WANT(is_optional_column(table, label->hex_column));
        WANT((label->hex_column != PLAN_NO_COLUMN) == (label->hex_values.n > 0));
        WANT(profile_is_name(label->key, PROTO_METRIC_NAME_MAX));
        WANT(table->index_label == NULL || strcmp(label->key, table->index_label) != 0);
        for (size_t k = 0; k < i; k++) {
            WANT(strcmp(label->key, table->labels[k].key) != 0);
        }
    }
    for (size_t i = 0; i < table->n_conditions; i++) {
        const struct plan_condition *condition = &table->conditions[i];
        WANT(is_column(table, condition->column));
        WANT((condition->values.n > 0) != (condition->n_texts > 0));
    }
    return NULL;
}

static const char *names_fault(const struct plan_table *table)
{
    WANT(table->n_names > 0 && table->n_names <= PLAN_NAMES_MAX);
    for (size_t i = 0; i < table->n_names; i++) {
        const struct plan_name *name = &table->names[i];
        WANT(name->template[0] != '\0' && name->n_columns <= PLAN_GROUP_COLUMNS);
        for (size_t k = 0; k < name->n_columns; k++) {
            WANT(is_column(table, name->columns[k]));
            WANT(table->columns[name->columns[k]].when == PLAN_FIXED);
        }
    }
    WANT(table->names[table->n_names - 1].n_columns == 0);
    return NULL;
}

static const char *scalar_fault(const struct plan_table *table)
{
    if (!table->is_scalar) {
        WANT(table->index_label != NULL);
        return NULL;
    }
    WANT(table->index_label == NULL && table->index_parts == 0 && table->n_conditions == 0);
    WANT(table->n_names == 1 && table->last_change == SIZE_MAX);
    for (size_t i = 0; i < table->n_columns; i++) {
        WANT(!table->columns[i].foreign);
    }
    return NULL;
}

static const char *table_fault(const struct plan *plan, const struct plan_table *table)
{
    const char *(*const faults[])(const struct plan_table *) = {
        columns_fault, groups_fault, metrics_fault, labels_fault, names_fault, scalar_fault};
    bool measured = false;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        const char *fault = faults[i](table);
        if (fault != NULL) {
            return fault;
        }
    }
    for (size_t i = 0; i < table->n_columns; i++) {
        measured = measured || table->columns[i].when == PLAN_EACH_CYCLE;
    }
    WANT(profile_is_name(table->kind, PROTO_METRIC_NAME_MAX));
    WANT((table->reread_ms > 0) == measured);
    WANT(table->last_change == SIZE_MAX || table->last_change < plan->n_watched);
    return NULL;
}

char *plan_fault(const struct plan *plan)
{
    if (plan->name == NULL || plan->n_tables == 0 || plan->n_watched > PLAN_WATCHED_MAX) {
        return xstrdup("no name, no tables or too much that is watched");
    }
    for (size_t i = 0; i < plan->n_tables; i++) {
        const char *fault = table_fault(plan, &plan->tables[i]);
        if (fault != NULL) {
            return xasprintf("%s: %s", plan->tables[i].name, fault);
        }
    }
    return NULL;
}

/* --- writing it down --- */

static void print_values(FILE *out, const char *what, const struct plan_values *values)
{
    if (values->n == 0) {
        return;
    }
    fprintf(out, " %s", what);
    for (size_t i = 0; i < values->n; i++) {
        fprintf(out, "%c%lld", i == 0 ? '=' : ',', (long long)values->values[i]);
    }
}

static void print_column(FILE *out, const char *what, uint8_t column)
{
    if (column != PLAN_NO_COLUMN) {
        fprintf(out, " %s=c%u", what, column);
    }
}

static void print_columns(FILE *out, const struct plan_table *table)
{
    static const char *const keeps[] = {"number", "bytes", "oid", "any"};
    for (size_t i = 0; i < table->n_columns; i++) {
        const struct plan_column *column = &table->columns[i];
        fprintf(out, "    c%zu %s %s", i, column->text, keeps[column->keep]);
        if (column->when == PLAN_FIXED) {
            fprintf(out, " fixed");
        } else {
            fprintf(out, " rank=%u", column->rank);
        }
        if (column->foreign) {
            fprintf(out, " foreign=%u", column->foreign_part);
        }
        fputc('\n', out);
    }
    for (size_t i = 0; i < table->n_groups; i++) {
        fprintf(out, "    group");
        for (size_t k = 0; k < table->groups[i].n_columns; k++) {
            fprintf(out, " c%u", table->groups[i].columns[k]);
        }
        fputc('\n', out);
    }
}

static void print_labels(FILE *out, const struct plan_table *table)
{
    static const char *const formats[] = {"text", "hex",  "number", "oid",
                                          "ip",   "auto", "index",  "constant"};
    for (size_t i = 0; i < table->n_labels; i++) {
        const struct plan_label *label = &table->labels[i];
        fprintf(out, "    label %s %s", label->key, formats[label->format]);
        print_column(out, "column", label->column);
        if (label->index_part > 0) {
            fprintf(out, " part=%u", label->index_part);
        }
        if (label->value != NULL) {
            fprintf(out, " \"%s\"", label->value);
        }
        print_column(out, "hex", label->hex_column);
        print_values(out, "for", &label->hex_values);
        for (size_t k = 0; k < label->n_words; k++) {
            fprintf(out, " %lld=%s", (long long)label->words[k].value, label->words[k].word);
        }
        fputc('\n', out);
    }
}

static void print_metrics(FILE *out, const struct plan_table *table)
{
    for (size_t i = 0; i < table->n_metrics; i++) {
        const struct plan_metric *metric = &table->metrics[i];
        fprintf(out, "    metric %s %s %s%s%s", metric->metric.name, metric->metric.unit,
                metric->metric.type == METRIC_COUNTER ? "counter" : "gauge",
                metric->optional ? " optional" : "", metric->is_signed ? " signed" : "");
        for (size_t k = 0; k < metric->n_sources; k++) {
            const struct plan_source *source = &metric->sources[k];
            fprintf(out, " c%u*%g%s", source->column, source->scale,
                    source->rounded ? " rounded" : "");
            print_values(out, "unknown", &source->unknown);
        }
        print_column(out, "multiply", metric->multiply);
        print_column(out, "decimals", metric->decimals);
        print_column(out, "prefix", metric->prefix);
        print_column(out, "units", metric->unit_column);
        for (size_t k = 0; k < metric->n_units; k++) {
            fprintf(out, " %lld=%s*%g", (long long)metric->units[k].value, metric->units[k].unit,
                    metric->units[k].scale);
        }
        print_column(out, "only_if", metric->valid_column);
        print_values(out, "in", &metric->valid_values);
        fputc('\n', out);
    }
}

static void print_rest(FILE *out, const struct plan_table *table)
{
    for (size_t i = 0; i < table->n_conditions; i++) {
        const struct plan_condition *condition = &table->conditions[i];
        fprintf(out, "    where c%u%s", condition->column, condition->except ? " except" : "");
        print_values(out, "in", &condition->values);
        for (size_t k = 0; k < condition->n_texts; k++) {
            fprintf(out, " \"%s\"", condition->texts[k]);
        }
        fputc('\n', out);
    }
    for (size_t i = 0; i < table->n_names; i++) {
        fprintf(out, "    name \"%s\"", table->names[i].template);
        for (size_t k = 0; k < table->names[i].n_columns; k++) {
            fprintf(out, " c%u", table->names[i].columns[k]);
        }
        fputc('\n', out);
    }
    if (table->rate_metric != SIZE_MAX) {
        fprintf(out, "    rate m%zu", table->rate_metric);
        print_column(out, "real", table->rate_column);
        print_values(out, "for", &table->rate_values);
        fputc('\n', out);
    }
    if (table->discontinuity != PLAN_NO_COLUMN) {
        fprintf(out, "    discontinuity c%u\n", table->discontinuity);
    }
    if (table->last_change != SIZE_MAX) {
        fprintf(out, "    last_change w%zu\n", table->last_change);
    }
}

void plan_print(FILE *out, const struct plan *plan)
{
    fprintf(out, "plan %s\n", plan->name);
    for (size_t i = 0; i < plan->n_watched; i++) {
        fprintf(out, "  w%zu", i);
        for (size_t k = 0; k < plan->watched[i].n; k++) {
            fprintf(out, "%c%lu", k == 0 ? ' ' : '.', plan->watched[i].ids[k]);
        }
        fputc('\n', out);
    }
    for (size_t i = 0; i < plan->n_tables; i++) {
        const struct plan_table *table = &plan->tables[i];
        fprintf(out, "  %s %s %s every=%lld reread=%lld index=%s parts=%zu counters=%zu\n",
                table->is_scalar ? "scalar" : "table", table->name, table->kind,
                (long long)table->every_ms, (long long)table->reread_ms,
                table->index_label != NULL ? table->index_label : "-", table->index_parts,
                table->n_counters);
        print_columns(out, table);
        print_labels(out, table);
        print_metrics(out, table);
        print_rest(out, table);
    }
}
