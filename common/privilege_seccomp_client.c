/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a confined client of network services may ask of the kernel (privilege_filter_client). Its
 * libraries (name service, TLS, HTTP) are of the system, and of more than one version: what is not
 * named here they are told not to exist, so that they do without. What no library asks for, but an
 * intruder would, ends the process (PRIVILEGE_OTHERWISE; EPERM in builds with a sanitizer). */
#include "common/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const int allowed[] = {
    /* Descriptors. */
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(lseek),
    SCMP_SYS(_llseek),
    SCMP_SYS(fstat),
    SCMP_SYS(fstat64),
    SCMP_SYS(close),
    SCMP_SYS(pipe2),
    SCMP_SYS(eventfd2),
    /* Which files are there: the name service and TLS look for theirs. */
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(stat),
    SCMP_SYS(stat64),
    SCMP_SYS(lstat),
    SCMP_SYS(lstat64),
    SCMP_SYS(newfstatat),
    SCMP_SYS(fstatat64),
    SCMP_SYS(statx),
    SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getdents64),
    SCMP_SYS(getcwd),
    /* Sockets; which ones may be made is below. */
    SCMP_SYS(socketpair),
    SCMP_SYS(connect),
    SCMP_SYS(bind),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockopt),
    SCMP_SYS(send),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(recv),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(shutdown),
    /* Waiting. */
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(_newselect),
    SCMP_SYS(pselect6),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(restart_syscall),
    /* Clocks, where the kernel's page for them is not used. */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    /* Threads: names are resolved in some. They begin with clone, below. */
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(rseq),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(membarrier),
    /* Who and where we are. */
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getppid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getrusage),
    SCMP_SYS(getrlimit),
    /* Memory; mmap and mprotect are below. */
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    /* Signals to oneself. */
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    /* Keys and nonces. */
    SCMP_SYS(getrandom),
    /* The end. */
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

/* Nothing of ours and no library of ours makes them. */
static const int hostile[] = {
    /* another program, and other processes */
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(process_madvise),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(kcmp),
    /* the tree of files */
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(move_mount),
    SCMP_SYS(fsopen),
    SCMP_SYS(open_tree),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(mknodat),
    /* other worlds */
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    /* the kernel itself */
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(add_key),
    SCMP_SYS(keyctl),
    SCMP_SYS(request_key),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(sethostname),
    SCMP_SYS(syslog),
};

/* Calls by what stands in one of their arguments, or in two. */
struct sorted_call {
    uint32_t action;
    int call;
    unsigned count; /* of the arguments that are looked at */
    struct scmp_arg_cmp wanted[2];
};

#define ARGUMENT(n, mask, value)                                                                   \
    {                                                                                              \
        .arg = (n), .op = SCMP_CMP_MASKED_EQ, .datum_a = (mask), .datum_b = (value)                \
    }
#define WITH(number, n, mask, value)                                                               \
    {                                                                                              \
        SCMP_ACT_ALLOW, SCMP_SYS(number), 1,                                                       \
        {                                                                                          \
            ARGUMENT(n, mask, value)                                                               \
        }                                                                                          \
    }
#define WHOLE UINT32_MAX

enum { WRITING = O_ACCMODE | O_CREAT | O_TRUNC };

