/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The type http: does a web address answer as it should? A redirection is followed by a request of
 * our own, so that each name is resolved as a check's is, without blocking the loop. */
#include "check_type.h"
#include "common/xalloc.h"
#include "http_answer.h"
#include "resolve.h"
#include "transfer.h"
#include "url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* In the order of its metrics (config.c). */
enum {
    VALUE_TOTAL,
    VALUE_DNS,
    VALUE_CONNECT,
    VALUE_TLS,
    VALUE_FIRST_BYTE,
    VALUE_STATUS,
    VALUE_SIZE,
};

/* A check's configuration, copied: another one may take its place while a probe is under way. */
struct http_check {
    char *url;
    enum check_method method;
    struct config_strings headers;
    char *body;
    int64_t redirects;
    char *ca_file;
    int tls_min;
    int family;
    struct http_wanted wanted;
};

struct http_probe {
    struct transfers *transfers;
    const struct http_check *check;
    uv_timer_t timer; /* the resolver's time */
    struct transfer *transfer;
    struct resolve *resolve;
    struct mono deadline;
    struct mono asked; /* the resolver */
    /* The request that is under way. */
    char *url;
    char host[URL_HOST_MAX + 1];
    uint16_t port;
    struct target target;
    enum check_method method;
    bool has_body;
    bool has_headers;
    int64_t n_redirects;
    struct http_answer answer;
    struct verdict verdict;
    probe_done *done;
    void *context;
};

/* --- its end --- */

static void on_closed(uv_handle_t *handle)
{
    struct http_probe *probe = handle->data;
    http_answer_end(&probe->answer);
    free(probe->url);
    free(probe);
}

static void add_value(struct verdict *verdict, unsigned value, double seconds)
{
    verdict->values[value] += seconds;
    verdict->known |= 1U << value;
}

/* From the loop: tells what the verdict says now. */
static void finish(struct http_probe *probe)
{
    uv_timer_stop(&probe->timer);
    uv_close((uv_handle_t *)&probe->timer, on_closed);
    probe->done(probe->context, &probe->verdict);
}

static void finish_with(struct http_probe *probe, enum outcome outcome, const char *reason,
                        const char *detail)
{
    verdict_set(&probe->verdict, outcome, reason, "%s", detail);
    finish(probe);
}

/* --- one request --- */

static int64_t left_ms(const struct http_probe *probe)
{
    return mono_elapsed_ms(clock_mono(), probe->deadline);
}

static bool on_header(void *context, const char *line, size_t size)
{
    struct http_probe *probe = context;
    return http_answer_take_header(&probe->answer, line, size);
}

static bool on_body(void *context, const char *bytes, size_t size)
{
    struct http_probe *probe = context;
    return http_answer_take_body(&probe->answer, bytes, size);
}

static void on_end(void *context, const struct transfer_end *end);

static int request(struct http_probe *probe)
{
    const struct http_check *check = probe->check;
    const struct transfer_order order = {
        .url = probe->url,
        .host = probe->host,
        .port = probe->port,
        .target = &probe->target,
        .method = probe->method,
        .body = probe->has_body ? check->body : NULL,
        .headers = probe->has_headers ? &check->headers : NULL,
        .ca_file = check->ca_file,
        .tls_min = check->tls_min,
        .timeout_ms = left_ms(probe),
        .on_header = on_header,
        .on_body = on_body,
        .on_end = on_end,
        .context = probe,
    };
    http_answer_end(&probe->answer);
    http_answer_begin(&probe->answer, &check->wanted);
    probe->transfer = transfer_start(probe->transfers, &order);
    return probe->transfer != NULL ? 0 : -1;
}

/* Times of all requests add up. */
static void take_times(struct http_probe *probe, const struct transfer_end *end)
{
    struct verdict *verdict = &probe->verdict;
    if (end->connect_s > 0) {
        add_value(verdict, VALUE_CONNECT, end->connect_s);
        add_value(verdict, VALUE_DNS, 0); /* it was none if it was not waited for */
    }
    if (end->tls_s > 0) {
        add_value(verdict, VALUE_TLS, end->tls_s);
    }
    if (end->first_byte_s > 0) {
        add_value(verdict, VALUE_FIRST_BYTE, end->first_byte_s);
    }
    probe->verdict.values[VALUE_TOTAL] += end->total_s;
}

