/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "checks/checks.h"

#include "common/log.h"
#include "common/xalloc.h"
#include "room.h"
#include "url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Checks that are due within it share a turn of the loop, and their packets a system call. */
    SLOT_MS = 10,
};

/* --- life --- */

static char *target_text(const struct check *check)
{
    const struct check_config *config = check->config;
    switch ((enum check_type_id)config->type) {
    case CHECK_HTTP:
        return xstrdup(config->url);
    case CHECK_DNS:
        return xasprintf("%s at %s:%u", config->query, config->host, check->port);
    case CHECK_SYSTEMD:
        return xstrdup(config->unit);
    case CHECK_FILE:
        return xstrdup(config->path);
    case CHECK_COMMAND:
        return xstrdup(config->command.items[0]);
    case CHECK_VALUE:
        return xasprintf("%s %s %s", config->kind, config->object, config->metric);
    default:
        return check->port != 0 ? xasprintf("%s:%u", config->host, check->port)
                                : xstrdup(config->host);
    }
}

static void define(struct check *check)
{
    const struct check_config *config = check->config;
    const struct sample_sink *sink = check->checks->sink;
    char *address = target_text(check);
    struct metric metrics[CHECK_METRICS_MAX + 1];
    size_t n_metrics = check->facts->n_metrics;
    memcpy(metrics, check->facts->metrics, n_metrics * sizeof metrics[0]);
    const struct label labels[] = {
        {"type", check->facts->name}, {"target", address}, {"confirm", config->confirm}};
    if (confirm_is_wanted(&check->confirm)) {
        metrics[n_metrics++] = (struct metric){"confirmed", "1", METRIC_GAUGE};
    }
    const struct object object = {
        .device = check->device,
        .kind = "check",
        .name = config->name,
        .interval_ms = config->interval_ms,
        .metrics = metrics,
        .n_metrics = n_metrics,
        .labels = labels,
        .n_labels = confirm_is_wanted(&check->confirm) ? 3 : 2,
    };
    check->number = sink->define(sink->context, &object);
    free(address);
}

static void find_host(struct check *check)
{
    const struct check_config *config = check->config;
    char reason[128];
    char host[URL_HOST_MAX + 1] = "";
    switch (check->facts->whom) {
    case CHECK_ASKS_NOBODY:
        return;
    case CHECK_ASKS_HOST:
        check->host = xstrdup(config->host);
        check->port = config->port != 0 ? (uint16_t)config->port : check->facts->port;
        return;
    case CHECK_ASKS_URL:
        /* The schema lets none through that is not one; "" resolves to nothing. */
        (void)url_split(config->url, host, &check->port, reason, sizeof reason);
        check->host = xstrdup(host);
        return;
    }
}

static void read_literal(struct check *check)
{
    struct target target;
    if (check->host != NULL && resolve_literal(check->host, check->port, &target) == 0) {
        check->is_literal = true;
        memcpy(&check->literal, &target.addresses[0], target_address_size(&target, 0));
    }
}

static struct condition *parse_conditions(const struct check *check,
                                          const struct config_strings *texts)
{
    struct condition *conditions = xcalloc(texts->count + 1, sizeof *conditions);
    char reason[128];
    for (size_t i = 0; i < texts->count; i++) {
        /* The schema lets none through that cannot be read. */
        (void)condition_parse(texts->items[i], check->facts->metrics, check->facts->n_metrics,
                              &conditions[i], reason, sizeof reason);
    }
    return conditions;
}

static const struct type_room *room_of(const struct checks *checks, int type)
{
    for (size_t i = 0; i < checks->n_rooms; i++) {
        if ((int)checks->rooms[i].type->id == type) {
            return &checks->rooms[i];
        }
    }
    return NULL;
}

static const char *device_of(const struct check_config *config, const char *device)
{
    return config->device != NULL ? config->device : device;
}

static struct check *start_check(struct checks *checks, struct check_config *item,
                                 const struct type_room *room)
{
    struct check *check = xcalloc(1, sizeof *check);
    const struct check_config *config = &check->own;
    check->checks = checks;
    check->item = item;
    check->own = *item;
    check->config = config;
    check->facts = check_facts(config->type);
    check->room = room;
    check->device = xstrdup(device_of(config, checks->device));
    confirm_begin(&check->confirm, config->confirm);
    find_host(check);
    read_literal(check);
    check->down_unless = parse_conditions(check, &config->down_unless);
    check->degraded_unless = parse_conditions(check, &config->degraded_unless);
    if (room->type->prepare != NULL) {
        check->prepared = room->type->prepare(config);
    }
    define(check);
    (void)uv_timer_init(checks->loop, &check->timer); /* cannot fail */
    check->timer.data = check;
    char *name = xasprintf("check/%s/%s", check->device, config->name);
    check->task =
        schedule_start_in_slot(checks->loop, name, config->interval_ms, SLOT_MS, turn_begin, check);
    free(name);
    return check;
}

static void on_check_closed(uv_handle_t *handle)
{
    struct check *check = handle->data;
    free(check->device);
    free(check->host);
    free(check->down_unless);
    free(check->degraded_unless);
    free(check);
}

static void stop_check(struct check *check)
{
    check->checks->missed += schedule_missed(check->task);
    schedule_stop(check->task);
    resolve_cancel(check->resolve);
    if (check->probe != NULL) {
        check->room->type->cancel(check->probe);
    }
    if (check->prepared != NULL) {
        check->room->type->release(check->prepared);
    }
    uv_close((uv_handle_t *)&check->timer, on_check_closed);
}

/* --- all of them --- */