static const struct sorted_call sorted[] = {
    /* Files to read. Landlock says which; to write is refused as it refuses it. */
    WITH(open, 1, WRITING, O_RDONLY),
    WITH(openat, 2, WRITING, O_RDONLY),
    {SCMP_ACT_ERRNO(EACCES), SCMP_SYS(open), 1, {ARGUMENT(1, O_ACCMODE, O_WRONLY)}},
    {SCMP_ACT_ERRNO(EACCES), SCMP_SYS(open), 1, {ARGUMENT(1, O_ACCMODE, O_RDWR)}},
    {SCMP_ACT_ERRNO(EACCES), SCMP_SYS(openat), 1, {ARGUMENT(2, O_ACCMODE, O_WRONLY)}},
    {SCMP_ACT_ERRNO(EACCES), SCMP_SYS(openat), 1, {ARGUMENT(2, O_ACCMODE, O_RDWR)}},
    /* Memory that is no code, and code that comes from a file and cannot be written. */
    WITH(mmap, 2, PROT_EXEC, 0),
    WITH(mmap2, 2, PROT_EXEC, 0),
    {SCMP_ACT_ALLOW,
     SCMP_SYS(mmap),
     2,
     {ARGUMENT(2, PROT_EXEC | PROT_WRITE, PROT_EXEC), ARGUMENT(3, MAP_ANONYMOUS, 0)}},
    {SCMP_ACT_ALLOW,
     SCMP_SYS(mmap2),
     2,
     {ARGUMENT(2, PROT_EXEC | PROT_WRITE, PROT_EXEC), ARGUMENT(3, MAP_ANONYMOUS, 0)}},
    WITH(mprotect, 2, PROT_EXEC, 0),
    /* Internet; a resolver on this machine; which addresses this machine has (rtnetlink). */
    WITH(socket, 0, WHOLE, AF_INET),
    WITH(socket, 0, WHOLE, AF_INET6),
    WITH(socket, 0, WHOLE, AF_UNIX),
    {SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, {ARGUMENT(0, WHOLE, AF_NETLINK), ARGUMENT(2, WHOLE, 0)}},
    WITH(ioctl, 1, WHOLE, SIOCGIFINDEX),
    WITH(ioctl, 1, WHOLE, FIONREAD),
    WITH(ioctl, 1, WHOLE, FIONBIO),
    WITH(ioctl, 1, WHOLE, TCGETS),
    WITH(ioctl, 1, WHOLE, TIOCGWINSZ),
    WITH(fcntl, 1, WHOLE, F_GETFL),
    WITH(fcntl, 1, WHOLE, F_SETFL),
    WITH(fcntl, 1, WHOLE, F_GETFD),
    WITH(fcntl, 1, WHOLE, F_SETFD),
    WITH(fcntl, 1, WHOLE, F_DUPFD_CLOEXEC),
    WITH(fcntl64, 1, WHOLE, F_GETFL),
    WITH(fcntl64, 1, WHOLE, F_SETFL),
    WITH(fcntl64, 1, WHOLE, F_GETFD),
    WITH(fcntl64, 1, WHOLE, F_SETFD),
    WITH(fcntl64, 1, WHOLE, F_DUPFD_CLOEXEC),
    /* A thread of this process, no process. clone3, whose flags a filter cannot see, is not there,
     * and the C library falls back to this one. */
    WITH(clone, 0, CLONE_THREAD, CLONE_THREAD),
    WITH(prctl, 0, WHOLE, PR_SET_NAME),
    /* The size of a thread's stack; no limit is changed. */
    {SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, {ARGUMENT(2, UINT64_MAX, 0)}},
};

/* A call that this architecture does not have is no fault. */
static int add(scmp_filter_ctx filter, uint32_t action, int call, unsigned count,
               const struct scmp_arg_cmp *wanted)
{
    int rc = seccomp_rule_add_array(filter, action, call, count, wanted);
    return rc == -EDOM || rc == -EFAULT ? 0 : rc;
}

static int add_rules(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp self = {
        .arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)getpid()};
    int rc = add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &self); /* abort() is one */
    for (size_t i = 0; rc == 0 && i < sizeof allowed / sizeof allowed[0]; i++) {
        rc = add(filter, SCMP_ACT_ALLOW, allowed[i], 0, NULL);
    }
    for (size_t i = 0; rc == 0 && i < sizeof sorted / sizeof sorted[0]; i++) {
        rc = add(filter, sorted[i].action, sorted[i].call, sorted[i].count, sorted[i].wanted);
    }
    for (size_t i = 0; rc == 0 && i < sizeof hostile / sizeof hostile[0]; i++) {
        rc = add(filter, PRIVILEGE_OTHERWISE, hostile[i], 0, NULL);
    }
    return rc;
}

int privilege_filter_client(struct privilege_report *report)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (filter == NULL) {
        return -ENOMEM;
    }
    /* All threads get it at once; calls of another architecture are none of ours. */
    int rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (rc == 0) {
        rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    }
    if (rc == 0) {
        rc = add_rules(filter);
    }
    if (rc == 0) {
        rc = seccomp_load(filter);
    }
    seccomp_release(filter);
    report->syscalls_filtered = rc == 0;
    return rc;
}
