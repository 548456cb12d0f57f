/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is read of a device and what becomes of it: profiles (data, written by people) compiled into
 * tables of columns, metrics and labels that the poller works through without knowing any MIB.
 * Immutable once made; all devices of a profile share one.
 *
 * Pure. */
#ifndef SNMP_PLAN_H
#define SNMP_PLAN_H

#include "pdu.h"
#include "proto/model.h"

#include <stdbool.h>

enum {
    PLAN_COLUMNS_MAX = 64, /* of a table: its cells' mask is 64 bits wide */
    PLAN_METRICS_MAX = PROTO_METRICS_MAX,
    PLAN_LABELS_MAX = 24, /* with the index below PROTO_LABELS_MAX */
    PLAN_SOURCES_MAX = 4,
    PLAN_NAMES_MAX = 6,
    PLAN_VALUES_MAX = 32,   /* of a list of values */
    PLAN_WATCHED_MAX = 4,   /* scalars that ride along with the probe */
    PLAN_GROUP_COLUMNS = 6, /* walked side by side */
    PLAN_NO_COLUMN = 255,
};

/* How a column's cells are kept. */
enum plan_keep {
    PLAN_KEEP_NUMBER, /* Integer32, Counter32, Gauge32, TimeTicks, Counter64 */
    PLAN_KEEP_BYTES,  /* OCTET STRING */
    PLAN_KEEP_OID,    /* OBJECT IDENTIFIER */
    PLAN_KEEP_ANY,    /* for a label with `format: auto`, which may be any of the above */
};

/* When a column is read. */
enum plan_when {
    PLAN_EACH_CYCLE,
    PLAN_FIXED, /* with the table's identity: at first, after a restart, when rows change, and
                   every `reread_ms` */
};

struct plan_column {
    struct oid_view oid; /* a table's column (its conceptual prefix), or a scalar's instance */
    char *text;          /* the same, "1.3.6.1.2.1.2.2.1.10", for the log */
    enum plan_keep keep;
    enum plan_when when;
    /* 0: always read; n: only if some row lacks a value for which this is the source of that rank
     * (32-bit counters where the device has no 64-bit ones). */
    uint8_t rank;
    bool foreign; /* of another table: makes no rows, only adds to those that are there */
    /* foreign: the row's index part (from 1) that is the other table's index; 0: the whole index */
    uint8_t foreign_part;
};

struct plan_values {
    size_t n;
    int64_t values[PLAN_VALUES_MAX];
};

/* Where a metric's value comes from, in order of preference. */
struct plan_source {
    uint8_t column;
    double scale;               /* gauges: times this; 1 for counters */
    struct plan_values unknown; /* readings that say that there is none */
    /* Rounded to its own unit: where a later source agrees with it to within that, the later one is
     * the exact value (ifHighSpeed and ifSpeed, RFC 2863). */
    bool rounded;
};

struct plan_metric {
    struct metric metric;
    /* Part of an object only once the device has given a value for it in some row. */
    bool optional;
    bool is_signed; /* gauges: INTEGER is signed; false: a negative one is the upper half of 32 bits
                     */
    size_t n_sources;
    struct plan_source sources[PLAN_SOURCES_MAX];
    /* Columns of the same row that go into a gauge, or PLAN_NO_COLUMN: value × multiply ×
     * 10^(SensorDataScale) / 10^decimals (ENTITY-SENSOR-MIB, RFC 3433). */
    uint8_t multiply;
    uint8_t decimals;
    uint8_t prefix;
    /* A reading counts only while this column of its row has one of these values, or was not given
     * (entPhySensorOperStatus); PLAN_NO_COLUMN: always. */
    uint8_t valid_column;
    struct plan_values valid_values;
    /* The unit by the value of a column: n_units 0: metric.unit. A row whose value is not listed
     * keeps metric.unit. */
    uint8_t unit_column;
    size_t n_units;
    struct plan_unit {
        int64_t value;
        char *unit;
        double scale; /* on top of the source's */
    } units[PLAN_VALUES_MAX];
};

