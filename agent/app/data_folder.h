/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The folder where the agent keeps what it must remember; one agent at a time has it. */
#ifndef AGENT_DATA_FOLDER_H
#define AGENT_DATA_FOLDER_H

#include <stddef.h>

/* Makes the folder if need be (as root: the user's) and takes its lock: the descriptor that holds
 * it, or -errno with a reason; -EBUSY: another agent runs on it. `user` may be NULL. */
int data_folder_lock(const char *folder, const char *user, char *reason, size_t reason_size);

#endif
