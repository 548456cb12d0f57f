/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Samples the machine the agent runs on, from /proc, /sys, netlink, the kernel's clock, chronyd and
 * systemd, into rows of the kinds "cpu", "load", "system", "process", "pressure", "memory",
 * "paging", "filesystem", "disk", "ip", "icmp", "tcp", "udp", "sockets", "interface", "clock",
 * "sensor", "units" (docs/host.md has them all).
 *
 * Threads: the loop's thread. */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include "common/config.h"
#include "sample/sink.h"
#include <uv.h>

/* `host:` of the agent's configuration. */
struct host_config {
    bool present;
    bool enabled;
    int64_t interval_ms;
    struct config_strings processes; /* names, at most 15 bytes each */
    bool units;
};
extern const struct config_schema host_config_schema;

struct host;

/* `device` names the machine; it and `config` must outlive the handle. Samples every interval until
 * closed. */
struct host *host_open(uv_loop_t *loop, const struct host_config *config, const char *device,
                       const struct sample_sink *sink);
/* One sample now. */
void host_sample(struct host *host, struct wall time);
void host_close(struct host *host);

#endif
