/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a probe's echoes say of the host. */
#include "icmp_probe.h"
#include "icmp_tally.h"

#include <errno.h>
#include <netdb.h>

static struct icmp_tally count_echoes(const struct icmp_probe *probe)
{
    struct icmp_tally tally = {0};
    for (unsigned i = 0; i < probe->n_turns; i++) {
        const struct echo *echo = &probe->echoes[i];
        if (echo->state == ECHO_SENT || echo->state == ECHO_ANSWERED ||
            echo->state == ECHO_REFUSED) {
            icmp_tally_sent(&tally, echo->time_wall);
        }
        if (echo->state == ECHO_ANSWERED) {
            icmp_tally_answered(&tally, echo->time_wall, echo->rtt_ns);
        }
    }
    return tally;
}

static void set_refused(const struct icmp_probe *probe, struct verdict *verdict)
{
    const struct sockaddr *from = &probe->error_from.any;
    char name[INET6_ADDRSTRLEN + 1 + 16] = "the network";
    if (from->sa_family == AF_INET || from->sa_family == AF_INET6) {
        (void)getnameinfo(from, sizeof probe->error_from, name, sizeof name, NULL, 0,
                          NI_NUMERICHOST); /* the name stays */
    }
    verdict_set(verdict, OUTCOME_DOWN, probe->error->reason, "%s says: %s", name,
                probe->error->words);
}

static bool dropped_answers(const struct icmp_probe *probe)
{
    bool dropped = false;
    for (size_t i = 0; i < FAMILIES; i++) {
        struct ping_socket *ping = probe->icmp->sockets[i];
        dropped = dropped || (ping != NULL && ping_socket_dropped_since(ping, probe->start));
    }
    return dropped;
}

void icmp_decide(const struct icmp_probe *probe, struct verdict *verdict)
{
    const struct icmp_tally tally = count_echoes(probe);
    verdict->time = tally.n_answered > 0 ? tally.last_answered
                    : tally.n_sent > 0   ? tally.first
                                         : probe->echoes[0].time_wall; /* it was tried then */
    icmp_tally_values(&tally, verdict);
    if (tally.n_answered > 0) {
        verdict->outcome = OUTCOME_UP;
        verdict->reason = "";
    } else if (probe->error != NULL) {
        set_refused(probe, verdict);
    } else if (tally.n_sent > 0 && dropped_answers(probe)) {
        verdict_set(verdict, OUTCOME_UNKNOWN, "agent-overloaded",
                    "the agent had no room for all answers");
        verdict->known = 0;
    } else if (tally.n_sent > 0) {
        verdict_set(verdict, OUTCOME_DOWN, "timeout", "no answer to %u echo requests in %lld ms",
                    tally.n_sent, (long long)probe->timeout_ms);
    } else {
        verdict_local(verdict, -probe->failure);
        if (probe->failure == -EACCES || probe->failure == -EPERM) {
            verdict_set(verdict, OUTCOME_UNKNOWN, "no-permission",
                        "the agent may not send echo requests: it needs CAP_NET_RAW or a group of "
                        "net.ipv4.ping_group_range");
        }
    }
}
