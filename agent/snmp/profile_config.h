/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A profile as it stands in its file: what snmp_profile_schema fills, before it is compiled into a
 * plan (plans_table.h). docs/profiles.md says what each key means.
 *
 * OIDs, whole numbers of lists and templates are texts here, in the form that profile_value.h
 * reads: the schema has let them through. */
#ifndef SNMP_PROFILE_CONFIG_H
#define SNMP_PROFILE_CONFIG_H

#include "common/config.h"

enum {
    PROFILE_TABLES_MAX = 64, /* of one profile, and of a plan with all that it includes */
    PROFILE_INCLUDES_MAX = 16,
};

/* `match:` */
struct profile_match_config {
    bool present;
    struct config_strings sys_object_id;
    char *sys_descr; /* NULL: any */
};

/* `hex_for:`, `real_for:`, `only_if:`: a column of the same row has one of these values. */
struct profile_when_config {
    bool present;
    struct config_place place;
    char *oid;
    struct config_strings values;
};

/* `where:` */
struct profile_where_config {
    struct config_place place;
    char *oid;
    bool except;
    struct config_strings values;
    struct config_strings texts;
};

/* `words:` */
struct profile_word_config {
    int64_t value;
    char *word;
};

enum profile_format_config {
    PROFILE_FORMAT_TEXT,
    PROFILE_FORMAT_HEX,
    PROFILE_FORMAT_NUMBER,
    PROFILE_FORMAT_OID,
    PROFILE_FORMAT_IP,
    PROFILE_FORMAT_AUTO,
};

struct profile_label_config {
    struct config_place place;
    char *key;
    char *oid;          /* one of these three: a column, */
    int64_t index_part; /* a part of the index (0: not), */
    char *value;        /* or the same for all rows */
    int format;         /* enum profile_format_config */
    struct profile_when_config hex_for;
    struct config_list words; /* struct profile_word_config */
    bool foreign;
    int64_t foreign_part; /* 0: the whole index */
};

/* Scales are millionths; 0: 1. */
struct profile_source_config {
    struct config_place place;
    char *oid;
    int64_t scale_millionths;
    struct config_strings unknown;
    bool rounded;
};

struct profile_unit_config {
    int64_t value;
    char *unit;
    int64_t scale_millionths;
};

struct profile_units_config {
    bool present;
    struct config_place place;
    char *oid;
    struct config_list values; /* struct profile_unit_config */
};

enum profile_type_config { PROFILE_GAUGE, PROFILE_COUNTER };

struct profile_metric_config {
    struct config_place place;
    char *name;
    char *unit;
    int type; /* enum profile_type_config */
    bool optional;
    bool is_signed;
    char *oid; /* the only source, with its scale and `unknown`; or */
    int64_t scale_millionths;
    struct config_strings unknown;
    struct config_list sources; /* struct profile_source_config */
    char *multiply;
    char *decimals;
    char *prefix;
    struct profile_units_config units;
    struct profile_when_config only_if;
};

struct profile_rate_config {
    bool present;
    struct config_place place;
    char *metric;
    struct profile_when_config real_for;
};

struct profile_table_config {
    struct config_place place;
    char *name;
    char *kind;
    struct config_strings names;
    char *index_label;
    int64_t index_parts; /* 0: any */
    int64_t every_ms;    /* 0: each cycle */
    int64_t reread_ms;
    struct config_strings rows;
    char *last_change;
    char *discontinuity;
    struct profile_rate_config rate;
    struct config_list where;   /* struct profile_where_config */
    struct config_list labels;  /* struct profile_label_config */
    struct config_list metrics; /* struct profile_metric_config */
};

struct profile_scalar_config {
    struct config_place place;
    char *name;
    char *kind;
    char *object;
    int64_t every_ms;
    int64_t reread_ms;
    struct config_list labels;  /* struct profile_label_config */
    struct config_list metrics; /* struct profile_metric_config */
};

struct snmp_profile_config {
    struct config_place place;
    char *profile;
    char *description;
    struct profile_match_config match;
    struct config_strings include;
    struct config_list tables;  /* struct profile_table_config */
    struct config_list scalars; /* struct profile_scalar_config */
};

#endif
