/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The agent's main process: only this file knows the whole chain. What samples (host,
 * workers) delivers past the checks of values into the batcher, that into the spool, and the uplink
 * sends what is there. */
#include "batcher.h"
#include "config.h"
#include "data_folder.h"
#include "options.h"
#include "parts.h"
#include "reload.h"
#include "self.h"
#include "snmp/profile.h"
#include "spool.h"
#include "uplink.h"
#include "value_check.h"
#include "workers.h"

#include "common/lean.h"
#include "common/log.h"
#include "common/privilege.h"
#include "common/xalloc.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    STATUS_FAILED = 1,
    STATUS_USAGE = 2,
    /* How long rows wait for others: each batch is a write to the disk and an exchange with the
     * collector. Half of the shortest interval, within these; what changes the outcome of a check
     * waits for nothing. */
    BATCH_AGE_MAX_MS = 5000,
    BATCH_AGE_MIN_MS = 500,
    DELIVER_MS =
        3000, /* what is pending gets so long when the agent ends; the rest waits on disk */
    DELIVER_LOOK_MS = 20,
    SIGNALS = 3,
    LEAN_MS = 30000, /* by then it has connected, and every check and sampler had its turn */
};

struct agent {
    const char *config_path;
    struct agent_config config;
    struct keys *keys;
    int lock;
    uv_loop_t loop;
    uv_signal_t signals[SIGNALS];
    struct spool *spool;
    struct batcher *batcher;
    struct value_checks *values;
    struct host *host;
    struct workers *workers;
    struct uplink *uplink;
    struct self *self;
    uv_timer_t lean;
    uv_timer_t deliver;
    struct mono deliver_until;
    size_t n_gaps; /* found before there was a batcher */
    struct gap *gaps;
    bool ending;
    bool ended;
    int status;
};

/* --- between the parts --- */

static void on_gap(void *context, const struct gap *gap)
{
    struct agent *agent = context;
    if (agent->batcher != NULL) {
        batcher_gap(agent->batcher, gap);
        return;
    }
    agent->gaps = xreallocarray(agent->gaps, agent->n_gaps + 1, sizeof *agent->gaps);
    agent->gaps[agent->n_gaps++] = *gap;
}

static void on_batch(void *context)
{
    struct agent *agent = context;
    if (agent->uplink != NULL) {
        uplink_wake(agent->uplink);
    }
}

/* --- starting: each step, and what undoes it, in the same order as `end` has them reversed --- */

static int start_spool(struct agent *agent, struct spool_chain *chain)
{
    char reason[512] = "";
    char *folder = xasprintf("%s/spool", agent->config.data);
    struct spool_options options = {.directory = folder,
                                    .segment_bytes = (uint64_t)agent->config.spool.segment_bytes,
                                    .max_bytes = (uint64_t)agent->config.spool.max_bytes,
                                    .on_gap = on_gap,
                                    .context = agent};
    int rc = spool_open(&agent->spool, &options, chain, reason, sizeof reason);
    if (rc != 0) {
        log_error("agent", "the spool cannot be opened: %s", reason);
    }
    free(folder);
    return rc;
}

static int64_t batch_age_ms(const struct agent_config *config)
{
    int64_t half_ms = agent_config_shortest_interval_ms(config) / 2;
    return half_ms > BATCH_AGE_MAX_MS   ? BATCH_AGE_MAX_MS
           : half_ms < BATCH_AGE_MIN_MS ? BATCH_AGE_MIN_MS
                                        : half_ms;
}

static void start_batcher(struct agent *agent, const struct spool_chain *chain)
{
    struct batcher_options options = {.spool = agent->spool,
                                      .keys = agent->keys,
                                      .chain = *chain,
                                      .repeat_ms = agent->config.statements.repeat_ms,
                                      .batch_age_ms = batch_age_ms(&agent->config),
                                      .on_batch = on_batch,
                                      .context = agent};
    agent->batcher = batcher_new(&agent->loop, &options);
    for (size_t i = 0; i < agent->n_gaps; i++) {
        batcher_gap(agent->batcher, &agent->gaps[i]);
    }
    agent->n_gaps = 0;
}

static int start_workers(struct agent *agent, const struct sample_sink *sink)
{
    int rc = workers_open(&agent->workers, &agent->loop, &agent->config, sink);
    if (rc != 0 && rc != -ENOENT) { /* of that it was said which */
        log_error("agent", "workers cannot be started: %s",
                  rc == -EMSGSIZE ? "a share of the configuration is over 8 MiB: give more "
                                    "snmp.workers"
                                  : strerror(-rc));
    }
    return rc;
}

