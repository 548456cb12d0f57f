/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer.h"

#include "common/xalloc.h"
#include "http_loop.h"
#include "resolve.h"
#include "transfer_options.h"
#include "trust.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IDLE_MAX = 16 }; /* libcurl's handles that are kept for the next transfers */

struct transfers {
    struct transfers *next;
    uv_loop_t *loop;
    unsigned n_users;
    struct http_loop *http_loop;
    struct trust *trust;
    CURL *idle[IDLE_MAX];
    size_t n_idle;
};

struct transfer {
    struct transfers *transfers;
    struct transfer_order order; /* without the target */
    struct target target;
    CURL *easy;
    struct curl_slist *addresses;
    struct curl_slist *headers;
    /* ns 0: not yet. libcurl's own times hold the TCP connection back until TLS stands. */
    struct mono opened; /* the first socket */
    struct mono connected;
    struct mono secured; /* the handshake is done; without TLS the same */
    struct mono asked;   /* from here the server's time counts */
    struct mono first_byte;
    int socket_error; /* why there is no socket */
    bool is_enough;   /* we ended it, having what we want */
    struct transfer_end end;
    char error[CURL_ERROR_SIZE];
};

/* The types http and tls are opened each for itself, know nothing of each other, and live in one
 * loop: they find each other's here, so that the authorities are in memory once. */
static struct transfers *opened;

static void free_transfer(struct transfer *transfer)
{
    struct transfers *transfers = transfer->transfers;
    if (transfer->easy != NULL && transfers->n_idle < IDLE_MAX) {
        curl_easy_reset(transfer->easy);
        transfers->idle[transfers->n_idle++] = transfer->easy;
    } else {
        curl_easy_cleanup(transfer->easy);
    }
    curl_slist_free_all(transfer->addresses);
    curl_slist_free_all(transfer->headers);
    free(transfer);
}

/* --- what comes back --- */

static struct transfer *transfer_of(CURL *easy)
{
    char *private = NULL;
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
    return (struct transfer *)(void *)private;
}

/* CURLOPT_OPENSOCKETFUNCTION */
static curl_socket_t on_open(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = context;
    (void)purpose; /* there is one only */
    if (transfer->opened.ns == 0) {
        transfer->opened = clock_mono();
    }
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0) {
        transfer->socket_error = errno;
    }
    return fd;
}

static void on_connected(void *context, CURL *easy)
{
    struct transfer *transfer = transfer_of(easy);
    (void)context; /* the transfer knows */
    if (transfer->connected.ns == 0) {
        transfer->connected = clock_mono();
    }
}

/* CURLOPT_WRITEFUNCTION, CURLOPT_HEADERFUNCTION: a short count ends the transfer. */
static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    bool goes_on = transfer->order.on_body(transfer->order.context, bytes, size * count);
    transfer->is_enough = !goes_on;
    return goes_on ? size * count : 0;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    if (transfer->first_byte.ns == 0) {
        transfer->first_byte = clock_mono();
    }
    bool goes_on = transfer->order.on_header(transfer->order.context, bytes, size * count);
    transfer->is_enough = !goes_on;
    return goes_on ? size * count : 0;
}

static void judge_certificate(struct transfer *transfer, gnutls_session_t session)
{
    const struct transfer_order *order = &transfer->order;
    struct transfer_end *end = &transfer->end;
    struct trusted *trusted = trust_of(transfer->transfers->trust, order->ca_file);
    if (trusted == NULL) {
        verdict_set(&end->failure, OUTCOME_UNKNOWN, "resource",
                    "no certificates to trust can be read from %s",
                    order->ca_file != NULL ? order->ca_file : "the system's list");
        return;
    }
    const char *name = order->certificate_name != NULL ? order->certificate_name : order->host;
    end->is_secure = true;
    certificate_judge(session, trusted, name, order->tls_min, clock_wall(), &end->certificate);
    if (end->certificate.reason != NULL) {
        verdict_set(&end->failure, OUTCOME_DOWN, end->certificate.reason, "%s",
                    end->certificate.detail);
    }
}

