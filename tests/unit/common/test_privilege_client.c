/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A confined client of network services, in processes of its own: what it may still read, which
 * calls it still has, and what is its end. */
#include "common/lean.h"
#include "common/privilege.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STATUS_FAILED = 99, STATUS_SKIPPED = 77 };

static char folder[] = "/tmp/beffroi-client-XXXXXX";
static char file[64];    /* on the list */
static char inside[64];  /* in a folder on the list */
static char outside[64]; /* in none */
static int tell;         /* the child's ends */
static int hear;

#define check(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s, line %d: %s (errno %d)\n", __func__, __LINE__, #what, errno);     \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

static bool can_open(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}

/* --- what it does, and its exit status --- */

static int reads_what_is_listed(const struct privilege_report *report)
{
    check(can_open(file, O_RDONLY));
    check(can_open(inside, O_RDONLY));
    check(!can_open(file, O_WRONLY) && errno == EACCES);
    check(!can_open(inside, O_RDWR) && errno == EACCES);
    check(!can_open("/tmp/beffroi-never", O_WRONLY | O_CREAT));
    if (!report->files_denied) {
        return STATUS_SKIPPED; /* this kernel has no Landlock */
    }
    check(!can_open(outside, O_RDONLY) && errno == EACCES);
    check(!can_open("/etc/passwd", O_RDONLY) && errno == EACCES);
    return 0;
}

static int does_not_read_what_took_its_place(const struct privilege_report *report)
{
    struct stat before;
    struct stat after;
    if (!report->files_denied) {
        return STATUS_SKIPPED;
    }
    char byte;
    check(stat(file, &before) == 0);  /* a question is no reading */
    check(write(tell, "l", 1) == 1);  /* looked */
    check(read(hear, &byte, 1) == 0); /* the parent has put another file there */
    check(stat(file, &after) == 0);
    check(after.st_ino != before.st_ino);
    check(!can_open(file, O_RDONLY) && errno == EACCES);
    return 0;
}

static int makes_sockets(const struct privilege_report *report)
{
    static const int families[] = {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK};
    (void)report;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        int fd = socket(families[i], SOCK_DGRAM | SOCK_CLOEXEC, 0);
        check(fd >= 0 || errno == EAFNOSUPPORT);
        close(fd);
    }
    check(socket(AF_PACKET, SOCK_DGRAM, 0) < 0 && errno == ENOSYS);
    check(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) < 0 && errno == EPERM);
    return 0;
}

static int asks_a_service(const struct privilege_report *report)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    char byte = 'x';
    int ends[2];
    (void)report;
    for (int i = 0; i < 2; i++) {
        ends[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        check(ends[i] >= 0);
        check(bind(ends[i], (struct sockaddr *)&address, sizeof address) == 0);
        check(getsockname(ends[i], (struct sockaddr *)&address, &size) == 0);
        address.sin_port = i == 0 ? 0 : address.sin_port;
    }
    check(connect(ends[0], (struct sockaddr *)&address, sizeof address) == 0);
    check(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    check(send(ends[0], &byte, 1, 0) == 1);
    check(recv(ends[1], &byte, 1, 0) == 1 && byte == 'x');
    close(ends[0]);
    close(ends[1]);
    return 0;
}

static void *resolve(void *context)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *found = NULL;
    if (getaddrinfo("localhost", "80", &hints, &found) == 0) {
        *(bool *)context = found->ai_addr != NULL;
        freeaddrinfo(found);
    }
    return NULL;
}

/* In a thread, as libuv does it. */
static int resolves_names(const struct privilege_report *report)
{
    pthread_t thread;
    bool resolved = false;
    (void)report;
    check(pthread_create(&thread, NULL, resolve, &resolved) == 0);
    check(pthread_join(thread, NULL) == 0);
    check(resolved);
    return 0;
}

static int starts_no_process(const struct privilege_report *report)
{
    (void)report;
    pid_t pid = fork();
    if (pid == 0) {
        _exit(0);
    }
    check(pid < 0 && errno == ENOSYS);
    return 0;
}

static int makes_no_code(const struct privilege_report *report)
{
    (void)report;
    check(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
          MAP_FAILED);
    char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(memory != MAP_FAILED);
    check(mprotect(memory, 4096, PROT_READ | PROT_EXEC) != 0);
    int fd = open(inside, O_RDONLY | O_CLOEXEC);
    check(fd >= 0);
    /* A library of the name service is code of a file, which cannot be written. */
    check(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED);
    void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    check(code != MAP_FAILED || errno == EPERM); /* EPERM: /tmp is mounted noexec */
    return 0;
}

/* Code, tables and heap are still there when they are needed again. */
static int forgets_its_start(const struct privilege_report *report)
{
    (void)report;
    lean_begin();
    char *kept = malloc(100000);
    check(kept != NULL);
    memset(kept, 'k', 100000);
    lean_forget();
    check(kept[99999] == 'k');
    check(strcmp(strerror(ENOENT), "No such file or directory") == 0);
    free(kept);
    return resolves_names(report);
}