static int start_uplink(struct agent *agent)
{
    struct uplink_options options = {.endpoint = agent->config.collector.endpoint,
                                     .server_key = agent->config.collector.key,
                                     .keys = agent->keys,
                                     .spool = agent->spool};
    int rc = uplink_open(&agent->uplink, &agent->loop, &options);
    if (rc != 0) {
        log_error("agent", "the link cannot be opened collector=%s error=%s", options.endpoint,
                  strerror(-rc));
    }
    return rc;
}

static void start_self(struct agent *agent, const struct sample_sink *sink)
{
    struct self_options options = {.device = agent->config.device,
                                   .batcher = agent->batcher,
                                   .spool = agent->spool,
                                   .uplink = agent->uplink,
                                   .workers = agent->workers};
    agent->self = self_open(&agent->loop, &options, sink);
}

static const struct object *find_object(void *context, const char *device, const char *kind,
                                        const char *name)
{
    struct agent *agent = context;
    return batcher_find(agent->batcher, device, kind, name);
}

static void start_values(struct agent *agent)
{
    const struct value_checks_options options = {.device = agent->config.device,
                                                 .next = batcher_sink(agent->batcher),
                                                 .find = find_object,
                                                 .context = agent};
    agent->values = value_checks_open(&agent->loop, &agent->config.checks, &options);
}

static void start_host(struct agent *agent)
{
    const struct agent_config *config = &agent->config;
    if (config->host.enabled) {
        agent->host = host_open(&agent->loop, &config->host, config->device,
                                value_checks_sink(agent->values));
    }
}

static int start(struct agent *agent)
{
    struct spool_chain chain;
    int rc = start_spool(agent, &chain);
    if (rc != 0) {
        return rc;
    }
    start_batcher(agent, &chain);
    start_values(agent);
    const struct sample_sink *sink = value_checks_sink(agent->values);
    start_host(agent);
    rc = start_workers(agent, sink);
    if (rc == 0) {
        rc = start_uplink(agent);
    }
    if (rc == 0) {
        start_self(agent, sink);
    }
    return rc;
}

/* --- ending: the mirror --- */

/* Everything is delivered or must wait: let go of the loop. */
static void end(struct agent *agent)
{
    if (agent->ended) {
        return;
    }
    agent->ended = true;
    uv_close((uv_handle_t *)&agent->lean, NULL);
    uv_close((uv_handle_t *)&agent->deliver, NULL);
    for (size_t i = 0; i < SIGNALS; i++) {
        uv_close((uv_handle_t *)&agent->signals[i], NULL);
    }
    uplink_close(agent->uplink);
    agent->uplink = NULL;
    workers_free(agent->workers);
    agent->workers = NULL;
    batcher_free(agent->batcher);
    agent->batcher = NULL;
    /* The spool is closed when the loop has run out: nothing of it is under way any more. */
}

static void on_deliver(uv_timer_t *timer)
{
    struct agent *agent = timer->data;
    bool late = mono_elapsed_ms(clock_mono(), agent->deliver_until) <= 0;
    if (late || spool_is_empty(agent->spool) || uplink_state(agent->uplink) != LINK_UP) {
        log_info("agent", "ends batches_waiting=%llu",
                 (unsigned long long)spool_unacknowledged(agent->spool));
        end(agent);
    }
}

/* Nobody samples any more. */
static void on_workers_ended(void *context)
{
    struct agent *agent = context;
    value_checks_close(agent->values);
    agent->values = NULL;
    if (agent->batcher != NULL) {
        batcher_flush(agent->batcher, true);
    }
    if (agent->uplink == NULL) { /* the start failed */
        end(agent);
        return;
    }
    agent->deliver_until = mono_add_ms(clock_mono(), DELIVER_MS);
    (void)uv_timer_start(&agent->deliver, on_deliver, 0, DELIVER_LOOK_MS); /* cannot fail */
}

static void begin_end(struct agent *agent)
{
    agent->ending = true;
    self_close(agent->self);
    agent->self = NULL;
    host_close(agent->host);
    agent->host = NULL;
    if (agent->workers != NULL) {
        workers_stop(agent->workers, on_workers_ended, agent);
    } else {
        on_workers_ended(agent);
    }
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct agent *agent = handle->data;
    log_info("agent", "told to end signal=%d", number);
    if (!agent->ending) {
        begin_end(agent);
    } else if (uv_is_active((const uv_handle_t *)&agent->deliver)) {
        end(agent); /* told twice: what is pending waits on disk */
    }
}

