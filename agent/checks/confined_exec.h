/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Starts a foreign program in a process of its own that has given up everything it must not have.
 *
 * Threads: any one of a process with several; what comes between fork and exec calls nothing but
 * system calls. */
#ifndef CHECKS_CONFINED_EXEC_H
#define CHECKS_CONFINED_EXEC_H

#include "identity.h"

#include <stdint.h>

struct confined_order {
    const char *const *argv; /* argv[0] is a path; NULL-terminated */
    const struct identity *identity;
    uint64_t memory_max_bytes;
    uint64_t cpu_max_s;
};

/* Descriptors to read from, which do not block; the caller closes them. */
struct confined_child {
    pid_t pid;
    int output;
    int errors;
    int failure;
};

/* The program has: a session and a process group of its own; /dev/null, a pipe for its output, one
 * for its errors and no other descriptor; / as its folder; PATH and LANG as its environment; its
 * own identity, no capability and no way to get one (no_new_privs: what is setuid is run without);
 * bounds on memory, CPU time, files (size and descriptors) and processes of its user; no core dump;
 * no signal blocked or ignored. It is killed when the calling thread ends. 0, or -errno. */
int confined_start(const struct confined_order *order, struct confined_child *child);

struct confined_failure {
    int error;
    bool is_program; /* it could not be run; else it could not be confined */
};
/* Once the process has ended: did it end before it became the program, and why? */
bool confined_take_failure(int failure_fd, struct confined_failure *failure);

#endif
