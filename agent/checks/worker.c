/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "checks/checks.h"

#include "common/lean.h"
#include "common/log.h"
#include "common/supervisor.h"
#include "common/xalloc.h"
#include "confinement.h"
#include "sample/channel.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* How long a replaced resolv.conf may go unseen. */
enum { FILES_LOOK_MS = 30000 };

/* What is checked points into the share. */
struct worker {
    enum check_part part;
    const struct check_type *const *types;
    size_t n_types;
    struct checks_share *share;
    struct checks *checks;
    struct channel_worker *channel;
    struct confinement *confinement; /* NULL: it looks at this machine itself */
    uv_signal_t term;
    uv_timer_t files;
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

/* Main starts another process, which may read what this one may not. */
static bool begins_anew(struct worker *worker, const struct checks_share *share)
{
    const char *path =
        worker->confinement != NULL ? confinement_outdated(worker->confinement, share) : NULL;
    if (path != NULL) {
        log_info("checks", "begins anew, to read a file that is new or was replaced: file=%s",
                 path);
        uv_stop(worker->term.loop);
    }
    return path != NULL;
}

static void on_files(uv_timer_t *timer)
{
    struct worker *worker = timer->data;
    (void)begins_anew(worker, worker->share);
}

static void on_config(void *context, char *text, size_t size)
{
    struct worker *worker = context;
    struct checks_share *share = parse_share(text, size);
    if (share == NULL) {
        return; /* goes on with the one it has */
    }
    if (begins_anew(worker, share)) {
        free_share(share);
        return;
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

static void run_loop(uv_loop_t *loop, struct worker *worker)
{
    (void)uv_signal_init(loop, &worker->term); /* fails only without descriptors */
    (void)uv_signal_start(&worker->term, on_term, SIGTERM);
    (void)uv_timer_init(loop, &worker->files); /* neither can fail */
    worker->files.data = worker;
    if (worker->confinement != NULL) {
        (void)uv_timer_start(&worker->files, on_files, FILES_LOOK_MS, FILES_LOOK_MS);
    }
    channel_worker_on_config(worker->channel, on_config, worker);
    lean_forget(); /* what reading the configuration and the confinement took */
    (void)uv_run(loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&worker->term, NULL);
    uv_close((uv_handle_t *)&worker->files, NULL);
}

/* What programs it runs, and as whom, is the local worker's own matter: it takes root. The others
 * have opened by now what needs a privilege (the sockets of ping), and have read nothing. */
static int run_checks(uv_loop_t *loop, struct worker *worker)
{
    const struct checks_options options = {
        .device = worker->share->device,
        .sink = channel_worker_sink(worker->channel),
        .types = worker->types,
        .n_types = worker->n_types,
    };
    int status = 0;
    worker->checks = checks_open(loop, &worker->share->checks, &options);
    if (worker->part != CHECK_PART_LOCAL) {
        worker->confinement = confinement_enter(worker->part, worker->share);
        status = worker->confinement == NULL ? 1 : 0;
    }
    if (status == 0) {
        run_loop(loop, worker);
    }
    checks_close(worker->checks);
    confinement_free(worker->confinement);
    return status;
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
    status = run_checks(&loop, worker);
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
