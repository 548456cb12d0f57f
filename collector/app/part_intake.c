/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "part.h"

#include "common/log.h"
#include "common/xalloc.h"
#include "intake/intake.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

struct intake_part {
    struct keys *keys;
    struct intake_agent *agents;
    struct intake *intake;
};

/* 4 descriptors an agent, and some: a limit of 1,024 would keep the 250th agent out. */
static void raise_descriptor_limit(size_t n_agents)
{
    struct rlimit limit;
    rlim_t wanted = 4 * (rlim_t)n_agents + 1024;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) {
        return;
    }
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted) {
        log_warn("intake",
                 "the limit of open files is low for so many agents (LimitNOFILE): "
                 "limit=%" PRIuMAX " wanted=%" PRIuMAX,
                 (uintmax_t)limit.rlim_cur, (uintmax_t)wanted);
    }
}

static struct intake_agent *copy_agents(const struct config_list *list)
{
    const struct collector_agent *agents = list->items;
    struct intake_agent *copy = xcalloc(list->count + 1, sizeof *copy);
    for (size_t i = 0; i < list->count; i++) {
        copy[i].name = agents[i].name;
        /* The configuration's own check has read it already. */
        (void)keys_parse_curve_public(agents[i].curve_key, copy[i].curve_public);
    }
    return copy;
}

/* ZeroMQ listens on IPv4 through IPv6 and says "tcp://[::ffff:192.0.2.1]:8461"; people, and other
 * programs, expect what they wrote. Caller frees. */
static char *plain_endpoint(const char *endpoint)
{
    static const char mapped[] = "tcp://[::ffff:";
    size_t size = sizeof mapped - 1;
    const char *end = strchr(endpoint, ']');
    if (strncmp(endpoint, mapped, size) != 0 || end == NULL || strchr(endpoint, '.') == NULL) {
        return xstrdup(endpoint);
    }
    return xasprintf("tcp://%.*s%s", (int)(end - endpoint - (ptrdiff_t)size), endpoint + size,
                     end + 1);
}

static int open_intake(struct part_context *context, char *reason, size_t reason_size)
{
    const struct collector_config *config = context->config;
    const struct layout *layout = context->layout;
    struct intake_part *part = xcalloc(1, sizeof *part);
    char why[512] = "";
    context->state = part;
    /* The secret key shall not end up in a core file. Fails for no process. */
    (void)prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL);
    raise_descriptor_limit(config->agents.count);
    int rc = keys_init();
    if (rc == 0) {
        rc = keys_load(config->keys, &part->keys, why, sizeof why);
    }
    if (rc != 0) {
        (void)snprintf(reason, reason_size, "the key file %s cannot be read: %s", config->keys,
                       why[0] != '\0' ? why : strerror(-rc));
        return rc;
    }
    part->agents = copy_agents(&config->agents);
    const struct intake_options options = {.endpoint = config->listen,
                                           .keys = part->keys,
                                           .agents = part->agents,
                                           .n_agents = config->agents.count,
                                           .journal_directory = layout->journal,
                                           .dead_letter_directory = layout->dead_letter,
                                           .control_path = layout->intake_socket,
                                           .segment_bytes = (uint64_t)config->journal.segment_bytes,
                                           .reserve_bytes =
                                               (uint64_t)config->journal.reserve_bytes};
    rc = intake_open(&part->intake, context->loop, &options, reason, reason_size);
    if (rc != 0) {
        return rc;
    }
    char *endpoint = plain_endpoint(intake_endpoint(part->intake));
    rc = layout_write(layout, "intake", json_pack("{s:s}", "listen", endpoint));
    if (rc != 0) {
        (void)snprintf(reason, reason_size, "cannot write to %s: %s", layout->run, strerror(-rc));
    } else {
        log_info("intake", "listening endpoint=%s agents=%zu", endpoint, config->agents.count);
    }
    free(endpoint);
    return rc;
}

static void close_intake(struct part_context *context)
{
    struct intake_part *part = context->state;
    intake_close(part->intake);
    /* The link reads the keys only when it opens. */
    keys_free(part->keys);
    free(part->agents);
    free(part);
}

const struct part part_intake = {"intake", open_intake, close_intake};
