/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/control.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

static const char *const type_names[] = {[STAT_COUNTER] = "counter", [STAT_GAUGE] = "gauge"};

/* Our own texts are UTF-8; a label that is not says so rather than vanish. */
static json_t *text(const char *value)
{
    json_t *string = json_string(value);
    return string != NULL ? string : json_string("(not UTF-8)");
}

json_t *control_stats_encode(const struct stats *stats)
{
    json_t *list = json_array();
    for (size_t i = 0; i < stats->count; i++) {
        const struct stat_value *value = &stats->values[i];
        json_t *item = json_object();
        json_object_set_new(item, "name", text(value->name));
        json_object_set_new(item, "help", text(value->help));
        json_object_set_new(item, "type", text(type_names[value->type]));
        if (value->label_key != NULL) {
            json_object_set_new(item, "label_key", text(value->label_key));
            json_object_set_new(item, "label_value", text(value->label_value));
        }
        /* JSON has no NaN and no infinity: such a value is not known, and null says so. */
        json_object_set_new(item, "value",
                            isfinite(value->value) ? json_real(value->value) : json_null());
        json_array_append_new(list, item);
    }
    json_t *response = json_object();
    json_object_set_new(response, "stats", list);
    return response;
}

static int decode_one(const json_t *item, struct stats *stats)
{
    const char *name = json_string_value(json_object_get(item, "name"));
    const char *help = json_string_value(json_object_get(item, "help"));
    const char *type = json_string_value(json_object_get(item, "type"));
    const json_t *key = json_object_get(item, "label_key");
    const json_t *label = json_object_get(item, "label_value");
    const json_t *value = json_object_get(item, "value");
    if (name == NULL || help == NULL || type == NULL ||
        (!json_is_number(value) && !json_is_null(value))) {
        return -EBADMSG;
    }
    bool labelled = key != NULL || label != NULL;
    if (labelled && (!json_is_string(key) || !json_is_string(label))) {
        return -EBADMSG;
    }
    for (size_t i = 0; i < sizeof type_names / sizeof type_names[0]; i++) {
        if (strcmp(type, type_names[i]) != 0) {
            continue;
        }
        double number = json_is_null(value) ? (double)NAN : json_number_value(value);
        if (labelled) {
            stats_add_labelled(stats, (enum stat_type)i, name, help, json_string_value(key),
                               json_string_value(label), number);
        } else {
            stats_add(stats, (enum stat_type)i, name, help, number);
        }
        return 0;
    }
    return -EBADMSG;
}

int control_stats_decode(const json_t *response, struct stats *stats)
{
    const json_t *list = json_object_get(response, "stats");
    if (!json_is_array(list)) {
        return -EBADMSG;
    }
    int rc = 0;
    for (size_t i = 0; i < json_array_size(list) && rc == 0; i++) {
        rc = decode_one(json_array_get(list, i), stats);
    }
    return rc;
}
