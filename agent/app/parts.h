/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where the agent's other programs are. A worker is a program of its own, so that it maps only the
 * libraries that its work needs: what parses hostile bytes has no TLS, HTTP or ZeroMQ in it.
 *
 * Threads: no state. */
#ifndef AGENT_PARTS_H
#define AGENT_PARTS_H

#include <stddef.h>

/* The path of the program `beffroi-agent-<part>`: beside this one (as it is built), or in the
 * folder for programs that are not for users (as it is installed). The caller frees. NULL: none can
 * be executed there, with a reason that names the places. */
char *part_find(const char *part, char *reason, size_t reason_size);

#endif
