/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "layout.h"

#include "common/clock.h"
#include "common/durable.h"
#include "common/log.h"
#include "common/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    LOCK_TEXT_MAX = 32,
    ORPHANS_WAIT_MS = 30000, /* a store that writes its last rows takes some time */
    ORPHANS_LOOK_MS = 100,
    RUN_FILE_MAX = 64 * 1024,
    RUN_FILE_MODE = 0640,
};

struct layout layout_of(const char *data)
{
    return (struct layout){
        .data = xstrdup(data),
        .journal = xasprintf("%s/journal", data),
        .rrd = xasprintf("%s/rrd", data),
        .quarantine = xasprintf("%s/quarantine", data),
        .dead_letter = xasprintf("%s/dead-letter", data),
        .run = xasprintf("%s/run", data),
        .ledger = xasprintf("%s/ledger.db", data),
        .talkers = xasprintf("%s/talkers.db", data),
        .intake_socket = xasprintf("%s/run/intake.sock", data),
        .store_socket = xasprintf("%s/run/store.sock", data),
        .supervisor_socket = xasprintf("%s/run/supervisor.sock", data),
    };
}

void layout_free(struct layout *layout)
{
    free(layout->data);
    free(layout->journal);
    free(layout->rrd);
    free(layout->quarantine);
    free(layout->dead_letter);
    free(layout->run);
    free(layout->ledger);
    free(layout->talkers);
    free(layout->intake_socket);
    free(layout->store_socket);
    free(layout->supervisor_socket);
    *layout = (struct layout){0};
}

/* --- making --- */

int layout_give(const struct layout *layout, const char *user, char *reason, size_t reason_size)
{
    struct stat status;
    if (geteuid() != 0 || user == NULL || stat(layout->data, &status) == 0) {
        return 0;
    }
    const struct passwd *entry = getpwnam(user);
    if (entry == NULL) {
        (void)snprintf(reason, reason_size, "there is no user %s", user);
        return -ENOENT;
    }
    int rc = durable_make_folder(layout->data);
    if (rc == 0 && chown(layout->data, entry->pw_uid, entry->pw_gid) != 0) {
        rc = -errno;
    }
    if (rc != 0) {
        (void)snprintf(reason, reason_size, "cannot make the folder %s: %s", layout->data,
                       strerror(-rc));
    }
    return rc;
}

static int make_folders(const struct layout *layout, char *reason, size_t reason_size)
{
    const char *const folders[] = {layout->data,       layout->journal,     layout->rrd,
                                   layout->quarantine, layout->dead_letter, layout->run};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        int rc = durable_make_folder(folders[i]);
        if (rc == 0 && access(folders[i], R_OK | W_OK | X_OK) != 0) {
            rc = -errno;
        }
        if (rc != 0) {
            (void)snprintf(reason, reason_size,
                           "cannot use the folder %s: %s; it must belong to the user that the "
                           "collector runs as (uid %u)",
                           folders[i], strerror(-rc), (unsigned)geteuid());
            return rc;
        }
    }
    return 0;
}

/* The process that took the lock, if it lives; 0: it has ended, its parts are about to. */
static pid_t living_owner(int fd)
{
    char text[LOCK_TEXT_MAX] = "";
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    if (n <= 0) {
        return 0;
    }
    long pid = strtol(text, NULL, 10);
    return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM) ? (pid_t)pid : 0;
}

static int take_lock(const struct layout *layout, int fd, char *reason, size_t reason_size)
{
    struct mono begin = clock_mono();
    bool told = false;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            int rc = -errno;
            (void)snprintf(reason, reason_size, "cannot lock %s: %s", layout->data, strerror(-rc));
            return rc;
        }
        pid_t owner = living_owner(fd);
        if (owner != 0 || mono_elapsed_ms(begin, clock_mono()) > ORPHANS_WAIT_MS) {
            (void)snprintf(reason, reason_size,
                           "another collector (pid %ld) is using the data folder %s; stop it "
                           "first, or give this one a folder of its own",
                           (long)owner, layout->data);
            return -EBUSY;
        }
        if (!told) {
            told = true;
            log_info("collector", "waiting for the parts of a collector that was killed");
        }
        const struct timespec moment = {.tv_nsec = ORPHANS_LOOK_MS * 1000000L};
        (void)nanosleep(&moment, NULL); /* woken early it only looks again */
    }
    return 0;
}

int layout_claim(const struct layout *layout, int *fd, char *reason, size_t reason_size)
{
    int rc = make_folders(layout, reason, reason_size);
    if (rc != 0) {
        return rc;
    }
    char *path = xasprintf("%s/lock", layout->data);
    int lock = open(path, O_RDWR | O_CREAT | O_NOCTTY, 0640); /* for the children too */
    rc = lock < 0 ? -errno : 0;
    if (rc != 0) {
        (void)snprintf(reason, reason_size, "cannot open %s: %s", path, strerror(-rc));
    }
    free(path);
    if (rc == 0) {
        rc = take_lock(layout, lock, reason, reason_size);
    }
    if (rc != 0) {
        if (lock >= 0) {
            (void)close(lock); /* nothing was written */
        }
        return rc;
    }
    char text[LOCK_TEXT_MAX];
    int size = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    /* The number is for people and for the error of a second collector; the lock holds without. */
    (void)!ftruncate(lock, 0);
    (void)!pwrite(lock, text, (size_t)size, 0);
    *fd = lock;
    return 0;
}

/* --- run/ --- */

static char *run_path(const struct layout *layout, const char *name)
{
    return xasprintf("%s/%s.json", layout->run, name);
}

int layout_write(const struct layout *layout, const char *name, json_t *object)
{
    char *path = run_path(layout, name);
    char *text = json_dumps(object, JSON_COMPACT);
    char *line = xasprintf("%s\n", text == NULL ? "" : text);
    int rc = text == NULL ? -EINVAL : durable_replace(path, line, strlen(line), RUN_FILE_MODE);
    free(line);
    free(text);
    free(path);
    json_decref(object);
    return rc;
}

json_t *layout_read(const struct layout *layout, const char *name)
{
    char *path = run_path(layout, name);
    char *text;
    size_t size;
    json_t *object = NULL;
    if (durable_read(path, RUN_FILE_MAX, &text, &size) == 0) {
        object = json_loadb(text, size, 0, NULL);
        free(text);
    }
    free(path);
    if (!json_is_object(object)) {
        json_decref(object);
        return NULL;
    }
    return object;
}

void layout_remove(const struct layout *layout, const char *name)
{
    char *path = run_path(layout, name);
    (void)unlink(path); /* it may not be there */
    free(path);
}
