/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One device through its cycles: at each turn it is probed, the result is delivered, and if it
 * answered its interfaces are read. A device that does not answer gets no more than the probe. No
 * two cycles overlap: a turn that finds the one before still running is skipped and counted.
 *
 * Threads: the loop's thread. */
#ifndef SNMP_DEVICE_H
#define SNMP_DEVICE_H

#include "counts.h"
#include "sample/sink.h"
#include "snmp/snmp.h"

struct device;

/* The configuration and the sink must outlive it. */
struct device *device_start(uv_loop_t *loop, const struct snmp_device_config *config,
                            const struct sample_sink *sink);
const struct snmp_counts *device_counts(const struct device *device);
uint64_t device_missed(const struct device *device);
/* No call-back after it. */
void device_stop(struct device *device);

#endif
