/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verdict.h"

#include "checks/config.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct cause {
    int error;
    enum outcome outcome;
    const char *reason;
};

static const struct cause local_causes[] = {
    /* No way out of this machine: the service may be well. */
    {ENETUNREACH, OUTCOME_UNKNOWN, "no-route"},
    {EHOSTUNREACH, OUTCOME_UNKNOWN, "no-route"},
    {ENETDOWN, OUTCOME_UNKNOWN, "no-route"},
    {EAFNOSUPPORT, OUTCOME_UNKNOWN, "no-route"},
    {EINVAL, OUTCOME_UNKNOWN, "no-route"}, /* a blackhole route */
    {EACCES, OUTCOME_UNKNOWN, "no-permission"},
    {EPERM, OUTCOME_UNKNOWN, "no-permission"}, /* a local packet filter, or no capability */
    /* Over loopback the peer's refusal comes back within our own call. */
    {ECONNREFUSED, OUTCOME_DOWN, "connection-refused"},
    {ECONNRESET, OUTCOME_DOWN, "connection-reset"},
    {0, OUTCOME_UNKNOWN, "resource"}, /* EMFILE, ENOBUFS, EADDRNOTAVAIL … */
};

static const struct cause remote_causes[] = {
    {ECONNREFUSED, OUTCOME_DOWN, "connection-refused"},
    {ECONNRESET, OUTCOME_DOWN, "connection-reset"},
    {EPIPE, OUTCOME_DOWN, "connection-reset"},
    {ETIMEDOUT, OUTCOME_DOWN, "timeout"},
    {EHOSTUNREACH, OUTCOME_DOWN, "host-unreachable"},
    {ENETUNREACH, OUTCOME_DOWN, "network-unreachable"},
    {ENETDOWN, OUTCOME_UNKNOWN, "no-route"},
    {0, OUTCOME_DOWN, "connection-failed"},
};

socklen_t target_address_size(const struct target *target, size_t i)
{
    return target->addresses[i].ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                      : sizeof(struct sockaddr_in);
}

bool target_has_route(const struct target *target)
{
    bool found = false;
    for (size_t i = 0; i < target->n_addresses && !found; i++) {
        /* Connecting a datagram socket looks the route up and sends nothing. */
        struct sockaddr_storage address = target->addresses[i];
        if (address.ss_family == AF_INET6) {
            ((struct sockaddr_in6 *)&address)->sin6_port = htons(9);
        } else {
            ((struct sockaddr_in *)&address)->sin_port = htons(9);
        }
        int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        found = fd >= 0 &&
                connect(fd, (const struct sockaddr *)&address, target_address_size(target, i)) == 0;
        if (fd >= 0) {
            close(fd);
        }
    }
    return found;
}

void target_keep_family(struct target *target, int family)
{
    size_t n = 0;
    for (size_t i = 0; i < target->n_addresses; i++) {
        int wanted = family == CHECK_FAMILY_IPV6 ? AF_INET6 : AF_INET;
        if (family == CHECK_FAMILY_ANY || target->addresses[i].ss_family == wanted) {
            target->addresses[n++] = target->addresses[i];
        }
    }
    target->n_addresses = n;
}

void verdict_set(struct verdict *verdict, enum outcome outcome, const char *reason,
                 const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(verdict->detail, sizeof verdict->detail, format, arguments);
    va_end(arguments);
    for (char *at = verdict->detail; *at != '\0'; at++) {
        if (*at < ' ' || *at > '~') {
            *at = '?';
        }
    }
    verdict->outcome = outcome;
    verdict->reason = reason;
}

static void set_cause(struct verdict *verdict, const struct cause *cause, int error)
{
    while (cause->error != 0 && cause->error != error) {
        cause++;
    }
    verdict_set(verdict, cause->outcome, cause->reason, "%s", strerror(error));
}

void verdict_local(struct verdict *verdict, int error)
{
    set_cause(verdict, local_causes, error);
}

void verdict_remote(struct verdict *verdict, int error)
{
    set_cause(verdict, remote_causes, error);
}

void verdict_merge(struct verdict *verdict, const struct verdict *attempt)
{
    if (verdict->outcome == 0 ||
        (verdict->outcome == OUTCOME_UNKNOWN && attempt->outcome == OUTCOME_DOWN)) {
        *verdict = *attempt;
    }
}
