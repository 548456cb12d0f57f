/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "part.h"

#include "common/log.h"
#include "common/xalloc.h"
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct store_part {
    struct store_agent *agents;
    struct store *store;
};

static struct store_agent *copy_agents(const struct config_list *list)
{
    const struct collector_agent *agents = list->items;
    struct store_agent *copy = xcalloc(list->count + 1, sizeof *copy);
    for (size_t i = 0; i < list->count; i++) {
        copy[i].name = agents[i].name;
        copy[i].has_sign_public = agents[i].sign_key != NULL;
        if (copy[i].has_sign_public) {
            /* The configuration's own check has read it already. */
            (void)keys_parse_sign_public(agents[i].sign_key, copy[i].sign_public);
        } else {
            log_warn("store",
                     "what this agent states cannot be verified, its sign_key is not "
                     "configured: agent=%s",
                     agents[i].name);
        }
    }
    return copy;
}

static int open_store(struct part_context *context, char *reason, size_t reason_size)
{
    const struct collector_config *config = context->config;
    const struct layout *layout = context->layout;
    struct store_part *part = xcalloc(1, sizeof *part);
    context->state = part;
    int rc = keys_init();
    if (rc != 0) {
        (void)snprintf(reason, reason_size, "cannot verify signatures: %s", strerror(-rc));
        return rc;
    }
    part->agents = copy_agents(&config->agents);
    const struct store_options options = {.journal_directory = layout->journal,
                                          .rrd_directory = layout->rrd,
                                          .quarantine_directory = layout->quarantine,
                                          .ledger_path = layout->ledger,
                                          .talkers_path = layout->talkers,
                                          .control_path = layout->store_socket,
                                          .intake_control_path = layout->intake_socket,
                                          .agents = part->agents,
                                          .n_agents = config->agents.count,
                                          .flush_after_ms = config->rrd.flush_after_ms,
                                          .flush_rows = (size_t)config->rrd.flush_rows,
                                          .checkpoint_ms = config->rrd.checkpoint_ms,
                                          .talkers_retention_ms = config->talkers.retention_ms};
    return store_open(&part->store, context->loop, &options, reason, reason_size);
}

static void close_store(struct part_context *context)
{
    struct store_part *part = context->state;
    if (part->store != NULL) {
        store_close(part->store);
    }
    free(part->agents);
    free(part);
}

const struct part part_store = {"store", open_store, close_store};
