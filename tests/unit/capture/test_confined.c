/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A confined process, looked at from outside: what /proc says of each of its threads, and what
 * becomes of it when it asks for more than its work needs. FOREIGN_THREADS: that a sanitizer's run
 * time may have started before us. */
#include "common/privilege.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 3, STATUS_FAILED = 99 };

static pthread_barrier_t all_there; /* a thread's first steps ask for more than its work */

static void wait_for_end(int fd_number)
{
    struct pollfd fd = {.fd = fd_number, .events = POLLIN};
    while (poll(&fd, 1, -1) < 0) {
    }
}

static void *idle(void *context)
{
    (void)pthread_barrier_wait(&all_there);
    wait_for_end(*(const int *)context);
    return NULL;
}

/* A child with threads, confined and filtered, that runs `act` when the pipe is closed. */
static pid_t start_confined(int (*act)(void), int *ready, int *go)
{
    int ready_ends[2];
    int go_ends[2];
    assert_int_equal(pipe(ready_ends), 0);
    assert_int_equal(pipe(go_ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct privilege_report report;
        pthread_t threads[THREADS];
        close(ready_ends[0]);
        close(go_ends[1]);
        if (privilege_confine(NULL, &report) != 0) {
            _exit(STATUS_FAILED);
        }
        (void)pthread_barrier_init(&all_there, NULL, THREADS + 1);
        for (int i = 0; i < THREADS; i++) {
            if (pthread_create(&threads[i], NULL, idle, &go_ends[0]) != 0) {
                _exit(STATUS_FAILED);
            }
        }
        (void)pthread_barrier_wait(&all_there);
        if (privilege_filter_syscalls(&report) != 0 || !report.syscalls_filtered) {
            _exit(STATUS_FAILED);
        }
        (void)!write(ready_ends[1], "r", 1);
        wait_for_end(go_ends[0]);
        for (int i = 0; i < THREADS; i++) {
            (void)pthread_join(threads[i], NULL);
        }
        _exit(act());
    }
    close(ready_ends[1]);
    close(go_ends[0]);
    char byte;
    *ready = (int)read(ready_ends[0], &byte, 1);
    close(ready_ends[0]);
    *go = go_ends[1];
    return pid;
}

static int end_of(pid_t pid, int go)
{
    int status;
    close(go);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* How many of these lines are wrong. */
static int count_power(const char *path)
{
    static const char *const wanted[] = {"CapPrm:\t0000000000000000\n",
                                         "CapEff:\t0000000000000000\n",
                                         "CapInh:\t0000000000000000\n",
                                         "CapAmb:\t0000000000000000\n",
                                         "NoNewPrivs:\t1\n",
                                         "Seccomp:\t2\n"};
    char text[4096];
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    int wrong = 0;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        wrong += strstr(text, wanted[i]) == NULL;
    }
    if (geteuid() == 0) {
        wrong += strstr(text, "CapBnd:\t0000000000000000\n") == NULL;
        wrong += strstr(text, "Uid:\t0") != NULL;
    }
    return wrong;
}

static int do_nothing(void)
{
    return 0;
}

static void every_thread_is_without_power(void **state)
{
    int ready;
    int go;
    char folder[64];
    int count = 0;
    int powerless = 0;
    (void)state;
    pid_t pid = start_confined(do_nothing, &ready, &go);
    assert_int_equal(ready, 1);
    (void)snprintf(folder, sizeof folder, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(folder);
    assert_non_null(tasks);
    for (const struct dirent *task; (task = readdir(tasks)) != NULL;) {
        char path[400];
        if (task->d_name[0] != '.') {
            (void)snprintf(path, sizeof path, "%s/%s/status", folder, task->d_name);
            powerless += count_power(path) == 0;
            count++;
        }
    }
    closedir(tasks);
    assert_in_range(powerless, 1 + THREADS, count);
    assert_in_range(count, powerless, powerless + FOREIGN_THREADS);
    assert_int_equal(end_of(pid, go), 0);
}

/* 0: it was refused. */
static int refused(long rc)
{
    return rc < 0 && (errno == EACCES || errno == EPERM) ? 0 : 1;
}

static int open_file(void)
{
    return refused(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int make_socket(void)
{
    return refused(socket(AF_INET, SOCK_DGRAM, 0));
}

static int make_process(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        _exit(0);
    }
    return refused(pid);
}

static int run_program(void)
{
    return refused(execl("/bin/true", "true", (char *)NULL));
}

static int make_code(void)
{
    void *memory =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? refused(-1) : 1;
}

static int signal_parent(void)
{
    return refused(kill(getppid(), 0));
}

static int use_what_is_left(void)
{
    char byte;
    int fds[2] = {-1, -1};
    char *memory = malloc(8 << 20);
    if (memory == NULL || write(STDERR_FILENO, "", 0) != 0 || read(-1, &byte, 1) != -1 ||
        errno != EBADF || fds[0] != -1) {
        return 1;
    }
    memset(memory, 1, 8 << 20);
    free(memory);
    return 0;
}

static void what_is_not_its_work_is_its_end(void **state)
{
    static int (*const acts[])(void) = {make_socket, make_process, run_program, make_code,
                                        signal_parent};
    int ready;
    int go;
    (void)state;
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        pid_t pid = start_confined(acts[i], &ready, &go);
        assert_int_equal(ready, 1);
        int status = end_of(pid, go);
        /* Killed; in a build with a sanitizer, refused. */
        bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
        bool was_refused = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (!killed && !was_refused) {
            fail_msg("act %zu was let through: status %x", i, (unsigned)status);
        }
    }
}

static void files_are_refused_and_work_goes_on(void **state)
{
    static int (*const acts[])(void) = {open_file, use_what_is_left};
    int ready;
    int go;
    (void)state;
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        pid_t pid = start_confined(acts[i], &ready, &go);
        assert_int_equal(ready, 1);
        assert_int_equal(end_of(pid, go), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_thread_is_without_power),
        cmocka_unit_test(what_is_not_its_work_is_its_end),
        cmocka_unit_test(files_are_refused_and_work_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
