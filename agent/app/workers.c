/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "workers.h"

#include "checks/config.h"
#include "common/log.h"
#include "common/supervisor.h"
#include "common/xalloc.h"
#include "parts.h"
#include "sample/channel.h"
#include "shards.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GRACE_MS = 2000 }; /* a worker sends its last report within half a second */

struct worker {
    struct workers *workers;
    char *name;
    char *config; /* what the next start of it is told */
    size_t config_size;
    struct channel_main *channel;
    struct supervisor_child *child;
    bool retired;
};

struct workers {
    uv_loop_t *loop;
    const struct sample_sink *sink;
    struct supervisor *supervisor;
    char *snmp_program; /* found when first there was work for it */
    char *capture_program;
    char *check_programs[CHECK_PART_MAIN];
    size_t n_workers; /* all that there ever were, retired ones too */
    struct worker **workers;
    size_t n_shards;
    struct worker **shards;                 /* NULL: no device is its */
    struct worker *checks[CHECK_PART_MAIN]; /* NULL: there is no check of that part */
    bool stopping;
};

/* --- what the capture worker is told --- */

struct capture_share {
    char *device;
    char *check;
    char *user;
    struct capture_config capture;
};
static const struct config_field capture_fields[] = {
    {.key = "device", .type = CONFIG_STRING, .offset = offsetof(struct capture_share, device)},
    {.key = "check", .type = CONFIG_STRING, .offset = offsetof(struct capture_share, check)},
    {.key = "user", .type = CONFIG_STRING, .offset = offsetof(struct capture_share, user)},
    {.key = "capture",
     .type = CONFIG_MAP,
     .offset = offsetof(struct capture_share, capture),
     .schema = &capture_config_schema},
    {0},
};
static const struct config_schema capture_schema = {
    .name = "capture worker",
    .size = sizeof(struct capture_share),
    .fields = capture_fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
};

/* --- life of one --- */

static int on_make_channel(void *context)
{
    struct worker *worker = context;
    return channel_main_connect(worker->channel, worker->config, worker->config_size);
}

static void on_exit_of(void *context, int64_t status, int term_signal)
{
    struct worker *worker = context;
    (void)status; /* the supervisor has logged how it ended */
    (void)term_signal;
    channel_main_disconnect(worker->channel, worker->workers->stopping || worker->retired);
}

static void kill_worker(void *context)
{
    struct worker *worker = context;
    int pid = supervisor_child_pid(worker->child);
    if (pid > 0) {
        (void)kill(pid, SIGKILL); /* fails only if it has ended already */
    }
}

/* Takes over the text. */
static struct worker *worker_new(struct workers *workers, const char *kind, size_t n, char *config,
                                 size_t config_size)
{
    struct worker *worker = xcalloc(1, sizeof *worker);
    worker->workers = workers;
    worker->config = config;
    worker->config_size = config_size;
    worker->name = n == 0 ? xstrdup(kind) : xasprintf("%s-%zu", kind, n + 1);
    worker->channel = channel_main_new(workers->loop, workers->sink, worker->name);
    channel_main_on_garbage(worker->channel, kill_worker, worker);
    workers->workers =
        xreallocarray(workers->workers, workers->n_workers + 1, sizeof(workers->workers[0]));
    workers->workers[workers->n_workers++] = worker;
    return worker;
}

static void worker_start(struct worker *worker, const char *program)
{
    const char *const argv[] = {program, NULL};
    struct supervisor_command command = {.name = worker->name,
                                         .argv = argv,
                                         .make_channel = on_make_channel,
                                         .on_exit = on_exit_of,
                                         .context = worker};
    worker->child = supervisor_start(worker->workers->supervisor, &command);
}

static void worker_free(struct worker *worker)
{
    channel_main_free(worker->channel);
    shards_free_text(worker->config, worker->config_size);
    free(worker->name);
    free(worker);
}