/* Once after the start, and after each reload. */
static void on_lean(uv_timer_t *timer)
{
    (void)timer;
    lean_forget();
}

static void on_taken(void *context, bool host_changed)
{
    struct agent *agent = context;
    value_checks_reload(agent->values, &agent->config.checks, agent->config.device);
    if (host_changed) {
        host_close(agent->host);
        agent->host = NULL;
        start_host(agent);
    }
}

static void on_hangup(uv_signal_t *handle, int number)
{
    struct agent *agent = handle->data;
    (void)number;
    if (!agent->ending) {
        log_info("agent", "reads its configuration again file=%s", agent->config_path);
        const struct reload_options options = {.path = agent->config_path,
                                               .running = &agent->config,
                                               .workers = agent->workers,
                                               .on_taken = on_taken,
                                               .context = agent};
        (void)reload_config(&options);                           /* says it itself */
        (void)uv_timer_start(&agent->lean, on_lean, LEAN_MS, 0); /* cannot fail */
    }
}

/* --- the process --- */

static int load_config(const char *path, struct agent_config *config)
{
    struct config_errors errors = {0};
    int rc = agent_config_load(path, config, &errors);
    if (rc != 0) {
        config_errors_print(stderr, &errors);
    }
    config_errors_clear(&errors);
    return rc;
}

static int load_keys(const char *path, struct keys **keys)
{
    char reason[256] = "";
    int rc = keys_init();
    if (rc == 0) {
        rc = keys_load(path, keys, reason, sizeof reason);
    }
    switch (rc) {
    case 0:
        break;
    case -ENOENT:
        log_error("agent", "there is no key file=%s; make one with: beffroi keys new %s", path,
                  path);
        break;
    case -EPERM:
        log_error("agent", "others may read the keys file=%s; take that away with: chmod 0400 %s",
                  path, path);
        break;
    default:
        log_error("agent",
                  "the keys cannot be loaded file=%s: %s; make new ones with: beffroi "
                  "keys new FILE",
                  path, reason[0] != '\0' ? reason : strerror(-rc));
    }
    return rc;
}

/* As root, become the configured user; the sockets of ping and capture go on working. */
static int become_user(const struct agent_config *config)
{
    bool net_raw = agent_config_needs_net_raw(config);
    int rc = config->user != NULL ? privilege_become(config->user, net_raw) : 0;
    if (rc != 0) {
        log_error("agent", "cannot become user=%s: %s", config->user,
                  rc == -ENOENT ? "there is no such user" : strerror(-rc));
        return rc;
    }
    if (net_raw && !privilege_has_net_raw()) {
        log_warn("agent", "without CAP_NET_RAW: nothing can be captured, and ping may not work; "
                          "start as root with user: set, or give the service the capability");
    }
    return 0;
}

static int open_loop(struct agent *agent)
{
    int rc = uv_loop_init(&agent->loop);
    if (rc != 0) {
        log_error("agent", "no event loop: %s", uv_strerror(rc));
        return rc;
    }
    (void)uv_timer_init(&agent->loop, &agent->deliver); /* cannot fail */
    (void)uv_timer_init(&agent->loop, &agent->lean);
    agent->deliver.data = agent;
    static const struct {
        int number;
        uv_signal_cb call;
    } signals[SIGNALS] = {{SIGTERM, on_signal}, {SIGINT, on_signal}, {SIGHUP, on_hangup}};
    for (size_t i = 0; i < SIGNALS; i++) {
        /* Fails only without descriptors, as everything after it would. */
        (void)uv_signal_init(&agent->loop, &agent->signals[i]);
        (void)uv_signal_start(&agent->signals[i], signals[i].call, signals[i].number);
        agent->signals[i].data = agent;
    }
    return 0;
}

static int run_loop(struct agent *agent)
{
    if (open_loop(agent) != 0) {
        return STATUS_FAILED;
    }
    log_info("agent", "starts version=%s device=%s collector=%s key=%s", BEFFROI_VERSION,
             agent->config.device, agent->config.collector.endpoint,
             keys_curve_public(agent->keys));
    if (start(agent) != 0) {
        agent->status = STATUS_FAILED;
        begin_end(agent);
    } else {
        lean_forget(); /* what reading the configuration took */
        (void)uv_timer_start(&agent->lean, on_lean, LEAN_MS, 0); /* cannot fail */
    }
    (void)uv_run(&agent->loop, UV_RUN_DEFAULT);
    spool_close(agent->spool);
    free(agent->gaps);
    (void)uv_loop_close(&agent->loop); /* all is closed */
    return agent->status;
}

