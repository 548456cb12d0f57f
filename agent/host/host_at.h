/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * host_open for another place than the real machine, for tests. */
#ifndef HOST_HOST_AT_H
#define HOST_HOST_AT_H

#include "host/host.h"

struct host_place {
    const char *root;      /* "ROOT/proc", "ROOT/sys" and "ROOT/run" are looked at */
    const char *systemctl; /* the program that is asked for failed units */
    uint16_t chrony_port;  /* of the chronyd on loopback */
};

/* As host_open; what `place` points to must outlive the handle. */
struct host *host_open_at(uv_loop_t *loop, const struct host_config *config, const char *device,
                          const struct sample_sink *sink, const struct host_place *place);

#endif