/* Takes over the text. */
static void worker_configure(struct worker *worker, char *config, size_t config_size)
{
    bool same =
        worker->config_size == config_size && memcmp(worker->config, config, config_size) == 0;
    shards_free_text(worker->config, worker->config_size);
    worker->config = config;
    worker->config_size = config_size;
    int rc = same ? 0 : channel_main_configure(worker->channel, config, config_size);
    if (rc != 0 && rc != -ENOTCONN) { /* one that is not running will read it at its start */
        log_warn("agent", "worker takes no other configuration, it is started again: worker=%s: %s",
                 worker->name, strerror(-rc));
        kill_worker(worker);
    }
}

static void worker_retire(struct worker *worker)
{
    worker->retired = true;
    shards_free_text(worker->config, worker->config_size);
    worker->config = NULL;
    supervisor_end_child(worker->child, GRACE_MS);
}

/* --- all of them --- */

static int find_program(char **program, const char *part)
{
    char reason[512];
    if (*program != NULL) {
        return 0;
    }
    *program = part_find(part, reason, sizeof reason);
    if (*program == NULL) {
        log_error("agent", "the installation is not complete: %s", reason);
        return -ENOENT;
    }
    return 0;
}

struct text {
    char *text;
    size_t size;
};

static void free_texts(struct text *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        shards_free_text(texts[i].text, texts[i].size);
    }
    free(texts);
}

/* One for each shard, each with NULL if none of the devices is its. NULL: one is too large. */
static struct text *print_shares(const struct agent_config *config, size_t count)
{
    struct text *texts = xcalloc(count + 1, sizeof *texts);
    for (size_t i = 0; i < count; i++) {
        texts[i].text = shards_print(config, i, count, &texts[i].size);
        if (texts[i].size > CHANNEL_CONFIG_MAX) {
            free_texts(texts, count);
            return NULL;
        }
    }
    return texts;
}

/* The i-th worker of a kind goes over to a text, which it takes, or ends for want of one: who does
 * that work from now on; NULL: nobody. */
static struct worker *worker_replace(struct workers *workers, struct worker *worker,
                                     const char *kind, size_t i, const char *program,
                                     struct text text)
{
    if (text.text == NULL) {
        if (worker != NULL) {
            worker_retire(worker);
        }
        return NULL;
    }
    if (worker != NULL) {
        worker_configure(worker, text.text, text.size);
        return worker;
    }
    worker = worker_new(workers, kind, i, text.text, text.size);
    worker_start(worker, program);
    return worker;
}

static void reload_shards(struct workers *workers, struct text *texts, size_t count)
{
    struct worker **shards = xcalloc(count + 1, sizeof(shards[0]));
    for (size_t i = 0; i < workers->n_shards || i < count; i++) {
        struct worker *worker = i < workers->n_shards ? workers->shards[i] : NULL;
        struct text text = i < count ? texts[i] : (struct text){0};
        worker = worker_replace(workers, worker, "snmp", i, workers->snmp_program, text);
        if (i < count) {
            shards[i] = worker;
        }
    }
    free(workers->shards);
    workers->shards = shards;
    workers->n_shards = count;
}

/* What the worker of a part is told: struct checks_share's text; NULL: no check is its. */
static struct text print_checks(const struct agent_config *config, enum check_part part)
{
    const struct check_config *items = config->checks.items;
    struct text text = {0};
    struct checks_share share = {.device = config->device, .user = config->user};
    struct check_config *own = xcalloc(config->checks.count + 1, sizeof *own);
    for (size_t i = 0; i < config->checks.count; i++) {
        if (check_facts(items[i].type)->part == part) {
            own[share.checks.count++] = items[i]; /* borrowed */
        }
    }
    share.checks.items = own;
    FILE *out = share.checks.count > 0 ? open_memstream(&text.text, &text.size) : NULL;
    if (out != NULL) {
        config_print(out, &checks_share_schema, &share);
        (void)fclose(out); /* to memory */
    }
    free(own);
    return text;
}

/* 0, -ENOENT or -EMSGSIZE: then nothing is kept of the texts. */
static int prepare_checks(struct workers *workers, const struct agent_config *config,
                          struct text texts[CHECK_PART_MAIN])
{
    int rc = 0;
    for (enum check_part part = 0; part < CHECK_PART_MAIN && rc == 0; part++) {
        texts[part] = print_checks(config, part);
        if (texts[part].size > CHANNEL_CONFIG_MAX) {
            rc = -EMSGSIZE;
        } else if (texts[part].text != NULL) {
            rc = find_program(&workers->check_programs[part], check_part_name(part));
        }
    }
    for (enum check_part part = 0; part < CHECK_PART_MAIN && rc != 0; part++) {
        shards_free_text(texts[part].text, texts[part].size);
    }
    return rc;
}

