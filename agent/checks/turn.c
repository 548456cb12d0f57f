/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "room.h"

#include <stdio.h>
#include <string.h>

enum {
    LATE_MIN_MS = 100, /* a time-out that is told so late says more of us than of the service */
    LATE_SHARE = 4,    /* or so much of the time-out */
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

static void ask(struct check *check, const struct target *all)
{
    struct target target = *all;
    target_keep_family(&target, check->config->family);
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

void turn_begin(void *context, struct wall due)
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
