/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Another configuration for the running agent (SIGHUP): the file is read again, whole; a faulty one
 * changes nothing. Devices, profiles and passphrases take effect at once, the rest at the next
 * start.
 *
 * Threads: the loop's thread. */
#ifndef AGENT_RELOAD_H
#define AGENT_RELOAD_H

#include "workers.h"

/* Reads `path`; logs every error, and what will only take effect at the next start. True: `running`
 * has the file's devices now, and the workers were told. */
bool reload_config(const char *path, struct agent_config *running, struct workers *workers);

#endif
