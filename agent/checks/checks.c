/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "checks/checks.h"

#include "check_type.h"
#include "checks/condition.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "confirm.h"
#include "resolve.h"
#include "sample/schedule.h"
#include "url.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OUTCOMES = OUTCOME_UNKNOWN + 1,
    LATE_MIN_MS = 100, /* a time-out that is told so late says more of us than of the service */
    LATE_SHARE = 4,    /* or so much of the time-out */
    /* Checks that are due within it share a turn of the loop, and their packets a system call. */
    SLOT_MS = 10,
};

/* A type with what its checks share. */
struct type_room {
    const struct check_type *type;
    void *shared;
    bool is_open; /* shared is NULL where nothing is shared */
};

struct check {
    struct checks *checks;
    const struct check_config *config; /* &own */
    struct check_config own;           /* the item's texts, and a place that stays at a reload */
    struct check_config *item;
    const struct check_facts *facts;
    const struct type_room *room;
    void *prepared;
    struct condition *down_unless; /* as many as the configuration has */
    struct condition *degraded_unless;
    struct confirm confirm;
    uint32_t number;
    struct schedule_task *task;
    uv_timer_t timer; /* the resolver's time */
    char *device;
    char *host; /* NULL: asks nobody */
    uint16_t port;
    bool is_literal;             /* the host is an address */
    struct sockaddr_in6 literal; /* or a sockaddr_in */
    struct wall started;
    struct mono started_mono;
    struct mono deadline;
    double resolved_s;
    struct resolve *resolve;
    void *probe;
    bool is_running;
};

struct checks {
    uv_loop_t *loop;
    const struct sample_sink *sink;
    char *device;
    size_t n_rooms;
    struct type_room *rooms;
    size_t n_checks;
    struct check **checks;
    uint64_t results[OUTCOMES];
    uint64_t missed; /* turns that found the one before still running, and those of stopped tasks */
};

/* --- judging --- */

/* The first condition that does not hold; NULL: all do. *unknown: one is about what is not known.
 */
static const struct condition *first_broken(const struct condition *conditions, size_t n,
                                            const struct verdict *verdict, bool *unknown)
{
    for (size_t i = 0; i < n; i++) {
        bool is_known = (verdict->known >> conditions[i].metric & 1) != 0;
        if (!is_known) {
            *unknown = true;
        } else if (!condition_holds(&conditions[i], verdict->values[conditions[i].metric])) {
            return &conditions[i];
        }
    }
    return NULL;
}

static void set_broken(const struct check *check, const struct condition *condition,
                       enum outcome outcome, struct verdict *verdict)
{
    char text[PROTO_DETAIL_MAX + 1];
    condition_describe(condition, check->facts->metrics, verdict->values[condition->metric], text,
                       sizeof text);
    verdict_set(verdict, outcome, "condition", "%s", text);
}

static void judge_conditions(const struct check *check, struct verdict *verdict)
{
    const struct check_config *config = check->config;
    bool unknown = false;
    if (verdict->outcome != OUTCOME_UP && verdict->outcome != OUTCOME_DEGRADED) {
        return;
    }
    const struct condition *broken =
        first_broken(check->down_unless, config->down_unless.count, verdict, &unknown);
    if (broken != NULL) {
        set_broken(check, broken, OUTCOME_DOWN, verdict);
        return;
    }
    broken = first_broken(check->degraded_unless, config->degraded_unless.count, verdict, &unknown);
    if (broken != NULL && verdict->outcome == OUTCOME_UP) {
        set_broken(check, broken, OUTCOME_DEGRADED, verdict);
    } else if (unknown) {
        verdict_set(verdict, OUTCOME_UNKNOWN, "no-value",
                    "what a condition is about was not measured");
    }
}

/* A time-out that we tell long after it was due: an answer may have waited for us meanwhile. */
static void judge_lateness(const struct check *check, struct verdict *verdict)
{
    int64_t late_ms = mono_elapsed_ms(check->deadline, clock_mono());
    int64_t limit_ms = check->config->timeout_ms / LATE_SHARE;
    if (verdict->outcome == OUTCOME_DOWN && strcmp(verdict->reason, "timeout") == 0 &&
        late_ms > (limit_ms > LATE_MIN_MS ? limit_ms : LATE_MIN_MS)) {
        verdict_set(verdict, OUTCOME_UNKNOWN, "agent-overloaded",
                    "the agent looked %lld ms too late", (long long)late_ms);
    }
}

/* --- one turn --- */

static void deliver(struct check *check, const struct verdict *verdict)
{
    struct checks *checks = check->checks;
    size_t n = check->facts->n_metrics;
    unsigned all = (1U << n) - 1;
    unsigned known = verdict->known & all;
    union value values[CHECK_METRICS_MAX + 1];
    for (size_t i = 0; i < n; i++) {
        values[i].gauge = verdict->values[i];
    }
    if (confirm_is_wanted(&check->confirm)) {
        values[n].gauge = confirm_take(&check->confirm, verdict->outcome) ? 1 : 0;
    }
    const struct row row = {
        .object = check->number,
        .time = check->started,
        /* Some values belong to some answers only (tls, banner): unknown, and nothing amiss. */
        .status = known == 0                       ? ROW_FAILED
                  : verdict->outcome == OUTCOME_UP ? ROW_OK
                                                   : ROW_PARTIAL,
        .unknown_mask = all & ~known,
        .values = values,
    };
    const struct result result = {
        .object = check->number,
        .time = verdict->time,
        .outcome = verdict->outcome,
        .reason = verdict->reason,
        .detail = verdict->detail,
    };
    checks->results[verdict->outcome]++;
    if (check->number != 0) {
        checks->sink->row(checks->sink->context, &row);
        checks->sink->result(checks->sink->context, &result);
    }
}

