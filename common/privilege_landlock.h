/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Landlock, a process's own renunciation of the file system (Linux 5.13 and later).
 *
 * Threads: binds the calling thread and those it starts. */
#ifndef COMMON_PRIVILEGE_LANDLOCK_H
#define COMMON_PRIVILEGE_LANDLOCK_H

/* From now on no path can be opened, made, changed or executed; open descriptors go on working. But
 * for `readable` (NULL-terminated; NULL: none): these files, and all below these folders, may be
 * read. What is not there is passed over; a link stands for what it points at now.
 * Needs no_new_privs. 0; -ENOSYS or -EOPNOTSUPP where the kernel does not have it or has it
 * switched off; another -errno. */
int privilege_landlock_deny_files(const char *const readable[]);

#endif
