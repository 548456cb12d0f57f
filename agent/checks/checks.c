/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "checks/checks.h"

#include "check_config.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "http.h"
#include "icmp.h"
#include "resolve.h"
#include "sample/schedule.h"
#include "tcp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUTCOMES = OUTCOME_UNKNOWN + 1 };

struct check {
    struct checks *checks;
    const struct check_config *config;
    const struct prober *prober;
    uint32_t number;
    struct schedule_task *task;
    uv_timer_t timer; /* the resolver's time */
    char *host;
    uint16_t port;
    struct wall started;
    struct mono deadline;
    struct resolve *resolve;
    void *probe;
    bool is_running;
};

struct checks {
    uv_loop_t *loop;
    const struct sample_sink *sink;
    struct icmp *icmp;
    struct http *http;
    size_t n_checks;
    struct check **checks;
    uint64_t results[OUTCOMES];
    uint64_t overrun; /* turns that found the one before still running */
};

/* --- the types --- */

struct prober {
    const char *type;
    size_t n_metrics;
    /* NULL: it could not be started. */
    void *(*start)(struct check *check, const struct target *target, int64_t timeout_ms);
    void (*cancel)(void *probe);
};

static const struct metric metrics[VERDICT_VALUES_MAX] = {
    {"rtt", "s", METRIC_GAUGE},
    {"connect", "s", METRIC_GAUGE},
    {"first_byte", "s", METRIC_GAUGE},
    {"status", "1", METRIC_GAUGE},
};

static void on_verdict(void *context, const struct verdict *verdict);

static void *start_icmp(struct check *check, const struct target *target, int64_t timeout_ms)
{
    return icmp_start(check->checks->icmp, target, timeout_ms, on_verdict, check);
}

static void cancel_icmp(void *probe)
{
    icmp_cancel(probe);
}

static void *start_tcp(struct check *check, const struct target *target, int64_t timeout_ms)
{
    return tcp_start(check->checks->loop, target, timeout_ms, on_verdict, check);
}

static void cancel_tcp(void *probe)
{
    tcp_cancel(probe);
}

static void *start_http(struct check *check, const struct target *target, int64_t timeout_ms)
{
    const struct check_config *config = check->config;
    return check->checks->http == NULL
               ? NULL
               : http_start(check->checks->http, config->url, check->host, check->port, target,
                            config->status, timeout_ms, on_verdict, check);
}

static void cancel_http(void *probe)
{
    http_cancel(probe);
}

static const struct prober probers[] = {
    [CHECK_ICMP] = {"icmp", 1, start_icmp, cancel_icmp},
    [CHECK_TCP] = {"tcp", 1, start_tcp, cancel_tcp},
    [CHECK_HTTP] = {"http", 4, start_http, cancel_http},
};

/* --- one turn --- */

