/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Giving up power, in processes of their own: this program itself, started again with a role, which
 * checks what it still can and exits as any worker would. */
#include "common/privilege.h"
#include "common/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { CAPABILITY_NET_RAW = 13, EXIT_SKIPPED = 77 };

/* --- the roles --- */

#define check(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s, line %d: %s (errno %d)\n", __func__, __LINE__, #what, errno);     \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

struct capabilities {
    uint64_t effective;
    uint64_t permitted;
    uint64_t inheritable;
};

/* As the kernel says it, not the library that set them. */
static int read_capabilities(struct capabilities *now)
{
    struct {
        uint32_t version;
        int pid;
    } header = {.version = 0x20080522, .pid = 0};
    struct {
        uint32_t effective;
        uint32_t permitted;
        uint32_t inheritable;
    } data[2] = {{0}, {0}};
    if (syscall(SYS_capget, &header, data) != 0) {
        return -errno;
    }
    now->effective = (uint64_t)data[1].effective << 32 | data[0].effective;
    now->permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted;
    now->inheritable = (uint64_t)data[1].inheritable << 32 | data[0].inheritable;
    return 0;
}

static int check_powerless(void)
{
    struct capabilities now;
    check(read_capabilities(&now) == 0);
    check(now.effective == 0 && now.permitted == 0 && now.inheritable == 0);
    for (unsigned long i = 0; i < 64; i++) {
        check(prctl(PR_CAP_AMBIENT, (unsigned long)PR_CAP_AMBIENT_IS_SET, i, 0UL, 0UL) != 1);
    }
    check(prctl(PR_GET_NO_NEW_PRIVS, 0UL, 0UL, 0UL, 0UL) == 1);
    check(prctl(PR_GET_DUMPABLE) == 0);
    struct rlimit core;
    check(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0);
    check(!privilege_has_net_raw());
    check(socket(AF_INET, SOCK_RAW, 1) < 0 && errno == EPERM);
    return 0;
}

static int check_user(const char *name)
{
    const struct passwd *entry = getpwnam(name);
    check(entry != NULL);
    uid_t r;
    uid_t e;
    uid_t s;
    check(getresuid(&r, &e, &s) == 0);
    check(r == entry->pw_uid && e == entry->pw_uid && s == entry->pw_uid);
    gid_t groups[64];
    check(getresgid(&r, &e, &s) == 0);
    check(r == entry->pw_gid && e == entry->pw_gid && s == entry->pw_gid);
    int count = getgroups(64, groups);
    check(count >= 0);
    for (int i = 0; i < count; i++) {
        check(groups[i] != 0); /* nothing left of root's */
    }
    check(setuid(0) != 0 && seteuid(0) != 0 && setgid(0) != 0);
    return 0;
}

static int check_files_denied(int open_before)
{
    char byte;
    check(open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES);
    check(open("/dev/null", O_RDONLY) < 0 && errno == EACCES);
    check(open("/proc/self/status", O_RDONLY) < 0 && errno == EACCES);
    check(open("/tmp/beffroi-never", O_WRONLY | O_CREAT, 0600) < 0 && errno == EACCES);
    check(mkdir("/tmp/beffroi-never", 0700) != 0 && errno == EACCES);
    check(execl("/bin/true", "true", (char *)NULL) != 0 && errno == EACCES);
    check(read(open_before, &byte, 1) == 1); /* what is open goes on working */
    return 0;
}

static int confine(const char *user, const char *expected)
{
    struct privilege_report report;
    int before = open("/etc/passwd", O_RDONLY);
    check(before >= 0);
    /* A leak that the sanitizer must not look for: it could not. */
    char *volatile lost = malloc(10);
    check(lost != NULL);
    lost = NULL;
    check(privilege_confine(user, &report) == 0);
    check(report.capabilities_cleared && report.no_new_privileges);
    check(report.user_changed == (expected != NULL));
    check(expected == NULL || strcmp(report.user, expected) == 0);
    check(report.user[0] != '\0');
    check(check_powerless() == 0);
    if (report.files_denied) {
        check(check_files_denied(before) == 0);
    } else {
        fprintf(stderr, "this kernel has no Landlock\n");
    }
    close(before);
    return 0;
}

static int confine_to_daemon(void)
{
    struct privilege_report report;
    check(privilege_confine("daemon", &report) == 0);
    check(strcmp(report.user, "daemon") == 0 && report.user_changed);
    check(getuid() == 1 && geteuid() == 1 && getgid() == 1); /* Debian's fixed numbers */
    for (unsigned long i = 0; i < 64; i++) {
        check(prctl(PR_CAPBSET_READ, i, 0UL, 0UL, 0UL) != 1);
    }
    check(setuid(0) != 0);
    return check_powerless();
}

static int confine_to_default(void)
{
    return confine(NULL, "nobody");
}

static int confine_to_unknown(void)
{
    return confine("no-such-user", "nobody");
}

static int confine_never_to_root(void)
{
    return confine("root", "nobody");
}