/* The end, or in a build with a sanitizer: refused. */
static int refused(long rc)
{
    return rc < 0 && errno == EPERM ? 0 : 1;
}

static int runs_a_program(const struct privilege_report *report)
{
    (void)report;
    return refused(execl("/bin/true", "true", (char *)NULL));
}

static int looks_into_another(const struct privilege_report *report)
{
    (void)report;
    return refused(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int mounts(const struct privilege_report *report)
{
    (void)report;
    return refused(mount("none", "/tmp", "tmpfs", 0, NULL));
}

/* --- the tests --- */

static void write_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
}

static int make_files(void **state)
{
    char path[64];
    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chmod(folder, 0755), 0); /* for nobody */
    (void)snprintf(file, sizeof file, "%s/file", folder);
    (void)snprintf(outside, sizeof outside, "%s/outside", folder);
    (void)snprintf(path, sizeof path, "%s/in", folder);
    (void)snprintf(inside, sizeof inside, "%s/in/side", folder);
    assert_int_equal(mkdir(path, 0755), 0);
    write_file(file);
    write_file(inside);
    write_file(outside);
    return 0;
}

static int remove_files(void **state)
{
    char path[64];
    (void)state;
    unlink(file);
    unlink(inside);
    unlink(outside);
    (void)snprintf(path, sizeof path, "%s/in", folder);
    rmdir(path);
    return rmdir(folder);
}

struct child {
    pid_t pid;
    int hear;
    int tell;
};

static struct child start(int (*act)(const struct privilege_report *))
{
    int ends[2];
    int back[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(pipe(back), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char in[64];
        (void)snprintf(in, sizeof in, "%s/in", folder);
        const char *const readable[] = {file,
                                        in,
                                        "/no/such/file",
                                        "/etc/hosts",
                                        "/usr/lib",
                                        "/etc/nsswitch.conf",
                                        "/etc/resolv.conf",
                                        NULL};
        struct privilege_report report;
        if (privilege_confine_reading(NULL, readable, &report) != 0 ||
            privilege_filter_client(&report) != 0 || !report.syscalls_filtered) {
            _exit(STATUS_FAILED);
        }
        close(back[1]);
        tell = ends[1];
        hear = back[0];
        (void)!write(tell, "r", 1);
        _exit(act(&report));
    }
    char byte;
    close(ends[1]);
    close(back[0]);
    assert_int_equal(read(ends[0], &byte, 1), 1); /* it is confined */
    return (struct child){.pid = pid, .hear = ends[0], .tell = back[1]};
}

static int end_of(const struct child *child)
{
    int status;
    close(child->tell);
    assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
    close(child->hear);
    return status;
}

static void it_works(void **state)
{
    int (*act)(const struct privilege_report *) = NULL;
    char byte;
    memcpy(&act, *state, sizeof act);
    struct child child = start(act);
    if (act == does_not_read_what_took_its_place && read(child.hear, &byte, 1) == 1) {
        char other[64];
        (void)snprintf(other, sizeof other, "%s/other", folder);
        write_file(other);
        assert_int_equal(rename(other, file), 0);
    }
    int status = end_of(&child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == STATUS_SKIPPED) {
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void it_ends(void **state)
{
    int (*act)(const struct privilege_report *) = NULL;
    memcpy(&act, *state, sizeof act);
    struct child child = start(act);
    int status = end_of(&child);
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
    bool was_refused = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!killed && !was_refused) {
        fail_msg("it was let through: status %x", (unsigned)status);
    }
}

int main(void)
{
    static int (*acts[])(const struct privilege_report *) = {reads_what_is_listed,
                                                             makes_sockets,
                                                             asks_a_service,
                                                             resolves_names,
                                                             starts_no_process,
                                                             makes_no_code,
                                                             forgets_its_start,
                                                             does_not_read_what_took_its_place,
                                                             runs_a_program,
                                                             looks_into_another,
                                                             mounts};
    const struct CMUnitTest tests[] = {
        {"reads_what_is_listed", it_works, NULL, NULL, &acts[0]},
        {"makes_sockets", it_works, NULL, NULL, &acts[1]},
        {"asks_a_service", it_works, NULL, NULL, &acts[2]},
        {"resolves_names", it_works, NULL, NULL, &acts[3]},
        {"starts_no_process", it_works, NULL, NULL, &acts[4]},
        {"makes_no_code", it_works, NULL, NULL, &acts[5]},
        {"forgets_its_start", it_works, NULL, NULL, &acts[6]},
        {"does_not_read_what_took_its_place", it_works, NULL, NULL, &acts[7]},
        {"runs_a_program", it_ends, NULL, NULL, &acts[8]},
        {"looks_into_another", it_ends, NULL, NULL, &acts[9]},
        {"mounts", it_ends, NULL, NULL, &acts[10]},
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
