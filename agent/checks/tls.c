/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The type tls: is there a TLS handshake with a certificate that may be believed, and for how long
 * still? Of whatever protocol the server speaks inside, not a byte is said. */
#include "check_type.h"
#include "common/xalloc.h"
#include "resolve.h"
#include "transfer.h"
#include "url.h"

#include <stdlib.h>
#include <string.h>

/* In the order of its metrics (config.c). */
enum {
    VALUE_TOTAL,
    VALUE_CONNECT,
    VALUE_DAYS_LEFT,
    VALUE_VERSION,
    VALUE_HANDSHAKE,
    VALUE_CHAIN_DAYS_LEFT,
};

/* A check's configuration, copied: another one may take its place while a probe is under way. */
struct tls_check {
    char *url;  /* "https://server-name:port/": names the server in the handshake */
    char *name; /* the certificate must be for it */
    char *host; /* in the URL */
    char *ca_file;
    uint16_t port;
    int tls_min;
};

struct tls_probe {
    struct transfer *transfer;
    struct wall started;
    double resolved_s;
    probe_done *done;
    void *context;
};

static void judge(const struct tls_probe *probe, const struct transfer_end *end,
                  struct verdict *verdict)
{
    const struct certificate_verdict *certificate = &end->certificate;
    if (end->connect_s > 0) {
        verdict->values[VALUE_CONNECT] = end->connect_s;
        verdict->known |= 1U << VALUE_CONNECT;
    }
    if (end->is_secure) {
        verdict->values[VALUE_TOTAL] = probe->resolved_s + end->connect_s + end->tls_s;
        verdict->values[VALUE_VERSION] = certificate->version;
        verdict->values[VALUE_HANDSHAKE] = end->tls_s;
        verdict->known |= 1U << VALUE_TOTAL | 1U << VALUE_VERSION | 1U << VALUE_HANDSHAKE;
    }
    if (end->is_secure && certificate->is_read) {
        verdict->values[VALUE_DAYS_LEFT] = certificate->days_left;
        verdict->values[VALUE_CHAIN_DAYS_LEFT] = certificate->chain_days_left;
        verdict->known |= 1U << VALUE_DAYS_LEFT | 1U << VALUE_CHAIN_DAYS_LEFT;
    }
    if (end->failure.outcome != 0) {
        verdict_set(verdict, end->failure.outcome, end->failure.reason, "%s", end->failure.detail);
    } else {
        verdict_set(verdict, OUTCOME_UP, "", "%s", "");
    }
}

static void on_end(void *context, const struct transfer_end *end)
{
    struct tls_probe *probe = context;
    struct verdict verdict = {.time = probe->started};
    judge(probe, end, &verdict);
    probe_done *done = probe->done;
    void *done_context = probe->context;
    free(probe);
    done(done_context, &verdict);
}

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
    struct tls_check *check = prepared;
    free(check->url);
    free(check->name);
    free(check->host);
    free(check->ca_file);
    free(check);
}

static bool is_address(const char *text)
{
    struct target target;
    return resolve_literal(text, 0, &target) == 0;
}

static void *prepare(const struct check_config *config)
{
    struct tls_check *check = xcalloc(1, sizeof *check);
    const char *name = config->server_name != NULL ? config->server_name : config->host;
    /* An address is not named in a handshake (RFC 6066 section 3), only looked for in the
     * certificate; the URL's would be the one that is asked. */
    const char *named = is_address(name) ? config->host : name;
    bool is_v6 = strchr(named, ':') != NULL;
    char reason[128];
    char host[URL_HOST_MAX + 1];
    check->port = config->port != 0 ? (uint16_t)config->port : check_facts(config->type)->port;
    check->url = xasprintf(is_v6 ? "https://[%s]:%u/" : "https://%s:%u/", named, check->port);
    check->name = xstrdup(name);
    check->ca_file = config->ca_file != NULL ? xstrdup(config->ca_file) : NULL;
    check->tls_min = config->tls_min;
    if (url_split(check->url, host, &check->port, reason, sizeof reason) != 0) {
        release(check);
        return NULL;
    }
    check->host = xstrdup(host);
    return check;
}

static void *start(void *shared, const struct probe_order *order)
{
    const struct tls_check *check = order->prepared;
    struct tls_probe *probe = xcalloc(1, sizeof *probe);
    const struct transfer_order wanted = {
        .url = check->url,
        .host = check->host,
        .certificate_name = check->name,
        .port = check->port,
        .target = order->target,
        .ca_file = check->ca_file,
        .tls_min = check->tls_min,
        .only_connect = true,
        .timeout_ms = order->timeout_ms,
        .on_end = on_end,
        .context = probe,
    };
    probe->started = clock_wall();
    probe->resolved_s = order->resolved_s;
    probe->done = order->done;
    probe->context = order->context;
    probe->transfer = transfer_start(shared, &wanted);
    if (probe->transfer == NULL) {
        free(probe);
        return NULL;
    }
    return probe;
}

static void cancel(void *pointer)
{
    struct tls_probe *probe = pointer;
    transfer_cancel(probe->transfer);
    free(probe);
}

const struct check_type check_type_tls = {.id = CHECK_TLS,
                                          .open = open_shared,
                                          .close = close_shared,
                                          .prepare = prepare,
                                          .release = release,
                                          .start = start,
                                          .cancel = cancel};
