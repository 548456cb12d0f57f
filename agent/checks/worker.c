/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "checks/checks.h"

#include "common/log.h"
#include "common/privilege.h"
#include "common/supervisor.h"
#include "common/xalloc.h"
#include "sample/channel.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* What is checked points into the share. */
struct worker {
    enum check_part part;
    const struct check_type *const *types;
    size_t n_types;
    struct checks_share *share;
    struct checks *checks;
    struct channel_worker *channel;
    uv_signal_t term;
};

static void free_share(struct checks_share *share)
{
    if (share != NULL) {
        config_free(&checks_share_schema, share);
        free(share);
    }
}

/* Takes over the text. NULL when main sent something that it should have refused. */
static struct checks_share *parse_share(char *text, size_t size)
{
    struct config_errors errors = {0};
    struct checks_share *share = xcalloc(1, sizeof *share);
    int rc = config_parse("checks worker", text, size, &checks_share_schema, share, &errors);
    for (size_t i = 0; i < errors.count; i++) {
        log_error("checks", "configuration: line=%d key=%s: %s", errors.errors[i].line,
                  errors.errors[i].key, errors.errors[i].reason);
    }
    config_errors_clear(&errors);
    free(text);
    if (rc != 0) {
        free(share);
        return NULL;
    }
    return share;
}

static void on_config(void *context, char *text, size_t size)
{
    struct worker *worker = context;
    struct checks_share *share = parse_share(text, size);
    if (share == NULL) {
        return; /* goes on with the one it has */
    }
    checks_reload(worker->checks, &share->checks, share->device);
    free_share(worker->share);
    worker->share = share;
    log_info("checks", "goes on with another configuration: checks=%zu", share->checks.count);
}

static void on_term(uv_signal_t *signal, int number)
{
    (void)number;
    uv_stop(signal->loop);
}

static void run_checks(uv_loop_t *loop, struct worker *worker)
{
    const struct checks_options options = {
        .device = worker->share->device,
        .sink = channel_worker_sink(worker->channel),
        .types = worker->types,
        .n_types = worker->n_types,
    };
    worker->checks = checks_open(loop, &worker->share->checks, &options);
    (void)uv_signal_init(loop, &worker->term); /* fails only without descriptors */
    (void)uv_signal_start(&worker->term, on_term, SIGTERM);
    channel_worker_on_config(worker->channel, on_config, worker);
    (void)uv_run(loop, UV_RUN_DEFAULT);
    checks_close(worker->checks);
    uv_close((uv_handle_t *)&worker->term, NULL);
}

/* As root: to become the agent's user, which may keep what pings. Commands are run as their own
 * user, which takes root. */
static int give_up_privilege(const struct worker *worker)
{
    bool is_net = worker->part == CHECK_PART_NET;
    const char *user = worker->share->user;
    if (user == NULL || worker->part == CHECK_PART_LOCAL) {
        return 0;
    }
    int rc = privilege_become(user, is_net);
    if (rc != 0) {
        log_error("checks", "cannot become user=%s: %s", user, strerror(-rc));
    }
    return rc;
}

static int run(struct worker *worker)
{
    int status = 1;
    uv_loop_t loop;
    int rc = uv_loop_init(&loop);
    if (rc != 0) {
        log_error("checks", "no event loop: %s", uv_strerror(rc));
        return status;
    }
    worker->channel = channel_worker_open(&loop);
    if (worker->channel == NULL) {
        log_error("checks", "no channel: %s", strerror(errno));
        goto close_loop;
    }
    if (give_up_privilege(worker) == 0) {
        run_checks(&loop, worker);
        status = 0;
    }
    channel_worker_close(worker->channel);
close_loop:
    (void)uv_run(&loop, UV_RUN_DEFAULT); /* until everything is closed */
    (void)uv_loop_close(&loop);          /* the process ends */
    return status;
}

int checks_worker_main(enum check_part part, const struct check_type *const *types, size_t n_types)
{
    struct worker worker = {.part = part, .types = types, .n_types = n_types};
    size_t size;
    int status = 1;
    int rc = supervisor_child_enter();
    if (rc != 0) {
        log_error("checks", "no parent: %s", strerror(-rc));
        return status;
    }
    char *text = channel_read_config(&size);
    if (text == NULL) {
        log_error("checks", "no configuration on the channel: %s", strerror(errno));
        return status;
    }
    worker.share = parse_share(text, size);
    if (worker.share != NULL) {
        status = run(&worker);
    }
    free_share(worker.share);
    return status;
}
