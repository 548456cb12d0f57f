/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reload.h"

#include "common/log.h"

#include <stdlib.h>

static void log_errors(const struct config_errors *errors)
{
    for (size_t i = 0; i < errors->count; i++) {
        const struct config_error *error = &errors->errors[i];
        bool quoted = error->value[0] != '\0';
        log_error("agent", "configuration: %s:%d: %s%s%s%s%s%s", error->file, error->line,
                  error->key, error->key[0] != '\0' ? ": " : "", quoted ? "\"" : "", error->value,
                  quoted ? "\": " : "", error->reason);
    }
    log_error("agent", "the new configuration is not taken over, the old one goes on: errors=%zu",
              errors->count);
}

bool reload_config(const struct reload_options *options)
{
    struct agent_config *running = options->running;
    struct agent_config next;
    struct config_errors errors = {0};
    if (agent_config_load(options->path, &next, &errors) != 0) {
        log_errors(&errors);
        config_errors_clear(&errors);
        return false;
    }
    agent_config_take(running, &next);
    int rc = workers_reload(options->workers, running);
    if (rc != 0) {
        agent_config_take(running, &next);
        agent_config_free(&next);
        log_error("agent", "the new configuration is not taken over, the old one goes on: %s",
                  rc == -ENOENT
                      ? "it needs a program that is missing"
                      : "a worker's share of it is over 8 MiB; give it more snmp.workers");
        return false;
    }
    options->on_taken(options->context, !agent_config_same_host(running, &next));
    char *later = agent_config_compare(running, &next);
    if (later != NULL) {
        log_warn("agent", "changed, takes effect at the next start: %s", later);
        free(later);
    }
    log_info("agent", "goes on with the new configuration devices=%zu profiles=%zu checks=%zu",
             running->devices.count, running->profiles.count, running->checks.count);
    agent_config_free(&next);
    return true;
}