static void open_rooms(struct checks *checks, const struct checks_options *options)
{
    checks->n_rooms = options->n_types;
    checks->rooms = xcalloc(options->n_types + 1, sizeof *checks->rooms);
    for (size_t i = 0; i < options->n_types; i++) {
        struct type_room *room = &checks->rooms[i];
        room->type = options->types[i];
        room->shared = room->type->open != NULL ? room->type->open(checks->loop) : NULL;
        room->is_open = room->type->open == NULL || room->shared != NULL;
        if (!room->is_open) {
            log_error("checks", "what they need cannot start, they are unknown: type=%s",
                      check_facts((int)room->type->id)->name);
        }
    }
}

/* What it says, whole: two that say the same are one check. */
static char *print_config(const struct check_config *config, const char *device)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return xstrdup("");
    }
    fprintf(out, "%s\n", device_of(config, device));
    config_print(out, &check_config_schema, config);
    (void)fclose(out); /* to memory */
    return text;
}

static int compare_checks(const void *a, const void *b)
{
    const struct check *const *left = a;
    const struct check *const *right = b;
    int rc = strcmp((*left)->config->name, (*right)->config->name);
    return rc != 0 ? rc : strcmp((*left)->device, (*right)->device);
}

struct wanted {
    const char *name;
    const char *device;
};

static int compare_wanted(const void *key, const void *element)
{
    const struct wanted *wanted = key;
    const struct check *const *check = element;
    int rc = strcmp(wanted->name, (*check)->config->name);
    return rc != 0 ? rc : strcmp(wanted->device, (*check)->device);
}

/* The running check that says what `config` says, taken out of `running`; NULL: none. */
static struct check *take_same(struct check **running, size_t n, bool *taken,
                               const struct check_config *config, const char *device)
{
    const struct wanted wanted = {config->name, device_of(config, device)};
    struct check **found =
        n > 0 ? bsearch(&wanted, running, n, sizeof(running[0]), compare_wanted) : NULL;
    if (found == NULL) {
        return NULL;
    }
    char *before = print_config((*found)->config, (*found)->device);
    char *after = print_config(config, device);
    bool same = strcmp(before, after) == 0;
    free(before);
    free(after);
    taken[found - running] = same;
    return same ? *found : NULL;
}

/* A check that goes on takes its texts along from the old list, in exchange for the new list's
 * equal ones: a probe that is under way still reads them. */
static void hand_over(struct check *check, struct check_config *item)
{
    const struct check_config equal = *item;
    *item = *check->item;
    item->place = equal.place;
    *check->item = equal;
    check->item = item;
}

void checks_reload(struct checks *checks, const struct config_list *list, const char *device)
{
    struct check_config *items = list->items;
    struct check **running = checks->checks;
    size_t n_running = checks->n_checks;
    bool *taken = xcalloc(n_running + 1, sizeof *taken);
    struct check **next = xcalloc(list->count + 1, sizeof(next[0]));
    if (n_running > 0) {
        qsort(running, n_running, sizeof(running[0]), compare_checks);
    }
    for (size_t i = 0; i < list->count; i++) {
        next[i] = take_same(running, n_running, taken, &items[i], device);
        if (next[i] != NULL) {
            hand_over(next[i], &items[i]);
        }
    }
    for (size_t i = 0; i < n_running; i++) {
        if (!taken[i]) {
            stop_check(running[i]);
        }
    }
    free(checks->device);
    checks->device = xstrdup(device);
    checks->n_checks = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct type_room *room = room_of(checks, items[i].type);
        if (next[i] == NULL && room != NULL) {
            next[i] = start_check(checks, &items[i], room);
        }
        if (next[i] != NULL) {
            next[checks->n_checks++] = next[i];
        }
    }
    checks->checks = next;
    free(running);
    free(taken);
}

struct checks *checks_open(uv_loop_t *loop, const struct config_list *list,
                           const struct checks_options *options)
{
    struct checks *checks = xcalloc(1, sizeof *checks);
    checks->loop = loop;
    checks->sink = options->sink;
    open_rooms(checks, options);
    checks_reload(checks, list, options->device);
    return checks;
}

void checks_stats(const struct checks *checks, struct stats *stats)
{
    uint64_t missed = checks->missed;
    for (size_t i = 0; i < checks->n_checks; i++) {
        missed += schedule_missed(checks->checks[i]->task);
    }
    for (int outcome = OUTCOME_UP; outcome <= OUTCOME_UNKNOWN; outcome++) {
        stats_add_labelled(stats, STAT_COUNTER, "beffroi_checks_results_total",
                           "Results of checks by outcome.", "outcome",
                           outcome_name((enum outcome)outcome), (double)checks->results[outcome]);
    }
    for (size_t i = 0; i < checks->n_rooms; i++) {
        const struct type_room *room = &checks->rooms[i];
        if (room->is_open && room->type->stats != NULL) {
            room->type->stats(room->shared, stats);
        }
    }
    stats_add(stats, STAT_COUNTER, "beffroi_checks_missed_total",
              "Turns of checks that were skipped: the agent or the machine was not running.",
              (double)missed);
}

void checks_close(struct checks *checks)
{
    if (checks == NULL) {
        return;
    }
    for (size_t i = 0; i < checks->n_checks; i++) {
        stop_check(checks->checks[i]);
    }
    for (size_t i = 0; i < checks->n_rooms; i++) {
        if (checks->rooms[i].shared != NULL) {
            checks->rooms[i].type->close(checks->rooms[i].shared);
        }
    }
    free(checks->rooms);
    free(checks->device);
    free(checks->checks);
    free(checks);
}
