/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The check of a name server: it is asked itself, over UDP, and over TCP where its answer does not
 * fit; does it say what it should?
 *
 * down: "rcode" (another response code than the one that is right), "no-answer" (the name has no
 * such record), "wrong-answer" (one of the expected answers is missing), "alias-loop", "protocol"
 * (the message cannot be read). */
#include "check_type.h"

#include "common/xalloc.h"
#include "datagram.h"
#include "dns_message.h"
#include "stream.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

/* In the order of its metrics (config.c). */
enum { VALUE_RTT, VALUE_ANSWERS, VALUE_RCODE, VALUE_TTL };

enum { LENGTH_SIZE = 2, RCODE_NOERROR = 0, EXPECTED_MAX = 32, SHOWN_MAX = 160 };

struct dns_prepared {
    struct dns_query query;
    size_t n_expected;
    char **expected; /* an IPv6 address as it is shown */
    const char *rcode;
};

struct dns_probe {
    struct datagram *datagram; /* one of both, or the probe is about to end */
    struct stream *stream;
    const struct dns_prepared *prepared;
    uv_loop_t *loop;
    struct target target;
    struct mono deadline;
    uint16_t ids[DATAGRAM_TRIES];
    bool is_truncated; /* what came by datagram */
    size_t address;    /* of what was truncated */
    uint16_t stream_id;
    uint8_t request[LENGTH_SIZE + DNS_QUERY_MAX]; /* over TCP */
    probe_done *done;
    void *context;
};

/* --- expectations --- */

static char *normalise(const char *answer)
{
    struct in6_addr address;
    char text[INET6_ADDRSTRLEN];
    if (inet_pton(AF_INET6, answer, &address) == 1 &&
        inet_ntop(AF_INET6, &address, text, sizeof text) != NULL) {
        return xstrdup(text);
    }
    return xstrdup(answer);
}

static void release(void *pointer)
{
    struct dns_prepared *prepared = pointer;
    for (size_t i = 0; i < prepared->n_expected; i++) {
        free(prepared->expected[i]);
    }
    free(prepared->expected);
    free(prepared);
}

static void *prepare(const struct check_config *config)
{
    struct dns_prepared *prepared = xcalloc(1, sizeof *prepared);
    assert(config->answers.count <= EXPECTED_MAX); /* by the schema */
    prepared->n_expected = config->answers.count;
    prepared->expected = xcalloc(config->answers.count + 1, sizeof(prepared->expected[0]));
    for (size_t i = 0; i < config->answers.count; i++) {
        prepared->expected[i] = normalise(config->answers.items[i]);
    }
    prepared->rcode = config->rcode != NULL ? config->rcode : "NOERROR";
    if (dns_query_make(config->query, config->record, &prepared->query) != 0) {
        release(prepared);
        return NULL;
    }
    return prepared;
}

/* A name may be written without its last dot. Only what is in quotes means its letters' case. */
static bool is_same(const char *expected, const char *shown)
{
    size_t size = strlen(expected);
    bool is_text = shown[0] == '"';
    if ((is_text ? strncmp(expected, shown, size) : strncasecmp(expected, shown, size)) != 0) {
        return false;
    }
    return shown[size] == '\0' || (!is_text && strcmp(shown + size, ".") == 0);
}

/* --- judging --- */

/* What came, ticked off against what is expected. */
struct tally {
    const struct dns_prepared *prepared;
    uint32_t found; /* bit i: expected[i] */
    size_t n_shown;
    char shown[SHOWN_MAX]; /* the first of them, for people */
};

static void on_record(void *context, const char *text)
{
    struct tally *tally = context;
    size_t used = strlen(tally->shown);
    (void)snprintf(tally->shown + used, sizeof tally->shown - used, "%s%s",
                   tally->n_shown++ > 0 ? ", " : "", text);
    for (size_t i = 0; i < tally->prepared->n_expected; i++) {
        if (is_same(tally->prepared->expected[i], text)) {
            tally->found |= UINT32_C(1) << i;
        }
    }
}

