/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <net-snmp/net-snmp-config.h>
/* The library's own headers need the line above first. */
#include <net-snmp/net-snmp-includes.h>

static int on_send(netsnmp_transport *transport, const void *bytes, int size, void **opaque,
                   int *opaque_size)
{
    struct transport_port *port = transport->data;
    (void)opaque;
    (void)opaque_size;
    int rc = size > 0 ? port->send(port, bytes, (size_t)size) : -EINVAL;
    if (rc != 0) {
        errno = -rc;
        return -1;
    }
    return size;
}

static int on_receive(netsnmp_transport *transport, void *bytes, int size, void **opaque,
                      int *opaque_size)
{
    struct transport_port *port = transport->data;
    *opaque = NULL; /* whose datagram it is was settled before */
    *opaque_size = 0;
    if (port->datagram == NULL || port->datagram_size > (size_t)size) {
        errno = EAGAIN;
        return -1;
    }
    memcpy(bytes, port->datagram, port->datagram_size);
    port->datagram = NULL;
    return (int)port->datagram_size;
}

static int on_close(netsnmp_transport *transport)
{
    transport->data = NULL; /* the library would free it; the descriptor is the engine's */
    return 0;
}

netsnmp_transport *transport_new(int fd, struct transport_port *port)
{
    netsnmp_transport *transport = calloc(1, sizeof *transport); /* the library calls free() */
    if (transport == NULL) {
        return NULL;
    }
    transport->domain = netsnmpUDPDomain;
    transport->domain_length = (int)netsnmpUDPDomain_len;
    transport->sock = fd;
    transport->flags = NETSNMP_TRANSPORT_FLAG_OPENED;
    transport->data = port;
    transport->msgMaxSize = TRANSPORT_MESSAGE_MAX;
    transport->f_send = on_send;
    transport->f_recv = on_receive;
    transport->f_close = on_close;
    return transport;
}
