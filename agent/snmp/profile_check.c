/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "profile_check.h"

#include "plans_table.h"
#include "profile_value.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- one value --- */

static int judge(const char *fault, char *reason, size_t reason_size)
{
    if (fault == NULL) {
        return 0;
    }
    (void)snprintf(reason, reason_size, "%s", fault); /* cut if it must be */
    return -EINVAL;
}

int profile_check_oid(const char *value, char *reason, size_t reason_size)
{
    return judge(profile_read_oid(value, NULL, NULL), reason, reason_size);
}

int profile_check_number(const char *value, char *reason, size_t reason_size)
{
    int64_t number;
    return judge(profile_read_number(value, &number) ? NULL : "must be a whole number", reason,
                 reason_size);
}

int profile_check_name(const char *value, char *reason, size_t reason_size)
{
    return judge(profile_is_name(value, PROTO_METRIC_NAME_MAX)
                     ? NULL
                     : "must begin with a lower-case letter; then letters, digits and '_'",
                 reason, reason_size);
}

int profile_check_word(const char *value, char *reason, size_t reason_size)
{
    size_t good = strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789_.-");
    return judge(value[good] == '\0' && strchr(".-", value[0]) == NULL &&
                         good <= PROTO_METRIC_NAME_MAX
                     ? NULL
                     : "must have lower-case letters, digits, '_', '-' and '.', at most 63",
                 reason, reason_size);
}

int profile_check_template(const char *value, char *reason, size_t reason_size)
{
    const char *at = value;
    const char *key;
    size_t key_size;
    int found;
    if (strlen(value) > PROTO_NAME_MAX) {
        return judge("is longer than 255 bytes", reason, reason_size);
    }
    do {
        found = profile_next_key(&at, &key, &key_size);
    } while (found > 0);
    return judge(found == 0 ? NULL : "braces must hold a label's key: \"{if_name}\"", reason,
                 reason_size);
}

int profile_check_expression(const char *value, char *reason, size_t reason_size)
{
    return judge(profile_expression_fault(value), reason, reason_size);
}

/* --- one mapping --- */

void profile_check_match(const void *object, struct config_error_sink *errors)
{
    const struct profile_match_config *match = object;
    if (match->sys_object_id.count == 0 && match->sys_descr == NULL) {
        config_error_at(errors, 0, "", NULL,
                        "needs sys_object_id, sys_descr or both; without `match` a profile is only "
                        "for devices that name it");
    }
}

void profile_check_where(const void *object, struct config_error_sink *errors)
{
    const struct profile_where_config *where = object;
    if ((where->values.count > 0) == (where->texts.count > 0)) {
        config_error_at(errors, 0, "", NULL, "needs either values or texts");
    }
}

void profile_check_label(const void *object, struct config_error_sink *errors)
{
    const struct profile_label_config *label = object;
    bool column = label->oid != NULL;
    int origins = (column ? 1 : 0) + (label->index_part > 0 ? 1 : 0) + (label->value != NULL);
    if (origins != 1) {
        config_error_at(errors, 0, "", NULL, "needs one of oid, index_part and value");
    }
    if (!column && (label->format != PROFILE_FORMAT_AUTO || label->hex_for.present ||
                    label->words.count > 0 || label->foreign)) {
        config_error_at(errors, 0, "", NULL,
                        "format, hex_for, words and foreign are only for a label with an oid");
    }
    if (label->words.count > 0 && label->format != PROFILE_FORMAT_NUMBER) {
        config_error_at(errors, 0, "words", NULL, "wants `format: number`");
    }
    if (label->hex_for.present && label->format != PROFILE_FORMAT_TEXT &&
        label->format != PROFILE_FORMAT_AUTO) {
        config_error_at(errors, 0, "hex_for", NULL, "wants `format: text` or auto");
    }
    if (label->foreign_part > 0 && !label->foreign) {
        config_error_at(errors, 0, "foreign_part", NULL, "wants `foreign: true`");
    }
}

