/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A Unix socket's address holds 107 bytes of path, a data folder may be deeper: the folder is
 * opened and the socket named through /proc/self/fd/N/.
 *
 * Threads: no state. */
#ifndef CONTROL_UNIX_PATH_H
#define CONTROL_UNIX_PATH_H

#include <sys/socket.h>
#include <sys/un.h>

/* 0 with an address that is good while the descriptor `*folder` (-1: none is needed) is open, the
 * caller closes it; or -errno. */
int unix_path_address(const char *path, struct sockaddr_un *address, int *folder);

#endif
