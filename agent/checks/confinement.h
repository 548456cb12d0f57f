/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A worker that asks services over the network reads what anybody sends. It keeps no privilege, no
 * program to run and no file but those that names are resolved and certificates checked with.
 *
 * Threads: the loop's thread. */
#ifndef CHECKS_CONFINEMENT_H
#define CHECKS_CONFINEMENT_H

#include "checks/config.h"

struct confinement;

/* From here on the process is confined for good; sockets that need a privilege must be open. While
 * it has one thread. Says so in the log. NULL: a power that was held could not be given up, and the
 * caller must not go on. */
struct confinement *confinement_enter(enum check_part part, const struct checks_share *share);
/* A file that may be read was replaced (the new one may not be), or the share wants another one:
 * only a new process may read it. NULL: all is as it was; else the path, which is valid as long as
 * the handle and the share. */
const char *confinement_outdated(const struct confinement *confinement,
                                 const struct checks_share *share);
/* The process stays confined. NULL is allowed. */
void confinement_free(struct confinement *confinement);

#endif
