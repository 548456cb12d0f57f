/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "part.h"

#include "common/log.h"
#include "common/supervisor.h"
#include "common/xalloc.h"
#include "web/web.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct web_part {
    char *program;
    const char **agents;
    struct web *web;
};

/* "http://127.0.0.1:8460/"; caller frees. */
static char *page_address(const char *address, uint16_t port)
{
    bool is_ipv6 = strchr(address, ':') != NULL;
    return xasprintf("http://%s%s%s:%u/", is_ipv6 ? "[" : "", address, is_ipv6 ? "]" : "",
                     (unsigned)port);
}

/* Their names, NULL after the last; they live in the configuration. */
static const char **list_agents(const struct config_list *list)
{
    const struct collector_agent *agents = list->items;
    const char **names = xcalloc(list->count + 1, sizeof *names);
    for (size_t i = 0; i < list->count; i++) {
        names[i] = agents[i].name;
    }
    return names;
}

static int open_web(struct part_context *context, char *reason, size_t reason_size)
{
    const struct collector_config *config = context->config;
    const struct layout *layout = context->layout;
    struct web_part *part = xcalloc(1, sizeof *part);
    context->state = part;
    part->program = supervisor_self_path();
    if (part->program == NULL) {
        (void)snprintf(reason, reason_size, "cannot find the program's own file: is /proc there?");
        return -ENOENT;
    }
    part->agents = list_agents(&config->agents);
    const struct web_options options = {.address = config->http.address,
                                        .port = (uint16_t)config->http.port,
                                        .data_directory = layout->data,
                                        .ledger_path = layout->ledger,
                                        .talkers_path = layout->talkers,
                                        .talkers_retention_ms = config->talkers.retention_ms,
                                        .rrd_directory = layout->rrd,
                                        .intake_control_path = layout->intake_socket,
                                        .store_control_path = layout->store_socket,
                                        .supervisor_control_path = layout->supervisor_socket,
                                        .contract_path = config->contract,
                                        .agents = part->agents,
                                        .program = part->program};
    int rc = web_open(&part->web, &options, reason, reason_size);
    if (rc != 0) {
        return rc;
    }
    char *address = page_address(config->http.address, web_port(part->web));
    rc = layout_write(layout, "web", json_pack("{s:s}", "http", address));
    if (rc != 0) {
        (void)snprintf(reason, reason_size, "cannot write to %s: %s", layout->run, strerror(-rc));
    } else {
        log_info("web", "listening http=%s", address);
    }
    free(address);
    return rc;
}

static void close_web(struct part_context *context)
{
    struct web_part *part = context->state;
    if (part->web != NULL) {
        web_close(part->web);
    }
    free(part->agents);
    free(part->program);
    free(part);
}

const struct part part_web = {"web", open_web, close_web};
