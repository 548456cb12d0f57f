/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * host_open with another place for /proc and /sys, for tests. */
#ifndef HOST_HOST_AT_H
#define HOST_HOST_AT_H

#include "host/host.h"

/* As host_open; "ROOT/proc" and "ROOT/sys" are read. `root` must outlive the handle. */
struct host *host_open_at(uv_loop_t *loop, const struct host_config *config, const char *device,
                          const struct sample_sink *sink, const char *root);

#endif
