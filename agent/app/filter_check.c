/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter_check.h"

#include "parts.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* The program with its standard output in the pipe. */
static int spawn(const char *program, const char *filter, const int ends[2], pid_t *pid)
{
    const char *const argv[] = {program, FILTER_CHECK_ARGUMENT, filter, NULL};
    posix_spawn_file_actions_t actions;
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc != 0) {
        return -rc;
    }
    rc = posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    if (rc == 0) {
        rc = posix_spawn(pid, program, &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    }
    (void)posix_spawn_file_actions_destroy(&actions); /* it was made */
    return -rc;
}

/* The first line, or as much of it as there is room for. */
static void read_line(int fd, char *line, size_t size)
{
    size_t used = 0;
    ssize_t n = 1;
    while (used + 1 < size && n > 0) {
        n = read(fd, line + used, size - 1 - used);
        used += n > 0 ? (size_t)n : 0;
    }
    line[used] = '\0';
    line[strcspn(line, "\n")] = '\0';
}

static int ask(const char *program, const char *filter, char *reason, size_t reason_size)
{
    int ends[2];
    pid_t pid;
    int status = -1;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -errno;
    }
    int rc = spawn(program, filter, ends, &pid);
    (void)close(ends[1]); /* nothing was written */
    if (rc == 0) {
        read_line(ends[0], reason, reason_size);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
    }
    (void)close(ends[0]); /* only read */
    if (rc != 0) {
        return rc;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return 0;
    }
    if (reason[0] == '\0') {
        (void)snprintf(reason, reason_size, "cannot be checked: %s ended with an error", program);
    }
    return -EINVAL;
}

int filter_check(const char *filter, char *reason, size_t reason_size)
{
    char *program = part_find("capture", reason, reason_size);
    if (program == NULL) {
        return -EINVAL;
    }
    int rc = ask(program, filter, reason, reason_size);
    if (rc != 0 && rc != -EINVAL) {
        (void)snprintf(reason, reason_size, "cannot be checked: %s: %s", program, strerror(-rc));
        rc = -EINVAL;
    }
    free(program);
    return rc;
}
