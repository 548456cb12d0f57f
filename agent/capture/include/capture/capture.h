/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Meters the packets of network interfaces into rows of kind "traffic" and its relatives, and
 * reports of the heaviest talkers. Each interface has a process of its own, which opens it first
 * and then gives up every privilege before it reads a packet. docs/traffic.md says what is counted.
 */
#ifndef CAPTURE_CAPTURE_H
#define CAPTURE_CAPTURE_H

#include "common/config.h"
#include <stddef.h>

enum {
    CAPTURE_INTERFACES_MAX = 64,
    CAPTURE_WORKERS_MAX = 16,
};

/* How addresses of clients are told: as meter/privacy.h has it. */
enum capture_clients { CAPTURE_TRUNCATE, CAPTURE_HASH };

struct capture_service {
    struct config_place place;
    char *name;
    int protocol; /* IANA number */
    char *ports;  /* "443" or "8000-8010" */
};

struct capture_talkers {
    int64_t interval_ms;
    int64_t top;
};

struct capture_ipfix {
    bool present;
    char *collector;
    int64_t domain;
};

/* `capture:` of the agent's configuration. Of interface and interfaces one is there. */
struct capture_config {
    bool present;
    char *interface;
    struct config_strings interfaces;
    int64_t interval_ms;
    bool promiscuous;
    int64_t buffer_bytes; /* the kernel's ring, of each thread */
    int64_t workers;      /* threads that share an interface */
    int64_t flows;        /* entries of the flow table, of each thread */
    char *filter;         /* NULL: every frame */
    struct config_strings own;
    int clients; /* enum capture_clients */
    struct config_list services;
    struct capture_talkers talkers;
    struct capture_ipfix ipfix;
};
extern const struct config_schema capture_config_schema;

/* The interfaces, whichever way they are given. */
size_t capture_config_count(const struct capture_config *config);
const char *capture_config_interface(const struct capture_config *config, size_t i);
/* The name of the check that tells of the i-th interface's capture: "capture", or of a list
 * "capture/eth0". Caller frees. */
char *capture_config_check_name(const struct capture_config *config, size_t i);
/* Is one of these its check? */
bool capture_config_has_check(const struct capture_config *config, const char *name);

/* Is this a filter that libpcap understands? 0, or -EINVAL with a reason. Apart from the schema,
 * whose users need not load libpcap. */
int capture_check_filter(const char *filter, char *reason, size_t reason_size);

/* What the process `beffroi-agent-capture` does from its start to its end: takes the channel on
 * CHANNEL_FD, opens the interface, confines itself, meters until its loop is stopped (SIGTERM, or
 * main is gone). Its configuration text is a mapping with `device:`, `check:` (the name of its
 * check, "capture" without), `user:` (whom to become) and `capture:` with one interface. While the
 * interface cannot be captured it waits, and the check is unknown, with the reason "no-interface",
 * "interface-down", "no-permission" or "capture-failed"; when the interface goes away it ends, as
 * only a new process may open it again. Returns the exit status. */
int capture_worker_main(void);

#endif
