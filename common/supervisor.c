/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/supervisor.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/xalloc.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PAUSE_MIN_MS = 200,
    PAUSE_MAX_MS = 30000,
    STEADY_MS = 60000, /* who ran for so long has earned a quick start again */
    REAP_MS = 300,     /* libuv and everybody else had their chance to wait for their own */
    CHANNEL_FD = 3,
};

static const char topic[] = "supervisor";
/* Tells a child whose death it must notice, even one before its first instruction. */
static const char parent_variable[] = "BEFFROI_SUPERVISOR_PID";

enum child_state {
    CHILD_PAUSED, /* not running, the timer will start it */
    CHILD_RUNNING,
    CHILD_CLOSING, /* ended, libuv has not let go of the handle yet */
    CHILD_STOPPED, /* will not be started any more */
};

struct supervisor_child {
    struct supervisor *supervisor;
    struct supervisor_command command;
    enum child_state state;
    uv_process_t process;
    uv_timer_t timer; /* the pause before a start, or the grace before SIGKILL */
    struct mono started;
    int64_t pause_ms; /* the next one */
    uint64_t starts;
    bool told;   /* SIGTERM was sent */
    bool ending; /* this one, not all */
    int64_t grace_ms;
};

struct supervisor {
    uv_loop_t *loop;
    struct supervisor_child **children; /* in the order of their start */
    size_t count;
    uv_signal_t child_signal; /* these two exist once there is a child */
    uv_timer_t reap_timer;
    int handles; /* of libuv, not yet closed */
    bool stopping;
    bool stopped; /* all have ended, the last handles are being closed */
    int64_t grace_ms;
    void (*done)(void *context);
    void *context;
};

static void on_pause_over(uv_timer_t *timer);
static void stop_next(struct supervisor *supervisor);

/* --- libuv's handles --- */

static void finish_if_closed(struct supervisor *supervisor)
{
    if (supervisor->stopped && supervisor->handles == 0 && supervisor->done != NULL) {
        void (*done)(void *) = supervisor->done;
        supervisor->done = NULL;
        done(supervisor->context);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct supervisor *supervisor = handle->data;
    supervisor->handles--;
    finish_if_closed(supervisor);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct supervisor_child *child = handle->data;
    child->supervisor->handles--;
    finish_if_closed(child->supervisor);
}

/* --- orphans: the grandchildren that a dead child left, ours as the subreaper --- */

static bool is_child(const struct supervisor *supervisor, pid_t pid)
{
    for (size_t i = 0; i < supervisor->count; i++) {
        if (supervisor_child_pid(supervisor->children[i]) == pid) {
            return true;
        }
    }
    return false;
}

static void on_reap(uv_timer_t *timer)
{
    struct supervisor *supervisor = timer->data;
    for (;;) {
        siginfo_t info = {0};
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) {
            return;
        }
        if (is_child(supervisor, info.si_pid)) {
            /* libuv is late; look again. */
            (void)uv_timer_start(timer, on_reap, REAP_MS, 0); /* fails only without call-back */
            return;
        }
        log_debug(topic, "reaped an orphan pid=%d", (int)info.si_pid);
        (void)waitpid(info.si_pid, NULL, WNOHANG); /* its status means nothing to us */
    }
}

static void on_child_signal(uv_signal_t *handle, int signum)
{
    (void)signum;
    struct supervisor *supervisor = handle->data;
    if (!uv_is_active((const uv_handle_t *)&supervisor->reap_timer)) {
        (void)uv_timer_start(&supervisor->reap_timer, on_reap, REAP_MS, 0); /* as above */
    }
}

