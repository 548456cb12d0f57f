/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "privilege_landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The rights over files that each version of the kernel's interface knows, linux/landlock.h. Given
 * by number: the header of the build may be older than the kernel it will run on. */
static const uint64_t rights_of_version[] = {
    [1] = (UINT64_C(1) << 13) - 1, /* 5.13: execute, write, read, list, remove and make of a kind */
    [2] = (UINT64_C(1) << 14) - 1, /* 5.19: move to another folder */
    [3] = (UINT64_C(1) << 15) - 1, /* 6.2: truncate */
    [4] = (UINT64_C(1) << 15) - 1, /* 6.7: (network) */
    [5] = (UINT64_C(1) << 16) - 1, /* 6.10: ioctl on devices */
};
enum { VERSION_MAX = sizeof rights_of_version / sizeof rights_of_version[0] - 1 };

/* The C library of Debian 12 has no wrappers. */
static long landlock_create(const struct landlock_ruleset_attr *rules, size_t size, uint32_t flags)
{
    return syscall(SYS_landlock_create_ruleset, rules, size, flags);
}

/* A rule for one path. 0 also if it is not there. */
static int allow_reading(int rules, const char *path)
{
    struct stat info;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -errno;
    }
    int error = fstat(fd, &info) != 0 ? -errno : 0;
    const struct landlock_path_beneath_attr rule = {
        /* A file takes no right over folders. */
        .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE |
                          (S_ISDIR(info.st_mode) ? LANDLOCK_ACCESS_FS_READ_DIR : 0),
        .parent_fd = fd,
    };
    if (error == 0 &&
        syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) {
        error = -errno;
    }
    (void)close(fd); /* nothing was written */
    return error;
}

int privilege_landlock_deny_files(const char *const readable[])
{
    long version = landlock_create(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1) {
        return version < 0 ? -errno : -ENOSYS;
    }
    /* Every right is handled. A newer kernel still takes the older set. */
    const struct landlock_ruleset_attr rules = {
        .handled_access_fs = rights_of_version[version < VERSION_MAX ? version : VERSION_MAX],
    };
    int fd = (int)landlock_create(&rules, sizeof rules, 0);
    if (fd < 0) {
        return -errno;
    }
    int error = 0;
    for (size_t i = 0; readable != NULL && readable[i] != NULL && error == 0; i++) {
        error = allow_reading(fd, readable[i]);
    }
    if (error == 0 && syscall(SYS_landlock_restrict_self, fd, 0) != 0) {
        error = -errno;
    }
    (void)close(fd); /* nothing was written */
    return error;
}