static void deliver(struct check *check, const struct verdict *verdict)
{
    struct checks *checks = check->checks;
    unsigned all = (1U << check->prober->n_metrics) - 1;
    unsigned known = verdict->known & all;
    union value values[VERDICT_VALUES_MAX];
    for (size_t i = 0; i < VERDICT_VALUES_MAX; i++) {
        values[i].gauge = verdict->values[i];
    }
    const struct row row = {
        .object = check->number,
        .time = check->started,
        .status = known == all ? ROW_OK
                  : known == 0 ? ROW_FAILED
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
    check->probe = NULL;
    check->is_running = false;
    deliver(check, verdict);
}

/* The turn ended before the service was asked. */
static void fail_early(struct check *check, const struct verdict *failure)
{
    struct verdict dated = *failure;
    dated.time = check->started;
    on_verdict(check, &dated);
}

static void start_probe(struct check *check, const struct target *target)
{
    int64_t left_ms = mono_elapsed_ms(clock_mono(), check->deadline);
    check->probe = check->prober->start(check, target, left_ms > 1 ? left_ms : 1);
    if (check->probe == NULL) {
        struct verdict failure = {0};
        verdict_set(&failure, OUTCOME_UNKNOWN, "resource", "the check could not be started");
        fail_early(check, &failure);
    }
}

static void on_resolved(void *context, const struct target *target, const struct verdict *failure)
{
    struct check *check = context;
    check->resolve = NULL;
    uv_timer_stop(&check->timer);
    if (target != NULL) {
        start_probe(check, target);
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

static void on_turn(void *context, struct wall due)
{
    struct check *check = context;
    struct target target;
    (void)due; /* a result is dated by when the service was really asked */
    if (check->is_running) {
        check->checks->overrun++;
        return;
    }
    check->is_running = true;
    check->started = clock_wall();
    check->deadline = mono_add_ms(clock_mono(), check->config->timeout_ms);
    if (resolve_literal(check->host, check->port, &target) == 0) {
        start_probe(check, &target);
    } else {
        resolve_host(check);
    }
}

/* --- life --- */

static void define(struct check *check, const char *device)
{
    const struct check_config *config = check->config;
    const struct sample_sink *sink = check->checks->sink;
    char *address = config->type == CHECK_TCP
                        ? xasprintf("%s:%lld", config->host, (long long)config->port)
                        : xstrdup(config->type == CHECK_HTTP ? config->url : config->host);
    const struct label labels[] = {{"type", check->prober->type}, {"target", address}};
    const struct object object = {
        .device = config->device != NULL ? config->device : device,
        .kind = "check",
        .name = config->name,
        .interval_ms = config->interval_ms,
        .metrics = metrics,
        .n_metrics = check->prober->n_metrics,
        .labels = labels,
        .n_labels = 2,
    };
    check->number = sink->define(sink->context, &object);
    free(address);
}

static void find_host(struct check *check)
{
    const struct check_config *config = check->config;
    char reason[128];
    if (config->type != CHECK_HTTP) {
        check->host = xstrdup(config->host);
        check->port = (uint16_t)config->port;
    } else if (check_parse_url(config->url, &check->host, &check->port, reason, sizeof reason) !=
               0) {
        check->host = xstrdup(""); /* the schema lets none through; resolves to nothing */
    }
}

static struct check *start_check(struct checks *checks, const struct check_config *config,
                                 const char *device)
{
    struct check *check = xcalloc(1, sizeof *check);
    check->checks = checks;
    check->config = config;
    check->prober = &probers[config->type];
    find_host(check);
    define(check, device);
    uv_timer_init(checks->loop, &check->timer);
    check->timer.data = check;
    char *name =
        xasprintf("check/%s/%s", config->device != NULL ? config->device : device, config->name);
    check->task = schedule_start(checks->loop, name, config->interval_ms, on_turn, check);
    free(name);
    return check;
}

static void on_check_closed(uv_handle_t *handle)
{
    struct check *check = handle->data;
    free(check->host);
    free(check);
}

static void stop_check(struct check *check)
{
    schedule_stop(check->task);
    resolve_cancel(check->resolve);
    if (check->probe != NULL) {
        check->prober->cancel(check->probe);
    }
    uv_close((uv_handle_t *)&check->timer, on_check_closed);
}

struct checks *checks_open(uv_loop_t *loop, const struct config_list *list, const char *device,
                           const struct sample_sink *sink)
{
    struct checks *checks = xcalloc(1, sizeof *checks);
    const struct check_config *items = list->items;
    checks->loop = loop;
    checks->sink = sink;
    checks->icmp = icmp_new(loop);
    checks->http = http_new(loop, NULL);
    if (checks->http == NULL) {
        log_error("checks", "libcurl cannot start: http checks are unknown");
    }
    checks->n_checks = list->count;
    checks->checks = xcalloc(list->count + 1, sizeof(checks->checks[0]));
    for (size_t i = 0; i < list->count; i++) {
        checks->checks[i] = start_check(checks, &items[i], device);
    }
    return checks;
}

void checks_stats(const struct checks *checks, struct stats *stats)
{
    uint64_t missed = checks->overrun;
    for (size_t i = 0; i < checks->n_checks; i++) {
        missed += schedule_missed(checks->checks[i]->task);
    }
    for (int outcome = OUTCOME_UP; outcome <= OUTCOME_UNKNOWN; outcome++) {
        stats_add_labelled(stats, STAT_COUNTER, "beffroi_checks_results_total",
                           "Results of checks by outcome.", "outcome",
                           outcome_name((enum outcome)outcome), (double)checks->results[outcome]);
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
    http_free(checks->http);
    icmp_free(checks->icmp);
    free(checks->checks);
    free(checks);
}