static void open_handles(struct supervisor *supervisor)
{
    if (supervisor->handles > 0) {
        return;
    }
    (void)uv_timer_init(supervisor->loop, &supervisor->reap_timer); /* never fails */
    supervisor->reap_timer.data = supervisor;
    uv_unref((uv_handle_t *)&supervisor->reap_timer);
    int rc = uv_signal_init(supervisor->loop, &supervisor->child_signal);
    assert(rc == 0); /* fails only without descriptors for the loop's first signal, and the loop
                        has one already, for its own child processes */
    (void)rc;
    supervisor->child_signal.data = supervisor;
    uv_unref((uv_handle_t *)&supervisor->child_signal);
    supervisor->handles = 2;
    /* Without it orphans stay zombies, which costs no more than their process number. */
    (void)uv_signal_start(&supervisor->child_signal, on_child_signal, SIGCHLD);
}

/* --- starting --- */

static void pause_child(struct supervisor_child *child)
{
    child->state = CHILD_PAUSED;
    log_info(topic, "%s: will be started in pause_ms=%lld", child->command.name,
             (long long)child->pause_ms);
    (void)uv_timer_start(&child->timer, on_pause_over, (uint64_t)child->pause_ms, 0); /* as above */
    child->pause_ms = child->pause_ms * 2 < PAUSE_MAX_MS ? child->pause_ms * 2 : PAUSE_MAX_MS;
}

static void stop_child(struct supervisor_child *child)
{
    child->state = CHILD_STOPPED;
    uv_close((uv_handle_t *)&child->timer, on_timer_closed);
}

static void on_process_closed(uv_handle_t *handle)
{
    struct supervisor_child *child = handle->data;
    child->supervisor->handles--;
    if (child->supervisor->stopping) {
        stop_child(child);
        stop_next(child->supervisor);
    } else if (child->ending) {
        stop_child(child);
    } else {
        pause_child(child);
    }
}

/* The child is gone, or was never there: its handle can be used again once libuv has let go. */
static void close_process(struct supervisor_child *child, int64_t status, int term_signal)
{
    child->state = CHILD_CLOSING;
    uv_close((uv_handle_t *)&child->process, on_process_closed);
    if (child->command.on_exit != NULL) {
        child->command.on_exit(child->command.context, status, term_signal);
    }
}

static void on_process_exit(uv_process_t *process, int64_t status, int term_signal)
{
    struct supervisor_child *child = process->data;
    int64_t ran_ms = mono_elapsed_ms(child->started, clock_mono());
    if (ran_ms >= STEADY_MS) {
        child->pause_ms = PAUSE_MIN_MS;
    }
    enum log_level level = child->told ? LOG_LEVEL_INFO : LOG_LEVEL_WARN;
    log_write(level, topic, "%s: ended pid=%d status=%lld signal=%d ran_ms=%lld",
              child->command.name, process->pid, (long long)status, term_signal, (long long)ran_ms);
    close_process(child, status, term_signal);
}

/* Our environment and the variable that names us; the array and the last text are the caller's. */
static char **make_environment(char **own)
{
    size_t count = 0;
    while (environ[count] != NULL) {
        count++;
    }
    char **environment = xcalloc(count + 2, sizeof *environment);
    size_t used = 0;
    size_t name_size = sizeof parent_variable - 1;
    for (size_t i = 0; i < count; i++) {
        bool named = strncmp(environ[i], parent_variable, name_size) == 0;
        if (!named || environ[i][name_size] != '=') {
            environment[used++] = environ[i];
        }
    }
    *own = xasprintf("%s=%d", parent_variable, (int)getpid());
    environment[used] = *own;
    return environment;
}

/* Standard input is /dev/null; what is printed goes where the log goes. libuv gives the child the
 * default action of every signal and no blocked one. */