static void check_counter(const struct profile_metric_config *metric,
                          struct config_error_sink *errors)
{
    const struct profile_source_config *sources = metric->sources.items;
    bool scaled = metric->scale_millionths != 0;
    bool rounded = false;
    for (size_t i = 0; i < metric->sources.count; i++) {
        scaled = scaled || sources[i].scale_millionths != 0;
        rounded = rounded || sources[i].rounded;
    }
    if (scaled || rounded || metric->multiply != NULL || metric->decimals != NULL ||
        metric->prefix != NULL || metric->units.present || metric->is_signed) {
        config_error_at(errors, 0, "type", "counter",
                        "counters are stored as the device counts: no scale, rounded, multiply, "
                        "decimals, prefix, units or signed");
    }
}

/* A rounded source's reading must be comparable with an exact one's. */
static void check_sources(const struct profile_metric_config *metric,
                          struct config_error_sink *errors)
{
    const struct profile_source_config *sources = metric->sources.items;
    size_t n = metric->sources.count;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++) {
            if (strcmp(sources[i].oid, sources[k].oid) == 0) {
                config_error_at(errors, sources[i].place.line, "sources", sources[i].oid,
                                "is a source of this metric already");
            }
        }
        if (sources[i].rounded && (i > 0 || n == 1)) {
            config_error_at(errors, sources[i].place.line, "sources", sources[i].oid,
                            "only the first of several sources can be rounded");
        }
    }
}

void profile_check_metric(const void *object, struct config_error_sink *errors)
{
    const struct profile_metric_config *metric = object;
    bool listed = metric->sources.count > 0;
    if (listed == (metric->oid != NULL)) {
        config_error_at(errors, 0, "", NULL, "needs either oid or sources");
    }
    if (listed && (metric->scale_millionths != 0 || metric->unknown.count > 0)) {
        config_error_at(errors, 0, "", NULL, "scale and unknown belong to each of the sources");
    }
    check_sources(metric, errors);
    if (metric->type == PROFILE_COUNTER) {
        check_counter(metric, errors);
    }
}

void profile_check_table(const void *object, struct config_error_sink *errors)
{
    struct plans_memory memory = {0};
    struct plan_table table;
    struct oid_view last_change;
    (void)plans_make_table(object, "", &memory, errors, &table, &last_change); /* told */
    plans_memory_free(&memory);
}

void profile_check_scalar(const void *object, struct config_error_sink *errors)
{
    struct plans_memory memory = {0};
    struct plan_table table;
    (void)plans_make_scalar(object, "", &memory, errors, &table); /* told */
    plans_memory_free(&memory);
}

/* --- the whole --- */

struct named {
    const char *list;
    const char *name;
    int line;
};

static struct named named_at(const struct snmp_profile_config *profile, size_t n)
{
    const struct profile_table_config *tables = profile->tables.items;
    const struct profile_scalar_config *scalars = profile->scalars.items;
    if (n < profile->tables.count) {
        return (struct named){"tables", tables[n].name, tables[n].place.line};
    }
    n -= profile->tables.count;
    return (struct named){"scalars", scalars[n].name, scalars[n].place.line};
}

void profile_check_all(const void *object, struct config_error_sink *errors)
{
    const struct snmp_profile_config *profile = object;
    size_t n = profile->tables.count + profile->scalars.count;
    for (size_t i = 0; i < n; i++) {
        struct named own = named_at(profile, i);
        for (size_t k = 0; k < i; k++) {
            struct named other = named_at(profile, k);
            if (strcmp(own.name, other.name) == 0) {
                config_error_at(errors, own.line, own.list, own.name,
                                "has the name of another one (line %d)", other.line);
                break;
            }
        }
    }
    if (n == 0 && profile->include.count == 0) {
        config_error_at(errors, 0, "", NULL, "reads nothing: no tables, scalars or include");
    }
    for (size_t i = 0; i < profile->include.count; i++) {
        if (strcmp(profile->include.items[i], profile->profile) == 0) {
            config_error_at(errors, 0, "include", profile->profile, "a profile cannot hold itself");
        }
    }
}
