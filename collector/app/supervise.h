/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The main process: starts the parts, keeps them running, says when all are ready and where they
 * listen, and stops them in order. Touches no data.
 *
 * Threads: one. */
#ifndef COLLECTOR_APP_SUPERVISE_H
#define COLLECTOR_APP_SUPERVISE_H

#include "config.h"
#include "layout.h"

/* Runs until it is told to stop (SIGTERM, SIGINT, SIGHUP). The folders are made and claimed; paths
 * of the configuration are absolute. Returns the exit status. */
int supervise(const struct collector_config *config, const struct layout *layout);

#endif
