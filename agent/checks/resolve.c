/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resolve.h"

#include "common/xalloc.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PORT_TEXT_SIZE = 8 };

struct resolve {
    uv_getaddrinfo_t request;
    void (*done)(void *context, const struct target *target, const struct verdict *failure);
    void *context;
};

static void copy_addresses(const struct addrinfo *info, struct target *target)
{
    target->n_addresses = 0;
    for (; info != NULL && target->n_addresses < TARGET_ADDRESSES_MAX; info = info->ai_next) {
        if (info->ai_addrlen <= sizeof target->addresses[0] &&
            (info->ai_family == AF_INET || info->ai_family == AF_INET6)) {
            memcpy(&target->addresses[target->n_addresses++], info->ai_addr, info->ai_addrlen);
        }
    }
}

int resolve_literal(const char *host, uint16_t port, struct target *target)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *info;
    char port_text[PORT_TEXT_SIZE];
    snprintf(port_text, sizeof port_text, "%u", (unsigned)port);
    memset(target, 0, sizeof *target);
    if (getaddrinfo(host, port_text, &hints, &info) != 0) {
        return -EINVAL;
    }
    copy_addresses(info, target);
    freeaddrinfo(info);
    return target->n_addresses > 0 ? 0 : -EINVAL;
}

static void explain(int status, struct verdict *failure)
{
    switch (status) {
    case 0: /* an answer without an address we can use */
    case UV_EAI_NONAME:
    case UV_EAI_NODATA:
    case UV_EAI_ADDRFAMILY:
        verdict_set(failure, OUTCOME_UNKNOWN, "dns-name", "the name does not exist");
        break;
    case UV_EAI_MEMORY:
    case UV_ENOMEM:
    case UV_EMFILE:
        verdict_set(failure, OUTCOME_UNKNOWN, "resource", "%s", uv_strerror(status));
        break;
    default: /* no answer from the resolver, or a refusal */
        verdict_set(failure, OUTCOME_UNKNOWN, "dns-failure", "%s", uv_strerror(status));
        break;
    }
}

static void on_answer(uv_getaddrinfo_t *request, int status, struct addrinfo *info)
{
    struct resolve *resolve = request->data;
    if (resolve->done != NULL) {
        struct target target = {0};
        struct verdict failure = {0};
        copy_addresses(info, &target);
        if (status == 0 && target.n_addresses > 0) {
            resolve->done(resolve->context, &target, NULL);
        } else {
            explain(status, &failure);
            resolve->done(resolve->context, NULL, &failure);
        }
    }
    uv_freeaddrinfo(info);
    free(resolve);
}

struct resolve *resolve_start(uv_loop_t *loop, const char *host, uint16_t port,
                              void (*done)(void *context, const struct target *target,
                                           const struct verdict *failure),
                              void *context)
{
    /* Only families that this machine has an address of. */
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};
    char port_text[PORT_TEXT_SIZE];
    struct resolve *resolve = xcalloc(1, sizeof *resolve);
    snprintf(port_text, sizeof port_text, "%u", (unsigned)port);
    resolve->request.data = resolve;
    resolve->done = done;
    resolve->context = context;
    if (uv_getaddrinfo(loop, &resolve->request, on_answer, host, port_text, &hints) != 0) {
        free(resolve);
        return NULL;
    }
    return resolve;
}

void resolve_cancel(struct resolve *resolve)
{
    if (resolve != NULL) {
        resolve->done = NULL;
        (void)uv_cancel((uv_req_t *)&resolve->request); /* fails once a thread has it: it is waited
                                                           for by the loop, not by us */
    }
}