/* CURLOPT_PREREQFUNCTION: connected, and nothing of the request has left. */
static int on_ready(void *context, char *peer, char *own, int peer_port, int own_port)
{
    struct transfer *transfer = context;
    struct curl_tlssessioninfo *tls = NULL;
    (void)peer;
    (void)own;
    (void)peer_port;
    (void)own_port;
    transfer->secured = clock_mono();
    if (transfer->connected.ns == 0) {
        transfer->connected = transfer->secured;
    }
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_TLS_SSL_PTR, &tls);
    if (tls != NULL && tls->internals != NULL) {
        judge_certificate(transfer, tls->internals);
    }
    transfer->asked = clock_mono();
    if (transfer->end.failure.outcome != 0 || transfer->order.only_connect) {
        transfer->is_enough = true;
        return CURL_PREREQFUNC_ABORT;
    }
    return CURL_PREREQFUNC_OK;
}

/* --- judging --- */

/* 0: one of them was not seen. */
static double seconds(struct mono from, struct mono to)
{
    return from.ns != 0 && to.ns != 0 ? (double)(to.ns - from.ns) / 1e9 : 0;
}

static void measure(struct transfer *transfer)
{
    struct transfer_end *end = &transfer->end;
    CURL *easy = transfer->easy;
    curl_off_t size = -1;
    end->connect_s = seconds(transfer->opened, transfer->connected);
    end->tls_s = end->is_secure ? seconds(transfer->connected, transfer->secured) : 0;
    end->first_byte_s = seconds(transfer->asked, transfer->first_byte);
    end->total_s = seconds(transfer->opened, clock_mono());
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &end->status);
    (void)curl_easy_getinfo(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &size);
    end->size_bytes = size;
    char *redirect = NULL;
    (void)curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &redirect);
    end->redirect = redirect;
}

static void judge_connect(const struct transfer *transfer, struct verdict *verdict)
{
    long error = transfer->socket_error;
    if (error == 0) {
        (void)curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &error);
    }
    switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EADDRNOTAVAIL:
    case EACCES:
    case EPERM:
        verdict_local(verdict, (int)error);
        break;
    default:
        if (target_has_route(&transfer->target)) {
            verdict_remote(verdict, (int)error);
        } else {
            verdict_local(verdict, ENETUNREACH);
        }
        break;
    }
}

static void judge_timeout(const struct transfer *transfer, struct verdict *verdict)
{
    const char *what = "no connection";
    if (transfer->first_byte.ns != 0) {
        what = "no complete answer";
    } else if (transfer->asked.ns != 0) {
        what = "no answer";
    } else if (transfer->connected.ns != 0) {
        what = "no end of the TLS handshake";
    }
    verdict_set(verdict, OUTCOME_DOWN, "timeout", "%s in %lld ms", what,
                (long long)transfer->order.timeout_ms);
}

static void judge_broken(const struct transfer *transfer, CURLcode code, struct verdict *verdict)
{
    long error = 0;
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &error);
    if (error == ECONNRESET || error == EPIPE) {
        verdict_remote(verdict, (int)error);
    } else {
        verdict_set(verdict, OUTCOME_DOWN, "protocol", "%s", curl_easy_strerror(code));
    }
}

static void judge_failure(const struct transfer *transfer, CURLcode code, struct verdict *verdict)
{
    /* Only libcurl's constant text: its longer one quotes the peer. */
    const char *text = curl_easy_strerror(code);
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        judge_timeout(transfer, verdict);
        break;
    case CURLE_COULDNT_CONNECT:
        judge_connect(transfer, verdict);
        break;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        judge_broken(transfer, code, verdict);
        break;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION: /* no certificate at all */
        /* This longer one is GnuTLS's, constant too. */
        verdict_set(verdict, OUTCOME_DOWN, "tls-handshake", "%s",
                    transfer->error[0] != '\0' ? transfer->error : text);
        break;
    case CURLE_FAILED_INIT:
        verdict_set(verdict, OUTCOME_UNKNOWN, "resource", "%s", text);
        break;
    case CURLE_OUT_OF_MEMORY:
        /* libcurl says so too when a header line grows over its limit of 100 KiB. */
        if (transfer->asked.ns != 0) {
            verdict_set(verdict, OUTCOME_DOWN, "header-size", "a header line without end");
        } else {
            verdict_set(verdict, OUTCOME_UNKNOWN, "resource", "%s", text);
        }
        break;
    default:
        verdict_set(verdict, OUTCOME_DOWN, "protocol", "%s", text);
        break;
    }
}

