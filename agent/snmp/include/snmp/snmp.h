/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Polls network devices by SNMP and turns replies into rows and results. The only folder that
 * touches net-snmp. Runs inside the snmp worker processes, whose one thread makes every net-snmp
 * call (the library has no locks), without privilege or file system; and in `beffroi-agent poll`.
 *
 * Each device gives: a check named "snmp" (up: it answered; down: it did not), an object of kind
 * "device" named "system" (uptime), and the objects that its profile makes of its tables
 * (snmp/profile.h), one of kind "interface" per row of ifTable/ifXTable among them. */
#ifndef SNMP_SNMP_H
#define SNMP_SNMP_H

#include "common/stats.h"
#include "sample/sink.h"
#include "snmp/config.h"
#include <uv.h>

/* How a device's cycle ended. */
enum snmp_status {
    SNMP_STATUS_OK,
    SNMP_STATUS_PARTIAL, /* something that was wanted could not be read */
    SNMP_STATUS_TIMEOUT,
    SNMP_STATUS_AUTH, /* SNMPv3: it does not take the user, the keys or the security level */
    SNMP_STATUS_ERROR,
};
/* "ok", "partial", "timeout", "auth", "error". */
const char *snmp_status_name(enum snmp_status status);

/* The end of one cycle; the texts are valid during the call. */
struct snmp_report {
    const char *device;
    const char *address;
    enum snmp_status status;
    const char *reason; /* for people; "" when ok */
    const char *sys_name;
    const char *sys_object_id; /* "1.3.6.1.4.1.8072.3.2.10" */
    const char *sys_descr;     /* each "" where the device gave none */
    bool has_uptime;
    double uptime_s;
    const char *profile; /* "" when it never answered */
};

struct snmp_options {
    const struct config_list *devices;  /* struct snmp_device_config */
    const struct config_list *profiles; /* struct snmp_profile_config, snmp/profile.h */
    int64_t requests_per_second;
    const struct sample_sink *sink;
    bool once; /* each device has one cycle, at once; 32-bit counters are taken as they are */
    /* After the rows of a device's cycle were delivered; NULL: nobody wants to know. */
    void (*on_report)(void *context, const struct snmp_report *report);
    void *context;
};

struct snmp_poller;

/* Starts polling; what the options point at must outlive the handle, or be replaced by
 * snmp_poller_reload. NULL with errno on failure. */
struct snmp_poller *snmp_poller_open(uv_loop_t *loop, const struct snmp_options *options);
/* Goes over to other devices and profiles: a device whose configuration is the same goes on, with
 * all that is known of it; others end, begin, or begin anew. The old lists may be freed after
 * it. Not from within a call of the sink. */
void snmp_poller_reload(struct snmp_poller *poller, const struct config_list *devices,
                        const struct config_list *profiles, int64_t requests_per_second);
void snmp_poller_stats(const struct snmp_poller *poller, struct stats *stats);
/* Not from within a call of the sink. NULL is allowed. */
void snmp_poller_close(struct snmp_poller *poller);

/* What the process `beffroi-agent-snmp` does from its start to its end: takes the channel
 * on CHANNEL_FD, confines itself, polls until its loop is stopped (SIGTERM, or main is gone). Its
 * configuration text is struct snmp_share's; a further one over the channel replaces it.
 * Returns the exit status. */
int snmp_worker_main(void);

#endif
