/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data_folder.h"

#include "common/durable.h"
#include "common/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* Root makes it, the user works in it. */
static int give_to(const char *folder, int lock, const char *user)
{
    const struct passwd *entry = getpwnam(user);
    if (entry == NULL) {
        return -ENOENT;
    }
    if (chown(folder, entry->pw_uid, entry->pw_gid) != 0 ||
        fchown(lock, entry->pw_uid, entry->pw_gid) != 0) {
        return -errno;
    }
    return 0;
}

int data_folder_lock(const char *folder, const char *user, char *reason, size_t reason_size)
{
    char *path = xasprintf("%s/lock", folder);
    int fd = -1;
    int rc = durable_make_folder(folder);
    if (rc != 0) {
        snprintf(reason, reason_size, "%s cannot be made: %s", folder, strerror(-rc));
        goto out;
    }
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        rc = -errno;
        snprintf(reason, reason_size, "%s: %s", path, strerror(-rc));
        goto out;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
        snprintf(reason, reason_size, "%s: %s", folder,
                 rc == -EBUSY ? "another agent runs on this folder" : strerror(-rc));
        goto out;
    }
    rc = geteuid() == 0 && user != NULL ? give_to(folder, fd, user) : 0;
    if (rc == -ENOENT) {
        snprintf(reason, reason_size, "there is no user %s", user);
    } else if (rc != 0) {
        snprintf(reason, reason_size, "%s cannot be given to %s: %s", folder, user, strerror(-rc));
    }
out:
    free(path);
    if (rc != 0 && fd >= 0) {
        (void)close(fd); /* nothing was written */
    }
    return rc != 0 ? rc : fd;
}
