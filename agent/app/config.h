/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The agent's configuration: one YAML file, read whole and checked whole before anything starts.
 *
 * Threads: no state. */
#ifndef AGENT_CONFIG_H
#define AGENT_CONFIG_H

#include "capture/capture.h"
#include "common/config.h"
#include "common/log.h"
#include "host/host.h"
#include "snmp/config.h"

struct agent_collector_config {
    bool present;
    char *endpoint; /* "tcp://collector.example:8461" */
    char *key;      /* its CURVE public key, Z85 */
};

struct agent_spool_config {
    int64_t max_bytes;
    int64_t segment_bytes;
};

struct agent_statements_config {
    int64_t repeat_ms;
};

struct agent_log_config {
    int level; /* enum log_level */
};

struct agent_config {
    char *device; /* this machine's name; never NULL once loaded */
    char *data;   /* folder; absolute once loaded, as is `keys` */
    char *keys;
    char *user; /* whom to become when started as root; NULL: nobody else */
    struct agent_collector_config collector;
    struct agent_spool_config spool;
    struct agent_statements_config statements;
    struct host_config host;
    struct config_list checks;  /* struct check_config */
    struct config_list devices; /* struct snmp_device_config */
    struct snmp_config snmp;
    struct config_list profiles; /* struct snmp_profile_config: shipped ones and those of `snmp` */
    struct capture_config capture;
    struct agent_log_config log;
};
extern const struct config_schema agent_config_schema;

/* As config_load; then an absent `device` is the machine's host name, and relative paths are those
 * of the file's folder. Profiles and files of passphrases are read, too: what is wrong with them is
 * an error like any other. */
int agent_config_load(const char *path, struct agent_config *config, struct config_errors *errors);
/* The same for polling by hand: it needs `devices` and no `collector`, and nothing is sampled under
 * the machine's own name. */
int agent_config_load_for_poll(const char *path, struct agent_config *config,
                               struct config_errors *errors);
void agent_config_free(struct agent_config *config);
/* The normal form, for people: no secret. Those that were read from files are forgotten. */
void agent_config_print(FILE *out, struct agent_config *config);
/* What differs between two, except in what agent_config_take takes: "spool, log", keys of the
 * first level. The caller frees; NULL: nothing. */
char *agent_config_compare(const struct agent_config *a, const struct agent_config *b);
/* Exchanges what can change while the agent runs: `devices`, `snmp`, the profiles, `checks` and
 * `host`. */
void agent_config_take(struct agent_config *running, struct agent_config *other);
/* Does `host` say the same in both? */
bool agent_config_same_host(const struct agent_config *a, const struct agent_config *b);
/* Of all that is sampled; INT64_MAX: nothing is. */
int64_t agent_config_shortest_interval_ms(const struct agent_config *config);
/* Does anything in it need CAP_NET_RAW? */
bool agent_config_needs_net_raw(const struct agent_config *config);

#endif
