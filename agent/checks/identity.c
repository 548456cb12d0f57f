/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

/* "nobody" by number, for a system whose list of users lacks it. */
enum { NOBODY_ID = 65534 };

static void take_entry(const struct passwd *entry, struct identity *identity)
{
    int count = IDENTITY_GROUPS_MAX;
    identity->uid = entry->pw_uid;
    identity->gid = entry->pw_gid;
    if (getgrouplist(entry->pw_name, entry->pw_gid, identity->groups, &count) < 0) {
        count = IDENTITY_GROUPS_MAX; /* it has more: those are not needed for less power */
    }
    identity->n_groups = (size_t)count;
}

int identity_find(const char *name, struct identity *identity)
{
    bool is_root = geteuid() == 0;
    *identity = (struct identity){.is_other = is_root};
    if (name == NULL && !is_root) {
        return 0;
    }
    const struct passwd *entry = getpwnam(name != NULL ? name : "nobody");
    if (entry != NULL) {
        take_entry(entry, identity);
    } else if (name == NULL) {
        identity->uid = NOBODY_ID;
        identity->gid = NOBODY_ID;
        identity->groups[0] = NOBODY_ID;
        identity->n_groups = 1;
    } else {
        return -ENOENT;
    }
    return is_root || identity->uid == geteuid() ? 0 : -EPERM;
}