static void judge(struct http_probe *probe, const struct transfer_end *end)
{
    struct verdict *verdict = &probe->verdict;
    const struct http_answer *answer = &probe->answer;
    bool has_body = probe->method != CHECK_HEAD && !answer->is_cut;
    verdict->values[VALUE_TOTAL] += verdict->values[VALUE_DNS];
    verdict->values[VALUE_STATUS] = (double)end->status;
    verdict->known |= 1U << VALUE_TOTAL | 1U << VALUE_STATUS;
    if (has_body || end->size_bytes >= 0) {
        verdict->values[VALUE_SIZE] =
            has_body ? (double)answer->body_bytes : (double)end->size_bytes;
        verdict->known |= 1U << VALUE_SIZE;
    }
    http_answer_judge(answer, end->status, verdict);
    finish(probe);
}

/* --- redirections --- */

/* Has the request the same origin (RFC 6454) as the check's address? */
static bool is_own_origin(const struct http_probe *probe)
{
    char host[URL_HOST_MAX + 1];
    char reason[128];
    uint16_t port;
    (void)url_split(probe->check->url, host, &port, reason, sizeof reason); /* the schema did */
    bool was_secure = strncasecmp(probe->check->url, "https:", 6) == 0;
    bool is_secure = strncasecmp(probe->url, "https:", 6) == 0;
    return was_secure == is_secure && port == probe->port && strcasecmp(host, probe->host) == 0;
}

/* RFC 9110 section 15.4: 307 and 308 keep the method; else what was posted is got from there. */
static void change_method(struct http_probe *probe, long status)
{
    bool keeps = status == 307 || status == 308;
    if (probe->method == CHECK_POST && !keeps) {
        probe->method = CHECK_GET;
        probe->has_body = false;
    }
}

static void request_there(struct http_probe *probe, const struct target *all)
{
    probe->target = *all;
    target_keep_family(&probe->target, probe->check->family);
    if (probe->target.n_addresses == 0) {
        verdict_set(&probe->verdict, OUTCOME_UNKNOWN, "dns-name",
                    "%s, where it is redirected to, has no address of the family", probe->host);
        finish(probe);
    } else if (request(probe) != 0) {
        finish_with(probe, OUTCOME_UNKNOWN, "resource", "the next request could not be started");
    }
}

static void on_resolved(void *context, const struct target *target, const struct verdict *failure)
{
    struct http_probe *probe = context;
    probe->resolve = NULL;
    uv_timer_stop(&probe->timer);
    add_value(&probe->verdict, VALUE_DNS, (double)(clock_mono().ns - probe->asked.ns) / 1e9);
    if (target != NULL) {
        request_there(probe, target);
        return;
    }
    verdict_set(&probe->verdict, failure->outcome, failure->reason,
                "%s, where it is redirected to: %s", probe->host, failure->detail);
    finish(probe);
}

static void on_resolver_timeout(uv_timer_t *timer)
{
    struct http_probe *probe = timer->data;
    resolve_cancel(probe->resolve);
    probe->resolve = NULL;
    verdict_set(&probe->verdict, OUTCOME_UNKNOWN, "dns-failure",
                "no answer from the resolver for %s, where it is redirected to", probe->host);
    finish(probe);
}

static void resolve_next(struct http_probe *probe)
{
    probe->asked = clock_mono();
    probe->resolve = resolve_start(probe->timer.loop, probe->host, probe->port, on_resolved, probe);
    if (probe->resolve == NULL) {
        finish_with(probe, OUTCOME_UNKNOWN, "dns-failure", "the resolver could not be asked");
        return;
    }
    int64_t left = left_ms(probe);
    uv_update_time(probe->timer.loop);
    uv_timer_start(&probe->timer, on_resolver_timeout, left > 0 ? (uint64_t)left : 0, 0);
}

static void redirect(struct http_probe *probe, const struct transfer_end *end)
{
    char reason[128];
    char host[URL_HOST_MAX + 1];
    uint16_t port;
    struct target literal;
    if (probe->n_redirects++ >= probe->check->redirects) {
        verdict_set(&probe->verdict, OUTCOME_DOWN, "redirects", "redirected more than %lld times",
                    (long long)probe->check->redirects);
        finish(probe);
        return;
    }
    if (url_split(end->redirect, host, &port, reason, sizeof reason) != 0) {
        verdict_set(&probe->verdict, OUTCOME_DOWN, "redirects", "to an address that %s", reason);
        finish(probe);
        return;
    }
    bool is_same_host = strcasecmp(host, probe->host) == 0;
    free(probe->url);
    probe->url = xstrdup(end->redirect);
    memcpy(probe->host, host, sizeof host);
    probe->port = port;
    change_method(probe, end->status);
    /* What was meant for one server (a password in a header, a form) is not told to another. */
    probe->has_headers = is_own_origin(probe);
    if (probe->has_body && !probe->has_headers) {
        finish_with(probe, OUTCOME_DOWN, "redirects", "asks to post elsewhere");
    } else if (left_ms(probe) <= 0) {
        finish_with(probe, OUTCOME_DOWN, "timeout", "no end of redirections in time");
    } else if (resolve_literal(host, port, &literal) == 0) {
        request_there(probe, &literal);
    } else if (is_same_host) {
        const struct target same = probe->target;
        request_there(probe, &same);
    } else {
        resolve_next(probe);
    }
}

