/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `beffroi device`: the devices, or what one device consists of, with its newest values. */
#include "cli.h"
#include "collector.h"
#include "table.h"

#include "common/xalloc.h"
#include "graphs/graphs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* 12345678 octets as "12.3 M octets/s": three significant digits are enough for a glance. "-" when
 * it is not known. Caller frees. */
static char *value_text(const json_t *value, const char *unit, bool is_rate)
{
    static const char *const prefixes[] = {"", "k", "M", "G", "T", "P", "E"};
    enum { PREFIXES = sizeof prefixes / sizeof *prefixes };
    size_t prefix = 0;
    if (!json_is_number(value)) {
        return xstrdup("-");
    }
    double shown = json_number_value(value);
    while (fabs(shown) >= 1000 && prefix + 1 < PREFIXES) {
        shown /= 1000;
        prefix++;
    }
    unit = unit != NULL && strcmp(unit, "1") != 0 ? unit : "";
    const char *rate = is_rate ? "/s" : "";
    bool has_unit = unit[0] != '\0' || is_rate;
    return xasprintf(prefix == 0 ? "%.4g%s%s%s%s%s" : "%.3g%s%s%s%s%s", shown,
                     prefix == 0 ? "" : " ", prefixes[prefix], has_unit ? " " : "", unit, rate);
}

/* What a number that stands for a state means; NULL: it stands for none. */
static const char *word_of(const json_t *object, const char *metric, const json_t *value)
{
    const char *kind = text_of(object, "kind");
    return kind != NULL && json_is_number(value)
               ? graph_value_word(kind, metric, json_number_value(value))
               : NULL;
}

/* Takes `text`; returns it with "key=value" behind it. */
static char *add_pair(char *text, const char *key, const char *value)
{
    char *longer = xasprintf("%s%s%s=%s", text, text[0] != '\0' ? "  " : "", key, value);
    free(text);
    return longer;
}

/* "in_octets=1.2 k octets/s  oper_status=up …"; the labels of an object that has no metrics. */
static char *values_text(const json_t *object)
{
    const json_t *latest = json_object_get(object, "latest");
    json_t *labels = json_object_get(object, "labels");
    char *text = xstrdup("");
    size_t i;
    const char *key;
    json_t *label;
    const json_t *metric;
    json_array_foreach(json_object_get(object, "metrics"), i, metric)
    {
        const char *name = text_of(metric, "name") != NULL ? text_of(metric, "name") : "-";
        const char *type = text_of(metric, "type");
        const json_t *value = json_object_get(latest, name);
        const char *said = word_of(object, name, value);
        char *shown = said != NULL ? xstrdup(said)
                                   : value_text(value, text_of(metric, "unit"),
                                                type != NULL && strcmp(type, "counter") == 0);
        text = add_pair(text, name, shown);
        free(shown);
    }
    bool bare = json_array_size(json_object_get(object, "metrics")) == 0;
    json_object_foreach(bare ? labels : NULL, key, label)
    {
        text = add_pair(text, key, json_is_string(label) ? json_string_value(label) : "-");
    }
    return text;
}

static void print_objects(const json_t *answer, bool colour)
{
    size_t i;
    const json_t *object;
    struct table *table =
        table_new((const char *[]){"KIND", "NAME", "STATUS", "LAST ROW", "NEWEST VALUES", NULL});
    json_array_foreach(json_object_get(answer, "objects"), i, object)
    {
        char last[TIME_TEXT_SIZE];
        char *values = values_text(object);
        table_cell(table, text_of(object, "kind"));
        table_cell(table, text_of(object, "name"));
        table_state(table, text_of(object, "status"));
        table_cell(table, time_text(json_object_get(object, "last"), last));
        table_cell(table, values);
        free(values);
    }
    table_print(table, colour);
    table_free(table);
}

