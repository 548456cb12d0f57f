/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "confined_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    FAILURE_FD = 3,
    FILE_MAX_BYTES = 16 << 20, /* some plugins keep what they saw last in a file */
    DESCRIPTORS_MAX = 256,
    /* Of the user, this program's or not: no fork bomb takes the whole machine, and a server whose
     * user is the same has room. */
    PROCESSES_MAX = 256,
    STATUS_NOT_RUN = 127,
};

static const char *const environment[] = {
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG=C",
    NULL,
};

/* What the new process is told. */
struct way {
    const struct confined_order *order;
    int output;  /* becomes descriptor 1 */
    int errors;  /* 2 */
    int failure; /* close-on-exec: gets a struct confined_failure when there is no way on */
    pid_t parent;
};

static void default_signals(void)
{
    const struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int number = 1; number < NSIG; number++) {
        (void)sigaction(number, &action, NULL); /* SIGKILL, SIGSTOP and libc's own cannot be set */
    }
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* 0, or errno. The sources are above 2: the process began with those three. */
static int arrange_descriptors(const struct way *way)
{
    int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (input < 0 || dup2(input, STDIN_FILENO) < 0 || dup2(way->output, STDOUT_FILENO) < 0 ||
        dup2(way->errors, STDERR_FILENO) < 0) {
        return errno;
    }
    if (way->failure != FAILURE_FD && dup3(way->failure, FAILURE_FD, O_CLOEXEC) < 0) {
        return errno;
    }
    if (syscall(SYS_close_range, (unsigned)FAILURE_FD + 1, ~0U, 0U) != 0) { /* before Linux 5.9 */
        struct rlimit limit;
        long end = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (long)limit.rlim_cur : 1024;
        for (int fd = FAILURE_FD + 1; fd < end; fd++) {
            (void)close(fd); /* most are not open */
        }
    }
    return 0;
}

/* 0, or errno. A bound that is narrower already stays. */
static int bound(int resource, rlim_t soft, rlim_t hard)
{
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)resource, &limit) != 0) {
        return errno;
    }
    limit.rlim_max = limit.rlim_max < hard ? limit.rlim_max : hard;
    limit.rlim_cur = soft < limit.rlim_max ? soft : limit.rlim_max;
    return setrlimit((__rlimit_resource_t)resource, &limit) == 0 ? 0 : errno;
}

static int bound_all(const struct confined_order *order)
{
    const struct {
        int resource;
        rlim_t soft;
        rlim_t hard;
    } bounds[] = {
        {RLIMIT_CORE, 0, 0},
        {RLIMIT_FSIZE, FILE_MAX_BYTES, FILE_MAX_BYTES},
        {RLIMIT_NOFILE, DESCRIPTORS_MAX, DESCRIPTORS_MAX},
        {RLIMIT_NPROC, PROCESSES_MAX, PROCESSES_MAX},
        {RLIMIT_CPU, order->cpu_max_s, order->cpu_max_s + 1}, /* SIGXCPU tells why; then SIGKILL */
        {RLIMIT_AS, order->memory_max_bytes, order->memory_max_bytes},
    };
    int error = 0;
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0] && error == 0; i++) {
        error = bound(bounds[i].resource, bounds[i].soft, bounds[i].hard);
    }
    return error;
}

/* Only who may set capabilities can cut the bounding set; for another it is empty of meaning, as
 * no_new_privs is. */
static int cut_bounding_set(void)
{
    for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0UL, 0UL, 0UL) >= 0;
         capability++) {
        if (prctl(PR_CAPBSET_DROP, capability, 0UL, 0UL, 0UL) != 0 && errno != EPERM) {
            return errno;
        }
    }
    return 0;
}

static int change_identity(const struct identity *identity)
{
    if (!identity->is_other) {
        return 0;
    }
    if (setgroups(identity->n_groups, identity->groups) != 0 ||
        setresgid(identity->gid, identity->gid, identity->gid) != 0 ||
        setresuid(identity->uid, identity->uid, identity->uid) != 0) {
        return errno;
    }
    return 0;
}