static void on_end(void *context, const struct transfer_end *end)
{
    struct http_probe *probe = context;
    probe->transfer = NULL;
    take_times(probe, end);
    if (end->failure.outcome != 0) {
        verdict_set(&probe->verdict, end->failure.outcome, end->failure.reason, "%s",
                    end->failure.detail);
        finish(probe);
    } else if (end->redirect != NULL && probe->check->redirects > 0) {
        redirect(probe, end);
    } else if (probe->answer.is_cut && probe->check->redirects > 0 && end->status >= 300 &&
               end->status <= 399) {
        finish_with(probe, OUTCOME_DOWN, "body-size",
                    "a redirection has a larger body than is read");
    } else {
        judge(probe, end);
    }
}

/* --- as a type of check --- */

static void *open_shared(uv_loop_t *loop)
{
    return transfers_open(loop);
}

static void close_shared(void *shared)
{
    transfers_close(shared);
}

static void release(void *prepared)
{
    struct http_check *check = prepared;
    free(check->url);
    free(check->body);
    free(check->ca_file);
    for (size_t i = 0; i < check->headers.count; i++) {
        free(check->headers.items[i]);
    }
    free(check->headers.items);
    pattern_free(check->wanted.header_match);
    pattern_free(check->wanted.body_match);
    free(check);
}

static char *copy(const char *text)
{
    return text != NULL ? xstrdup(text) : NULL;
}

static struct config_strings copy_all(const struct config_strings *strings)
{
    struct config_strings copies = {.count = strings->count,
                                    .items = xcalloc(strings->count + 1, sizeof(char *))};
    for (size_t i = 0; i < strings->count; i++) {
        copies.items[i] = xstrdup(strings->items[i]);
    }
    return copies;
}

static struct pattern *compile(const char *text)
{
    return text != NULL ? pattern_new(text) : NULL;
}

static void *prepare(const struct check_config *config)
{
    struct http_check *check = xcalloc(1, sizeof *check);
    check->url = copy(config->url);
    check->method = (enum check_method)config->method;
    check->headers = copy_all(&config->headers);
    check->body = copy(config->body);
    check->redirects = config->redirects;
    check->ca_file = copy(config->ca_file);
    check->tls_min = config->tls_min;
    check->family = config->family;
    check->wanted.status = config->status;
    check->wanted.size_max = (uint64_t)config->size_max_bytes;
    check->wanted.header_match = compile(config->header_match);
    check->wanted.body_match = compile(config->body_match);
    if ((config->header_match != NULL && check->wanted.header_match == NULL) ||
        (config->body_match != NULL && check->wanted.body_match == NULL)) {
        release(check);
        return NULL;
    }
    return check;
}

static void *start(void *shared, const struct probe_order *order)
{
    const struct http_check *check = order->prepared;
    struct http_probe *probe = xcalloc(1, sizeof *probe);
    probe->transfers = shared;
    probe->check = check;
    probe->deadline = mono_add_ms(clock_mono(), order->timeout_ms);
    probe->url = xstrdup(check->url);
    (void)snprintf(probe->host, sizeof probe->host, "%s", order->host);
    probe->port = order->port;
    probe->target = *order->target;
    probe->method = check->method;
    probe->has_body = check->body != NULL;
    probe->has_headers = true;
    probe->verdict.time = clock_wall();
    probe->done = order->done;
    probe->context = order->context;
    if (order->resolved_s > 0) {
        add_value(&probe->verdict, VALUE_DNS, order->resolved_s);
    }
    (void)uv_timer_init(order->loop, &probe->timer); /* cannot fail */
    probe->timer.data = probe;
    if (request(probe) != 0) {
        uv_close((uv_handle_t *)&probe->timer, on_closed);
        return NULL;
    }
    return probe;
}

static void cancel(void *pointer)
{
    struct http_probe *probe = pointer;
    if (probe->transfer != NULL) {
        transfer_cancel(probe->transfer);
    }
    resolve_cancel(probe->resolve);
    uv_close((uv_handle_t *)&probe->timer, on_closed);
}

const struct check_type check_type_http = {.id = CHECK_HTTP,
                                           .open = open_shared,
                                           .close = close_shared,
                                           .prepare = prepare,
                                           .release = release,
                                           .start = start,
                                           .cancel = cancel};
