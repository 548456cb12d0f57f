/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who takes part. A host has an address of each family; sixteen share a /24 and a /48. */
#ifndef SIM_TRAFFIC_HOSTS_H
#define SIM_TRAFFIC_HOSTS_H

#include "dice.h"

#include <stdint.h>

struct hosts {
    uint32_t n;
    uint32_t n_networks;
    double *zipf; /* [i]: the chance of 0 to i */
};

void hosts_new(struct hosts *hosts, uint32_t n);
void hosts_free(struct hosts *hosts);
/* 0 is the most frequent one. */
uint32_t hosts_draw(const struct hosts *hosts, struct dice *dice);
uint32_t hosts_network(const struct hosts *hosts, uint32_t host);
/* IPv4 in the last four bytes, as ::ffff:a.b.c.d. */
void hosts_address(const struct hosts *hosts, uint32_t host, bool is_v6, uint8_t address[16]);
/* The same with its host part cleared, and its length: /24, /48. */
unsigned hosts_prefix(uint32_t network, bool is_v6, uint8_t address[16]);
/* Of a tunnel's routers; none of them is a host. */
void hosts_router_address(uint16_t router, bool is_v6, uint8_t address[16]);

#endif
