/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Giving up power for good. What parses hostile bytes calls privilege_confine before it reads the
 * first one: from then on it has no capability, no way to gain one, and no file system.
 * In a build with AddressSanitizer it also ends the search for leaks at exit, which such a process
 * could not finish (privilege_leaks.h in common/); so does a change of user by privilege_become.
 * The signal of the parent's death (supervisor_child_enter) is kept through a change of user.
 *
 * Threads: call while the process has one thread, unless said otherwise. */
#ifndef COMMON_PRIVILEGE_H
#define COMMON_PRIVILEGE_H

#include <stdbool.h>
#include <stddef.h>

/* What confining reached, for the log and the status page. */
struct privilege_report {
    bool user_changed; /* runs as an unprivileged user now */
    bool capabilities_cleared;
    bool no_new_privileges;
    bool files_denied;      /* Landlock: no path can be opened, made or run any more, but those that
                               privilege_confine_reading was given */
    bool syscalls_filtered; /* by privilege_filter_syscalls or privilege_filter_client */
    char user[64];          /* whom it runs as */
};

/* For a parsing worker. As root: change to `user` (its own groups only); if `user` is NULL, root,
 * or does not exist, to nobody. Then, as anyone: drop all capabilities including ambient and
 * bounding ones, no_new_privs, no core dump, deny the file system with Landlock where the kernel
 * has it (already open descriptors go on working). 0, or -errno when the user change or the drop of
 * a capability that was held failed: then the caller must not go on. Missing Landlock is not a
 * failure. */
int privilege_confine(const char *user, struct privilege_report *report);
/* The same for a worker that must still read some files: those of the list and all below its
 * folders (NULL-terminated; what is not there is passed over). A file that is later replaced by
 * another one of its name is not readable any more. */
int privilege_confine_reading(const char *user, const char *const readable[],
                              struct privilege_report *report);

/* For a worker after privilege_confine, once it has every descriptor and thread it will ever need,
 * and before it reads the first foreign byte: from then on the kernel takes from it, from all of
 * its threads, only the calls that such work is made of, and ends it at any other (seccomp). Files
 * are refused (-EACCES), sockets, processes, threads and code made at run time are an end. Sets
 * report->syscalls_filtered. 0, or -errno where the kernel does not filter: then the process is
 * what privilege_confine made of it. In a build with a sanitizer any other call is refused
 * (-EPERM). May be called with several threads. */
int privilege_filter_syscalls(struct privilege_report *report);
/* Likewise for a worker that asks services over the network, by their names, and so goes on opening
 * sockets (Internet, local ones, routing questions), files to read, and threads, and may load the
 * libraries that the name service wants. Calls that only an intruder makes (another program,
 * looking into other processes, mounting, kernel modules …) are its end; any other is answered as
 * by a kernel that does not have it (-ENOSYS), which libraries are prepared for. */
int privilege_filter_client(struct privilege_report *report);

/* For a daemon's main process started as root with a configured user: become that user and keep
 * only CAP_NET_RAW (permitted, effective, inheritable and ambient) if `keep_net_raw`. As another
 * user than root nothing is changed. -ENOENT: no such user. */
int privilege_become(const char *user, bool keep_net_raw);

/* True if the process may open raw and packet sockets (effective CAP_NET_RAW). */
bool privilege_has_net_raw(void);

#endif