static void on_end(void *context, CURL *easy, CURLcode code)
{
    (void)context; /* the transfer knows */
    struct transfer *transfer = transfer_of(easy);
    measure(transfer);
    if (code != CURLE_OK && !transfer->is_enough) {
        judge_failure(transfer, code, &transfer->end.failure);
    }
    /* It may start the next one, and the address that it is sent to is libcurl's. */
    struct transfer_end end = transfer->end;
    void (*tell)(void *context, const struct transfer_end *end) = transfer->order.on_end;
    void *tell_context = transfer->order.context;
    char *redirect = end.redirect != NULL ? xstrdup(end.redirect) : NULL;
    end.redirect = redirect;
    free_transfer(transfer);
    tell(tell_context, &end);
    free(redirect);
}

/* --- asking --- */

/* An address in the URL needs none. */
static bool needs_addresses(const struct transfer_order *order)
{
    struct target literal;
    return resolve_literal(order->host, order->port, &literal) != 0;
}

static int prepare_lists(struct transfer *transfer)
{
    const struct transfer_order *order = &transfer->order;
    if (needs_addresses(order)) {
        transfer->addresses = transfer_list_addresses(order->host, order->port, &transfer->target);
        if (transfer->addresses == NULL || transfer->target.n_addresses == 0) {
            return -EINVAL;
        }
    }
    for (size_t i = 0; order->headers != NULL && i < order->headers->count; i++) {
        struct curl_slist *longer = curl_slist_append(transfer->headers, order->headers->items[i]);
        if (longer == NULL) {
            return -ENOMEM;
        }
        transfer->headers = longer;
    }
    return 0;
}

static CURLcode set_options(struct transfer *transfer)
{
    const struct transfer_order *order = &transfer->order;
    CURL *easy = transfer->easy;
    CURLcode code = transfer_set_options(easy, order);
    if (code == CURLE_OK) {
        code = curl_easy_setopt(easy, CURLOPT_RESOLVE, transfer->addresses);
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_ready);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    return code;
}

struct transfer *transfer_start(struct transfers *transfers, const struct transfer_order *order)
{
    struct transfer *transfer = xcalloc(1, sizeof *transfer);
    transfer->transfers = transfers;
    transfer->order = *order;
    transfer->order.target = NULL;
    transfer->order.timeout_ms = order->timeout_ms > 0 ? order->timeout_ms : 1; /* 0: no limit */
    transfer->target = *order->target;
    if (order->url[4] == 's' || order->url[4] == 'S') {
        /* Read now if it has to be: not while somebody measures a handshake. */
        (void)trust_of(transfers->trust, order->ca_file);
    }
    transfer->easy =
        transfers->n_idle > 0 ? transfers->idle[--transfers->n_idle] : curl_easy_init();
    if (transfer->easy == NULL || prepare_lists(transfer) != 0 ||
        set_options(transfer) != CURLE_OK ||
        http_loop_add(transfers->http_loop, transfer->easy) != 0) {
        free_transfer(transfer);
        return NULL;
    }
    return transfer;
}

void transfer_cancel(struct transfer *transfer)
{
    http_loop_remove(transfer->transfers->http_loop, transfer->easy);
    free_transfer(transfer);
}

/* --- what they share --- */

struct transfers *transfers_open(uv_loop_t *loop)
{
    struct transfers *transfers = opened;
    while (transfers != NULL && transfers->loop != loop) {
        transfers = transfers->next;
    }
    if (transfers != NULL) {
        transfers->n_users++;
        return transfers;
    }
    if (curl_global_sslset(CURLSSLBACKEND_GNUTLS, NULL, NULL) == CURLSSLSET_UNKNOWN_BACKEND ||
        curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return NULL;
    }
    transfers = xcalloc(1, sizeof *transfers);
    transfers->loop = loop;
    transfers->n_users = 1;
    transfers->http_loop = http_loop_new(loop, on_connected, on_end, NULL);
    if (transfers->http_loop == NULL) {
        free(transfers);
        curl_global_cleanup();
        return NULL;
    }
    transfers->trust = trust_new();
    transfers->next = opened;
    opened = transfers;
    return transfers;
}

void transfers_close(struct transfers *transfers)
{
    if (transfers == NULL || --transfers->n_users > 0) {
        return;
    }
    struct transfers **at = &opened;
    while (*at != transfers) {
        at = &(*at)->next;
    }
    *at = transfers->next;
    while (transfers->n_idle > 0) {
        curl_easy_cleanup(transfers->idle[--transfers->n_idle]);
    }
    http_loop_free(transfers->http_loop);
    trust_free(transfers->trust);
    curl_global_cleanup();
    free(transfers);
}
