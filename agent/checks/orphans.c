/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "orphans.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void sweep_child(pid_t pid, bool (*is_running)(void *context, pid_t pid), void *context)
{
    if (is_running(context, pid)) {
        return;
    }
    pid_t session = getsid(pid); /* also of one that has ended */
    if (session <= 0 || !is_running(context, session)) {
        (void)kill(pid, SIGKILL); /* fails for one that has ended */
    }
    (void)waitpid(pid, NULL, WNOHANG);
}

/* Those that have ended, when there is no list. Stops at the first that somebody else waits for. */
static void reap_unlisted(bool (*is_running)(void *context, pid_t pid), void *context)
{
    siginfo_t info = {0};
    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0 &&
           !is_running(context, info.si_pid)) {
        (void)waitpid(info.si_pid, NULL, WNOHANG);
        info.si_pid = 0;
    }
}

void orphans_sweep(bool (*is_running)(void *context, pid_t pid), void *context)
{
    char path[64];
    /* Orphans come to the first thread. */
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *list = fopen(path, "re");
    int pid;
    if (list == NULL) {
        reap_unlisted(is_running, context);
        return;
    }
    while (fscanf(list, "%d", &pid) == 1) {
        sweep_child(pid, is_running, context);
    }
    (void)fclose(list); /* nothing was written */
}

static bool is_none(void *context, pid_t pid)
{
    (void)context;
    (void)pid;
    return false;
}

void orphans_end(void)
{
    enum { ROUNDS = 500 };
    const struct timespec pause = {.tv_nsec = 1000000};
    for (int i = 0; i < ROUNDS; i++) {
        siginfo_t info = {0};
        orphans_sweep(is_none, NULL);
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD) {
            return;
        }
        (void)nanosleep(&pause, NULL); /* one that is cut short is only another round */
    }
}
