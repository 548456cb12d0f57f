/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whom a program is run as.
 *
 * Threads: the plain calls for users and groups are used; one thread may. They may ask a directory
 * service, and wait for it. */
#ifndef CHECKS_IDENTITY_H
#define CHECKS_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { IDENTITY_GROUPS_MAX = 64 };

struct identity {
    bool is_other; /* false: who we are; the rest means nothing */
    uid_t uid;
    gid_t gid;
    size_t n_groups;
    gid_t groups[IDENTITY_GROUPS_MAX];
};

/* The user of this name, with its groups; NULL: as root nobody, else who we are. 0; -ENOENT: there
 * is none; -EPERM: only root can become it. */
int identity_find(const char *name, struct identity *identity);

#endif
