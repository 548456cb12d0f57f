/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Starts the processes of a daemon and keeps them running: a child that ends is started again after
 * a growing pause (200 ms doubling to 30 s; back to 200 ms once it ran for a minute), and only its
 * own work pauses. Stopping is the mirror of starting.
 *
 * Threads: all calls and call-backs in the loop's thread. */
#ifndef COMMON_SUPERVISOR_H
#define COMMON_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct supervisor;
struct supervisor_child;

struct supervisor_command {
    const char *name;        /* in the log: "store" */
    const char *const *argv; /* argv[0] is the path to execute; NULL-terminated; copied */
    /* The child's end of a socket that it finds as descriptor 3. Called before every start;
     * returns a descriptor that the supervisor closes after the start, or -errno (the start is
     * then tried again later). NULL: no such descriptor. */
    int (*make_channel)(void *context);
    /* The child ended and will be started again (unless stopping): forget its channel. May be
     * NULL. `status` as in uv_exit_cb (below 0: it could not be started), `term_signal` 0 if none.
     */
    void (*on_exit)(void *context, int64_t status, int term_signal);
    void *context;
};

/* The supervisor also becomes the subreaper of its children, and each child gets SIGTERM when the
 * supervisor dies (PR_SET_PDEATHSIG is set by supervisor_child_enter). A child process of ours that
 * has ended and that nobody waits for within 300 ms is taken for an orphan and reaped.
 * A child has /dev/null as its input, our standard error as output and error, a session of its own
 * (Ctrl-C is for the supervisor), no blocked and no ignored signal. */
struct supervisor *supervisor_new(uv_loop_t *loop);
/* Start a child now and keep it running. The handle belongs to the supervisor. */
struct supervisor_child *supervisor_start(struct supervisor *supervisor,
                                          const struct supervisor_command *command);
/* How often it was started again, and its pid (0: not running now). */
uint64_t supervisor_child_restarts(const struct supervisor_child *child);
int supervisor_child_pid(const struct supervisor_child *child);

/* Ends one child for good: SIGTERM, SIGKILL when it takes over `grace_ms`. Its on_exit is called if
 * it runs. The handle stays valid. Nothing happens if it was ended before. */
void supervisor_end_child(struct supervisor_child *child, int64_t grace_ms);

/* SIGTERM to the children in reverse order of their start, each once the one after it has ended;
 * SIGKILL to one that takes over `grace_ms`. `done` is called once, when all have ended. */
void supervisor_stop(struct supervisor *supervisor, int64_t grace_ms, void (*done)(void *context),
                     void *context);
/* After `done`, or if nothing was started. NULL is allowed. */
void supervisor_free(struct supervisor *supervisor);

/* First call in a supervised child's main: die with the parent. 0 or -errno; -ESRCH when the parent
 * is already gone. */
int supervisor_child_enter(void);

/* Path of the running program (/proc/self/exe read), for children of the same binary; caller
 * frees. If an upgrade replaced the file, the path of the new one. NULL without /proc. */
char *supervisor_self_path(void);

#endif
