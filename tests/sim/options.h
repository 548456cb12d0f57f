/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the simulator is asked for on its command line. */
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct options {
    uint32_t n_devices;
    uint32_t n_ports; /* of each */
    /* Where device 0 is. The next one has the next UDP port, or with `by_address` the next address
     * and the same port. */
    struct sockaddr_in first;
    bool by_address;
    const char *community;
    const char *user; /* NULL: no SNMPv3 */
    const char *auth;
    const char *auth_passphrase;
    const char *priv;
    const char *priv_passphrase;
    uint64_t seed;
    bool frozen; /* counters stand still */
    uint32_t dead_percent;
    uint32_t loss_percent;
    uint32_t delay_ms;
    size_t max_size; /* of a reply */
    const char *log; /* file; NULL: none */
};

/* Reads all; what is wrong is printed, and the process ends with 2 (or with 0 after --help). */
void options_read(int argc, char *argv[], struct options *options);

#endif