static int confine_as_anyone(void)
{
    return confine("daemon", NULL);
}

/* As an ambient capability comes to a process from systemd. */
static int confine_with_ambient(void)
{
    check(privilege_become("daemon", true) == 0);
    if (!privilege_has_net_raw()) {
        return EXIT_SKIPPED;
    }
    return confine("daemon", NULL);
}

static int become_without(void)
{
    struct capabilities now;
    check(privilege_become("daemon", false) == 0);
    check(check_user("daemon") == 0);
    check(read_capabilities(&now) == 0);
    check(now.effective == 0 && now.permitted == 0 && now.inheritable == 0);
    check(!privilege_has_net_raw());
    return 0;
}

static int become_with_net_raw(void)
{
    const uint64_t net_raw = UINT64_C(1) << CAPABILITY_NET_RAW;
    struct capabilities now;
    check(read_capabilities(&now) == 0);
    if ((now.permitted & net_raw) == 0) {
        return EXIT_SKIPPED;
    }
    check(privilege_has_net_raw());
    check(privilege_become("daemon", true) == 0);
    check(check_user("daemon") == 0);
    check(read_capabilities(&now) == 0);
    check(now.effective == net_raw && now.permitted == net_raw && now.inheritable == net_raw);
    for (unsigned long i = 0; i < 64; i++) {
        check((prctl(PR_CAP_AMBIENT, (unsigned long)PR_CAP_AMBIENT_IS_SET, i, 0UL, 0UL) == 1) ==
              (i == CAPABILITY_NET_RAW));
        check((prctl(PR_CAPBSET_READ, i, 0UL, 0UL, 0UL) == 1) == (i == CAPABILITY_NET_RAW));
    }
    check(privilege_has_net_raw());
    int fd = socket(AF_INET, SOCK_RAW, 1);
    check(fd >= 0);
    close(fd);
    return 0;
}

static int become_no_one(void)
{
    check(privilege_become("no-such-user", true) == -ENOENT);
    check(geteuid() == 0); /* still root, and the caller must decide */
    check(privilege_become("root", true) == 0);
    check(geteuid() == 0);
    return 0;
}

static int become_as_anyone(void)
{
    uid_t before = geteuid();
    check(privilege_become("no-such-user", true) == 0);
    check(geteuid() == before);
    return 0;
}

/* The kernel forgets it with the change of user. */
static int keep_the_parents_death(void)
{
    struct privilege_report report;
    int signal = 0;
    check(supervisor_child_enter() == 0);
    check(privilege_become("daemon", true) == 0);
    check(prctl(PR_GET_PDEATHSIG, &signal) == 0 && signal == SIGTERM);
    signal = 0;
    check(privilege_confine(NULL, &report) == 0);
    check(prctl(PR_GET_PDEATHSIG, &signal) == 0 && signal == SIGTERM);
    return 0;
}

static int keep_it_when_confined(void)
{
    struct privilege_report report;
    int signal = 0;
    check(supervisor_child_enter() == 0);
    check(privilege_confine(NULL, &report) == 0 && report.user_changed);
    check(prctl(PR_GET_PDEATHSIG, &signal) == 0 && signal == SIGTERM);
    return 0;
}

static const struct role {
    const char *name;
    int (*play)(void);
    bool as_root;
} roles[] = {
    {"confine_to_daemon", confine_to_daemon, true},
    {"confine_to_default", confine_to_default, true},
    {"confine_to_unknown", confine_to_unknown, true},
    {"confine_never_to_root", confine_never_to_root, true},
    {"confine_as_anyone", confine_as_anyone, false},
    {"confine_with_ambient", confine_with_ambient, true},
    {"become_without", become_without, true},
    {"become_with_net_raw", become_with_net_raw, true},
    {"become_no_one", become_no_one, true},
    {"become_as_anyone", become_as_anyone, false},
    {"keep_the_parents_death", keep_the_parents_death, true},
    {"keep_it_when_confined", keep_it_when_confined, true},
};
enum { ROLES = sizeof roles / sizeof roles[0], SOMEBODY = 12345 };

/* --- the tests --- */

static void run_role(void **state)
{
    const struct role *role = *state;
    bool root = geteuid() == 0;
    if (role->as_root && !root) {
        print_message("only root can give that up\n");
        skip();
    }
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (root && !role->as_root && setresuid(SOMEBODY, SOMEBODY, SOMEBODY) != 0) {
            _exit(98);
        }
        execl("/proc/self/exe", "test_privilege", role->name, (char *)NULL);
        _exit(99);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == EXIT_SKIPPED) {
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[ROLES];
    for (size_t i = 0; i < ROLES; i++) {
        if (argc == 2 && strcmp(argv[1], roles[i].name) == 0) {
            return roles[i].play();
        }
        tests[i] = (struct CMUnitTest){.name = roles[i].name,
                                       .test_func = run_role,
                                       .initial_state = (void *)(uintptr_t)&roles[i]};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