static int spawn(struct supervisor_child *child, int channel)
{
    char *own;
    char **environment = make_environment(&own);
    uv_stdio_container_t stdio[CHANNEL_FD + 1] = {
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
        {.flags = UV_INHERIT_FD, .data.fd = channel},
    };
    const uv_process_options_t options = {
        .exit_cb = on_process_exit,
        .file = child->command.argv[0],
        .args = (char **)(uintptr_t)child->command.argv, /* libuv only reads them */
        .env = environment,
        /* A session of its own: a Ctrl-C is for the supervisor, who stops the children in order. */
        .flags = UV_PROCESS_DETACHED,
        .stdio_count = channel >= 0 ? CHANNEL_FD + 1 : CHANNEL_FD,
        .stdio = stdio,
    };
    int rc = uv_spawn(child->supervisor->loop, &child->process, &options);
    child->process.data = child;
    child->supervisor->handles++; /* also after a failure: it must be closed */
    free(own);
    free(environment);
    return rc;
}

static void start_child(struct supervisor_child *child)
{
    int channel = -1;
    if (child->command.make_channel != NULL) {
        channel = child->command.make_channel(child->command.context);
        if (channel < 0) {
            log_error(topic, "%s: cannot make its channel: %s", child->command.name,
                      strerror(-channel));
            pause_child(child);
            return;
        }
    }
    int rc = spawn(child, channel);
    if (channel >= 0) {
        (void)close(channel); /* the child has its own copy */
    }
    if (rc != 0) {
        log_error(topic, "%s: cannot be started: %s", child->command.name, uv_strerror(rc));
        close_process(child, rc, 0);
        return;
    }
    child->state = CHILD_RUNNING;
    child->started = clock_mono();
    child->starts++;
    log_info(topic, "%s: started pid=%d", child->command.name, child->process.pid);
}

static void on_pause_over(uv_timer_t *timer)
{
    start_child(timer->data);
}

/* --- stopping --- */

static void on_grace_over(uv_timer_t *timer)
{
    struct supervisor_child *child = timer->data;
    if (child->state == CHILD_RUNNING) {
        log_warn(topic, "%s: did not end in grace_ms=%lld, killed", child->command.name,
                 (long long)child->grace_ms);
        (void)uv_process_kill(&child->process, SIGKILL); /* fails only if it has just ended */
    }
}

static void tell_child(struct supervisor_child *child, int64_t grace_ms)
{
    if (child->told) {
        return;
    }
    child->told = true;
    child->grace_ms = grace_ms > 0 ? grace_ms : 0;
    (void)uv_process_kill(&child->process, SIGTERM); /* fails only if it has just ended */
    (void)uv_timer_start(&child->timer, on_grace_over, (uint64_t)child->grace_ms, 0);
}

static void close_handles(struct supervisor *supervisor)
{
    supervisor->stopped = true;
    uv_close((uv_handle_t *)&supervisor->child_signal, on_closed);
    uv_close((uv_handle_t *)&supervisor->reap_timer, on_closed);
}

/* The last one that has not stopped is next. */
static void stop_next(struct supervisor *supervisor)
{
    for (size_t i = supervisor->count; i > 0; i--) {
        struct supervisor_child *child = supervisor->children[i - 1];
        switch (child->state) {
        case CHILD_STOPPED:
            break;
        case CHILD_PAUSED:
            stop_child(child);
            break;
        case CHILD_RUNNING:
            tell_child(child, supervisor->grace_ms);
            return;
        case CHILD_CLOSING:
            return; /* comes back when it is closed */
        }
    }
    if (!supervisor->stopped) {
        close_handles(supervisor);
    }
}

/* --- the public functions --- */

struct supervisor *supervisor_new(uv_loop_t *loop)
{
    struct supervisor *supervisor = xcalloc(1, sizeof *supervisor);
    supervisor->loop = loop;
    /* Since Linux 3.4. Without it orphans go to init, as everywhere. */
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1UL, 0UL, 0UL, 0UL);
    return supervisor;
}

static const char *const *copy_arguments(const char *const *argv)
{
    size_t count = 0;
    while (argv[count] != NULL) {
        count++;
    }
    const char **copy = xcalloc(count + 1, sizeof *copy);
    for (size_t i = 0; i < count; i++) {
        copy[i] = xstrdup(argv[i]);
    }
    return copy;
}

