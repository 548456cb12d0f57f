/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Echo probes as a type of check. */
#include "check_type.h"
#include "common/stats.h"
#include "icmp.h"

static void *open_shared(uv_loop_t *loop)
{
    struct icmp *icmp = icmp_new(loop);
    icmp_open_sockets(icmp); /* the process is confined before the first echo */
    return icmp;
}

static void close_shared(void *shared)
{
    icmp_free(shared);
}

static void *start(void *shared, const struct probe_order *order)
{
    int64_t echoes = order->config->echoes;
    return icmp_start(shared, order->target, order->timeout_ms,
                      echoes == 0 ? ICMP_ECHOES_DEFAULT : (unsigned)echoes, order->done,
                      order->context);
}

static void cancel(void *probe)
{
    icmp_cancel(probe);
}

static void stats(const void *shared, struct stats *stats)
{
    const struct icmp_ignored ignored = icmp_ignored(shared);
    const struct {
        const char *reason;
        uint64_t count;
    } counts[] = {
        {"foreign", ignored.foreign}, {"late", ignored.late}, {"mismatched", ignored.mismatched}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        stats_add_labelled(stats, STAT_COUNTER, "beffroi_checks_icmp_ignored_total",
                           "Answers to echo requests that were ignored.", "reason",
                           counts[i].reason, (double)counts[i].count);
    }
}

const struct check_type check_type_icmp = {.id = CHECK_ICMP,
                                           .open = open_shared,
                                           .close = close_shared,
                                           .start = start,
                                           .cancel = cancel,
                                           .stats = stats};
