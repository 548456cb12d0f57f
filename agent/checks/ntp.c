/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The check of a time server: does it serve time, how far is its clock from this machine's, and how
 * far is it itself from the true one? */
#include "check_type.h"

#include "common/xalloc.h"
#include "datagram.h"
#include "ntp_packet.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* In the order of its metrics (config.c). */
enum { VALUE_RTT, VALUE_OFFSET, VALUE_STRATUM, VALUE_ROOT_DISTANCE };

struct ntp_probe {
    struct datagram *datagram;
    uint64_t nonces[DATAGRAM_TRIES];
    probe_done *done;
    void *context;
};

static size_t write_request(void *asker, unsigned number, uint8_t request[DATAGRAM_REQUEST_MAX])
{
    struct ntp_probe *probe = asker;
    uint64_t *nonce = &probe->nonces[number];
    if (getrandom(nonce, sizeof *nonce, GRND_NONBLOCK) != sizeof *nonce) {
        return 0; /* the machine is only just starting */
    }
    ntp_encode(*nonce, request);
    return NTP_PACKET_SIZE;
}

/* Stratum 0 carries a word in place of a time (RFC 5905 section 7.4). */
static void judge_kiss(const struct ntp_reply *reply, struct verdict *verdict)
{
    if (strcmp(reply->code, "RATE") == 0) {
        /* It serves, and we ask too often: that is ours. */
        verdict_set(verdict, OUTCOME_UNKNOWN, "kiss-of-death", "RATE: asked too often");
    } else if (strcmp(reply->code, "DENY") == 0 || strcmp(reply->code, "RSTR") == 0) {
        verdict_set(verdict, OUTCOME_DOWN, "kiss-of-death", "%s: it does not serve this client",
                    reply->code);
    } else if (reply->leap == NTP_LEAP_UNKNOWN) {
        verdict_set(verdict, OUTCOME_DOWN, "unsynchronised", "%s",
                    reply->code[0] != '\0' ? reply->code : "it has no source of time");
    } else {
        verdict_set(verdict, OUTCOME_DOWN, "kiss-of-death", "%s", reply->code);
    }
}

static void judge_time(const struct ntp_reply *reply, const struct datagram_answer *answer,
                       struct verdict *verdict)
{
    struct ntp_measure measure;
    if (reply->receive == 0 || reply->transmit == 0 ||
        !ntp_measure(reply, answer->sent_wall_ns, answer->elapsed_s, &measure)) {
        verdict_set(verdict, OUTCOME_DOWN, "protocol", "its timestamps cannot be");
        return;
    }
    verdict->values[VALUE_RTT] = measure.delay_s;
    verdict->values[VALUE_OFFSET] = measure.offset_s;
    /* RFC 5905 section 11.2: half of the whole way to the reference, and its dispersion. */
    verdict->values[VALUE_ROOT_DISTANCE] =
        (reply->root_delay_s + measure.delay_s) / 2 + reply->root_dispersion_s;
    verdict->known |= 1U << VALUE_OFFSET | 1U << VALUE_ROOT_DISTANCE;
    verdict_set(verdict, OUTCOME_UP, "", "%s", "");
}

static bool judge(void *asker, const struct datagram_answer *answer, struct verdict *verdict)
{
    const struct ntp_probe *probe = asker;
    struct ntp_reply reply;
    if (!ntp_decode(answer->bytes, answer->size, probe->nonces[answer->number], &reply)) {
        return false;
    }
    verdict->values[VALUE_RTT] = answer->elapsed_s;
    verdict->values[VALUE_STRATUM] = (double)reply.stratum;
    verdict->known = 1U << VALUE_RTT | 1U << VALUE_STRATUM;
    if (reply.stratum == 0) {
        judge_kiss(&reply, verdict);
    } else if (reply.leap == NTP_LEAP_UNKNOWN || reply.stratum > NTP_STRATUM_MAX) {
        verdict_set(verdict, OUTCOME_DOWN, "unsynchronised", "leap indicator %u, stratum %u",
                    reply.leap, reply.stratum);
    } else {
        judge_time(&reply, answer, verdict);
    }
    return true;
}

static void on_done(void *context, const struct verdict *verdict)
{
    struct ntp_probe *probe = context;
    probe->done(probe->context, verdict);
    free(probe);
}

static void *start(void *shared, const struct probe_order *order)
{
    struct ntp_probe *probe = xcalloc(1, sizeof *probe);
    (void)shared;
    probe->done = order->done;
    probe->context = order->context;
    const struct datagram_order datagram = {
        .loop = order->loop,
        .target = order->target,
        .timeout_ms = order->timeout_ms,
        .write = write_request,
        .judge = judge,
        .asker = probe,
        .done = on_done,
        .context = probe,
    };
    probe->datagram = datagram_start(&datagram);
    return probe;
}

static void cancel(void *pointer)
{
    struct ntp_probe *probe = pointer;
    datagram_cancel(probe->datagram);
    free(probe);
}

const struct check_type check_type_ntp = {.id = CHECK_NTP, .start = start, .cancel = cancel};
