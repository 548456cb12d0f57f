/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "parts.h"

#include "common/supervisor.h"
#include "common/xalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* From the folder of this program: as built, and as installed (from sbin). */
static const char *const places[] = {"", BEFFROI_LIBEXEC_FROM_SBIN "/"};

char *part_find(const char *part, char *reason, size_t reason_size)
{
    char *self = supervisor_self_path();
    if (self == NULL) {
        (void)snprintf(reason, reason_size, "cannot find its own program: is /proc there?");
        return NULL;
    }
    *(strrchr(self, '/') + 1) = '\0'; /* the path is absolute */
    char *path = NULL;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        path = xasprintf("%s%sbeffroi-agent-%s", self, places[i], part);
        if (access(path, X_OK) == 0) {
            break;
        }
        (void)snprintf(reason, reason_size,
                       "the program beffroi-agent-%s cannot be executed in %s nor in %s%s: %s",
                       part, self, self, BEFFROI_LIBEXEC_FROM_SBIN, strerror(errno));
        free(path);
        path = NULL;
    }
    free(self);
    return path;
}
