/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Another configuration for the running agent (SIGHUP): the file is read again, whole; a faulty one
 * changes nothing. Devices, profiles, passphrases, checks and `host` take effect at once, the rest
 * at the next start.
 *
 * Threads: the loop's thread. */
#ifndef AGENT_RELOAD_H
#define AGENT_RELOAD_H

#include "workers.h"

struct reload_options {
    const char *path;
    struct agent_config *running;
    struct workers *workers;
    /* The workers were told: what else samples goes over to what is in `running` now. The old
     * configuration is freed after it. */
    void (*on_taken)(void *context, bool host_changed);
    void *context;
};

/* Reads the file; logs every error, and what will only take effect at the next start. True:
 * `running` has what the file says. */
bool reload_config(const struct reload_options *options);

#endif
