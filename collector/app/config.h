/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The collector's configuration file, as a struct.
 *
 * Threads: none of its own. */
#ifndef COLLECTOR_APP_CONFIG_H
#define COLLECTOR_APP_CONFIG_H

#include "common/config.h"

struct collector_agent {
    struct config_place place;
    char *name;
    char *curve_key; /* Z85 */
    char *sign_key;  /* base64; NULL: its statements cannot be verified */
};

struct collector_talkers {
    struct config_place place;
    int64_t retention_ms; /* 0: none are kept */
};

struct collector_config {
    char *data;
    char *listen;
    char *keys;
    char *user; /* NULL: stay who we are */
    struct {
        bool enabled;
        char *address;
        int64_t port;
    } http;
    struct config_list agents; /* of struct collector_agent */
    char *contract;            /* NULL: none */
    struct {
        int64_t segment_bytes;
        int64_t reserve_bytes;
    } journal;
    struct {
        int64_t flush_after_ms;
        int64_t flush_rows;
        int64_t checkpoint_ms;
    } rrd;
    struct collector_talkers talkers;
    struct {
        int level; /* enum log_level */
    } log;
};

extern const struct config_schema collector_config_schema;

/* Loads the file and, if it names one, checks the contract. 0; or -errno with every error of both
 * in `errors` and nothing to free. */
int collector_config_load(const char *path, struct collector_config *config,
                          struct config_errors *errors);
/* Relative paths are meant from the folder of the file at `path`: makes them absolute. */
void collector_config_resolve(struct collector_config *config, const char *path);
void collector_config_free(struct collector_config *config);

#endif