static void on_verdict(void *context, const struct verdict *verdict)
{
    struct check *check = context;
    struct verdict judged = *verdict;
    check->probe = NULL;
    check->is_running = false;
    judge_lateness(check, &judged);
    judge_conditions(check, &judged);
    deliver(check, &judged);
}

/* The turn ended before anybody was asked. */
static void fail_early(struct check *check, const struct verdict *failure)
{
    struct verdict dated = *failure;
    dated.time = check->started;
    on_verdict(check, &dated);
}

static void start_probe(struct check *check, const struct target *target)
{
    const struct check_type *type = check->room->type;
    int64_t left_ms = mono_elapsed_ms(clock_mono(), check->deadline);
    const struct probe_order order = {
        .loop = check->checks->loop,
        .config = check->config,
        .prepared = check->prepared,
        .host = check->host,
        .port = check->port,
        .target = target,
        .resolved_s = check->resolved_s,
        .timeout_ms = left_ms > 1 ? left_ms : 1,
        .device = check->device,
        .sink = check->checks->sink,
        .done = on_verdict,
        .context = check,
    };
    bool is_ready = check->room->is_open && (type->prepare == NULL || check->prepared != NULL);
    check->probe = is_ready ? type->start(check->room->shared, &order) : NULL;
    if (check->probe == NULL) {
        struct verdict failure = {0};
        verdict_set(&failure, OUTCOME_UNKNOWN, "resource", "the check could not be started");
        fail_early(check, &failure);
    }
}

/* Keeps the addresses of the family that is asked for. */
static void choose_family(int family, struct target *target)
{
    size_t n = 0;
    for (size_t i = 0; i < target->n_addresses; i++) {
        int wanted = family == CHECK_FAMILY_IPV6 ? AF_INET6 : AF_INET;
        if (family == CHECK_FAMILY_ANY || target->addresses[i].ss_family == wanted) {
            target->addresses[n++] = target->addresses[i];
        }
    }
    target->n_addresses = n;
}

static void ask(struct check *check, const struct target *all)
{
    struct target target = *all;
    choose_family(check->config->family, &target);
    if (target.n_addresses > 0) {
        start_probe(check, &target);
        return;
    }
    struct verdict failure = {0};
    verdict_set(&failure, OUTCOME_UNKNOWN, "dns-name", "%s has no %s address", check->host,
                check->config->family == CHECK_FAMILY_IPV6 ? "IPv6" : "IPv4");
    fail_early(check, &failure);
}

static void on_resolved(void *context, const struct target *target, const struct verdict *failure)
{
    struct check *check = context;
    check->resolve = NULL;
    check->resolved_s = (double)(clock_mono().ns - check->started_mono.ns) / 1e9;
    uv_timer_stop(&check->timer);
    if (target != NULL) {
        ask(check, target);
    } else {
        fail_early(check, failure);
    }
}

static void on_resolver_timeout(uv_timer_t *timer)
{
    struct check *check = timer->data;
    struct verdict failure = {0};
    resolve_cancel(check->resolve);
    check->resolve = NULL;
    verdict_set(&failure, OUTCOME_UNKNOWN, "dns-failure", "no answer from the resolver in %lld ms",
                (long long)check->config->timeout_ms);
    fail_early(check, &failure);
}

static void resolve_host(struct check *check)
{
    struct verdict failure = {0};
    check->resolve =
        resolve_start(check->checks->loop, check->host, check->port, on_resolved, check);
    if (check->resolve != NULL) {
        uv_update_time(check->checks->loop);
        uv_timer_start(&check->timer, on_resolver_timeout, (uint64_t)check->config->timeout_ms, 0);
        return;
    }
    verdict_set(&failure, OUTCOME_UNKNOWN, "dns-failure", "the resolver could not be asked");
    fail_early(check, &failure);
}

static void ask_literal(struct check *check)
{
    struct target target = {.n_addresses = 1};
    memcpy(&target.addresses[0], &check->literal, sizeof check->literal);
    ask(check, &target);
}

static void on_turn(void *context, struct wall due)
{
    struct check *check = context;
    (void)due; /* a result is dated by when the service was really asked */
    if (check->is_running) {
        check->checks->missed++;
        return;
    }
    check->is_running = true;
    check->started = clock_wall();
    check->started_mono = clock_mono();
    check->deadline = mono_add_ms(check->started_mono, check->config->timeout_ms);
    check->resolved_s = 0;
    if (check->host == NULL) {
        start_probe(check, NULL);
    } else if (check->is_literal) {
        ask_literal(check);
    } else {
        resolve_host(check);
    }
}

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
        schedule_start_in_slot(checks->loop, name, config->interval_ms, SLOT_MS, on_turn, check);
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
