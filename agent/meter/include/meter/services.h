/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which service a flow belongs to: that of the port it was opened to. Names are those of the
 * configuration, then of /etc/services. Fixed memory once made. Pure but for reading the file. */
#ifndef METER_SERVICES_H
#define METER_SERVICES_H

#include <stddef.h>
#include <stdint.h>

enum {
    SERVICES_OWN_MAX = 64, /* of the configuration */
    SERVICE_NAME_MAX = 32, /* with NUL; [A-Za-z0-9._+-] */
};

/* One of the configuration: every port in [first, last] of the protocol (6, 17 or 132). */
struct service_range {
    char name[SERVICE_NAME_MAX];
    uint8_t protocol;
    uint16_t first;
    uint16_t last;
};

struct services;

/* `path` is /etc/services but in tests; one that cannot be read means no names (a minimal system
 * has none). Lines it does not understand are skipped. Copies `own`. */
struct services *services_new(const char *path, const struct service_range *own, size_t n_own);
/* NULL is allowed. */
void services_free(struct services *services);
/* NULL: no name. Valid as long as the handle. */
const char *services_name(const struct services *services, uint8_t protocol, uint16_t port);
/* The index of the configured range that holds it; -1: none. The first that matches. */
int services_own(const struct services *services, uint8_t protocol, uint16_t port);
/* Of a flow whose two ports are known but not who opened it: the port that has a configured name,
 * else one with a name below 1024, else any name, else the lower one. */
uint16_t services_port(const struct services *services, uint8_t protocol, uint16_t a, uint16_t b);

#endif