static int run(const char *config_path)
{
    char reason[512] = "";
    struct agent agent = {.config_path = config_path, .lock = -1};
    int status = STATUS_FAILED;
    log_open("agent", LOG_LEVEL_INFO);
    (void)signal(SIGHUP, SIG_IGN); /* a reload before there is anything to reload */
    if (load_config(config_path, &agent.config) != 0) {
        return status;
    }
    log_set_level((enum log_level)agent.config.log.level);
    if (load_keys(agent.config.keys, &agent.keys) != 0) {
        goto free_config;
    }
    agent.lock = data_folder_lock(agent.config.data, agent.config.user, reason, sizeof reason);
    if (agent.lock < 0) {
        log_error("agent", "%s", reason);
        goto free_keys;
    }
    if (become_user(&agent.config) == 0) {
        status = run_loop(&agent);
    }
    (void)close(agent.lock); /* nothing was written */
free_keys:
    keys_free(agent.keys);
free_config:
    agent_config_free(&agent.config);
    return status;
}

static int check_config(const char *path, bool print)
{
    struct agent_config config;
    if (load_config(path, &config) != 0) {
        return STATUS_FAILED;
    }
    if (print) {
        agent_config_print(stdout, &config);
    }
    agent_config_free(&config);
    return fflush(stdout) == 0 ? 0 : STATUS_FAILED;
}

static int print_profile(const char *name)
{
    size_t size = 0;
    const char *text = snmp_profile_shipped(name, &size);
    if (text == NULL) {
        fprintf(stderr, "beffroi-agent: no profile of this name is shipped: %s\n", name);
        return STATUS_FAILED;
    }
    (void)fwrite(text, 1, size, stdout); /* the flush tells */
    return fflush(stdout) == 0 ? 0 : STATUS_FAILED;
}

static int print_profiles(void)
{
    const char *name;
    for (size_t i = 0; (name = snmp_profile_shipped_name(i)) != NULL; i++) {
        puts(name);
    }
    return fflush(stdout) == 0 ? 0 : STATUS_FAILED;
}

/* Hands a command over to the program that has what it needs. */
static int run_part(const char *part, char *argv[])
{
    char reason[512];
    char *program = part_find(part, reason, sizeof reason);
    if (program == NULL) {
        fprintf(stderr, "beffroi-agent: the installation is not complete: %s\n", reason);
        return STATUS_FAILED;
    }
    (void)execv(program, argv); /* argv[1] is the command */
    fprintf(stderr, "beffroi-agent: %s: %s\n", program, strerror(errno));
    free(program);
    return STATUS_FAILED;
}

int main(int argc, char *argv[])
{
    struct options options;
    char reason[256];
    lean_begin();
    (void)signal(SIGPIPE, SIG_IGN); /* cannot fail */
    if (argc > 1 && strcmp(argv[1], "poll") == 0) {
        return run_part("snmp", argv);
    }
    if (argc > 1 && strcmp(argv[1], "meter") == 0) {
        return run_part("capture", argv);
    }
    if (options_parse(argc, argv, &options, reason, sizeof reason) != 0) {
        fprintf(stderr, "beffroi-agent: %s\n", reason);
        options_print_usage(stderr);
        return STATUS_USAGE;
    }
    switch (options.mode) {
    case OPTIONS_RUN:
        return run(options.config);
    case OPTIONS_CHECK:
        return check_config(options.config, false);
    case OPTIONS_PRINT_CONFIG:
        return check_config(options.config, true);
    case OPTIONS_PRINT_PROFILE:
        return print_profile(options.profile);
    case OPTIONS_PRINT_PROFILES:
        return print_profiles();
    case OPTIONS_PRINT_EXAMPLE:
        config_print_commented(stdout, &agent_config_schema);
        break;
    case OPTIONS_HELP:
        options_print_usage(stdout);
        break;
    case OPTIONS_VERSION:
        puts("beffroi-agent " BEFFROI_VERSION);
        break;
    }
    return fflush(stdout) == 0 ? 0 : STATUS_FAILED;
}