/* The first one that did not come; NULL: all did. */
static const char *missing(const struct tally *tally)
{
    for (size_t i = 0; i < tally->prepared->n_expected; i++) {
        if ((tally->found >> i & 1) == 0) {
            return tally->prepared->expected[i];
        }
    }
    return NULL;
}

static void judge_answer(const struct dns_answer *answer, const struct tally *tally,
                         struct verdict *verdict)
{
    const struct dns_prepared *prepared = tally->prepared;
    char buffer[DNS_RCODE_TEXT_SIZE];
    const char *rcode = dns_rcode_name(answer->rcode, buffer);
    const char *lacking = missing(tally);
    bool is_any_wanted = prepared->n_expected == 0 && strcmp(prepared->rcode, "NOERROR") == 0;
    if (strcmp(rcode, prepared->rcode) != 0) {
        verdict_set(verdict, OUTCOME_DOWN, "rcode", "%s, not %s", rcode, prepared->rcode);
    } else if (lacking != NULL) {
        verdict_set(verdict, OUTCOME_DOWN, "wrong-answer", "%.80s is not among: %s", lacking,
                    tally->n_shown > 0 ? tally->shown : "nothing");
    } else if (is_any_wanted && answer->n_records == 0) {
        verdict_set(verdict, OUTCOME_DOWN, "no-answer", "the name has no such record%s%s",
                    tally->n_shown > 0 ? ", only: " : "", tally->shown);
    } else {
        verdict_set(verdict, OUTCOME_UP, "", "%s", "");
    }
}

/* Of a message that is the answer. Returns whether it was cut. */
static bool judge_message(const struct dns_prepared *prepared, const uint8_t *bytes, size_t size,
                          struct verdict *verdict)
{
    struct tally tally = {.prepared = prepared};
    struct dns_answer answer;
    const char *fault;
    int rc = dns_read_answer(bytes, size, &prepared->query, on_record, &tally, &answer, &fault);
    verdict->values[VALUE_RCODE] = (double)answer.rcode;
    verdict->known |= 1U << VALUE_RCODE;
    if (rc != 0) {
        verdict_set(verdict, OUTCOME_DOWN, rc == -ELOOP ? "alias-loop" : "protocol", "%s", fault);
        return false;
    }
    verdict->values[VALUE_ANSWERS] = (double)answer.n_records;
    verdict->values[VALUE_TTL] = (double)answer.ttl_s;
    verdict->known |= 1U << VALUE_ANSWERS | (answer.has_ttl ? 1U << VALUE_TTL : 0);
    judge_answer(&answer, &tally, verdict);
    return answer.is_truncated;
}

/* --- by datagram --- */

static bool draw_id(uint16_t *id)
{
    return getrandom(id, sizeof *id, GRND_NONBLOCK) == sizeof *id;
}

static size_t write_request(void *asker, unsigned number, uint8_t request[DATAGRAM_REQUEST_MAX])
{
    struct dns_probe *probe = asker;
    struct dns_query query = probe->prepared->query;
    if (!draw_id(&probe->ids[number])) {
        return 0; /* the machine is only just starting */
    }
    dns_query_set_id(&query, probe->ids[number]);
    memcpy(request, query.bytes, query.size);
    return query.size;
}

static bool judge_datagram(void *asker, const struct datagram_answer *answer,
                           struct verdict *verdict)
{
    struct dns_probe *probe = asker;
    if (!dns_is_answer(answer->bytes, answer->size, &probe->prepared->query,
                       probe->ids[answer->number])) {
        return false;
    }
    verdict->values[VALUE_RTT] = answer->elapsed_s;
    verdict->known = 1U << VALUE_RTT;
    probe->is_truncated = judge_message(probe->prepared, answer->bytes, answer->size, verdict);
    probe->address = answer->address;
    return true;
}

/* --- over TCP (RFC 7766) --- */

