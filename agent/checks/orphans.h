/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The processes that a program left behind, or that left its session: as the subreaper this process
 * inherits them.
 *
 * Threads: one. */
#ifndef CHECKS_ORPHANS_H
#define CHECKS_ORPHANS_H

#include <stdbool.h>
#include <sys/types.h>

/* Kills every child of this process that is none of the programs that run and does not belong to
 * the session of one, and reaps those that have ended. Their own children come next, with their end
 * (SIGCHLD). Where the kernel does not list children (CONFIG_PROC_CHILDREN) only reaps. */
void orphans_sweep(bool (*is_running)(void *context, pid_t pid), void *context);
/* Kills and reaps every child of this process, and theirs; waits for their end, but no longer than
 * a disk may hold one: 500 ms. */
void orphans_end(void);

#endif
