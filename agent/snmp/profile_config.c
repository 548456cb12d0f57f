/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "profile_config.h"

#include "plan.h"
#include "profile_check.h"
#include "snmp/profile.h"

#include <stdint.h>

enum { OID_TEXT_MAX = 1024, DAY_MS = 86400000 };

/* A scale is 0.000001 to 1000000000000: micro to tera. */
#define SCALE_MIN 1
#define SCALE_MAX INT64_C(1000000000000000000)

#define AT(type, member) .offset = offsetof(struct profile_##type##_config, member)
#define OID(key_, type_, member_, help_)                                                           \
    {                                                                                              \
        key_, CONFIG_STRING, AT(type_, member_), .max = OID_TEXT_MAX, .check = profile_check_oid,  \
                                                 .help = help_                                     \
    }
#define NEEDED_OID(key_, type_, member_, help_)                                                    \
    {                                                                                              \
        key_, CONFIG_STRING, AT(type_, member_), .required = true, .max = OID_TEXT_MAX,            \
                                                 .check = profile_check_oid, .help = help_         \
    }
#define SCHEMA(type_, name_)                                                                       \
    .name = name_, .size = sizeof(struct profile_##type_##_config), .fields = type_##_fields,      \
    .place_offset = offsetof(struct profile_##type_##_config, place)
#define PRESENT(type_) .present_offset = offsetof(struct profile_##type_##_config, present)

/* --- conditions --- */

static const struct config_field when_fields[] = {
    NEEDED_OID("oid", when, oid, "a column of the same table"),
    {"values", CONFIG_STRING_LIST, AT(when, values), .required = true, .min = 1,
     .max = PLAN_VALUES_MAX, .check = profile_check_number, .help = "its values, whole numbers"},
    {0},
};
static const struct config_schema when_schema = {SCHEMA(when, "condition"), PRESENT(when)};

static const struct config_field where_fields[] = {
    NEEDED_OID("oid", where, oid, "the column that decides; read with the labels"),
    {"except", CONFIG_BOOL, AT(where, except), .fallback = "false",
     .help = "leave out the rows that match, not the others"},
    {"values", CONFIG_STRING_LIST, AT(where, values), .max = PLAN_VALUES_MAX,
     .check = profile_check_number, .help = "its values, whole numbers; or"},
    {"texts", CONFIG_STRING_LIST, AT(where, texts), .max = PLAN_VALUES_MAX,
     .help = "texts or OIDs; one that ends in * stands for all that begin so"},
    {0},
};
static const struct config_schema where_schema = {
    SCHEMA(where, "condition"), .present_offset = SIZE_MAX, .check = profile_check_where};

/* --- labels --- */

static const struct config_choice formats[] = {{"text", PROFILE_FORMAT_TEXT},
                                               {"hex", PROFILE_FORMAT_HEX},
                                               {"number", PROFILE_FORMAT_NUMBER},
                                               {"oid", PROFILE_FORMAT_OID},
                                               {"ip", PROFILE_FORMAT_IP},
                                               {"auto", PROFILE_FORMAT_AUTO},
                                               {NULL, 0}};

static const struct config_field word_fields[] = {
    {"value", CONFIG_INTEGER, AT(word, value), .required = true, .help = "the number"},
    {"word", CONFIG_STRING, AT(word, word), .required = true, .min = 1, .max = 64,
     .help = "what it is called"},
    {0},
};
static const struct config_schema word_schema = {
    .name = "word",
    .size = sizeof(struct profile_word_config),
    .fields = word_fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
};

static const struct config_field label_fields[] = {
    {"key", CONFIG_STRING, AT(label, key), .required = true, .min = 1, .max = PROTO_METRIC_NAME_MAX,
     .check = profile_check_name, .help = "what the label is called: a-z, 0-9 and _"},
    OID("oid", label, oid, "the column that holds it; or"),
    {"index_part", CONFIG_INTEGER, AT(label, index_part), .min = 1, .max = 32,
     .help = "the part of the row's index that it is, from 1; or"},
    {"value", CONFIG_STRING, AT(label, value), .min = 1, .max = PROTO_NAME_MAX,
     .help = "a text, the same for all rows"},
    {"format", CONFIG_CHOICE, AT(label, format), .fallback = "auto", .choices = formats,
     .help = "how the column's value is written; auto: text if it is printable, else hex"},
    {"hex_for", CONFIG_MAP, AT(label, hex_for), .schema = &when_schema,
     .help = "write it as hex where another column has one of these values"},
    {"words", CONFIG_LIST, AT(label, words), .max = PLAN_VALUES_MAX, .schema = &word_schema,
     .help = "words for its numbers"},
    {"foreign", CONFIG_BOOL, AT(label, foreign), .fallback = "false",
     .help = "the column is another table's: it adds to rows, but makes none"},
    {"foreign_part", CONFIG_INTEGER, AT(label, foreign_part), .min = 1, .max = 32,
     .help = "the part of the row's index that is the other table's; left out: all of it"},
    {0},
};
static const struct config_schema label_schema = {
    SCHEMA(label, "label"), .present_offset = SIZE_MAX, .check = profile_check_label};

/* --- metrics --- */

static const struct config_choice types[] = {
    {"gauge", PROFILE_GAUGE}, {"counter", PROFILE_COUNTER}, {NULL, 0}};

static const struct config_field source_fields[] = {
    NEEDED_OID("oid", source, oid, "the column"),
    {"scale", CONFIG_DECIMAL, AT(source, scale_millionths), .min = SCALE_MIN, .max = SCALE_MAX,
     .help = "gauges: the reading times this is the value; left out: 1"},
    {"unknown", CONFIG_STRING_LIST, AT(source, unknown), .max = PLAN_VALUES_MAX,
     .check = profile_check_number, .help = "readings that mean that there is no value"},
    {"rounded", CONFIG_BOOL, AT(source, rounded), .fallback = "false",
     .help = "rounded to its unit: a later source that agrees with it is the exact value"},
    {0},
};
static const struct config_schema source_schema = {SCHEMA(source, "source"),
                                                   .present_offset = SIZE_MAX};

static const struct config_field unit_fields[] = {
    {"value", CONFIG_INTEGER, AT(unit, value), .required = true, .help = "of the column"},
    {"unit", CONFIG_STRING, AT(unit, unit), .required = true, .min = 1, .max = 64,
     .help = "the metric's unit then"},
    {"scale", CONFIG_DECIMAL, AT(unit, scale_millionths), .min = SCALE_MIN, .max = SCALE_MAX,
     .help = "a further factor; left out: 1"},
    {0},
};
static const struct config_schema unit_schema = {
    .name = "unit",
    .size = sizeof(struct profile_unit_config),
    .fields = unit_fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
};
static const struct config_field units_fields[] = {
    NEEDED_OID("oid", units, oid, "the column that says which unit a row has"),
    {"values", CONFIG_LIST, AT(units, values), .required = true, .min = 1, .max = PLAN_VALUES_MAX,
     .schema = &unit_schema, .help = "its values and their units"},
    {0},
};
static const struct config_schema units_schema = {SCHEMA(units, "units"), PRESENT(units)};

static const struct config_field metric_fields[] = {
    {"name", CONFIG_STRING, AT(metric, name), .required = true, .min = 1,
     .max = PROTO_METRIC_NAME_MAX, .check = profile_check_name,
     .help = "what the metric is called: a-z, 0-9 and _"},
    {"unit", CONFIG_STRING, AT(metric, unit), .fallback = "1", .min = 1, .max = 64,
     .help = "octets, packets, bytes, ratio (0 to 1), s, celsius, ...; 1: a number"},
    {"type", CONFIG_CHOICE, AT(metric, type), .fallback = "gauge", .choices = types,
     .help = "a reading, or a count that only grows"},
    {"optional", CONFIG_BOOL, AT(metric, optional), .fallback = "false",
     .help = "part of an object only if the device has a value for it"},
    {"signed", CONFIG_BOOL, AT(metric, is_signed), .fallback = "false",
     .help = "gauges: below zero is below zero, not a number over 31 bits"},
    OID("oid", metric, oid, "the column that holds it; or several `sources`"),
    {"scale", CONFIG_DECIMAL, AT(metric, scale_millionths), .min = SCALE_MIN, .max = SCALE_MAX,
     .help = "gauges: the reading times this is the value; left out: 1"},
    {"unknown", CONFIG_STRING_LIST, AT(metric, unknown), .max = PLAN_VALUES_MAX,
     .check = profile_check_number, .help = "readings that mean that there is no value"},
    {"sources", CONFIG_LIST, AT(metric, sources), .max = PLAN_SOURCES_MAX, .schema = &source_schema,
     .help = "columns that may hold it, the best one first"},
    OID("multiply", metric, multiply, "gauges: a column whose value is a factor"),
    OID("decimals", metric, decimals, "gauges: a column with the number of decimals"),
    OID("prefix", metric, prefix, "gauges: a column with an EntitySensorDataScale"),
    {"units", CONFIG_MAP, AT(metric, units), .schema = &units_schema,
     .help = "gauges: units by the value of a column"},
    {"only_if", CONFIG_MAP, AT(metric, only_if), .schema = &when_schema,
     .help = "the value counts only while another column has one of these values"},
    {0},
};
static const struct config_schema metric_schema = {
    SCHEMA(metric, "metric"), .present_offset = SIZE_MAX, .check = profile_check_metric};

/* --- tables --- */

static const struct config_field rate_fields[] = {
    {"metric", CONFIG_STRING, AT(rate, metric), .required = true, .min = 1,
     .max = PROTO_METRIC_NAME_MAX, .help = "a gauge in bit/s: no counter of octets grows faster"},
    {"real_for", CONFIG_MAP, AT(rate, real_for), .schema = &when_schema,
     .help = "rows where it is the port's own, not a figure that was configured; left out: all"},
    {0},
};
static const struct config_schema rate_schema = {SCHEMA(rate, "rate"), PRESENT(rate)};

#define NAME_AND_KIND(type_)                                                                       \
    {"name",                                                                                       \
     CONFIG_STRING,                                                                                \
     AT(type_, name),                                                                              \
     .required = true,                                                                             \
     .min = 1,                                                                                     \
     .max = PROTO_METRIC_NAME_MAX,                                                                 \
     .check = profile_check_word,                                                                  \
     .help = "what the log calls it; once in a profile"},                                          \
    {                                                                                              \
        "kind", CONFIG_STRING, AT(type_, kind),                                                    \
            .required = true, .min = 1, .max = PROTO_METRIC_NAME_MAX, .check = profile_check_name, \
            .help = "what its objects are: interface, sensor"                                      \
    }
#define TIMES(type_)                                                                               \
    {"every",                                                                                      \
     CONFIG_DURATION,                                                                              \
     AT(type_, every_ms),                                                                          \
     .min = 1000,                                                                                  \
     .max = DAY_MS,                                                                                \
     .help = "how often it is read; left out: with each cycle of the device"},                     \
    {                                                                                              \
        "reread", CONFIG_DURATION, AT(type_, reread_ms), .fallback = "10m", .min = 1000,           \
                                                         .max = DAY_MS,                            \
                                                         .help = "how often labels are read anew"  \
    }
#define LABELS_AND_METRICS(type_)                                                                  \
    {"labels",                                                                                     \
     CONFIG_LIST,                                                                                  \
     AT(type_, labels),                                                                            \
     .max = PLAN_LABELS_MAX,                                                                       \
     .schema = &label_schema,                                                                      \
     .help = "what is known of each object"},                                                      \
    {                                                                                              \
        "metrics", CONFIG_LIST, AT(type_, metrics), .max = PLAN_METRICS_MAX,                       \
                                                    .schema = &metric_schema,                      \
                                                    .help = "what is measured of each object"      \
    }

static const struct config_field table_fields[] = {
    NAME_AND_KIND(table),
    {"names", CONFIG_STRING_LIST, AT(table, names), .required = true, .min = 1,
     .max = PLAN_NAMES_MAX, .check = profile_check_template,
     .help = "ways to name its objects, the best one first: \"{label}\", \"port {index}\""},
    {"index_label", CONFIG_STRING, AT(table, index_label), .fallback = "index", .min = 1,
     .max = PROTO_METRIC_NAME_MAX, .check = profile_check_name,
     .help = "the label that holds the row's index"},
    {"index_parts", CONFIG_INTEGER, AT(table, index_parts), .min = 1, .max = 32,
     .help = "numbers in an index; rows with others are left out; left out: any"},
    TIMES(table),
    {"rows", CONFIG_STRING_LIST, AT(table, rows), .max = PLAN_VALUES_MAX,
     .check = profile_check_oid, .help = "columns that are only read to learn which rows exist"},
    OID("last_change", table, last_change, "a scalar that changes when rows come or go"),
    OID("discontinuity", table, discontinuity,
        "the column with the time of the counters' last discontinuity"),
    {"rate", CONFIG_MAP, AT(table, rate), .schema = &rate_schema,
     .help = "what bounds the counters of octets and packets"},
    {"where", CONFIG_LIST, AT(table, where), .max = PLAN_CONDITIONS_MAX, .schema = &where_schema,
     .help = "which rows become objects: those that pass all of these"},
    LABELS_AND_METRICS(table),
    {0},
};
static const struct config_schema table_schema = {
    SCHEMA(table, "table"), .present_offset = SIZE_MAX, .check = profile_check_table};

static const struct config_field scalar_fields[] = {
    NAME_AND_KIND(scalar),
    {"object", CONFIG_STRING, AT(scalar, object), .fallback = "all", .min = 1,
     .max = PROTO_NAME_MAX, .help = "the name of the one object"},
    TIMES(scalar),
    LABELS_AND_METRICS(scalar),
    {0},
};
static const struct config_schema scalar_schema = {
    SCHEMA(scalar, "scalars"), .present_offset = SIZE_MAX, .check = profile_check_scalar};

/* --- profiles --- */

static const struct config_field match_fields[] = {
    {"sys_object_id", CONFIG_STRING_LIST, AT(match, sys_object_id), .max = PLAN_VALUES_MAX,
     .check = profile_check_oid, .help = "beginnings of sysObjectID; the longest wins"},
    {"sys_descr", CONFIG_STRING, AT(match, sys_descr), .min = 1, .max = 255,
     .check = profile_check_expression, .help = "a POSIX extended regular expression on sysDescr"},
    {0},
};
static const struct config_schema match_schema = {
    .name = "match",
    .size = sizeof(struct profile_match_config),
    .fields = match_fields,
    .place_offset = SIZE_MAX,
    PRESENT(match),
    .check = profile_check_match,
};

#define IN_PROFILE(member) .offset = offsetof(struct snmp_profile_config, member)

static const struct config_field profile_fields[] = {
    {"profile", CONFIG_STRING, IN_PROFILE(profile), .required = true, .min = 1,
     .max = PROTO_METRIC_NAME_MAX, .check = profile_check_word,
     .help = "its name; a later profile replaces an earlier one of the same name"},
    {"description", CONFIG_STRING, IN_PROFILE(description), .min = 1, .max = 1024,
     .help = "for people"},
    {"match", CONFIG_MAP, IN_PROFILE(match), .schema = &match_schema,
     .help = "which devices it is for; left out: only those that name it"},
    {"include", CONFIG_STRING_LIST, IN_PROFILE(include), .max = PROFILE_INCLUDES_MAX,
     .check = profile_check_word, .help = "profiles whose tables come first"},
    {"tables", CONFIG_LIST, IN_PROFILE(tables), .max = PROFILE_TABLES_MAX, .schema = &table_schema,
     .help = "tables of the MIB: an object for each row"},
    {"scalars", CONFIG_LIST, IN_PROFILE(scalars), .max = PROFILE_TABLES_MAX,
     .schema = &scalar_schema, .help = "single values of the MIB: one object"},
    {0},
};

const struct config_schema snmp_profile_schema = {
    .name = "profile",
    .size = sizeof(struct snmp_profile_config),
    .fields = profile_fields,
    .place_offset = offsetof(struct snmp_profile_config, place),
    .present_offset = SIZE_MAX,
    .check = profile_check_all,
};