enum plan_format {
    PLAN_FORMAT_TEXT, /* UTF-8 as proto's text_sanitize makes it, blanks and NULs at the end cut */
    PLAN_FORMAT_HEX,  /* "00:00:5e:00:53:01" */
    PLAN_FORMAT_NUMBER,
    PLAN_FORMAT_OID,
    PLAN_FORMAT_IP,       /* 4 or 16 octets, or IpAddress */
    PLAN_FORMAT_AUTO,     /* text if all of it is printable, else hex; numbers and OIDs as such */
    PLAN_FORMAT_INDEX,    /* a part of the row's index; no column */
    PLAN_FORMAT_CONSTANT, /* `value`, the same for all rows; no column */
};

struct plan_label {
    char *key;
    enum plan_format format;
    uint8_t column;     /* or PLAN_NO_COLUMN: PLAN_FORMAT_INDEX, PLAN_FORMAT_CONSTANT */
    uint8_t index_part; /* PLAN_FORMAT_INDEX: from 1 */
    char *value;        /* PLAN_FORMAT_CONSTANT */
    /* When this column of the row has this value, the format is hex: subtypes of LLDP and CDP. */
    uint8_t hex_column;
    struct plan_values hex_values;
    size_t n_words; /* numbers that have a name: the word instead */
    struct plan_word {
        int64_t value;
        char *word;
    } words[PLAN_VALUES_MAX];
};

/* Only rows that pass every condition become objects. */
struct plan_condition {
    uint8_t column;
    bool except;               /* the other way round: rows that match do not become objects */
    struct plan_values values; /* a number that is one of these; or */
    size_t n_texts;            /* a text or dotted OID that is one of these, or begins as one of
                                  these that end in '*' */
    char *texts[PLAN_VALUES_MAX];
};
enum { PLAN_CONDITIONS_MAX = 4 };

/* One way to name a row: text with "{label}" and "{index}", e.g. "{if_name}", "if{index}". It can
 * be a device's way only if every row has all the labels and no two rows the same name. */
struct plan_name {
    char *template;
    size_t n_columns; /* that it needs; all PLAN_FIXED */
    uint8_t columns[PLAN_GROUP_COLUMNS];
};

/* Columns that are read side by side. */
struct plan_group {
    size_t n_columns;
    uint8_t columns[PLAN_GROUP_COLUMNS];
    enum plan_when when;
    uint8_t rank;
    bool foreign;
};

struct plan_table {
    char *name;       /* "if-mib/interface": profile file and table, for the log */
    char *kind;       /* of its objects */
    bool is_scalar;   /* one object; columns are instances, read by GET */
    int64_t every_ms; /* 0: each cycle */
    int64_t reread_ms;
    size_t index_parts; /* exactly so many sub-identifiers; 0: 1 to TABLE_INDEX_MAX */
    char *index_label;  /* its key */
    size_t n_columns;
    struct plan_column *columns;
    size_t n_metrics;
    struct plan_metric *metrics;
    size_t n_counters; /* of the metrics */
    size_t n_labels;
    struct plan_label *labels;
    size_t n_conditions;
    struct plan_condition conditions[PLAN_CONDITIONS_MAX];
    size_t n_names; /* at least 1; the last one needs no column. Scalars: a plain text */
    struct plan_name names[PLAN_NAMES_MAX];
    size_t n_groups; /* fixed before each cycle's, rank 0 before others, foreign ones last */
    struct plan_group *groups;
    /* The most that counters of octets and packets can advance: a gauge in bit/s, index of the
     * metric; SIZE_MAX: none. It is the port's own where `rate_column` has one of `rate_values`
     * (ifType of Ethernet), else a figure that somebody configured; PLAN_NO_COLUMN: always real. */
    size_t rate_metric;
    uint8_t rate_column;
    struct plan_values rate_values;
    /* A column with the time of the counters' last discontinuity (TimeStamp), or PLAN_NO_COLUMN. */
    uint8_t discontinuity;
    /* Number of the plan's watched scalar that changes when rows come and go; SIZE_MAX: none. */
    size_t last_change;
};

struct plan {
    char *name;       /* the profile's */
    size_t n_watched; /* scalars that are asked together with sysUpTime */
    struct oid_view watched[PLAN_WATCHED_MAX];
    size_t n_tables;
    struct plan_table *tables;
};

#endif