int workers_reload(struct workers *workers, const struct agent_config *config)
{
    struct text checks[CHECK_PART_MAIN] = {0};
    size_t count = shards_count(config);
    if (config->devices.count > 0 && find_program(&workers->snmp_program, "snmp") != 0) {
        return -ENOENT;
    }
    int rc = prepare_checks(workers, config, checks);
    if (rc != 0) {
        return rc;
    }
    struct text *texts = print_shares(config, count);
    if (texts == NULL) {
        for (enum check_part part = 0; part < CHECK_PART_MAIN; part++) {
            shards_free_text(checks[part].text, checks[part].size);
        }
        return -EMSGSIZE;
    }
    reload_shards(workers, texts, count);
    free(texts); /* the workers have what was in it */
    for (enum check_part part = 0; part < CHECK_PART_MAIN; part++) {
        workers->checks[part] =
            worker_replace(workers, workers->checks[part], check_part_name(part), 0,
                           workers->check_programs[part], checks[part]);
    }
    return 0;
}

/* What the worker of the i-th interface is told: that it is the only one. */
static char *print_capture_share(const struct agent_config *config, size_t i, size_t *size)
{
    struct capture_share share = {
        .device = config->device, .user = config->user, .capture = config->capture};
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    if (out == NULL) {
        return NULL;
    }
    char *interface = xstrdup(capture_config_interface(&config->capture, i));
    share.check = capture_config_check_name(&config->capture, i);
    share.capture.interface = interface;
    share.capture.interfaces = (struct config_strings){0};
    config_print(out, &capture_schema, &share);
    (void)fclose(out); /* to memory */
    free(share.check);
    free(interface);
    return text;
}

static int start_capture(struct workers *workers, const struct agent_config *config)
{
    if (!config->capture.present) {
        return 0;
    }
    if (find_program(&workers->capture_program, "capture") != 0) {
        return -ENOENT;
    }
    for (size_t i = 0; i < capture_config_count(&config->capture); i++) {
        size_t size = 0;
        char *text = print_capture_share(config, i, &size);
        if (text == NULL) {
            return -errno;
        }
        worker_start(worker_new(workers, "capture", i, text, size), workers->capture_program);
    }
    return 0;
}

int workers_open(struct workers **out, uv_loop_t *loop, const struct agent_config *config,
                 const struct sample_sink *sink)
{
    struct workers *workers = xcalloc(1, sizeof *workers);
    workers->loop = loop;
    workers->sink = sink;
    workers->supervisor = supervisor_new(loop);
    int rc = workers_reload(workers, config);
    if (rc == 0) {
        rc = start_capture(workers, config);
    }
    *out = workers; /* what was started must be stopped, also after a failure */
    return rc;
}

uint64_t workers_restarts(const struct workers *workers)
{
    uint64_t restarts = 0;
    for (size_t i = 0; i < workers->n_workers; i++) {
        if (workers->workers[i]->child != NULL) {
            restarts += supervisor_child_restarts(workers->workers[i]->child);
        }
    }
    return restarts;
}

void workers_stop(struct workers *workers, void (*done)(void *context), void *context)
{
    workers->stopping = true;
    supervisor_stop(workers->supervisor, GRACE_MS, done, context);
}

void workers_free(struct workers *workers)
{
    if (workers == NULL) {
        return;
    }
    for (size_t i = 0; i < workers->n_workers; i++) {
        worker_free(workers->workers[i]);
    }
    free(workers->workers);
    free(workers->shards);
    free(workers->snmp_program);
    free(workers->capture_program);
    for (size_t i = 0; i < CHECK_PART_MAIN; i++) {
        free(workers->check_programs[i]);
    }
    supervisor_free(workers->supervisor);
    free(workers);
}
