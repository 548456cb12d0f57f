/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "value_check.h"

#include "common/xalloc.h"
#include "value_item.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct value_checks {
    uv_loop_t *loop;
    struct value_checks_options options;
    struct sample_sink sink;
    size_t n_checks;
    struct value_item **by_name;   /* object, device, kind */
    struct value_item **by_number; /* of the object */
};

/* --- finding the checks of an object --- */

static int compare_names(const struct value_item *check, const struct object *object)
{
    int rc = strcmp(check->config.object, object->name);
    rc = rc != 0 ? rc : strcmp(check->device, object->device);
    return rc != 0 ? rc : strcmp(check->config.kind, object->kind);
}

static int by_name(const void *a, const void *b)
{
    const struct value_item *const *left = a;
    const struct value_item *const *right = b;
    const struct object object = {
        .device = (*right)->device, .kind = (*right)->config.kind, .name = (*right)->config.object};
    return compare_names(*left, &object);
}

static int by_number(const void *a, const void *b)
{
    const struct value_item *const *left = a;
    const struct value_item *const *right = b;
    return ((*left)->object > (*right)->object) - ((*left)->object < (*right)->object);
}

static void sort(struct value_item **checks, size_t n, int (*compare)(const void *, const void *))
{
    if (n > 1) {
        qsort(checks, n, sizeof(checks[0]), compare);
    }
}

/* The first that is not before it. */
static size_t first_by_name(const struct value_checks *checks, const struct object *object)
{
    size_t low = 0;
    size_t high = checks->n_checks;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_names(checks->by_name[middle], object) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static size_t first_by_number(const struct value_checks *checks, uint32_t number)
{
    size_t low = 0;
    size_t high = checks->n_checks;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (checks->by_number[middle]->object < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* --- the sink --- */

static uint32_t on_define(void *context, const struct object *object)
{
    struct value_checks *checks = context;
    uint32_t number = checks->options.next->define(checks->options.next->context, object);
    bool is_changed = false;
    for (size_t i = first_by_name(checks, object);
         i < checks->n_checks && compare_names(checks->by_name[i], object) == 0; i++) {
        if (number != 0 && checks->by_name[i]->object != number) {
            value_item_attach(checks->by_name[i], object, number);
            is_changed = true;
        }
    }
    if (is_changed) {
        sort(checks->by_number, checks->n_checks, by_number);
    }
    return number;
}

static void on_row(void *context, const struct row *row)
{
    struct value_checks *checks = context;
    checks->options.next->row(checks->options.next->context, row);
    if (row->object == 0) {
        return; /* its definition was refused */
    }
    for (size_t i = first_by_number(checks, row->object);
         i < checks->n_checks && checks->by_number[i]->object == row->object; i++) {
        value_item_take_row(checks->by_number[i], row);
    }
}

static void on_result(void *context, const struct result *result)
{
    struct value_checks *checks = context;
    checks->options.next->result(checks->options.next->context, result);
}

static void on_talkers(void *context, const struct talker_report *report)
{
    struct value_checks *checks = context;
    checks->options.next->talkers(checks->options.next->context, report);
}

static void on_gap(void *context, const struct gap *gap)
{
    struct value_checks *checks = context;
    checks->options.next->gap(checks->options.next->context, gap);
}

/* --- life --- */

static const char *device_of(const struct check_config *config, const char *device)
{
    return config->device != NULL ? config->device : device;
}

static char *print_config(const struct check_config *config)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        abort(); /* only out of memory */
    }
    config_print(out, &check_config_schema, config);
    (void)fclose(out); /* to memory */
    return text;
}

/* The running check that says the same, taken out of the list; NULL: none. */
static struct value_item *take_same(struct value_item **running, size_t n, const char *said,
                                    const char *device)
{
    for (size_t i = 0; i < n; i++) {
        struct value_item *check = running[i];
        if (check != NULL && strcmp(check->said, said) == 0 && strcmp(check->device, device) == 0) {
            running[i] = NULL;
            return check;
        }
    }
    return NULL;
}

void value_checks_reload(struct value_checks *checks, const struct config_list *list,
                         const char *device)
{
    const struct check_config *items = list->items;
    struct value_item **running = checks->by_name;
    struct value_item **next = xcalloc(list->count + 1, sizeof(next[0]));
    size_t n_running = checks->n_checks;
    size_t n_next = 0;
    char **said = xcalloc(list->count + 1, sizeof(said[0]));
    for (size_t i = 0; i < list->count; i++) {
        if (items[i].type == CHECK_VALUE) {
            said[i] = print_config(&items[i]);
            next[n_next] = take_same(running, n_running, said[i], device_of(&items[i], device));
            if (next[n_next] != NULL) {
                n_next++;
                free(said[i]);
                said[i] = NULL;
            }
        }
    }
    for (size_t i = 0; i < n_running; i++) { /* before their names are given to others */
        if (running[i] != NULL) {
            value_item_stop(running[i]);
        }
    }
    for (size_t i = 0; i < list->count; i++) {
        if (said[i] != NULL) {
            next[n_next] = value_item_start(checks->loop, &checks->options, said[i],
                                            device_of(&items[i], device));
            n_next += next[n_next] != NULL ? 1 : 0;
        }
    }
    free(said);
    free(running);
    free(checks->by_number);
    checks->by_name = next;
    checks->by_number = xcalloc(n_next + 1, sizeof(checks->by_number[0]));
    memcpy(checks->by_number, next, n_next * sizeof(next[0]));
    checks->n_checks = n_next;
    sort(checks->by_name, n_next, by_name);
    sort(checks->by_number, n_next, by_number);
}

struct value_checks *value_checks_open(uv_loop_t *loop, const struct config_list *list,
                                       const struct value_checks_options *options)
{
    struct value_checks *checks = xcalloc(1, sizeof *checks);
    checks->loop = loop;
    checks->options = *options;
    checks->sink = (struct sample_sink){.context = checks,
                                        .define = on_define,
                                        .row = on_row,
                                        .result = on_result,
                                        .talkers = on_talkers,
                                        .gap = on_gap};
    value_checks_reload(checks, list, options->device);
    return checks;
}

const struct sample_sink *value_checks_sink(struct value_checks *checks)
{
    return &checks->sink;
}

void value_checks_close(struct value_checks *checks)
{
    if (checks == NULL) {
        return;
    }
    for (size_t i = 0; i < checks->n_checks; i++) {
        value_item_stop(checks->by_name[i]);
    }
    free(checks->by_name);
    free(checks->by_number);
    free(checks);
}
