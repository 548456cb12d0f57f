/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Polls network devices by SNMP and turns replies into rows and results. The only folder that
 * touches net-snmp. Runs inside the snmp worker process, whose one thread makes every net-snmp call
 * (the library has no locks), without privilege, key or file system.
 *
 * Each device gives: an object of kind "device" named "system" (uptime), one of kind "interface" per
 * row of ifTable/ifXTable, and a check named "snmp" (up: it answered; down: it did not). */
#ifndef SNMP_SNMP_H
#define SNMP_SNMP_H

#include "common/config.h"
#include "common/stats.h"
#include "sample/sink.h"
#include <uv.h>

/* `snmp:` of a device: how it is asked. */
struct snmp_access_config {
    bool present;
    int version;     /* enum snmp_version_config; default 2c */
    char *community; /* v2c */
    int64_t interval_ms;
    int64_t timeout_ms; /* of one attempt, default 1 s */
    int64_t retries;    /* default 2 */
};
enum snmp_version_config { SNMP_CONFIG_V2C };

/* An item of the agent's `devices:`:
 *   {name: sw-1, address: "192.0.2.10:161", snmp: {version: 2c, community: public, timeout: 1s}} */
struct snmp_device_config {
    struct config_place place;
    char *name;
    char *address; /* "192.0.2.10", "192.0.2.10:161", "[2001:db8::1]:161"; default port 161 */
    struct snmp_access_config snmp;
};
extern const struct config_schema snmp_device_config_schema;
/* For the check of the configuration that holds the list: reports device names given twice. */
void snmp_check_unique(const struct config_list *devices, struct config_error_sink *errors);

struct snmp;

/* Starts polling every device of the list (struct snmp_device_config items), which must outlive the
 * handle. NULL with errno on failure. */
struct snmp *snmp_open(uv_loop_t *loop, const struct config_list *devices,
                       const struct sample_sink *sink);
void snmp_stats(const struct snmp *snmp, struct stats *stats);
/* Not from within a call of the sink. NULL is allowed. */
void snmp_close(struct snmp *snmp);

/* What the process `beffroi-agent --worker snmp` does from its start to its end: takes the channel
 * on CHANNEL_FD, confines itself, polls until its loop is stopped (SIGTERM, or main is gone). Its
 * configuration text is a mapping with `devices:` (and `user:`, whom to become), as the agent's own.
 * Returns the exit status. */
int snmp_worker_main(void);

#endif