static void print_checks(const json_t *device, bool colour)
{
    size_t i;
    const json_t *check;
    print_text("", text_of(device, "device"));
    (void)fputs(": ", stdout);
    print_state(text_of(device, "state"), colour);
    (void)fputs("\n\n", stdout);
    if (json_array_size(json_object_get(device, "checks")) == 0) {
        return;
    }
    struct table *table = table_new((const char *[]){"CHECK", "OUTCOME", "REASON", "SINCE", NULL});
    json_array_foreach(json_object_get(device, "checks"), i, check)
    {
        char since[TIME_TEXT_SIZE];
        table_cell(table, text_of(check, "check"));
        table_state(table, text_of(check, "outcome"));
        const char *reason = text_of(check, "reason");
        table_cell(table, reason != NULL && reason[0] != '\0' ? reason : NULL);
        table_cell(table, time_text(json_object_get(check, "since"), since));
    }
    table_print(table, colour);
    table_free(table);
    (void)putchar('\n');
}

static const json_t *find_device(const json_t *status, const char *name)
{
    size_t i;
    const json_t *device;
    json_array_foreach(json_object_get(status, "devices"), i, device)
    {
        const char *its = text_of(device, "device");
        if (its != NULL && strcmp(its, name) == 0) {
            return device;
        }
    }
    return NULL;
}

static void complain_unknown(const json_t *status, const char *name)
{
    size_t i;
    const json_t *device;
    cli_complain("there is no device %s; the collector knows:", name);
    json_array_foreach(json_object_get(status, "devices"), i, device)
    {
        char *copy = xstrdup(text_of(device, "device") != NULL ? text_of(device, "device") : "-");
        cli_clean(copy);
        (void)fprintf(stderr, "  %s\n", copy);
        free(copy);
    }
}

static int show_device(const struct cli *cli, json_t *status, const char *name)
{
    json_t *answer = NULL;
    json_t *device = (json_t *)(uintptr_t)find_device(status, name); /* a reference is counted */
    if (device == NULL) {
        complain_unknown(status, name);
        return CLI_USAGE;
    }
    int rc = collector_get_json(cli, "/api/v1/objects",
                                (const char *[]){"device", name, "latest", "1", NULL}, &answer);
    if (rc != CLI_OK) {
        return rc;
    }
    if (cli->format == CLI_JSON) {
        (void)json_object_update_missing(answer, device);
        /* The number gives way to the list of the same name. */
        (void)json_dumpf(answer, stdout, JSON_INDENT(2));
        (void)putchar('\n');
    } else {
        print_checks(device, cli->colour);
        print_objects(answer, cli->colour);
    }
    json_decref(answer);
    return CLI_OK;
}

static void list_devices(const struct cli *cli, const json_t *status)
{
    size_t i;
    const json_t *device;
    if (cli->format == CLI_JSON) {
        json_t *list = json_pack("{s:O}", "devices", json_object_get(status, "devices"));
        (void)json_dumpf(list, stdout, JSON_INDENT(2));
        (void)putchar('\n');
        json_decref(list);
        return;
    }
    struct table *table = table_new((const char *[]){"DEVICE", "STATE", "SINCE", ">OBJECTS", NULL});
    json_array_foreach(json_object_get(status, "devices"), i, device)
    {
        char since[TIME_TEXT_SIZE];
        char objects[24];
        (void)snprintf(objects, sizeof objects, "%lld",
                       (long long)json_integer_value(json_object_get(device, "objects")));
        table_cell(table, text_of(device, "device"));
        table_state(table, text_of(device, "state"));
        table_cell(table, time_text(json_object_get(device, "since"), since));
        table_cell(table, objects);
    }
    table_print(table, cli->colour);
    table_free(table);
}

int cli_device(int argc, char **argv)
{
    struct cli cli;
    json_t *status = NULL;
    int rc = cli_parse(&cli, argc, argv, NULL, 1);
    if (rc == CLI_OK) {
        rc = collector_get_json(&cli, "/api/v1/status", NULL, &status);
    }
    if (rc != CLI_OK) {
        return rc;
    }
    if (cli.n_arguments == 1) {
        rc = show_device(&cli, status, cli.argument[0]);
    } else {
        list_devices(&cli, status);
    }
    json_decref(status);
    return rc;
}
