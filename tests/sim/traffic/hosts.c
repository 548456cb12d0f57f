/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hosts.h"

#include "give_up.h"

#include <stdlib.h>
#include <string.h>

enum { HOSTS_PER_NETWORK = 16 };

void hosts_new(struct hosts *hosts, uint32_t n)
{
    double sum = 0;
    hosts->n = n;
    hosts->n_networks = (n + HOSTS_PER_NETWORK - 1) / HOSTS_PER_NETWORK;
    hosts->zipf = room_for(n, sizeof *hosts->zipf);
    for (uint32_t i = 0; i < n; i++) {
        sum += 1.0 / (i + 1.0);
        hosts->zipf[i] = sum;
    }
    for (uint32_t i = 0; i < n; i++) {
        hosts->zipf[i] /= sum;
    }
}

void hosts_free(struct hosts *hosts)
{
    free(hosts->zipf);
}

uint32_t hosts_draw(const struct hosts *hosts, struct dice *dice)
{
    double part = dice_part(dice);
    uint32_t least = 0;
    uint32_t most = hosts->n - 1;
    while (least < most) {
        uint32_t middle = least + (most - least) / 2;
        if (hosts->zipf[middle] > part) {
            most = middle;
        } else {
            least = middle + 1;
        }
    }
    return least;
}

uint32_t hosts_network(const struct hosts *hosts, uint32_t host)
{
    return host % hosts->n_networks;
}

static void put_network(uint32_t network, bool is_v6, uint8_t address[16])
{
    static const uint8_t v4[16] = {[10] = 0xff, [11] = 0xff, [12] = 10};
    static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8};
    memcpy(address, is_v6 ? v6 : v4, 16);
    address[is_v6 ? 4 : 13] = (uint8_t)(network >> 8);
    address[is_v6 ? 5 : 14] = (uint8_t)network;
}

void hosts_address(const struct hosts *hosts, uint32_t host, bool is_v6, uint8_t address[16])
{
    uint32_t member = host / hosts->n_networks + 1;
    put_network(hosts_network(hosts, host), is_v6, address);
    if (is_v6) { /* a subnet of its own, and an interface's identifier */
        uint64_t id = (host + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15);
        address[7] = (uint8_t)member;
        for (unsigned i = 0; i < 8; i++) {
            address[8 + i] = (uint8_t)(id >> (56 - i * 8));
        }
    } else {
        address[15] = (uint8_t)member;
    }
}

unsigned hosts_prefix(uint32_t network, bool is_v6, uint8_t address[16])
{
    put_network(network, is_v6, address);
    return is_v6 ? 48 : 24;
}

void hosts_router_address(uint16_t router, bool is_v6, uint8_t address[16])
{
    static const uint8_t v4[16] = {[10] = 0xff, [11] = 0xff, [12] = 172, [13] = 16};
    static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, 0xff, 0xff};
    memcpy(address, is_v6 ? v6 : v4, 16);
    address[14] = (uint8_t)(router >> 8);
    address[15] = (uint8_t)router;
}
