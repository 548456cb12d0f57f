/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a confined worker may still ask of the kernel: each call for a reason that stands beside it.
 * Whatever is missing here ends the process, so that an intruder finds no kernel to attack.
 * PRIVILEGE_OTHERWISE is that end; in builds with a sanitizer, whose run time asks for more than we
 * do, it is EPERM. */
#include "common/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of every kind of work. */
static const int calls[] = {
    /* Descriptors that were opened before. */
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    SCMP_SYS(close),
    /* Sockets that were opened before. */
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(getsockopt),
    SCMP_SYS(shutdown),
    /* Waiting. */
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(restart_syscall),
    /* Clocks, where the kernel's page for them is not used. */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    /* Threads that were started before. */
    SCMP_SYS(futex),
    SCMP_SYS(sched_yield),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
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
    /* The key of the addresses, each day. */
    SCMP_SYS(getrandom),
    /* The end. */
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

/* Refused as a missing file is: libraries ask for files that need not be there. */
static const int refused[] = {
    SCMP_SYS(open),       SCMP_SYS(openat), SCMP_SYS(access),   SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2), SCMP_SYS(stat),   SCMP_SYS(lstat),    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),      SCMP_SYS(getcwd), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
};

/* Calls that are taken with one value of an argument only. */
struct exact {
    int call;
    unsigned argument;
    uint64_t mask; /* which of its bits are looked at */
    uint64_t value;
    int also_argument; /* another one; -1: none */
    uint64_t also_value;
};
static const struct exact exact_calls[] = {
    /* Memory that is no code. */
    {SCMP_SYS(mmap), 2, PROT_EXEC, 0, -1, 0},
    {SCMP_SYS(mprotect), 2, PROT_EXEC, 0, -1, 0},
    /* How is the interface? And libuv's and stdio's questions. */
    {SCMP_SYS(ioctl), 1, UINT32_MAX, SIOCGIFFLAGS, -1, 0},
    {SCMP_SYS(ioctl), 1, UINT32_MAX, SIOCGIFINDEX, -1, 0},
    {SCMP_SYS(ioctl), 1, UINT32_MAX, FIONREAD, -1, 0},
    {SCMP_SYS(ioctl), 1, UINT32_MAX, FIONBIO, -1, 0},
    {SCMP_SYS(ioctl), 1, UINT32_MAX, TCGETS, -1, 0},
    {SCMP_SYS(ioctl), 1, UINT32_MAX, TIOCGWINSZ, -1, 0},
    {SCMP_SYS(fcntl), 1, UINT32_MAX, F_GETFL, -1, 0},
    {SCMP_SYS(fcntl), 1, UINT32_MAX, F_GETFD, -1, 0},
    /* libpcap gives its ring back. */
    {SCMP_SYS(setsockopt), 1, UINT32_MAX, SOL_PACKET, 2, PACKET_RX_RING},
};

static int add_exact(scmp_filter_ctx filter, const struct exact *exact)
{
    const struct scmp_arg_cmp wanted[] = {
        {.arg = exact->argument,
         .op = SCMP_CMP_MASKED_EQ,
         .datum_a = exact->mask,
         .datum_b = exact->value},
        {.arg = (unsigned)exact->also_argument,
         .op = SCMP_CMP_MASKED_EQ,
         .datum_a = UINT32_MAX,
         .datum_b = exact->also_value},
    };
    unsigned count = exact->also_argument >= 0 ? 2 : 1;
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, exact->call, count, wanted);
}

/* A signal to this process alone: abort() is one. */
static int add_own_signal(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp self = {
        .arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)getpid()};
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &self);
}

static int add_rules(scmp_filter_ctx filter)
{
    int rc = add_own_signal(filter);
    for (size_t i = 0; rc == 0 && i < sizeof calls / sizeof calls[0]; i++) {
        rc = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, calls[i], 0, NULL);
    }
    for (size_t i = 0; rc == 0 && i < sizeof refused / sizeof refused[0]; i++) {
        rc = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EACCES), refused[i], 0, NULL);
    }
    for (size_t i = 0; rc == 0 && i < sizeof exact_calls / sizeof exact_calls[0]; i++) {
        rc = add_exact(filter, &exact_calls[i]);
    }
    return rc;
}

int privilege_filter_syscalls(struct privilege_report *report)
{
    scmp_filter_ctx filter = seccomp_init(PRIVILEGE_OTHERWISE);
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
