/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Net-snmp's idea of a socket, made for one device out of the engine's shared one: what the library
 * sends goes to the engine's batch, and what it receives is the datagram that the engine holds up
 * to it. Nothing that the library does touches the descriptor.
 *
 * Threads: as the engine's. */
#ifndef SNMP_TRANSPORT_H
#define SNMP_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

struct netsnmp_transport_s;

enum { TRANSPORT_MESSAGE_MAX = 65507 }; /* what UDP over IPv4 carries; SNMPv3 tells the device */

/* Stands in whoever owns the session, and outlives the transport. */
struct transport_port {
    /* 0, or -errno: the library then fails the request. */
    int (*send)(struct transport_port *port, const uint8_t *bytes, size_t size);
    const uint8_t *datagram; /* what the library's next read gets; NULL: nothing */
    size_t datagram_size;
};

/* For one session; the library frees it (also when the session cannot be made). NULL: no memory. */
struct netsnmp_transport_s *transport_new(int fd, struct transport_port *port);

#endif
