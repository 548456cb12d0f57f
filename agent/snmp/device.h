/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One device through its cycles: at each turn it is probed, the result is delivered, and if it
 * answered the tables of its profile are read. A device that does not answer gets no more than the
 * probe. No two cycles overlap: a turn that finds the one before still running is counted, and its
 * result is taken from what the device answered meanwhile. A device whose cycles take more than
 * half of its interval twice in a row is read at twice the interval, at most eight times; it is
 * still heard once in each interval.
 *
 * Threads: the loop's thread. */
#ifndef SNMP_DEVICE_H
#define SNMP_DEVICE_H

#include "counts.h"
#include "engine.h"
#include "plans.h"
#include "sample/sink.h"
#include "snmp/snmp.h"

struct device;

struct device_options {
    uv_loop_t *loop;
    struct engine *engine;
    struct plans *plans;
    const struct sample_sink *sink;
    bool once;
    void (*on_report)(void *context, const struct snmp_report *report); /* or NULL */
    void *context;
};

/* What the options point at must outlive it. The configuration only until device_configure gives it
 * another. */
struct device *device_start(const struct device_options *options,
                            const struct snmp_device_config *config);
/* The same configuration at another place in memory. */
void device_configure(struct device *device, const struct snmp_device_config *config);
const struct snmp_device_config *device_config(const struct device *device);
const struct snmp_counts *device_counts(const struct device *device);
uint64_t device_missed(const struct device *device);
/* Read at so many times its interval; 1 for most. */
unsigned device_stretch(const struct device *device);
/* No call-back after it. */
void device_stop(struct device *device);

#endif
