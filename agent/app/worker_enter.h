/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How every worker program begins.
 *
 * Threads: one. */
#ifndef AGENT_WORKER_ENTER_H
#define AGENT_WORKER_ENTER_H

#include <stdbool.h>

enum { WORKER_USAGE = 2 };

/* Opens the log under this name and ignores the signals that are the main process's to handle.
 * False, with a word on standard error, when a person called: there is an argument, or no channel
 * as descriptor 3. */
bool worker_enter(const char *log_name, int argc);

#endif