static int give_up_power(const struct confined_order *order)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    (void)prctl(PR_CAP_AMBIENT, (unsigned long)PR_CAP_AMBIENT_CLEAR_ALL, 0UL, 0UL, 0UL);
    int error = cut_bounding_set();
    if (error == 0) {
        error = change_identity(order->identity);
    }
    if (error != 0) {
        return error;
    }
    if (syscall(SYS_capset, &header, none) != 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) != 0) {
        return errno;
    }
    return 0;
}

static int confine(const struct way *way)
{
    default_signals();
    (void)setsid(); /* fails only for who leads a group already, which a new process does not */
    (void)umask(077);
    if (chdir("/") != 0) {
        return errno;
    }
    int error = arrange_descriptors(way);
    if (error == 0) {
        error = bound_all(way->order);
    }
    if (error == 0) {
        error = give_up_power(way->order);
    }
    if (error != 0) {
        return error;
    }
    /* Forgotten at a change of user, so set after it. */
    (void)prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL);
    if (getppid() != way->parent) {
        (void)raise(SIGKILL);
    }
    return 0;
}

static _Noreturn void become_program(const struct way *way)
{
    struct confined_failure failure = {.error = confine(way)};
    if (failure.error == 0) {
        failure.is_program = true;
        (void)execve(way->order->argv[0], (char *const *)(uintptr_t)way->order->argv,
                     (char *const *)(uintptr_t)environment); /* the kernel only reads them */
        failure.error = errno;
    }
    /* The descriptor may not have reached its place. */
    if (write(FAILURE_FD, &failure, sizeof failure) != (ssize_t)sizeof failure) {
        (void)!write(way->failure, &failure, sizeof failure);
    }
    _exit(STATUS_NOT_RUN);
}

/* --- the parent's side --- */

enum { PIPES = 3, READ_END = 0, WRITE_END = 1 };

static void close_pipes(int pipes[PIPES][2], int end)
{
    for (size_t i = 0; i < PIPES; i++) {
        if (pipes[i][end] >= 0) {
            (void)close(pipes[i][end]); /* nothing was written */
        }
    }
}

/* 0, or errno. Our ends do not block. */
static int open_pipes(int pipes[PIPES][2])
{
    for (size_t i = 0; i < PIPES; i++) {
        pipes[i][READ_END] = -1;
        pipes[i][WRITE_END] = -1;
    }
    for (size_t i = 0; i < PIPES; i++) {
        if (pipe2(pipes[i], O_CLOEXEC) != 0 ||
            fcntl(pipes[i][READ_END], F_SETFL, O_NONBLOCK) != 0) {
            return errno;
        }
    }
    return 0;
}

/* Every signal waits meanwhile: the loop's handlers would write into the loop's own pipe. */
static pid_t fork_program(const struct way *way)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* valid sets: cannot fail */
    pid_t pid = fork();
    if (pid == 0) {
        become_program(way);
    }
    int error = errno;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return pid;
}

int confined_start(const struct confined_order *order, struct confined_child *child)
{
    int pipes[PIPES][2];
    int error = open_pipes(pipes);
    if (error != 0) {
        goto failed;
    }
    const struct way way = {
        .order = order,
        .output = pipes[0][WRITE_END],
        .errors = pipes[1][WRITE_END],
        .failure = pipes[2][WRITE_END],
        .parent = getpid(),
    };
    child->pid = fork_program(&way);
    if (child->pid < 0) {
        error = errno;
        goto failed;
    }
    close_pipes(pipes, WRITE_END); /* the program has its own */
    child->output = pipes[0][READ_END];
    child->errors = pipes[1][READ_END];
    child->failure = pipes[2][READ_END];
    return 0;
failed:
    close_pipes(pipes, READ_END);
    close_pipes(pipes, WRITE_END);
    return -error;
}

bool confined_take_failure(int failure_fd, struct confined_failure *failure)
{
    return read(failure_fd, failure, sizeof *failure) == (ssize_t)sizeof *failure;
}
