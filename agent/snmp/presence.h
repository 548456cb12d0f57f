/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The two objects that every device has, whatever its profile: the check "snmp", whether it
 * answers, and the device "system", who it is and since when it runs.
 *
 * Threads: the loop's thread. */
#ifndef SNMP_PRESENCE_H
#define SNMP_PRESENCE_H

#include "probe.h"
#include "sample/sink.h"

struct presence {
    const struct sample_sink *sink;
    const char *device;
    const char *address;
    int64_t interval_ms;
    uint32_t check; /* the sink's numbers; 0: refused, or not defined yet */
    uint32_t system;
};

/* Defines the check. The texts and the sink must outlive it. */
void presence_init(struct presence *presence, const struct sample_sink *sink, const char *device,
                   const char *address, int64_t interval_ms);
/* A probe's verdict; `started` dates the row of a probe without an answer. */
void presence_probed(struct presence *presence, const struct probe *probe, struct wall started);
/* An answer that no probe asked for. */
void presence_heard(struct presence *presence, struct wall sent, double rtt_s);
/* What the device says of itself; defines the system, anew when it is not what it was. */
void presence_identify(struct presence *presence, const struct probe_system *system,
                       const char *profile);
void presence_uptime(struct presence *presence, struct wall time, bool known, double uptime_s);

#endif
