/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where a device is asked: a numeric address with a port, as the configuration writes it. Names
 * are not taken: looking one up would stop every other device meanwhile.
 *
 * Threads: no state. */
#ifndef SNMP_ADDRESS_H
#define SNMP_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum { ADDRESS_PORT_DEFAULT = 161 };

/* "192.0.2.10", "192.0.2.10:161", "[2001:db8::1]", "[2001:db8::1]:161". 0, or -EINVAL with a
 * reason.
 */
int address_parse(const char *text, struct sockaddr_storage *address, char *reason,
                  size_t reason_size);
/* The same family, address and port. */
bool address_same(const struct sockaddr *a, const struct sockaddr *b);

#endif