struct supervisor_child *supervisor_start(struct supervisor *supervisor,
                                          const struct supervisor_command *command)
{
    assert(!supervisor->stopping);
    assert(command->argv[0] != NULL);
    open_handles(supervisor);
    struct supervisor_child *child = xcalloc(1, sizeof *child);
    child->supervisor = supervisor;
    child->command = *command;
    child->command.name = xstrdup(command->name);
    child->command.argv = copy_arguments(command->argv);
    child->pause_ms = PAUSE_MIN_MS;
    (void)uv_timer_init(supervisor->loop, &child->timer); /* never fails */
    child->timer.data = child;
    supervisor->handles++;
    supervisor->children =
        xreallocarray(supervisor->children, supervisor->count + 1, sizeof *supervisor->children);
    supervisor->children[supervisor->count++] = child;
    start_child(child);
    return child;
}

uint64_t supervisor_child_restarts(const struct supervisor_child *child)
{
    return child->starts > 0 ? child->starts - 1 : 0;
}

int supervisor_child_pid(const struct supervisor_child *child)
{
    return child->state == CHILD_RUNNING ? child->process.pid : 0;
}

void supervisor_end_child(struct supervisor_child *child, int64_t grace_ms)
{
    if (child->ending || child->supervisor->stopping) {
        return;
    }
    child->ending = true;
    if (child->state == CHILD_PAUSED) {
        stop_child(child);
    } else if (child->state == CHILD_RUNNING) {
        tell_child(child, grace_ms);
    } /* else it has just ended, and will not be started again */
}

void supervisor_stop(struct supervisor *supervisor, int64_t grace_ms, void (*done)(void *context),
                     void *context)
{
    if (supervisor->stopping) {
        return;
    }
    open_handles(supervisor); /* so that `done` is never called from here */
    supervisor->stopping = true;
    supervisor->grace_ms = grace_ms;
    supervisor->done = done;
    supervisor->context = context;
    stop_next(supervisor);
}

static void free_child(struct supervisor_child *child)
{
    for (size_t i = 0; child->command.argv[i] != NULL; i++) {
        free((char *)(uintptr_t)child->command.argv[i]); /* our own copy */
    }
    free((char **)(uintptr_t)child->command.argv);
    free((char *)(uintptr_t)child->command.name);
    free(child);
}

void supervisor_free(struct supervisor *supervisor)
{
    if (supervisor == NULL) {
        return;
    }
    assert(supervisor->handles == 0); /* stopped, or never started */
    for (size_t i = 0; i < supervisor->count; i++) {
        free_child(supervisor->children[i]);
    }
    free(supervisor->children);
    free(supervisor);
}

int supervisor_child_enter(void)
{
    if (prctl(PR_SET_PDEATHSIG, (unsigned long)SIGTERM, 0UL, 0UL, 0UL) != 0) {
        return -errno;
    }
    /* It may have died between our birth and now. Started by hand there is no name to compare. */
    const char *parent = getenv(parent_variable);
    int error = parent != NULL && strtol(parent, NULL, 10) != (long)getppid() ? -ESRCH : 0;
    (void)unsetenv(
        parent_variable); /* not for whom this process starts; fails only for bad names */
    return error;
}

char *supervisor_self_path(void)
{
    static const char deleted[] = " (deleted)";
    size_t capacity = 256;
    char *path = NULL;
    ssize_t n;
    do {
        capacity *= 2;
        path = xrealloc(path, capacity);
        n = readlink("/proc/self/exe", path, capacity);
    } while (n >= 0 && (size_t)n == capacity);
    if (n < 0) {
        free(path);
        return NULL;
    }
    path[n] = '\0';
    /* An upgrade has replaced the file: what stands there now is the program to start. */
    size_t suffix = sizeof deleted - 1;
    if ((size_t)n > suffix && strcmp(path + n - suffix, deleted) == 0) {
        path[(size_t)n - suffix] = '\0';
    }
    return path;
}
