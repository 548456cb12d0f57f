/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unix_path.h"

#include "common/xalloc.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int unix_path_address(const char *path, struct sockaddr_un *address, int *folder)
{
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    *folder = -1;
    if (strlen(path) < sizeof address->sun_path) {
        (void)snprintf(address->sun_path, sizeof address->sun_path, "%s", path);
        return 0;
    }
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path) {
        return -ENAMETOOLONG;
    }
    char *parent = xstrndup(path, (size_t)(slash - path));
    int fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 ? -errno : 0;
    free(parent);
    if (rc != 0) {
        return rc;
    }
    int length =
        snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", fd, slash + 1);
    if (length < 0 || (size_t)length >= sizeof address->sun_path) {
        (void)close(fd);
        return -ENAMETOOLONG;
    }
    *folder = fd;
    return 0;
}
