/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What "systemctl show" prints of one unit, as a verdict.
 *
 * Threads: no state. */
#ifndef CHECKS_UNIT_STATE_H
#define CHECKS_UNIT_STATE_H

#include "verdict.h"

#include <stddef.h>

/* Lines "LoadState=loaded", "ActiveState=active", "SubState=running", "Result=success",
 * "NRestarts=0" in any order, other lines passed over. Sets outcome, reason, detail and values
 * (active: 1 or 0; restarts, which only services have) of the verdict. 0; -EINVAL: there is no
 * ActiveState in it, and nothing was set. */
int unit_state_read(const char *bytes, size_t size, struct verdict *verdict);

#endif