static enum stream_step judge_stream(void *context, const struct stream_view *view,
                                     struct verdict *verdict)
{
    const struct dns_probe *probe = context;
    size_t wanted = view->size >= LENGTH_SIZE
                        ? LENGTH_SIZE + ((size_t)view->bytes[0] << 8 | view->bytes[1])
                        : SIZE_MAX;
    const uint8_t *message = view->bytes + LENGTH_SIZE;
    if (view->size < wanted) {
        if (view->state == STREAM_OPEN) {
            return STREAM_WAIT;
        }
        bool is_late = view->state == STREAM_LATE;
        verdict_set(verdict, OUTCOME_DOWN, is_late ? "timeout" : "connection-closed",
                    "over TCP, since the answer does not fit a datagram: %zu bytes came",
                    view->size);
        verdict->known = 0;
        return STREAM_HANG_UP;
    }
    verdict->values[VALUE_RTT] = view->connect_s + view->talk_s;
    if (!dns_is_answer(message, wanted - LENGTH_SIZE, &probe->prepared->query, probe->stream_id)) {
        verdict_set(verdict, OUTCOME_DOWN, "protocol", "over TCP: no answer to the question");
    } else if (judge_message(probe->prepared, message, wanted - LENGTH_SIZE, verdict)) {
        verdict_set(verdict, OUTCOME_DOWN, "protocol", "over TCP: truncated");
    }
    return STREAM_HANG_UP;
}

static void on_stream_done(void *context, const struct verdict *verdict)
{
    struct dns_probe *probe = context;
    probe->done(probe->context, verdict);
    free(probe);
}

static void ask_over_tcp(struct dns_probe *probe)
{
    const struct dns_query *query = &probe->prepared->query;
    struct target target = {.addresses = {probe->target.addresses[probe->address]},
                            .n_addresses = 1};
    int64_t left_ms = mono_elapsed_ms(clock_mono(), probe->deadline);
    probe->stream_id = probe->ids[0]; /* a new one where one can be drawn */
    (void)draw_id(&probe->stream_id);
    probe->request[0] = (uint8_t)(query->size >> 8);
    probe->request[1] = (uint8_t)query->size;
    memcpy(probe->request + LENGTH_SIZE, query->bytes, query->size);
    probe->request[LENGTH_SIZE] = (uint8_t)(probe->stream_id >> 8);
    probe->request[LENGTH_SIZE + 1] = (uint8_t)probe->stream_id;
    const struct stream_order stream = {
        .loop = probe->loop,
        .target = &target,
        .timeout_ms = left_ms > 1 ? left_ms : 1,
        .judge = judge_stream,
        .judge_context = probe,
        .send = probe->request,
        .send_size = LENGTH_SIZE + query->size,
        .size_max = LENGTH_SIZE + DNS_TCP_MAX,
        .done = on_stream_done,
        .context = probe,
    };
    probe->stream = stream_start(&stream);
}

/* --- the course of it --- */

static void on_datagram_done(void *context, const struct verdict *verdict)
{
    struct dns_probe *probe = context;
    probe->datagram = NULL;
    if (probe->is_truncated) {
        ask_over_tcp(probe);
        return;
    }
    probe->done(probe->context, verdict);
    free(probe);
}

static void *start(void *shared, const struct probe_order *order)
{
    struct dns_probe *probe = xcalloc(1, sizeof *probe);
    (void)shared;
    probe->prepared = order->prepared;
    probe->loop = order->loop;
    probe->target = *order->target;
    probe->deadline = mono_add_ms(clock_mono(), order->timeout_ms);
    probe->done = order->done;
    probe->context = order->context;
    const struct datagram_order datagram = {
        .loop = order->loop,
        .target = order->target,
        .timeout_ms = order->timeout_ms,
        .write = write_request,
        .judge = judge_datagram,
        .asker = probe,
        .done = on_datagram_done,
        .context = probe,
    };
    probe->datagram = datagram_start(&datagram);
    return probe;
}

static void cancel(void *pointer)
{
    struct dns_probe *probe = pointer;
    if (probe->datagram != NULL) {
        datagram_cancel(probe->datagram);
    }
    if (probe->stream != NULL) {
        stream_cancel(probe->stream);
    }
    free(probe);
}

const struct check_type check_type_dns = {
    .id = CHECK_DNS, .prepare = prepare, .release = release, .start = start, .cancel = cancel};
